"""Which pages were on the screen and for how long, told from the log."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from intake.visits.reading import SENT, SHOWN, End, Happening, Reading, best, end_said, in_all, readings, worst
from tests.conftest import MONDAY_NOON


def at(seconds: float) -> datetime:
    return MONDAY_NOON + timedelta(seconds=seconds)


def shown(page: str, seconds: float) -> Happening:
    return Happening(at(seconds), SHOWN, page)


def sent(page: str, seconds: float, end: End = End.SEEN) -> Happening:
    return Happening(at(seconds), SENT, page, end)


def test_a_page_lasts_from_its_showing_until_it_is_sent() -> None:
    found = readings([shown("risks", 0), sent("risks", 100.9), shown("sign", 101)])
    assert found[0] == Reading("risks", 1, at(0), at(100.9), 100, End.SEEN)


def test_a_page_that_is_on_the_screen_still_has_no_length() -> None:
    assert readings([shown("sign", 5)]) == [Reading("sign", 1, at(5), None, None, End.NOT_KNOWN)]


def test_a_page_shown_again_counts_all_its_showings() -> None:
    log = [shown("a", 0), sent("a", 10, End.NOT_SEEN), shown("b", 10), shown("a", 40), sent("a", 45)]
    assert readings(log) == [
        Reading("a", 2, at(0), at(45), 15, End.SEEN),
        Reading("b", 1, at(10), None, 30, End.NOT_KNOWN),
    ]


def test_what_happens_while_the_tablet_is_locked_is_no_reading() -> None:
    log = [shown("a", 0), Happening(at(60), "tablet.locked"), Happening(at(600), "tablet.reopened"), sent("a", 700)]
    assert readings(log)[0].seconds == 60


def test_what_others_do_meanwhile_ends_no_showing() -> None:
    assert readings([shown("a", 0), Happening(at(5), "visit.help_asked"), sent("a", 20)])[0].seconds == 20


def test_a_page_sent_that_was_never_shown_is_not_made_up() -> None:
    assert readings([sent("a", 3)]) == []


def test_only_the_two_words_of_the_script_say_anything_of_the_end() -> None:
    assert [end_said(value) for value in ("1", "0")] == [End.SEEN, End.NOT_SEEN]
    assert {end_said(value) for value in (None, "", "2", "true", "01", "١", "1 ", "x" * 10_000)} == {End.NOT_KNOWN}


def test_one_page_is_seen_once_it_was_seen_and_several_only_where_each_was() -> None:
    assert best([End.NOT_KNOWN, End.SEEN, End.NOT_SEEN]) is End.SEEN and best([]) is End.NOT_KNOWN
    assert worst([End.SEEN, End.SEEN]) is End.SEEN and worst([]) is End.NOT_KNOWN
    assert worst([End.SEEN, End.NOT_KNOWN]) is End.NOT_KNOWN
    assert worst([End.NOT_KNOWN, End.NOT_SEEN]) is End.NOT_SEEN


def test_the_time_of_several_pages_is_known_where_that_of_each_is() -> None:
    assert (in_all([40, 60]), in_all([40, None]), in_all([])) == (100, None, None)


WHAT = st.sampled_from([SHOWN, SENT, "tablet.locked", "consent.presented"])
EVENTS = st.lists(st.tuples(WHAT, st.sampled_from("abc"), st.floats(0, 900)), max_size=40)


@given(EVENTS)
def test_pages_never_last_longer_together_than_the_log(steps: list[tuple[str, str, float]]) -> None:
    now, log = MONDAY_NOON, []
    for event, page, seconds in steps:
        now += timedelta(seconds=seconds)
        log.append(Happening(now, event, page))
    found = readings(log)
    assert {one.page for one in found} == {one.page for one in log if one.event == SHOWN}
    assert sum(one.times for one in found) == sum(one.event == SHOWN for one in log)
    assert sum(one.seconds or 0 for one in found) <= (now - MONDAY_NOON).total_seconds()
