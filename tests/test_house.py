"""What docs/house.md promises and a program can check, read from the source itself.

Who may import whom between floors, and that rules stay pure, is import-linter's part (`make lint-floors`).
"""

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

pytestmark = pytest.mark.packaging

ROOT = Path(__file__).parent.parent
FACTORY = "intake/__init__.py"
DOORS = {"views.py", "work.py", "cli.py"}

# Each exception is named, with its reason.
MAY_COMMIT = {
    "intake/db.py": "transaction() lives there",
    "intake/access.py": "the sign-in library commits its own session bookkeeping",
    "intake/jobs.py": "what a failed job left open is rolled back before its failure is written down",
    "intake/web.py": "an error page is drawn on a clean session, whatever the view left open",
}
MAY_ASK_THE_TIME = {"intake/clock.py": "it is the clock"}
MAY_READ_THE_ENVIRONMENT = {
    "intake/config.py": "Settings is read there, once",
    "intake/cli.py": "the demo names its settings file to the worker it starts",
    "intake/records/engine.py": "the process that draws gets two names of it, where fontconfig has its cache, no more",
}
MAY_OPEN_A_TRANSACTION = {
    "intake/db.py": "transaction() is defined there",
    "intake/jobs.py": "claiming, finishing and giving up a job are the worker's own short transactions",
    "intake/sessions.py": "a session row is written after the view, in a transaction of its own",
    "intake/cli_health.py": "a start writes down what it found of its keys; a part of cli.py",
    "intake/cli_keys.py": "it holds the commands about keys, a part of cli.py",
    "intake/cli_definitions.py": "it holds the commands about definitions, a part of cli.py",
    "intake/cli_bundle.py": "it holds the command that makes an evidence bundle, a part of cli.py",
    "intake/rehearsal/play.py": "a throw-away clinic is furnished before anybody plays",
}
MAY_CARRY_A_STYLE = {"templates/records/record.html": "the PDF is drawn by a renderer that fetches nothing"}

FILE_LINES, FUNCTION_LINES, OPENING_LINES = 400, 40, 4
A_REASON = "Longer than"  # opens the sentence in a docstring that says why something is long
NAMES_THAT_SAY_NOTHING = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "managers"}
LEFT_FOR_LATER = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"]) + r")\b")
NOT_IN_THESE_FILES = {
    "models.py": {"flask", "wtforms", "flask_wtf"},
    "service.py": {"flask", "wtforms", "flask_wtf"},
    "forms.py": {"sqlalchemy", "flask_sqlalchemy"},
}


@dataclass(frozen=True)
class Source:
    """One Python file: where it lies in the tree, and its text."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.path)

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]

    @property
    def room(self) -> str | None:
        parts = self.path.split("/")
        return parts[1] if parts[0] == "intake" and len(parts) > 2 else None

    def at(self, node: ast.AST, what: str) -> str:
        return f"{self.path}:{getattr(node, 'lineno', 1)}: {what}"


def sources(*folders: str) -> list[Source]:
    """Every Python file under the named folders that is ours."""
    files = sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    named = [(path.relative_to(ROOT).as_posix(), path) for path in files if "node_modules" not in path.parts]
    return [Source(name, path.read_text("utf-8")) for name, path in named]


def front_doors(house: list[Source]) -> dict[str, set[str]]:
    """Each room with what its `__init__.py` lists in `__all__`."""
    return {s.room: set(listed(s.tree) or ()) for s in house if s.room and s.path == f"intake/{s.room}/__init__.py"}


def listed(tree: ast.Module) -> list[str] | None:
    """What `__all__` lists, or None where there is no `__all__`."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets):
            return [str(name) for name in ast.literal_eval(node.value)]
    return None


def imports(source: Source) -> Iterator[tuple[ast.stmt, str, str]]:
    """Every import as (node, module, name); name is empty for `import module`. Relative ones are made absolute."""
    package = source.path.removesuffix(".py").split("/")[:-1]
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            yield from ((node, module, alias.name) for alias in node.names)


