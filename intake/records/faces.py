"""Which letters the record can print: our own faces, then Noto faces installed on the machine. Draws nothing itself."""

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from fontTools.ttLib import TTFont, TTLibError

from intake.records.rules import printable

SYSTEM = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"))


class Faces:
    """The packaged faces: their bytes by file name, and the letters that at least one of them has."""

    def __init__(self, directory: Path) -> None:
        """Read every TTF of a directory. Raises FileNotFoundError when there is none: the assets were not built."""
        self.files = {path.name: path.read_bytes() for path in sorted(directory.glob("*.ttf"))}
        if not self.files:
            raise FileNotFoundError(f"no typefaces in {directory}; build the assets first")
        self.letters = frozenset().union(*(_letters(directory / name) for name in self.files))
        self._itself = re.compile("[{}]*".format("".join(re.escape(letter) for letter in self._ordinary())))

    def has_whole(self, text: str) -> bool:
        """Whether each letter of a text is printed as it stands: a quick yes for nearly every text there is."""
        return bool(self._itself.fullmatch(text)) and unicodedata.is_normalized("NFC", text)

    def _ordinary(self) -> Iterator[str]:
        """The letters of these faces that `rules.printable` leaves as they are."""
        return (letter for letter in map(chr, self.letters) if printable(letter, lambda _: True) == letter)


class Ink:
    """What one record needs: says whether a letter can be printed and remembers which installed faces that takes."""

    def __init__(self, faces: Faces) -> None:
        self.faces = faces
        self.families: set[str] = set()

    def has_glyph(self, letter: str) -> bool:
        """Whether a face of ours or an installed Noto face has the letter."""
        if ord(letter) in self.faces.letters:
            return True
        # Symbols may be emoji, for which the layout engine goes to a colour face of its own choice: never those.
        if unicodedata.category(letter)[0] == "S":
            return False
        family = _installed_family(ord(letter))
        if family:
            self.families.add(family)
        return bool(family)


def _letters(path: Path) -> frozenset[int]:
    with path.open("rb") as file, TTFont(file, lazy=True) as font:
        return frozenset(font.getBestCmap() or ())


@cache
def _installed_family(letter: int) -> str:
    """The first installed Noto Sans family with this letter, or nothing."""
    return next((family for family, letters in _installed() if letter in letters), "")


@cache
def _installed() -> tuple[tuple[str, frozenset[int]], ...]:
    """The upright Noto Sans faces of this machine, the general one first; read once, when a letter first asks."""
    return tuple(_read_installed())


def _read_installed() -> Iterator[tuple[str, frozenset[int]]]:
    paths = [path for folder in SYSTEM for path in folder.rglob("NotoSans*-Regular.ttf")]
    for path in sorted(paths, key=lambda path: (len(path.name), path.name)):
        try:
            with path.open("rb") as file, TTFont(file, lazy=True) as font:
                yield str(font["name"].getBestFamilyName()), frozenset(font.getBestCmap() or ())
        except (TTLibError, OSError):  # a broken file of the machine is as good as none
            continue
