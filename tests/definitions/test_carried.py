"""Words that an edition carries in a language it does not offer yet, for authors to look at."""

from intake.definitions.carried import with_carried
from intake.definitions.library_files import TRANSLATIONS
from intake.definitions.loader import load
from intake.definitions.questionnaire import Questionnaire
from intake.definitions.shorthand import compile_shorthand
from tests.definitions.editions import FILES

CATALOGUE = '\nmsgctxt "questionnaire"\nmsgid "Where?"\nmsgstr "{}"\n'


def carried(words: str) -> Questionnaire:
    """The same questionnaire with these words for one of its questions."""
    questionnaire = load(compile_shorthand(FILES["questions.yaml"].encode(), "questions.yaml"))
    head = FILES["hi.po"].partition("\nmsgctxt")[0]
    return with_carried(questionnaire, {f"{TRANSLATIONS}hi": (head + CATALOGUE.format(words)).encode()})


def test_corrected_words_are_never_taken_for_those_before_them() -> None:
    before, after = carried("कहां"), carried("कहाँ")
    assert [one.items["tx.area"].text.get("hi") for one in (before, after)] == ["कहां", "कहाँ"]
    assert before.sha256 != after.sha256, "what is drawn and made is kept under this name"
    assert carried("कहाँ").sha256 == after.sha256
