"""What given answers raise for the doctor: the twelve invented patients, the limits, and the order of findings."""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intake.definitions.library_files import bundled_contents
from intake.definitions.rules import Item, ItemType, enabled, strip
from intake.screening.rules import (
    Hold,
    HoldKind,
    Raised,
    Ruleset,
    Severity,
    derive,
    evaluate,
    holds_consent,
    load_ruleset,
)

CONTENTS = bundled_contents()
QUESTIONNAIRE = CONTENTS.questionnaire
RULESET = load_ruleset(CONTENTS.screening, QUESTIONNAIRE, CONTENTS.treatments)
PATIENTS = json.loads((Path(__file__).parent.parent / "samples" / "patients.json").read_text("utf-8"))
TODAY = date(2026, 6, 15)

Given = dict[str, list[dict[str, Any]]]


def values(item: Item, words: object) -> list[dict[str, Any]]:
    """Answers as they are stored, from the plain words of the samples."""
    listed = words if isinstance(words, list) else [words]
    if item.type == ItemType.BOOLEAN:
        return [{"valueBoolean": word == "yes"} for word in listed]
    if item.is_choice:
        return [{"valueCoding": {"code": word}} for word in listed]
    return [{f"value{item.type.value.capitalize()}": word} for word in listed]


def answers_of(words: Mapping[str, object]) -> Given:
    """Answers from a sample; an age becomes a date of birth, a body mass index a height and a weight."""
    found: Given = {}
    for key, value in words.items():
        if key == "age":
            assert isinstance(value, int)
            found["id.dob"] = [{"valueDate": f"{TODAY.year - value}-01-01"}]
        elif key == "bmi":
            assert isinstance(value, int)
            found["ft.height"] = [{"valueInteger": 200}]
            found["ft.weight"] = [{"valueDecimal": value * 4.0}]
        else:
            found[key] = values(QUESTIONNAIRE.items[key], value)
    return found


NEUTRAL: dict[str, object] = {
    "mh.dm_ctrl": "yes",
    "al.how": "mild",
    "hr.pattern": "thin",
    "lt.what": "marks",
    "lt.screen": "yes",
    "ft.goal": "spot",
    "ft.height": 170,
    "ft.weight": 64.5,
    "ct.ec_phone": "98765 43210",
}


def neutral(item: Item) -> list[dict[str, Any]]:
    """An answer that says nothing worth a rule."""
    if item.link_id in NEUTRAL:
        return values(item, NEUTRAL[item.link_id])
    if item.type == ItemType.BOOLEAN:
        return [{"valueBoolean": item.acknowledgement}]
    if item.is_choice:
        codes = [option.code for option in item.options]
        return values(item, next(code for code in ("none", "no", "never", "other") if code in codes))
    return [{"valueString": "Asha"}]


def filled(given: Given) -> Given:
    """The answers with every required question that they leave open filled neutrally."""
    while open_ := [
        item
        for item in QUESTIONNAIRE.questions
        if item.required
        and not item.hidden
        and item.link_id in enabled(QUESTIONNAIRE, given)
        and item.link_id not in given
    ]:
        given = {**given, **{item.link_id: neutral(item) for item in open_}}
    return given


HEALTHY = filled(answers_of(PATIENTS[0]["answers"]))


def healthy_but(**changes: object) -> Given:
    """The healthy patient of K-01 with some answers changed; ``__`` in a name stands for the dot of a linkId."""
    return filled({**HEALTHY, **answers_of({key.replace("__", "."): value for key, value in changes.items()})})


def raised(given: Mapping[str, Sequence[Mapping[str, Any]]], ruleset: Ruleset = RULESET) -> list[Raised]:
    return evaluate(ruleset, QUESTIONNAIRE, given, TODAY)


def ids(given: Given) -> list[str]:
    return [one.rule for one in raised(given)]


def finding(given: Given, rule: str) -> Raised:
    return next(one for one in raised(given) if one.rule == rule)


def holds_signing(found: Raised) -> bool:
    return holds_consent(hold.kind for hold in found.holds)


# ---- The invented patients ----


@pytest.mark.parametrize("patient", PATIENTS, ids=lambda patient: f"{patient['id']} {patient['name']}")
def test_an_invented_patient_raises_exactly_the_rules_it_lists(patient: dict[str, Any]) -> None:
    given = filled(answers_of(patient["answers"]))
    assert sorted(ids(given)) == sorted(patient["expect"])


@pytest.mark.parametrize("patient", PATIENTS, ids=lambda patient: patient["id"])
def test_an_invented_patient_has_answered_all_that_is_required(patient: dict[str, Any]) -> None:
    given = filled(answers_of(patient["answers"]))
    on = enabled(QUESTIONNAIRE, given)
    assert not [
        i.link_id for i in QUESTIONNAIRE.questions if i.required and not i.hidden and i.link_id in on - given.keys()
    ]


