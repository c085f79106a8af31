"""docs/questionnaires.md names every refusal and every key there is, and none that there is not."""

import re
from pathlib import Path

from intake.definitions import profile, shorthand
from intake.definitions.rules import ItemType
from intake.definitions.writers import OPTION_WRITERS, WRITERS

ROOT = Path(__file__).parents[2]
DOCS = (ROOT / "docs" / "questionnaires.md").read_text("utf-8")


def chapter(number: int) -> str:
    return re.split(r"^## \d\. ", DOCS, flags=re.M)[number]


def test_every_refusal_and_warning_has_its_line_and_no_line_is_idle() -> None:
    sources = "\n".join(path.read_text("utf-8") for path in (ROOT / "intake" / "definitions").glob("*.py"))
    raised = set(re.findall(r'"([QYW]\d\d)"', sources))
    assert set(re.findall(r"^\| ([QYW]\d\d) \|", chapter(4), re.M)) == raised


def test_every_key_of_the_shorthand_is_told() -> None:
    told = set(re.findall(r"`(\w+)`", chapter(5)))
    keys = {*WRITERS, *OPTION_WRITERS, *shorthand._ITEM_REQUIRED, *shorthand._ITEM_OPTIONAL}
    keys |= {*shorthand._TOP_REQUIRED, *shorthand._TOP_OPTIONAL, *shorthand._SECTION_KEYS}
    assert keys <= told, keys - told
    table = re.findall(r"^\| (`.*?`) \|", chapter(5), re.M)
    assert {key for row in table for key in re.findall(r"`(\w+)`", row)} <= keys


def test_every_type_control_and_extension_of_ours_is_told() -> None:
    assert all(f"`{kind}`" in chapter(2) for kind in ItemType)
    assert all(code in chapter(5) for code in profile.CONTROLS)
    own = {url.removeprefix(profile.OWN) for url in profile.UNDERSTOOD if url.startswith(profile.OWN)}
    assert set(re.findall(r"^\| `([a-z-]+)` \|", chapter(2).split("pass over:")[1], re.M)) == own


def test_the_semantics_are_told_rule_by_rule() -> None:
    assert re.findall(r"^\| E(\d+) \|", chapter(3), re.M) == [str(number) for number in range(1, 15)]
