"""The whole way, seen by a trader: from a trade on the exchange to the official candle."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import requests

from tests.support.chart_page import go, wait_for_bars
from tests.support.drawn_bars import drawn_is_true
from tests.support.page_recorder import seen, watch
from tests.support.waiting import wait_for
from tests.support.whole_system import System

if TYPE_CHECKING:
    from playwright.sync_api import Page


def test_a_candle_forms_then_waits_then_becomes_official_without_a_reload(chart: Page) -> None:
    """Then at no frame is a bar missing or doubled on the way.

    A page that is there as early as the feed may lack the second in which the feed began, until
    the official candle of it comes: that is no way that it saw, so it is waited for first.
    """
    wait_for_bars(chart, "bars.every(({time}, i) => i === 0 || time - bars[i - 1].time === 1000)")
    watch(chart)
    wait_for(lambda: len(seen(chart).whole_ways) >= 3, 30, "three candles that went the whole way")
    assert seen(chart).frames > 10
    assert seen(chart).broken == []


def test_the_bars_drawn_equal_what_the_server_answers(chart: Page, system: System) -> None:
    names = ("open", "high", "low", "close")
    answer = _data(system, system.token(), limit=50)
    finals = list(zip(*(answer[name] for name in ("time", *names)), strict=True))

    def equal() -> bool:
        drawn = {bar["time"]: bar for bar in chart.evaluate("truecandle.bars()")}
        return all(
            time in drawn
            and drawn[time]["state"] == "final"
            and [drawn[time][name] for name in names] == prices
            for time, *prices in finals
        )

    wait_for(equal, 20, "a page that shows what /data has answered")


def test_every_official_candle_is_the_exchanges_own(system: System) -> None:
    token = system.token()
    for symbol in ("BTCUSDT", "ETHUSDT"):
        answer = _data(system, token, symbol=symbol, limit=100)
        truth = system.truth(symbol, "1s", answer["time"][0], answer["time"][-1] + 1)
        assert [row[0] for row in truth] == answer["time"]
        for column, name in enumerate(("open", "high", "low", "close", "volume"), start=1):
            assert [float(row[column]) for row in truth] == answer[name]


def test_switching_market_and_interval_shows_the_other_series(chart: Page) -> None:
    go(chart, "ETHUSDT", "1m")
    times = chart.evaluate("truecandle.bars().map((bar) => bar.time)")
    assert all(time % 60_000 == 0 for time in times)
    chart.get_by_role("link", name="1s", exact=True).click()
    wait_for_bars(chart, "bars.some((bar) => bar.time % 60000)")


def test_after_fifty_switches_right_after_one_another_the_last_series_is_drawn_whole(
    chart: Page, system: System
) -> None:
    """Whichever answer comes when: the address, the badge's series and every bar are the last's."""
    switch = """async (names) => {
      for (const name of names) {
        document.querySelector(`[data-interval="${name}"]`).click();
        await new Promise((next) => setTimeout(next, 40));
      }
    }"""
    chart.evaluate(switch, ["1m", "1s"] * 25)
    assert chart.url.endswith("interval=1s")
    arrived = "truecandle.state().interval === '1s' && truecandle.bars().length > 50"
    wait_for(lambda: chart.evaluate(arrived), what="the last series")
    wait_for(lambda: drawn_is_true(chart, system, "1s", "ETHUSDT"), what="bars that equal /data")


def test_the_chain_holds_while_official_candles_are_late_and_nothing_trades(
    chart: Page, system: System
) -> None:
    """Given an answer that takes 4 s, then candles wait as pending, and at no frame is one missing;
    one without a trade is as flat as its official candle will be."""
    watch(chart)
    system.script("delay", path="klines", symbol="ETHUSDT", ms=4_000)
    wait_for(lambda: chart.evaluate("truecandle.state().pending >= 6"), 30, "six that wait")
    late = chart.evaluate("truecandle.bars().filter((bar) => bar.state === 'pending')")
    finals = "bars.filter((bar) => bar.state === 'final')"
    wait_for_bars(chart, f"{finals}.at(-1).time >= {late[-1]['time']}")
    assert seen(chart).broken == []
    flat = {bar["time"]: bar["open"] for bar in late if bar["volume"] == 0}
    opens = {bar["time"]: bar["open"] for bar in chart.evaluate("truecandle.bars()")}
    assert flat == {at: opens[at] for at in flat}


def test_every_tab_shows_the_same_whatever_its_clock_and_after_a_sleep(chart: Page) -> None:
    ahead = chart.context.new_page()
    ahead.add_init_script("const now = Date.now; Date.now = () => now() + 86_400_000;")
    asleep = chart.context.new_page()
    for tab in (ahead, asleep):
        tab.goto(chart.url)
        wait_for_bars(tab)
        watch(tab)
    session = asleep.context.new_cdp_session(asleep)
    session.send("Page.setWebLifecycleState", {"state": "frozen"})
    chart.wait_for_timeout(3_000)
    session.send("Page.setWebLifecycleState", {"state": "active"})
    until_ms = chart.evaluate("truecandle.bars().at(-1).time") + 1_000
    last = f"truecandle.bars().filter((bar) => bar.time < {until_ms}).slice(-60)"
    finals = f"({last}).filter((bar) => bar.state === 'final')"
    wait_for(lambda: len(chart.evaluate(finals)) == 60, what="official candles up to then")
    wait_for(lambda: chart.evaluate(last) == ahead.evaluate(last) == asleep.evaluate(last),
             what="the same candles in every tab")  # fmt: skip
    for tab in (ahead, asleep):
        assert seen(tab).broken == []
        tab.close()


def test_a_market_from_the_menu_is_followed_and_moves_in_its_own_ticks(chart: Page) -> None:
    chart.click("#market")
    chart.fill("#markets-filter", "pepeusdt")
    chart.click("#markets-follow")
    chart.wait_for_url("**symbol=PEPEUSDT&interval=1s", timeout=20_000)
    wait_for_bars(chart, "bars.filter((bar) => bar.state === 'final').length > 50")
    wait_for_bars(chart, "bars.some((bar) => bar.state === 'forming')")
    assert re.fullmatch(r"0\.\d{8}", chart.locator("#legend [data-cell=close]").inner_text())
    chart.click("#market")
    followed = chart.locator("#markets [role=option][data-followed]")
    names = followed.evaluate_all("(rows) => rows.map((row) => row.dataset.symbol)")
    assert names == ["BTCUSDT", "ETHUSDT", "PEPEUSDT"]
    chart.keyboard.press("Escape")


def test_fifty_corrections_reach_the_open_chart_and_the_ledger_once_each(
    chart: Page, system: System
) -> None:
    go(chart, "ETHUSDT", "1m")
    wait_for_bars(chart, "bars.filter((bar) => bar.state === 'final').length > 100")
    chart.evaluate("globalThis.sameDocument = true")
    finals = "truecandle.bars().filter((bar) => bar.state === 'final').map((bar) => bar.time)"
    times = chart.evaluate(finals)[-90:-4]
    rows = system.truth("ETHUSDT", "1m", times[0], times[-1] + 1)
    highs = {row[0]: str(int(float(row[2])) + 5) for row in rows[:50]}
    for open_ms, high in highs.items():
        fields = {"symbol": "ETHUSDT", "interval": "1m", "open_ms": open_ms}
        system.script("correction", **fields, changes={"high": high})
    system.flask("verify", "ETHUSDT", "1m")
    expected = ",".join(f"{open_ms}:{high}" for open_ms, high in highs.items())
    wait_for_bars(
        chart, f"Object.entries({{{expected}}}).every(([time, high]) =>"
        " bars.find((bar) => bar.time === Number(time))?.high === high)",
    )  # fmt: skip
    assert chart.evaluate("globalThis.sameDocument") is True
    answer = requests.get(
        f"{system.url}/corrections?symbol=ETHUSDT&interval=1m",
        headers={"Authorization": f"Bearer {system.token()}"},
        timeout=5,
    ).json()
    assert sorted(one["time"] for one in answer["corrections"]) == sorted(highs)
    assert {one["by"] for one in answer["corrections"]} == {"verify"}
    assert answer["held"] == []


def test_the_page_complains_of_nothing(chart: Page, problems: list[str]) -> None:
    assert chart.evaluate("truecandle.state().load.kind") == "ready"
    assert problems == []


def _data(system: System, token: str, symbol: str = "BTCUSDT", limit: int = 50) -> Any:
    query: dict[str, str | int] = {"symbol": symbol, "interval": "1s", "limit": limit}
    answer = requests.get(
        f"{system.url}/data",
        params=query | {"time": "ms", "live": 1},
        headers={"Authorization": f"Bearer {token}"},
        timeout=5,
    )
    answer.raise_for_status()
    return answer.json()
