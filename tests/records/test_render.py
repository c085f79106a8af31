"""What a finished record says, shows and claims, read back with other people's tools; and what it never fetches."""

import dataclasses
import re
import socket
import subprocess
import unicodedata
from datetime import UTC, datetime
from enum import Enum
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from pyhanko.pdf_utils.reader import PdfFileReader

from intake.config import TEMPLATES
from intake.errors import Invalid
from intake.i18n import translator
from intake.records import faces
from intake.records.faces import Faces, Ink
from intake.records.render import FONTS, qr_code, render
from intake.records.rules import Answer, Clinic, Event, Section, Snapshot, Words
from intake.records.tongue import Tongue
from tests.records.snapshots import EVIDENCE, STROKES, a_declined_snapshot, a_snapshot, answers_of

OUR_FACES = {"Intake-Text", "Intake-Heading", "Intake-Devanagari", "Intake-Arabic"}
EVIL = (
    "<script>alert(1)</script><img src='http://evil.example/a.png'><style>@import 'http://evil.example/b'</style>"
    '<link rel=attachment href=file:///etc/passwd></td></table>{{7*7}}{% raw %}&lt;"'
)


def run(*command: str | Path) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout


def text_of(pdf: Path | bytes, tmp_path: Path | None = None) -> str:
    """All words in reading order, without the spaces that line ends and columns make."""
    if isinstance(pdf, bytes):
        assert tmp_path
        (tmp_path / "made.pdf").write_bytes(pdf)
        pdf = tmp_path / "made.pdf"
    return squashed(run("pdftotext", "-raw", pdf, "-"))


def squashed(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).split())


def faces_of(pdf: Path) -> set[str]:
    names = [line.split()[0].split("+")[-1] for line in run("pdffonts", pdf).splitlines()[2:]]
    return {re.sub(r"-(Semi-Bold|Bold|Medium)$", "", name) for name in names}


@pytest.mark.parametrize("name", ["english", "declined", "hindi", "arabic"])
def test_a_record_claims_pdf_a_3u_and_pdf_ua_1_and_is_tagged_titled_and_clean(pdfs: dict[str, Path], name: str) -> None:
    info, packet = run("pdfinfo", pdfs[name]), run("pdfinfo", "-meta", pdfs[name])
    assert re.search(r"Tagged:\s+yes", info)
    title = translator({"hindi": "hi", "arabic": "ar"}.get(name, "en"))("Consent record")
    assert re.search(rf"Title:\s+{title} KS-7KQ2-M9XF", unicodedata.normalize("NFC", info))
    assert "<pdfaid:part>3</pdfaid:part><pdfaid:conformance>U</pdfaid:conformance>" in packet
    assert "<pdfuaid:part>1</pdfuaid:part>" in packet
    assert "No syntax or stream encoding errors" in run("qpdf", "--check", pdfs[name])


@pytest.mark.parametrize("name", ["english", "declined", "hindi", "arabic"])
def test_every_face_is_ours_and_embedded(pdfs: dict[str, Path], name: str) -> None:
    assert faces_of(pdfs[name]) <= OUR_FACES
    rows = [line.split()[-5:-2] for line in run("pdffonts", pdfs[name]).splitlines()[2:]]
    assert rows and all(row == ["yes", "yes", "yes"] for row in rows)


def test_no_picture_is_made_of_pixels(pdfs: dict[str, Path]) -> None:
    assert len(run("pdfimages", "-list", pdfs["english"]).splitlines()) == 2


def test_the_evidence_lies_inside_unchanged(pdfs: dict[str, Path], evidence: bytes, tmp_path: Path) -> None:
    run("pdfdetach", "-save", "1", "-o", tmp_path / "evidence.json", pdfs["hindi"])
    assert (tmp_path / "evidence.json").read_bytes() == evidence
    root = PdfFileReader(BytesIO(pdfs["hindi"].read_bytes())).root
    assert [entry.get_object()["/AFRelationship"] for entry in root["/AF"]] == ["/Source"]


def test_a_record_with_other_evidence_than_it_names_is_not_made() -> None:
    with pytest.raises(Invalid):
        render(a_snapshot(), EVIDENCE + b" ")


