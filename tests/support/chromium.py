"""The system's Chromium, driven by playwright.

Never here: pages (`chart_page`, `browser_code`).
Invariant: every start has a new profile, and ends with the block.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tools import browser

if TYPE_CHECKING:
    from playwright.sync_api import Browser

CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@contextmanager
def chromium(headless: bool = True) -> Iterator[Browser]:
    """The system's Chromium under playwright, with a new profile. Close it before `asyncio.run`:
    playwright's loop runs in this thread for as long as the browser is open."""
    from playwright.sync_api import sync_playwright

    path = browser.find()
    assert path, "no Chromium on PATH: `make test` installs one"
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=path, headless=headless, args=list(CHROMIUM_FLAGS)
        )
        try:
            yield opened
        finally:
            opened.close()
