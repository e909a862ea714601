"""Every part killed, one after the other: all heals by itself, no page needs a reload."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from tests.support.page_recorder import seen, watch
from tests.support.waiting import wait_for
from tests.support.whole_system import System

if TYPE_CHECKING:
    from playwright.sync_api import Page

DOWN_S = 2.0
HEAL_S = 45.0


@pytest.mark.parametrize("role", ["feed", "fetcher", "web", "redis"])
def test_a_killed_part_heals_and_no_official_candle_is_lost(
    role: str, chart: Page, system: System
) -> None:
    """When it is killed while the chart is open, as a candle closes, then the chart goes on without
    a reload, and at no frame a bar is missing or doubled."""
    born = chart.evaluate("performance.timeOrigin")
    # The page may open within the feed's first second, whose candle only the exchange can tell.
    wait_for(lambda: not holes_after(chart, last_official_ms(chart) - 10_000), HEAL_S, "a chain")
    before_ms = last_official_ms(chart)
    watch(chart)

    wait_for(lambda: chart.evaluate("truecandle.state().nowMs % 1000 > 900"), what="a close")
    system.kill(role)
    chart.wait_for_timeout(DOWN_S * 1000)
    system.start(role)

    wait_for(lambda: last_official_ms(chart) > before_ms + 5_000, HEAL_S, "new official candles")
    wait_for(lambda: states(chart)[-1] == "forming", HEAL_S, "a forming candle")
    wait_for(lambda: not holes_after(chart, before_ms - 10_000), HEAL_S, "a chart without a hole")
    assert chart.evaluate("performance.timeOrigin") == born
    assert seen(chart).broken == []

    shown = final_bars(chart, before_ms - 10_000)
    truth = system.truth("BTCUSDT", "1s", before_ms - 10_000, max(shown) + 1)
    assert {row[0]: [float(value) for value in row[1:5]] for row in truth} == shown


def last_official_ms(chart: Page) -> int:
    return int(chart.evaluate("truecandle.bars().findLast((bar) => bar.state === 'final').time"))


def states(chart: Page) -> list[str]:
    found: list[str] = chart.evaluate("truecandle.bars().map((bar) => bar.state)")
    return found


def holes_after(chart: Page, start_ms: int) -> list[int]:
    times = [t for t in chart.evaluate("truecandle.bars().map((b) => b.time)") if t >= start_ms]
    return [a for a, b in itertools.pairwise(times) if b - a != 1000]


def final_bars(chart: Page, start_ms: int) -> dict[int, list[float]]:
    bars = chart.evaluate("truecandle.bars().filter((bar) => bar.state === 'final')")
    return {
        bar["time"]: [bar["open"], bar["high"], bar["low"], bar["close"]]
        for bar in bars
        if bar["time"] >= start_ms
    }
