"""docs/security.md, faults.md and places.md name tests that exist; the first speaks of every
requirement of level 2.

Never here: whether a requirement is met (people judge that).
Invariant: a test that is renamed or removed is noticed in the paper that rests on it.
"""

from __future__ import annotations

import re

import pytest

from tests.support.project_files import ROOT, files

PAPER = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
FAULTS = (ROOT / "docs" / "faults.md").read_text(encoding="utf-8")
PLACES = (ROOT / "docs" / "places.md").read_text(encoding="utf-8")
#: The ids of all requirements of levels 1 and 2, without those chapters that do not apply as a
#: whole (9, 10, 17).
REQUIREMENTS = ROOT / "tests" / "data" / "asvs-5.0.0-level-2.txt"


@pytest.mark.parametrize(
    ("paper", "least"),
    [(PAPER, 80), (FAULTS, 80), (PLACES, 30)],
    ids=["security", "faults", "places"],
)
def test_every_test_that_is_named_exists(paper: str, least: int) -> None:
    there = {
        name
        for path in files("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(encoding="utf-8"), re.M)
    }
    named = set(re.findall(r"\b(test_\w+)(?!\w*[*.])\b", paper))
    assert len(named) > least
    assert sorted(named - there) == []


def test_every_requirement_of_level_2_is_spoken_of_and_no_other() -> None:
    asked = set(REQUIREMENTS.read_text(encoding="utf-8").split())
    assert told() - asked == set()
    assert asked - told() == set()


def told() -> set[str]:
    """The ids in the first cells of all rows and in the chapter without a table."""
    found: set[str] = set()
    cells = re.findall(r"^\| ([\d., –]+) \|", PAPER, re.M)
    chapter = PAPER.partition("## V5 ")[2].partition("## V6")[0]
    for text in [*cells, chapter]:
        for first, last in re.findall(r"\b(\d+\.\d+\.\d+)(?:–(\d+\.\d+\.\d+))?", text):
            head, _, start = first.rpartition(".")
            end = last.rpartition(".")[2] or start
            found |= {f"{head}.{number}" for number in range(int(start), int(end) + 1)}
    return found
