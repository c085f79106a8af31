"""ValueSets that travel inside a questionnaire (FHIR R4 `contained`), turned into the options of a choice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Json = Mapping[str, Any]


def contained(top: Json) -> dict[str, Json]:
    """Return the contained ValueSets by the reference that names them ("#id")."""
    found = top.get("contained")
    return {
        f"#{one['id']}": one
        for one in (found if isinstance(found, list) else [])
        if isinstance(one, dict) and one.get("resourceType") == "ValueSet" and isinstance(one.get("id"), str)
    }


def options(value_set: Json) -> list[Json]:
    """Return a ValueSet's codes as answerOption entries: its expansion, else the concepts it lists itself.

    A code without words shows itself. What is abstract, or inactive, cannot be chosen.
    """
    expansion, compose = _object(value_set.get("expansion")), _object(value_set.get("compose"))
    found = list(_expanded(expansion.get("contains"))) or list(_composed(compose.get("include")))
    return [{"valueCoding": coding} for coding in found]


def _expanded(entries: object, depth: int = 0) -> Iterator[Json]:
    for entry in _objects(entries):
        if entry.get("abstract") is not True and entry.get("inactive") is not True and _is_code(entry):
            yield {key: entry[key] for key in ("system", "code", "display", "_display") if key in entry}
        if depth < 10:
            yield from _expanded(entry.get("contains"), depth + 1)


def _composed(includes: object) -> Iterator[Json]:
    for include in _objects(includes):
        system = {"system": include["system"]} if isinstance(include.get("system"), str) else {}
        for concept in _objects(include.get("concept")):
            if _is_code(concept):
                words = {key: concept[key] for key in ("display", "_display") if key in concept}
                yield {**system, "code": concept["code"], **words, **_designations(concept)}


def _designations(concept: Json) -> Json:
    """Words of a concept in other languages, written as the translations of its display."""
    others = [
        {
            "url": "http://hl7.org/fhir/StructureDefinition/translation",
            "extension": [
                {"url": "lang", "valueCode": one["language"]},
                {"url": "content", "valueString": one["value"]},
            ],
        }
        for one in _objects(concept.get("designation"))
        if isinstance(one.get("language"), str) and isinstance(one.get("value"), str) and "display" in concept
    ]
    return {"_display": {"extension": others}} if others and "_display" not in concept else {}


def is_filtered(value_set: Json) -> bool:
    """Return whether the set is (also) described by rules or other sets, which only a terminology server can list."""
    compose = _object(value_set.get("compose"))
    if _object(value_set.get("expansion")).get("contains"):
        return False
    return "exclude" in compose or any(
        "filter" in include or "valueSet" in include or not include.get("concept")
        for include in _objects(compose.get("include"))
    )


def _is_code(entry: Json) -> bool:
    return isinstance(entry.get("code"), str) and bool(entry["code"])


def _object(raw: object) -> Json:
    return raw if isinstance(raw, dict) else {}


def _objects(raw: object) -> Sequence[Json]:
    return [one for one in raw if isinstance(one, dict)] if isinstance(raw, list) else []
