"""From signed evidence to the Snapshot that is printed: no table, no page, only what the statements say. Pure.

The evidence keeps rule ids and severities; the snapshot leaves them out (a patient's copy prints answers,
decisions and words). Our own words go through the `translate` of the caller; the clinic's come from the evidence.
Longer than 400 lines, for it has one short function for each part of the page.
"""

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from functools import partial
from typing import Any

from intake.consent import is_treatment
from intake.records import rules
from intake.records.rules import Words
from intake.records.tongue import N_, Tongue, Translate

Evidence = Mapping[str, Any]
When = Callable[[str], Words]
# Each ends as a sentence, for the doctor's own words follow it.
VERDICTS = {
    "go_ahead": N_("Go ahead."),
    "change_plan": N_("Change plan."),
    "postpone": N_("Postpone."),
    "seen": N_("Seen."),
    "answered": N_("Answered."),
    "explained": N_("Explained in person."),
}
REPLIES = {"understood": N_("I understand"), "question": N_("I have a question")}
PARTS = {
    "helper": N_("Helper"),
    "interpreter": N_("Interpreter"),
    "witness": N_("Witness"),
    "guardian": N_("Guardian, who signed for the patient"),
}
ROLES = {
    "family": N_("Family or friend"),
    "staff": N_("Clinic staff"),
    "interp": N_("Interpreter"),
    "guardian": N_("Parent or legal guardian"),
    "other": N_("Somebody else"),
}
LANGUAGES = {"en": N_("English"), "hi": N_("Hindi"), "ar": N_("Arabic")}
SEXES = {"female": N_("Female"), "male": N_("Male"), "other": N_("Other"), "nosay": N_("Not said")}
EVENTS = {
    "token.issued": N_("Token issued"),
    "tablet.given": N_("Tablet handed over"),
    "identity.confirmed": N_("Date of birth confirmed"),
    "response.begun": N_("Form started"),
    "response.submitted": N_("Answers given"),
    "consent.presented": N_("Risks and choices shown"),
    "consent.signed": N_("Signed"),
    "consent.declined": N_("Said no"),
    "consent.countersigned": N_("Countersigned"),
    "consent.postponed": N_("Postponed by the doctor"),
    "consent.closed": N_("Closed without a doctor"),
    "consent.withdrawn": N_("Consent taken back"),
    "consent.part_withdrawn": N_("Taken back in part"),
    "review.opened": N_("Opened by the doctor"),
    "visit.released": N_("Talked with the doctor"),
}
POINTERS = {
    "pen": N_("drawn on the clinic's tablet with a pen"),
    "touch": N_("drawn on the clinic's tablet with a finger"),
    "mouse": N_("drawn on the clinic's tablet with a mouse"),
}
ENDS = {
    "seen": N_("end seen, %(time)s"),
    "not_seen": N_("end not seen on every page, %(time)s"),
    "not_known": N_("not known whether the end was seen, %(time)s"),
}
REQUESTS = {
    "tablet": N_("On the clinic's tablet"),
    "person": N_("In person, at the clinic"),
    "phone": N_("By phone"),
    "letter": N_("In writing"),
}
CHECKED = {
    "born_on": N_("The date of birth was right."),
    "called_back": N_("The clinic called back the number it has."),
}
CONTENT = {
    "questionnaire": N_("Questionnaire"),
    "screening": N_("Screening rules"),
    "consent": N_("Consent texts"),
    "teachback": N_("Teach-back"),
}


@dataclass(frozen=True)
class Given:
    """What a record is made from beside the evidence: where and how it is kept.
    `people` and `tablets` name actors by their log label."""

    number: str
    sealed_at: datetime
    zone: tzinfo
    verify_url: str
    demo: bool
    people: Mapping[str, str]
    tablets: Mapping[str, str]
    about: str = ""
    """The number of the record whose consent is taken back, where it has one already."""


