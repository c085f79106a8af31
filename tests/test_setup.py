"""What a newcomer and a build machine rely on: the commands of the Makefile and the locked packages."""

import json
import os
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from intake.config import Settings

pytestmark = pytest.mark.packaging

ROOT = Path(__file__).parent.parent
LIBRARY = ROOT / "intake/definitions/library"
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(lines: list[str]) -> dict[str, str]:
    """Package to exact version, from lines such as `Flask==3.1.3` or `psycopg[binary]==3.3.9`."""
    found = (re.match(r"([\w.-]+)(?:\[[\w,-]+\])?==([\w.!+]+)", line) for line in lines)
    return {canonical(m[1]): m[2] for m in found if m}


def locked(name: str) -> dict[str, str]:
    return pins((ROOT / "requirements" / name).read_text("utf-8").splitlines())


def test_every_direct_dependency_is_named_with_an_exact_version() -> None:
    extras = PROJECT["optional-dependencies"]
    direct = PROJECT["dependencies"] + extras["dev"] + extras["postgresql"]
    assert [line for line in direct if "==" not in line] == []


@pytest.mark.parametrize(("lock", "extra"), [("run.txt", []), ("dev.txt", PROJECT["optional-dependencies"]["dev"])])
def test_a_lock_file_holds_what_the_project_asks_for(lock: str, extra: list[str]) -> None:
    asked = pins(PROJECT["dependencies"] + extra)
    assert asked.items() <= locked(lock).items()


def test_what_is_tested_is_what_a_clinic_installs() -> None:
    assert locked("run.txt").items() <= locked("dev.txt").items()


@pytest.mark.parametrize("lock", ["run.txt", "dev.txt"])
def test_every_locked_package_carries_a_hash(lock: str) -> None:
    entries = re.split(r"\n(?=[a-z0-9])", (ROOT / "requirements" / lock).read_text("utf-8"))
    assert [entry.split()[0] for entry in entries if "==" in entry and "--hash=sha256:" not in entry] == []


def test_no_lock_file_names_the_host_it_was_made_from() -> None:
    for lock in ("run.txt", "dev.txt"):
        assert "://" not in (ROOT / "requirements" / lock).read_text("utf-8")
    packages = json.loads((ROOT / "assets/package-lock.json").read_text("utf-8"))["packages"]
    assert [name for name, entry in packages.items() if "://" in entry.get("resolved", "")] == []


@pytest.mark.parametrize("target", ["setup", "run", "test", "test-pg"])
def test_make_knows_the_commands_that_are_promised(target: str) -> None:
    asked = subprocess.run(["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True, check=False)
    assert asked.returncode == 0, asked.stderr
    assert "tools/setup.sh" in asked.stdout


def test_the_build_runs_the_tests_on_both_databases() -> None:
    script = ROOT / ".ci/run"
    assert os.access(script, os.X_OK)
    assert "make test </dev/null" in script.read_text("utf-8")
    assert "make test-pg </dev/null" in script.read_text("utf-8")


def test_the_example_of_a_clinics_settings_is_accepted() -> None:
    raw = tomllib.loads((ROOT / "deploy/intake.toml").read_text("utf-8"))
    settings = Settings.from_mapping(raw)
    assert (settings.origin, settings.is_https) == ("https://intake.clinic.internal", True)
    assert set(settings.clinic.hours) == set(range(6))
    offered = yaml.safe_load(next(LIBRARY.glob("*/treatments-*.yaml")).read_text("utf-8"))["treatments"]
    assert set(settings.clinic.treatments) == {treatment["code"] for treatment in offered}


def test_the_settings_the_units_and_the_proxy_agree() -> None:
    raw = tomllib.loads((ROOT / "deploy/intake.toml").read_text("utf-8"))
    proxy, unit = ((ROOT / "deploy" / name).read_text("utf-8") for name in ("Caddyfile", "intake.service"))
    assert f"{raw['origin']} {{" in proxy
    assert raw["data"] == "/var/lib/intake"
    assert "StateDirectory=intake\n" in unit
    assert "INTAKE_SETTINGS=/etc/intake/intake.toml" in unit
