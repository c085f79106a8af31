"""An author is told everything that is wrong at once, with its place, and a check never ends in a traceback."""

import json
from pathlib import Path

import pytest

from intake.definitions.checking import Checked, check, check_questionnaire, compile_edition
from intake.definitions.library_files import bundled
from intake.definitions.problems import DefinitionError
from tests.definitions.editions import FILES, write_edition
from tests.definitions.fhir import form, item

LIBRARY = Path(__file__).parents[2] / "intake" / "definitions" / "library" / "mesotherapy"
QUESTIONS = FILES["questions.yaml"]


def said(found: Checked) -> list[str]:
    return [str(problem) for problem in found.problems]


def warned(found: Checked) -> list[str]:
    return [str(problem) for problem in found.warnings]


def as_bytes(questionnaire: object) -> bytes:
    return json.dumps(questionnaire).encode()


# ---- One questionnaire ----


def test_a_fhir_questionnaire_is_taken_with_its_warnings(tmp_path: Path) -> None:
    file = tmp_path / "q.json"
    file.write_bytes(as_bytes(form(item(), version="3")))
    found = check(file)
    assert found.taken and found.questionnaire is not None
    assert warned(found) == ["W01 $: to be published it needs a version such as 1.2.0"]


def test_every_problem_of_a_fhir_questionnaire_has_code_path_link_id_message_and_hint(tmp_path: Path) -> None:
    file = tmp_path / "q.json"
    file.write_bytes(as_bytes(form(item("a", "attachment"), item("b", "choice"))))
    found = check(file)
    assert found.as_json["file"] == str(file) and found.as_json["taken"] is False
    assert [(p["code"], p["path"], p["linkId"]) for p in found.as_json["problems"]] == [
        ("Q03", "$.item[0]", "a"),
        ("Q06", "$.item[1]", "b"),
    ]
    assert all(problem["message"] and problem["hint"] for problem in found.as_json["problems"])


def test_what_the_gate_refuses_in_a_shorthand_file_names_the_line_of_its_item() -> None:
    text = (
        QUESTIONS
        + "      - {id: again, type: string, text: A, regex: '(a+)+'}\n      - {id: g, type: group, text: G}\n"
    )
    assert [problem.split(": ")[0] for problem in said(check_questionnaire(text.encode(), "questions.yaml"))] == [
        "Q18 questions.yaml:16 [again]",
        "Q16 questions.yaml:17 [g]",
    ]


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("q.json", b"{", "Q01"),
        ("q.json", b"\xff\xfe", "Q01"),
        ("q.json", b" " * (1024 * 1024 + 1), "Q20"),
        ("q.yaml", b"#" * (1024 * 1024 + 1), "Q20"),
        ("q.yaml", b"[" * 10_000, "Y01"),
        ("q.yaml", b"\xff", "Y01"),
        ("q.docx", b"", "Y01"),
        ("q", b"{}", "Y01"),
    ],
)
def test_what_cannot_be_read_is_a_problem_and_no_more(name: str, data: bytes, code: str) -> None:
    assert [problem.code for problem in check_questionnaire(data, name).problems] == [code]


def test_a_file_that_is_not_there_is_a_problem(tmp_path: Path) -> None:
    assert [problem.code for problem in check(tmp_path / "none.json").problems] == ["Y05"]


# ---- An edition ----


def test_the_edition_of_the_program_is_taken() -> None:
    found = check(LIBRARY)
    assert said(found) == []
    assert found.library is not None and found.library.digests == bundled().digests


def test_an_edition_may_be_named_by_its_folder_or_by_its_list_of_files(tmp_path: Path) -> None:
    folder = write_edition(tmp_path / "peel")
    for path in (folder, folder / "edition.yaml"):
        found = check(path)
        assert said(found) == []
        assert found.library is not None and found.library.name == "peel"


def test_slips_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    folder = write_edition(
        tmp_path / "peel",
        screening=FILES["screening.yaml"].replace("sun = true", "moon = true"),
        consent=FILES["consent.yaml"].replace("acknowledge: own", "acknowledge: loudly"),
        aftercare="version: 1.0.0\nlanguages: [en]\nsteps: {}\nred_flags: []\n",
    )
    found = check(folder)
    assert {problem.split(":")[0] for problem in said(found)} == {
        "Y05 screening.yaml",
        "Y05 consent.yaml",
        "Y04 aftercare.yaml",
    }
    assert [w for w in warned(found) if w.startswith("W02")] == [
        "W02 teachback.yaml: this could not be looked at: what it builds on has problems (put 'consent' right first)"
    ]


