"""The rows about sealed records: drawn in the engine's process, sealed, encrypted, stored and written down through the
steps of the real job, all but the commit. Both sides of a row work in other processes too, so time is the clock's.
"""

import dataclasses
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from itertools import count

from playwright.sync_api import sync_playwright
from weasyprint import HTML

from intake.config import TEMPLATES
from intake.db import transaction
from intake.i18n import translator
from intake.records import service
from intake.records.engine import Engine, Limits
from intake.records.faces import Ink
from intake.records.render import FONTS, Renderer
from intake.records.rules import Answer, Section, Snapshot, Words
from intake.records.seal import the_sealer
from tests.bench.clinic import Clinic
from tests.bench.measure import Row, Side, Spread, compare, resident
from tests.conftest import CHROMIUM, QUIET
from tests.records.snapshots import EVIDENCE, a_hindi_snapshot, a_snapshot, an_arabic_snapshot

PAIRS = 30
EACH = 40  # records for each of two processes
FROM, TO = 200, 1000  # records between which an engine's memory is watched
ASKED = Words("Question number {n}: do you take any medicine that thins the blood?"), Words("No, none of these ({n})")
SAID = {
    "hi": (
        Words("प्रश्न {n}: क्या आप खून पतला करने की कोई दवा लेते हैं?", ASKED[0].text),
        Words("नहीं, इनमें से कोई नहीं ({n})", ASKED[1].text),
    ),
    "ar": (
        Words("السؤال {n}: هل تتناول أي دواء يسيّل الدم؟", ASKED[0].text),
        Words("لا، لا شيء من هذه ({n})", ASKED[1].text),
    ),
}
NAMES = {"en": "English", "hi": "Hindi", "ar": "Arabic"}


class _Undo(Exception):
    """Takes back the row of a measured record, so that the next may be written."""


def snapshot_in(language: str, patient: int = 0) -> Snapshot:
    """A record with forty questions, in this language with the English under each line. What is a patient's own (name,
    number, signature, times, free text) differs from one to the next, so that nothing of it can be kept."""
    begun = {"en": a_snapshot, "hi": a_hindi_snapshot, "ar": an_arabic_snapshot}[language]()
    question, answer = SAID.get(language, ASKED)

    def numbered(words: Words, n: int) -> Words:
        return Words(words.text.format(n=n), words.english.format(n=n))

    rows = tuple(Answer(numbered(question, n), numbered(answer, n)) for n in range(40))
    told = Answer(rows[0].label, Words(f"Since the summer of {1990 + patient}, about {patient} times a year"))
    number = f"KS-{patient:04d}-M9XF"
    drawn = begun.signature and begun.signature.path
    path = f"M{patient % 90}.5 {patient // 90}.5{drawn}" if drawn else ""
    return dataclasses.replace(
        begun,
        number=number,
        verify_url=f"https://intake.clinic.example/verify/{number}",
        patient_name=f"{begun.patient_name} {patient}",
        sealed_at=begun.sealed_at + timedelta(minutes=patient),
        sealed_on=Words(f"{begun.sealed_on.text} ({patient})", begun.sealed_on.english),
        signature=begun.signature
        and dataclasses.replace(begun.signature, path=path, name=f"{begun.patient_name} {patient}"),
        answers=(*begun.answers[:1], Section(Words("Your skin"), (*rows, told))),
    )


def patients(language: str) -> Iterator[Snapshot]:
    """One patient's record after the other's."""
    return (snapshot_in(language, patient) for patient in count(1))


@contextmanager
def _ready(clinic: Clinic, **limits: float) -> Iterator[Callable[[Snapshot], None]]:
    """What seals a record of the clinic's visit: draw, seal, encrypt, store, write down, and take the row back."""
    engine = Engine(Limits(**limits))  # type: ignore[arg-type]
    with clinic.app.test_request_context():
        patient_id = service.visits.get_visit(clinic.visit_id).patient_id

        def seal(snapshot: Snapshot) -> None:
            made = service.Unsealed(clinic.visit_id, patient_id, snapshot, EVIDENCE, snapshot.evidence_sha256)
            pdf = the_sealer().seal(engine.render(snapshot, EVIDENCE))
            key = service.store(made, pdf)
            try:
                with transaction():
                    service.add(made, pdf, key)
                    raise _Undo
            except _Undo:
                return

        try:
            yield seal
        finally:
            engine.close()


def _page_in(language: str, *, faces: bool) -> str:
    """The same page as one string, its style inside, as somebody would hand it to a library."""
    renderer = Renderer(TEMPLATES, FONTS)
    page = renderer._page(snapshot_in(language), translator(language), Ink(renderer._faces))
    style = (TEMPLATES / "records" / "record.css").read_text("utf-8")
    style = style.replace("url(intake-font:", f"url({FONTS.as_uri()}/") if faces else style
    return page.replace("<head>", f"<head><style>{style}</style>")