def bundle(
    statements: Mapping[str, tuple[bytes, bytes]], signed_by: Mapping[str, Sequence[bytes]] | None = None
) -> bytes:
    """The evidence as embedded: each statement's data with its digest and the seal key's signature (DER, base64), and
    where `signed_by` names any, the certificates of the earlier seal that signed it.

    Each statement's bytes are its `evidence` in RFC 8785 form again, so that anybody can check the signature.
    """
    kept = [
        {
            "kind": kind,
            "sha256": rules.digest(data),
            "signature": base64.b64encode(signature).decode(),
            "evidence": json.loads(data),
            **_certificates((signed_by or {}).get(kind, ())),
        }
        for kind, (data, signature) in statements.items()
    ]
    return rules.canonical({"type": "intake/record-evidence", "format": 1, "statements": kept})


def _certificates(given: Sequence[bytes]) -> dict[str, list[str]]:
    return {"certificates": [base64.b64encode(one).decode() for one in given]} if given else {}


def snapshot(
    first: Evidence, outcome: Evidence, evidence: bytes, given: Given, translate: Translate = str
) -> rules.Snapshot:
    """What the record prints. `first` is the statement with the patient's side, `outcome` the one that ended the visit
    (they may be one). `translate` gives our own words in the language of `first`, or the English."""
    kind = rules.Outcome(outcome["type"].removeprefix("intake/"))
    tongue = Tongue(first["language"], translate)
    when = partial(tongue.moment, zone=given.zone)
    presented, review = first.get("presented"), outcome.get("review", {})
    return rules.Snapshot(
        clinic=rules.Clinic(first["clinic"]["name"], first["clinic"]["address"]),
        number=given.number,
        outcome=kind,
        language=tongue.language,
        title=tongue.words(N_("Mesotherapy: intake and consent")),
        summary=_summary(first, presented, review, tongue),
        patient_name=first["patient"].get("name", ""),
        sealed_at=given.sealed_at,
        sealed_on=when(given.sealed_at.isoformat()),
        evidence_sha256=rules.digest(evidence),
        verify_url=given.verify_url,
        direction=tongue.direction,
        patient=_patient(first, tongue),
        answers=_answers(first, tongue),
        decisions=_decisions(review, tongue, when),
        treatment=_treatment(presented, first.get("scope", {}), review, kind, tongue),
        clauses=_clauses(first, presented, review, tongue, when),
        teach_back=_teach_back(first, presented, review, tongue),
        statements=_statements(presented) if presented and "signature" in first else (),
        signature=_signature(first, tongue, when),
        helpers=_helpers(first, tongue),
        countersignature=_countersignature(outcome, tongue, when) if kind is rules.Outcome.COUNTERSIGNED else None,
        ending=_ending(kind, outcome, first["patient"], given, tongue, when),
        **_taken_back(outcome),
        request=_request(outcome, given, tongue),
        reading=_reading(first.get("reading"), tongue),
        timeline=_timeline(first, outcome, given, tongue, when),
        definitions=_definitions(first, tongue),
        demo=given.demo,
    )


def _taken_back(outcome: Evidence) -> dict[str, Any]:
    """What was taken back, what had been before, and what still stands; before format 5 evidence says the first."""
    names = {"taken_back": "withdrawn", "taken_back_before": "withdrawn_before", "stands": "stands"}
    parts = {name: tuple(_said(part, "words") for part in outcome.get(key, ())) for name, key in names.items()}
    return parts | {
        "takes_treatment": any(map(_is_treatment, outcome.get("withdrawn", ()))),
        "keeps_treatment": "stands" not in outcome or any(map(_is_treatment, outcome["stands"])),
    }


def _is_treatment(part: Evidence) -> bool:
    return is_treatment(part["id"])


def _summary(first: Evidence, presented: Evidence | None, review: Evidence, tongue: Tongue) -> Words:
    """What it is about in one line; where the patient had taken a treatment back by then, what still stood of them."""
    if not presented:
        token, doctor = first["visit"]["token"], first["doctor"]["name"]
        return tongue.words(N_("Token %(token)s, %(doctor)s"), token=token, doctor=doctor)
    left = [part["words"] for part in review.get("stands", ()) if _is_treatment(part)]
    is_less = left and any(map(_is_treatment, review["taken_back"]))
    about = "; ".join(left) if is_less else f"{presented['treatment']}: {presented['areas']}"
    return Words(f"{about}. {first['doctor']['name']}")


