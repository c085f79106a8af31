"""Choosing the clauses for one patient and filling their blanks:
from an edition and answers to the exact words shown."""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import force_locale, ngettext
from flask_babel import gettext as _

from intake import definitions, screening, staff, visits
from intake.config import Clinic, TreatmentPlan
from intake.consent import rules
from intake.definitions import Answers, Text, answer_text, strip
from intake.errors import NotAllowed

_shuffle = secrets.SystemRandom().shuffle


def compose(
    clinic: Clinic, visit: visits.VisitView, edition: definitions.Edition, answers: Answers, language: str
) -> dict[str, Any]:
    """The words for this patient as plain data: pages, teach-back (in shuffled order), statements above the signature.

    Raises NotAllowed("consent.no_treatment") where no treatment is chosen yet,
    NotAllowed("consent.blank_missing") naming a setting.
    """
    answers = strip(edition.questionnaire, answers)  # an area that is no longer asked for is not consented to
    codes = screening.treatments_of(edition, answers)
    if not codes:
        raise NotAllowed("consent.no_treatment")
    blanks = _blanks(clinic, visit, edition, answers, codes, language)
    english = blanks if language == "en" else _blanks(clinic, visit, edition, answers, codes, "en")
    say = _speaker(language)
    return {
        "edition": {
            "name": edition.name,
            "version": edition.version,
            "sha256": dict(edition.digests),
            "approved": definitions.is_approved(edition.id, language),
        },
        "language": language,
        "treatments": codes,
        **_labels(edition, answers, codes, language),
        "by_treatment": by_treatment(edition, answers, codes, language),
        "doctor": blanks["doctor_name"],
        "scope": _scope(clinic, visit, edition, answers, codes, blanks, english),
        "pages": [_page(page, blanks, english, say) for page in edition.consent.pages_for(codes)],
        "teachback": [_question(question, say) for question in edition.teachback.questions_for(codes)],
        "statements": _statements(edition, blanks, language),
        **({"statements_en": _statements(edition, english, "en")} if language != "en" else {}),
    }


def _scope(
    clinic: Clinic,
    visit: visits.VisitView,
    edition: definitions.Edition,
    answers: Answers,
    codes: Sequence[str],
    blanks: Mapping[str, str],
    english: Mapping[str, str],
) -> dict[str, Any]:
    """What a consent to these words covers, for whoever must tell later whether a session is inside it: treatments and
    areas as codes, the doctor, the visits planned and the kinds of product as the clinic wrote them, and for how many
    months from the signature. Kinds of product are left out where the clinic named none."""
    doctor = staff.get_member(visit.doctor_id)
    written = {"sessions": blanks["planned_sessions"]}
    in_english = {"sessions": english["planned_sessions"]}
    if blanks["products"]:
        written["products"], in_english["products"] = blanks["products"], english["products"]
    return {
        "treatments": list(codes),
        "areas": _area_codes(edition, answers, codes),
        "doctor": {"id": str(doctor.id), "name": doctor.name, "registration_no": doctor.registration_no},
        **written,
        **{f"{key}_en": words for key, words in in_english.items() if words != written[key]},
        "months": clinic.consent_months,
    }


def _area_codes(edition: definitions.Edition, answers: Answers, codes: Sequence[str]) -> list[dict[str, Any]]:
    """Each treatment with the options chosen where it asks for areas; none of one that is done in one place only."""
    found = []
    for treatment in edition.treatments.all:
        if treatment.code in codes:
            items = edition.questionnaire.items
            chosen = [items[link].option_of(value) for link in treatment.areas for value in answers.get(link, ())]
            found.append({"treatment": treatment.code, "codes": [option.code for option in chosen if option]})
    return found


def by_treatment(
    edition: definitions.Edition, answers: Answers, codes: Sequence[str], language: str
) -> list[dict[str, str]]:
    """Each treatment by itself, by its code, with its name and its areas as labels, and their English where that is
    another language. Give it only answers that are enabled."""
    return [{"code": code, **_labels(edition, answers, [code], language)} for code in codes]


def _labels(edition: definitions.Edition, answers: Answers, codes: Sequence[str], language: str) -> dict[str, str]:
    """Treatment and areas as labels, with their English where that is another language."""
    chosen = [treatment for treatment in edition.treatments.all if treatment.code in codes]

    def labels(tongue: str, ending: str) -> dict[str, str]:
        treatment = ", ".join(one.name.get(tongue) for one in chosen)
        areas = ", ".join(_areas(edition, answers, chosen, tongue))
        return {f"treatment{ending}": treatment, f"areas{ending}": areas}

    return labels(language, "") | (labels("en", "_en") if language != "en" else {})


def _page(page: Any, blanks: Mapping[str, str], english: Mapping[str, str], say: Any) -> dict[str, Any]:
    clauses = [_clause(clause, blanks, english, say) for clause in page.clauses]
    return {"id": page.id, **_titled(page, say), "clauses": clauses}


def _clause(clause: Any, blanks: Mapping[str, str], english: Mapping[str, str], say: Any) -> dict[str, Any]:
    words = {
        key: rules.fill(value, english if key == "en" else blanks, clause.blanks)
        for key, value in say(clause.text).items()
    }
    parts = [{"id": part.id, **_titled(part, say), **say(part.text)} for part in clause.parts]
    return {"id": clause.id, **_titled(clause, say), **words, "ack": clause.acknowledge.value, "parts": parts}


def _titled(entry: Any, say: Any) -> dict[str, str]:
    title = say(entry.title)
    return {"title": title["text"], **_second(title, "title")}


def scope(edition: definitions.Edition, answers: Answers, language: str) -> tuple[list[str], str]:
    """What a consent to these answers would be about: treatment codes and the areas in words."""
    codes = screening.treatments_of(edition, answers)
    chosen = [treatment for treatment in edition.treatments.all if treatment.code in codes]
    return codes, ", ".join(_areas(edition, strip(edition.questionnaire, answers), chosen, language))