def test_a_file_on_broken_ground_is_read_as_far_as_yaml_goes(tmp_path: Path) -> None:
    folder = write_edition(tmp_path / "peel", questions="url: x\n", treatments="a: [", aftercare="b: [")
    found = said(check(folder))
    assert {line.split(":")[0] for line in found} == {"Y03 questions.yaml", "Y01 treatments.yaml", "Y01 aftercare.yaml"}


def test_a_file_that_is_missing_or_not_named_is_told_with_the_rest(tmp_path: Path) -> None:
    folder = write_edition(tmp_path / "peel", screening="version: 1\n")
    (folder / "consent.yaml").unlink()
    assert {line[:3] for line in said(check(folder))} == {"Y05", "Y04", "Y03"}
    text = FILES["edition.yaml"].replace("  consent: consent.yaml\n", "")
    assert said(check(write_edition(tmp_path / "other", edition=text))) == [
        "Y03 edition.yaml:4: the file of 'consent' is not named"
    ]


def test_words_that_a_language_lacks_are_warnings_until_it_is_declared(tmp_path: Path) -> None:
    found = check(write_edition(tmp_path / "peel"))
    assert found.taken
    lacking = [warning for warning in found.warnings if warning.code == "Y03"]
    assert len(lacking) == 18
    assert "Y03 questions.yaml:7: the words in 'hi' are missing ('What you want')" in warned(found)
    declared = check(write_edition(tmp_path / "declared", edition=DECLARED))
    assert [problem.message for problem in declared.problems] == ["the words in 'hi' are missing"] * 18
    assert {problem.place.split(":")[0] for problem in declared.problems} == {
        *("questions.yaml", "treatments.yaml", "screening.yaml"),
        *("consent.yaml", "teachback.yaml", "aftercare.yaml"),
    }


DECLARED = FILES["edition.yaml"].replace("languages: [en]", "languages: [en, hi]")
STALE = FILES["hi.po"].replace('msgctxt "questionnaire"', '#, fuzzy\nmsgctxt "questionnaire"')
GONE = FILES["hi.po"] + '\nmsgctxt "questionnaire"\nmsgid "Words of last year"\nmsgstr "पुराने शब्द"\n'


def test_a_stale_translation_refuses_a_declared_language_and_only_warns_before(tmp_path: Path) -> None:
    def stale(folder: Path) -> tuple[list[str], list[str]]:
        found = check(folder)
        return [p.place for p in found.problems if p.code == "Y08"], [
            w.place for w in found.warnings if w.code == "Y08"
        ]

    assert stale(write_edition(tmp_path / "a", hi=STALE)) == ([], ["hi.po:8"])
    assert stale(write_edition(tmp_path / "b", hi=STALE, edition=DECLARED)) == (["hi.po:8"], [])
    assert stale(write_edition(tmp_path / "c", hi=GONE, edition=DECLARED)) == ([], ["hi.po:11"])


def test_words_missing_in_a_file_that_holds_its_own_languages_are_told_by_line(tmp_path: Path) -> None:
    text = FILES["edition.yaml"].split("translations")[0].replace("[en]", "[en, hi]")
    found = check(write_edition(tmp_path / "peel", edition=text))
    assert "Q19 questions.yaml:9 [tx.goals]: there are no words in 'hi' ('What do you want?')" in said(found)
    assert "Y03 consent.yaml:7: the words in 'hi' are missing" in said(found)


def test_a_catalogue_that_speaks_of_another_language_is_refused(tmp_path: Path) -> None:
    folder = write_edition(tmp_path / "peel", hi=FILES["hi.po"].replace("Language: hi", "Language: mr"))
    assert said(check(folder)) == ["Y07 hi.po: the catalogue of 'hi' says that it is one of 'mr'"]


def test_publishing_refuses_with_every_problem_of_the_folder(tmp_path: Path) -> None:
    folder = write_edition(tmp_path / "peel", edition=DECLARED)
    with pytest.raises(DefinitionError) as caught:
        compile_edition(folder)
    assert caught.value.problems == check(folder).problems
    assert compile_edition(write_edition(tmp_path / "sound")).version == "1.0.0"