def beside_naive(clinic: Clinic, language: str) -> Row:
    """Beside `HTML(string).write_pdf()`: plain, untagged, unsealed, kept nowhere."""
    page, records = _page_in(language, faces=True), patients(language)
    with _ready(clinic) as seal:
        ours = Side(lambda _: seal(next(records)), clock=time.perf_counter)
        naive = Side(lambda _: HTML(string=page).write_pdf(), clock=time.perf_counter)
        what = f"sealed record in {NAMES[language]}"
        return compare(what, ours, naive, against="HTML(string).write_pdf()", bar=0.7, pairs=PAIRS)


def beside_chromium(clinic: Clinic, language: str) -> Row:
    """Beside a warm Chromium that prints the same page with faces of its own choice: untagged, unsealed."""
    page, records = _page_in(language, faces=False), patients(language)
    # In a thread of its own: its driver keeps an event loop there, beside which no other can run.
    with ThreadPoolExecutor(max_workers=1) as apart, _ready(clinic) as seal:
        playwright = apart.submit(sync_playwright().start).result()
        browser = apart.submit(playwright.chromium.launch, executable_path=CHROMIUM, args=QUIET).result()
        tab = apart.submit(browser.new_page).result()

        def printed() -> None:
            tab.set_content(page)
            tab.pdf(format="A4", tagged=False)

        ours = Side(lambda _: seal(next(records)), clock=time.perf_counter)
        peer = Side(lambda _: apart.submit(printed).result(), clock=time.perf_counter)
        row = compare(f"the same in {NAMES[language]}", ours, peer, against="warm Chromium", bar=3.2, pairs=PAIRS)
        apart.submit(browser.close).result()
        apart.submit(playwright.stop).result()
        return row


def beside_english(clinic: Clinic, language: str) -> Row:
    """What a script with more shaping, and the English under each line, costs more than English alone."""
    with _ready(clinic) as seal:
        sides = [
            Side(lambda _, records=records: seal(next(records)), clock=time.perf_counter)
            for records in (patients(language), patients("en"))
        ]
        return compare(f"a record in {NAMES[language]}", *sides, against="in English", bar=1.25, pairs=PAIRS)


def memory(clinic: Clinic) -> tuple[Row, Row]:
    """A thousand records by one process, which is not replaced in between: the memory it then holds, and what it grew
    by from its 200th record on; and how long each took."""
    sizes, spent = {}, []
    engine = Engine(Limits(records=10_000, grown=10**12))
    records = [patients(language) for language in NAMES]
    for record in range(1, TO + 1):
        began = time.perf_counter()
        engine.render(next(records[record % 3]), EVIDENCE)
        spent.append(1000 * (time.perf_counter() - began))
        if record in (FROM, TO):
            sizes[record] = resident(engine.pid) / 1024
    engine.close()
    grown = sizes[TO] - sizes[FROM]
    said = f"{sizes[FROM]:.1f} MB, then {sizes[TO]:.1f} MB"
    p50, p95 = (sorted(spent)[round((len(spent) - 1) * part)] for part in (0.5, 0.95))
    times = f"drawn in p50 {p50:.0f} ms, p95 {p95:.0f} ms"
    return (
        Row(f"the engine after {TO:,} records", times, "", Spread.only(sizes[TO]), "MB", bar=160),
        Row(f"its growth, {FROM} to {TO:,} records", said, "", Spread.only(grown), "MB", bar=8),
    )


def on_two_processes(clinic: Clinic) -> Row:
    """Seconds for a record where two engines draw side by side and this process seals; 3.5 a second is the bar."""
    engines = Engine(), Engine()
    for engine in engines:
        engine.render(snapshot_in("en"), EVIDENCE)
    with clinic.app.test_request_context():
        sealer = the_sealer()

    def serve(engine: Engine) -> None:
        for _, snapshot in zip(range(EACH), patients("en"), strict=False):
            sealer.seal(engine.render(snapshot, EVIDENCE))

    threads = [threading.Thread(target=serve, args=(engine,)) for engine in engines]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    each = (time.perf_counter() - began) / (2 * EACH)
    for engine in engines:
        engine.close()
    said = f"{1 / each:.2f} records a second"
    return Row("two processes", said, "", Spread.only(1000 * each), "ms", bar=1000 / 3.5)


ROWS: tuple[Callable[[Clinic], Row | tuple[Row, ...]], ...] = (
    *(partial(beside_naive, language=language) for language in NAMES),
    *(partial(beside_chromium, language=language) for language in NAMES),
    *(partial(beside_english, language=language) for language in ("hi", "ar")),
    on_two_processes,
    memory,
)
