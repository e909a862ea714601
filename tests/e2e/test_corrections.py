"""What the exchange corrects just after the close, seen by a trader whose chart stays open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import requests

from tests.support.chart_page import wait_for_bars
from tests.support.whole_system import System

if TYPE_CHECKING:
    from playwright.sync_api import Page

#: So many candles change: every one is read again for 20 s.
TIMES = 10


def test_corrections_of_the_last_candles_reach_the_open_chart_once_each(
    chart: Page, system: System
) -> None:
    """When nobody asks for it, then the fetcher notices each by reading the last candles again."""
    born = chart.evaluate("performance.timeOrigin")
    highs = {bar["time"]: int(bar["high"]) + 5 for bar in _finals(chart)[-TIMES - 2 : -2]}
    for open_ms, high in highs.items():
        fields = {"symbol": "BTCUSDT", "interval": "1s", "open_ms": open_ms}
        system.script("correction", **fields, changes={"high": str(high)})
    expected = ",".join(f"{open_ms}:{high}" for open_ms, high in highs.items())
    wait_for_bars(
        chart, f"Object.entries({{{expected}}}).every(([time, high]) =>"
        " bars.find((bar) => bar.time === Number(time))?.high === high)",
    )  # fmt: skip
    assert chart.evaluate("performance.timeOrigin") == born

    noticed = [one for one in _corrections(system) if one["differing"] == ["high"]]
    assert sorted(one["time"] for one in noticed) == sorted(highs)
    assert {one["time"]: one["new"]["high"] for one in noticed} == highs
    assert {one["by"] for one in noticed} == {"refresh"}


def test_the_page_complains_of_nothing(problems: list[str]) -> None:
    assert problems == []


def _finals(chart: Page) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = chart.evaluate(
        "truecandle.bars().filter((bar) => bar.state === 'final')"
    )
    return found


def _corrections(system: System) -> list[dict[str, Any]]:
    answer = requests.get(
        f"{system.url}/corrections?symbol=BTCUSDT&interval=1s&limit=1000",
        headers={"Authorization": f"Bearer {system.token()}"},
        timeout=5,
    )
    answer.raise_for_status()
    found: list[dict[str, Any]] = answer.json()["corrections"]
    return found
