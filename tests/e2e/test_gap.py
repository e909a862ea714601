"""A maintenance that begins while a trader watches: what was drawn there for a while goes again."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.support.chart_page import wait_for_bars
from tests.support.waiting import wait_for
from tests.support.whole_system import System

if TYPE_CHECKING:
    from playwright.sync_api import Page
from tests.support.whole_system import ask, is_proven

#: From so long after now on the exchange has nothing, for so many candles of 1s.
BEGINS_MS, CANDLES = 4_000, 5


@pytest.fixture(scope="module")
def hole(chart: Page, system: System) -> range:
    """The open times of the hole, once it is over and proven; the page has been open all along."""
    now_ms = int(time.time()) * 1000
    start_ms = now_ms + BEGINS_MS
    found = range(start_ms, start_ms + CANDLES * 1000, 1000)
    system.script("gap", symbol="BTCUSDT", from_ms=found.start, until_ms=found.stop)
    wait_for_bars(chart, f"bars.some((bar) => bar.time === {found[1]} && bar.volume === 0)")
    wait_for(lambda: is_proven(system, found), 40, "a gap that is proven")
    return found


def test_the_candle_made_up_for_a_hole_leaves_the_open_chart_when_it_is_proven(
    chart: Page, hole: range
) -> None:
    born = chart.evaluate("performance.timeOrigin")
    wait_for_bars(chart, f"bars.every((bar) => !({inside(hole)}))")
    wait_for_bars(chart, f"bars.some((bar) => bar.time > {hole.stop} && bar.state === 'final')")
    drawn = chart.evaluate("truecandle.drawn()")
    times = {bar["time"] for part in ("history", "tail") for bar in drawn[part]}
    assert not times & set(hole) and {hole.start - 1000, hole.stop} <= times
    assert chart.evaluate("performance.timeOrigin") == born


def test_neither_rest_path_knows_a_candle_there(chart: Page, system: System, hole: range) -> None:
    found = ask(system, "/live-candle")
    live = [*found["pending"], *([found["candle"]] if found["candle"] else [])]
    answer = ask(system, "/data", live="1", time="ms")
    assert not {one["time"] for one in [*live, *answer["live"]]} & set(hole)
    assert not set(answer["time"]) & set(hole)
    assert [hole.start, hole.stop] in answer["missing"]


def test_nor_does_who_comes_later_or_after_a_restart_of_feed_and_fetcher(
    chart: Page, system: System, hole: range
) -> None:
    for role in ("feed", "fetcher"):
        system.kill(role)
        system.start(role)
    system.ready()
    chart.reload()
    wait_for_bars(chart)
    last = chart.evaluate("truecandle.bars().at(-1).time")
    wait_for_bars(chart, f"bars.filter((bar) => bar.time > {last}).length > 5")
    assert chart.evaluate(f"truecandle.bars().every((bar) => !({inside(hole)}))")
    test_neither_rest_path_knows_a_candle_there(chart, system, hole)


def test_the_page_complains_of_nothing(problems: list[str]) -> None:
    assert problems == []


def inside(hole: range) -> str:
    return f"bar.time >= {hole.start} && bar.time < {hole.stop}"
