"""Reads the clinic's YAML files strictly: each value with its line, every slip collected, nothing guessed.

Only ``true`` and ``false`` are booleans here, so that the option codes ``yes`` and ``no`` stay words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import yaml

from intake.definitions.problems import DefinitionError, Problem
from intake.definitions.questionnaire import Text

T = TypeVar("T")

VERSION = re.compile(r"\d{1,5}\.\d{1,5}\.\d{1,5}(-[0-9A-Za-z.-]{1,32})?")
LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")


class _Loader(yaml.SafeLoader):
    """SafeLoader whose plain words are strings unless they are true, false or a number, and that refuses aliases."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):  # a few aliases of aliases would unfold to gigabytes
            raise yaml.composer.ComposerError(None, None, "aliases (*name) are not allowed", self.get_mark())
        return super().compose_node(parent, index)


_Loader.yaml_implicit_resolvers = {}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), list("tf"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^-?(?:0|[1-9][0-9]{0,17})$"), list("-0123456789"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(r"^-?[0-9]+\.[0-9]+$"), list("-0123456789"))

_HALF_LETTER = re.compile(r"[\ud800-\udfff]")  # YAML can write one, UTF-8 cannot

Node = yaml.Node


@dataclass(frozen=True)
class Translated:
    """One YAML file with its words in further languages. `languages` are those it must be complete in, the base first;
    `words` maps base words to translated ones, by language. Reading it leaves in `strings` every text that a patient
    may read, with its place (``file:line``)."""

    data: str | bytes
    languages: tuple[str, ...]
    words: Mapping[str, Mapping[str, str]]
    strings: dict[str, str] = field(default_factory=dict)

    def add(self, base: str, written: Mapping[str, str], place: str) -> dict[str, str]:
        """Return the words of one text in every language it has; what is written in the file itself comes first."""
        self.strings.setdefault(written[base], place)
        found = {code: words[written[base]] for code, words in self.words.items() if written[base] in words}
        return {base: written[base], **found, **written}


Input = str | bytes | Translated
"""A YAML file as text, as UTF-8 bytes, or together with its translations."""


class Reader:
    """Walks one YAML file. Each method returns a harmless value where the file is wrong and keeps the problem.

    Call `done()` at the end: it raises DefinitionError with all problems.
    """

    def __init__(self, text: Input, name: str) -> None:
        """Parse a file; `name` stands in problems. Raises DefinitionError if it is not YAML."""
        self.name = name
        self.translated = text if isinstance(text, Translated) else None
        text = text.data if isinstance(text, Translated) else text
        self.problems: list[Problem] = []
        try:
            # A SafeLoader: only plain YAML nodes are composed, no object is ever constructed from a tag.
            root = yaml.compose(text, Loader=_Loader)
        except (yaml.YAMLError, RecursionError) as error:
            mark = getattr(error, "problem_mark", None)
            place = f"{name}:{mark.line + 1}" if mark else name
            reason = getattr(error, "problem", None) or "not readable"
            raise DefinitionError([Problem("Y01", place, f"this is not YAML: {reason}")]) from error
        if root is None:
            raise DefinitionError([Problem("Y01", name, "the file is empty")])
        self.root: Node = root

    def place(self, node: Node) -> str:
        """Return ``file:line`` of a node."""
        return f"{self.name}:{node.start_mark.line + 1}"

    def problem(self, node: Node, code: str, message: str, hint: str = "", link_id: str = "") -> None:
        """Keep one problem at a node's line."""
        self.problems.append(Problem(code, self.place(node), message, hint, link_id))

    def done(self) -> None:
        """Raise DefinitionError if anything was wrong."""
        if self.problems:
            raise DefinitionError(self.problems)

    def entries(self, node: Node) -> list[tuple[str, Node]]:
        """Return the pairs of a mapping in file order; a key given twice is a problem and counts once."""
        if not isinstance(node, yaml.MappingNode):
            self.problem(node, "Y04", "a mapping (key: value) is expected here")
            return []
        found: dict[str, Node] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self.problem(key, "Y04", "a key must be a plain word")
            elif key.value in found:
                self.problem(key, "Y02", f"'{key.value}' stands here twice")
            else:
                found[key.value] = value
        return list(found.items())

    def mapping(self, node: Node, required: Iterable[str] = (), optional: Iterable[str] = ()) -> dict[str, Node]:
        """Return the pairs of a mapping that may hold only these keys and must hold the required ones."""
        found = dict(self.entries(node))
        allowed = {*required, *optional}
        for key in [key for key in found if key not in allowed]:
            self.problem(found.pop(key), "Y02", f"unknown key '{key}'", f"known here: {', '.join(sorted(allowed))}")
        if isinstance(node, yaml.MappingNode):
            for key in required:
                if key not in found:
                    self.problem(node, "Y03", f"'{key}' is missing")
        return found

    def sequence(self, node: Node | None) -> Sequence[Node]:
        """Return the entries of a list; no node gives none."""
        if node is None:
            return []
        if not isinstance(node, yaml.SequenceNode):
            self.problem(node, "Y04", "a list is expected here")
            return []
        return list(node.value)

    def string(self, node: Node | None) -> str:
        """Return a word or sentence; a number is taken as written, so that a code may be ``1``."""
        if node is None:
            return ""
        if not isinstance(node, yaml.ScalarNode) or not node.value.strip():
            self.problem(node, "Y04", "a text is expected here")
            return ""
        if _HALF_LETTER.search(node.value):
            self.problem(node, "Y04", "this text holds half a letter (a lone surrogate)")
            return ""
        return str(node.value).strip()

    def strings(self, node: Node | None) -> tuple[str, ...]:
        """Return a list of words; a single word counts as a list of one."""
        if isinstance(node, yaml.ScalarNode):
            return (self.string(node),)
        return tuple(self.string(entry) for entry in self.sequence(node))

    def boolean(self, node: Node | None) -> bool:
        """Return true or false; no node gives false."""
        return bool(self._scalar(node, "bool", lambda raw: raw == "true", "true or false", False))

    def integer(self, node: Node | None) -> int | None:
        """Return a whole number; no node gives None."""
        return self._scalar(node, "int", int, "a whole number", None)

    def code(self, node: Node | None, known: Iterable[str], what: str) -> str:
        """Return a word that must be one of the known ones."""
        word = self.string(node)
        names = list(known)
        if node is not None and word and word not in names:
            shown = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
            self.problem(node, "Y05", f"there is no {what} '{word}'", f"known: {shown}")
        return word

    def version(self, node: Node | None) -> str:
        """Return a version number such as 1.0.0."""
        word = self.string(node)
        if node is not None and not VERSION.fullmatch(word):
            self.problem(node, "Y04", f"'{word}' is not a version", "it must look like 1.0.0")
        return word

    def codes(self, node: Node | None, known: Iterable[str], what: str) -> tuple[str, ...]:
        """Return a list of words that must all be known; a single word counts as a list of one."""
        names = list(known)
        entries = [node] if isinstance(node, yaml.ScalarNode) else self.sequence(node)
        return tuple(self.code(entry, names, what) for entry in entries)

    def text(self, node: Node | None, base: str, skip: Iterable[str] = ()) -> Text:
        """Return words in languages: ``{en: ..., hi: ...}``, or plain words in the base language.

        Keys named in `skip` belong to the caller.
        """
        if node is None:
            return Text()
        if isinstance(node, yaml.ScalarNode):
            return self._words(node, base, {base: self.string(node)})
        words = {language: self.string(value) for language, value in self.entries(node) if language not in skip}
        for language in words:
            if not LANGUAGE.fullmatch(language):
                self.problem(node, "Y04", f"'{language}' is not a language code", "for example en or hi")
        if base not in words:
            self.problem(node, "Y03", f"the words in the base language '{base}' are missing")
        return self._words(node, base, {base: words.pop(base, ""), **words})

    def _words(self, node: Node, base: str, words: Mapping[str, str]) -> Text:
        if self.translated is None or not words[base]:
            return Text.of(words)
        return Text.of(self.translated.add(base, words, self.place(node)))

    def _scalar(self, node: Node | None, tag: str, read: Callable[[str], T], what: str, missing: T) -> T:
        if node is None:
            return missing
        if isinstance(node, yaml.ScalarNode) and node.tag == f"tag:yaml.org,2002:{tag}":
            return read(node.value)
        self.problem(node, "Y04", f"{what} is expected here")
        return missing


def is_word(node: Node) -> bool:
    """Return whether a node is a plain word or sentence rather than a list or mapping."""
    return isinstance(node, yaml.ScalarNode)


def is_number(node: Node) -> bool:
    """Return whether a node was written as a number."""
    return isinstance(node, yaml.ScalarNode) and node.tag in ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")


def look(node: Node | None) -> dict[str, Node]:
    """Return the pairs of a mapping without judging anything; empty for whatever is not a mapping."""
    if not isinstance(node, yaml.MappingNode):
        return {}
    return {key.value: value for key, value in node.value if isinstance(key, yaml.ScalarNode)}


def look_along(node: Node | None) -> list[Node]:
    """Return the entries of a list without judging anything; empty for whatever is not a list."""
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []
