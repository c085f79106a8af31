"""Invented patients through the real pages: every visit ends, every record holds,
and says what was asked and answered."""

import json
import re
import subprocess
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from intake import cli, rehearsal
from intake.definitions.library_files import bundled_contents

PATIENTS = 5


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[rehearsal.Summary, Path]:
    """A small rehearsal: one of the five says no, one is postponed, one has a name in Devanagari."""
    out = tmp_path_factory.mktemp("rehearsal")
    return rehearsal.rehearse(cli.demo_settings(out, 8000), PATIENTS, 7, out), out


def run(*command: str) -> str:
    """What a tool of somebody else's says about a file."""
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return done.stdout


def squash(text: str) -> str:
    """Text without white space, so that line breaks of a column do not matter."""
    return "".join(unicodedata.normalize("NFKC", text).split())


def evidence_of(pdf: Path) -> dict[str, Any]:
    """The statement with the patient's side, out of the file itself."""
    run("pdfdetach", "-save", "1", "-o", str(pdf.with_suffix(".json")), str(pdf))
    statements = json.loads(pdf.with_suffix(".json").read_text("utf-8"))["statements"]
    first: dict[str, Any] = statements[0]["evidence"]
    return first


def test_every_visit_ends_with_a_record_and_without_an_error(played: tuple[rehearsal.Summary, Path]) -> None:
    summary, out = played
    assert summary.errors == []
    assert summary.outcomes == {"countersigned": 3, "declined": 1, "postponed": 1}
    assert len(list(out.glob("*.pdf"))) == PATIENTS
    assert json.loads((out / "summary.json").read_text("utf-8"))["records_ms"]["n"] == PATIENTS


def test_other_peoples_tools_find_the_records_sound_and_sealed(played: tuple[rehearsal.Summary, Path]) -> None:
    for pdf in played[1].glob("*.pdf"):
        run("qpdf", "--check", str(pdf))
        signature = run("pdfsig", "-nocert", str(pdf))
        assert "Signature is Valid" in signature
        assert "Total document signed" in signature
        assert re.search(r"Tagged:\s+yes", run("pdfinfo", str(pdf)))


def test_the_evidence_lists_exactly_the_questions_the_patient_was_asked(played: tuple[rehearsal.Summary, Path]) -> None:
    summary, out = played
    for visit in summary.visits:
        asked = {row["item"] for section in evidence_of(out / visit.file)["answers"] for row in section["rows"]}
        if visit.outcome != "declined":  # who says no half-way was not asked the rest
            assert asked == set(visit.said)


def test_the_printed_record_holds_every_enabled_question_with_its_answer_and_no_disabled_one(
    played: tuple[rehearsal.Summary, Path],
) -> None:
    questions = bundled_contents().questionnaire.questions
    for pdf in played[1].glob("*.pdf"):
        rows = [row for section in evidence_of(pdf)["answers"] for row in section["rows"]]
        if not rows:
            continue  # said no on the first page, before any answer
        text = squash(run("pdftotext", "-raw", str(pdf), "-"))
        start, end = text.index(squash("What the patient told us")), len(text)
        part = text[start : text.find(squash("Treatment and its effects"), start) % (end + 1)]
        for row in rows:
            assert squash(row["question"]) in part, row["item"]
            if row["answer"].isascii():
                assert squash(row["question"]) + squash(row["answer"] or "–") in part, row["item"]
        shown = " ".join(row["question"] for row in rows)
        for item in questions:
            if item.link_id not in {row["item"] for row in rows} and str(item.text) not in shown:
                assert squash(str(item.text)) not in part, item.link_id
