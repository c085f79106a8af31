"""What the engine's process keeps from one record to the next: it spares work, changes no byte, holds nobody's words.
Where the first half of a test of thrift fails, WeasyPrint has mended it and ours can go."""

import dataclasses
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from intake.config import TEMPLATES
from intake.i18n import translator
from intake.records.engine import Engine
from intake.records.render import render
from intake.records.rules import Answer, Section, Signature, Snapshot, Words
from tests.records.snapshots import EVIDENCE, a_declined_snapshot, a_hindi_snapshot, a_snapshot, an_arabic_snapshot

BEGUN = {"en": a_snapshot, "hi": a_hindi_snapshot, "ar": an_arabic_snapshot}
LETTERS = st.one_of(
    st.characters(min_codepoint=0x20, max_codepoint=0x17F),
    st.sampled_from("हिन्दी में क्षत्रिय सहमति श्रीमती ७ مرحبا فريدة الشيخ ۵ لا\u200d\u200c\u00a0\n\u202e<&>\"'"),
)
TEXTS = st.text(LETTERS, max_size=200)


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    engine = Engine()
    yield engine
    engine.close()


def plainly(snapshot: Snapshot) -> bytes:
    return render(snapshot, EVIDENCE, translator(snapshot.language))


def with_words(language: str, name: str, words: list[tuple[str, str]]) -> Snapshot:
    rows = tuple(Answer(Words(question, name), Words(answer, "")) for question, answer in words)
    begun = BEGUN[language]()
    return dataclasses.replace(begun, patient_name=name, answers=(*begun.answers, Section(Words(name), rows)))


@example("en", "ð¸ŷÜ", [])  # a letter met first in a large size, whose width was rounded there
@settings(
    max_examples=12,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.sampled_from([*BEGUN]), TEXTS, st.lists(st.tuples(TEXTS, TEXTS), max_size=6))
def test_any_record_is_drawn_to_the_same_bytes_as_by_a_process_that_keeps_nothing(
    engine: Engine, language: str, name: str, words: list[tuple[str, str]]
) -> None:
    snapshot = with_words(language, name, words)
    assert engine.render(snapshot, EVIDENCE) == plainly(snapshot)


def test_records_that_follow_one_another_in_any_order_do_not_change_each_other(engine: Engine) -> None:
    words = [("Do you take any medicine?", "No"), ("क्या आप कोई दवा लेते हैं?", "नहीं"), ("هل تتناول أي دواء؟", "لا")]
    snapshots = [with_words(language, "Meera Joshi", words) for language in ("en", "ar", "hi", "ar", "en")]
    snapshots += [
        a_declined_snapshot(),
        a_snapshot(signature=Signature("Meera", Words("x"), Words("y"), typed="Meera")),
    ]
    expected = [plainly(snapshot) for snapshot in snapshots]
    for _ in range(3):
        assert [engine.render(snapshot, EVIDENCE) for snapshot in snapshots] == expected


def test_what_only_records_of_one_patient_hold_is_not_kept_however_many_there_are() -> None:
    ran = subprocess.run([sys.executable, "-c", TWICE], capture_output=True, text=True, check=True)
    assert json.loads(ran.stdout) == [False, True, 0]


def test_a_page_with_a_style_of_its_own_is_drawn_with_it(tmp_path: Path) -> None:
    shutil.copytree(TEMPLATES / "records", tmp_path / "records")
    page = tmp_path / "records" / "record.html"
    page.write_text(page.read_text("utf-8").replace("<h1>", '<h1 style="color: #123456">'), "utf-8")
    engine, snapshot = Engine(templates=tmp_path), a_snapshot()
    with closing(engine):
        drawn = engine.render(snapshot, EVIDENCE)
    assert drawn == render(snapshot, EVIDENCE, translator("en"), templates=tmp_path) != plainly(snapshot)


# ---- What is spared, and what is not kept ----

PROGRAM = """
import dataclasses, gc, json, sys
from collections import Counter
import cssselect2
import weasyprint.css, weasyprint.svg, weasyprint.draw.color
import weasyprint.layout.inline, weasyprint.layout.page, weasyprint.layout.percent
from weasyprint.css import ComputedStyle, Style
from weasyprint.formatting_structure.boxes import Box
from weasyprint.text.line_break import Layout
from intake.config import TEMPLATES
from intake.i18n import translator
from intake.records import quick
from intake.records.render import render
from tests.records.snapshots import EVIDENCE, a_hindi_snapshot, a_snapshot, an_arabic_snapshot

seen = Counter()
def counted(name, do):
    def counting(*facts, **more):
        seen[name] += 1
        return do(*facts, **more)
    return counting

if sys.argv[1] == "quick":
    quick.install()
ComputedStyle.__init__ = counted("styles", ComputedStyle.__init__)
Layout.set_text = counted("layouts", Layout.set_text)
drawing = weasyprint.svg.TAGS["path"]
drawing = getattr(drawing, "_draw", drawing).__globals__
drawing["point"] = counted("points", drawing["point"])
weasyprint.layout.inline.remove_last_whitespace = counted("lines", weasyprint.layout.inline.remove_last_whitespace)
cssselect2.Matcher.match = counted("matches", cssselect2.Matcher.match)
weasyprint.layout.page.block_container_layout = counted("heads", weasyprint.layout.page.block_container_layout)
weasyprint.svg.SVG.draw = counted("drawings", weasyprint.svg.SVG.draw)
Box.is_footnote = counted("questions", Box.is_footnote)
weasyprint.draw.color.get_color = counted("colours", weasyprint.draw.color.get_color)
percent = weasyprint.layout.percent
percent.resolve_one_percentage = counted("lengths", percent.resolve_one_percentage)

found = {}
for begin in (a_snapshot, a_hindi_snapshot, an_arabic_snapshot):
    for n in range(3):
        seen.clear()
        one = dataclasses.replace(begin(), patient_name=f"Patient Number{n}")
        render(one, EVIDENCE, translator(one.language))
    found[one.language] = dict(seen)
texts = {key[0] for style in gc.get_objects() if isinstance(style, Style)
         for key in style.__dict__.get("_lines", ()) if isinstance(key, tuple)}
found["names"] = [text for text in texts if "Number" in text]
found["kept"] = len(texts)
strokes = a_snapshot().signature.path
paths = [key[0] for key in getattr(weasyprint.svg.TAGS["path"], "_kept", ())]
found["paths"], found["strokes"] = len(paths), strokes in paths or not strokes
print(json.dumps(found))
"""


