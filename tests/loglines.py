"""Every line of every log, in the form in which it leaves the process."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from intake import telemetry


@contextmanager
def log_lines() -> Iterator[list[str]]:
    """Keep what is logged, ours and the libraries'; the log is as it was afterwards."""
    written: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            written.append(telemetry.JsonLines().format(record))

    keep, loggers = Keep(), [logging.getLogger(), telemetry.log]
    for logger in loggers:
        logger.addHandler(keep)
    try:
        yield written
    finally:
        for logger in loggers:
            logger.removeHandler(keep)
        telemetry.set_up()
