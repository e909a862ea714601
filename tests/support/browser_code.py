"""The browser's code outside the pages: run by Node, or served to a Chromium without any server.

Never here: assertions; the whole system's pages (`whole_system`).
Invariant: what is served is the project's own files, as they are.
"""

from __future__ import annotations

import mimetypes
import subprocess
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.project_files import ROOT
from tools import assets

if TYPE_CHECKING:
    from playwright.sync_api import Route

#: What the tests in `tests/js` import, and what bundles and loads the TypeScript.
PARTS = Path(__file__).parent / "js"
ORIGIN = "http://chart.test"
CELLS = ("time", "open", "high", "low", "close", "change", "volume", "state")
LEGEND = "".join(f'<i data-cell="{cell}"></i>' for cell in CELLS)
HTML = f"""<!doctype html><link rel="stylesheet" href="/static/src/css/tokens.css">
<div id="plot"></div><div id="legend">{LEGEND}</div>
<button id="to-now"></button>"""
BUNDLE = "/chart.browser.js"
#: The bundle as a page imports it.
MODULE = f"import('{BUNDLE}')"


def node() -> str:
    """The machine's Node, or the one inside playwright's wheel."""
    found = assets.find_node()
    if found is None:
        pytest.fail("no Node found: install Node 20 or newer, or run `make setup-dev`")
    return found


def serve(route: Route) -> None:
    path = route.request.url.removeprefix(ORIGIN)
    if path == "/":
        route.fulfill(body=HTML, content_type="text/html")
        return
    if path == BUNDLE:
        route.fulfill(body=bundle(), content_type="text/javascript")
        return
    file = ROOT / path.lstrip("/")
    options: dict[str, Any] = {"status": 404} if not file.is_file() else {"path": file}
    kind = mimetypes.guess_type(file.name)[0]
    route.fulfill(content_type=kind or "application/octet-stream", **options)


@cache
def bundle() -> str:
    """`chart.browser.mjs` with all that it imports, as one script."""
    command = [node(), str(PARTS / "bundle.mjs"), str(PARTS / "chart.browser.mjs")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