def strings_of(value: Any) -> list[str]:
    """Every text in a snapshot but those that are data, not words."""
    if isinstance(value, Enum | datetime | bool) or value is None:
        return []
    if isinstance(value, str):
        return [value]
    if isinstance(value, tuple):
        return [text for item in value for text in strings_of(item)]
    skipped = {"path", "direction", "language", "sha256", "evidence_sha256", "english"}
    fields = [field.name for field in dataclasses.fields(value) if field.name not in skipped]
    return [text for name in fields for text in strings_of(getattr(value, name))]


def test_everything_the_snapshot_holds_is_printed_in_words(pdfs: dict[str, Path]) -> None:
    text = text_of(pdfs["english"])
    missing = [words for words in strings_of(a_snapshot()) if squashed(words) not in text]
    assert missing == []


def test_a_decline_says_so_and_has_no_signatures(pdfs: dict[str, Path]) -> None:
    text = text_of(pdfs["declined"])
    assert squashed("The patient does not want this treatment") in text
    assert squashed("I want to think about it at home.") in text
    assert "Drawnsignature" not in text and "Countersigned" not in text


def test_the_words_of_a_hindi_record_can_all_be_found_again_with_the_english_under_them(pdfs: dict[str, Path]) -> None:
    text = text_of(pdfs["hindi"])
    for words in ("श्रीमती फ़रीदा शेख़ क्षत्रिय", "क्या आप खून पतला करने की दवा लेते हैं?", "इकोस्प्रिन ७५"):
        assert squashed(words) in text
    assert squashed("Do you take a blood thinner?") in text
    for label in ("Patient", "Name", "What the patient told us", "Signatures and proof"):
        assert squashed(translator("hi")(label) + label) in text


def test_a_record_in_arabic_runs_from_right_to_left(pdfs: dict[str, Path]) -> None:
    question, answer = (word_box(pdfs["arabic"], word) for word in ("thinner?", "Ecosprin"))
    assert question[0] > answer[2], "the column of questions is right of the column of answers"


def word_box(pdf: Path, word: str) -> tuple[float, float, float, float]:
    boxes = run("pdftotext", "-bbox", pdf, "-")
    found = re.search(rf'xMin="([\d.]+)" yMin="([\d.]+)" xMax="([\d.]+)" yMax="([\d.]+)">{re.escape(word)}<', boxes)
    assert found, word
    a, b, c, d = (float(number) for number in found.groups())
    return a, b, c, d


MONTHS = [f"2026-{month:02}-2{month % 10}T16:{month + 30}:00+00:00" for month in range(1, 13)]


def test_the_english_of_an_arabic_line_stands_under_it_also_beside_the_code(pdfs: dict[str, Path]) -> None:
    english = word_box(pdfs["arabic"], "Check")
    page = next(page for page in run("pdftotext", "-bbox", pdfs["arabic"], "-").split("</page>") if ">Check<" in page)
    bottoms = [float(bottom) for bottom in re.findall(r'yMax="([\d.]+)"', page)]
    above = max(bottom for bottom in bottoms if bottom < english[3] - 2)
    assert english[1] - above < 5, "points between the Arabic line and its English"


@pytest.mark.parametrize(("language", "direction"), [("en", "ltr"), ("hi", "ltr"), ("ar", "rtl")])
def test_a_time_stays_on_one_line_inside_its_column_in_every_month(
    language: str, direction: str, tmp_path: Path
) -> None:
    tongue = Tongue(language, translator(language))
    events = tuple(Event(tongue.moment(iso, UTC), Words(f"did{iso[14:16]}"), Words("")) for iso in MONTHS)
    snapshot = a_snapshot(language=language, direction=direction, answers=(), clauses=(), timeline=events)
    path = tmp_path / "times.pdf"
    path.write_bytes(render(snapshot, EVIDENCE, translator(language)))
    for iso in MONTHS:
        did, line = word_box(path, f"did{iso[14:16]}"), word_box(path, f"16:{iso[14:16]}")
        day, year = (near(path, word, line) for word in (rf"{int(iso[8:10])}", r"\W?2026\W?"))
        for box in (day, year, line):
            assert box[2] < did[0] if direction == "ltr" else box[0] > did[2]


def near(pdf: Path, word: str, line: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    """The box of a word on the line of another."""
    boxes = run("pdftotext", "-bbox", pdf, "-")
    pattern = rf'xMin="([\d.]+)" yMin="([\d.]+)" xMax="([\d.]+)" yMax="([\d.]+)">{word}<'
    found = [tuple(float(number) for number in match.groups()) for match in re.finditer(pattern, boxes)]
    # By their middles: a box is as tall as its face, and an Arabic comma brings a taller one.
    [(a, b, c, d)] = {box for box in found if abs(box[1] + box[3] - line[1] - line[3]) < 4}
    return a, b, c, d


def with_every_text(value: Any, text: str) -> Any:
    """The same snapshot with each of its words replaced."""
    if isinstance(value, Words):
        return Words(text, text + "!")
    if isinstance(value, str) and not isinstance(value, Enum):
        return text
    if isinstance(value, tuple):
        return tuple(with_every_text(item, text) for item in value)
    if not dataclasses.is_dataclass(value) or isinstance(value, type):
        return value
    kept = {"path", "direction", "language", "sha256", "evidence_sha256"}
    names = [field.name for field in dataclasses.fields(value) if field.name not in kept]
    return dataclasses.replace(value, **{name: with_every_text(getattr(value, name), text) for name in names})


def test_html_in_every_text_is_printed_as_typed_and_fetches_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_network(*_: object) -> None:
        raise AssertionError("the record tried the network")

    evil: Snapshot = with_every_text(a_snapshot(answers=a_snapshot().answers[:1]), EVIL)
    render(a_snapshot(), EVIDENCE)
    monkeypatch.setattr(socket.socket, "connect", no_network)
    monkeypatch.setattr(socket, "getaddrinfo", no_network)
    made = render(evil, EVIDENCE)
    text = text_of(made, tmp_path)
    assert text.count(squashed(EVIL)) > 20
    assert "root:" not in text and "49" not in text.replace(squashed(EVIL), "")
    assert run("pdfdetach", "-list", tmp_path / "made.pdf").splitlines()[1:] == ["1: evidence.json"]


@pytest.mark.parametrize(
    "markup",
    [
        '<img src="http://127.0.0.1:9/a.png"/>',
        '<img src="file:///etc/passwd"/>',
        '<img src="data:image/png;base64,AAAA"/>',
        '<p style="background: url(http://127.0.0.1:9/b)">x</p>',
        '<svg xmlns="http://www.w3.org/2000/svg"><image href="http://127.0.0.1:9/c"/></svg>',
        '<link rel="stylesheet" href="http://127.0.0.1:9/d.css"/>',
        "<style>@import url(file:///etc/hosts);</style>",
        '<link rel="attachment" href="file:///etc/passwd"/>',
        "<style>@font-face { font-family: X; src: url(intake-font:atkinson-400.ttf) }</style>",
    ],
)
def test_a_page_that_wants_to_fetch_is_not_made(markup: str, tmp_path: Path) -> None:
    (tmp_path / "records").mkdir()
    (tmp_path / "records" / "record.css").write_text("")
    head = "<title>x</title><meta name='author' content='x'/><meta name='generator' content='x'/>"
    page = f"<html lang='en'><head>{head}</head><body>{markup}</body></html>"
    (tmp_path / "records" / "record.html").write_text(page)
    with pytest.raises(Invalid, match=r"records\.fetch_refused"):
        render(a_snapshot(), EVIDENCE, templates=tmp_path)


def test_a_record_whose_signature_cannot_be_drawn_is_not_made() -> None:
    signature = dataclasses.replace(a_snapshot().signature, path="M1 1A1 1")  # type: ignore[type-var]
    with pytest.raises(Invalid, match=r"records\.not_whole"):
        render(a_snapshot(signature=signature), EVIDENCE)


def test_text_that_no_face_can_show_is_printed_as_a_code_and_other_directions_keep_their_letters(
    tmp_path: Path,
) -> None:
    said = answers_of(
        ("Emoji", "I am fine 😀👍🏽"), ("Arabic", "عندي حساسية"), ("Hidden", "a\u202eb\x00c"), ("Old Italic", "𐌀")
    )
    made = render(a_snapshot(answers=(Section(Words("All"), said),)), EVIDENCE)
    text = text_of(made, tmp_path)
    for code in ("fine[U+1F600][U+1F44D][U+1F3FD]", "a[U+202E]b[U+0000]c", "[U+10300]"):
        assert code in text
    assert faces_of(tmp_path / "made.pdf") <= OUR_FACES
    assert "Intake-Arabic" in faces_of(tmp_path / "made.pdf")


def test_entries_of_a_group_stand_under_their_names_and_none_of_these_with_what_was_offered(tmp_path: Path) -> None:
    one, two = Words("दवा 1", "Medicine 1"), Words("दवा 2", "Medicine 2")
    rows = (
        Answer(Words("Any?"), Words("None of these"), offered=Words("Offered: दमा", "Offered: Asthma")),
        Answer(Words("Name"), Words("Aspirin"), one),
        Answer(Words("Dose"), Words("75 mg"), one),
        Answer(Words("Name"), Words("Zinc"), two),
        Answer(Words("Pharmacy"), Words("Corner")),
    )
    made = render(a_snapshot(language="hi", answers=(Section(Words("Medicines"), rows),)), EVIDENCE, translator("hi"))
    text = text_of(made, tmp_path)
    told = ("None of these", "Offered: Asthma", "Medicine 1", "Aspirin", "75 mg", "Medicine 2", "Zinc", "Corner")
    places = [text.index(squashed(words)) for words in told]
    assert places == sorted(places)
    assert text.count("Medicine1") == 1
    tags = run("pdfinfo", "-struct", tmp_path / "made.pdf")
    assert re.findall(r"\bH[34]\b", tags)[:3] == ["H3", "H4", "H4"], "a heading of its own, a level below the section's"


def test_a_very_long_name_and_answer_stay_inside_the_page(tmp_path: Path) -> None:
    name = ("Maximiliana Anastasia " * 228)[:5000]
    rows = answers_of(("A long answer", "word " * 1000), ("No space in it", "x" * 3000))
    made = render(a_snapshot(patient_name=name, answers=(Section(Words("Long"), rows),)), EVIDENCE)
    assert text_of(made, tmp_path).count("Anastasia") >= name.count("Anastasia")
    boxes = run("pdftotext", "-bbox", tmp_path / "made.pdf", "-")
    width, height = (float(n) for n in re.search(r'page width="([\d.]+)" height="([\d.]+)"', boxes).groups())  # type: ignore[union-attr]
    for left, top, right, bottom in re.findall(r'xMin="(.+?)" yMin="(.+?)" xMax="(.+?)" yMax="(.+?)"', boxes):
        assert float(left) >= 40 and float(right) <= width - 40
        assert float(top) >= 20 and float(bottom) <= height - 20


@pytest.mark.parametrize("demo", [True, False])
def test_a_demo_record_says_demo_on_every_page(demo: bool, tmp_path: Path) -> None:
    text = run_text(render(a_snapshot(demo=demo), EVIDENCE), tmp_path)
    assert len(text) > 2
    assert all(("DEMO" in page) is demo for page in text)


def run_text(pdf: bytes, tmp_path: Path) -> list[str]:
    (tmp_path / "pages.pdf").write_bytes(pdf)
    return run("pdftotext", tmp_path / "pages.pdf", "-").split("\f")[:-1]


def test_texts_that_no_doctor_approved_are_called_drafts(tmp_path: Path) -> None:
    draft = dataclasses.replace(a_snapshot().definitions[0], is_approved=False)
    text = text_of(render(a_declined_snapshot(definitions=(draft,)), EVIDENCE), tmp_path)
    assert squashed("Draft texts: no doctor of this clinic has approved") in text
    assert squashed("draft, not approved") in text


def test_a_drawn_signature_of_twenty_thousand_points_is_printed() -> None:
    from intake.records.rules import INK_HEIGHT, INK_WIDTH, strokes_to_path

    points = [(x * 7919 % 600, x * 104729 % 200, x) for x in range(20_000)]
    path = strokes_to_path([points], INK_WIDTH, INK_HEIGHT)
    signature = dataclasses.replace(a_snapshot().signature, path=path)  # type: ignore[type-var]
    assert len(render(a_snapshot(signature=signature), EVIDENCE)) > len(str(STROKES))


def test_a_qr_code_keeps_every_dark_module() -> None:
    code = qr_code("https://intake.clinic.example/verify/KS-7KQ2-M9XF")
    drawn = {
        (int(x) + step, int(y))
        for x, y, width in re.findall(r"M(\d+) (\d+)\.5h(\d+)", code.path)
        for step in range(int(width))
    }
    import segno

    matrix = segno.make("https://intake.clinic.example/verify/KS-7KQ2-M9XF", micro=False, error="m").matrix
    assert drawn == {(x, y) for y, row in enumerate(matrix) for x, dark in enumerate(row) if dark}
    assert code.size == len(matrix)


def test_an_address_too_long_for_a_qr_code_is_refused() -> None:
    with pytest.raises(Invalid):
        qr_code("x" * 5000)


def test_our_faces_have_the_letters_of_names_from_many_places() -> None:
    ink = Ink(Faces(FONTS))
    for name in (
        "Zoë Łukasiewicz",
        "Şükrü Ağaoğlu",
        "Nguyễn Thị Ánh",
        "फ़रीदा क्षत्रिय",
        "فريدة الشيخ",
        "گلزار پٹیل",
        "₹ “” – … °",
    ):
        assert all(letter == " " or ink.has_glyph(letter) for letter in name), name
    assert not ink.families


def test_a_letter_that_only_an_installed_noto_face_has_takes_that_face(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "NotoSansTest-Regular.ttf").write_bytes((FONTS / "devanagari-400.ttf").read_bytes())
    (tmp_path / "NotoSansBroken-Regular.ttf").write_bytes(b"not a font")
    monkeypatch.setattr(faces, "SYSTEM", (tmp_path,))
    latin = tmp_path / "ours"
    latin.mkdir()
    (latin / "atkinson-400.ttf").write_bytes((FONTS / "atkinson-400.ttf").read_bytes())
    faces._installed.cache_clear()
    faces._installed_family.cache_clear()
    ink = Ink(Faces(latin))
    assert ink.has_glyph("क") and not ink.has_glyph("中") and not ink.has_glyph("😀")
    assert ink.families == {"Noto Sans Devanagari"}
    faces._installed.cache_clear()
    faces._installed_family.cache_clear()


def test_without_built_faces_a_record_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="build the assets"):
        render(a_snapshot(), EVIDENCE, fonts=tmp_path)