# ---- Limits ----


@pytest.mark.parametrize(
    ("born", "age"),
    [
        ("2008-06-15", 18),
        ("2008-06-16", 17),
        ("1951-06-15", 75),
        ("1950-06-15", 76),
        ("2008-02-29", 18),
        ("not a date", None),
    ],
)
def test_age_is_counted_in_full_years(born: str, age: int | None) -> None:
    given = {"id.dob": [{"valueDate": born}]}
    assert derive(QUESTIONNAIRE, given, CONTENTS.treatments, TODAY).age == age


def test_an_age_born_on_a_leap_day_is_reached_on_the_first_of_march() -> None:
    given = {"id.dob": [{"valueDate": "2008-02-29"}]}
    assert derive(QUESTIONNAIRE, given, CONTENTS.treatments, date(2026, 2, 28)).age == 17
    assert derive(QUESTIONNAIRE, given, CONTENTS.treatments, date(2026, 3, 1)).age == 18


@pytest.mark.parametrize(("age", "rules"), [(17, ["R-AGE-01"]), (18, []), (75, []), (76, ["R-AGE-02"])])
def test_age_limits_hold_on_the_day(age: int, rules: list[str]) -> None:
    assert ids({**HEALTHY, "id.dob": [{"valueDate": f"{TODAY.year - age}-{TODAY:%m-%d}"}]}) == rules


@pytest.mark.parametrize(
    ("weight", "rule"), [(86.7, "R-FAT-01"), (86.6, None), (53.4, "R-FAT-07"), (53.5, None), (86.70, "R-FAT-01")]
)
def test_body_mass_index_is_compared_exactly(weight: float, rule: str | None) -> None:
    given = {
        **healthy_but(tx__goals=["fat"], tx__areas_body=["chin"], bmi=22, ft__goal="spot"),
        "ft.height": [{"valueInteger": 170}],
        "ft.weight": [{"valueDecimal": weight}],
    }
    assert set(ids(given)) & {"R-FAT-01", "R-FAT-07"} == ({rule} if rule else set())


def test_a_body_mass_index_of_exactly_thirty_is_thirty() -> None:
    given = {
        **healthy_but(tx__goals=["fat"]),
        "ft.height": [{"valueInteger": 170}],
        "ft.weight": [{"valueDecimal": 86.7}],
    }
    assert derive(QUESTIONNAIRE, given, CONTENTS.treatments, TODAY).bmi == Decimal(30)


def test_without_height_or_weight_there_is_no_body_mass_index() -> None:
    given = {**healthy_but(tx__goals=["fat"]), "ft.height": [], "ft.weight": [{"valueDecimal": 200}]}
    assert derive(QUESTIONNAIRE, given, CONTENTS.treatments, TODAY).bmi is None
    assert "R-FAT-01" not in ids(given)


def test_three_body_areas_are_too_many_to_numb_at_once() -> None:
    fat = {"tx__goals": ["contour"], "bmi": 22, "ft__goal": "spot"}
    assert "R-LA-07" not in ids(healthy_but(**fat, tx__areas_body=["chin", "arms"]))
    assert "R-LA-07" in ids(healthy_but(**fat, tx__areas_body=["chin", "arms", "legs"]))


# ---- What counts ----


def test_an_answer_that_is_no_longer_asked_raises_nothing() -> None:
    hair = healthy_but(tx__goals=["hair"], hr__scalp="yes")
    assert "R-HAI-01" in ids(hair)
    assert "R-HAI-01" not in ids({**hair, "tx.goals": values(QUESTIONNAIRE.items["tx.goals"], ["lines"])})


def test_a_rule_is_read_only_for_the_treatments_it_applies_to() -> None:
    acne = {"td__skin": ["acne"]}
    assert "R-SKN-02" in ids(healthy_but(**acne))
    assert "R-SKN-02" not in ids(healthy_but(**acne, tx__goals=["hair"]))


def test_a_cold_sore_counts_for_fat_only_on_the_face_or_chin() -> None:
    sore = {"td__skin": ["cold"], "tx__goals": ["fat"], "bmi": 22, "ft__goal": "spot"}
    assert "R-INF-04" not in ids(healthy_but(**sore, tx__areas_body=["stomach"]))
    assert "R-INF-04" in ids(healthy_but(**sore, tx__areas_body=["stomach", "chin"], ft__swallow="no"))


def test_a_finding_names_the_questions_whose_answers_raised_it() -> None:
    given = healthy_but(md__thin=["none"], md__pain="yes", md__herb=["garlic"])
    assert finding(given, "R-BLD-05").items == ("md.pain", "md.herb")
    assert finding(healthy_but(md__herb=["garlic"]), "R-BLD-05").items == ("md.herb",)
    assert finding(healthy_but(age=17), "R-AGE-01").items == ("id.dob",)
    hair = healthy_but(tx__goals=["hair"], hr__prp="yes")
    assert finding(hair, "R-PRP-04").items == ("tx.goals", "hr.prp")
    assert finding(hair, "R-HAI-04").items == ("id.sex", "tx.goals")


