"""Cuts the typefaces of fonts.toml from the npm packages: static TTFs for the PDF record, small woff2 for screens.

The same input gives the same bytes. A stamp of all inputs makes a second run a matter of reading files.
Where the style sheets point to them is left to build.py and the style sheets.
"""

import io
import json
import sys
import tomllib
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import fontTools
from fontTools.merge import Merger
from fontTools.subset import Options, Subsetter, parse_unicodes
from fontTools.ttLib import TTFont
from fontTools.varLib.instancer import instantiateVariableFont

PLAN = Path(__file__).with_name("fonts.toml")
STAMP = "fonts.json"
# What only a variable font needs, or what differs between subsets of one family without meaning anything in print.
NOT_MERGED = ("STAT", "MVAR", "HVAR", "avar", "gasp", "prep", "fpgm", "cvt ", "DSIG")


def build_fonts(node_modules: Path, out: Path) -> dict[str, Path]:
    """Make every file of fonts.toml under `out`; return them by name: `pdf/NAME.ttf` for print, `NAME.woff2` else.

    Does nothing but check when neither the packages, the plan nor the tools changed since the last run.
    Raises FileNotFoundError when a package is not installed.
    """
    plan = tomllib.loads(PLAN.read_text("utf-8"))
    names = [f"pdf/{face['file']}" for face in plan["print"]] + [face["file"] for face in plan["screen"]]
    stamp = _stamp(plan, node_modules)
    files = {name: out / name for name in names}
    if _is_current(out, stamp, files):
        return files
    (out / "pdf").mkdir(parents=True, exist_ok=True)
    for face in plan["print"]:
        (out / "pdf" / face["file"]).write_bytes(_static(plan, node_modules, face))
    for face in plan["screen"]:
        (out / face["file"]).write_bytes(_web(plan, node_modules, face))
    made = {name: _digest(path) for name, path in files.items()}
    (out / STAMP).write_text(json.dumps({"inputs": stamp, "files": made}, indent=1, sort_keys=True), "utf-8")
    return files


def _source(plan: Mapping[str, Any], node_modules: Path, family: str, subset: str) -> Path:
    entry = plan["families"][family]
    return node_modules / str(entry["package"]) / "files" / f"{entry['stem']}-{subset}-wght-normal.woff2"


def _stamp(plan: Mapping[str, Any], node_modules: Path) -> str:
    sources = {_source(plan, node_modules, face["family"], name) for face in plan["print"] for name in face["subsets"]}
    sources |= {_source(plan, node_modules, face["family"], face["subset"]) for face in plan["screen"]}
    parts = [fontTools.version, _digest(PLAN), _digest(Path(__file__)), *(_digest(path) for path in sorted(sources))]
    return sha256("\n".join(parts).encode()).hexdigest()


def _is_current(out: Path, stamp: str, files: Mapping[str, Path]) -> bool:
    try:
        last = json.loads((out / STAMP).read_text("utf-8"))
        return bool(last["inputs"] == stamp and last["files"] == {name: _digest(path) for name, path in files.items()})
    except (OSError, ValueError, KeyError):
        return False


def _digest(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()


def _static(plan: Mapping[str, Any], node_modules: Path, face: Mapping[str, Any]) -> bytes:
    """One weight as a TTF: the subsets of a family made static, then merged back into one font."""
    parts = []
    for subset in face["subsets"]:
        # A font without its own times and names of axes gives the same bytes on every run.
        font = TTFont(_source(plan, node_modules, face["family"], subset), recalcTimestamp=False)
        font = instantiateVariableFont(font, {"wght": face["weight"]}, updateFontNames=False)
        for tag in NOT_MERGED:
            if tag in font:
                del font[tag]
        font.flavor = None
        parts.append(_saved(font))
    merged = Merger().merge([io.BytesIO(part) for part in parts])
    merged["head"].created = merged["head"].modified = TTFont(io.BytesIO(parts[0]))["head"].created
    _rename(merged, face["file"].removesuffix(".ttf"), face["weight"])
    merged.recalcTimestamp = False
    return _saved(merged)


def _rename(font: TTFont, postscript: str, weight: int) -> None:
    """Give the weight its own name; a viewer lists fonts by it, and the source calls every weight by one name."""
    font["OS/2"].usWeightClass = weight
    names = font["name"]
    for record in (6, 25):
        names.removeNames(nameID=record)
    names.setName(f"Intake-{postscript}", 6, 3, 1, 0x409)


def _web(plan: Mapping[str, Any], node_modules: Path, face: Mapping[str, Any]) -> bytes:
    """One variable woff2 with fewer weights and characters."""
    font = TTFont(_source(plan, node_modules, face["family"], face["subset"]), recalcTimestamp=False)
    options = Options(flavor="woff2", hinting=False, name_IDs=[1, 2, 4, 6], recalc_timestamp=False)
    options.layout_features = [*options.layout_features, "tnum"]  # figures of a token keep one width
    subsetter = Subsetter(options)
    if "text" in face:
        subsetter.populate(text=face["text"])
    elif "characters" in face:
        subsetter.populate(unicodes=parse_unicodes(face["characters"].replace("U+", "")))
    else:
        subsetter.populate(unicodes=font.getBestCmap())
    subsetter.subset(font)
    low, high = face["weights"]
    font = instantiateVariableFont(font, {"wght": (low, high)}, updateFontNames=False)
    font.flavor = "woff2"
    return _saved(font)


def _saved(font: TTFont) -> bytes:
    data = io.BytesIO()
    font.save(data)
    return data.getvalue()


if __name__ == "__main__":
    for name, path in build_fonts(Path(sys.argv[1]), Path(sys.argv[2])).items():
        print(f"{path.stat().st_size:8} {name}")