def calls(source: Source) -> Iterator[tuple[ast.Call, str]]:
    """Every call with the dotted name of what is called."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call):
            yield node, ast.unparse(node.func)


def functions(source: Source) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function and method, at whatever depth."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


# ---- The checks: each takes one file and the rooms' front doors, and gives what it found. ----

Doors = dict[str, set[str]]


def past_a_front_door(source: Source, doors: Doors) -> Iterator[str]:
    for node, module, name in imports(source):
        parts = [*module.split("."), *([name] if name else [])]
        if parts[0] != "intake" or len(parts) < 3 or parts[1] not in doors or parts[1] == source.room:
            continue
        room, inner = parts[1], parts[2]
        rules_to_rules = source.name == "rules.py" and inner == "rules"
        factory_to_doors = source.path == FACTORY and inner in {"views", "work"}
        through_the_door = module == f"intake.{room}" and inner in doors[room]
        if not (rules_to_rules or factory_to_doors or through_the_door):
            yield source.at(node, f"{'.'.join(parts)} is private to the room {room}")
    yield from _reaching_through(source, doors)


def _reaching_through(source: Source, doors: Doors) -> Iterator[str]:
    """`from intake import consent` and then `consent.service.give()` is the same thing by another way."""
    rooms = {
        name for _, module, name in imports(source) if module == "intake" and name in doors and name != source.room
    }
    shadowed = {n.id for n in ast.walk(source.tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    shadowed |= {n.arg for n in ast.walk(source.tree) if isinstance(n, ast.arg)}
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in rooms - shadowed:
            allowed = doors[node.value.id] | ({"views", "work"} if source.path == FACTORY else set())
            if node.attr not in allowed:
                yield source.at(node, f"{node.value.id}.{node.attr} is not in that room's __all__")


def commits(source: Source, doors: Doors) -> Iterator[str]:
    if source.path not in MAY_COMMIT:
        for node, called in calls(source):
            if called.endswith((".commit", ".rollback")):
                yield source.at(node, f"{called}(): only transaction() ends a transaction")


def opens_a_transaction(source: Source, doors: Doors) -> Iterator[str]:
    if source.name not in DOORS and source.path not in MAY_OPEN_A_TRANSACTION:
        for node, called in calls(source):
            if called.split(".")[-1] == "transaction":
                yield source.at(node, "transaction() is opened by doors only: views.py, work.py, cli.py")


def asks_the_time(source: Source, doors: Doors) -> Iterator[str]:
    if source.path not in MAY_ASK_THE_TIME:
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Attribute):
                asked = ".".join(ast.unparse(node).split(".")[-2:])
                if re.fullmatch(r"datetime\.(now|utcnow|today)|date\.today|time\.time(_ns)?", asked):
                    yield source.at(node, f"{asked}: ask intake.clock")


def reads_the_environment(source: Source, doors: Doors) -> Iterator[str]:
    if source.path not in MAY_READ_THE_ENVIRONMENT:
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Attribute) and re.fullmatch(r"os\.(environb?|getenvb?|putenv)", ast.unparse(node)):
                yield source.at(node, f"{ast.unparse(node)}: only Settings reads the environment")
        for node, module, name in imports(source):
            if module == "os" and name in {"environ", "environb", "getenv", "getenvb", "putenv"}:
                yield source.at(node, f"os.{name}: only Settings reads the environment")


def is_too_long(source: Source, doors: Doors) -> Iterator[str]:
    opening = ast.get_docstring(source.tree) or ""
    lines = source.text.count("\n")
    if lines > FILE_LINES and A_REASON not in opening:
        yield f"{source.path}: {lines} lines; split it by what it does, or say why in its first lines"
    if source.path.startswith(("tests/", "migrations/")):
        return  # a story is told, and a table is made, in one go
    for function in functions(source):
        length = (function.end_lineno or function.lineno) - function.lineno + 1
        if length > FUNCTION_LINES and A_REASON not in (ast.get_docstring(function) or ""):
            yield source.at(function, f"{function.name} has {length} lines")


def opens_without_a_word(source: Source, doors: Doors) -> Iterator[str]:
    opening = ast.get_docstring(source.tree)
    if not source.text.strip():
        return  # it says nothing because it holds nothing
    if not opening:
        yield f"{source.path}: does not say in its first lines what it is for"
    elif len(opening.splitlines()) > OPENING_LINES and A_REASON not in opening:
        yield f"{source.path}: needs more than {OPENING_LINES} lines to say what it is for"


def promises_nothing(source: Source, doors: Doors) -> Iterator[str]:
    if source.name in {"rules.py", "service.py"} or (source.path.startswith("intake/") and source.room is None):
        for node in source.tree.body:
            if not isinstance(node, ast.FunctionDef | ast.ClassDef) or node.name.startswith("_"):
                continue
            if not ast.get_docstring(node):
                yield source.at(node, f"{node.name} does not say what it promises")


def uses_a_layer_it_may_not(source: Source, doors: Doors) -> Iterator[str]:
    if source.room:
        for node, module, _ in imports(source):
            if module.split(".")[0] in NOT_IN_THESE_FILES.get(source.name, set()):
                yield source.at(node, f"{source.name} may not use {module}")


def says_nothing_by_its_name(source: Source, doors: Doors) -> Iterator[str]:
    if said_nothing := NAMES_THAT_SAY_NOTHING & set(source.path.removesuffix(".py").split("/")):
        yield f"{source.path}: {said_nothing.pop()} does not say what is inside"


def has_no_front_door(source: Source, doors: Doors) -> Iterator[str]:
    if source.room and source.path == f"intake/{source.room}/__init__.py" and listed(source.tree) is None:
        yield f"{source.path}: has no __all__"


Check = Callable[[Source, Doors], Iterator[str]]
OF_THE_PACKAGE: list[Check] = [
    past_a_front_door,
    commits,
    opens_a_transaction,
    asks_the_time,
    reads_the_environment,
    promises_nothing,
    uses_a_layer_it_may_not,
    has_no_front_door,
]
OF_EVERY_FILE: list[Check] = [is_too_long, opens_without_a_word, says_nothing_by_its_name]


def assert_none(found: list[str]) -> None:
    assert not found, f"{len(found)} found:\n" + "\n".join(found)


@pytest.mark.parametrize("check", OF_THE_PACKAGE, ids=lambda check: check.__name__)
def test_no_file_of_the_package(check: Check) -> None:
    house = sources("intake")
    doors = front_doors(house)
    assert_none([found for source in house for found in check(source, doors)])


@pytest.mark.parametrize("check", OF_EVERY_FILE, ids=lambda check: check.__name__)
def test_no_python_file_of_ours(check: Check) -> None:
    house = sources("intake", "tests", "tools", "assets", "migrations")
    assert_none([found for source in house for found in check(source, {})])


WHY = '"""Longer than 40 lines: one row for each country."""'
LONG_FUNCTION = '"""A file."""\n\ndef long() -> None:\n' + "    print()\n" * 40
BROKEN: list[tuple[Check, str, str]] = [
    (past_a_front_door, "intake/desk/service.py", "from intake.consent import service"),
    (past_a_front_door, "intake/desk/service.py", "from intake.consent.models import Consent"),
    (past_a_front_door, "intake/desk/service.py", "from ..consent.models import Consent"),
    (past_a_front_door, "intake/desk/service.py", "import intake.consent.service"),
    (past_a_front_door, "intake/desk/service.py", "from intake import consent\nconsent.service.give()"),
    (past_a_front_door, "intake/desk/service.py", "from intake.consent.rules import State"),
    (commits, "intake/consent/service.py", "db.session.commit()"),
    (commits, "intake/consent/views.py", "db.session.rollback()"),
    (opens_a_transaction, "intake/consent/service.py", "with transaction():\n    pass"),
    (asks_the_time, "intake/consent/service.py", "datetime.now(UTC)"),
    (asks_the_time, "intake/consent/rules.py", "datetime.date.today()"),
    (asks_the_time, "intake/jobs.py", "default = time.time"),
    (reads_the_environment, "intake/storage.py", "os.environ['HOME']"),
    (reads_the_environment, "intake/storage.py", "from os import environ"),
    (promises_nothing, "intake/consent/service.py", "def give() -> None: ..."),
    (uses_a_layer_it_may_not, "intake/consent/service.py", "from flask import request"),
    (has_no_front_door, "intake/consent/__init__.py", "from intake.consent.service import give"),
    (is_too_long, "intake/consent/service.py", LONG_FUNCTION),
    (is_too_long, "intake/consent/service.py", "\n" * 401),
    (opens_without_a_word, "intake/consent/service.py", "import os"),
    (opens_without_a_word, "intake/consent/service.py", '"""One\ntwo\nthree\nfour\nfive"""'),
    (says_nothing_by_its_name, "intake/consent/utils.py", ""),
]


@pytest.mark.parametrize(("check", "path", "text"), BROKEN, ids=lambda value: getattr(value, "__name__", None))
def test_each_check_finds_what_it_is_for(check: Check, path: str, text: str) -> None:
    assert list(check(Source(path, text), {"consent": {"give"}, "desk": set()}))


SOUND: list[tuple[Check, str, str]] = [
    (past_a_front_door, "intake/desk/service.py", "from intake import consent\nconsent.give()"),
    (past_a_front_door, "intake/desk/service.py", "from intake.consent import give"),
    (past_a_front_door, "intake/desk/rules.py", "from intake.consent.rules import State"),
    (past_a_front_door, "intake/consent/views.py", "from intake.consent import service"),
    (past_a_front_door, FACTORY, "from intake.consent import views"),
    (opens_a_transaction, "intake/consent/views.py", "with transaction():\n    pass"),
    (asks_the_time, "intake/consent/service.py", "clock.now()"),
    (
        is_too_long,
        "intake/consent/service.py",
        LONG_FUNCTION.replace("print()", WHY, 1),
    ),
]


@pytest.mark.parametrize(("check", "path", "text"), SOUND, ids=lambda value: getattr(value, "__name__", None))
def test_no_check_finds_what_is_allowed(check: Check, path: str, text: str) -> None:
    assert list(check(Source(path, text), {"consent": {"give"}, "desk": set()})) == []


# ---- Pages, styles and scripts ----

IN_A_PAGE = {
    "an inline script": re.compile(r"<script(?![^>]*\ssrc\s*=)", re.I),
    "a style element": re.compile(r"<style\b", re.I),
    "a style attribute": re.compile(r"<[a-z][^<>]*\sstyle\s*=", re.I),
    "an event attribute": re.compile(r"<[a-z][^<>]*\son[a-z]+\s*=", re.I),
    "a script address": re.compile(r"=\s*[\"']?\s*javascript:", re.I),
}
ELSEWHERE = re.compile(
    r"(?:\b(?:src|srcset|href|action|poster|formaction)\s*=\s*[\"']?|url\(\s*[\"']?|@import\s*[\"']|"
    r"\b(?:fetch|import)\s*\(\s*[\"'`]|\bfrom\s+[\"'])\s*(?:[a-z]+:)?//",
    re.I,
)


def texts(*patterns: str) -> list[tuple[str, str]]:
    """The named files of the tree that are ours, with their text; comments of templates left out."""
    found = sorted(path for pattern in patterns for path in ROOT.glob(pattern) if "node_modules" not in path.parts)
    return [(p.relative_to(ROOT).as_posix(), re.sub(r"{#.*?#}", "", p.read_text("utf-8"), flags=re.S)) for p in found]


def test_no_page_carries_a_script_or_a_style_inside_itself() -> None:
    found = [
        f"{path}: {what}"
        for path, text in texts("templates/**/*.html", "templates/**/*.svg")
        for what, pattern in IN_A_PAGE.items()
        if pattern.search(text) and not (what == "a style element" and path in MAY_CARRY_A_STYLE)
    ]
    assert found == []


def test_nothing_is_loaded_from_another_origin() -> None:
    ours = texts("templates/**/*.html", "templates/**/*.css", "assets/**/*.css", "assets/**/*.js", "assets/**/*.svg")
    assert [f"{path}: {m.group()}" for path, text in ours for m in ELSEWHERE.finditer(text)] == []


@pytest.mark.parametrize("text", ["<script>x()</script>", '<p style="color:red">', '<a onclick="x()">', "<style>"])
def test_an_inline_script_or_style_would_be_found(text: str) -> None:
    assert any(pattern.search(text) for pattern in IN_A_PAGE.values())


@pytest.mark.parametrize(
    "text", ['<img src="https://a.example/b">', "url(//a.example/b)", '@import "http://a.example"']
)
def test_another_origin_would_be_found(text: str) -> None:
    assert ELSEWHERE.search(text)


def test_nothing_is_left_for_later() -> None:
    ours = texts("intake/**/*.py", "tests/**/*.py", "migrations/**/*.py", "templates/**/*.html", "assets/**/*.js")
    ours += texts("assets/**/*.css", "assets/*.py", "tools/*", "intake/**/*.yaml")
    assert [f"{path}: {m.group()}" for path, text in ours for m in LEFT_FOR_LATER.finditer(text)] == []
