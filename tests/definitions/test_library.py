"""The content that comes with the program is whole: every question, clause and rule is there, and all agree."""

import json
import re
from hashlib import sha256
from importlib.resources import files

import pytest
import rfc8785

from intake.definitions import content
from intake.definitions.library_files import (
    KINDS,
    bundled,
    bundled_contents,
    bundled_folder,
    bundled_process,
    bundled_sources,
    with_demo_plans,
)
from intake.definitions.rules import Flow, ItemType, enabled, load_ruleset, visible_sections
from intake.definitions.translations import read_translations

CONTENTS = bundled_contents()
QUESTIONNAIRE = CONTENTS.questionnaire
RULESET = load_ruleset(CONTENTS.screening, QUESTIONNAIRE, CONTENTS.treatments)
DEVANAGARI = re.compile(r"[\u0900-\u097F]")


def folder_texts() -> dict[str, str]:
    folder = files("intake.definitions") / "library" / "mesotherapy"
    return {entry.name: entry.read_text("utf-8") for entry in folder.iterdir() if entry.name.endswith(".yaml")}


def coded(*codes: str) -> list[dict[str, dict[str, str]]]:
    return [{"valueCoding": {"code": code}} for code in codes]


# ---- The questionnaire ----


def test_every_question_of_the_clinical_content_is_there_and_one_drafted_by_us() -> None:
    assert len(QUESTIONNAIRE.questions) == 91 + 1
    assert "tx.areas_scalp" in QUESTIONNAIRE.items


def test_the_default_path_asks_48_required_and_4_optional_questions() -> None:
    on = enabled(QUESTIONNAIRE, {})
    asked = [item for item in QUESTIONNAIRE.questions if item.link_id in on]
    assert (sum(item.required for item in asked), sum(not item.required for item in asked)) == (48, 4)
    assert {item.link_id for item in asked if not item.required} == {"id.token", "ct.email", "mh.free", "md.list"}


def test_a_page_has_at_most_six_questions() -> None:
    for section in QUESTIONNAIRE.sections:
        assert sum(QUESTIONNAIRE.items[link_id].is_question for link_id in section.items) <= 6, section.id


def test_the_notice_and_twenty_sections_keep_their_order_and_four_long_ones_are_split() -> None:
    assert [section.id for section in QUESTIONNAIRE.sections] == (
        "pn st id ct tx tx-2 td pr mh mh-2 md md-2 al sk ex ls bi bi-2 ft hr lp lt fc ph dc".split()
    )


def test_what_the_visit_answers_itself_is_hidden_from_every_page() -> None:
    flow = {item.link_id: item.flow for item in QUESTIONNAIRE.questions if item.flow}
    assert flow == {
        "st.lang": Flow.LANGUAGE,
        "id.token": Flow.TOKEN,
        "dc.true": Flow.STATEMENT,
        "dc.sign": Flow.SIGNATURE,
    }
    assert {item.link_id for item in QUESTIONNAIRE.questions if item.hidden} == flow.keys()


def test_what_is_offered_is_what_the_edition_declares_and_hindi_is_carried_in_a_catalogue() -> None:
    assert QUESTIONNAIRE.languages == bundled_folder().languages
    hindi = read_translations(bundled().bodies["translations.hi"], "hi.po")
    assert len(hindi.words) >= 60
    assert all(DEVANAGARI.search(words) for (_, base), words in hindi.words.items() if base not in ("English", "SMS"))


def test_nothing_is_ticked_beforehand_and_none_of_these_clears_the_rest() -> None:
    assert not [item.link_id for item in QUESTIONNAIRE.questions if item.initial]
    for item in QUESTIONNAIRE.questions:
        exclusive = {option.code for option in item.options if option.exclusive}
        assert exclusive == (
            {option.code for option in item.options} & {"none", "na", "nomsg"} if item.repeats else set()
        )


def test_every_safety_question_lets_the_patient_be_unsure() -> None:
    safety = {item.link_id for item in QUESTIONNAIRE.questions if item.safety}
    assert all(QUESTIONNAIRE.items[link_id].option("unsure") for link_id in safety)
    unsure = {item.link_id for item in QUESTIONNAIRE.questions if item.option("unsure")}
    medical = {link_id for link_id in unsure if link_id.split(".")[0] in ("mh", "md", "al") or link_id == "td.skin"}
    assert safety == medical | {"sk.perm"}


