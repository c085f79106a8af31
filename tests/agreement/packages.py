"""Puts the npm packages that only tests use into build/: jsdom, the JSON schema of FHIR R4, and LHC-Forms.

No script of theirs runs, and what is fetched is what package-lock.json (and, for LHC-Forms, this file) has the hash of.
"""

import shutil
import subprocess
import tarfile
from base64 import b64encode
from fcntl import LOCK_EX, flock
from functools import cache
from hashlib import sha256, sha512
from pathlib import Path

HERE = Path(__file__).parent
FOLDER = HERE.parents[1] / "build" / "test-packages"
NODE = shutil.which("node")
# LHC-Forms names 130 packages that are built into it already; so it is taken apart by hand, without them.
LFORMS = "lforms-40.1.3"
LFORMS_SHA512 = "WLruTm+BcVnafC0rSAQ3/cNqhxvclBUxyBG68aub/uha2NaK9H8ZZcEXTTuORuGzzCt0wa7fvhuieZtcDIdPzQ=="


@cache
def install(*, with_lforms: bool = False) -> bool:
    """Install what is not installed yet, one process at a time; return whether it is there now."""
    npm = shutil.which("npm")
    if NODE is None or npm is None:
        return False
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / ".busy").open("w") as busy:
        flock(busy, LOCK_EX)
        try:
            _install_locked(npm)
            if with_lforms:
                _install_lforms(npm)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            print(f"npm: {error}")
            return False
    return True


def _install_locked(npm: str) -> None:
    names = ("package.json", "package-lock.json", ".npmrc")
    stamp, wanted = FOLDER / ".lock-sha256", sha256((HERE / names[1]).read_bytes()).hexdigest()
    if stamp.is_file() and stamp.read_text("ascii") == wanted:
        return
    for name in names:
        shutil.copyfile(HERE / name, FOLDER / name)
    subprocess.run([npm, "ci", "--silent"], cwd=FOLDER, check=True, timeout=300)
    stamp.write_text(wanted, "ascii")


def _install_lforms(npm: str) -> None:
    package, named = FOLDER / LFORMS, "@".join(LFORMS.rsplit("-", 1))
    if package.is_dir():
        return
    subprocess.run([npm, "pack", "--silent", named], cwd=FOLDER, check=True, timeout=300, stdout=subprocess.DEVNULL)
    data = Path(f"{package}.tgz").read_bytes()
    if b64encode(sha512(data).digest()).decode() != LFORMS_SHA512:
        raise ValueError(f"{named} is not what it was when it was chosen")
    with tarfile.open(f"{package}.tgz") as packed:
        packed.extractall(FOLDER, filter="data")
    (FOLDER / "package").rename(package)
