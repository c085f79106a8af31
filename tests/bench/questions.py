"""The rows about questions: compiling and checking them, their page, its form, and what keeps it all in memory.
"Form" is what is made of a section's definition: its fields filled and drawn, without the frame of the page. Both sides
of a row are sent the same request, the tablet's cookies included.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from typing import Any

from flask import g, render_template
from werkzeug.datastructures import MultiDict

from intake import answers
from intake.answers import Page, context, field_name, open_page, take
from intake.definitions.loader import load
from intake.definitions.shorthand import compile_shorthand
from tests.bench.clinic import SECTION, TEN, Clinic, Request, answer, by_client, by_hand, handed_over
from tests.bench.measure import Row, Side, Spread, compare, resident
from tests.bench.plain import PAGE, SENT, bare, plain_form
from tests.kiosk.pages import browser_fields

SIXTY = (
    "url: https://clinic.example/Questionnaire/sixty\nversion: 1.0.0\nlanguages: [en]\ntitle: Sixty\nsections:\n"
    + "".join(f"  - id: s{n}\n    title: Page {n}\n    items:\n{TEN.replace('ten.', f's{n}.')}" for n in range(6))
)
BARE, PLAIN = "bare view", "plain WTForms"


def compiled(_clinic: Clinic) -> Row:
    """Sixty items from YAML to a questionnaire that passed the gate. Reading its JSON is what no gate can save."""
    body = compile_shorthand(SIXTY, "sixty.yaml")
    items = sum(len(section["item"]) for section in json.loads(body)["item"])
    if items != 60:
        raise RuntimeError(f"{items} items")
    ours = Side(lambda _: load(compile_shorthand(SIXTY, "sixty.yaml")))
    return compare(
        "compile and gate 60 items", ours, Side(lambda _: json.loads(body)), against="json.loads of the result"
    )


def form_alone(clinic: Clinic) -> Row:
    """The section's form made, filled and drawn, beside a bare view that answers the whole page."""
    view = _bare_page(clinic)
    with _in_request(clinic) as page:
        return compare("form of 10 questions alone", Side(lambda _: _form(page)), view, against=BARE, bar=4)


def whole_page(clinic: Clinic) -> Row:
    """The GET with session, vault, log and frame, beside a bare view that answers the same bytes."""
    ours = Side(by_client(clinic.app, 200), clinic.asked)
    return compare("GET of their page", ours, _bare_page(clinic), against=BARE, bar=10)


def page_sent(clinic: Clinic) -> Row:
    """The POST: validated, sealed, stored and logged, beside a bare view that answers the same bytes unread."""
    sender = Sender(clinic)
    view = bare("POST", *answer(clinic.app, sender.another()))
    peer = Side(by_client(view, 303), lambda: clinic.asked(sender.fields, "/"))
    ours = Side(by_client(clinic.app, 303), sender.another)
    return compare("POST of their page", ours, peer, against=BARE, bar=20)


def whole_page_by_hand(clinic: Clinic) -> Row:
    """The same GET without the client's share, which both sides have above: the strictest way to look at it."""
    view = bare("GET", *answer(clinic.app, clinic.asked()))
    ours = Side(by_hand(clinic.app, 200), lambda: handed_over(clinic.asked()))
    peer = Side(by_hand(view, 200), lambda: handed_over(clinic.asked(path="/")))
    return compare("the same GET, called by hand", ours, peer, against=BARE)


def page_sent_by_hand(clinic: Clinic) -> Row:
    """The same POST without the client's share."""
    sender = Sender(clinic)
    view = bare("POST", *answer(clinic.app, sender.another()))
    ours = Side(by_hand(clinic.app, 303), lambda: handed_over(sender.another()))
    peer = Side(by_hand(view, 303), lambda: handed_over(clinic.asked(sender.fields, "/")))
    return compare("the same POST, called by hand", ours, peer, against=BARE)