def _patient(first: Evidence, tongue: Tongue) -> tuple[rules.Fact, ...]:
    patient, doctor, sex = first["patient"], first["doctor"], first["patient"].get("sex") or ""
    visit_day = tongue.day(date.fromisoformat(first["visit"]["day"]))
    language = first["language"]
    pairs = (
        (N_("Date of birth"), tongue.day(date.fromisoformat(patient["born_on"])) if patient.get("born_on") else None),
        (N_("Mobile"), Words(patient["phone"]) if patient.get("phone") else None),
        (N_("Sex"), tongue.words(SEXES.get(sex, sex.capitalize())) if sex else None),
        (N_("Token"), tongue.words(N_("%(token)s, %(day)s"), token=first["visit"]["token"], day=visit_day)),
        (N_("Doctor"), Words(f"{doctor['name']}, {doctor['registration_no']}".strip(", "))),
        (N_("Language read"), tongue.words(LANGUAGES[language]) if language in LANGUAGES else Words(language)),
    )
    return tuple(rules.Fact(tongue.words(label), value) for label, value in pairs if value is not None)


def _answers(first: Evidence, tongue: Tongue) -> tuple[rules.Section, ...]:
    return tuple(
        rules.Section(_said(section, "title"), tuple(_answer(row, tongue) for row in section["rows"]))
        for section in first.get("answers", [])
    )


def _answer(row: Evidence, tongue: Tongue) -> rules.Answer:
    return rules.Answer(
        _said(row, "question"),
        Words(row["answer"] or "–", row.get("answer_en", "")),
        _said(row, "entry"),
        _offered(row.get("offered", []), tongue),
    )


def _offered(options: Sequence[Evidence], tongue: Tongue) -> Words:
    if not options:
        return Words("")
    said = [_said(option, "text") for option in options]
    english = "; ".join(one.english or one.text for one in said)
    return tongue.words(N_("Offered: %(options)s"), options=Words("; ".join(one.text for one in said), english))


def _said(row: Evidence, name: str) -> Words:
    """Words that evidence may have, with the English it keeps beside them; evidence of format 1 has fewer."""
    return Words(row.get(name, ""), row.get(f"{name}_en", ""))


def _decisions(review: Evidence, tongue: Tongue, when: When) -> tuple[rules.Decision, ...]:
    return tuple(
        rules.Decision(
            Words(_about(d), _about(d, "_en")),
            tongue.words(VERDICTS.get(d["verdict"], f"{d['verdict']}.")),
            d["words"],
            d["by"],
            when(d["at"]),
        )
        for d in review.get("decisions", [])
        if d["kind"] == "finding"
    )


def _statements(presented: Evidence) -> tuple[Words, ...]:
    """What was said by signing, each with its English where that was another language."""
    english = presented.get("statements_en") or [""] * len(presented["statements"])
    return tuple(Words(text, second) for text, second in zip(presented["statements"], english, strict=True))


def _about(decision: Evidence, ending: str = "") -> str:
    """What a decision is about, in the patient's own terms: each question with the answer that raised it. With the
    ending "_en" the same in English, "" where it was read in English or the evidence, of format 1, has none."""
    question, answer = f"question{ending}", f"answer{ending}"
    said = [f"{row[question]} “{row[answer] or '–'}”" for row in decision.get("said", []) if question in row]
    return "; ".join(dict.fromkeys(said)) or str(decision.get(f"title{ending}", ""))


def _treatment(
    presented: Evidence | None, scope: Evidence, review: Evidence, kind: rules.Outcome, tongue: Tongue
) -> tuple[rules.Fact, ...]:
    """What the consent is about, and what of it the patient had taken back when the doctor decided; with a postponement
    nothing of it stands. Evidence before format 3 has no `scope`, so neither visits nor a last day."""
    if not presented:
        return ()
    pairs = [
        (N_("Treatment"), Words(presented["treatment"], presented.get("treatment_en", ""))),
        (N_("Areas"), Words(presented["areas"], presented.get("areas_en", ""))),
        (N_("Doctor"), Words(f"Dr {presented['doctor']}")),
    ]
    if scope.get("sessions"):
        pairs.append((N_("Planned visits"), _said(scope, "sessions")))
    if scope.get("products"):
        pairs.append((N_("Kinds of product"), _said(scope, "products")))
    if scope.get("valid_until"):
        pairs.append((N_("Good until"), tongue.day(date.fromisoformat(scope["valid_until"]))))
    if review.get("taken_back"):
        pairs.append((N_("Taken back before the doctor decided"), _listed(review["taken_back"])))
    if review.get("taken_back") and kind is rules.Outcome.COUNTERSIGNED:
        pairs.append((N_("Still agreed to"), _listed(review["stands"])))
    return tuple(rules.Fact(tongue.words(label), value) for label, value in pairs)


