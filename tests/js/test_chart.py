"""The chart in a real Chromium, without any server: what is handed to it is what it draws.

Never here: the session, Socket.IO, REST (the end-to-end tests walk the whole way).
Invariant: the development build of lightweight-charts is used: it throws where the other one
draws nonsense.
"""

from __future__ import annotations

import mimetypes
import subprocess
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

from tests.harness import ROOT
from tests.js.test_js import HERE, node

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

ORIGIN = "http://chart.test"
HTML = """<!doctype html><link rel="stylesheet" href="/static/src/css/tokens.css">
<div id="plot"></div><div id="legend"></div>"""
BUNDLES = ("/chart.browser.js", "/page.browser.js")
MODULE, PAGE = (f"import('{bundle}')" for bundle in BUNDLES)


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


def test_what_is_handed_to_the_chart_is_what_it_draws(stage: Page) -> None:
    """Histories, repairs, corrections, pages and ticks in any order: no bar is lost or doubled."""
    assert stage.evaluate(f"async () => (await {MODULE}).wander(40, 30)") == []


def test_a_tiny_price_is_read_with_all_its_digits(stage: Page) -> None:
    prices = "open: 0.00000908, high: 0.0000091, low: 0.000009, close: 0.00000905"
    legend = _legend(stage, f"[{{...candle(0), {prices}}}]")
    shown = [legend[name] for name in ("open", "high", "low", "close")]
    assert shown == ["0.00000908", "0.00000910", "0.00000900", "0.00000905"]


def test_the_legend_falls_back_to_the_last_candle_and_says_its_state(stage: Page) -> None:
    forming = "[{state: 'forming', candle: {...candle(2), updated_at: 0}}]"
    assert _legend(stage, "[candle(0), candle(1)]")["state"] == "official"
    assert _legend(stage, "[candle(0), candle(1)]", forming)["state"] == "forming"


def test_keys_read_candle_by_candle(stage: Page) -> None:
    """Left from the end is the last candle but one, and Escape goes back to the last."""
    read = """async () => {
      const {newChart, candle, parseSeries} = await MODULE;
      const told = {onPoint: {value: null}, onNow: {value: true}};
      const chart = newChart(told);
      chart.begin(parseSeries('BTCUSDT', '1m'));
      chart.setHistory([candle(0, 91), candle(1, 92), candle(2, 93)], []);
      await new Promise(requestAnimationFrame);
      const close = () => told.onPoint.value.close;
      const seen = [close()];
      for (const key of ['ArrowLeft', 'ArrowLeft', 'ArrowLeft', 'ArrowRight', 'Escape', 'Home']) {
        chart.key(key);
        seen.push(close());
      }
      return [seen, chart.key('q')];
    }""".replace("MODULE", MODULE)
    assert stage.evaluate(read) == [[93, 93, 92, 91, 92, 93, 91], False]


def _legend(stage: Page, rows: str, live: str = "[]") -> dict[str, str]:
    shown: dict[str, str] = stage.evaluate(
        f"""async () => {{
          const {{newChart, candle, parseSeries}} = await {MODULE};
          const {{legend}} = await {PAGE};
          const told = {{onPoint: {{value: null}}, onNow: {{value: true}}}};
          const chart = newChart(told);
          chart.begin(parseSeries('PEPEUSDT', '1m'));
          chart.setHistory({rows}, {live});
          const root = document.getElementById('legend');
          return legend(root, told.onPoint.value, '1m', chart.precision);
        }}"""
    )
    return shown


def serve(route: Route) -> None:
    path = route.request.url.removeprefix(ORIGIN)
    if path == "/":
        route.fulfill(body=HTML, content_type="text/html")
        return
    if path in BUNDLES:
        name = path.strip("/").removesuffix(".js")
        route.fulfill(body=bundle(name), content_type="text/javascript")
        return
    file = ROOT / path.lstrip("/")
    options: dict[str, Any] = {"status": 404} if not file.is_file() else {"path": file}
    kind = mimetypes.guess_type(file.name)[0]
    route.fulfill(content_type=kind or "application/octet-stream", **options)


@cache
def bundle(name: str) -> str:
    """A module of tests for browsers with all that it imports, as one script."""
    command = [node(), str(HERE / "bundle.mjs"), str(HERE / f"{name}.mjs")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
