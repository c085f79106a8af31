"""The process that draws records: started, fed, watched and replaced from here. What it does is `rendering.py`, what it
is kept from `confine.py`. Own code because pools of processes pass pickles, run our front doors in the child, and have
no limits of memory and time."""

import atexit
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from intake import telemetry
from intake.config import TEMPLATES
from intake.errors import Invalid
from intake.records import wire
from intake.records.render import FONTS
from intake.records.rules import Snapshot

PROGRAM = Path(__file__).with_name("rendering.py")
MB = 1024 * 1024
# What the process may know of its surroundings: where fontconfig keeps its cache, nothing of the service's settings.
PASSED_ON = ("HOME", "XDG_CACHE_HOME")
CODE = re.compile(r"records\.[a-z_]+")


@dataclass(frozen=True)
class Limits:
    """What one record may take, and how long one process serves. A job that outlives its worker's lease, because the
    machine is busy, may be done twice and is kept once."""

    memory: int = 768 * MB  # address space; about 400 MB are taken by libraries and typefaces
    cpu: int = 20  # seconds of the processor for one record
    wall: float = 25.0  # seconds by the clock for one record
    start: float = 60.0  # seconds by the clock until it is ready: two, unless the machine is busy
    records: int = 500  # then a fresh one takes over
    grown: int = 150 * MB  # resident memory after a record; then a fresh one takes over


class Engine:
    """Draws records in a process of its own, one at a time. It is started at the first record, and again where the
    last one ended, was ended, or served its time."""

    def __init__(self, limits: Limits | None = None, *, fonts: Path = FONTS, templates: Path = TEMPLATES) -> None:
        self.limits = limits or Limits()
        self._fonts, self._templates = fonts, templates
        self._one_at_a_time = threading.Lock()
        self._child: _Child | None = None

    @property
    def pid(self) -> int | None:
        """The process that draws, or None before the first record and after the last was closed."""
        return self._child.process.pid if self._child else None

    def render(self, snapshot: Snapshot, evidence: bytes) -> bytes:
        """The record as `render` of `render.py` makes it, in the language of the snapshot.

        Raises Invalid with the codes of that one, and: `records.took_too_long`, `records.too_much_memory`,
        `records.engine_died` (the process ended for another reason), `records.engine_failed` (with the kind of error).
        """
        with self._one_at_a_time:
            child = self._ready()
            try:
                said, pdf = child.ask(wire.to_plain(snapshot), evidence, self.limits.wall)
            except _Ended as ended:
                self._end()
                raise Invalid(ended.code, number=snapshot.number) from ended
            if said.get("is_last") or child.served >= self.limits.records or child.resident() > self.limits.grown:
                self._end()
        if code := said.get("code"):
            facts = said.get("facts") or {"number": snapshot.number}
            raise Invalid(code if CODE.fullmatch(str(code)) else "records.engine_failed", **facts)
        return pdf

    def close(self) -> None:
        """End the process; the next record starts another."""
        with self._one_at_a_time:
            self._end()

    def _ready(self) -> "_Child":
        if self._child and not self._child.is_ours():
            self._child = None
        if self._child and self._child.process.poll() is not None:
            self._end()
        if self._child is None:
            self._child = _Child(self._fonts, self._templates, self.limits)
            try:
                locks = self._child.greeting(self.limits.start)
            except _Ended as ended:
                self._end()
                raise Invalid("records.engine_died", while_starting=True) from ended
            telemetry.note("records.engine_started", pid=self._child.process.pid, **locks)
        return self._child

    def _end(self) -> None:
        if self._child:
            self._child.end()
            self._child = None


class _Ended(Exception):
    """The process ended before it answered; why, as a code."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class _Child:
    """One process, with its two pipes and the folder that its typefaces lie in."""

    def __init__(self, fonts: Path, templates: Path, limits: Limits) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="intake-engine-")
        self._parent = os.getpid()
        self.served = 0
        told = {
            "parent": self._parent,
            "fonts": str(fonts),
            "templates": str(templates),
            "folder": self._folder.name,
            "memory": limits.memory,
            "cpu": limits.cpu,
        }
        passed_on = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        self.process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-P", str(PROGRAM), json.dumps(told)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=self._folder.name,
            env=passed_on
            | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "TMPDIR": self._folder.name, "LC_ALL": "C.UTF-8"},
        )

    def is_ours(self) -> bool:
        """Whether this process started it; a fork of it did not, and two would talk into one pipe."""
        return self._parent == os.getpid()

    def greeting(self, seconds: float) -> dict[str, Any]:
        """What it says when it is ready. Raises _Ended."""
        return self._within(seconds, None)[0]

    def ask(self, head: dict[str, Any], body: bytes, seconds: float) -> tuple[dict[str, Any], bytes]:
        """Its answer. Raises _Ended."""
        self.served += 1
        return self._within(seconds, (head, body))

    def resident(self) -> int:
        """The memory it holds, in bytes (proc(5), statm)."""
        try:
            said = Path(f"/proc/{self.process.pid}/statm").read_text("ascii")
        except OSError:  # it has ended, which the next record finds out
            return 0
        return int(said.split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def end(self) -> None:
        """Kill it, and take its folder away."""
        self.process.kill()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe:
                try:
                    pipe.close()
                except BrokenPipeError:  # what it had not read yet
                    continue
        self.process.wait()
        self._folder.cleanup()

    def _within(self, seconds: float, message: tuple[dict[str, Any], bytes] | None) -> tuple[dict[str, Any], bytes]:
        is_late = threading.Event()

        def kill() -> None:
            is_late.set()
            self.process.kill()

        watch = threading.Timer(seconds, kill)
        watch.daemon = True
        watch.start()
        try:
            return self._exchange(message)
        except (wire.Cut, BrokenPipeError) as error:
            raise _Ended(self._why(is_late.is_set())) from error
        finally:
            watch.cancel()

    def _exchange(self, message: tuple[dict[str, Any], bytes] | None) -> tuple[dict[str, Any], bytes]:
        if self.process.stdin is None or self.process.stdout is None:
            raise RuntimeError("started without pipes")
        if message:
            wire.send(self.process.stdin, *message)
        if (answer := wire.receive(self.process.stdout)) is None:
            raise wire.Cut
        return answer

    def _why(self, is_late: bool) -> str:
        """Why it ended, from what the kernel says of it."""
        self.process.kill()
        status = self.process.wait()
        return "records.took_too_long" if is_late or status == -signal.SIGXCPU else "records.engine_died"


@cache
def _engine() -> Engine:
    engine = Engine()
    atexit.register(engine.close)
    return engine


def render(snapshot: Snapshot, evidence: bytes) -> bytes:
    """Draw a record in this process's one engine. Raises what Engine.render does."""
    return _engine().render(snapshot, evidence)