def test_the_style_sheet_names_only_faces_that_are_packaged() -> None:
    style = (TEMPLATES / "records" / "record.css").read_text("utf-8")
    named = set(re.findall(r"url\(intake-font:(.+?)\)", style))
    assert named == {path.name for path in FONTS.glob("*.ttf")}
    assert len(re.findall(r"url\(", style)) == len(named)
    assert not re.search(r"display:\s*(flex|grid)", style)


def test_a_snapshot_with_nothing_but_what_it_must_have_is_a_record() -> None:
    bare = a_declined_snapshot(
        summary=Words(""),
        patient=(),
        answers=(),
        treatment=(),
        clauses=(),
        questions=(),
        helpers=(),
        timeline=(),
        definitions=(),
    )
    assert render(bare, EVIDENCE).startswith(b"%PDF-1.7")


def test_one_answer_is_one_row_even_where_it_has_lines(tmp_path: Path) -> None:
    row = Answer(Words("Allergies"), Words("penicillin\nlatex\nmango"))
    made = render(a_snapshot(answers=(Section(Words("s"), (row,)),)), EVIDENCE)
    assert "Allergiespenicillinlatexmango" in text_of(made, tmp_path)


def test_a_clinic_that_has_not_named_itself_can_still_keep_records() -> None:
    assert render(a_declined_snapshot(clinic=Clinic("")), EVIDENCE)
