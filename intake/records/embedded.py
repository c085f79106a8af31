"""The evidence inside a record's PDF: taken out, and held against the signatures its own statements carry.

Whether the file around it is as it was sealed is `verifying.py`.
"""

import base64
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from xml.sax.saxutils import unescape

from cryptography import x509
from pyhanko.pdf_utils.generic import ArrayObject
from pyhanko.pdf_utils.reader import PdfFileReader

from intake.records.certificates import Doctor, as_certified, doctor_of, has_signed
from intake.records.rules import Outcome, canonical, digest, read_number
from intake.records.trust import Trust

NAME = "evidence.json"
PATIENT = "signed"
IDENTIFIER = re.compile(rb"<dc:identifier>([^<]{1,40})</dc:identifier>")
SOURCE = re.compile(rb"<dc:source>sha256:([0-9a-f]{64})</dc:source>")
TITLE = re.compile(rb"<dc:title>.{0,200}?<rdf:li[^>]*>([^<]{1,200})</rdf:li>", re.DOTALL)


@dataclass(frozen=True)
class Evidence:
    """What the evidence says: how the visit ended, the digest of the statement that ended it, who countersigned; and
    the roots above its earlier seals that are not known here."""

    outcome: Outcome
    statement_sha256: str
    doctor: Doctor | None = None
    unknown_roots: tuple[str, ...] = ()


@dataclass(frozen=True)
class Label:
    """What a file's metadata says: the record's number, and the digest of its evidence ("" in older files)."""

    number: str = ""
    evidence_sha256: str = ""

    @property
    def is_older(self) -> bool:
        """Whether the file was made before records named their evidence, and before doctors signed them."""
        return not self.evidence_sha256


def label_of(reader: PdfFileReader) -> Label:
    """The number and the digest that the XMP packet names; the number is in the title of older files."""
    packet = bytes(reader.root["/Metadata"].data)
    named, source, title = IDENTIFIER.search(packet), SOURCE.search(packet), TITLE.search(packet)
    if named is not None:
        number = read_number(unescape(named[1].decode()))
    else:
        number = read_number(title[1].decode().split()[-1]) if title else None
    return Label(number or "", source[1].decode() if source else "")


def take_out(reader: PdfFileReader) -> bytes | None:
    """The evidence as it is embedded, or None where there is none. Raises ValueError where something else is embedded
    beside it or in its place, and whatever the reader raises where it cannot be read."""
    names, related = _at(reader.root, "/Names", "/EmbeddedFiles", "/Names"), _at(reader.root, "/AF")
    if not names and not related:
        return None
    if len(names) != 2 or len(related) != 1 or names.raw_get(1).reference != related.raw_get(0).reference:
        raise ValueError("more is embedded than the evidence")
    if str(names[0]) != NAME or str(names[1]["/UF"]) != NAME:
        raise ValueError("the evidence has another name")
    return bytes(names[1]["/EF"]["/F"].data)


def _at(node: Any, *names: str) -> ArrayObject:
    """The list that lies this way down a tree, an empty one where there is none."""
    for name in names:
        if name not in node:
            return ArrayObject()
        node = node[name]
    if not isinstance(node, ArrayObject):
        raise ValueError("not a list")
    return node


def read(evidence: bytes, certificate: x509.Certificate, trust: Trust) -> Evidence:
    """What the evidence says, once it is shown to be whole: in the one form (RFC 8785), each statement with its digest
    and signed by the certificate's key, or by an earlier seal whose certificate it brings; and all about one visit.
    Raises ValueError, KeyError or TypeError where not."""
    kept = json.loads(evidence)
    if canonical(kept) != evidence or kept["type"] != "intake/record-evidence":
        raise ValueError("not the form that evidence is kept in")
    statements, unknown = kept["statements"], list[str]()
    for statement in statements:
        data = canonical(statement["evidence"])
        signature = base64.b64decode(statement["signature"], validate=True)
        signer, root = _signer(statement, certificate, trust)
        if digest(data) != statement["sha256"] or not has_signed(signer, data, signature):
            raise ValueError("a statement is not what was signed")
        unknown += [root] if root else []
        if statement["evidence"]["type"] != f"intake/{statement['kind']}":
            raise ValueError("a statement is of another kind than it is kept under")
    _belong_together(statements)
    last = statements[-1]
    return Evidence(Outcome(last["kind"]), last["sha256"], _countersigner(last["evidence"]), tuple(unknown))


def _signer(statement: Mapping[str, Any], certificate: x509.Certificate, trust: Trust) -> tuple[x509.Certificate, str]:
    """Whose signature a statement carries: the sealing certificate's, or that of a seal which was in use before it; and
    the name of its root where that is not known here."""
    if "certificates" not in statement:
        return certificate, ""
    named, *chain = (
        x509.load_der_x509_certificate(base64.b64decode(one, validate=True)) for one in statement["certificates"]
    )
    is_ours = trust.stands_behind(named, chain)
    root = "" if is_ours else trust.unknown_root_of(named, chain)
    if doctor_of(named) is not None or not (is_ours or root):
        raise ValueError("a statement is signed by somebody else")
    if datetime.fromisoformat(statement["evidence"]["at"]) > named.not_valid_after_utc:
        raise ValueError("a statement is signed with a certificate that had ended")
    return named, root


def _belong_together(statements: Sequence[Mapping[str, Any]]) -> None:
    """One outcome, after the patient's statement where there is one, about the same visit."""
    *before, last = statements
    if [one["kind"] for one in before] not in ([], [PATIENT]):
        raise ValueError("other statements than a record has")
    for one in before:
        if last["evidence"]["patient_statement_sha256"] != one["sha256"]:
            raise ValueError("the outcome follows another statement")
        if last["evidence"]["visit"] != one["evidence"]["visit"]:
            raise ValueError("the statements are about two visits")


def _countersigner(outcome: Mapping[str, Any]) -> Doctor | None:
    if outcome["type"] != f"intake/{Outcome.COUNTERSIGNED}":
        return None
    named = outcome["review"]["doctor"]
    return as_certified(Doctor(named["name"], named["registration_no"]))