def form_beside_plain(clinic: Clinic) -> Row:
    """Our page of questions, and WTForms' own fields and widgets in the same frame: made, filled and drawn."""
    with _in_request(clinic) as page:
        template, form = clinic.app.jinja_env.from_string(PAGE), plain_form(page.shape)
        data = SENT | {"born": date(1968, 3, 4), "weight": Decimal("61.5"), "visits": 2, "packs": 10}
        plain = Side(lambda _: render_template(template, form=form(formdata=None, data=data)))
        ours = Side(lambda _: _drawn(page))
        return compare("the page made and drawn", ours, plain, against=PLAIN, bar=1.3)


def answers_beside_plain(clinic: Clinic) -> Row:
    """Their answers read and judged by our form, and by WTForms' own fields and validators."""
    sent = MultiDict(Sender(clinic).fields)
    with _in_request(clinic) as page:
        form, same = plain_form(page.shape), MultiDict(SENT)
        for is_good in (take(page, sent).is_good(), form(same).validate()):
            if not is_good:
                raise RuntimeError("these answers are good")
        ours = Side(lambda _: take(page, sent).is_good())
        return compare(
            "the answers read and judged", ours, Side(lambda _: form(same).validate()), against=PLAIN, bar=1.3
        )


def memory(clinic: Clinic) -> Row:
    """What the process grows by from its 2,000th request to its 10,000th, pages shown and pages sent by turns."""
    sender, show, take_in = Sender(clinic), by_client(clinic.app, 200), by_client(clinic.app, 303)
    sizes = {}
    for request in range(1, 10_001):
        take_in(sender.another()) if request % 5 == 0 else show(clinic.asked())
        if request in (2_000, 10_000):
            sizes[request] = resident()
    grown = sizes[10_000] - sizes[2_000]
    said = f"{sizes[2_000] / 1024:.1f} MB, then {sizes[10_000] / 1024:.1f} MB"
    return Row("memory, 2,000 to 10,000 requests", said, "", Spread.only(grown), "KB", bar=1024)


class Sender:
    """Sends the page of ten questions again and again, each time with other answers, and as it was last shown."""

    def __init__(self, clinic: Clinic) -> None:
        self.clinic = clinic
        shown = browser_fields(answer(clinic.app, clinic.asked())[1].decode())
        with clinic.app.test_request_context():
            questionnaire = answers.get(clinic.visit_id).edition.questionnaire
        names = {link: field_name(questionnaire, f"ten.{link}") for link in SENT}
        year, month, day = SENT["born"].split("-")
        typed = {names[link]: value for link, value in SENT.items() if link != "born"}
        born = {f"{names['born']}-{part}": value for part, value in zip("ymd", (year, month, day), strict=True)}
        self.fields: dict[str, Any] = shown | typed | born | {"seen": " ".join(names.values())}
        self.name, self.revision = names["name"], int(shown["rev"][0])

    def another(self) -> Request:
        """The next request; each is to be answered, for the next one names the revision that it makes."""
        self.fields |= {"rev": str(self.revision), self.name: f"Farida Sheikh {self.revision}"}
        self.revision += 1
        return self.clinic.asked(self.fields)


def _form(page: Page) -> dict[str, Any]:
    return context(page, 1)


def _drawn(page: Page) -> str:
    return render_template("answers/section.html", **_form(page), step_note="")


@contextmanager
def _in_request(clinic: Clinic) -> Iterator[Page]:
    """The page of ten questions with its answers, inside a request whose token was found good."""
    by_client(clinic.app, 303)(Sender(clinic).another())
    with clinic.app.test_request_context(clinic.page):
        begun = answers.get(clinic.visit_id)
        page = open_page(begun.edition.questionnaire, SECTION, begun.draft.answers)
        if page is None:
            raise RuntimeError("there is no such page")
        g.csrf_valid = True
        yield page


def _bare_page(clinic: Clinic) -> Side:
    """A bare view that answers the bytes of the page."""
    return Side(by_client(bare("GET", *answer(clinic.app, clinic.asked())), 200), lambda: clinic.asked(path="/"))
