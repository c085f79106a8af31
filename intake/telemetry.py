"""Logs as JSON lines with a request id. Ids and codes only: a patient's words never come here."""

import json
import logging
import secrets
import sys
import time

from flask import Flask, Response, g, has_request_context, request

log = logging.getLogger("intake")
_AS_JSON = json.JSONEncoder(default=str, ensure_ascii=True).encode  # json.dumps would make one anew for every line


class JsonLines(logging.Formatter):
    """One JSON object a line; control characters in values cannot forge a second line."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line."""
        line: dict[str, object] = {
            "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created)),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
        }
        line |= getattr(record, "facts", {})
        if has_request_context():
            line["request"] = g.get("request_id")
        if record.exc_info and record.exc_info[0]:
            # The message of an exception may quote what somebody typed; its type and place never do.
            trace = record.exc_info[2]
            while trace and trace.tb_next:
                trace = trace.tb_next
            line["error"] = record.exc_info[0].__name__
            line["where"] = (
                f"{trace.tb_frame.f_code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno}" if trace else None
            )
        return _AS_JSON(line)


def set_up(level: int = logging.INFO) -> None:
    """Send our log to standard error as JSON lines, once."""
    if not log.handlers:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(JsonLines())
        log.addHandler(handler)
        log.propagate = False
        # What no line of ours tells need not be looked up for each (the logging module's own advice).
        logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
        logging._srcfile = None
    log.setLevel(level)


def note(event: str, **facts: object) -> None:
    """Write one line: a code and facts that are ids or numbers."""
    log.info(event, extra={"facts": facts})


def init_app(app: Flask) -> None:
    """Give each request an id and one line when it ends; the address is the route's pattern,
    so no id or word is in it."""

    @app.before_request
    def begin() -> None:
        g.request_id, g.began = secrets.token_hex(16), time.perf_counter()

    @app.after_request
    def finish(response: Response) -> Response:
        if request.endpoint != "static":
            spent = round((time.perf_counter() - g.began) * 1000, 1) if "began" in g else None
            rule = request.url_rule.rule if request.url_rule else "-"
            note("request", method=request.method, route=rule, status=response.status_code, ms=spent)
        return response
