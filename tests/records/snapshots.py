"""Records to start a test from: one countersigned English visit, and the same with another language or ending."""

from datetime import UTC, datetime
from typing import Any

from intake.records.rules import (
    INK_HEIGHT,
    INK_WIDTH,
    Answer,
    Clause,
    ClauseGroup,
    Clinic,
    Countersignature,
    Decision,
    DefinitionVersion,
    Ending,
    Event,
    Exchange,
    Fact,
    Helper,
    Outcome,
    Section,
    Signature,
    Snapshot,
    TeachBack,
    Try,
    Words,
    canonical,
    digest,
    strokes_to_path,
)

EVIDENCE = canonical({"type": "intake/record-evidence", "answers": {"md.thinner": "हाँ", "al.numbing": "not sure"}})
STROKES = [[[x, 60 + 30 * (x % 40 < 20), x * 16] for x in range(10, 280, 5)], [[40, 110, 5000], [260, 114, 5200]]]


def facts(*pairs: tuple[str, str]) -> tuple[Fact, ...]:
    return tuple(Fact(Words(label), Words(value)) for label, value in pairs)


def answers_of(*pairs: tuple[str, str]) -> tuple[Answer, ...]:
    return tuple(Answer(Words(label), Words(value)) for label, value in pairs)


def a_snapshot(**changes: Any) -> Snapshot:
    """A countersigned visit in English, with these fields changed."""
    values: dict[str, Any] = {
        "clinic": Clinic("Kesari Skin & Hair", "14 Hill Road, Mumbai 400050"),
        "number": "KS-7KQ2-M9XF",
        "outcome": Outcome.COUNTERSIGNED,
        "language": "en",
        "title": Words("Mesotherapy: intake and consent"),
        "patient_name": "Zoë Łukasiewicz Sheikh",
        "sealed_at": datetime(2026, 11, 23, 7, 32, 5, tzinfo=UTC),
        "sealed_on": Words("23 November 2026, 13:02"),
        "evidence_sha256": digest(EVIDENCE),
        "verify_url": "https://intake.clinic.example/verify/KS-7KQ2-M9XF",
        "summary": Words("Answered on tablet T2, in English, between 12:24 and 12:36."),
        "patient": facts(("Date of birth", "4 March 1968"), ("Mobile", "98400 00421"), ("Token", "K 14")),
        "answers": (
            Section(
                Words("Medicines"),
                answers_of(
                    ("Do you take medicine that thins the blood?", "Yes. Ecosprin 75"),
                    ("Have you reacted to a numbing cream?", "I am not sure"),
                ),
            ),
            Section(
                Words("Your skin"), answers_of(*((f"Question number {n}", f"Answer number {n}") for n in range(40)))
            ),
        ),
        "decisions": (
            Decision(Words("Blood thinner"), Words("Go ahead."), "Fewer points.", "Dr Ananya Rao", Words("12:58")),
        ),
        "treatment": facts(("Areas", "Right cheek, left cheek"), ("Sessions", "2 of 6")),
        "clauses": (
            ClauseGroup(
                Words("What you may feel"),
                (
                    Clause(Words("Itching"), Words("The skin may itch."), Words("I understand")),
                    Clause(
                        Words("Small bumps"),
                        Words("You may feel small raised bumps."),
                        Words("I have a question"),
                        Exchange(Words("How long do they stay?"), "One to two days.", "Dr Ananya Rao", Words("12:55")),
                    ),
                ),
            ),
        ),
        "questions": (Exchange(Words("May I swim tomorrow?")),),
        "teach_back": (
            TeachBack(
                Words("Which one is true?"),
                (Try(Words("It puts back lost volume."), False), Try(Words("I may have redness."), True)),
                Words("Explained in person by Dr Ananya Rao"),
            ),
        ),
        "statements": (Words("My answers are true, as far as I know."), Words("I agree to mesotherapy.")),
        "signature": Signature(
            "Zoë Łukasiewicz Sheikh",
            Words("12:36"),
            Words("tablet T2"),
            path=strokes_to_path(STROKES, INK_WIDTH, INK_HEIGHT),
        ),
        "helpers": (Helper("Imran Sheikh", Words("read the questions aloud")),),
        "countersignature": Countersignature(
            "Dr Ananya Rao",
            "Dermatologist, MMC 2009/04/1234",
            Words("13:02"),
            Words("Signed in, and password given again"),
        ),
        "timeline": (
            Event(Words("12:21"), Words("Token issued"), Words("Sunita")),
            Event(Words("12:36"), Words("Signed"), Words("Patient")),
        ),
        "definitions": (DefinitionVersion(Words("Questionnaire"), "3", digest(b"q"), True),),
    }
    return Snapshot(**(values | changes))


def a_declined_snapshot(**changes: Any) -> Snapshot:
    """A visit that ended with the patient's no."""
    ending = Ending(Words("I want to think about it at home."), "Zoë Łukasiewicz Sheikh", Words("12:40"))
    bare = {"signature": None, "countersignature": None, "statements": (), "decisions": (), "teach_back": ()}
    return a_snapshot(**({"outcome": Outcome.DECLINED, "ending": ending} | bare | changes))


def a_hindi_snapshot(**changes: Any) -> Snapshot:
    """A visit read in Hindi, with the English under it, by a patient whose name needs shaping."""
    name = "श्रीमती फ़रीदा शेख़ क्षत्रिय"
    row = Answer(
        Words("क्या आप खून पतला करने की दवा लेते हैं?", "Do you take a blood thinner?"), Words("हाँ, इकोस्प्रिन ७५", "Yes")
    )
    return a_snapshot(
        language="hi",
        title=Words("मेसोथेरेपी: जानकारी और सहमति", "Mesotherapy: intake and consent"),
        patient_name=name,
        answers=(Section(Words("दवाइयाँ", "Medicines"), (row,)),),
        signature=Signature(name, Words("12:36"), Words("tablet T2"), typed=name),
        **changes,
    )


def an_arabic_snapshot(**changes: Any) -> Snapshot:
    """A visit read in Arabic, from right to left, with Latin words inside the lines."""
    row = Answer(
        Words("هل تتناول دواءً يسيّل الدم؟", "Do you take a blood thinner?"),
        Words("نعم، Ecosprin 75 منذ عام 2024", "Yes"),
    )
    return a_snapshot(
        language="ar",
        direction="rtl",
        title=Words("الميزوثيرابي: المعلومات والموافقة", "Mesotherapy: intake and consent"),
        patient_name="فريدة الشيخ",
        answers=(Section(Words("الأدوية", "Medicines"), (row,)),),
        signature=Signature("فريدة الشيخ", Words("12:36"), typed="فريدة الشيخ"),
        **changes,
    )
