"""What goes into signed evidence: everything the patient was asked, shown and answered, as plain canonical data.

The PDF is printed from this alone, so that what is sealed, what is printed and what was on the screen are one thing.
"""

import json
from collections.abc import Set
from datetime import UTC
from typing import Any
from uuid import UUID

from intake import answers, audit, definitions, screening, staff, visits
from intake.config import Clinic
from intake.consent import rules
from intake.definitions import Answers, answer_text, enabled, visible_sections, with_entries


def frame(visit_id: UUID, kind: rules.Kind) -> dict[str, Any]:
    """What every statement names: its kind and whose visit, day and token it is about."""
    visit = visits.get_visit(visit_id)
    return {
        "type": f"intake/{kind.value}",
        "format": 1,
        "visit": {
            "id": str(visit.id),
            "patient": str(visit.patient_id),
            "day": visit.day.isoformat(),
            "token": str(visit.token),
        },
    }


def patient_part(clinic: Clinic, visit_id: UUID, shown: Any, kind: rules.Kind) -> dict[str, Any]:
    """The patient's side of a statement, as far as they came:
    who, asked what in which words, what they answered, in order."""
    visit = visits.get_visit(visit_id)
    doctor = staff.get_member(visit.doctor_id)
    facts = visits.facts_of(visit.patient_id)
    given, begun = answers.find_submission(visit_id), answers.find(visit_id)
    said = given.answers if given else dict(begun.draft.answers) if begun else {}
    edition = given.edition if given else begun.edition if begun else None
    language = (shown.language if shown else given.language if given else "en") or "en"
    part: dict[str, Any] = frame(visit_id, kind) | {
        "clinic": {"name": clinic.name, "address": clinic.address, "phone": clinic.phone, "letters": clinic.letters},
        "patient": {fact.value: value for fact, value in sorted(facts.items())},
        "doctor": {"id": str(doctor.id), "name": doctor.name, "registration_no": doctor.registration_no},
        "language": language,
        "events": _events(visit_id),
    }
    if edition is not None:
        part |= {
            "edition": _edition(edition, language),
            "submitted": given is not None,
            "answers": _answers(edition, said, language, begun.draft.saved if begun and not given else None),
            "findings": [_finding(finding) for finding in screening.findings_of(visit_id)],
        }
    if shown is not None:
        part |= {
            "presented": dict(shown.body),
            "replies": dict(shown.replies),
            "teachback": {
                question["id"]: {"tries": shown.tries.get(question["id"], []), "stands": shown.teach(question).value}
                for question in shown.body["teachback"]
            },
        }
    return part


def _edition(edition: definitions.Edition, language: str) -> dict[str, Any]:
    return {
        "name": edition.name,
        "version": edition.version,
        "sha256": dict(edition.digests),
        "approved": definitions.is_approved(edition.id, language),
    }


def _answers(
    edition: definitions.Edition, said: Answers, language: str, saved: Set[str] | None
) -> list[dict[str, Any]]:
    """Every enabled question with its answer in words and as FHIR values, section by section, in the order asked.

    Of somebody who stopped on the way only the sections they `saved` count: the rest was never asked.
    """
    questionnaire = with_entries(edition.questionnaire, said)
    on = enabled(questionnaire, said)
    sections = []
    for section in visible_sections(questionnaire, said):
        if saved is not None and section.id not in saved:
            continue
        rows = []
        for link_id in section.items:
            item = questionnaire.items[link_id]
            if link_id not in on or not item.is_question or item.hidden:
                continue
            values = list(said.get(link_id, ()))
            row = {
                "item": link_id,
                "question": item.text.get(language),
                "answer": answer_text(item, values, language),
                "values": values,
            }
            if language != "en":
                row |= {"question_en": item.text.get("en"), "answer_en": answer_text(item, values, "en")}
            rows.append(row)
        title = {"title": section.title.get(language)} | (
            {"title_en": section.title.get("en")} if language != "en" else {}
        )
        sections.append({"id": section.id, **title, "rows": rows})
    return sections


def _finding(finding: screening.FindingView) -> dict[str, Any]:
    return {
        "id": str(finding.id),
        "rule": finding.rule,
        "severity": finding.severity.value,
        "holds": [dict(h) for h in finding.holds],
        "items": list(finding.items),
        "doctor": finding.doctor,
    }


def _events(visit_id: UUID) -> list[dict[str, Any]]:
    """What happened to this visit until now, as the log has it: times, codes, ids, and which page was shown."""
    return [
        {
            "facts": json.loads(e.body)["facts"],
            "seq": e.seq,
            "at": e.at.astimezone(UTC).isoformat(timespec="milliseconds"),
            "event": e.event,
            "actor": e.actor,
        }
        for e in audit.history_of(visit_id)
    ]
