"""What goes into signed evidence: everything the patient was asked, shown and answered, as plain canonical data.

The PDF is printed from this alone, so that what is sealed, what is printed and what was on the screen are one thing.
"""

import json
from collections.abc import Mapping, Sequence, Set
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from intake import answers, audit, clock, definitions, screening, staff, visits
from intake.config import Clinic
from intake.consent import people, rules
from intake.definitions import (
    Answers,
    Item,
    Questionnaire,
    Text,
    Value,
    answer_text,
    enabled,
    entry_name,
    visible_sections,
    with_entries,
)
from intake.errors import Invalid

FORMAT = 5
"""1: as first released. 2: answers name the entry of a repeating group they stand in and what "none of these" were,
and decisions carry the English of what was said. 3: a signature says who made it and who took part, and what it is
about (`scope`, with the kinds of product where the clinic names them), with its last day. 4: `reading`, what was on
the screen and for how long; a drawn signature says with what. 5: `by_treatment`, each treatment that was shown by
itself with its areas; what was taken back may be one of several, and says what `stands` and what was
`withdrawn_before`; a doctor's part says what the patient had taken back by then. A reader takes what it finds: each
only adds."""


SIGN_PAGE = "consent.sign"
PAGES = {"consent.effects": "risks", "consent.teach_back": "teach_back", SIGN_PAGE: "signature"}
"""The pages that show consent words, by the beginning of the name under which the log has them."""


def frame(visit_id: UUID, kind: rules.Kind) -> dict[str, Any]:
    """What every statement names: its kind and whose visit, day and token it is about."""
    visit = visits.get_visit(visit_id)
    return {
        "type": f"intake/{kind.value}",
        "format": FORMAT,
        "visit": {
            "id": str(visit.id),
            "patient": str(visit.patient_id),
            "day": visit.day.isoformat(),
            "token": str(visit.token),
        },
    }


def patient_part(
    clinic: Clinic, visit_id: UUID, shown: Any, kind: rules.Kind, *, sent_now: visits.End | None = None
) -> dict[str, Any]:
    """The patient's side of a statement, as far as they came: who, asked what in which words, what they answered, in
    order. `sent_now` is what the page to sign, which makes the statement, says of its end."""
    given, begun = answers.find_submission(visit_id), answers.find(visit_id)
    said = given.answers if given else dict(begun.draft.answers) if begun else {}
    edition = given.edition if given else begun.edition if begun else None
    language = (shown.language if shown else given.language if given else "en") or "en"
    part = _people(clinic, visits.get_visit(visit_id), kind, language)
    if edition is not None:
        part |= {
            "edition": _edition(edition, language),
            "submitted": given is not None,
            "answers": answers_part(
                edition.questionnaire, said, language, begun.draft.saved if begun and not given else None
            ),
            "findings": [_finding(finding) for finding in screening.findings_of(visit_id)],
        }
    if shown is not None:
        part |= {
            "reading": _reading(part["events"], edition, shown, sent_now),
            "presented": dict(shown.body),
            "replies": dict(shown.replies),
            "teachback": {
                question["id"]: {"tries": shown.tries.get(question["id"], []), "stands": shown.teach(question).value}
                for question in shown.body["teachback"]
            },
        }
    return part


def withdrawal_part(
    clinic: Clinic,
    visit_id: UUID,
    kind: rules.Kind,
    language: str,
    taken: Sequence[Mapping[str, str]],
    stands: Sequence[Mapping[str, str]],
    before: Sequence[Mapping[str, str]],
) -> dict[str, Any]:
    """What is taken back, and of whom, what still stands then, and what had been taken back before: each part by its
    id with the words it was agreed to in, and their English."""
    said = {"withdrawn": taken, "stands": stands, "withdrawn_before": before}
    parts = {name: [dict(part) for part in parts] for name, parts in said.items()}
    return _people(clinic, visits.get_visit(visit_id), kind, language) | parts


def _people(clinic: Clinic, visit: visits.VisitView, kind: rules.Kind, language: str) -> dict[str, Any]:
    doctor = staff.get_member(visit.doctor_id)
    facts = visits.facts_of(visit.patient_id)
    return frame(visit.id, kind) | {
        "clinic": {"name": clinic.name, "address": clinic.address, "phone": clinic.phone, "letters": clinic.letters},
        "patient": {fact.value: value for fact, value in sorted(facts.items())},
        "doctor": {"id": str(doctor.id), "name": doctor.name, "registration_no": doctor.registration_no},
        "language": language,
        "events": _events(visit.id),
    }


def helped(visit_id: UUID, language: str) -> people.Helped:
    """Who filled in the questions, as the patient said there. Raises NotFound before the answers are given."""
    given = answers.get_submission(visit_id)
    items = given.edition.questionnaire.items

    def words(link: str) -> str:
        return answer_text(items[link], given.answers.get(link, ()), language) if link in items else ""

    def code(link: str) -> str:
        chosen = [items[link].option_of(value) for value in given.answers.get(link, ())] if link in items else []
        return str(chosen[0].code) if chosen and chosen[0] else ""

    name, role = words("st.helper_name"), words("st.helper_role")
    return people.Helped(code("st.who"), name, code("st.helper_role"), ", ".join(one for one in (name, role) if one))