MODULES = {
    "fat": ({"ft"}, {"tx.areas_body"}),
    "contour": ({"ft"}, {"tx.areas_body"}),
    "tighten": ({"fc"}, {"tx.areas_body", "tx.areas_face"}),
    "lines": ({"fc"}, {"tx.areas_face"}),
    "lighten": ({"lt"}, {"tx.areas_face"}),
    "hair": ({"hr"}, {"tx.areas_scalp"}),
    "lips_dry": ({"lp"}, set()),
    "lips_lines": ({"lp"}, set()),
    "unsure": (set(), set()),
}


@pytest.mark.parametrize("goal", MODULES)
def test_a_goal_opens_the_questions_of_its_treatment_and_no_others(goal: str) -> None:
    answers = {"tx.goals": coded(goal)}
    on = enabled(QUESTIONNAIRE, answers)
    sections, areas = MODULES[goal]
    assert {section.id for section in visible_sections(QUESTIONNAIRE, answers)} & {
        "ft",
        "hr",
        "lp",
        "lt",
        "fc",
    } == sections
    assert {link_id for link_id in on if link_id.startswith("tx.areas")} == areas


def test_the_questions_about_blood_products_open_only_inside_the_hair_module() -> None:
    yes = coded("yes")
    assert "hr.prp_h" in enabled(QUESTIONNAIRE, {"tx.goals": coded("hair"), "hr.prp": yes})
    assert "hr.prp_h" not in enabled(QUESTIONNAIRE, {"tx.goals": coded("hair"), "hr.prp": coded("no")})
    assert "hr.prp_h" not in enabled(QUESTIONNAIRE, {"tx.goals": coded("lines"), "hr.prp": yes})


@pytest.mark.parametrize("good", ["98765 43210", "+91 98765-43210", "(022) 2345 6789", "९८७६५ ४३२१०"])
def test_a_phone_number_may_be_written_in_many_ways(good: str) -> None:
    assert re.fullmatch(QUESTIONNAIRE.items["ct.mobile"].regex or "", good)


@pytest.mark.parametrize("bad", ["12345", "call me", "98765 4321O", "", "9" * 21])
def test_what_is_no_phone_number_is_not_taken_for_one(bad: str) -> None:
    assert not re.fullmatch(QUESTIONNAIRE.items["ct.mobile"].regex or "", bad)


@pytest.mark.parametrize(("mail", "is_one"), [("a.b@c.example", True), ("a@b", False), ("a b@c.de", False)])
def test_an_email_address_has_an_at_and_a_dot(mail: str, is_one: bool) -> None:
    assert bool(re.fullmatch(QUESTIONNAIRE.items["ct.email"].regex or "", mail)) is is_one


def test_free_text_has_a_limit() -> None:
    words = [item for item in QUESTIONNAIRE.questions if item.type in (ItemType.STRING, ItemType.TEXT)]
    assert all(item.max_length and item.max_length <= 2000 for item in words)


# ---- Treatments and consent ----


def test_every_goal_but_unsure_leads_to_a_treatment() -> None:
    goals = [option.code for option in QUESTIONNAIRE.items["tx.goals"].options]
    leading = {goal for goal in goals if CONTENTS.treatments.wanted({"tx.goals": coded(goal)})}
    assert set(goals) - leading == {"unsure"}
    assert CONTENTS.treatments.codes == ("FAT", "REJUV", "LIGHT", "HAIR", "PRP", "LIPS")


def test_a_treatment_names_where_it_is_done_and_what_else_there_is() -> None:
    for treatment in CONTENTS.treatments.all:
        assert treatment.areas or treatment.area
        assert treatment.alternatives


def test_no_price_is_assumed_except_in_a_demonstration() -> None:
    assert not any(treatment.plan for treatment in CONTENTS.treatments.all)
    assert all(treatment.plan for treatment in with_demo_plans(CONTENTS.treatments).all)


def test_the_consent_has_43_clauses_on_six_pages_each_once() -> None:
    assert [page.id for page in CONTENTS.consent.pages] == ["what", "limits", "effects", "serious", "help", "rights"]
    assert len({clause.id for clause in CONTENTS.consent.clauses}) == len(CONTENTS.consent.clauses) == 43


def test_the_common_effects_are_answered_one_by_one_with_how_long_they_last() -> None:
    clause = CONTENTS.consent.clause("C-09")
    assert clause is not None
    assert [part.id for part in clause.parts] == ["C-09a", "C-09b", "C-09c", "C-09d"]
    for part in clause.parts:
        assert "hours to a few days" in str(part.text)
    assert str(clause.parts[-1].text).removeprefix("They ") in str(clause.text)


