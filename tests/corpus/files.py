"""The corpus: questionnaires that others wrote. It lies outside the project, its files belong to their owners."""

import csv
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = Path(os.environ.get("CORPUS") or ROOT.parent / "shared" / "forms" / "corpus")
"""Where the corpus lies: `index.tsv` and `files/`, each file named by its SHA-256."""


@dataclass(frozen=True)
class Entry:
    """One file of the corpus; `estimate` is what its collector thought of it: accept or reject."""

    sha256: str
    name: str
    estimate: str
    data: bytes

    @property
    def inside(self) -> list[bytes]:
        """The Questionnaires in it, where the file is a Bundle of several resources."""
        top = json.loads(self.data)
        if not isinstance(top, dict) or top.get("resourceType") != "Bundle":
            return []
        resources = [entry.get("resource", {}) for entry in top.get("entry", [])]
        return [json.dumps(one).encode() for one in resources if one.get("resourceType") == "Questionnaire"]


def questionnaires() -> Iterator[Entry]:
    """Yield every file that holds a questionnaire, in the order of the index."""
    files = {path.name.partition(".")[0]: path for path in (FOLDER / "files").iterdir()}
    with (FOLDER / "index.tsv").open(encoding="utf-8", newline="") as index:
        for row in csv.DictReader(index, delimiter="\t"):
            if row["kind"].startswith("questionnaire") and row["kind"] != "questionnaireresponse":
                name = f"{row['repo']} {row['path']}"
                yield Entry(row["sha256"], name, row["est_gate"], files[row["sha256"]].read_bytes())
