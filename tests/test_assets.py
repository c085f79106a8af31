"""The built assets: names, budgets, nothing from elsewhere; colours one can read; drawings that fit the questions."""

import importlib.util
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from types import ModuleType

import html5lib
import pytest
from flask import Flask, render_template_string
from flask_babel import Babel

from intake.definitions.library_files import bundled

pytestmark = pytest.mark.packaging

ROOT = Path(__file__).parent.parent
DIST = ROOT / "intake" / "static" / "dist"
SCRIPTS = ("patient.js", "questions.js", "sign.js", "staff.js")


@pytest.fixture(scope="module")
def build() -> Iterator[ModuleType]:
    """assets/build.py as a module, run once."""
    sys.path.insert(0, str(ROOT / "assets"))
    spec = importlib.util.spec_from_file_location("assets_build", ROOT / "assets" / "build.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.main()
    yield module
    sys.path.remove(str(ROOT / "assets"))


def manifest() -> dict[str, str]:
    found = json.loads((DIST / "manifest.json").read_text("utf-8"))
    assert isinstance(found, dict)
    return found


def built(name: str) -> str:
    return (DIST / manifest()[name]).read_text("utf-8")


def test_a_second_build_changes_nothing_and_takes_less_than_two_seconds(build: ModuleType) -> None:
    before = {path: path.read_bytes() for path in DIST.rglob("*") if path.is_file()}
    start = monotonic()
    build.main()
    assert monotonic() - start < 2
    assert {path: path.read_bytes() for path in DIST.rglob("*") if path.is_file()} == before


def test_the_manifest_names_every_built_file_and_only_those(build: ModuleType) -> None:
    on_disk = {path.relative_to(DIST).as_posix() for path in DIST.rglob("*") if path.is_file()}
    assert on_disk == {*manifest().values(), "manifest.json"}


@pytest.mark.parametrize("name", ["patient.css", "staff.css", *SCRIPTS, "mark.svg", "newsreader.woff2"])
def test_a_file_that_pages_load_carries_its_hash_in_its_name(build: ModuleType, name: str) -> None:
    stem, suffix = name.rsplit(".", 1)
    assert re.fullmatch(rf"{re.escape(stem)}\.[A-Z0-9]{{8}}\.{suffix}", manifest()[name])


@pytest.mark.parametrize("name", ["patient.css", "staff.css"])
def test_a_style_sheet_loads_only_files_that_were_built_with_it(build: ModuleType, name: str) -> None:
    loaded = re.findall(r"url\([\"']?([^)\"']+)", built(name))
    assert len(loaded) >= 7  # the typefaces
    assert {address.removeprefix("./") for address in loaded} <= set(manifest().values())


def test_no_bundle_passes_its_budget(build: ModuleType) -> None:
    assert build.over_budget(manifest()) == []


def test_a_bundle_that_passes_its_budget_is_named(build: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "BUDGETS", (("style of a patient page", ("patient.css",), 1),))
    assert "patient.css" in build.over_budget(manifest())[0]


@pytest.mark.parametrize("name", SCRIPTS)
def test_no_script_turns_a_text_into_a_page_or_a_program(build: ModuleType, name: str) -> None:
    into_a_page = r"(?:inner|outer)HTML\s*=(?!=)|insertAdjacentHTML|document\.write|DOMParser|createContextualFragment"
    assert re.findall(rf"{into_a_page}|\beval\(|new Function", built(name)) == []


def test_the_lock_names_no_host(build: ModuleType) -> None:
    packages = json.loads((ROOT / "assets" / "package-lock.json").read_text("utf-8"))["packages"]
    assert all("resolved" not in package for package in packages.values())
    assert all("integrity" in package for name, package in packages.items() if name)


def test_whoever_ships_the_typefaces_and_the_pad_ships_their_licences(build: ModuleType) -> None:
    licences = {name for name in manifest() if name.startswith("licences/")}
    assert len(licences) == 5
    assert all((DIST / manifest()[name]).stat().st_size > 500 for name in licences)


# ---- Colours: WCAG 2.2, 1.4.3 (text 4.5) and 1.4.11 (controls 3); what patients read aims at 7. ----


def luminance(colour: str) -> float:
    digits = colour * 2 if len(colour) == 3 else colour
    parts = [int(digits[n : n + 2], 16) / 255 for n in (0, 2, 4)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def ratio(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def tokens(sheet: str, selector: str) -> dict[str, str]:
    block = (ROOT / "assets" / "css" / sheet).read_text("utf-8").split(selector, 1)[1].split("}", 1)[0]
    return dict(re.findall(r"--([\w-]+): #([0-9a-f]{3,6})\b", block))


@pytest.mark.parametrize(
    ("text", "ground", "least"),
    [
        ("ink", "paper", 7), ("ink", "mist", 7), ("ink", "cel100", 7), ("ink", "tur400", 7), ("muted", "paper", 6),
        ("muted", "mist", 6), ("pine", "mist", 7), ("paper", "pine", 7), ("paper", "pine600", 7),
        ("cel200", "pine", 4.5), ("tur700", "tur100", 7), ("lac", "paper", 7), ("lac", "lac100", 4.5),
        ("sky", "sky100", 7),
        ("cel500", "paper", 3), ("cel500", "mist", 3), ("tur400", "pine", 3),
    ],
)  # fmt: skip
def test_the_colours_of_light_pages_can_be_told_apart(text: str, ground: str, least: float) -> None:
    light = tokens("base.css", ":root {")
    assert ratio(light[text], light[ground]) >= least


@pytest.mark.parametrize(
    ("text", "ground", "least"),
    [
        ("text", "surface", 7), ("text", "bg", 7), ("soft", "surface", 7), ("act", "surface", 7),
        ("act-text", "act", 7),
        ("lac", "lac100", 4.5), ("tur700", "tur100", 4.5), ("sky", "sky100", 4.5), ("line-strong", "surface", 3),
    ],
)  # fmt: skip
def test_the_colours_of_the_dark_review_can_be_told_apart(text: str, ground: str, least: float) -> None:
    dark = tokens("staff/shell.css", "html.staff.auto-dark {")
    assert ratio(dark[text], dark[ground]) >= least


# ---- Drawings of the body ----


def drawing_codes(kind: str) -> set[str]:
    source = (ROOT / "templates" / "_maps.html").read_text("utf-8")
    block = re.search(rf'"{kind}": \{{"box".*?"regions": \[(.*?)\]\}}', source, re.DOTALL)
    assert block
    return set(re.findall(r'\("([\w-]+)", "M', block[1]))


def option_codes(link_id: str) -> set[str]:
    waiting = list(json.loads(bundled().bodies["questionnaire"])["item"])
    for item in waiting:
        waiting += item.get("item", [])
        if item["linkId"] == link_id:
            return {option["valueCoding"]["code"] for option in item["answerOption"]}
    raise LookupError(link_id)


@pytest.mark.parametrize(
    ("link_id", "kinds"),
    [("tx.areas_face", ("face", "hands")), ("tx.areas_scalp", ("scalp",)), ("tx.areas_body", ("front", "back"))],
)
def test_every_area_a_patient_may_choose_has_its_place_on_the_drawing(link_id: str, kinds: tuple[str, ...]) -> None:
    drawn = set().union(*(drawing_codes(kind) for kind in kinds))
    assert drawn == option_codes(link_id) - {"other"}


def test_a_still_drawing_shows_only_what_was_chosen_and_needs_no_style_sheet() -> None:
    app = Flask(__name__, template_folder=str(ROOT / "templates"))
    Babel(app)
    with app.test_request_context():
        page = render_template_string(
            "{% from '_maps.html' import body_maps with context %}{{ body_maps(face=['cheeks'], body=['legs']) }}"
        )
    drawings = html5lib.HTMLParser(strict=False).parseFragment(page)
    shapes = [shape for shape in drawings.iter() if shape.tag.endswith("path")]
    assert page.count("<svg") == 3  # the face, the body from the front and from the back
    assert sum(shape.get("fill") == "#f2b32b" for shape in shapes) == 2 + 2 + 2
    assert all(shape.get("fill") for shape in shapes)
