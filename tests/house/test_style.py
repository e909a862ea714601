"""The house rules that a program can check.

Never here: rules that ruff and mypy check already.
Invariant: a rule is the same for every file of its kind; there is no list of exceptions.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.support.project_files import ROOT, files

ENTRIES = ("app.py", "background_fetcher.py", "live_candles.py")
PRODUCT = ("truecandle", "tools", "clients", *ENTRIES)
SOURCES = [path for path in files("*.py") if path.relative_to(ROOT).parts[0] in PRODUCT]
#: A file holds one concept whole. Three need more than 400 lines for it, and a cut through any of
#: them would send its reader to and fro: `candles/builder`, with the candles side by side and what
#: their ids prove of each other; `candles/forming`, one candle with its sums; and
#: `feed/market_recovery`, which says what to ask for and when.
FILE_LINES_MAX = 500
ENTRY_LINES_MAX, FUNCTION_LINES_MAX = 80, 40
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|NotImplemented)\b")
VAGUE = re.compile(r"^(utils?|helpers?|common|managers?|misc)$")


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def lines(path: Path) -> int:
    return len(path.read_text().splitlines())


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_a_module_says_what_lives_here_what_never_and_its_invariant(path: Path) -> None:
    docstring = ast.get_docstring(ast.parse(path.read_text())) or ""
    assert re.match(r"\S.+", docstring)
    assert "\nNever here: " in docstring
    assert "\nInvariant: " in docstring


def test_files_stay_short() -> None:
    scripts = files("static/src/*.ts", "static/src/*/*.ts")
    assert [name(path) for path in (*SOURCES, *scripts) if lines(path) > FILE_LINES_MAX] == []


def test_the_entry_files_tell_the_story_in_a_page() -> None:
    assert [name(path) for path in files(*ENTRIES) if lines(path) > ENTRY_LINES_MAX] == []


def test_functions_stay_short() -> None:
    long = [
        f"{name(path)}: {node.name} ({length} lines)"
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if (length := (node.end_lineno or 0) - node.lineno + 1) > FUNCTION_LINES_MAX
    ]
    assert long == []


def test_the_environment_is_read_in_the_entry_files_alone() -> None:
    package = [path for path in SOURCES if path.is_relative_to(ROOT / "truecandle")]
    assert [name(path) for path in package if reads_the_environment(path)] == []


def reads_the_environment(path: Path) -> bool:
    attributes = (n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Attribute))
    return any(ast.unparse(n) in ("os.environ", "os.getenv") for n in attributes)


def test_nothing_is_left_unfinished() -> None:
    everywhere = files("*.py", "*.ts", "*.mjs", "*.css", "*.html", "*.lua")
    others = [path for path in everywhere if path != Path(__file__)]
    assert [name(path) for path in others if UNFINISHED.search(path.read_text())] == []


def test_every_module_has_a_telling_name() -> None:
    assert [name(path) for path in files("*.py", "*.ts") if VAGUE.match(path.stem)] == []