def test_every_blank_is_filled_by_someone_known() -> None:
    used = {blank for clause in CONTENTS.consent.clauses for blank in clause.blanks}
    assert used == CONTENTS.consent.blanks.keys()
    assert len(used) == 14


def test_everyone_reads_the_same_25_clauses_and_each_treatment_adds_its_own() -> None:
    def ids(*treatments: str) -> set[str]:
        return {clause.id for page in CONTENTS.consent.pages_for(treatments) for clause in page.clauses}

    assert ids() == {f"C-{number:02}" for number in range(1, 26)}
    added = {code: len(ids(code) - ids()) for code in CONTENTS.treatments.codes}
    assert added == {"FAT": 4, "REJUV": 3, "LIGHT": 3, "HAIR": 3, "PRP": 2, "LIPS": 3}


def test_no_text_promises_an_effect() -> None:
    boasts = re.compile(
        r"works wonders|works brilliantly|quite effective|risks are minimal|guaranteed|100 ?% safe", re.I
    )
    assert not [name for name, text in folder_texts().items() if boasts.search(text)]


def test_teach_back_asks_everyone_six_questions_and_one_for_each_treatment() -> None:
    assert len(CONTENTS.teachback.questions) == 12
    assert len(CONTENTS.teachback.questions_for(())) == 6
    for code in CONTENTS.treatments.codes:
        assert len(CONTENTS.teachback.questions_for({code})) == 7


def test_after_care_has_11_steps_and_16_warning_signs_the_urgent_ones_first() -> None:
    assert len(CONTENTS.aftercare.steps) == 11
    urgency = [list(content.Urgency).index(flag.urgency) for flag in CONTENTS.aftercare.red_flags]
    assert len(urgency) == 16
    assert urgency == sorted(urgency)


# ---- Rules and sources ----


def test_118_rules_read_answers_and_nine_look_at_products_and_process() -> None:
    severities = [rule.severity for rule in RULESET.rules]
    assert {severity: severities.count(severity) for severity in set(severities)} == {
        "block": 36,
        "caution": 54,
        "note": 28,
    }
    assert [rule.id for rule in RULESET.rules if rule.when is None] == ["R-UNS-01"]
    assert len(bundled_process()) == 9


def test_every_message_and_every_name_is_used_by_some_rule() -> None:
    assert {rule.patient for rule in RULESET.rules} == RULESET.messages.keys()
    named = {name for rule in RULESET.rules for hold in rule.holds for name in hold.names}
    assert named - set(CONTENTS.treatments.codes) == RULESET.names.keys()


def test_no_message_to_a_patient_names_a_rule_or_a_severity() -> None:
    for text in RULESET.messages.values():
        assert not re.search(r"R-[A-Z]|block|caution|contraindicat|finding", str(text))


def test_every_source_that_is_named_is_listed() -> None:
    known = bundled_sources().keys()
    named = {
        key
        for name, text in folder_texts().items()
        if not name.startswith("sources")
        for key in re.findall(r"\bS\d\d[a-z]?\b", "\n".join(line for line in text.splitlines() if "source:" in line))
    }
    assert named
    assert named <= known


# ---- The files ----


def test_the_edition_is_the_bytes_in_the_package_and_their_digests() -> None:
    library = bundled()
    assert (library.name, library.version) == ("mesotherapy", bundled_folder().version)
    assert tuple(library.bodies) == (*KINDS, "translations.hi")
    assert {kind: sha256(body).hexdigest() for kind, body in library.bodies.items()} == library.digests
    assert QUESTIONNAIRE.sha256 == library.digests["questionnaire"]


def test_the_questionnaire_is_canonical_fhir_json() -> None:
    body = bundled().bodies["questionnaire"]
    assert rfc8785.dumps(json.loads(body)) == body
    assert json.loads(body)["resourceType"] == "Questionnaire"


def test_every_file_carries_the_version_its_name_says() -> None:
    for name, text in folder_texts().items():
        if match := re.search(r"-(\d+\.\d+\.\d+)\.yaml$", name):
            assert f"\nversion: {match[1]}\n" in text, name


def test_every_file_says_that_it_is_a_draft_until_a_doctor_approves() -> None:
    plain = ("sources", "edition", "plans")
    for name, text in folder_texts().items():
        assert name.startswith(plain) or "DRAFT" in text, name