def _listed(parts: Sequence[Evidence]) -> Words:
    """Parts of a consent one after another."""
    said = [_said(part, "words") for part in parts]
    return Words("; ".join(one.text for one in said) or "–", "; ".join(one.english or one.text for one in said))


def _clauses(
    first: Evidence, presented: Evidence | None, review: Evidence, tongue: Tongue, when: When
) -> tuple[rules.ClauseGroup, ...]:
    if not presented:
        return ()
    replies = first.get("replies", {})
    answered = {d["about"]: d for d in review.get("decisions", []) if d["kind"] == "question"}

    def said(part: str) -> tuple[Words, rules.Exchange | None]:
        reply = replies.get(part)
        answer = tongue.words(REPLIES[reply]) if reply in REPLIES else Words("–")
        if reply != "question":
            return answer, None
        found = answered.get(f"question:{part}")
        if not found:
            return answer, rules.Exchange(answer)
        return answer, rules.Exchange(answer, found["words"], found["by"], when(found["at"]))

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


def _teach_back(
    first: Evidence, presented: Evidence | None, review: Evidence, tongue: Tongue
) -> tuple[rules.TeachBack, ...]:
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
            else rules.Try(tongue.words(N_("I am not sure")), False)
            for t in tries
        )
        done = explained.get(f"teachback:{question['id']}")
        if shown:
            words = (
                tongue.words(N_("Explained in person: %(words)s (%(by)s)"), words=done["words"], by=done["by"])
                if done
                else Words("")
            )
            found.append(rules.TeachBack(Words(question["text"], question.get("en", "")), shown, words))
    return tuple(found)


def _signature(first: Evidence, tongue: Tongue, when: When) -> rules.Signature | None:
    signed = first.get("signature")
    if not signed:
        return None
    named = {person["part"]: person for person in first.get("people", [])}
    is_guardian = signed.get("by") == "guardian"
    name = named["guardian"]["name"] if is_guardian else first["patient"].get("name", "")
    who = tongue.words(N_("Guardian, for the patient") if is_guardian else N_("Patient"))
    at = when(first["at"])
    if signed["method"] == "typed":
        return rules.Signature(name, at, tongue.words(N_("typed on the clinic's tablet")), who, typed=signed["typed"])
    if signed["method"] == "thumb":
        witness = named["witness"]
        where = tongue.words(
            N_("thumb print on paper, witnessed by %(name)s, %(role)s"),
            name=witness["name"],
            role=_role(witness, tongue),
        )
        return rules.Signature(name, at, where, who)
    path = rules.strokes_to_path(signed["drawn"]["strokes"], rules.INK_WIDTH, rules.INK_HEIGHT)
    pointers = signed["drawn"].get("pointers", [])  # none in evidence before format 4
    drawn = POINTERS[pointers[0]] if len(pointers) == 1 else N_("drawn on the clinic's tablet")
    return rules.Signature(name, at, tongue.words(drawn), who, path=path)


def _role(person: Evidence, tongue: Tongue) -> Words:
    return tongue.words(ROLES[person["role"]])


def _helpers(first: Evidence, tongue: Tongue) -> tuple[rules.Helper, ...]:
    """Who took part in the signature; without one, and in evidence before format 3, who helped with the answers."""
    if "people" in first:
        return tuple(
            rules.Helper(
                person["name"],
                tongue.words(
                    N_("%(part)s: %(role)s"), part=tongue.words(PARTS[person["part"]]), role=_role(person, tongue)
                ),
            )
            for person in first["people"]
        )
    rows = {row["item"]: row for section in first.get("answers", []) for row in section["rows"]}
    name, role = (rows.get(f"st.helper_{part}", {}) for part in ("name", "role"))
    part = Words(role.get("answer", ""), role.get("answer_en", ""))
    return (rules.Helper(name["answer"], part),) if name.get("answer") else ()


