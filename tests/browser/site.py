"""A small site of sample pages over the real templates, forms and content policy, for the tests that drive Chromium."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flask import Blueprint, Flask, Response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import Babel
from flask_wtf import FlaskForm
from flask_wtf.csrf import CSRFProtect
from jinja2 import ChoiceLoader, FileSystemLoader
from werkzeug.datastructures import MultiDict
from werkzeug.serving import make_server
from wtforms import Field, SelectMultipleField

from intake import cli, i18n, web
from intake.answers.forms import asked, field_name, section_form
from intake.answers.script import conditions_for
from intake.config import Settings
from intake.consent.forms import SignForm
from intake.definitions.loader import load
from tests.once import Compiled

ROOT = Path(__file__).parent.parent.parent
MANIFEST: dict[str, str] = json.loads((ROOT / "intake/static/dist/manifest.json").read_text("utf-8"))
PAGES = Path(__file__).parent / "pages"
# One question for every operator and kind, and one that hangs on a question that may itself be hidden.
QUESTIONS = load((PAGES / "questions.json").read_bytes())
TEMPLATES = Compiled()  # the site's own: its templates are cut otherwise than the application's


class AreasForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF is not typed
    """The three questions that have drawings."""

    face = SelectMultipleField("Face", choices="forehead brows eyes cheeks mouth neck hands other".split())
    body = SelectMultipleField("Body", choices="stomach thighs buttocks hips legs arms face chin other".split())
    scalp = SelectMultipleField("Scalp", choices="hairline mid crown sides back other".split())


@dataclass
class Seen:
    """What the site was asked, and what its board shows."""

    sent: list[MultiDict[str, str]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    failing: int = 0
    cards: list[str] = field(default_factory=lambda: ["K1", "K2", "K3"])
    words: dict[str, str] = field(default_factory=dict)


def make_site() -> tuple[Flask, Seen]:
    """The site and what it has seen."""
    app = Flask("pages", static_folder=str(ROOT / "intake/static"), template_folder=str(ROOT / "templates"))
    settings = Settings.from_mapping(cli.demo_settings(ROOT / "build", 8000))
    app.config.update(SECRET_KEY="for tests", WTF_CSRF_TIME_LIMIT=None, INTAKE=settings)
    app.jinja_options = {"bytecode_cache": TEMPLATES}
    app.jinja_loader = ChoiceLoader([FileSystemLoader(PAGES), app.jinja_loader])  # type: ignore[list-item]
    app.jinja_env.globals["asset"] = lambda name: f"/static/dist/{MANIFEST[name]}"
    Babel(app)
    CSRFProtect(app)
    seen = Seen()
    app.context_processor(_context)
    app.after_request(_headers)
    _add_pages(app, seen)
    _add_rooms(app, seen)
    return app, seen


def _context() -> dict[str, object]:
    steps = zip(
        ("About you", "Health", "Treatment", "Effects", "Sign"), ("done", "now", "todo", "todo", "todo"), strict=True
    )
    known = {"lang": request.args.get("lang", "en"), "dir": request.args.get("dir", "ltr")}
    known |= {"clinic": i18n.clinic(), "demo": True}
    known |= {"draft_content": True, "token_label": "K 14", "steps": steps, "step_note": "Page 1 of 2"}
    known |= {"back_url": "/back", "may_decline": True, "hours_note": "Open today 10:00 to 19:00"}
    known |= {"nav": [("Queue", "/board", True)], "staff_name": "Sunita", "sign_out_url": "/x"}
    if "idle" in request.args:
        known |= {"idle_seconds": 300, "warn_seconds": 60, "lock_url": "/lock", "alive_url": "/alive"}
    return known


def _headers(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = web.CSP
    response.headers["Cache-Control"] = "no-store"
    return response


def _questions(seen: Seen) -> ResponseReturnValue:
    page = QUESTIONS.sections[0]
    if request.method == "POST":
        seen.sent.append(request.form.copy())
        if seen.failing:
            seen.failing -= 1
            return "", 503
        if request.form.get(field_name(QUESTIONS, "smoke")):
            return redirect("/done", 303)
    form = section_form(QUESTIONS, page, "en")(request.form if request.method == "POST" else MultiDict())
    if request.method == "POST":
        form.validate()
    conditions = conditions_for(QUESTIONS, page, {})
    return render_template("questions.html", form=form, rows=_rows(form), on=set(), conditions=conditions)


def _rows(form: FlaskForm) -> list[tuple[str, Field]]:
    return [(i.link_id, form[field_name(QUESTIONS, i.link_id)]) for i in asked(QUESTIONS, QUESTIONS.sections[0])]


def _plain(seen: Seen) -> ResponseReturnValue:
    if request.method == "POST":
        seen.sent.append(request.form.copy())
        return redirect("/done", 303)
    return render_template("plain.html")


def _board(seen: Seen) -> ResponseReturnValue:
    if seen.failing:
        return "", 503
    return render_template("board.html", cards=seen.cards, words=seen.words, news=seen.words.get("news", ""))


def _add_pages(app: Flask, seen: Seen) -> None:
    pages: dict[str, Callable[[], ResponseReturnValue]] = {
        "questions": lambda: _questions(seen),
        "plain": lambda: _plain(seen),
        "review": lambda: render_template(
            "review.html", rows=_rows(section_form(QUESTIONS, QUESTIONS.sections[0], "en")(MultiDict()))
        ),
        "areas": lambda: render_template("areas.html", form=AreasForm(data={"face": ["cheeks"]})),
        "sign": lambda: render_template("sign.html", form=SignForm()),
        "effects": lambda: render_template("effects.html"),
        "thanks": lambda: render_template("thanks.html"),
        "board": lambda: _board(seen),
        **dict.fromkeys(("done", "back", "welcome"), lambda: "<!doctype html><html lang=en><title>A page</title>"),
    }
    for name, view in pages.items():
        app.add_url_rule(f"/{name}", name, view, methods=["GET", "POST"])

    @app.get("/errors/<name>")
    def errors(name: str) -> str:
        return render_template(f"errors/{name}.html", kind=request.args["kind"], code="a.code", reference="4f2a")


def _add_rooms(app: Flask, seen: Seen) -> None:
    """The addresses the shells link to."""
    kiosk, consent, staff = Blueprint("kiosk", "pages"), Blueprint("consent", "pages"), Blueprint("staff", "pages")

    def called(name: str, answer: Any) -> Any:
        def view() -> ResponseReturnValue:
            seen.calls.append(name)
            return answer()  # type: ignore[no-any-return]

        return view

    def larger() -> ResponseReturnValue:
        seen.calls.append(f"larger {request.form['larger']}")
        return "", 204

    kiosk.add_url_rule("/help", "help", called("help", lambda: ("", 204)), methods=["POST"])
    kiosk.add_url_rule("/alive", "alive", called("alive", lambda: ("", 204)), methods=["POST"])
    kiosk.add_url_rule("/larger", "larger", larger, methods=["POST"])
    for name in ("lock", "finish"):
        kiosk.add_url_rule(f"/{name}", name, called(name, lambda: redirect("/welcome", 303)), methods=["POST"])
    kiosk.add_url_rule("/tablet", "welcome", called("tablet", lambda: "x"))
    consent.add_url_rule("/decline", "decline", called("decline", lambda: "x"))
    staff.add_url_rule("/home", "home", called("home", lambda: "x"))
    for blueprint in (kiosk, consent, staff):
        app.register_blueprint(blueprint)


def input_of(link_id: str) -> str:
    """The boxes of one question."""
    return f'[data-item="{link_id}"] input, [data-item="{link_id}"] textarea'


@contextmanager
def serving(app: Flask) -> Iterator[str]:
    """The address of the site while it is served."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
