"""The typefaces cut at build: whole for paper, small for screens, the same every time."""

import importlib.util
from pathlib import Path
from time import monotonic
from types import ModuleType

import pytest
from fontTools.ttLib import TTFont

pytestmark = pytest.mark.packaging

ASSETS = Path(__file__).parent.parent / "assets"


@pytest.fixture(scope="module")
def fonts() -> ModuleType:
    spec = importlib.util.spec_from_file_location("assets_fonts", ASSETS / "fonts.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def cut(fonts: ModuleType) -> dict[str, Path]:
    found = fonts.build_fonts(ASSETS / "node_modules", ASSETS / ".build" / "fonts")
    assert isinstance(found, dict)
    return found


def test_a_second_run_writes_nothing_and_takes_less_than_a_second(fonts: ModuleType, cut: dict[str, Path]) -> None:
    before = {path: path.stat().st_mtime_ns for path in cut.values()}
    start = monotonic()
    assert fonts.build_fonts(ASSETS / "node_modules", ASSETS / ".build" / "fonts") == cut
    assert monotonic() - start < 1
    assert {path: path.stat().st_mtime_ns for path in cut.values()} == before


def test_a_face_cut_again_is_the_same_to_the_byte(fonts: ModuleType, cut: dict[str, Path], tmp_path: Path) -> None:
    plan = fonts.tomllib.loads(fonts.PLAN.read_text("utf-8"))
    face, screen = plan["print"][0], plan["screen"][-1]
    assert fonts._static(plan, ASSETS / "node_modules", face) == cut[f"pdf/{face['file']}"].read_bytes()
    assert fonts._web(plan, ASSETS / "node_modules", screen) == cut[screen["file"]].read_bytes()


def test_print_faces_have_one_weight_and_are_not_squeezed(cut: dict[str, Path]) -> None:
    for name, path in cut.items():
        if name.startswith("pdf/"):
            with path.open("rb") as file, TTFont(file) as font:
                assert "fvar" not in font and font.flavor is None, name
                assert font["OS/2"].usWeightClass == int(path.stem.split("-")[1])


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("pdf/atkinson-400.ttf", "Zoë Łukasiewicz Şükrü Ağaoğlu ₹"),
        ("pdf/newsreader-500.ttf", "Nguyễn Thị Ánh Łukasz"),
        ("pdf/devanagari-700.ttf", "फ़रीदा क्षत्रिय ७५ ॐ Zoë"),
        ("pdf/arabic-400.ttf", "فريدة گلزار پٹیل ی Zoë"),
        ("atkinson-next.woff2", "Farida Zoë 0123456789"),
        ("atkinson-next-ext.woff2", "ŁŞğ"),
        ("noto-deva.woff2", "फ़रीदा क्षत्रिय"),
        ("noto-arab.woff2", "فريدة"),
        ("pick-deva.woff2", "हिन्दी"),
        ("pick-arab.woff2", "العربية"),
    ],
)
def test_a_face_has_the_letters_it_is_for(cut: dict[str, Path], name: str, words: str) -> None:
    with cut[name].open("rb") as file, TTFont(file) as font:
        letters = font.getBestCmap()
        assert not [letter for letter in words if ord(letter) not in letters and letter != " "]


def test_two_words_on_the_language_buttons_cost_little(cut: dict[str, Path]) -> None:
    assert all(cut[name].stat().st_size < 6000 for name in ("pick-deva.woff2", "pick-arab.woff2"))


def test_a_missing_package_is_said(fonts: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"atkinson|newsreader|noto"):
        fonts.build_fonts(tmp_path, tmp_path / "out")
