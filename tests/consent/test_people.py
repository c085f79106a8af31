"""Who may sign and who takes part: what stands against a signature, and what the doctor is told of it."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from intake.consent.people import (
    RELATIVE_INTERPRETS,
    ROLES,
    Fault,
    Helped,
    Part,
    Person,
    Role,
    Signing,
    Way,
    faults_of,
    folded,
    guardian_may_sign,
    notes_of,
)
from intake.consent.rules import age_of, expires_on, is_expired

ALONE = Signing(Way.TYPED, "Farida Sheikh", (), "Farida Sheikh", 58, is_guarded=True)
SON = Person(Part.GUARDIAN, "Imran Sheikh", Role.FAMILY)
WITNESS = Person(Part.WITNESS, "Asha Iyer", Role.STAFF)


def against(signing: Signing, *, allowed: bool = False) -> list[tuple[Fault, Part]]:
    return faults_of(signing, guardian_allowed=allowed)


@pytest.mark.parametrize("way", Way)
def test_a_patient_alone_may_draw_or_type_and_needs_a_witness_for_a_thumb_print(way: Way) -> None:
    assert against(replace(ALONE, way=way)) == ([(Fault.NO_WITNESS, Part.WITNESS)] if way is Way.THUMB else [])
    assert against(replace(ALONE, way=way, people=(WITNESS,))) == []


@pytest.mark.parametrize("part", Part)
def test_whoever_takes_part_is_named_with_a_role_that_the_part_has(part: Part) -> None:
    named, drawn = Person(part, "Asha Iyer", ROLES[part][0]), replace(ALONE, way=Way.DRAWN, typed="")
    assert against(replace(drawn, people=(named,))) == []
    for name in ("", "A"):
        assert against(replace(drawn, people=(replace(named, name=name),))) == [(Fault.NO_NAME, part)]
    for role in {"", "nobody", *Role} - set(ROLES[part]):
        assert against(replace(drawn, people=(replace(named, role=role),))) == [(Fault.NO_ROLE, part)]


@pytest.mark.parametrize(
    "name", ["Farida Sheikh", "farida  SHEIKH", "Sheikh, Farida", "Ｆarida Sheikh", "FARIDA-SHEIKH."]
)
def test_nobody_is_their_own_witness_however_the_name_is_written(name: str) -> None:
    witness = replace(WITNESS, name=name)
    assert against(replace(ALONE, people=(witness,))) == [(Fault.OWN_WITNESS, Part.WITNESS)]


def test_a_name_that_was_typed_and_a_guardian_count_as_signing_too() -> None:
    typed = replace(ALONE, typed="F. Sheikh", people=(replace(WITNESS, name="f sheikh"),))
    guardian = replace(ALONE, typed="", people=(SON, replace(WITNESS, name="imran sheikh")))
    for signing in (typed, guardian):
        assert against(signing) == [(Fault.OWN_WITNESS, Part.WITNESS)]


def test_a_guardian_of_an_adult_signs_with_a_name_of_their_own() -> None:
    assert against(replace(ALONE, typed="Imran Sheikh", people=(SON,))) == []
    assert replace(ALONE, people=(SON,)).signer == "Imran Sheikh"
    for signing in (
        replace(ALONE, typed="farida sheikh", people=(SON,)),
        replace(ALONE, typed="Imran", people=(replace(SON, name="Farida Sheikh"),)),
    ):
        assert against(signing) == [(Fault.NOT_OWN_NAME, Part.GUARDIAN)]


def test_nobody_signs_for_a_patient_who_answers_for_themselves() -> None:
    signing = replace(ALONE, typed="Imran Sheikh", people=(SON,), is_guarded=False)
    for allowed in (False, True):
        assert against(signing, allowed=allowed) == [(Fault.NO_GUARDIAN, Part.GUARDIAN)]


@pytest.mark.parametrize(("age", "adult"), [(17, False), (18, True), (None, False), (0, False), (90, True)])
def test_a_guardian_signs_for_a_minor_only_where_the_clinic_allows_it(age: int | None, adult: bool) -> None:
    assert (guardian_may_sign(age, allowed=False), guardian_may_sign(age, allowed=True)) == (adult, True)
    signing = replace(ALONE, typed="Imran Sheikh", people=(SON,), age=age)
    assert against(signing) == ([] if adult else [(Fault.MINOR, Part.GUARDIAN)])
    assert against(signing, allowed=True) == []


def test_somebody_is_18_from_the_morning_of_the_birthday() -> None:
    assert [age_of("2008-11-23", date(2026, 11, day)) for day in (22, 23)] == [17, 18]
    assert age_of("", date(2026, 11, 23)) is None


@pytest.mark.parametrize(
    ("people", "noted"),
    [
        ([], False),
        ([Person(Part.INTERPRETER, "Imran", Role.FAMILY)], True),
        ([Person(Part.INTERPRETER, "Meera", Role.INTERPRETER)], False),
        ([Person(Part.INTERPRETER, "Imran", Role.FAMILY), Person(Part.HELPER, "Meera", Role.INTERPRETER)], False),
        ([Person(Part.HELPER, "Imran", Role.FAMILY)], False),
    ],
)
def test_a_relative_who_interprets_alone_is_noted_and_never_refused(people: list[Person], noted: bool) -> None:
    assert notes_of(people) == ([RELATIVE_INTERPRETS] if noted else [])
    assert against(replace(ALONE, people=tuple(people))) == []


@pytest.mark.parametrize(
    ("who", "role", "person"),
    [
        ("self", "", None),
        ("helped", "family", Person(Part.HELPER, "Asha", "family")),
        ("helped", "interp", Person(Part.INTERPRETER, "Asha", "interp")),
        ("guardian", "guardian", Person(Part.GUARDIAN, "Asha", "guardian")),
        ("guardian", "staff", Person(Part.GUARDIAN, "Asha", "")),
    ],
)
def test_who_helped_with_the_questions_is_suggested_for_the_part_they_played(
    who: str, role: str, person: Person | None
) -> None:
    assert Helped(who, "Asha" if person else "", role, "").person == person


@given(some.text(max_size=40))
def test_folding_a_name_twice_changes_nothing_more_and_capitals_make_no_other_person(name: str) -> None:
    assert folded(folded(name)) == folded(name)
    assert folded(f"  {name} . ") == folded(name)


@pytest.mark.parametrize(("one", "other"), [("सुनीता", "सुनता"), ("Asha", "Usha"), ("فريدة", "فريد")])
def test_names_that_differ_stay_different(one: str, other: str) -> None:
    assert folded(one) != folded(other)


# ---- How long a consent is good for ----


@pytest.mark.parametrize(
    ("day", "months", "last"),
    [
        (date(2026, 11, 28), 6, date(2027, 5, 28)),
        (date(2026, 8, 31), 6, date(2027, 2, 28)),
        (date(2027, 8, 31), 6, date(2028, 2, 29)),
        (date(2028, 2, 29), 12, date(2029, 2, 28)),
        (date(2026, 12, 31), 1, date(2027, 1, 31)),
        (date(2026, 6, 30), 6, date(2026, 12, 30)),
    ],
)
def test_a_consent_is_good_until_the_same_day_months_later_or_the_last_of_a_shorter_month(
    day: date, months: int, last: date
) -> None:
    assert expires_on(day, months) == last


@given(some.dates(date(2000, 1, 1), date(2090, 12, 31)), some.integers(1, 24))
def test_the_last_day_lies_that_many_calendar_months_ahead_and_never_in_the_month_after(day: date, months: int) -> None:
    last = expires_on(day, months)
    assert (last.year * 12 + last.month) - (day.year * 12 + day.month) == months
    assert last.day == day.day or (last.day < day.day and (last + timedelta(days=1)).day == 1)
    assert expires_on(day, months) <= expires_on(day, months + 1)


@given(some.dates(date(2000, 1, 1), date(2090, 12, 31)))
def test_the_last_day_is_still_good_and_the_next_is_not(last: date) -> None:
    assert not is_expired(last, last)
    assert is_expired(last, date.fromordinal(last.toordinal() + 1))
    assert not is_expired(last, date.fromordinal(last.toordinal() - 1))