def test_not_sure_on_a_safety_question_is_raised_unless_another_rule_speaks_of_it() -> None:
    assert finding(healthy_but(mh__heart=["unsure"], md__imm=["unsure"]), "R-UNS-01").items == ("mh.heart", "md.imm")
    assert ids(healthy_but(mh__o2=["unsure"])) == ["R-LA-03"]
    assert ids(healthy_but(sk__perm="unsure")) == ["R-UNS-01"]


def test_not_sure_outside_the_safety_questions_is_no_finding_by_itself() -> None:
    assert ids(healthy_but(bi__expect="unsure")) == []


# ---- What is held, and the order ----


def test_blocks_come_first_and_within_them_the_whole_treatment_before_a_product() -> None:
    given = healthy_but(
        age=17, al__list=["b1"], al__how="mild", td__skin=["cut"], td__today=["fever"], sk__sun="5", mh__dm="ins"
    )
    found = raised(given)
    assert [one.rule for one in found] == ["R-AGE-01", "R-INF-01", "R-INF-05", "R-ALG-03", "R-DIA-01", "R-PIH-01"]
    assert [one.severity for one in found] == sorted((one.severity for one in found), key=list(Severity).index)


def test_a_hold_names_what_exactly_is_held() -> None:
    assert finding(healthy_but(mh__o2=["g6pd"]), "R-LA-02").holds == (
        Hold(HoldKind.PRODUCT, ("vitamin_c_high",)),
        Hold(HoldKind.NUMBING, ("prilocaine",)),
    )
    assert finding(healthy_but(sk__sun="6"), "R-PIH-01").holds == ()


def test_a_hold_on_a_treatment_nobody_wants_is_left_out() -> None:
    assert finding(healthy_but(md__thin=["warf"]), "R-BLD-03").holds == ()
    hair = healthy_but(tx__goals=["hair"], hr__prp="yes", md__thin=["warf"])
    assert [hold.kind for hold in finding(hair, "R-BLD-03").holds] == [HoldKind.TREATMENT]


def test_a_hold_may_have_a_condition_of_its_own() -> None:
    assert not holds_signing(finding(healthy_but(md__imm=["dmard"]), "R-IMM-02"))
    assert holds_signing(finding(healthy_but(md__imm=["chemo"]), "R-IMM-02"))


@pytest.mark.parametrize(
    ("change", "rule", "first"),
    [
        ({"age": 17}, "R-AGE-01", True),
        ({"bi__own": "pressed"}, "R-CON-03", True),
        ({"td__today": ["fever"]}, "R-INF-01", False),
        ({"mh__o2": ["methb"]}, "R-LA-01", False),
    ],
)
def test_what_holds_the_treatment_or_the_signature_makes_the_doctor_talk_first(
    change: dict[str, object], rule: str, first: bool
) -> None:
    assert holds_signing(finding(healthy_but(**change), rule)) is first


def test_a_finding_carries_words_for_the_doctor_and_a_message_for_the_patient() -> None:
    found = finding(healthy_but(pr__status=["pregnant"]), "R-PRG-01")
    assert str(found.doctor).startswith("Pregnant.")
    assert (found.patient, found.held, found.clears) == (
        "PREG",
        "whole treatment",
        "After pregnancy and breastfeeding",
    )
    assert found.patient in RULESET.messages


def _random_answers() -> st.SearchStrategy[Given]:
    def some(item: Item) -> st.SearchStrategy[list[dict[str, Any]]]:
        if item.type == ItemType.BOOLEAN:
            return st.booleans().map(lambda yes: [{"valueBoolean": yes}])
        chosen = st.lists(
            st.sampled_from([option.code for option in item.options]), min_size=1, max_size=3, unique=True
        )
        return chosen.map(lambda codes: values(item, codes if item.repeats else codes[0]))

    tappable = [item for item in QUESTIONNAIRE.questions if item.is_choice or item.type == ItemType.BOOLEAN]
    return st.fixed_dictionaries({}, optional={item.link_id: some(item) for item in tappable})


@given(_random_answers())
@settings(max_examples=60)
def test_a_finding_always_rests_on_answers_that_were_asked(given: Given) -> None:
    shown = strip(QUESTIONNAIRE, given)
    found = raised(given)
    assert found == raised(shown)
    for one in found:
        assert one.items
        assert set(one.items) <= shown.keys()


def test_a_rule_can_be_found_by_its_name() -> None:
    rule = RULESET.rule("R-AGE-01")
    assert rule is not None and rule.severity is Severity.BLOCK
    assert RULESET.rule("R-NONE") is None
