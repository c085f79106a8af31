"""Reads FHIR R4 Questionnaire JSON into our types, or says everything that is wrong with it at once.

It knows no table and no file: bytes in, Questionnaire out. What a single check looks for stands in checks.py,
limits.py, initials.py and crosschecks.py, how JSON becomes types in builder.py.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from hashlib import sha256
from typing import Any

from intake.definitions import profile, valuesets
from intake.definitions.builder import Builder
from intake.definitions.checks import ITEM_CHECKS, RawItem, check_shape
from intake.definitions.crosschecks import TOGETHER
from intake.definitions.initials import check_answerable, check_types
from intake.definitions.limits import LIMIT_CHECKS
from intake.definitions.problems import DefinitionError, Problem
from intake.definitions.questionnaire import Questionnaire, Text
from intake.definitions.yamlfile import LANGUAGE, VERSION

MAX_BYTES = 1024 * 1024
MAX_ITEMS = 500
_STATUS = ("draft", "active", "retired")
_DEEPEST = 20
_HALF_LETTER = re.compile(r"[\ud800-\udfff]")  # JSON can write one, UTF-8 cannot

Json = Mapping[str, Any]


def load(data: bytes) -> Questionnaire:
    """Return the questionnaire these FHIR R4 JSON bytes describe.

    Raises DefinitionError with every problem found: what is not FHIR R4, what our profile refuses, and anything that
    would have to be obeyed and is not understood. Harmless unknown extensions become `warnings`, and so does what it
    lacks to be published (`check_publishable`).
    """
    top = _parse(data)
    problems = list(_check_top(top))
    sets = valuesets.contained(top)
    raw = list(_walk(top.get("item", []), "$.item", None, 1, sets))
    problems += _check_items(raw)
    if problems:
        raise DefinitionError(problems)
    loaded = Builder(top, raw, _wanting(top)).questionnaire(sha256(data).hexdigest())
    if missing := list(_missing_texts(loaded)):
        raise DefinitionError(missing)
    return loaded


def check_publishable(data: bytes) -> Questionnaire:
    """Return the questionnaire if it may be given to patients: it can be loaded and also has the address, the version,
    the title and the status that a published version is known by. Raises DefinitionError."""
    loaded = load(data)
    if wanting := [Problem("Q01", "$", message) for message in _wanting(_parse(data))]:
        raise DefinitionError(wanting)
    return loaded


def _parse(data: bytes) -> Json:
    if len(data) > MAX_BYTES:
        raise DefinitionError([Problem("Q20", "$", f"the file is larger than {MAX_BYTES} bytes")])
    twice: list[str] = []
    broken: list[str] = []

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        twice.extend(key for key, count in Counter(key for key, _ in found).items() if count > 1)
        broken.extend(text for pair in found for text in pair if isinstance(text, str) and _HALF_LETTER.search(text))
        return dict(found)

    try:
        top = json.loads(data, object_pairs_hook=pairs, parse_float=Decimal)
    except (ValueError, RecursionError) as error:
        raise DefinitionError([Problem("Q01", "$", "this is not JSON")]) from error
    if not isinstance(top, dict):
        raise DefinitionError([Problem("Q01", "$", "a JSON object is expected")])
    if broken:
        raise DefinitionError([Problem("Q01", "$", f"{len(broken)} texts hold half a letter (a lone surrogate)")])
    if twice:
        raise DefinitionError([Problem("Q01", "$", f"the key '{key}' stands twice in one object") for key in twice])
    return top


def _check_top(top: Json) -> Iterator[Problem]:
    if top.get("resourceType") != "Questionnaire":
        hint = "take the Questionnaires out of it, one file each" if top.get("resourceType") == "Bundle" else ""
        yield Problem("Q01", "$.resourceType", "this is not a Questionnaire", hint)
    wrong = {
        "status": "" if top.get("status", "draft") in _STATUS else f"status must be one of {', '.join(_STATUS)}",
        "language": "" if LANGUAGE.fullmatch(str(top.get("language", "en"))) else "language must be a code such as en",
        **{
            key: "" if isinstance(top.get(key, ""), str) else f"{key} must be a text"
            for key in ("url", "version", "title")
        },
    }
    yield from (Problem("Q01", f"$.{key}", message) for key, message in wrong.items() if message)
    for key in ("implicitRules", "modifierExtension"):
        if key in top:
            yield Problem("Q15", f"$.{key}", f"{key} may change the meaning of everything; it cannot be passed over")
    if not isinstance(top.get("item"), list) or not top["item"]:
        yield Problem("Q16", "$.item", "the questionnaire has no items")
    extensions = top.get("extension", [])
    for index, extension in enumerate(extensions if isinstance(extensions, list) else []):
        if isinstance(extension, dict) and profile.must_be_obeyed(extension.get("url")):
            yield Problem("Q14", f"$.extension[{index}]", f"{extension['url']} would change what is asked")


def _wanting(top: Json) -> list[str]:
    """What a questionnaire lacks to be published, each as a sentence."""
    version = top.get("version")
    wanted = {
        "a url that names it": bool(top.get("url")),
        "a version such as 1.2.0": isinstance(version, str) and VERSION.fullmatch(version),
        "a title": bool(top.get("title")),
        "a status (FHIR R4 requires one)": "status" in top,
    }
    return [f"to be published it needs {name}" for name, is_there in wanted.items() if not is_there]


def _walk(items: object, path: str, parent: str | None, depth: int, sets: Mapping[str, Json]) -> Iterator[RawItem]:
    """Yield every item in document order; nesting far beyond the profile is reported and not followed."""
    for index, entry in enumerate(items if isinstance(items, list) else []):
        data = entry if isinstance(entry, dict) else {}
        item = RawItem(data, f"{path}[{index}]", parent, depth, sets.get(str(data.get("answerValueSet"))))
        yield item
        if depth < _DEEPEST:
            yield from _walk(data.get("item"), f"{item.path}.item", item.link_id, depth + 1, sets)


def _check_items(raw: Sequence[RawItem]) -> list[Problem]:
    if len(raw) > MAX_ITEMS:
        return [Problem("Q20", "$.item", f"more than {MAX_ITEMS} items")]
    misshapen = {item.path: list(check_shape(item)) for item in raw}
    problems = [problem for found in misshapen.values() for problem in found]
    sound = [item for item in raw if not misshapen[item.path]]
    for item in sound:
        found = [problem for check in (*ITEM_CHECKS, *LIMIT_CHECKS, check_types) for problem in check(item)]
        problems += found or check_answerable(item)
    if len(sound) < len(raw):
        return problems  # what items say of each other can be judged once each of them can be read
    known: dict[str, RawItem] = {}
    for item in raw:
        known.setdefault(item.link_id, item)
    return problems + [problem for check in TOGETHER for problem in check(raw, known)]


def _missing_texts(loaded: Questionnaire) -> Iterator[Problem]:
    """Q19: every language that is offered has every word."""
    for place, link_id, text in texts(loaded):
        for language in loaded.languages:
            if text and language not in text.languages:
                yield Problem("Q19", place, f"there are no words in '{language}'", f"'{text}'", link_id)


def texts(loaded: Questionnaire) -> Iterable[tuple[str, str, Text]]:
    """Yield every text of a questionnaire that a patient may read, with its place and its item's linkId."""
    yield "$.title", "", loaded.title
    for item in loaded.items.values():
        for name in ("text", "markdown", "prefix", "short", "help", "why", "format", "open_label"):
            yield name, item.link_id, getattr(item, name)
        for option in item.options:
            if option.key == "valueCoding":
                yield f"option {option.code}", item.link_id, option.text
                yield f"option {option.code}", item.link_id, option.prefix