def same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two presentations say the same; the order in which answers were shuffled does not count."""
    return _sorted(one) == _sorted(other)


def _sorted(body: Mapping[str, Any]) -> dict[str, Any]:
    questions = [q | {"options": sorted(q["options"], key=lambda o: str(o["code"]))} for q in body["teachback"]]
    return dict(body) | {"teachback": questions}


def _speaker(language: str) -> Any:
    def say(text: Text) -> dict[str, str]:
        words, english = text.get(language), text.get("en")
        return {"text": words} if words == english else {"text": words, "en": english}

    return say


def _second(said: Mapping[str, str], name: str) -> dict[str, str]:
    return {f"{name}_en": said["en"]} if "en" in said else {}


def _question(question: Any, say: Any) -> dict[str, Any]:
    options = [{"code": option.code, **say(option.text), "right": option.right} for option in question.options]
    _shuffle(options)
    feedback = say(question.feedback)
    return {
        "id": question.id,
        **say(question.text),
        "options": options,
        "feedback": feedback["text"],
        **_second(feedback, "feedback"),
    }


def _statements(edition: definitions.Edition, blanks: Mapping[str, str], language: str) -> list[str]:
    first = next(item.text.get(language) for item in edition.questionnaire.items.values() if item.flow == "statement")
    with force_locale(language):
        return [first, *_own_statements(blanks)]


def _own_statements(blanks: Mapping[str, str]) -> list[str]:
    return [
        str(_("I know I may have itching, slight redness or small bumps.")),
        str(_("I know I can ask questions, and say no, at any time.")),
        str(
            _(
                "I agree to %(treatment)s by Dr %(doctor)s, on %(areas)s. Signing does not take away my legal rights.",
                treatment=blanks["treatment"],
                areas=blanks["areas"],
                doctor=blanks["doctor_name"],
            )
        ),
    ]


def _blanks(
    clinic: Clinic,
    visit: visits.VisitView,
    edition: definitions.Edition,
    answers: Answers,
    codes: Sequence[str],
    language: str,
) -> dict[str, str]:
    with force_locale(language):
        return _fill_in(clinic.in_language(language), visit, edition, answers, codes, language)


def _fill_in(
    clinic: Clinic,
    visit: visits.VisitView,
    edition: definitions.Edition,
    answers: Answers,
    codes: Sequence[str],
    language: str,
) -> dict[str, str]:
    chosen = [treatment for treatment in edition.treatments.all if treatment.code in codes]
    doctor = staff.get_member(visit.doctor_id)
    names = [rules.in_sentence(treatment.name.get(language), language) for treatment in chosen]
    plans = [
        (name, clinic.treatments.get(treatment.code, TreatmentPlan()))
        for name, treatment in zip(names, chosen, strict=True)
    ]
    alternatives = [
        clause.text.get(language)
        for t in chosen
        if t.alternatives and (clause := edition.consent.clause(t.alternatives))
    ]
    return {
        "clinic_phone": clinic.phone,
        "backup_hospital": clinic.backup_hospital,
        "retention_period": clinic.retention_period,
        "refund_policy": clinic.refund_policy,
        "grievance_contact": clinic.grievance_contact,
        "planned_sessions": _each([(name, plan.sessions) for name, plan in plans]),
        "interval": _each([(name, plan.interval) for name, plan in plans]),
        "price_per_session": _each([(name, plan.price) for name, plan in plans]),
        "price_total": _each([(name, plan.price_total) for name, plan in plans]),
        "products": _those([(name, plan.products) for name, plan in plans]),
        "alternatives": " ".join(alternatives).rstrip("."),
        "doctor_name": doctor.name.removeprefix("Dr ").strip(),
        "reg_no": doctor.registration_no,
        "treatment": _one_after_another(names),
        "areas": _where(_areas(edition, answers, chosen, language), language),
    }


def _one_after_another(names: Sequence[str]) -> str:
    """Names inside a sentence; several end with "and" behind a comma, for one name may have an "and" of its own."""
    if len(names) < 2:
        return "".join(names)
    return str(_("%(some)s, and %(last)s", some=", ".join(names[:-1]), last=names[-1]))


def _where(areas: Sequence[str], language: str) -> str:
    """The areas inside a sentence, behind a preposition: some are named by one themselves ("Under the chin")."""
    listed = ", ".join(rules.in_sentence(area, language) for area in areas)
    return str(ngettext("this area: %(areas)s", "these areas: %(areas)s", len(areas), areas=listed)) if listed else ""


def _each(values: Sequence[tuple[str, str]]) -> str:
    """One value, or each with its treatment's name where they differ; empty as soon as one is missing."""
    if not all(value for _name, value in values):
        return ""
    if len({value for _name, value in values}) == 1:
        return values[0][1]
    return ", ".join(f"{value} ({name})" for name, value in values)


def _those(values: Sequence[tuple[str, str]]) -> str:
    """One value where all have it, or each that there is with its treatment's name, for it is not said of the others.
    Values are lists themselves, with commas of their own."""
    if len({value for _name, value in values}) == 1:
        return values[0][1]
    return "; ".join(f"{value} ({name})" for name, value in values if value)


def _areas(edition: definitions.Edition, answers: Answers, chosen: Sequence[Any], language: str) -> list[str]:
    found: list[str] = []
    for treatment in chosen:
        named = [
            answer_text(edition.questionnaire.items[link], answers.get(link, ()), language) for link in treatment.areas
        ]
        words = [part for text in named for part in text.split("; ") if part]
        found += words or ([treatment.area.get(language)] if treatment.area else [])
    return list(dict.fromkeys(found))
