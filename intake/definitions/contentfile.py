"""What the small YAML files of an edition have in common: version, languages, unique ids, and whom a text is for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Protocol, TypeVar

from intake.definitions.questionnaire import Text
from intake.definitions.yamlfile import Input, Node, Reader, is_word

T = TypeVar("T")
EVERYONE = "ALL"


class Applying(Protocol):
    """Something that is meant for some treatments; an empty `applies` means everyone."""

    @property
    def applies(self) -> tuple[str, ...]:
        """The treatment codes."""


A = TypeVar("A", bound=Applying)


def for_treatments(all_of: Iterable[A], treatments: Collection[str]) -> Iterator[A]:
    """Yield what applies to everyone or to one of these treatments."""
    return (one for one in all_of if not one.applies or not set(one.applies).isdisjoint(treatments))


class ContentFile:
    """One file being read. It takes ``version`` and ``languages`` itself; `top` holds the keys the caller asked for."""

    def __init__(self, data: Input, name: str, required: Iterable[str], optional: Iterable[str] = ()) -> None:
        """Parse a file. Raises DefinitionError at once only if it is not YAML; everything else waits for `done()`."""
        self.reader = Reader(data, name)
        self.top = self.reader.mapping(self.reader.root, ("version", "languages", *required), optional)
        self.version = self.reader.version(self.top.get("version"))
        written = self.reader.strings(self.top.get("languages")) or ("en",)
        self.base = written[0]
        self.languages = self.reader.translated.languages if self.reader.translated else written
        self._ids: set[str] = set()

    def fields(self, node: Node, required: Iterable[str], optional: Iterable[str] = ()) -> dict[str, Node]:
        """Return the keys of one entry, with unknown and missing ones reported."""
        return self.reader.mapping(node, required, optional)

    def new_id(self, node: Node | None) -> str:
        """Return an id that may stand only once in the file."""
        word = self.reader.string(node)
        if node is not None and word in self._ids:
            self.reader.problem(node, "Y02", f"the id '{word}' is used twice")
        self._ids.add(word)
        return word

    def text(self, node: Node | None, skip: Iterable[str] = ()) -> Text:
        """Return words, which must be there in every language the file declares."""
        if node is None:
            return Text()
        words = self.reader.text(node, self.base, skip)
        for language in self.languages:
            if language not in words.languages:
                self.reader.problem(node, "Y03", f"the words in '{language}' are missing")
        return words

    def staff_text(self, node: Node | None) -> Text:
        """Return words for staff, who read the base language; they are not translated."""
        return Text() if node is None else Text.of({self.base: self.reader.string(node)})

    def applies(self, node: Node | None, treatments: Collection[str]) -> tuple[str, ...]:
        """Return treatment codes; ``ALL`` means everyone and gives none."""
        codes = self.reader.codes(node, (EVERYONE, *treatments), "treatment")
        return () if EVERYONE in codes else codes

    def every(self, key: str, read: Callable[[Node], T]) -> tuple[T, ...]:
        """Return the entries of a list at the top of the file, each read by a function."""
        return tuple(read(node) for node in self.reader.sequence(self.top.get(key)))

    def pairs(self, key: str) -> list[tuple[str, Node]]:
        """Return the pairs of a mapping at the top of the file."""
        return self.reader.entries(self.top[key]) if key in self.top else []

    def flag(self, node: Node, key: str) -> bool:
        """Return whether an entry that may be plain words or a mapping carries ``key: true``."""
        return not is_word(node) and self.reader.boolean(dict(self.reader.entries(node)).get(key))

    def done(self, found: T) -> T:
        """Return what was read, or raise DefinitionError with everything that was wrong."""
        self.reader.done()
        return found
