"""The process that draws records: what it gives, what ends it and what then becomes of the record, and what it cannot
reach. Templates with a trap for a patient of a certain name stand for whatever a hostile or huge answer might do."""

import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from intake import i18n, jobs, telemetry
from intake.config import TEMPLATES
from intake.errors import Invalid
from intake.records import rules, wire, work
from intake.records.engine import Engine, Limits
from intake.records.render import render
from intake.records.rules import Snapshot
from tests.builders import a_visit
from tests.endings import declined
from tests.records.snapshots import EVIDENCE, a_declined_snapshot, a_hindi_snapshot, a_snapshot, an_arabic_snapshot

ROOT = Path(__file__).parents[2]
TRAPS = {
    "Loop": "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
    "Eat": "{% set eaten = 'x' * 10**9 %}",
    "Fetch": "<img src='http://127.0.0.1:PORT/a.png'/>",
    "File": "<link rel='stylesheet' href='file:///etc/passwd'/>",
    "Fail": "{{ 1 // 0 }}",
}
WALL = 60.0
"""Seconds after which a test that waits for another process fails."""


@pytest.fixture(scope="module")
def listener() -> Iterator[socket.socket]:
    """A port of this machine that nobody should knock at."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


@pytest.fixture(scope="module")
def trapped(tmp_path_factory: pytest.TempPathFactory, listener: socket.socket) -> Path:
    """Our templates, with the traps at the beginning of the body."""
    folder = tmp_path_factory.mktemp("trapped")
    shutil.copytree(TEMPLATES / "records", folder / "records")
    page = folder / "records" / "record.html"
    traps = "".join(f"{{% if r.patient_name == '{name}' %}}{trap}{{% endif %}}" for name, trap in TRAPS.items())
    traps = traps.replace("PORT", str(listener.getsockname()[1]))
    page.write_text(page.read_text("utf-8").replace("<body>", f"<body>{traps}"), "utf-8")
    return folder


@pytest.fixture(scope="module")
def made(trapped: Path) -> Iterator[Callable[..., Engine]]:
    """Makes an engine of these limits on the trapped templates, and ends it."""
    engines = []

    def make(**limits: float) -> Engine:
        engines.append(Engine(Limits(**limits), templates=trapped))  # type: ignore[arg-type]
        return engines[-1]

    yield make
    for engine in engines:
        engine.close()


@pytest.fixture(scope="module")
def engine(made: Callable[..., Engine]) -> Engine:
    """One for all who do not mind which process answers."""
    return made()


def named(name: str) -> Snapshot:
    """A short record of a patient of this name."""
    return a_declined_snapshot(patient_name=name, answers=(), clauses=())


def code_of(engine: Engine, name: str) -> str:
    """With which code the record of this patient is refused."""
    with pytest.raises(Invalid) as refused:
        engine.render(named(name), EVIDENCE)
    return refused.value.code


# ---- What it gives ----


def test_one_process_draws_record_after_record_and_each_as_if_it_were_drawn_here() -> None:
    engine = Engine()
    assert engine.pid is None, "none before there is something to draw"
    drew = set()
    for snapshot in (a_snapshot(), a_hindi_snapshot(), an_arabic_snapshot(), a_declined_snapshot()):
        drawn = engine.render(snapshot, EVIDENCE)
        assert drawn == render(snapshot, EVIDENCE, i18n.translator(snapshot.language))
        drew.add(engine.pid)
    engine.close()
    assert len(drew) == 1 and engine.pid is None


@pytest.mark.parametrize("tag", ["hi-IN", "ar-EG", "nb-NO", "xx"])
def test_a_language_with_a_region_has_the_words_it_has_here(engine: Engine, tag: str) -> None:
    snapshot = a_declined_snapshot(language=tag, answers=(), clauses=())
    assert engine.render(snapshot, EVIDENCE) == render(snapshot, EVIDENCE, i18n.translator(tag))


def test_evidence_that_the_snapshot_does_not_name_is_refused_as_it_is_here(engine: Engine) -> None:
    with pytest.raises(Invalid, match=r"records\.other_evidence") as refused:
        engine.render(a_snapshot(), EVIDENCE + b" ")
    assert refused.value.facts == {"number": a_snapshot().number}


def test_a_signature_that_cannot_be_drawn_is_refused_as_it_is_here(engine: Engine) -> None:
    signature = rules.Signature("Zoë", rules.Words("12:36"), path="M1 1A1 1")
    with pytest.raises(Invalid, match=r"records\.not_whole"):
        engine.render(a_snapshot(signature=signature), EVIDENCE)


# ---- What ends it ----


def test_a_record_that_takes_too_much_of_the_processor_is_ended_and_the_next_is_drawn(
    made: Callable[..., Engine],
) -> None:
    engine = made(cpu=1, wall=WALL)
    assert code_of(engine, "Loop") == "records.took_too_long"
    assert engine.render(named("Jo"), EVIDENCE).startswith(b"%PDF")


def test_a_record_that_takes_too_long_by_the_clock_is_ended_and_the_next_is_drawn(
    made: Callable[..., Engine],
) -> None:
    engine = made(cpu=1000, wall=5)
    assert code_of(engine, "Loop") == "records.took_too_long"
    assert engine.render(named("Jo"), EVIDENCE).startswith(b"%PDF")


def test_a_record_that_eats_memory_is_refused_and_a_fresh_process_draws_the_next(engine: Engine) -> None:
    engine.render(named("Jo"), EVIDENCE)
    before = engine.pid
    assert code_of(engine, "Eat") == "records.too_much_memory"
    assert engine.render(named("Jo"), EVIDENCE).startswith(b"%PDF") and engine.pid != before


def test_a_process_killed_in_the_middle_of_a_record_fails_that_one_alone(made: Callable[..., Engine]) -> None:
    engine, said = made(cpu=1000, wall=WALL), []
    engine.render(named("Jo"), EVIDENCE)
    drawing = threading.Thread(target=lambda: said.append(code_of(engine, "Loop")))
    drawing.start()
    assert engine.pid
    until_it_works(engine.pid)
    os.kill(engine.pid, signal.SIGKILL)
    drawing.join(WALL)
    assert said == ["records.engine_died"]
    assert engine.render(named("Jo"), EVIDENCE).startswith(b"%PDF")


def test_a_process_killed_while_nothing_is_drawn_is_replaced_without_an_error(engine: Engine) -> None:
    engine.render(named("Jo"), EVIDENCE)
    killed = engine.pid
    assert killed
    watch = os.pidfd_open(killed)
    os.kill(killed, signal.SIGKILL)
    assert has_ended(watch)
    assert engine.render(named("Jo"), EVIDENCE).startswith(b"%PDF") and engine.pid != killed


def test_a_process_is_replaced_when_it_has_drawn_its_number_of_records_or_has_grown(
    made: Callable[..., Engine],
) -> None:
    for limits in ({"records": 2}, {"grown": 1}):
        engine, seen = made(**limits), []
        for _ in range(3):
            engine.render(named("Jo"), EVIDENCE)
            seen.append(engine.pid)
        assert seen == ([seen[0], None, seen[2]] if "records" in limits else [None, None, None])
        assert seen[0] is None or seen[0] != seen[2]


def test_an_error_of_the_renderer_itself_has_a_code_and_a_place_and_no_words(engine: Engine) -> None:
    with pytest.raises(Invalid, match=r"records\.engine_failed") as refused:
        engine.render(named("Fail"), EVIDENCE)
    assert refused.value.facts["kind"] == "ZeroDivisionError" and "Fail" not in str(refused.value.facts)


def test_an_engine_that_cannot_start_says_so(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"records\.engine_died"):
        Engine(fonts=tmp_path).render(a_snapshot(), EVIDENCE)


# ---- Who ends with whom ----

PARENT = """
import json, sys
from pathlib import Path
from intake.records.engine import Engine, Limits
from tests.records.test_engine import named, EVIDENCE
engine = Engine(Limits(cpu=1000, wall=1000), templates=Path(sys.argv[1]))
engine.render(named("Jo"), EVIDENCE)
print(engine.pid, flush=True)
if sys.argv[2] == "drawing":
    engine.render(named("Loop"), EVIDENCE)
