"""The engine's process without its start: forked from a process that has read what drawing takes. It is a process of
its own, with its own pipes, limits and locks, and ends with its worker. What differs from a fresh one: its memory is
the driver's, so it says nothing about what the engine may see. `engine.py` is used as it is."""

import gc
import json
import os
import signal
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from intake.config import TEMPLATES
from intake.records import confine, engine, rendering
from intake.records.render import FONTS

Draw = Callable[[Any, bytes], bytes]


class Warm:
    """A driver's own reading of typefaces, templates and catalogues, and the folder that its typefaces lie in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        tempfile.tempdir = str(folder)
        self.draw: Draw = rendering._warmed_up(TEMPLATES, FONTS)
        tempfile.tempdir = None
        gc.enable()  # the engine goes without; who only forks it does not
        assert len(os.listdir("/proc/self/task")) == 1, "a fork would lose what another thread is at"


class Forked:
    """The process, as much of `subprocess.Popen` as the engine asks for; it waits until it is told what to do."""

    def __init__(self, warm: Warm) -> None:
        orders, telling = os.pipe()
        requests, asking = os.pipe()
        answers, replies = os.pipe()
        parent = os.getpid()
        if (pid := os.fork()) == 0:
            _become_the_engine(warm, parent, {"orders": orders, "requests": requests, "replies": replies})
        for theirs in (orders, requests, replies):
            os.close(theirs)
        self.pid, self._telling, self._warm = pid, telling, warm
        self.stdin, self.stdout = os.fdopen(asking, "wb"), os.fdopen(answers, "rb")
        self._status: int | None = None

    def tell(self, command: list[str]) -> None:
        """Give it what the program is started with; its typefaces lie in the driver's folder."""
        told = json.loads(command[-1]) | {"folder": str(self._warm.folder)}
        os.write(self._telling, json.dumps(told).encode())
        os.close(self._telling)

    def poll(self) -> int | None:
        """How it ended, as `subprocess` says it; None while it runs."""
        return self._reap(os.WNOHANG)

    def wait(self) -> int | None:
        """The same, when it has ended."""
        return self._reap(0)

    def kill(self) -> None:
        """End it at once, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)

    def _reap(self, how: int) -> int | None:
        if self._status is None:
            ended, status = os.waitpid(self.pid, how)
            self._status = os.waitstatus_to_exitcode(status) if ended else None
        return self._status


def _become_the_engine(warm: Warm, parent: int, ends: dict[str, int]) -> None:
    """What `rendering.main` does, after its start; never returns."""
    try:
        confine.end_with(parent)
        for asked in (signal.SIGINT, signal.SIGTERM):
            signal.signal(asked, signal.SIG_IGN)
        kept = {2, *ends.values()}
        for number in {int(name) for name in os.listdir("/proc/self/fd")} - kept:
            try:
                os.close(number)
            except OSError:  # the listing's own
                continue
        os.open(os.devnull, os.O_RDWR)
        os.dup2(0, 1)
        with open(ends["orders"], "rb") as pipe:
            told = json.loads(pipe.read() or b"null")
        if told is not None:
            gc.freeze()
            gc.disable()
            rendering._warmed_up = lambda _templates, _fonts: warm.draw
            rendering._serve(told, os.fdopen(ends["requests"], "rb"), os.fdopen(ends["replies"], "wb"))
    finally:
        os._exit(0)


def use(warm: Warm) -> None:
    """Have the engine of this process, which has opened nothing yet, start so the first time; then as ever."""
    waiting, real = [Forked(warm)], engine.subprocess

    def start(command: list[str], **how: Any) -> Any:
        if not waiting:
            return real.Popen(command, **how)
        child = waiting.pop()
        child.tell(command)
        return child

    engine.subprocess = SimpleNamespace(Popen=start, PIPE=real.PIPE)  # type: ignore[assignment]
