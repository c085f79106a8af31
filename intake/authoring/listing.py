"""What authors see of the editions the clinic has published: state, approvals by language, warnings, files."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from intake import definitions, staff
from intake.definitions import Approval, DefinitionError, Published, Questionnaire
from intake.errors import NotFound


@dataclass(frozen=True)
class Words:
    """The words of an edition in one language: offered to patients or only carried, approved by whom or a draft."""

    language: str
    is_offered: bool
    approval: Approval | None
    doctor: str


@dataclass(frozen=True, eq=False)
class Shown:
    """One published edition. Without words this release cannot read it any more; its files can still be had."""

    edition: Published
    words: tuple[Words, ...]
    warnings: tuple[str, ...]
    kinds: tuple[str, ...]


def list_shown() -> list[Shown]:
    """Every published edition, the one in force first."""
    return [_shown(edition) for edition in definitions.list_editions()]


def get_published(edition_id: UUID) -> Published:
    """A published edition, whether or not this release can read it. Raises NotFound."""
    found = next((edition for edition in definitions.list_editions() if edition.id == edition_id), None)
    if found is None:
        raise NotFound("definitions.unknown", edition_id=edition_id)
    return found


def find_questionnaire(of_id: UUID) -> Questionnaire:
    """The questionnaire of an edition or of a draft, by id. Raises NotFound, or DefinitionError for one that an older
    release took and this one refuses."""
    try:
        return definitions.get_questionnaire_with_carried(of_id)
    except NotFound:
        return definitions.get_draft(of_id).questionnaire


def _shown(edition: Published) -> Shown:
    kinds = tuple(definitions.get_files(edition.name, edition.version))
    try:
        questionnaire = definitions.get_questionnaire_with_carried(edition.id)
    except DefinitionError:
        return Shown(edition, (), (), kinds)
    approvals = definitions.approvals_of(edition.id)
    words = tuple(_words(language, questionnaire, approvals) for language in languages_of(questionnaire))
    return Shown(edition, words, questionnaire.warnings, kinds)


def languages_of(questionnaire: Questionnaire) -> tuple[str, ...]:
    """Every language a questionnaire has words in: those offered to patients, then those it only carries."""
    return (*questionnaire.languages, *questionnaire.carried)


def _words(language: str, questionnaire: Questionnaire, approvals: Sequence[Approval]) -> Words:
    approval = next((approval for approval in approvals if approval.language == language), None)
    doctor = staff.get_member(approval.doctor_id).name if approval else ""
    return Words(language, language in questionnaire.languages, approval, doctor)
