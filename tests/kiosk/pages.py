"""A patient at a tablet without scripts: what a browser would send from each page. For tests of the patient's rooms."""

import html
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from flask import Flask

from intake import answers, audit, consent
from intake.answers.forms import field_name, stored_data
from intake.db import transaction
from intake.definitions import Questionnaire, Value
from intake.i18n import clinic
from tests.builders import HEALTHY, TABLET, a_tablet, a_visit, answered, complete_answers, fields_of, understood
from tests.conftest import StrictClient

BORN = {"born-d": "4", "born-m": "3", "born-y": "1968"}


def identified(app: Flask, visit_id: UUID, name: str = "T1") -> StrictClient:
    """A tablet whose holder has said who they are."""
    client = a_tablet(app, visit_id, name)
    assert isinstance(client, StrictClient)
    client.get("/visit/identity")
    response = client.submit("/visit/identity", BORN)
    assert response.status_code == 303, response.text
    return client


def at_questions(app: Flask) -> tuple[StrictClient, UUID]:
    """A patient in front of the first question."""
    visit_id = a_visit(app)
    return identified(app, visit_id), visit_id


def at_check(app: Flask, given: Mapping[str, Any] = HEALTHY) -> tuple[StrictClient, UUID]:
    """A patient who answered and read everything, before "Everything is right"."""
    visit_id = a_visit(app)
    answered(app, visit_id, given, submit=False)
    understood(app, visit_id)
    return identified(app, visit_id), visit_id


def at_effects(app: Flask, given: Mapping[str, Any] = HEALTHY) -> tuple[StrictClient, UUID]:
    """A patient in front of the first page of the consent."""
    visit_id = a_visit(app)
    answered(app, visit_id, given, submit=False)
    with app.test_request_context(), transaction():
        consent.present(clinic(), visit_id, "en", by=TABLET)
    return identified(app, visit_id), visit_id


def at_sign(app: Flask) -> tuple[StrictClient, UUID]:
    """A patient in front of the signature page."""
    visit_id = a_visit(app)
    answered(app, visit_id)
    understood(app, visit_id)
    return identified(app, visit_id), visit_id


def questionnaire(app: Flask, visit_id: UUID) -> Questionnaire:
    """The questionnaire this visit answers."""
    with app.test_request_context():
        return answers.get(visit_id).edition.questionnaire


def drafted(app: Flask, visit_id: UUID, link_id: str) -> list[Any]:
    """What is stored for a question, as plain values."""
    with app.test_request_context():
        values: Sequence[Value] = answers.get(visit_id).draft.answers.get(link_id, ())
    return [next(iter(value.values())) for value in values]


def events(app: Flask, visit_id: UUID, name: str) -> list[Mapping[str, Any]]:
    """The facts of every log entry of this kind about the visit."""
    with app.test_request_context():
        return [json.loads(entry.body)["facts"] for entry in audit.history_of(visit_id) if entry.event == name]


def sent(app: Flask, visit_id: UUID, **plain: Any) -> dict[str, Any]:
    """Form fields for questions, named by linkId with "__" for the dot: what is typed or ticked, raw."""
    asked = questionnaire(app, visit_id)
    return {field_name(asked, link.replace("__", ".")): value for link, value in plain.items()}


def untouched(client: StrictClient, path: str) -> dict[str, Any]:
    """A page as a browser without scripts would send it back: what is inside a disabled group is left out."""
    page = client.get(path)
    assert page.status_code == 200, (path, page.status_code)
    return browser_fields(page.text)


def send(client: StrictClient, path: str, **more: Any) -> Any:
    """Open a page, fill these fields in, and send it."""
    return client.post(path, data=untouched(client, path) | more)


def browser_fields(page: str) -> dict[str, Any]:
    """The fields of a page's own form, stored values unescaped."""
    form = page.split('<form method="post" novalidate', 1)[-1].split("</form>")[0]
    open_parts = re.sub(
        r'<fieldset class="cond" role="none" disabled>.*?(?=<div class="item"|<p class="decline"|$)',
        "",
        form,
        flags=re.S,
    )
    fields = {name: [html.unescape(value) for value in values] for name, values in fields_of(open_parts).items()}
    for name, words in re.findall(r'<textarea[^>]* name="([^"]+)"[^>]*>\n?(.*?)</textarea>', open_parts, flags=re.S):
        fields[name] = [html.unescape(words)]
    return fields


def answer_section(
    app: Flask, client: StrictClient, visit_id: UUID, path: str, given: Mapping[str, Any] = HEALTHY
) -> Any:
    """Send a section with these wishes and a neutral answer to the rest."""
    asked = questionnaire(app, visit_id)
    said = complete_answers(asked, given)
    section = asked.section(path.rsplit("/", 1)[1])
    assert section is not None
    fields = untouched(client, path)
    for link_id in section.items:
        item = asked.items[link_id]
        if link_id not in said or not item.is_question:
            continue
        name, data = field_name(asked, link_id), stored_data(item, said[link_id])
        if item.type == "date":
            year, month, day = str(data).split("-")
            fields |= {f"{name}-d": day, f"{name}-m": month, f"{name}-y": year}
        else:
            fields[name] = "y" if data is True else data
    return client.post(path, data=fields)


def errors_of(page: str) -> list[str]:
    """The sentences of the error summary, in order."""
    found = re.search(
        r'<div class="errors" id="errors" role="alert" tabindex="-1" data-focus>(.*?)</div>', page, flags=re.S
    )
    return (
        [html.unescape(re.sub(r"<[^>]+>", "", line)) for line in re.findall(r"<li>(.*?)</li>", found[1])]
        if found
        else []
    )


def title_of(page: str) -> str:
    """The title of a page."""
    found = re.search(r"<title>(.*?)</title>", page)
    return html.unescape(found[1]) if found else ""
