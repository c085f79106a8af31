"""Who takes part when a consent is signed: the patient or a guardian, helper, interpreter, witness; and what stands
against a signature made so. Pure, like rules.py; reading the form is left to forms.py, keeping it to evidence.py."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Way(StrEnum):
    """How somebody signs. A drawn and a typed name weigh the same; a thumb print is made on paper, before a witness."""

    DRAWN = "drawn"
    TYPED = "typed"
    THUMB = "thumb"


class Part(StrEnum):
    """What somebody besides the patient does when a consent is signed."""

    HELPER = "helper"
    INTERPRETER = "interpreter"
    WITNESS = "witness"
    GUARDIAN = "guardian"


class Role(StrEnum):
    """Who such a person is: the codes of the question `st.helper_role`, and one for everybody else."""

    FAMILY = "family"
    STAFF = "staff"
    INTERPRETER = "interp"
    GUARDIAN = "guardian"
    OTHER = "other"


ROLES: Mapping[Part, tuple[Role, ...]] = {
    Part.HELPER: tuple(Role),
    Part.INTERPRETER: (Role.INTERPRETER, Role.STAFF, Role.FAMILY, Role.OTHER),
    Part.WITNESS: (Role.STAFF, Role.FAMILY, Role.OTHER),
    Part.GUARDIAN: (Role.GUARDIAN, Role.FAMILY, Role.OTHER),
}
MAJORITY = 18  # years; Indian Majority Act 1875, section 3
RELATIVE_INTERPRETS = "relative_interprets"


class Fault(StrEnum):
    """Why a signature cannot be taken as it stands; each can be mended on the page, but for `MINOR`."""

    NO_NAME = "no_name"
    NO_ROLE = "no_role"
    NO_WITNESS = "no_witness"
    OWN_WITNESS = "own_witness"
    NOT_OWN_NAME = "not_own_name"
    NO_GUARDIAN = "no_guardian"
    MINOR = "minor"


@dataclass(frozen=True)
class Person:
    """Somebody who takes part in a signature, with the code of who they are."""

    part: Part
    name: str
    role: str


@dataclass(frozen=True)
class Helped:
    """Who fills in the questions, as the patient said there: the codes of `st.who` and of the role, the name as typed,
    and name and role in the words that were read."""

    who: str
    name: str
    role: str
    words: str

    @property
    def is_guardian(self) -> bool:
        """Whether somebody else answers for the patient."""
        return self.who == Part.GUARDIAN

    @property
    def person(self) -> Person | None:
        """The part this person is likely to take at the signature, with the role where that part has it; None for a
        patient who is on their own. It may be changed on the page."""
        interprets = self.role == Role.INTERPRETER
        part = Part.GUARDIAN if self.is_guardian else Part.INTERPRETER if interprets else Part.HELPER
        return Person(part, self.name, self.role if self.role in ROLES[part] else "") if self.name else None


@dataclass(frozen=True)
class Signing:
    """A signature as it is about to be made. `typed` is the name typed, if that is the way; `age` the patient's in full
    years on the day, None where no date of birth is stored; `is_guarded` says whether somebody else answered the
    questions for the patient."""

    way: Way
    typed: str
    people: tuple[Person, ...]
    patient: str
    age: int | None
    is_guarded: bool = False

    def named(self, part: Part) -> Person | None:
        """Who takes this part, or None."""
        return next((person for person in self.people if person.part is part), None)

    @property
    def signer(self) -> str:
        """The name of whoever signs: the guardian where one is named, else the patient."""
        guardian = self.named(Part.GUARDIAN)
        return guardian.name if guardian else self.patient


def guardian_may_sign(age: int | None, *, allowed: bool) -> bool:
    """Whether a guardian may sign for a patient of this age: for an adult, yes.

    For anybody under 18 the treatment is a choice that can wait, and whether a guardian's consent to it counts is
    unsettled (clinical sources S04 and S82, lawyer to confirm): only where the clinic's setting allows it, as for
    somebody whose age nobody knows.
    """
    return allowed or (age is not None and age >= MAJORITY)


def faults_of(signing: Signing, *, guardian_allowed: bool) -> list[tuple[Fault, Part]]:
    """What stands against a signature, each with the part it is about; none: it may be taken.

    Whoever takes part is named with a role (clinical source S69, and the signature block of the consent). A thumb print
    needs a witness, and nobody witnesses their own signature: names are compared folded, so that capitals, spaces and
    the order of the names make no other person. A guardian signs with their own name, never with the patient's, and
    only for somebody who does not answer for themselves: of those the doctor decides first who signs, because nobody
    takes consent from the relative of a capable adult (screening rule R-CON-01, clinical sources S68 and S82).
    """
    found = [fault for person in signing.people if (fault := _incomplete(person))]
    witness, guardian = signing.named(Part.WITNESS), signing.named(Part.GUARDIAN)
    if signing.way is Way.THUMB and witness is None:
        found.append((Fault.NO_WITNESS, Part.WITNESS))
    if witness and folded(witness.name) and folded(witness.name) in map(folded, _signers(signing)):
        found.append((Fault.OWN_WITNESS, Part.WITNESS))
    if guardian and folded(signing.patient) in map(folded, (guardian.name, signing.typed)):
        found.append((Fault.NOT_OWN_NAME, Part.GUARDIAN))
    if guardian and not signing.is_guarded:
        found.append((Fault.NO_GUARDIAN, Part.GUARDIAN))
    elif guardian and not guardian_may_sign(signing.age, allowed=guardian_allowed):
        found.append((Fault.MINOR, Part.GUARDIAN))
    return found


def _incomplete(person: Person) -> tuple[Fault, Part] | None:
    if len(person.name) < 2:
        return Fault.NO_NAME, person.part
    return None if person.role in ROLES[person.part] else (Fault.NO_ROLE, person.part)


def _signers(signing: Signing) -> tuple[str, ...]:
    """Every name that the signature is made under."""
    return (signing.patient, signing.signer, signing.typed)


def notes_of(people: Sequence[Person]) -> list[str]:
    """What a doctor should know of who took part. A relative should not be the only interpreter when somebody decides
    (clinical source S69): it is allowed, and said."""
    interpreters = [person for person in people if person.part is Part.INTERPRETER]
    interpreters += [p for p in people if p.part is Part.HELPER and p.role == Role.INTERPRETER]
    alone = bool(interpreters) and all(person.role == Role.FAMILY for person in interpreters)
    return [RELATIVE_INTERPRETS] if alone else []


def folded(name: str) -> str:
    """A name as it is compared: without capitals, punctuation, spaces and the order of its words (Unicode NFKC and case
    folding, UAX 15 and section 3.13). Vowel signs of Indic scripts stay, for they are letters there."""
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    words = "".join(letter if unicodedata.category(letter)[0] in "LMN" else " " for letter in plain)
    return " ".join(sorted(words.split()))
