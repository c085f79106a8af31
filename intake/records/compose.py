"""From signed evidence to the Snapshot that is printed: no table, no page, only what the statements say. Pure.

The evidence keeps rule ids and severities; the snapshot leaves them out (a patient's copy prints answers,
decisions and words).
"""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from intake.records import rules
from intake.records.rules import Words

Evidence = Mapping[str, Any]
VERDICTS = {
    "go_ahead": "Go ahead",
    "change_plan": "Change plan",
    "postpone": "Postpone",
    "seen": "Seen",
    "answered": "Answered",
    "explained": "Explained in person",
}
LANGUAGES = {"en": "English", "hi": "Hindi", "ar": "Arabic"}
EVENTS = {
    "token.issued": "Token issued",
    "tablet.given": "Tablet handed over",
    "identity.confirmed": "Date of birth confirmed",
    "response.begun": "Form started",
    "response.submitted": "Answers given",
    "consent.presented": "Risks and choices shown",
    "consent.signed": "Signed",
    "consent.declined": "Said no",
    "consent.countersigned": "Countersigned",
    "consent.postponed": "Postponed by the doctor",
    "consent.closed": "Closed without a doctor",
    "review.opened": "Opened by the doctor",
    "visit.released": "Talked with the doctor",
}


@dataclass(frozen=True)
class Given:
    """What a record is made from beside the evidence: where and how it is kept.
    `people` names actors by their log label."""

    number: str
    sealed_at: datetime
    zone: tzinfo
    verify_url: str
    demo: bool
    people: Mapping[str, str]


def bundle(statements: Mapping[str, tuple[bytes, bytes]]) -> bytes:
    """The evidence as embedded: each statement's data with its digest and the seal key's signature (DER, base64).

    Each statement's bytes are its `evidence` in RFC 8785 form again, so that anybody can check the signature.
    """
    kept = [
        {
            "kind": kind,
            "sha256": rules.digest(data),
            "signature": base64.b64encode(signature).decode(),
            "evidence": json.loads(data),
        }
        for kind, (data, signature) in statements.items()
    ]
    return rules.canonical({"type": "intake/record-evidence", "format": 1, "statements": kept})


def snapshot(first: Evidence, outcome: Evidence, evidence: bytes, given: Given) -> rules.Snapshot:
    """What the record prints. `first` is the statement with the patient's side,
    `outcome` the one that ended the visit (they may be one)."""
    kind = rules.Outcome(outcome["type"].removeprefix("intake/"))
    language, when = first["language"], _clock(given.zone)
    presented, patient = first.get("presented"), first["patient"]
    review = outcome.get("review", {})
    return rules.Snapshot(
        clinic=rules.Clinic(first["clinic"]["name"], first["clinic"]["address"]),
        number=given.number,
        outcome=kind,
        language=language,
        title=Words("Mesotherapy: intake and consent"),
        summary=_summary(first, presented),
        patient_name=patient.get("name", ""),
        sealed_at=given.sealed_at,
        sealed_on=f"{when(given.sealed_at.isoformat())}",
        evidence_sha256=rules.digest(evidence),
        verify_url=given.verify_url,
        direction="rtl" if language in ("ar", "ur", "fa", "he") else "ltr",
        patient=_patient(first),
        answers=_answers(first),
        decisions=_decisions(review, when),
        treatment=_treatment(first, presented, review),
        clauses=_clauses(first, presented, review, when),
        teach_back=_teach_back(first, presented, review),
        statements=tuple(Words(text) for text in presented["statements"]) if presented and "signature" in first else (),
        signature=_signature(first, when),
        helpers=_helpers(first),
        countersignature=_countersignature(outcome, when) if kind is rules.Outcome.COUNTERSIGNED else None,
        ending=_ending(kind, outcome, patient, review, given, when),
        timeline=_timeline(first, outcome, given, when),
        definitions=_definitions(first),
        demo=given.demo,
    )


def _clock(zone: tzinfo) -> Callable[[str], str]:
    def when(iso: str) -> str:
        moment = datetime.fromisoformat(iso).astimezone(zone)
        return f"{moment.day} {moment.strftime('%B %Y, %H:%M')}"

    return when


