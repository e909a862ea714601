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
HTML = """<!doctype html><link rel="stylesheet" href="/static/src/css/tokens.css">
<div id="plot"></div><div id="legend"></div>"""
#: What drives the chart, and what mounts parts of the page: each one script with all it imports.
BUNDLES = ("/chart.browser.js", "/page.browser.js")
#: The same as a page imports them.
MODULE, PAGE = (f"import('{bundle}')" for bundle in BUNDLES)


def node() -> str:
    """The machine's Node, or the one inside playwright's wheel."""
    found = assets.find_node()
    if found is None:
        pytest.fail("no Node found: install Node 20 or newer, or run `make setup-dev`")
    return found


def serve(route: Route) -> None:
    """Answers with our own files; what cannot be bundled fails its request at once."""
    path = route.request.url.removeprefix(ORIGIN)
    if path == "/":
        route.fulfill(body=HTML, content_type="text/html")
        return
    if path in BUNDLES:
        name = path.strip("/").removesuffix(".js")
        try:
            route.fulfill(body=bundle(name), content_type="text/javascript")
        except AssertionError:
            route.abort()
            raise
        return
    file = ROOT / path.lstrip("/")
    options: dict[str, Any] = {"status": 404} if not file.is_file() else {"path": file}
    kind = mimetypes.guess_type(file.name)[0]
    route.fulfill(content_type=kind or "application/octet-stream", **options)


@cache
def bundle(name: str) -> str:
    """A module of tests for browsers with all that it imports, as one script."""
    command = [node(), str(PARTS / "bundle.mjs"), str(PARTS / f"{name}.mjs")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