TWICE = """
import dataclasses, gc, json
from pathlib import Path
from weasyprint.css import Style
from weasyprint.formatting_structure.boxes import TextBox
from intake.config import TEMPLATES
from intake.records import rendering
from intake.records.render import FONTS
from tests.records.snapshots import EVIDENCE, a_snapshot

def is_kept(words):
    return any(words in key[0] for style in gc.get_objects() if isinstance(style, Style)
               for key in style.__dict__.get("_lines", ()) if isinstance(key, tuple))

draw = rendering._warmed_up(TEMPLATES, FONTS)
for patient in ("a", "a", "a"):
    draw(dataclasses.replace(a_snapshot(), patient_name="Zoya Quraishi", patient_ref=patient), EVIDENCE)
before = is_kept("Zoya Quraishi")
draw(dataclasses.replace(a_snapshot(), patient_name="Zoya Quraishi", patient_ref="b"), EVIDENCE)
gc.collect()
boxes = [one for one in gc.get_objects() if isinstance(one, TextBox) and "Quraishi" in one.text]
print(json.dumps([before, is_kept("Zoya Quraishi"), len(boxes)]))
"""


def counts(how: str) -> dict[str, dict[str, int]]:
    ran = subprocess.run([sys.executable, "-c", PROGRAM, how], capture_output=True, text=True, check=True)
    return dict(json.loads(ran.stdout))


@pytest.fixture(scope="module")
def stock() -> dict[str, dict[str, int]]:
    return counts("stock")


@pytest.fixture(scope="module")
def quick() -> dict[str, dict[str, int]]:
    return counts("quick")


Counts = dict[str, dict[str, int]]


def test_styles_are_computed_once_and_not_for_each_record_again(stock: Counts, quick: Counts) -> None:
    for language in BEGUN:
        assert quick[language]["styles"] < stock[language]["styles"] / 10  # those of the pages and of tables


def test_the_clinics_own_words_are_laid_out_once_and_not_for_each_record_again(stock: Counts, quick: Counts) -> None:
    for language in BEGUN:
        assert quick[language]["layouts"] < stock[language]["layouts"] / 4


def test_the_running_head_is_read_once_and_not_for_each_page(stock: Counts, quick: Counts) -> None:
    assert quick["en"]["points"] < stock["en"]["points"] / 3


def test_lengths_that_are_no_share_of_anything_are_not_found_out_again(stock: Counts, quick: Counts) -> None:
    assert quick["en"]["lengths"] < stock["en"]["lengths"] / 10


def test_a_line_from_right_to_left_is_laid_out_once(stock: Counts, quick: Counts) -> None:
    assert stock["en"]["lines"] * 0.8 < quick["en"]["lines"] <= stock["en"]["lines"]  # those of the heads are fewer
    assert quick["ar"]["lines"] < stock["ar"]["lines"] / 1.5


def test_the_rules_for_an_element_are_found_once_for_where_it_stands(stock: Counts, quick: Counts) -> None:
    for language in BEGUN:
        assert quick[language].get("matches", 0) < stock[language]["matches"] / 10


def test_the_running_head_is_laid_out_and_drawn_once_for_all_pages(stock: Counts, quick: Counts) -> None:
    for language in BEGUN:
        assert quick[language]["heads"] < stock[language]["heads"]
        assert quick[language]["drawings"] < stock[language]["drawings"] / 2


def test_what_only_a_style_can_say_is_not_asked_of_each_box(stock: Counts, quick: Counts) -> None:
    for language in BEGUN:
        assert quick[language].get("questions", 0) < stock[language]["questions"] / 10
        assert quick[language].get("colours", 0) < stock[language]["colours"] / 2


def test_a_patients_words_and_strokes_are_not_kept(quick: Counts) -> None:
    assert quick["kept"] > 100  # type: ignore[operator]
    assert not quick["names"]
    assert quick["paths"] > 1 and not quick["strokes"]  # type: ignore[operator]
