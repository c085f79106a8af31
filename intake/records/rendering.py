"""The program of the engine's process: warms up, locks itself in, then draws one record after the other. It is started
by `engine.py` and never imported; a fresh interpreter, so neither keys nor the database were ever in its memory."""

import gc
import json
import os
import signal
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import IO, Any

ROOM = Path(__file__).resolve().parent


def main() -> None:
    """Serve the two pipes until they end."""
    for asked in (
        signal.SIGINT,
        signal.SIGTERM,
    ):  # who stops the service tells its every process; the worker's word counts
        signal.signal(asked, signal.SIG_IGN)
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDWR), 0)
    os.dup2(0, 1)  # what a library prints would garble the replies
    # Without their front doors: those lead to the database and the keys, for which there is no use here.
    for name, folder in (("intake", ROOM.parent), ("intake.records", ROOM)):
        sys.modules[name] = ModuleType(name)
        sys.modules[name].__path__ = [str(folder)]
    _serve(json.loads(sys.argv[1]), requests, replies)
    os._exit(0)


def _serve(told: Mapping[str, Any], requests: IO[bytes], replies: IO[bytes]) -> None:
    from intake.records import confine, wire

    confine.end_with(told["parent"])
    confine.limit_memory(told["memory"])
    draw = _warmed_up(Path(told["templates"]), Path(told["fonts"]))
    from intake.records.faces import SYSTEM

    locks = confine.lock_in([*SYSTEM, Path(told["folder"])])
    os.dup2(0, 2)  # from the first patient on, nothing more is said there
    wire.send(replies, locks)
    while (request := wire.receive(requests)) is not None:
        confine.limit_time(told["cpu"])
        said, pdf = _answer(draw, *request)
        wire.send(replies, said, pdf)
        del request, pdf
        gc.collect()  # while nobody waits


Draw = Callable[[Any, bytes], bytes]


def _answer(draw: Draw, plain: Mapping[str, Any], evidence: bytes) -> tuple[dict[str, Any], bytes]:
    """What to say, and the PDF. Codes, numbers and names of types alone: a message may quote what somebody typed."""
    from intake.errors import Invalid
    from intake.records.wire import to_snapshot

    try:
        return {}, draw(to_snapshot(plain), evidence)
    except Invalid as error:
        return {"code": error.code, "facts": error.facts}, b""
    except MemoryError:
        return {"code": "records.too_much_memory", "is_last": True}, b""
    except Exception as error:
        trace = error.__traceback__
        while trace and trace.tb_next:
            trace = trace.tb_next
        where = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else ""
        return {"code": "records.engine_failed", "facts": {"kind": type(error).__name__, "where": where}}, b""


def _warmed_up(templates: Path, fonts: Path) -> Draw:
    """Read whatever drawing takes, by drawing once in each language that the interface has."""
    import jinja2.debug  # noqa: F401 - by itself only loaded when a template fails

    from intake import i18n
    from intake.records import kept_heads, kept_lines, quick
    from intake.records.render import render

    quick.install()

    words = {path.parent.parent.name.replace("_", "-"): None for path in i18n.CATALOGUES.glob("*/LC_MESSAGES/*.mo")}
    translators = {tag: i18n.translator(tag) for tag in ["en", *words]}

    def draw(snapshot: Any, evidence: bytes) -> bytes:
        kept_lines.LINES.whose = snapshot.patient_ref
        tag = snapshot.language
        translate = translators.get(tag) or translators.get(tag.partition("-")[0]) or translators["en"]
        try:
            return render(snapshot, evidence, translate, fonts=fonts, templates=templates)
        finally:
            kept_heads.forget()

    for tag in translators:
        draw(_sample(tag), b"{}")
    gc.collect()
    gc.freeze()  # what is there now stays; looking through it again for each record finds nothing
    gc.disable()
    return draw


def _sample(language: str) -> Any:
    """A record of nobody that has one of everything, in each of our scripts."""
    from intake.records import rules
    from intake.records.rules import Words

    words = Words("Abc éŁ 12 हाँ क्षत्रिय ७ نعم فريدة", "Abc")
    path = rules.strokes_to_path([[[1, 1], [20, 9], [40, 3]]], rules.INK_WIDTH, rules.INK_HEIGHT)
    asked = rules.Exchange(words, "Abc", "Abc", words)
    return rules.Snapshot(
        clinic=rules.Clinic("Abc", "Abc"),
        number="AB-0000-0000",
        outcome=rules.Outcome.CLOSED,
        language=language,
        title=words,
        patient_name=words.text,
        sealed_at=datetime(2000, 1, 1, tzinfo=UTC),
        sealed_on=words,
        evidence_sha256=rules.digest(b"{}"),
        verify_url="https://intake.invalid/verify/AB-0000-0000",
        summary=words,
        patient=(rules.Fact(words, words), rules.Fact(words, Words("+91 98400 00421"))),
        answers=(rules.Section(words, (rules.Answer(words, words, words, words),)),),
        decisions=(rules.Decision(words, words, "Abc", "Abc", words),),
        treatment=(rules.Fact(words, words),),
        clauses=(rules.ClauseGroup(words, (rules.Clause(words, words, words, asked),)),),
        questions=(asked,),
        teach_back=(rules.TeachBack(words, (rules.Try(words, True), rules.Try(words, False)), words),),
        statements=(words,),
        signature=rules.Signature("Abc", words, words, path=path),
        helpers=(rules.Helper("Abc", words),),
        countersignature=rules.Countersignature(words.text, "Abc", words, words),
        ending=rules.Ending(words, "Abc", words),
        reading=(rules.Fact(words, words),),
        timeline=(rules.Event(words, words, words),),
        definitions=(rules.DefinitionVersion(words, "1", rules.digest(b""), False),),
        demo=True,
    )


if __name__ == "__main__":
    main()
