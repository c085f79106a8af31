"""What the tablet's pages need beside their own content: token, steps, way back, languages, where the path stands."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from flask import request, url_for
from flask_babel import gettext as _

from intake import answers, consent, definitions, i18n, screening, visits
from intake.access import Role, current_actor, current_visit_id
from intake.answers import open_sections
from intake.config import Clinic
from intake.definitions import Value, answer_text, enabled, entry_label, strip, visible_sections, with_entries
from intake.errors import NotAllowed
from intake.kiosk import rules
from intake.kiosk.asking import held_visit


def step(clinic: Clinic) -> rules.Step:
    """Where the asking tablet's patient goes now. A page of effects without a name means: nothing is presented yet."""
    visit_id = current_visit_id()
    row = held_visit()
    if row is None:
        raise NotAllowed("kiosk.no_visit")
    begun = answers.find(visit_id)
    given = answers.find_submission(visit_id)
    shown = consent.find_shown(visit_id)
    is_current = shown is not None and begun is not None and not _is_outdated(shown, begun, given)
    path = rules.Path(
        identified=row.identified_at is not None and begun is not None,
        identity_tries=row.identity_tries,
        open_sections=[s.id for s in open_sections(begun.edition.questionnaire, begun.draft)] if begun else [],
        talk_first=begun is not None and talk_first(clinic, begun, given),
        submitted=given is not None,
        released=visits.Move.RELEASED in visits.moves_of(visit_id),
        open_pages=shown.open_pages if shown and is_current else [""],
        open_questions=shown.open_questions if shown and is_current else [],
        ended=consent.state_of(visit_id) is not consent.State.OPEN,
    )
    return rules.next_step(path)


def _is_outdated(shown: consent.Shown, begun: answers.Begun, given: answers.Given | None) -> bool:
    """Whether the words on show no longer fit: another language, or answers that lead to other treatments or areas."""
    said = given.answers if given else begun.draft.answers
    return shown.language != i18n.language() or not consent.fits(shown, begun.edition, said)


def talk_first(clinic: Clinic, begun: answers.Begun, given: answers.Given | None) -> bool:
    """Whether the doctor talks with this patient before anything is signed: the clinic's order, a finding that holds,
    or no treatment chosen."""
    said = given.answers if given else begun.draft.answers
    if given is not None:
        holds = any(finding.holds_consent for finding in screening.findings_of(begun.visit_id))
    else:
        holds = any(screening.holds_consent(raised) for raised in screening.evaluate(begun.edition, said))
    has_treatment = bool(screening.treatments_of(begun.edition, said))
    return consent.talks_first(sign_first=clinic.sign_first, holds_consent=holds, has_treatment=has_treatment)


def languages(visit_id: UUID) -> list[tuple[str, str]]:
    """The languages offered to this visit, as tag and own name."""
    begun = answers.find(visit_id)
    edition = begun.edition if begun else definitions.current_edition()
    return [(code, i18n.LANGUAGE_NAMES.get(code, code)) for code in edition.questionnaire.languages]


def known_answers(visit_id: UUID) -> dict[str, Sequence[Value]]:
    """What reception and earlier visits know, filled in so that nobody types it twice; the patient may change it."""
    facts = visits.facts_of(visits.get_visit(visit_id).patient_id)
    sources = {
        visits.Fact.NAME: ("id.name", "valueString"),
        visits.Fact.BORN_ON: ("id.dob", "valueDate"),
        visits.Fact.PHONE: ("ct.mobile", "valueString"),
        visits.Fact.EMAIL: ("ct.email", "valueString"),
    }
    return {link: [{key: facts[fact]}] for fact, (link, key) in sources.items() if facts.get(fact)}


@dataclass(frozen=True)
class SummarySection:
    """One section on the check page."""

    id: str
    title: str
    rows: list[dict[str, Any]]


MASKED = frozenset({"ct.mobile", "ct.ec_phone"})


def summary(begun: answers.Begun) -> list[SummarySection]:
    """The answers so far, as the check page lists them; phone numbers masked, what the doctor will be told marked."""
    language, said = i18n.language(), strip(begun.edition.questionnaire, begun.draft.answers)
    questionnaire = with_entries(begun.edition.questionnaire, said)
    on = enabled(questionnaire, said)
    raised = [r for r in screening.evaluate(begun.edition, said) if r.severity is not screening.Severity.NOTE]
    told = {link for finding in raised for link in finding.items}
    sections = []
    for section in visible_sections(questionnaire, said):
        rows = []
        for link_id in section.items:
            item, given = questionnaire.items[link_id], said.get(link_id, ())
            if link_id in on and item.is_question and not item.hidden and (given or not item.read_only):
                text = answer_text(item, given, language)
                value = mask(text) if link_id in MASKED and text else text
                label = entry_label(questionnaire, link_id, language)
                rows.append({"label": label, "value": value, "tell": link_id in told})
        sections.append(SummarySection(section.id, section.title.get(language), rows))
    return sections


