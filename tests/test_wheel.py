"""The wheel, installed into an environment that holds nothing else, starts a clinic. Fetches the locked packages."""

import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError, URLError

import pytest

pytestmark = pytest.mark.packaging

ROOT = Path(__file__).parent.parent
PATIENCE = 60  # seconds for a first start: keys, tables and content


def run(*words: object, cwd: Path = ROOT) -> None:
    done = subprocess.run([str(word) for word in words], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of an environment that holds the wheel and the packages a clinic installs."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=True)
    pip = (folder / "bin/python", "-m", "pip", "install", "-qq", "--disable-pip-version-check")
    run(*pip, "--require-hashes", "-r", ROOT / "requirements/run.txt")
    run(*pip, "--no-deps", wheel)
    run(folder / "bin/python", "-m", "pip", "check", "--disable-pip-version-check")
    return folder / "bin"


@pytest.fixture
def clinic(installed: Path, tmp_path: Path) -> Iterator[str]:
    """The address of a demo clinic served by the installed wheel, far away from the source tree."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path / "log"
    with open(log, "wb") as output:
        command = [str(installed / "intake"), "demo", "--port", str(port), "--data", str(tmp_path / "demo")]
        process = subprocess.Popen(command, cwd=tmp_path, stdout=output, stderr=subprocess.STDOUT)
    try:
        wait_for(f"http://127.0.0.1:{port}/sign-in", process, log)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)


def wait_for(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        assert process.poll() is None, log.read_text("utf-8")
        assert time.monotonic() < deadline, log.read_text("utf-8")
        try:
            urllib.request.urlopen(address, timeout=5).close()  # noqa: S310 - our own address
            return
        except HTTPError as error:
            pytest.fail(f"{address} answers {error.code}\n{log.read_text('utf-8')}")
        except URLError:
            time.sleep(0.1)


def test_the_wheel_carries_pages_migrations_content_and_assets_and_nothing_private(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for wanted in ("templates/base.html", "migrations/env.py", "static/dist/manifest.json", "cli.py"):
        assert f"intake/{wanted}" in names
    assert any(re.fullmatch(r"intake/definitions/library/.+\.yaml", name) for name in names)
    assert any(re.fullmatch(r"intake/migrations/versions/0001_\w+\.py", name) for name in names)
    assert [name for name in names if not name.startswith(("intake/", "intake-"))] == []
    assert [name for name in names if re.search(r"\.(key|pem|p12|db|sqlite3?|pyc)$|node_modules|/tests/", name)] == []


def test_an_installed_wheel_starts_a_clinic_with_its_pages_and_styles(clinic: str) -> None:
    with urllib.request.urlopen(f"{clinic}/sign-in") as answer:  # noqa: S310 - our own address
        page = answer.read().decode()
    styles = re.findall(r'<link[^>]+href="([^"]+\.css)"', page)
    assert styles
    for address in styles:
        with urllib.request.urlopen(clinic + address) as answer:  # noqa: S310 - our own address
            assert answer.headers["Content-Type"].startswith("text/css")