sys.stdin.read()
"""


@pytest.mark.parametrize("doing", ["nothing", "drawing"])
def test_it_ends_with_its_parent_even_where_that_is_killed(trapped: Path, doing: str) -> None:
    command = [sys.executable, "-c", PARENT, str(trapped), doing]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        watch = os.pidfd_open(child)
        if doing == "drawing":
            until_it_works(child)
        parent.kill()
        assert has_ended(watch)


def until_it_works(pid: int) -> None:
    """Return once this process used some more of the processor: it has what it was sent, and draws."""
    began = ticks_of(pid)
    while ticks_of(pid) < began + 20:
        os.sched_yield()


def ticks_of(pid: int) -> int:
    """The processor's time of a process, in hundredths of a second (proc(5), stat)."""
    return int(Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[11])


def has_ended(watch: int) -> bool:
    """Whether the process of this descriptor ends (pidfd_open(2))."""
    poll = select.poll()
    poll.register(watch, select.POLLIN)
    try:
        return bool(poll.poll(WALL * 1000))
    finally:
        os.close(watch)


# ---- What it cannot reach ----


def test_a_record_that_wants_to_fetch_is_refused_and_nobody_knocks(engine: Engine, listener: socket.socket) -> None:
    assert code_of(engine, "Fetch") == "records.fetch_refused"
    with pytest.raises(BlockingIOError):
        listener.accept()


def test_a_record_that_wants_a_file_is_refused(engine: Engine) -> None:
    assert code_of(engine, "File") == "records.fetch_refused"