@dataclass(frozen=True)
class Asked:
    """A part of the consent answered "I have a question", and the page it stands on."""

    title: str
    page: str
    page_id: str


def asked(visit_id: UUID) -> list[Asked]:
    """What the patient wants to ask the doctor, in the order of the pages."""
    shown = consent.find_shown(visit_id)
    if shown is None:
        return []
    wanted = {part["id"] for part in shown.asked}
    return [
        Asked(part["title"], page["title"], page["id"])
        for page in shown.body["pages"]
        for part in consent.parts_of(page)
        if part["id"] in wanted
    ]


def mask(number: str) -> str:
    """A phone number for a screen others may see: first two and last three digits."""
    digits = [c for c in number if c.isdigit()]
    return f"{''.join(digits[:2])}•••• ••{''.join(digits[-3:])}" if len(digits) >= 7 else "•••"


def patient_messages(visit_id: UUID) -> list[str]:
    """What the patient is told of why the doctor talks first: neutral words, never a rule or a severity."""
    begun = answers.get(visit_id)
    keys = dict.fromkeys(f.patient for f in screening.findings_of(visit_id) if f.holds_consent and f.patient)
    return [screening.message(begun.edition, key, i18n.language()) for key in keys]


def own_page(address: str | None) -> str | None:
    """The path of an address of this site, or None."""
    parts = urlsplit(address or "")
    return (
        parts.path
        if parts.netloc == request.host and parts.path.startswith("/visit/") and parts.path != "/visit/help"
        else None
    )


STEP_ENDPOINTS = {
    "kiosk.identity": rules.Place.IDENTITY,
    "answers.section": rules.Place.QUESTIONS,
    "kiosk.present": rules.Place.EFFECTS,
    "consent.effects": rules.Place.EFFECTS,
    "consent.teach_back": rules.Place.TEACH_BACK,
    "kiosk.check": rules.Place.CHECK,
    "consent.sign": rules.Place.SIGN,
    "kiosk.doctor_first": rules.Place.CHECK,
}


def context() -> dict[str, Any]:
    """Template context of every page a tablet shows while it holds an open visit."""
    if Role.KIOSK not in current_actor().roles or (row := held_visit()) is None:
        return {}
    place = STEP_ENDPOINTS.get(request.endpoint or "")
    known: dict[str, Any] = {
        "token_label": str(visits.get_visit(row.visit_id).token),
        "idle_seconds": i18n.clinic().idle_minutes * 60,
        "warn_seconds": int(rules.WARNING.total_seconds()),
        **_addresses(request.script_root),
    }
    if place is not None:
        begun = answers.find(row.visit_id)
        args = request.view_args or {}
        page = str(args.get("section_id") or args.get("page_id") or "")
        known |= {
            "steps": _steps(i18n.language(), rules.step_of(place, page)),
            "may_decline": place is not rules.Place.IDENTITY,
            "draft_content": place is not rules.Place.IDENTITY and not _approved(begun),
            "back_url": back_url(place, page, begun),
        }
    return known


@lru_cache(8)
def _addresses(_root: str) -> dict[str, str]:
    """What the tablet's script calls by itself; the same for every visit."""
    return {"lock_url": url_for("kiosk.lock"), "alive_url": url_for("kiosk.alive")}


@lru_cache(128)
def _steps(language: str, at: int) -> tuple[tuple[str, str], ...]:
    """The five steps in the language of this request's page, each done, now or to do."""
    names = (_("About you"), _("Health"), _("Treatment"), _("Effects"), _("Check and sign"))
    return tuple((name, "done" if n < at else "now" if n == at else "todo") for n, name in enumerate(names))


def _approved(begun: answers.Begun | None) -> bool:
    edition_id = begun.edition.id if begun else definitions.current_edition().id
    return definitions.is_approved(edition_id, i18n.language())


def back_url(place: rules.Place, page: str, begun: answers.Begun | None) -> str:
    """The page before this one. A page opened by "Change" leads back to all answers, the first one to the welcome."""
    if request.query_string and request.args.get("change"):
        return url_for("kiosk.check")
    visit_id = current_visit_id()
    may_change = begun is not None and answers.find_submission(visit_id) is None
    asked = [section.id for section in begun.sections] if begun is not None and may_change else []
    if place is rules.Place.QUESTIONS and page in asked:
        return _section_url(asked[: asked.index(page)])
    is_first_effect = place is rules.Place.EFFECTS and not page
    shown = None if is_first_effect else consent.find_shown(visit_id)
    read = [one["id"] for one in shown.body["pages"]] if shown is not None else []
    if place is rules.Place.EFFECTS and page in read:
        read = read[: read.index(page)]
    return url_for("consent.effects", page_id=read[-1]) if read else _section_url(asked)


def _section_url(before: Sequence[str]) -> str:
    """The last of the pages of questions before one, or the welcome where there is none."""
    return _address_of(before[-1], request.script_root) if before else url_for("kiosk.welcome")


@lru_cache(1024)
def _address_of(section_id: str, _root: str) -> str:
    return url_for("answers.section", section_id=section_id)