def _summary(first: Evidence, presented: Evidence | None) -> Words:
    if not presented:
        return Words(f"Token {first['visit']['token']}, {first['doctor']['name']}")
    return Words(f"{presented['treatment']}: {presented['areas']}. {first['doctor']['name']}")


def _patient(first: Evidence) -> tuple[rules.Fact, ...]:
    patient, labels = first["patient"], (("born_on", "Date of birth"), ("phone", "Mobile"), ("sex", "Sex"))
    facts = [rules.Fact(Words(label), Words(_fact(key, patient[key]))) for key, label in labels if patient.get(key)]
    facts.append(rules.Fact(Words("Token"), Words(f"{first['visit']['token']}, {_day(first['visit']['day'])}")))
    facts.append(
        rules.Fact(
            Words("Doctor"), Words(f"{first['doctor']['name']}, {first['doctor']['registration_no']}".strip(", "))
        )
    )
    facts.append(
        rules.Fact(
            Words("Language read"),
            Words(LANGUAGES.get(first["language"], str(first["language"]))),
        )
    )
    return tuple(facts)


def _fact(key: str, value: str) -> str:
    return _day(value) if key == "born_on" else value.capitalize() if key == "sex" else value


def _day(iso: str) -> str:
    day = datetime.fromisoformat(iso)
    return f"{day.day} {day.strftime('%B %Y')}"


def _answers(first: Evidence) -> tuple[rules.Section, ...]:
    return tuple(
        rules.Section(
            Words(section["title"], section.get("title_en", "")),
            tuple(
                rules.Fact(
                    Words(row["question"], row.get("question_en", "")),
                    Words(row["answer"] or "–", row.get("answer_en", "")),
                )
                for row in section["rows"]
            ),
        )
        for section in first.get("answers", [])
    )


def _decisions(review: Evidence, when: Callable[[str], str]) -> tuple[rules.Decision, ...]:
    return tuple(
        rules.Decision(
            Words(_about(d)),
            f"{VERDICTS.get(d['verdict'], d['verdict'])}. {d['words']}".strip(),
            d["by"],
            when(d["at"]),
        )
        for d in review.get("decisions", [])
        if d["kind"] == "finding"
    )


def _about(decision: Evidence) -> str:
    """What a decision is about, in the patient's own terms: each question with the answer that raised it."""
    said = [f"{row['question']} “{row['answer'] or '–'}”" for row in decision.get("said", [])]
    return "; ".join(dict.fromkeys(said)) or str(decision["title"])


def _treatment(first: Evidence, presented: Evidence | None, review: Evidence) -> tuple[rules.Fact, ...]:
    if not presented:
        return ()
    pairs = (
        ("Treatment", presented["treatment"]),
        ("Areas", presented["areas"]),
        ("Doctor", f"Dr {presented['doctor']}"),
    )
    return tuple(rules.Fact(Words(label), Words(value)) for label, value in pairs)


def _clauses(
    first: Evidence, presented: Evidence | None, review: Evidence, when: Callable[[str], str]
) -> tuple[rules.ClauseGroup, ...]:
    if not presented:
        return ()
    replies = first.get("replies", {})
    answered = {d["about"]: d for d in review.get("decisions", []) if d["kind"] == "question"}

    def said(part: str) -> tuple[Words, rules.Exchange | None]:
        reply = replies.get(part)
        if reply != "question":
            return Words({"understood": "I understand"}.get(reply or "", "–")), None
        found = answered.get(f"question:{part}")
        asked = (
            rules.Exchange("I have a question", found["words"], found["by"], when(found["at"]))
            if found
            else rules.Exchange("I have a question")
        )
        return Words("I have a question"), asked

    def rows(page: Evidence, clause: Evidence) -> list[rules.Clause]:
        title, text = Words(clause["title"], clause.get("title_en", "")), Words(clause["text"], clause.get("en", ""))
        if clause["parts"]:
            own = [
                (Words(p["title"], p.get("title_en", "")), Words(p["text"], p.get("en", "")), *said(p["id"]))
                for p in clause["parts"]
            ]
            return [rules.Clause(title, text, Words("–"))] + [rules.Clause(*row) for row in own]
        if clause["ack"] == "none":
            return [rules.Clause(title, text, Words("–"))]
        return [rules.Clause(title, text, *said(clause["id"] if clause["ack"] == "own" else f"group-{page['id']}"))]

    return tuple(
        rules.ClauseGroup(
            Words(page["title"], page.get("title_en", "")),
            tuple(row for clause in page["clauses"] for row in rows(page, clause)),
        )
        for page in presented["pages"]
    )


