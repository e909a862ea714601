"""The pictures in the docs are those that the tests take, and all of them are shown.

Never here: what is to be seen on them (the tests that take them).
Invariant: a picture that no test takes any more is not kept.
"""

from __future__ import annotations

import re

from tests.support.project_files import ROOT

DOCS = ROOT / "docs"


def test_every_picture_is_shown_once_on_the_page_of_pictures() -> None:
    shown = re.findall(r"\]\(pictures/([\w-]+)\.png\)", (DOCS / "pictures.md").read_text("utf-8"))
    kept = sorted(path.stem for path in (DOCS / "pictures").glob("*.png"))
    assert sorted(shown) == kept


def test_the_tests_take_as_many_pictures_as_are_kept() -> None:
    """By name where the test says it, by pattern where it has several."""
    calls = [
        pattern
        for path in (ROOT / "tests" / "e2e").glob("test_*.py")
        for pattern in re.findall(r"picture\(\w+, (.+)\)$", path.read_text("utf-8"), re.MULTILINE)
    ]
    named = {call.strip('"') for call in calls if call.startswith('"')}
    kept = {path.stem for path in (DOCS / "pictures").glob("*.png")}
    looks = {"dark", "light", "phone", "phone-on-its-side", "magnified", "forced-colours"}
    windows = {"loading-1280", "loading-390"}
    assert len(calls) == len(named) + 2
    assert kept == named | looks | windows
