"""Builds what the screens load: style sheets, scripts, pictures and fonts, with hashed names, into intake/static/dist.

`python assets/build.py` runs `npm ci` only when the lock changed, its one need of the network, and fails when a bundle
passes its budget. How the typefaces are cut is left to fonts.py.
"""

import gzip
import json
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path

from fonts import build_fonts

HERE = Path(__file__).resolve().parent
DIST = HERE.parent / "intake" / "static" / "dist"
MODULES = HERE / "node_modules"
CUT = HERE / ".build" / "fonts"  # where the style sheets look for the screens' fonts
ENTRIES = (
    "css/patient.css",
    "css/staff.css",
    "js/aloud.js",
    "js/patient.js",
    "js/questions.js",
    "js/reading.js",
    "js/sign.js",
    "js/staff.js",
    "js/verify.js",
)
# What a page may cost, in KB: text after gzip -9, fonts as they are.
BUDGETS: tuple[tuple[str, tuple[str, ...], int], ...] = (
    ("style of a patient page", ("patient.css",), 10),
    ("style of a staff page", ("staff.css",), 10),
    ("script of a patient page", ("patient.js",), 3),
    ("scripts of a question page", ("patient.js", "questions.js"), 5),
    # Beside the others: it comes last, nothing waits for it, and a tablet without a voice has no use for it.
    ("script that reads a page aloud", ("aloud.js",), 1),
    ("script that says whether words were on the screen", ("reading.js",), 1),
    ("scripts of the signature page", ("patient.js", "reading.js", "sign.js"), 9),
    ("script of a staff page", ("staff.js",), 4),
    ("scripts of the page that checks a record", ("staff.js", "verify.js"), 4),
    ("fonts of an English page", ("atkinson-next.woff2", "newsreader.woff2"), 60),
    ("fonts of a Hindi page", ("atkinson-next.woff2", "newsreader.woff2", "noto-deva.woff2"), 130),
    ("fonts of an Arabic page", ("atkinson-next.woff2", "newsreader.woff2", "noto-arab.woff2"), 100),
)


def install() -> None:
    """Install the locked npm packages, unless exactly these are installed."""
    stamp = MODULES / ".lock-sha256"
    wanted = sha256((HERE / "package-lock.json").read_bytes()).hexdigest()
    if stamp.is_file() and stamp.read_text("ascii") == wanted:
        return
    npm = shutil.which("npm")
    if npm is None:
        sys.exit("assets: npm is missing; Node.js 20 or newer brings it")
    subprocess.run([npm, "ci"], cwd=HERE, check=True)  # noqa: S603 - a fixed command in our own folder
    stamp.write_text(wanted, "ascii")


def bundle(screen_fonts: Iterable[Path]) -> dict[str, str]:
    """Bundle, minify and hash everything into DIST; return {logical name: file under DIST}."""
    inputs = [HERE / name for name in ENTRIES] + sorted((HERE / "img").glob("*.svg")) + sorted(screen_fonts)
    meta = HERE / ".build" / "meta.json"
    command = [
        str(MODULES / ".bin" / "esbuild"),
        *(str(path.relative_to(HERE)) for path in inputs),
        "--bundle",
        "--minify",
        "--format=iife",
        "--target=es2022,chrome108,safari16,firefox115",
        "--legal-comments=none",
        "--loader:.svg=copy",
        "--loader:.woff2=copy",
        "--entry-names=[name].[hash]",
        "--asset-names=[name].[hash]",
        f"--outdir={DIST}",
        f"--metafile={meta}",
        "--log-level=warning",
    ]
    subprocess.run(command, cwd=HERE, check=True)  # noqa: S603 - a fixed command, no shell
    outputs = json.loads(meta.read_text("utf-8"))["outputs"]
    return {Path(out["entryPoint"]).name: Path(name).name for name, out in outputs.items() if "entryPoint" in out}


def copy_as_they_are(fonts: Mapping[str, Path]) -> dict[str, str]:
    """Put the record's fonts and the licences of what we ship beside the rest; return {logical name: file}."""
    made = {}
    for name, path in fonts.items():
        if name.startswith("pdf/"):
            made[name] = f"fonts/{name}"
            _copy(path, DIST / made[name])
    for licence in sorted([*MODULES.glob("@fontsource-variable/*/LICENSE"), MODULES / "signature_pad" / "LICENSE"]):
        name = f"licences/{licence.parent.name}.txt"
        made[name] = name
        _copy(licence, DIST / made[name])
    return made


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.is_file() or target.read_bytes() != source.read_bytes():
        shutil.copyfile(source, target)


def write_manifest(manifest: Mapping[str, str]) -> None:
    """Put the manifest in place in one step, then drop what an earlier build left behind."""
    new = DIST / "manifest.json.new"
    new.write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n", "utf-8")
    new.replace(DIST / "manifest.json")
    keep = {"manifest.json", *manifest.values()}
    for path in DIST.rglob("*"):
        if path.is_file() and path.relative_to(DIST).as_posix() not in keep:
            path.unlink()


def over_budget(manifest: Mapping[str, str]) -> list[str]:
    """Print what each kind of page loads; return a sentence for every budget that is passed."""
    problems = []
    for what, names, limit in BUDGETS:
        size = sum(_weight(DIST / manifest[name]) for name in names)
        print(f"assets: {size / 1024:6.1f} of {limit:3} KB  {what}")
        if size > limit * 1024:
            problems.append(f"assets: {what} passes its budget of {limit * 1024} bytes: {size} ({', '.join(names)})")
    return problems


def _weight(path: Path) -> int:
    data = path.read_bytes()
    return len(data) if path.suffix == ".woff2" else len(gzip.compress(data, 9, mtime=0))


def main() -> None:
    """Build everything; stop with a message when a budget is passed."""
    install()
    fonts = build_fonts(MODULES, CUT)
    DIST.mkdir(parents=True, exist_ok=True)
    manifest = bundle(path for name, path in fonts.items() if name.endswith(".woff2"))
    manifest |= copy_as_they_are(fonts)
    write_manifest(manifest)
    if problems := over_budget(manifest):
        sys.exit("\n".join(problems))


if __name__ == "__main__":
    main()