TRIES = """
import ctypes, json, os, socket, subprocess, sys
from pathlib import Path
from intake.records import confine
libc, fonts, other, face = confine.LIBC, Path(sys.argv[1]), sys.argv[2], sys.argv[3].encode()
locks = confine.lock_in([fonts])
def refuses(do):
    try:
        do()
    except OSError:
        return True
    return False
def fails(*call):
    return getattr(libc, call[0])(*call[1:]) == -1
print(json.dumps({
    "locks": locks,
    "python": {
        "read": refuses(lambda: open(other)),
        "write": refuses(lambda: open(fonts / "new", "w")),
        "write by flags": refuses(lambda: os.open(str(fonts / "new"), os.O_WRONLY | os.O_CREAT)),
        "step out": refuses(lambda: open(str(fonts / ".." / "other"))),
        "list": refuses(lambda: os.listdir("/")),
        "remove": refuses(lambda: os.remove(face)),
        "socket": refuses(lambda: socket.socket()),
        "unix socket": refuses(lambda: socket.socket(socket.AF_UNIX)),
        "program": refuses(lambda: subprocess.run(["/bin/true"])),
        "fork": refuses(os.fork),
    },
    "landlock": {
        "read": fails("open", other.encode(), 0),
        "write": fails("open", face, 1),
        "create": fails("open", face + b"2", 0o101, 0o600),
    },
    "seccomp": {
        "socket": fails("socket", 2, 1, 0),
        "unix socket": fails("socket", 1, 1, 0),
        "program": fails("execl", b"/bin/true", b"true", None),
        "inspect": fails("ptrace", 16, os.getppid(), None, None),
    },
    "typeface": [open(os.fsdecode(face)).read(1), fails("open", face, 0)],
    "pipes": os.write(1, b""),
}))
"""


def test_once_locked_in_it_opens_no_socket_and_no_file_but_reads_typefaces(tmp_path: Path) -> None:
    fonts, other = tmp_path / "fonts", tmp_path / "other"
    fonts.mkdir()
    face = fonts / "face.ttf"
    for file in (face, other):
        file.write_text("a")
    done = subprocess.run(
        [sys.executable, "-c", TRIES, fonts, other, face], cwd=ROOT, capture_output=True, timeout=WALL, check=True
    )
    said = json.loads(done.stdout)
    assert set(said["python"].values()) == {True}, said["python"]
    assert said["typeface"] == ["a", False]
    # The kernel's part holds exactly where the kernel took it, which the engine's first log line says.
    for lock, is_set in said["locks"].items():
        assert all(said[lock].values()) or not is_set, (lock, said[lock])
    assert other.read_text() == face.read_text() == "a" and len(list(fonts.iterdir())) == 1


def test_it_knows_nothing_of_the_settings_and_holds_nothing_but_its_pipes(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.close()
    monkeypatch.setenv("INTAKE_DATABASE_URL", "postgresql://clinic:secret@localhost/intake")
    engine.render(named("Jo"), EVIDENCE)
    process = Path(f"/proc/{engine.pid}")
    assert b"secret" not in (process / "environ").read_bytes() and b"secret" not in (process / "cmdline").read_bytes()
    open_files = {os.readlink(file).partition(":")[0] for file in (process / "fd").iterdir()}
    assert open_files == {"/dev/null", "pipe"}


# ---- What becomes of the job ----


def test_a_job_whose_record_cannot_be_drawn_keeps_the_code_and_its_words_stay_out_of_the_log(
    app: Flask, engine: Engine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    visit_id = a_visit(app, name="Eat")
    declined(app, visit_id)
    with app.app_context():
        with monkeypatch.context() as patch:
            patch.setattr(work, "render", engine.render)
            patch.setattr(telemetry.log, "propagate", True)
            assert jobs.run_due()
        [job] = jobs.list_unfinished()
        assert (job.error, job.tries, job.given_up_at) == ("records.too_much_memory", 1, None)
        assert caplog.records and not [line for line in caplog.records if "Eat" in telemetry.JsonLines().format(line)]


# ---- What is passed between them ----


@given(
    st.lists(st.builds(rules.Section, st.builds(rules.Words), st.lists(st.from_type(rules.Answer)).map(tuple))),
    st.lists(st.from_type(rules.ClauseGroup)),
    st.from_type(rules.Signature),
    st.booleans(),
)
def test_a_snapshot_arrives_as_it_was_sent(
    answers: list[rules.Section], clauses: list[rules.ClauseGroup], signature: rules.Signature, demo: bool
) -> None:
    sent = a_snapshot(answers=tuple(answers), clauses=tuple(clauses), signature=signature, demo=demo)
    pipe = BytesIO()
    wire.send(pipe, wire.to_plain(sent), b"bytes")
    pipe.seek(0)
    received = wire.receive(pipe)
    assert received and wire.to_snapshot(received[0]) == sent and received[1] == b"bytes"
    assert wire.receive(pipe) is None


@given(st.data())
def test_a_message_cut_anywhere_or_of_another_kind_is_noticed(data: st.DataObject) -> None:
    pipe = BytesIO()
    wire.send(pipe, {"code": "records.not_whole"}, b"bytes")
    whole = pipe.getvalue()
    cut = whole[: data.draw(st.integers(1, len(whole) - 1))]
    for wrong in (cut, b"\xff" * 4 + whole, b"\0\0\0\2[]\0\0\0\0", b"\0\0\0\1x\0\0\0\0"):
        with pytest.raises(wire.Cut):
            wire.receive(BytesIO(wrong))
