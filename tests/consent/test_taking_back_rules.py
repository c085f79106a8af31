"""The rules of taking back: which parts a consent has, what is left of it, and which statement says so."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from intake.consent.rules import (
    TREATMENT,
    Agreed,
    Kind,
    State,
    check_move,
    state,
    take_back,
    treatment_parts,
    treatments_left,
)
from intake.errors import Invalid

BOTH = Agreed({Kind.SIGNED, Kind.COUNTERSIGNED}, ["FAT", "HAIR"], ["ph.rec"])
CODES = some.lists(some.sampled_from(["FAT", "REJUV", "LIGHT", "HAIR", "LIPS"]), unique=True, min_size=1)
AGREEMENTS = some.lists(some.sampled_from(["ph.rec", "ph.teach", "ph.pub"]), unique=True)
GIVEN = some.sampled_from([frozenset({Kind.SIGNED}), frozenset({Kind.SIGNED, Kind.COUNTERSIGNED})])
AGREED = some.builds(Agreed, GIVEN, CODES, AGREEMENTS)


def after(agreed: Agreed, *asked: set[str]) -> tuple[Agreed, list[Kind]]:
    """What is left when all of this was asked for, one after another, and which statements were made."""
    made = []
    for one in asked:
        if (taking := take_back(agreed, one)) is not None:
            check_move(agreed.kinds, taking.kind)
            made.append(taking.kind)
            gone = agreed.taken_back | set(taking.parts)
            agreed = Agreed(agreed.kinds | {taking.kind}, agreed.treatments, agreed.agreements, gone)
            assert agreed.stands == list(taking.stands)
            assert {*taking.parts, *taking.before} == set(agreed.gone) and not {*taking.parts} & {*taking.before}
    return agreed, made


def test_one_of_several_treatments_is_taken_back_in_part_and_the_last_one_wholly() -> None:
    first, made = after(BOTH, {"treatment:FAT"})
    assert made == [Kind.PART_WITHDRAWN]
    assert (first.gone, first.stands) == (["treatment:FAT"], ["treatment:HAIR", "ph.rec"])
    assert state(first.kinds) is State.COUNTERSIGNED
    last, made = after(first, {"treatment:HAIR"})
    assert (made, last.stands, state(last.kinds)) == ([Kind.WITHDRAWN], ["ph.rec"], State.WITHDRAWN)


def test_a_visit_of_one_treatment_has_it_as_the_treatment() -> None:
    one = Agreed({Kind.SIGNED}, ["FAT"], [])
    assert one.parts == [TREATMENT]
    with pytest.raises(Invalid):
        take_back(one, {"treatment:FAT"})


def test_the_treatment_alone_means_all_of_them_where_it_is_asked_for_and_where_it_was_written() -> None:
    asked = take_back(BOTH, {TREATMENT})
    assert asked is not None and (asked.kind, asked.parts) == (Kind.WITHDRAWN, ("treatment:FAT", "treatment:HAIR"))
    written = Agreed(BOTH.kinds | {Kind.WITHDRAWN}, BOTH.treatments, BOTH.agreements, {TREATMENT})
    assert (written.gone, written.stands) == (["treatment:FAT", "treatment:HAIR"], ["ph.rec"])
    assert treatments_left(["FAT", "HAIR"], {TREATMENT}) == treatments_left(["FAT"], {TREATMENT}) == frozenset()
    assert treatments_left(["FAT", "HAIR"], {"treatment:FAT", "ph.rec"}) == {"HAIR"}


@pytest.mark.parametrize("asked", [set(), {"treatment:LIPS"}, {"ph.pub"}, {"treatment:FAT", "nonsense"}, {"FAT"}])
def test_what_was_never_agreed_to_is_refused(asked: set[str]) -> None:
    with pytest.raises(Invalid) as refusal:
        take_back(BOTH, asked)
    assert refusal.value.code == "consent.nothing_chosen"


@pytest.mark.parametrize("last", [Kind.POSTPONED, Kind.CLOSED, Kind.DECLINED])
def test_where_no_treatment_is_given_an_optional_agreement_alone_can_be_taken_back(last: Kind) -> None:
    ended = Agreed({last} | ({Kind.SIGNED} if last is not Kind.DECLINED else set()), ["FAT", "HAIR"], ["ph.rec"])
    assert ended.stands == ["ph.rec"] and take_back(ended, {TREATMENT}) is None
    taking = take_back(ended, {"ph.rec"})
    assert taking is not None and taking.kind is Kind.PART_WITHDRAWN


@given(agreed=AGREED, data=some.data())
def test_whatever_is_taken_back_in_whatever_order_leaves_just_the_rest_and_is_withdrawn_once_with_the_last_treatment(
    agreed: Agreed, data: some.DataObject
) -> None:
    parts = some.sets(some.sampled_from(agreed.parts), min_size=1)
    asked = data.draw(some.lists(parts, max_size=6))
    end, made = after(agreed, *asked)
    gone = set().union(*asked)
    assert end.stands == [part for part in agreed.parts if part not in gone]
    assert end.gone == [part for part in agreed.parts if part in gone]
    no_treatment = not treatments_left(agreed.treatments, gone)
    assert made.count(Kind.WITHDRAWN) == no_treatment == (state(end.kinds) is State.WITHDRAWN)
    assert after(end, *asked) == (end, []), "asked again, nothing more is taken"
    assert after(agreed, *data.draw(some.permutations(asked)))[0].stands == end.stands
    assert (after(agreed, gone)[0].stands if gone else agreed.stands) == end.stands


@given(agreed=AGREED)
def test_the_parts_of_a_visit_are_told_apart(agreed: Agreed) -> None:
    assert len(set(agreed.parts)) == len(agreed.parts) == len(agreed.treatments) + len(agreed.agreements)
    assert list(treatment_parts(agreed.treatments).values()) == list(agreed.treatments)
