"""The whole history by scrolling and by date, in a real browser over the whole system."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
import requests

from tests.support.chart_page import go, wait_for_bars
from tests.support.drawn_bars import drawn_is_true
from tests.support.page_pictures import picture
from tests.support.role_processes import Roles
from tests.support.waiting import wait_for
from tests.support.whole_system import System

if TYPE_CHECKING:
    from playwright.sync_api import Page

MINUTE_MS, DAY_MS = 60_000, 86_400_000
STORED = 600
#: A wish lapses after 15 s, the fetcher looks five times a second.
LAPSED_S = 25.0
FETCHED_S = 60.0


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    whole = System(
        tmp_path_factory.mktemp("history"), Roles(),
        INTERVALS="1s,1m,1d", HISTORY_CANDLES=str(STORED), PUBLIC_READS="1",
    )  # fmt: skip
    try:
        whole.open()
        yield whole
    finally:
        whole.close()


def test_scrolled_beyond_what_is_stored_the_page_fetches_more_and_draws_the_truth(
    chart: Page, system: System
) -> None:
    go(chart, "BTCUSDT", "1m")
    stored_ms = told(system)["stored_from"]
    system.script("delay", path="klines", ms=900, count=None)
    scroll_until(chart, lambda: "so far, back to" in words(chart))
    assert "fetching older candles" in words(chart)
    picture(chart, "history-fetching")
    scroll_until(chart, lambda: first_ms(chart) < stored_ms - 2_000 * MINUTE_MS)
    news_ms = chart.evaluate("truecandle.state().lastNewsMs")
    wait_for(lambda: chart.evaluate("truecandle.state().lastNewsMs") > news_ms, what="ticks")
    wait_for(lambda: drawn_is_true(chart, system), what="drawn bars that equal /data")


def test_who_leaves_cancels_what_is_fetched(chart: Page, system: System) -> None:
    """The page asks no more, and the job is gone by itself."""
    scroll_until(chart, lambda: told(system)["job"] is not None)
    asked: list[str] = []
    chart.on("request", lambda request: asked.append(request.url))
    chart.locator("#to-now").click()
    wait_for(lambda: told(system)["job"] is None, LAPSED_S, "a job that nobody waits for to end")
    requests.delete(f"{system.sim_url}/sim/faults", timeout=5)
    assert sum("/history" in url for url in asked) <= 1
    wait_for(lambda: chart.locator("#older").count() == 0, what="a line that has gone")


def test_the_markets_first_candle_is_marked_and_said(chart: Page, system: System) -> None:
    go(chart, "BTCUSDT", "1d")
    begins = "document.querySelector('#older')?.textContent.startsWith('BTCUSDT begins here')"
    scroll_until(chart, lambda: chart.evaluate(f"{begins} ?? false"))
    answer = told(system, interval="1d")
    assert answer["is_whole"] and first_ms(chart) == answer["first"]
    picture(chart, "history-begins")
    assert drawn_is_true(chart, system, "1d")


def test_a_date_is_gone_to_and_fetched_on_the_way(chart: Page, system: System) -> None:
    go(chart, "ETHUSDT", "1m")
    aim_ms = told(system, "ETHUSDT")["stored_from"] - 3 * DAY_MS
    day = chart.evaluate(f"new Date({aim_ms}).toISOString().slice(0, 16)")
    chart.keyboard.press("Alt+KeyG")
    chart.locator("#date-field").fill(day)
    chart.locator("#date-go").click()
    wait_for(
        lambda: (
            first_ms(chart) <= aim_ms and chart.evaluate("truecandle.state().older.aimMs") is None
        ),
        FETCHED_S,
        "the date",
    )
    aim = datetime.fromisoformat(day)
    wait_for(lambda: middle(chart) == aim, what=f"{aim} in the middle")
    assert chart.evaluate("truecandle.pointed()") == aim_ms // 60_000 * 60_000


def test_a_date_before_the_markets_first_candle_is_told_in_words(
    chart: Page, system: System
) -> None:
    go(chart, "BTCUSDT", "1d")
    chart.locator("#to-date").click()
    chart.locator("#date-field").fill("2011-11-11")
    chart.keyboard.press("Enter")
    wait_for(lambda: "BTCUSDT begins on" in words(chart), FETCHED_S, "words")
    assert "there is no candle of 11 Nov 2011" in words(chart)


def test_the_same_time_stays_in_the_middle_at_another_interval(chart: Page) -> None:
    """Three days back at 1m it is the day at 1d, and the same minute or so at 1m again."""
    go(chart, "ETHUSDT", "1m")
    scroll_until(chart, lambda: chart.evaluate("truecandle.state().bars") > 2_000)
    before = middle(chart)
    day = before.replace(hour=0, minute=0)
    for interval in ("1d", "1m"):
        chart.locator(f'[data-interval="{interval}"]').click()
        wait_for(partial(arrived, chart, interval), what=interval)
        wait_for(lambda: middle(chart) == day, what=f"{day} in the middle")


def test_a_time_that_is_not_stored_at_another_interval_is_told(chart: Page) -> None:
    go(chart, "ETHUSDT", "1d")
    scroll_until(chart, lambda: chart.locator("#to-now").is_visible())
    chart.locator('[data-interval="1s"]').click()
    wait_for(lambda: "further back than" in words(chart), what="words")


def test_a_reader_without_an_account_is_told_how_to_ask(chart: Page, system: System) -> None:
    visitor = chart.context.browser.new_context().new_page()  # type: ignore[union-attr]
    visitor.goto(f"{system.url}/?symbol=ETHUSDT&interval=1s")
    wait_for_bars(visitor)
    scroll_until(visitor, lambda: visitor.locator("a#older-step").count() == 1)
    assert visitor.locator("#older").inner_text().startswith("Stored from")
    assert visitor.locator("#older-step").inner_text() == "Sign in to fetch older candles"
    visitor.context.close()


def test_the_page_complains_of_nothing(problems: list[str]) -> None:
    assert problems == []


def words(page: Page) -> str:
    """What is said at the old end of the chart."""
    return str(page.evaluate("document.querySelector('#older-text')?.textContent ?? ''"))


def scroll_until(page: Page, is_there: Any) -> None:
    """Wheels back for as long as it takes."""
    page.mouse.move(600, 300)

    def look() -> bool:
        page.mouse.wheel(-900, 0)
        return bool(is_there())

    wait_for(look, FETCHED_S, "what is further back")


def arrived(page: Page, interval: str) -> bool:
    state = page.evaluate("truecandle.state()")
    return bool(state["interval"] == interval and state["bars"] > 100)


def first_ms(page: Page) -> int:
    return int(page.evaluate("truecandle.state().older.firstMs"))


def middle(page: Page) -> datetime:
    """The time of the candle in the middle of the chart, as the crosshair's legend tells it."""
    box = page.locator("#plot").bounding_box()
    assert box
    width = page.evaluate("document.querySelector('#plot td:nth-child(2)').clientWidth")
    page.mouse.move(box["x"] + width / 2, box["y"] + 100)
    title = page.locator('#legend [data-cell="time"]').get_attribute("title")
    words = (title or "").removesuffix(" UTC")
    return datetime.strptime(words, "%d %b %Y %H:%M" if ":" in words else "%d %b %Y")


def told(system: System, symbol: str = "BTCUSDT", interval: str = "1m") -> dict[str, Any]:
    """What `/history` says to somebody without an account, who keeps nothing alive."""
    answer = requests.get(
        f"{system.url}/history", params={"symbol": symbol, "interval": interval}, timeout=5
    )
    answer.raise_for_status()
    found: dict[str, Any] = answer.json()
    return found