def _teach_back(first: Evidence, presented: Evidence | None, review: Evidence) -> tuple[rules.TeachBack, ...]:
    if not presented:
        return ()
    explained = {d["about"]: d for d in review.get("decisions", []) if d["kind"] == "teachback"}
    found = []
    for question in presented["teachback"]:
        options = {option["code"]: option for option in question["options"]}
        tries = first.get("teachback", {}).get(question["id"], {}).get("tries", [])
        shown = tuple(
            rules.Try(Words(options[t]["text"], options[t].get("en", "")), bool(options[t]["right"]))
            if t in options
            else rules.Try(Words("I am not sure"), False)
            for t in tries
        )
        done = explained.get(f"teachback:{question['id']}")
        if shown:
            words = f"Explained in person: {done['words']} ({done['by']})" if done else ""
            found.append(rules.TeachBack(Words(question["text"], question.get("en", "")), shown, words))
    return tuple(found)


def _signature(first: Evidence, when: Callable[[str], str]) -> rules.Signature | None:
    signed = first.get("signature")
    if not signed:
        return None
    name, at = first["patient"].get("name", ""), when(first["at"])
    if signed["method"] == "typed":
        return rules.Signature(name, at, "typed on the clinic's tablet", typed=signed["typed"])
    path = rules.strokes_to_path(signed["drawn"]["strokes"], rules.INK_WIDTH, rules.INK_HEIGHT)
    return rules.Signature(name, at, "drawn on the clinic's tablet", path=path)


def _helpers(first: Evidence) -> tuple[rules.Helper, ...]:
    rows = {row["item"]: row["answer"] for section in first.get("answers", []) for row in section["rows"]}
    name = rows.get("st.helper_name")
    return (rules.Helper(name, Words(rows.get("st.helper_role", ""))),) if name else ()


def _countersignature(outcome: Evidence, when: Callable[[str], str]) -> rules.Countersignature:
    doctor = outcome["review"]["doctor"]
    return rules.Countersignature(
        doctor["name"],
        doctor.get("registration_no", ""),
        when(outcome["at"]),
        Words("Signed in, and password given again"),
    )


def _ending(
    kind: rules.Outcome,
    outcome: Evidence,
    patient: Evidence,
    review: Evidence,
    given: Given,
    when: Callable[[str], str],
) -> rules.Ending | None:
    if kind is rules.Outcome.COUNTERSIGNED:
        return None
    if kind is rules.Outcome.DECLINED:
        return rules.Ending(
            outcome.get("reason") or "No reason given. None is needed.", patient.get("name", ""), when(outcome["at"])
        )
    by = review.get("doctor", {}).get("name") or given.people.get(outcome["by"], "")
    return rules.Ending(review.get("words", ""), by, when(outcome["at"]))


def _timeline(first: Evidence, outcome: Evidence, given: Given, when: Callable[[str], str]) -> tuple[rules.Event, ...]:
    lines = [(e["at"], e["event"], e["actor"]) for e in first["events"] if e["event"] in EVENTS]
    ends = [(first["at"], f"consent.{first['type'].removeprefix('intake/')}", first["by"])]
    if outcome is not first:
        ends.append((outcome["at"], f"consent.{outcome['type'].removeprefix('intake/')}", outcome["by"]))
    return tuple(
        rules.Event(when(at), Words(EVENTS[event]), given.people.get(actor, "")) for at, event, actor in lines + ends
    )


def _definitions(first: Evidence) -> tuple[rules.DefinitionVersion, ...]:
    edition = first.get("edition")
    if not edition:
        return ()
    names = {
        "questionnaire": "Questionnaire",
        "screening": "Screening rules",
        "consent": "Consent texts",
        "teachback": "Teach-back",
    }
    return tuple(
        rules.DefinitionVersion(title, edition["version"], edition["sha256"][kind], edition["approved"])
        for kind, title in names.items()
    )
