"""Evidence to start a test from: what a patient signed and a doctor countersigned, as the first release wrote it."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from intake.records.compose import Given, snapshot

GIVEN = Given(
    number="KS-7KQ2-M9XF",
    sealed_at=datetime(2026, 11, 23, 7, 32, 5, tzinfo=UTC),
    zone=ZoneInfo("Asia/Kolkata"),
    verify_url="https://intake.clinic.example/verify/KS-7KQ2-M9XF",
    demo=False,
    people={"staff:1": "Dr Ananya Rao", "staff:2": "Sunita Patil", "system": "Intake"},
    tablets={"tablet:1": "T1"},
)
PRESENTED = {
    "language": "en",
    "treatments": ["REJUV"],
    "treatment": "Skin rejuvenation",
    "areas": "Cheeks",
    "doctor": "Ananya Rao",
    "statements": ["My answers are true.", "I agree."],
    "pages": [
        {
            "id": "feel",
            "title": "What you may feel",
            "clauses": [
                {"id": "C-05", "title": "Pain", "text": "It may hurt.", "ack": "own", "parts": []},
                {
                    "id": "C-09",
                    "title": "Common effects",
                    "text": "These are common.",
                    "ack": "own",
                    "parts": [
                        {"id": "C-09a", "title": "Itching", "text": "It may itch."},
                        {"id": "C-09b", "title": "Redness", "text": "It may redden."},
                    ],
                },
                {"id": "C-14", "title": "Help", "text": "Call us.", "ack": "group", "parts": []},
                {"id": "C-15", "title": "After-care", "text": "Keep it dry.", "ack": "group", "parts": []},
                {"id": "C-16", "title": "About us", "text": "We are a clinic.", "ack": "none", "parts": []},
            ],
        }
    ],
    "teachback": [
        {
            "id": "TB-1",
            "text": "Which is true?",
            "feedback": "…",
            "options": [
                {"code": "a", "text": "It is a filler.", "right": False},
                {"code": "b", "text": "I may have redness.", "right": True},
            ],
        },
        {"id": "TB-2", "text": "Not reached", "feedback": "", "options": []},
    ],
}
SIGNED: dict[str, Any] = {
    "type": "intake/signed",
    "at": "2026-11-23T07:06:00.000+00:00",
    "by": "tablet:1",
    "clinic": {"name": "Kesari", "address": "12 Lake Road", "phone": "98400", "letters": "KS"},
    "visit": {"id": "v", "patient": "p", "day": "2026-11-23", "token": "K 14"},
    "patient": {"name": "Farida Sheikh", "born_on": "1968-03-04", "phone": "98400 00421", "sex": "female"},
    "doctor": {"id": "1", "name": "Dr Ananya Rao", "registration_no": "DMC-00001"},
    "language": "en",
    "events": [
        {"seq": 1, "at": "2026-11-23T06:30:00.000+00:00", "event": "token.issued", "actor": "staff:2"},
        {"seq": 2, "at": "2026-11-23T06:31:00.000+00:00", "event": "response.page_saved", "actor": "tablet:1"},
        {"seq": 3, "at": "2026-11-23T06:59:00.000+00:00", "event": "response.submitted", "actor": "tablet:1"},
    ],
    "edition": {
        "name": "mesotherapy",
        "version": "1.0.0",
        "sha256": {"questionnaire": "q", "screening": "s", "consent": "c", "teachback": "t", "treatments": "x"},
        "approved": False,
    },
    "submitted": True,
    "answers": [
        {
            "id": "md",
            "title": "Medicines",
            "rows": [
                {"item": "md.thinner", "question": "Blood thinner?", "answer": "Yes", "values": []},
                {"item": "md.list", "question": "Which ones?", "answer": "", "values": []},
            ],
        }
    ],
    "findings": [{"id": "f", "rule": "R-BLD-01", "severity": "block", "holds": [], "items": [], "doctor": "Bleeds"}],
    "presented": PRESENTED,
    "replies": {"C-05": "question", "C-09a": "understood", "C-09b": "question", "group-feel": "understood"},
    "teachback": {"TB-1": {"tries": ["unsure", "a"], "stands": "doctor_explains"}, "TB-2": {"tries": []}},
    "signature": {"method": "typed", "typed": "F. Sheikh", "language": "en", "device": ""},
}


def decision(about: str, verdict: str, words: str = "", **more: str) -> dict[str, Any]:
    kind = about.partition(":")[0]
    at = "2026-11-23T07:20:00.000+00:00"
    inside = {"severity": "block", "rule": "R-BLD-01", "title": "Bleeding", "text": "Bleeds", "clears": "", "holds": []}
    return {"about": about, "kind": kind, "verdict": verdict, "words": words, "by": "Dr Ananya Rao", "at": at} | {
        "title": "Blood thinner?", "inside": inside, **more,
    }  # fmt: skip


COUNTERSIGNED: dict[str, Any] = {
    "type": "intake/countersigned",
    "at": "2026-11-23T07:32:00.000+00:00",
    "by": "staff:1",
    "review": {
        "doctor": {"id": "1", "name": "Dr Ananya Rao", "registration_no": "DMC-00001"},
        "decisions": [
            decision("finding:f", "go_ahead", "Stopped a week ago"),
            decision("question:C-05", "answered", "About a minute"),
            decision("teachback:TB-1", "explained", "With the drawing"),
        ],
    },
}


def made(first: dict[str, Any] = SIGNED, outcome: dict[str, Any] | None = None, **given: Any) -> Any:
    return snapshot(first, outcome or COUNTERSIGNED, b"{}", replace(GIVEN, **given))
