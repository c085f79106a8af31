"""Commands a clinic types that are not covered by a room of their own."""

import pytest
from click.testing import CliRunner

from intake import audit, create_app, definitions
from intake.audit.note import Verifier
from intake.cli import demo_settings, main, toml
from intake.config import Settings
from intake.db import db
from tests.conftest import PASSWORD, SERVER


@pytest.fixture
def approve(settings: Settings, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    """Run `intake approve` on this test's clinic."""
    file = settings.data / "intake.toml"
    file.write_text(toml(demo_settings(settings.data, 8000)), "utf-8")
    monkeypatch.setenv("INTAKE_SETTINGS", str(file))
    return lambda email, password: CliRunner().invoke(main, ["approve", email, "--password", password])


def is_approved(settings: Settings) -> bool:
    app = create_app(settings)
    with app.app_context():
        found = definitions.is_approved(definitions.current_edition().id)
        db.session.remove()
        db.engine.dispose()
    return found


@pytest.mark.skipif(bool(SERVER), reason="the command reads its own settings file")
def test_only_a_doctor_with_the_right_password_approves_the_words(approve, settings: Settings) -> None:  # type: ignore[no-untyped-def]
    assert approve("reception@demo.example", PASSWORD).exit_code == 1
    assert approve("rao@demo.example", "not the password at all").exit_code == 1
    assert not is_approved(settings)
    done = approve("rao@demo.example", PASSWORD)
    assert done.exit_code == 0, done.output
    assert "approved by Dr Ananya Rao" in done.output
    assert is_approved(settings)


@pytest.mark.skipif(bool(SERVER), reason="the command reads its own settings file")
def test_what_init_prints_checks_the_logs_checkpoints(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    file = settings.data / "intake.toml"
    file.write_text(toml(demo_settings(settings.data, 8000)), "utf-8")
    monkeypatch.setenv("INTAKE_SETTINGS", str(file))
    app = create_app(settings)
    with app.app_context():
        assert audit.checkpoint() is not None
        kept = audit.newest_checkpoint()
        db.session.remove()
        db.engine.dispose()
    printed = CliRunner().invoke(main, ["init"]).output
    vkey = printed.splitlines()[-1].strip()
    assert kept is not None
    assert Verifier.parse(vkey).open(kept.note).splitlines()[:2] == [vkey.partition("+")[0], str(kept.size)]
