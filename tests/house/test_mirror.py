"""The tests mirror the package: whoever looks for the tests of a module knows where they are.

Never here: what the tests promise; the folders of promises that no single module keeps (`faults`,
`e2e`, `house`, `js`, `clients`).
Invariant: the rules hold for every file of tests; there is no list of exceptions.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.support.project_files import ROOT, files

TESTS = ROOT / "tests"
PACKAGE = ROOT / "truecandle"
#: Promises across modules: things are broken, a real browser, this repository, the browser's code,
#: what others build on this.
ACROSS = {"faults", "e2e", "house", "js", "clients"}
#: What is not tests: their parts, recorded markets, and what Python and TypeScript share.
BESIDE = {"support", "data", "vectors"}


def mirrored() -> list[Path]:
    """Every file of tests that stands where its module stands."""
    inside = [path.relative_to(TESTS) for path in files("*.py") if path.is_relative_to(TESTS)]
    return [path for path in inside if path.parts[0] not in ACROSS | BESIDE]


def modules(folder: Path) -> set[str]:
    """The modules of a folder of the package by their names (`__main__` is `main`)."""
    return {path.stem.strip("_") for path in (PACKAGE / folder).glob("*.py")}


def test_every_folder_of_tests_mirrors_one_of_the_package() -> None:
    folders = {path.parent for path in mirrored()}
    assert len(folders) > 5
    assert [str(folder) for folder in folders if not (PACKAGE / folder).is_dir()] == []


def test_every_folder_of_the_package_has_its_tests() -> None:
    folders = {path.parent.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py")}
    assert folders - {path.parent for path in mirrored()} == set()


def test_every_file_of_tests_is_called_after_its_module_and_perhaps_an_aspect_of_it() -> None:
    """`test_lease.py` and `test_lease_….py` stand for `lease.py` of the same folder."""
    strangers = []
    for path in mirrored():
        about = f"{path.stem.removeprefix('test_')}_"
        if path.name != "conftest.py" and not any(
            about.startswith(f"{module}_") for module in modules(path.parent)
        ):
            strangers.append(str(path))
    assert strangers == []


def test_what_is_no_test_lives_in_support() -> None:
    others = [
        path.relative_to(TESTS)
        for path in files("*.py", "*.mjs")
        if path.is_relative_to(TESTS)
        if not (path.name.startswith("test_") or path.name.endswith(".test.mjs"))
    ]
    assert [
        str(path) for path in others if path.parts[0] != "support" and path.name != "conftest.py"
    ] == []


def test_nothing_is_imported_from_a_test_or_a_conftest() -> None:
    """What two files share lives in `tests/support`."""
    found = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in files("*.py")
        for name in imported(path)
        if name.startswith("tests.") and not name.startswith("tests.support")
    ]
    assert found == []


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            yield f"{node.module}."
        elif isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
