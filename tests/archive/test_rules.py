"""What somebody means by a search, pages of a list, and lists that no spreadsheet takes for formulas."""

import csv
import io
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intake.archive.rules import (
    MOST_DAYS,
    Query,
    days_between,
    harmless,
    is_within,
    page_after,
    read_day,
    read_query,
    sheet,
)

MONDAY = date(2026, 11, 23)
BORN = date(1968, 3, 4)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("KS-7KQ2-M9XF", Query(number="KS-7KQ2-M9XF")),
        ("ks-7kqo-mlxi", Query(number="KS-7KQ0-M1X1")),
        ("K 14", Query(letter="K", count=14)),
        ("k14", Query(letter="K", count=14)),
        ("T-07", Query(letter="T", count=7)),
        ("k १४", Query(letter="K", count=14)),
        ("sheikh", Query(name="sheikh")),
        ("  Omar   Haddad Khan ", Query(name="Omar Haddad Khan")),
        ("फरीदा शेख", Query(name="फरीदा शेख")),
        ("98400 00421", Query(phone="9840000421")),
        ("+91 (98400) 00421", Query(phone="919840000421")),
        ("0421", Query(phone="0421")),
        ("९८४०० ००४२१", Query(phone="9840000421")),
        ("farid 0421", Query(name="farid", phone="0421")),
        ("1968-03-04", Query(born_on=BORN)),
        ("4 March 1968", Query(born_on=BORN)),
        ("4.3.1968", Query(born_on=BORN)),
        ("04/03/1968", Query(born_on=BORN)),
        ("4 मार्च 1968", Query(born_on=BORN)),
        ("sheikh 1968-03-04", Query(name="sheikh", born_on=BORN)),
        ("sheikh 4 Mar 1968 0421", Query(name="sheikh", phone="0421", born_on=BORN)),
        ("", Query()),
    ],
)
def test_one_box_understands_what_people_write(typed: str, meant: Query) -> None:
    assert read_query(typed) == meant


@pytest.mark.parametrize("typed", ["ks 7kq2 m9xf", "ks7kq2m9xf", "KS 7KQ2M9XF"])
def test_a_number_is_understood_without_its_dashes(typed: str) -> None:
    assert read_query(typed).number == "KS-7KQ2-M9XF"


@pytest.mark.parametrize(
    ("typed", "name", "phone"),
    [
        ("Alexandrina", "Alexandrina", ""),
        ("Farida Sheikh", "Farida Sheikh", ""),
        ("Asha Khan 0421", "Asha Khan", "0421"),
    ],
)
def test_a_name_that_could_be_a_number_is_still_a_name(typed: str, name: str, phone: str) -> None:
    query = read_query(typed)
    assert query.number and query.names_somebody
    assert (query.name, query.phone) == (name, phone)


def test_a_date_that_does_not_exist_is_not_a_date_of_birth() -> None:
    assert read_query("sheikh 31.02.1968").born_on is None


@pytest.mark.parametrize("typed", ["she", "0421", "9840000421", "K 14", "KS-7KQ2-M9XF", "1968-03-04", "शेख ख"])
def test_three_letters_or_an_exact_number_say_enough(typed: str) -> None:
    assert read_query(typed).says_enough


@pytest.mark.parametrize("typed", ["", "sh", "...", "421", "04210", "farida 421", "🌸🌸🌸"])
def test_less_does_not_say_enough(typed: str) -> None:
    assert not read_query(typed).says_enough


@given(st.text(max_size=200))
def test_whatever_is_typed_is_read_without_fail(typed: str) -> None:
    query = read_query(typed)
    assert isinstance(query.says_enough, bool)
    assert set(query.kinds.split(",")) <= {"", "number", "token", "name", "phone", "born_on"}


def test_the_log_learns_the_kinds_of_a_search_and_not_its_words() -> None:
    assert read_query("sheikh 4 Mar 1968 0421").kinds == "name,phone,born_on"


def test_a_token_is_looked_for_today_unless_days_are_given() -> None:
    assert days_between(None, None, MONDAY) == [MONDAY]
    assert days_between(None, MONDAY - timedelta(days=3), MONDAY) == [MONDAY - timedelta(days=3)]
    assert days_between(MONDAY - timedelta(days=2), None, MONDAY) == [MONDAY - timedelta(days=n) for n in range(3)]


def test_a_long_span_of_days_is_cut_where_it_can_be_seen_to_be_too_long() -> None:
    assert len(days_between(MONDAY - timedelta(days=MOST_DAYS - 1), None, MONDAY)) == MOST_DAYS
    assert len(days_between(date(1900, 1, 1), None, MONDAY)) == MOST_DAYS + 1


@pytest.mark.parametrize(
    ("since", "until", "inside"),
    [
        (None, None, True),
        (MONDAY, MONDAY, True),
        (MONDAY + timedelta(days=1), None, False),
        (None, MONDAY - timedelta(days=1), False),
    ],
)
def test_a_span_includes_both_its_ends(since: date | None, until: date | None, inside: bool) -> None:
    assert is_within(MONDAY, since, until) is inside


def test_a_day_is_read_as_a_date_box_sends_it() -> None:
    assert read_day("2026-11-23") == read_day("२०२६-११-२३") == MONDAY
    assert read_day("  ") is None
    with pytest.raises(ValueError, match="isoformat"):
        read_day("23.11.2026")


@given(st.sets(st.integers(0, 60)), st.integers(1, 10))
def test_pages_show_everything_once_in_order(numbers: set[int], size: int) -> None:
    keys = [(f"{number:03d}", "") for number in sorted(numbers, reverse=True)]
    shown: list[tuple[str, str]] = []
    after = None
    while True:
        start, end = page_after(keys, after, size)
        shown += keys[start:end]
        if end == len(keys):
            break
        after = keys[end - 1]
    assert shown == keys


def test_a_record_filed_meanwhile_does_not_shift_the_next_page() -> None:
    keys = [("3", ""), ("2", ""), ("1", "")]
    _, end = page_after(keys, None, 2)
    last = keys[end - 1]
    assert page_after([("4", ""), *keys], last, 2) == (3, 4)


@pytest.mark.parametrize("cell", ["=1+1", "+91 98400", "-2", "@SUM(A1)", "\t=1", "\r=1", "  =1", "\ufeff=1"])
def test_a_cell_that_looks_like_a_formula_is_made_text(cell: str) -> None:
    assert harmless(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["Farida Sheikh", "KS-7KQ2-M9XF", "", "1968-03-04", "O'Brien = Ann"])
def test_other_cells_stay_as_they_are(cell: str) -> None:
    assert harmless(cell) == cell


@given(
    st.lists(
        st.lists(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\x00")), min_size=2, max_size=2)
    )
)
def test_a_list_is_read_back_as_it_was_written(rows: list[list[str]]) -> None:
    text = sheet(("a", "b"), rows).decode("utf-8-sig")
    assert text.startswith('"a","b"\r\n')
    read = list(csv.reader(io.StringIO(text, newline="")))
    assert read[1:] == [[harmless(cell) for cell in row] for row in rows]
