"""An empty page in a real Chromium, for parts of the browser's code.

Never here: assertions but that nothing was thrown.
Invariant: what the page loads is the project's own files.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.support.browser_code import ORIGIN, serve

if TYPE_CHECKING:
    from playwright.sync_api import Page


@pytest.fixture
def stage(page: Page) -> Iterator[Page]:
    """An empty page that serves the project's own files to itself."""
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.set_viewport_size({"width": 900, "height": 600})
    page.route("**/*", serve)
    page.goto(f"{ORIGIN}/")
    page.evaluate("document.getElementById('plot').style.height = '500px'")
    yield page
    assert problems == []
