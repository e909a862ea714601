"""The chart in a real Chromium, without any server: what is handed to it is what it draws.

Never here: the session, Socket.IO, REST (the end-to-end tests walk the whole way).
Invariant: the development build of lightweight-charts is used: it throws where the other one
draws nonsense.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page
from tests.support.browser_code import MODULE, ORIGIN, PAGE, serve


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


def test_far_back_the_chart_is_given_a_window_and_nothing_seen_moves(stage: Page) -> None:
    """Of 60,500 candles it holds some thousands; the newest ones never stand beside older ones."""
    seen = stage.evaluate(f"async () => (await {MODULE}).goFarBack(12, 5000)")
    assert seen.pop("most") < 20_000
    assert seen == {
        "moved": 0,
        "misplaced": 0,
        "wasAtNow": False,
        "newest": [499, 500],
        "isAtNow": True,
    }


def test_the_legend_waits_for_its_markets_decimals(stage: Page) -> None:
    """The first candle may be pointed at a frame before what the session knows is shown."""
    seen = stage.evaluate(
        f"""async () => {{
          const {{legend}} = await {PAGE};
          const values = {{open: 1, high: 2, low: 1, close: 2, volume: 1}};
          const pointed = {{time: 0, ...values, state: 'final'}};
          const root = document.getElementById('legend');
          const cells = async (precision) =>
            Object.keys(await legend(root, pointed, '1m', precision)).length;
          return [await cells(-1), await cells(2)];
        }}"""
    )
    assert seen == [0, 8]


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
