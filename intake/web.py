"""What every answer has: security headers, error pages, the asset address, health.
What a page says is left to the rooms."""

import json
from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeVar
from urllib.parse import urlsplit

from flask import Blueprint, Flask, Response, current_app, g, jsonify, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from flask_wtf.csrf import CSRFError, CSRFProtect
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from intake import i18n, telemetry
from intake.access import PUBLIC, Role, allow, current_actor
from intake.config import PACKAGE
from intake.db import db
from intake.errors import Damaged, DomainError, Invalid, NotAllowed, NotFound, Stale

csrf = CSRFProtect()
AGAIN = _l("The page had been open for a long time. Your answers are still here. Please press Continue again")
View = TypeVar("View", bound=Callable[..., ResponseReturnValue])
bp = Blueprint("web", __name__)
STATUS = {NotFound: 404, NotAllowed: 409, Invalid: 422, Stale: 409, Damaged: 500}
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; object-src 'none'; require-trusted-types-for 'script'"
)
HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": (
        "camera=(), microphone=(), geolocation=(), payment=(), usb=(), publickey-credentials-get=(self)"
    ),
}
_HEADERS = tuple((name, name.lower(), value) for name, value in HEADERS.items())
LARGEST_BODY = 1024 * 1024


def asset(name: str) -> str:
    """The address of a built asset; its hashed name may be cached for ever."""
    manifest: dict[str, str] = current_app.extensions["intake_assets"]
    return url_for("static", filename=f"dist/{manifest[name]}")


def known_host() -> ResponseReturnValue | None:
    """Answer under the clinic's own names alone: a forged Host reaches no link and no cookie, and a foreign site that
    points its own name at our address (DNS rebinding) finds nothing. Plain, because nothing of ours belongs there.

    Flask's TRUSTED_HOSTS would do it, but cannot name an IPv6 address.
    """
    if _name_in(request.host) in current_app.config["INTAKE"].hosts:
        return None
    telemetry.note("host.unknown")
    return _("This service is not known under that address.") + "\n", 400, {"Content-Type": "text/plain; charset=utf-8"}


@lru_cache(64)
def _name_in(host: str) -> str | None:
    """The name in a Host header, without its port; None where it holds none."""
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


def headers(response: Response) -> Response:
    """Put the security headers on an answer; everything but built assets is never stored."""
    given = response.headers
    own = {name.lower() for name, _ in given}
    for name, key, value in _HEADERS:
        if key not in own:
            given.add(name, value)
    if request.endpoint == "static" and response.status_code in (200, 304) and request.method != "OPTIONS":
        given["Cache-Control"] = "public, max-age=31536000, immutable"
    else:
        given["Cache-Control"] = "no-store"
    if current_app.config["INTAKE"].is_https:
        given["Strict-Transport-Security"] = "max-age=63072000; includeSubDomains"
    if "server" in own:
        del given["Server"]
    return response


def page_kind() -> str:
    """Whose shell an error page wears."""
    roles = current_actor().roles
    if roles & {Role.TABLET, Role.KIOSK}:
        return "patient"
    return "staff" if roles else "plain"


def error_page(status: int, code: str = "") -> tuple[str, int, dict[str, str]]:
    """An honest page for a status, with the reference of this request where the machine failed."""
    known = {400, 403, 404, 405, 410, 413, 429, 500, 503}
    name = str(status) if status in known else ("409" if status in (409, 422) else "500" if status >= 500 else "400")
    page = render_template(f"errors/{name}.html", kind=page_kind(), code=code, reference=g.get("request_id", ""))
    extra = {"Retry-After": "5"} if status == 503 else {}
    return page, status, extra


def _on_http(error: HTTPException) -> ResponseReturnValue:
    if error.response is not None or (error.code or 500) < 400:
        return error
    if isinstance(getattr(error, "original_exception", None), OperationalError):
        return error_page(503)  # the database was busy after the view, when the session was kept
    page, status, extra = error_page(error.code or 500)
    if isinstance(error, MethodNotAllowed):
        extra |= {"Allow": ", ".join(sorted(error.valid_methods or ()))}  # RFC 9110, 15.5.6
    return page, status, extra


def _on_domain(error: DomainError) -> ResponseReturnValue:
    db.session.rollback()
    telemetry.note("refused", code=error.code)
    return error_page(next(s for kind, s in STATUS.items() if isinstance(error, kind)), error.code)


def _on_csrf(_error: CSRFError) -> ResponseReturnValue:
    return render_template("errors/csrf.html", kind=page_kind(), reference=g.get("request_id", "")), 400


def _on_busy(error: OperationalError) -> ResponseReturnValue:
    db.session.rollback()
    telemetry.log.error("database.unavailable", exc_info=error)
    return error_page(503)


def _on_crash(error: Exception) -> ResponseReturnValue:
    db.session.rollback()
    telemetry.log.error("crash", exc_info=error)
    return error_page(500)


def keeps_answers(view: View) -> View:
    """Let a view check its token itself, with `is_answer()`: an old one shows the same page with what was typed."""
    csrf.exempt(view)
    return view


def is_answer(form: FlaskForm | None = None) -> bool:
    """Whether this request is a POST with a good token: only then may a view marked `keeps_answers` write.

    With an old token nothing is taken, and the form, where one is given, says what to do.
    """
    if request.method != "POST":
        return False
    try:
        csrf.protect()
    except CSRFError:
        telemetry.note("token.old")
        if form is not None:
            form.form_errors = [AGAIN]
        return False
    return True


def init_app(app: Flask) -> None:
    """Wire headers, errors, CSRF and the asset address into the application."""
    manifest = PACKAGE / "static" / "dist" / "manifest.json"
    app.extensions["intake_assets"] = json.loads(manifest.read_text("utf-8"))
    app.config |= {
        "MAX_CONTENT_LENGTH": LARGEST_BODY,
        "MAX_FORM_MEMORY_SIZE": LARGEST_BODY,
        "MAX_FORM_PARTS": 400,
        "WTF_CSRF_TIME_LIMIT": None,  # a token lives as long as its session: people think while they read
        "WTF_CSRF_SSL_STRICT": True,
    }
    app.before_request(known_host)
    csrf.init_app(app)
    app.jinja_env.globals |= {"asset": asset, "direction": i18n.direction}
    app.after_request(headers)
    handlers: list[tuple[Any, Any]] = [
        (CSRFError, _on_csrf),
        (HTTPException, _on_http),
        (DomainError, _on_domain),
        (OperationalError, _on_busy),
        (Exception, _on_crash),
    ]
    for kind, answer in handlers:
        app.register_error_handler(kind, answer)
    app.register_blueprint(bp)

    @app.context_processor
    def everywhere() -> dict[str, object]:
        return {"demo": app.config["INTAKE"].demo, "actor": current_actor(), "larger": bool(session.get("larger"))}


@bp.get("/healthz")
@allow(PUBLIC)
def healthz() -> ResponseReturnValue:
    """Alive."""
    return jsonify(status="ok")


@bp.get("/readyz")
@allow(PUBLIC)
def readyz() -> ResponseReturnValue:
    """Able to work: the database answers."""
    db.session.execute(text("SELECT 1"))
    return jsonify(status="ready")


__all__ = ["AGAIN", "asset", "bp", "csrf", "error_page", "headers", "init_app", "is_answer", "keeps_answers"]