def signing_part(clinic: Clinic, visit_id: UUID, shown: Any, signature: Mapping[str, Any], day: date) -> dict[str, Any]:
    """The signature, who made it, who took part, and what it is about with its last day.

    Raises Invalid("signature.FAULT", part=...) for the first thing that stands against it (people.Fault).
    """
    own = dict(signature)
    named = [people.Person(people.Part(one["part"]), one["name"], one["role"]) for one in own.pop("people", [])]
    facts = visits.facts_of(visits.get_visit(visit_id).patient_id)
    signing = people.Signing(
        way=people.Way(own["method"]),
        typed=own.get("typed", ""),
        people=tuple(named),
        patient=facts.get(visits.Fact.NAME, ""),
        age=rules.age_of(facts.get(visits.Fact.BORN_ON, ""), day),
        is_guarded=helped(visit_id, shown.language).is_guardian,
    )
    for fault, part in people.faults_of(signing, guardian_allowed=clinic.guardian_may_sign):
        raise Invalid(f"signature.{fault.value}", part=part.value)
    scope = shown.body["scope"]
    return {
        "signature": own | {"by": "guardian" if signing.named(people.Part.GUARDIAN) else "patient"},
        "people": [{"part": one.part.value, "name": one.name, "role": one.role} for one in named],
        "notes": people.notes_of(named),
        "scope": scope | {"valid_until": rules.expires_on(day, scope["months"]).isoformat()},
    }


def _reading(
    events: Sequence[Mapping[str, Any]], edition: definitions.Edition | None, shown: Any, sent_now: visits.End | None
) -> dict[str, Any]:
    """What of the consent's words was on the screen, from the log: the notice whenever it was, the rest since these
    words were presented; and the pages with the risks taken together."""
    log = [_happening(event) for event in events]
    if sent_now is not None:
        log.append(visits.Happening(clock.now(), visits.SENT, SIGN_PAGE, sent_now))
    began = max((n for n, one in enumerate(log) if one.event == "consent.presented"), default=0)
    shape = edition.questionnaire if edition else None
    notices = [f"answers.section {one.id}" for one in shape.sections if answers.is_notice(shape, one)] if shape else []
    found = [(one, "notice") for one in visits.readings(log) if one.page in notices]
    since = [(one, one.page.partition(" ")[0]) for one in visits.readings(log[began:])]
    found += [(one, PAGES[name]) for one, name in since if name in PAGES]
    by_page = {one.page: one for one, _kind in found}
    risks = [by_page.get(f"consent.effects {page['id']}") for page in shown.body["pages"]]
    seconds = visits.in_all([one.seconds if one else None for one in risks])
    return {
        "pages": [_page_read(one, kind) for one, kind in found],
        "risks": {
            "end": visits.worst(one.end if one else visits.End.NOT_KNOWN for one in risks).value,
            **({} if seconds is None else {"seconds": seconds}),
        },
    }


def _happening(event: Mapping[str, Any]) -> visits.Happening:
    facts, name = event["facts"], event["event"]
    end = visits.End(facts["end"]) if name == visits.SENT else visits.End.NOT_KNOWN
    return visits.Happening(datetime.fromisoformat(event["at"]), name, facts.get("page", ""), end)


def _page_read(one: visits.Reading, kind: str) -> dict[str, Any]:
    said = {"page": one.page, "kind": kind, "times": one.times, "end": one.end.value, "shown_at": _iso(one.shown_at)}
    sent = {"sent_at": _iso(one.sent_at)} if one.sent_at else {}
    return said | sent | ({} if one.seconds is None else {"seconds": one.seconds})


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds")


def _edition(edition: definitions.Edition, language: str) -> dict[str, Any]:
    return {
        "name": edition.name,
        "version": edition.version,
        "sha256": dict(edition.digests),
        "approved": definitions.is_approved(edition.id, language),
    }


def answers_part(
    questionnaire: Questionnaire, said: Answers, language: str, saved: Set[str] | None
) -> list[dict[str, Any]]:
    """Every enabled question with its answer in words and as FHIR values, section by section, in the order asked.

    Of somebody who stopped on the way only the sections they `saved` count: the rest was never asked.
    """
    shape = with_entries(questionnaire, said)
    on = enabled(shape, said)
    asked = {one for one in on if shape.items[one].is_question and not shape.items[one].hidden}
    return [
        {
            "id": section.id,
            **_in_both(section.title, "title", language),
            "rows": [_row(shape, one, said.get(one, ()), language) for one in section.items if one in asked],
        }
        for section in visible_sections(shape, said)
        if saved is None or section.id in saved
    ]


def _row(shape: Questionnaire, link_id: str, values: Sequence[Value], language: str) -> dict[str, Any]:
    item = shape.items[link_id]
    row = {"item": link_id, "values": list(values), **_words(shape, item, values, language)}
    if language != "en":
        row |= {f"{name}_en": words for name, words in _words(shape, item, values, "en").items()}
    return row | ({"offered": offered} if (offered := _offered(item, values, language)) else {})


def _words(shape: Questionnaire, item: Item, values: Sequence[Value], language: str) -> dict[str, str]:
    entry = entry_name(shape, item.link_id, language)
    words = {"question": item.text.get(language), "answer": answer_text(item, values, language)}
    return words | ({"entry": entry} if entry else {})


def _offered(item: Item, values: Sequence[Value], language: str) -> list[dict[str, str]]:
    """What stood beside an option that was chosen alone and speaks of the others ("None of these").

    Of other answers it is not kept, for they speak for themselves, and what else was offered with them can be looked up
    in the edition that `sha256` names.
    """
    chosen = [item.option_of(value) for value in values]
    if len(chosen) != 1 or chosen[0] is None or not chosen[0].exclusive:
        return []
    others = [option for option in item.options if option is not chosen[0]]
    own_words = [_in_both(item.open_label, "text", language)] if item.open_label else []
    return [{"code": option.code, **_in_both(option.text, "text", language)} for option in others] + own_words


def _in_both(text: Text, name: str, language: str) -> dict[str, str]:
    """Words in the language read, and in English where that is another."""
    return {name: text.get(language)} | ({f"{name}_en": text.get("en")} if language != "en" else {})


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