def _countersignature(outcome: Evidence, tongue: Tongue, when: When) -> rules.Countersignature:
    doctor = outcome["review"]["doctor"]
    return rules.Countersignature(
        doctor["name"],
        doctor.get("registration_no", ""),
        when(outcome["at"]),
        tongue.words(N_("Signed in, and password given again")),
    )


def _ending(
    kind: rules.Outcome, outcome: Evidence, patient: Evidence, given: Given, tongue: Tongue, when: When
) -> rules.Ending | None:
    if kind is rules.Outcome.COUNTERSIGNED:
        return None
    if kind in (rules.Outcome.DECLINED, rules.Outcome.WITHDRAWN, rules.Outcome.PART_WITHDRAWN):
        reason = outcome.get("reason")
        words = Words(reason) if reason else tongue.words(N_("No reason given. None is needed."))
        return rules.Ending(words, patient.get("name", ""), when(outcome["at"]))
    review = outcome.get("review", {})
    by = review.get("doctor", {}).get("name") or given.people.get(outcome["by"], "")
    return rules.Ending(Words(review.get("words", "")), by, when(outcome["at"]))


def _request(outcome: Evidence, given: Given, tongue: Tongue) -> tuple[rules.Fact, ...]:
    """How the patient asked to take something back, how it was made sure who asked, who took it down, and of which
    record."""
    asked = outcome.get("request")
    if asked is None:
        return ()
    checks = [tongue.words(CHECKED[code]) for code in asked["identity"] if code in CHECKED]
    checked = Words(" ".join(one.text for one in checks), " ".join(one.english or one.text for one in checks))
    facts = [
        (N_("How the patient asked"), tongue.words(REQUESTS[asked["how"]])),
        (N_("Who asked was checked"), checked),
        (N_("Taken down by"), _who(outcome["by"], given, tongue)),
        (N_("Is about the record"), Words(given.about)),
    ]
    return tuple(rules.Fact(tongue.words(label), value) for label, value in facts if value.text)


def _reading(reading: Evidence | None, tongue: Tongue) -> tuple[rules.Fact, ...]:
    """How the pages with the risks were read; nothing in evidence before format 4."""
    if reading is None:
        return ()
    risks = reading["risks"]
    if "seconds" in risks:
        minutes, seconds = divmod(risks["seconds"], 60)
        time = tongue.words(N_("%(minutes)s min %(seconds)s s"), minutes=str(minutes), seconds=str(seconds))
    else:
        time = tongue.words(N_("time not known"))
    return (rules.Fact(tongue.words(N_("Pages with the risks")), tongue.words(ENDS[risks["end"]], time=time)),)


def _timeline(first: Evidence, outcome: Evidence, given: Given, tongue: Tongue, when: When) -> tuple[rules.Event, ...]:
    lines = [(e["at"], e["event"], e["actor"]) for e in first["events"] if e["event"] in EVENTS]
    ends = [(first["at"], f"consent.{first['type'].removeprefix('intake/')}", first["by"])]
    if outcome != first:  # one statement may be both, read twice
        ends.append((outcome["at"], f"consent.{outcome['type'].removeprefix('intake/')}", outcome["by"]))
    return tuple(
        rules.Event(when(at), tongue.words(EVENTS[event]), _who(actor, given, tongue))
        for at, event, actor in lines + ends
    )


def _who(actor: str, given: Given, tongue: Tongue) -> Words:
    if tablet := given.tablets.get(actor):
        return tongue.words(N_("Tablet %(name)s"), name=tablet)
    return Words(given.people.get(actor, ""))


def _definitions(first: Evidence, tongue: Tongue) -> tuple[rules.DefinitionVersion, ...]:
    edition = first.get("edition")
    if not edition:
        return ()
    return tuple(
        rules.DefinitionVersion(tongue.words(title), edition["version"], edition["sha256"][kind], edition["approved"])
        for kind, title in CONTENT.items()
    )
