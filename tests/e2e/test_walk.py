"""The whole way, seen by a trader: from a trade on the exchange to the official candle."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import requests

from tests.e2e.conftest import go, wait_for_bars
from tests.harness import wait_for
from tests.system import System

if TYPE_CHECKING:
    from playwright.sync_api import Page

#: Notes, at every frame, which bars the two series hold, for as long as the test wants.
WATCH = """() => {
  globalThis.seen = {frames: 0, doubled: [], holes: [], states: {}};
  const look = () => {
    const bars = globalThis.truecandle.bars();
    seen.frames += 1;
    for (let i = 0; i < bars.length; i += 1) {
      const {time, state} = bars[i];
      const steps = i && (time - bars[i - 1].time) / 1000;
      if (i && steps <= 0) seen.doubled.push(time);
      if (i && steps > 1) seen.holes.push([bars[i - 1].time, time]);
      const states = (seen.states[time] ??= []);
      if (states.at(-1) !== state) states.push(state);
    }
    const drawn = globalThis.truecandle.drawn();
    const history = new Set(drawn.history.map((bar) => bar.time));
    for (const bar of drawn.tail) if (history.has(bar.time)) seen.doubled.push(bar.time);
    globalThis.watching = requestAnimationFrame(look);
  };
  look();
}"""


def test_a_candle_forms_then_waits_then_becomes_official_without_a_reload(chart: Page) -> None:
    """Then at no frame is a bar missing or doubled on the way."""
    chart.evaluate(WATCH)
    last_ms = chart.evaluate("truecandle.bars().at(-1).time")
    path = f"Object.entries(seen.states).filter(([time]) => Number(time) > {last_ms})"
    whole_way = ["forming", "pending", "final"]
    wait_for(
        lambda: sum(states == whole_way for _, states in chart.evaluate(path)) >= 3,
        30,
        "three candles that went the whole way",
    )
    seen = chart.evaluate("(cancelAnimationFrame(watching), seen)")
    assert seen["frames"] > 60
    assert seen["doubled"] == []
    assert seen["holes"] == []
    backwards = [s for s in seen["states"].values() if s != sorted(s, key=whole_way.index)]
    assert backwards == []


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


def test_a_market_from_the_menu_is_followed_and_moves_in_its_own_ticks(chart: Page) -> None:
    chart.click("#market")
    chart.fill("#markets-filter", "pepeusdt")
    chart.click("#markets-follow")
    chart.wait_for_url("**symbol=PEPEUSDT&interval=1s", timeout=20_000)
    wait_for_bars(chart, "bars.filter((bar) => bar.state === 'final').length > 50")
    wait_for_bars(chart, "bars.some((bar) => bar.state === 'forming')")
    assert re.fullmatch(r"0\.\d{8}", chart.locator("#legend [data-cell=close]").inner_text())
    chart.click("#market")
    assert chart.locator("#markets li").all_inner_texts() == ["BTCUSDT", "ETHUSDT", "PEPEUSDT"]
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
