"""The patient's receipt: what stands on it, what never does, and what it is worth against the log of today."""

import re
from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

import pytest
from click.testing import CliRunner, Result
from flask import Flask

from intake import audit, consent, records
from intake.audit.checkpoints import FILE_NAME
from intake.cli import demo_settings, main, toml
from intake.config import Settings
from intake.db import transaction
from intake.i18n import clinic
from tests.audit.tampering import change, rewrite
from tests.builders import TABLET, a_signed_visit, a_visit, answered
from tests.conftest import StrictClient, sign_in
from tests.endings import a_declined_visit, a_filed_visit

Run = Callable[..., Result]
LINE = re.compile(r"(\d+):([0-9a-f]{16})")


@pytest.fixture
def fsck(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`intake fsck` in this test's clinic."""
    file = settings.data / "intake.toml"
    values = demo_settings(settings.data, 8000) | {"database_url": settings.database_url}
    file.write_text(toml(values), "utf-8")
    monkeypatch.setenv("INTAKE_SETTINGS", str(file))
    return lambda *words: CliRunner().invoke(main, ["fsck", *map(str, words)])


def receipt(client: StrictClient, visit: UUID) -> str:
    response = client.get(f"/archive/receipts/{visit}")
    assert response.status_code == 200
    page = re.search(r"<article.*</article>", response.text, re.DOTALL)
    assert page is not None
    return page[0]


def line_of(page: str) -> str:
    found = LINE.search(re.sub(r"<svg.*?</svg>", "", page, flags=re.DOTALL))
    assert found is not None
    return found[0]


def test_it_has_number_day_clinic_code_and_checkpoint_and_nothing_about_the_patient(
    app: Flask, as_reception: StrictClient
) -> None:
    visit = a_filed_visit(app)
    page = receipt(as_reception, visit)
    with app.app_context():
        number, newest = records.records_of_visit(visit)[0].number, audit.newest_checkpoint()
    assert newest is not None
    assert number in page and "23 November 2026" in page and "Kesari Skin &amp; Hair" in page
    assert f"http://localhost/verify/{number}" in page and "<svg" in page
    assert line_of(page) == f"{newest.size}:{newest.root.hex()[:16]}"
    assert "Please keep this paper." in page and "not sealed yet" not in page and "was signed before" not in page
    words = re.sub(r"<svg.*?</svg>", "", page, flags=re.DOTALL).lower()
    for private in ("farida", "sheikh", "meso", "skin boost", "1968", "rao", "98400 00421", "countersigned", "cheek"):
        assert private not in words


def test_the_log_says_who_opened_it(app: Flask, as_reception: StrictClient) -> None:
    visit = a_declined_visit(app)
    receipt(as_reception, visit)
    with app.app_context():
        last = audit.history_of(visit)[-1]
    assert last.event == "receipt.shown" and last.actor.startswith("staff:")


def test_before_the_record_is_sealed_it_says_so_and_has_no_number(app: Flask, as_reception: StrictClient) -> None:
    for visit in (a_signed_visit(app), a_visit(app, name="Anjali Desai", phone="9840011111")):
        page = receipt(as_reception, visit)
        assert "Your record is not sealed yet, so it has no number." in page and "KS-" not in page


def test_a_checkpoint_older_than_the_record_is_said_to_be(app: Flask, as_reception: StrictClient) -> None:
    visit = a_declined_visit(app)
    with app.app_context():
        change("log_checkpoint", "DELETE FROM log_checkpoint")
    page = receipt(as_reception, visit)
    assert "State of the clinic" not in page and "KS-" in page, "without a checkpoint there is no line"
    with app.app_context():
        sealed = next(entry.seq for entry in audit.history_of(visit) if entry.event == "record.sealed")
        change(
            "log_checkpoint",
            "INSERT INTO log_checkpoint (size, root, at, note) VALUES (:size, :root, '2026-11-23 06:00:00', 'x')",
            size=sealed - 1,
            root=bytes(32),
        )
    page = receipt(as_reception, visit)
    assert "This line was signed before your record was sealed." in page


def test_it_is_in_the_patients_language_with_the_english_beside_it(app: Flask, as_reception: StrictClient) -> None:
    visit = a_visit(app)
    answered(app, visit)
    with app.test_request_context(), transaction():
        consent.present(clinic(), visit, "hi", by=TABLET)
    page = receipt(as_reception, visit)
    assert 'lang="hi" dir="ltr">' in page and "23 नवंबर 2026" in page
    assert '<span class="small muted" lang="en" dir="ltr">23 November 2026</span>' in page
    page = receipt(as_reception, a_declined_visit(app, name="Anjali Desai", phone="9840011111"))
    assert 'lang="en" dir="ltr">' in page and page.count("Your receipt") == 1, "not everything twice in English"


def test_the_desk_and_the_archive_lead_to_it(app: Flask, as_reception: StrictClient, as_records: StrictClient) -> None:
    visit = a_declined_visit(app)
    with app.app_context():
        record = records.records_of_visit(visit)[0]
    address = f'href="/archive/receipts/{visit}"'
    assert address in as_reception.get(f"/desk/visits/{visit}").text
    assert address in as_records.get(f"/archive/records/{record.id}").text
    assert address not in as_reception.get(f"/desk/visits/{a_visit(app, name='New One', phone='9840022222')}").text


@pytest.mark.parametrize("who", ["author", "admin"])
def test_nobody_else_may_open_it(app: Flask, who: str) -> None:
    assert sign_in(app, f"{who}@demo.example").get(f"/archive/receipts/{a_declined_visit(app)}").status_code == 403


def test_a_visit_nobody_knows_has_none(as_reception: StrictClient) -> None:
    assert as_reception.get(f"/archive/receipts/{UUID(int=1)}").status_code == 404


def test_a_receipt_holds_against_the_log_of_later_and_is_counted(
    app: Flask, as_reception: StrictClient, fsck: Run
) -> None:
    printed = line_of(receipt(as_reception, a_declined_visit(app)))
    a_declined_visit(app, name="Anjali Desai", phone="9840011111")
    done = fsck("--receipt", printed, "--receipt", printed.upper().replace(":", ": "))
    assert done.exit_code == 0 and "receipt 2" in done.output, done.output


def test_a_log_that_was_rewritten_and_signed_anew_is_found_by_one_receipt(
    app: Flask, as_reception: StrictClient, fsck: Run
) -> None:
    """What only a witness finds: the operator rewrites an entry, and signs the new history with the log's key."""
    printed = line_of(receipt(as_reception, a_declined_visit(app)))
    with app.app_context():
        rewrite(
            lambda links: [replace(one, actor="staff:x") if one.event == "consent.declined" else one for one in links]
        )
        change("log_checkpoint", "DELETE FROM log_checkpoint")
        (app.config["INTAKE"].data / FILE_NAME).unlink()
        assert audit.checkpoint(whole=True) is not None
    assert "receipt" not in fsck().output
    done = fsck("--receipt", printed)
    assert done.exit_code == 1 and f"receipt.differs: receipt {printed}" in done.output
    assert "Compare the numbers with the paper first." in done.output


def test_a_log_that_was_cut_off_behind_a_receipt_is_named(app: Flask, as_reception: StrictClient, fsck: Run) -> None:
    printed = line_of(receipt(as_reception, a_declined_visit(app)))
    beyond = f"{int(printed.split(':')[0]) + 500}:{printed.split(':')[1]}"
    done = fsck("--receipt", beyond)
    assert done.exit_code == 1 and f"receipt.beyond: receipt {beyond}" in done.output


@pytest.mark.parametrize(
    "typed", ["", "12", "12:", "12:xyz", "0:0e36837e6e7aa320", "12:0e36837e6e7aa32", "-1:0e36837e6e7aa320"]
)
def test_what_is_no_receipt_is_said_to_be_none(fsck: Run, app: Flask, typed: str) -> None:
    done = fsck("--receipt", typed)
    assert done.exit_code == 2 and "SIZE:HEX" in done.output
