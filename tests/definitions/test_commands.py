"""What an author types: checking, translating, publishing and exporting, with plain words and an honest end."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from intake import create_app, definitions
from intake.cli import demo_settings, main, toml
from intake.config import Settings
from intake.db import db
from tests.conftest import MONDAY_NOON, PASSWORD, SERVER
from tests.definitions.editions import FILES, write_edition
from tests.definitions.fhir import form, item
from tests.definitions.test_editions import HINDI

needs_own_settings = pytest.mark.skipif(bool(SERVER), reason="the command reads its own settings file")


def run(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


def written(path: Path, questionnaire: object) -> Path:
    path.write_text(json.dumps(questionnaire), "utf-8")
    return path


def test_checking_says_what_is_taken_and_ends_well(tmp_path: Path) -> None:
    done = run("definitions", "check", written(tmp_path / "q.json", form(item())))
    assert done.exit_code == 0
    assert done.output == f"{tmp_path / 'q.json'}: taken, 0 warnings\n"


def test_a_refusal_prints_every_problem_of_every_file_and_ends_with_one(tmp_path: Path) -> None:
    bad = written(tmp_path / "bad.json", form(item("a", "reference"), item("b", "choice")))
    text = tmp_path / "q.yaml"
    text.write_text(FILES["questions.yaml"].replace("type: boolean", "type: bool"), "utf-8")
    done = run("definitions", "check", bad, text, tmp_path / "none.json")
    assert (done.exit_code, type(done.exception)) == (1, SystemExit)
    assert "bad.json: refused, 2 problems" in done.output
    assert "  Q03 $.item[0] [a]: the item type 'reference' is not supported" in done.output
    assert f"  Y05 {text}:15: there is no item type 'bool'" in done.output
    assert "none.json: this cannot be read: No such file or directory" in done.output


def test_programs_get_one_object_a_file_and_a_list_for_several(tmp_path: Path) -> None:
    good = written(tmp_path / "good.json", form(item(), version="1"))
    bad = written(tmp_path / "bad.json", form(item("a", "reference")))
    one = json.loads(run("definitions", "check", good, "--json").output)
    assert (one["file"], one["taken"], one["problems"]) == (str(good), True, [])
    assert [warning["code"] for warning in one["warnings"]] == ["W01"]
    done = run("definitions", "check", "--json", good, bad)
    assert [found["taken"] for found in json.loads(done.output)] == [True, False]
    assert set(json.loads(done.output)[1]["problems"][0]) == {"code", "path", "linkId", "message", "hint"}
    assert done.exit_code == 1


def test_what_a_file_says_of_itself_cannot_steer_the_terminal(tmp_path: Path) -> None:
    done = run("definitions", "check", written(tmp_path / "q.json", form(item("\x1b[2J\n", "x"))))
    assert "\x1b" not in done.output and "[\\x1b[2J\\n]" in done.output


def test_catalogues_are_brought_up_to_date_and_counted(tmp_path: Path) -> None:
    folder = write_edition(tmp_path / "peel")
    done = run("definitions", "translations", folder)
    assert (done.exit_code, done.output) == (0, "hi.po (hi): 18 new, 18 without words, 0 stale, 0 unused\n")
    refused = run("definitions", "translations", write_edition(tmp_path / "bad", consent="a: ["))
    assert refused.exit_code == 1 and "Y01 consent.yaml:1" in refused.output and "Error: refused" in refused.output


@pytest.fixture
def clinic(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The commands work on this test's clinic."""
    file = settings.data / "intake.toml"
    file.write_text(toml(demo_settings(settings.data, 8000)), "utf-8")
    monkeypatch.setenv("INTAKE_SETTINGS", str(file))
    return settings


def ask(settings: Settings, what: Any) -> Any:
    app = create_app(settings)
    with app.app_context():
        found = what()
        db.session.remove()
        db.engine.dispose()
    return found


@needs_own_settings
def test_an_edition_is_published_once_and_its_bytes_come_out_unchanged(clinic: Settings, tmp_path: Path) -> None:
    folder = write_edition(tmp_path / "peel")
    for _ in range(2):
        done = run("definitions", "publish", folder)
        assert done.exit_code == 0, done.output
        assert done.output.startswith("peel 1.0.0 is published")
    out = tmp_path / "out"
    assert run("definitions", "export", "peel", "1.0.0", "all", "--out", out).exit_code == 0
    assert (out / "peel-1.0.0-consent.yaml").read_bytes() == (folder / "consent.yaml").read_bytes()
    assert (out / "peel-1.0.0-translations.hi.po").read_bytes() == (folder / "hi.po").read_bytes()
    stored = ask(clinic, lambda: definitions.get_files("peel", "1.0.0"))
    assert {path.name.split("-")[-1].rpartition(".")[0]: path.read_bytes() for path in out.iterdir()} == stored
    one = tmp_path / "one.json"
    assert run("definitions", "export", "peel", "1.0.0", "questionnaire", "--out", one).exit_code == 0
    assert one.read_bytes() == stored["questionnaire"]


@needs_own_settings
def test_publishing_and_exporting_refuse_in_plain_words(clinic: Settings, tmp_path: Path) -> None:
    assert run("definitions", "publish", write_edition(tmp_path / "peel")).exit_code == 0
    changed = run("definitions", "publish", write_edition(tmp_path / "b" / "peel", hi=FILES["hi.po"] + HINDI))
    assert changed.exit_code == 1 and "give it a new version" in changed.output
    declared = FILES["edition.yaml"].replace("[en]", "[en, hi]")
    incomplete = run("definitions", "publish", write_edition(tmp_path / "c" / "peel", edition=declared))
    assert incomplete.exit_code == 1 and incomplete.output.count("the words in 'hi' are missing") == 18
    for words, reason in (
        (("peel", "9.9.9", "all"), "there is no such edition"),
        (("peel", "1.0.0", "prices"), "has no 'prices'; it has "),
    ):
        refused = run("definitions", "export", *words, "--out", tmp_path / "out")
        assert refused.exit_code == 1 and reason in refused.output
    (tmp_path / "taken").write_text("mine")
    kept = run("definitions", "export", "peel", "1.0.0", "consent", "--out", tmp_path / "taken")
    assert kept.exit_code == 1 and (tmp_path / "taken").read_text() == "mine"


@needs_own_settings
def test_a_doctor_approves_one_language_after_the_other(clinic: Settings, tmp_path: Path, clock_at: Any) -> None:
    clock_at(MONDAY_NOON + timedelta(minutes=1))
    declared = FILES["edition.yaml"].replace("[en]", "[en, hi]")
    folder = write_edition(tmp_path / "peel", edition=declared, hi=FILES["hi.po"] + HINDI)
    assert run("definitions", "publish", folder).exit_code == 0
    approve = ("approve", "rao@demo.example", "--password", PASSWORD)
    done = run(*approve, "--language", "hi")
    assert done.exit_code == 0 and "approved by Dr Ananya Rao, in hi" in done.output, done.output

    def approved() -> list[str]:
        return [a.language for a in definitions.approvals_of(definitions.current_edition().id)]

    assert ask(clinic, approved) == ["hi"]
    assert run(*approve).exit_code == 0
    assert ask(clinic, approved) == ["hi", "en"]
    refused = run(*approve, "--language", "ar")
    assert refused.exit_code == 1 and "is not offered in 'ar': en, hi" in refused.output
