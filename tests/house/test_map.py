"""The map and the glossary say what is there, and a name means one thing.

Never here: whether a sentence is true (people judge that).
Invariant: the rules hold for every module of the package; there is no list of exceptions.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

from tests.support.project_files import ROOT, files

MAP = ROOT / "docs" / "architecture.md"
GLOSSARY = ROOT / "docs" / "glossary.md"
PACKAGE = ROOT / "truecandle"


def modules() -> list[Path]:
    return [path for path in files("*.py") if path.is_relative_to(PACKAGE)]


def test_every_module_is_named_on_the_map() -> None:
    said = MAP.read_text(encoding="utf-8")
    paths = [path.relative_to(ROOT).as_posix() for path in modules() if path.stem != "__init__"]
    assert [path for path in paths if f"`{path}`" not in said] == []


def test_the_map_names_no_module_that_is_gone() -> None:
    said = re.findall(r"`(truecandle/[\w/]+\.(?:py|lua))`", MAP.read_text(encoding="utf-8"))
    assert [path for path in said if not (ROOT / path).exists()] == []


def test_a_class_name_is_defined_once() -> None:
    names = Counter(
        node.name
        for path in modules()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )
    assert [name for name, count in names.items() if count > 1] == []


def test_every_word_of_the_glossary_is_used() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in modules()).lower()
    rows = re.findall(r"^\| ([^|]+) \|", GLOSSARY.read_text(encoding="utf-8"), re.MULTILINE)
    cells = [cell for cell in rows if not re.fullmatch(r"word|-+", cell)]
    words = [part.strip("` ") for cell in cells for part in re.split(r",|\(", cell.rstrip(")"))]
    assert len(words) >= 50
    assert [word for word in words if word.lower().split(" ")[0] not in text] == []
