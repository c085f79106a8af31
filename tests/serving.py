"""Waitress for tests: listening in a thread of its own, and closed without breaking what it is waiting for."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from waitress import create_server


@contextmanager
def serving(application: Callable[..., Any], **options: Any) -> Iterator[int]:
    """The port this application is served at until the block ends; options are waitress's own."""
    channels: dict[int, Any] = {}
    server = create_server(application, map=channels, **options)
    over = threading.Event()

    def serve() -> None:
        while not over.is_set():
            server.asyncore.loop(timeout=0.05, map=channels, count=1)
        # By the thread that waits for them: closed by another, they would fail in its hands.
        server.asyncore.close_all(channels)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield server.effective_port
    finally:
        server.task_dispatcher.shutdown()  # first, for whoever has made an answer wakes the server
        over.set()
        thread.join()


def free_port() -> int:
    """A port of this machine nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port
