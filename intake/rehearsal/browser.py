"""A browser without scripts: pages in, forms out, cookies kept, every request timed.
It sees only what the HTML says."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

from flask import Flask
from werkzeug.test import Client, TestResponse


@dataclass
class Control:
    """Something to fill in: its kind, name, values to choose from, and the question it belongs to (data-item)."""

    kind: str
    name: str
    item: str
    choices: list[str] = field(default_factory=list)
    chosen: list[str] = field(default_factory=list)
    text: str = ""


@dataclass
class Form:
    """A form of a page. Controls in a disabled group are left out, as a browser would not send them."""

    action: str
    controls: dict[str, Control] = field(default_factory=dict)

    def values(self) -> dict[str, Any]:
        """What would be sent untouched."""
        sent: dict[str, Any] = {}
        for control in self.controls.values():
            if control.kind in ("radio", "checkbox"):
                if control.chosen:
                    sent[control.name] = list(control.chosen)
            else:
                sent[control.name] = control.text
        return sent


class _Reader(HTMLParser):
    """Collects forms, with what is inside a disabled fieldset or a hidden item left out."""

    VOID = frozenset({"input", "br", "img", "meta", "link", "hr", "col", "path", "circle", "rect", "ellipse", "use"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.forms: list[Form] = []
        self.by_id: dict[str, Form] = {}
        self.buttons: list[tuple[str, str, str]] = []
        self.stack: list[tuple[str, bool, str]] = []
        self.area: Control | None = None
        self.select: Control | None = None
        self.title = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open an element."""
        given = {key: value or "" for key, value in attrs}
        off = (self.stack[-1][1] if self.stack else False) or (tag == "fieldset" and "disabled" in given)
        item = given.get("data-item") or (self.stack[-1][2] if self.stack else "")
        if tag == "form":
            self.forms.append(Form(given.get("action", "")))
            if "id" in given:
                self.by_id[given["id"]] = self.forms[-1]
        elif tag in ("input", "textarea", "select", "button") and not off and "disabled" not in given:
            self._control(tag, given, item)
        elif tag == "option" and self.select is not None:
            self.select.choices.append(given.get("value", ""))
            if "selected" in given:
                self.select.text = given.get("value", "")
        if tag not in self.VOID:
            self.stack.append((tag, off, item))

    def _control(self, tag: str, given: dict[str, str], item: str) -> None:
        if tag == "button":
            self.buttons.append((given.get("formaction", ""), given.get("name", ""), given.get("value", "")))
            return
        form = self.by_id.get(given["form"]) if "form" in given else self.forms[-1] if self.forms else None
        if form is None:
            return
        kind = given.get("type", "text") if tag == "input" else tag
        name = given.get("name", "")
        if not name or kind in ("submit", "button"):
            return
        control = form.controls.setdefault(name, Control(kind, name, item))
        if kind in ("radio", "checkbox"):
            control.choices.append(given.get("value", "on"))
            if "checked" in given:
                control.chosen.append(given.get("value", "on"))
        else:
            control.text = given.get("value", "")
        self.area = control if tag == "textarea" else self.area
        self.select = control if tag == "select" else self.select

    def handle_endtag(self, tag: str) -> None:
        """Close an element; forgiving, since well-formedness is checked elsewhere."""
        if tag == "textarea":
            self.area = None
        if tag == "select":
            self.select = None
        for depth in range(len(self.stack) - 1, -1, -1):
            if self.stack[depth][0] == tag:
                del self.stack[depth:]
                break

    def handle_data(self, data: str) -> None:
        """Text inside a text area is its value."""
        if self.area is not None:
            self.area.text = (self.area.text + data).lstrip("\n")


class WrongPage(Exception):
    """The rehearsal met a page it did not expect; the message names the route and status, never an answer."""


class Browser:
    """One person's or tablet's browser on the application, in this process."""

    def __init__(self, app: Flask, origin: str, timings: dict[str, list[float]]) -> None:
        self.app, self.origin, self.timings = app, origin, timings
        self.client = Client(app, use_cookies=True)
        self.path, self.html, self.status = "", "", 0
        self.forms: list[Form] = []
        self.buttons: list[tuple[str, str, str]] = []

    def get(self, path: str) -> "Browser":
        """Open an address and follow where it leads."""
        return self._go("GET", path, None)

    def submit(self, form: Form, values: Mapping[str, Any], action: str = "") -> "Browser":
        """Send a form and follow where it leads."""
        return self._go("POST", action or form.action or self.path, values)

    def raw(self, path: str) -> bytes:
        """The bytes at an address. Raises WrongPage unless it answers 200."""
        response = self._timed("GET", path, None)
        if response.status_code != 200:
            raise WrongPage(f"GET {self._route(path)} answered {response.status_code}")
        return response.get_data()

    def form(self, has: Callable[[Form], bool]) -> Form:
        """The first form of the page that fits. Raises WrongPage."""
        for form in self.forms:
            if has(form):
                return form
        raise WrongPage(f"{self._route(self.path)} ({self.status}) lacks an expected form")

    def press(self, ending: str) -> "Browser":
        """Press the first button that leads to an address with this ending. Raises WrongPage."""
        for action, name, value in self.buttons:
            if action.endswith(ending):
                token = next(f.controls["csrf_token"].text for f in self.forms if "csrf_token" in f.controls)
                return self._go("POST", action, {"csrf_token": token} | ({name: value} if name else {}))
        raise WrongPage(f"{_pattern(self.path)} ({self.status}) has no button to {ending}")

    def has_button(self, ending: str) -> bool:
        """Whether a button leads to an address with this ending."""
        return any(action.endswith(ending) for action, _name, _value in self.buttons)

    def form_to(self, part: str) -> Form:
        """The first form whose action holds this text. Raises WrongPage."""
        return self.form(lambda form: part in form.action)

    def _go(self, method: str, path: str, values: Mapping[str, Any] | None) -> "Browser":
        response = self._timed(method, path, values)
        for _hop in range(8):
            if response.status_code not in (301, 302, 303, 307, 308):
                break
            path = response.headers["Location"]
            response = self._timed("GET", path, None)
        if response.status_code >= 500:
            raise WrongPage(f"{method} {self._route(path)} answered {response.status_code}")
        self.path, self.status, self.html = path.split("?")[0], response.status_code, response.get_data(as_text=True)
        reader = _Reader()
        reader.feed(self.html)
        self.forms, self.buttons = reader.forms, reader.buttons
        return self

    def _timed(self, method: str, path: str, values: Mapping[str, Any] | None) -> TestResponse:
        began = time.perf_counter()
        response = self.client.open(path, method=method, data=values, base_url=self.origin)
        self.timings.setdefault(f"{method} {self._route(path)}", []).append((time.perf_counter() - began) * 1000)
        return response

    def _route(self, path: str) -> str:
        return _pattern(path.split("?")[0].removeprefix(self.origin))


def _pattern(path: str) -> str:
    """An address with its ids taken out, so that timings gather by page."""
    parts = [("*" if len(part) > 30 or part[:1].isdigit() else part) for part in path.split("/")]
    return "/".join(parts)
