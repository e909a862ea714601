"""Pictures of the page's states for the docs, taken by the tests that bring them about.

Never here: which states there are, assertions.
Invariant: nothing is written unless it is asked for by `make pictures`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tests.support.project_files import ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Page

FOLDER = ROOT / "docs" / "pictures"


def picture(page: Page, name: str) -> None:
    """The page as it is seen now, as `docs/pictures/NAME.png`."""
    if os.environ.get("PICTURES") == "1":
        FOLDER.mkdir(exist_ok=True)
        page.screenshot(path=FOLDER / f"{name}.png", animations="disabled")
