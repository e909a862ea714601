"""The chart in a real Chromium, without any server: what is handed to it is what it draws.

Never here: the session, Socket.IO, REST (the end-to-end tests walk the whole way).
Invariant: the development build of lightweight-charts is used: it throws where the other one
draws nonsense.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page
from tests.support.browser_code import MODULE, PAGE


def test_what_is_handed_to_the_chart_is_what_it_draws(stage: Page) -> None:
    """Histories, repairs, corrections, pages and ticks in any order: no bar is lost or doubled."""
    assert stage.evaluate(f"async () => (await {MODULE}).wander(40, 30)") == []


def test_every_type_of_chart_draws_the_same_candles_in_its_own_way(stage: Page) -> None:
    """Also where official, pending and forming candles join, and where the type changes on the way.

    A line begins the live part with the last official close; averaged bars go on through the join.
    """
    types = "['candles', 'hollow', 'bars', 'line', 'area', 'heikin-ashi']"
    assert stage.evaluate(f"async () => (await {MODULE}).wander(30, 40, {types})") == []


def test_a_candle_without_a_trade_is_neutral_in_every_type_with_bodies(stage: Page) -> None:
    found = stage.evaluate(
        f"""async () => {{
          const {{look, candle, tokens}} = await {MODULE};
          const quiet = {{...candle(0), volume: 0}};
          return [tokens().muted, ...['candles', 'hollow', 'bars', 'heikin-ashi']
            .map((type) => look(type, quiet).color)];
        }}"""
    )
    assert len(set(found)) == 1


@pytest.mark.parametrize(
    ("start", "apart"),
    [("2026-03-28T10:00Z", [230, 240]), ("2026-10-24T10:00Z", [250, 240])],
)
def test_days_on_the_axis_begin_at_midnight_of_the_zone_also_when_clocks_change(
    stage: Page, start: str, apart: list[int]
) -> None:
    """At 10 px an hour a day of 23 hours is 230 px wide on the axis, one of 25 hours 250 px."""
    script = f"""async (start) => {{
      const {{newChart, hours, parseSeries, setZone, written}} = await {MODULE};
      const chart = newChart();
      chart.begin(parseSeries('BTCUSDT', '1h'));
      chart.setHistory(hours(Date.parse(start), 80), []);
      await new Promise(requestAnimationFrame);
      return written(() => setZone('Europe/Berlin'));
    }}"""
    texts = stage.evaluate(script, start)
    days = sorted(
        {
            one["x"]
            for one in texts
            if one["text"] in {"28", "29", "30", "31", "24", "25", "26", "27"}
        }
    )
    assert [after - before for before, after in pairwise(days)][:2] == apart
    assert not any(one["text"] == "23:00" and one["x"] in days for one in texts)
    drawn = stage.evaluate(f"async () => (await {MODULE}).setZone('UTC')")
    assert drawn is None


def test_the_last_price_is_always_there_and_grey_when_it_is_not_live(stage: Page) -> None:
    """From the first candles on, without a live one, and with the newest candle out of sight."""
    script = f"""async () => {{
      const {{newChart, candle, parseSeries, written, tokens}} = await {MODULE};
      const chart = newChart();
      chart.begin(parseSeries('BTCUSDT', '1m'));
      chart.setHistory(Array.from({{length: 400}}, (_, i) => candle(i, 100 + i % 5)), []);
      const atRest = chart.drawn().lastPrice;
      const said = await written(() => chart.setNews({{isLive: true, closesInMs: 41000}}));
      const live = chart.drawn().lastPrice;
      const back = await written(() => {{
        for (let i = 0; i < 200; i += 1) chart.key('ArrowLeft');
      }});
      const has = (texts) =>
        ['104', '00:41'].every((text) => texts.some((one) => one.text === text));
      const {{muted, up}} = tokens();
      return {{atRest, live, muted, up, here: has(said), back: has(back)}};
    }}"""
    found = stage.evaluate(script)
    at_rest, live = found["atRest"], found["live"]
    assert (at_rest["text"], at_rest["left"], at_rest["color"]) == ("104", "", found["muted"])
    assert (live["text"], live["left"], live["color"]) == ("104", "00:41", found["up"])
    assert found["here"] and found["back"]


def test_times_to_come_stand_on_the_axis_and_few_candles_in_the_middle(stage: Page) -> None:
    script = f"""async () => {{
      const {{newChart, candle, parseSeries, written}} = await {MODULE};
      const chart = newChart();
      chart.begin(parseSeries('BTCUSDT', '1m'));
      chart.setHistory([candle(0), candle(1), candle(2)], []);
      const texts = await written(() => chart.view.reset());
      const {{from, to}} = chart.view.endsMs;
      for (let i = 0; i < 40; i += 1) chart.key('+');
      await new Promise(requestAnimationFrame);
      const near = chart.view.endsMs;
      return [texts.map((one) => one.text), (from - candle(0).time) / 60000,
        (to - candle(2).time) / 60000, (near.to - near.from) / 60000];
    }}"""
    texts, first, ahead, near = stage.evaluate(script)
    assert "00:30" in texts
    assert first == 0
    assert 35 <= ahead <= 45
    assert near >= 5


def test_seconds_on_the_axis_are_round(stage: Page) -> None:
    """However wide a candle is: 10 px, some 24 px, some 4 px."""
    script = f"""async (key) => {{
      const {{newChart, candle, parseSeries, written}} = await {MODULE};
      const chart = newChart();
      chart.begin(parseSeries('BTCUSDT', '1s'));
      const times = Array.from({{length: 400}}, (_, i) => candle(0).time + i * 1000);
      chart.setHistory(times.map((time, i) => ({{...candle(i), time}})), []);
      await new Promise(requestAnimationFrame);
      for (let i = 0; key !== null && i < 3; i += 1) {{
        chart.key(key);
        await new Promise(requestAnimationFrame);
      }}
      return written(() => (key === null ? chart.view.reset() : chart.key(key)));
    }}"""
    for key, apart in ((None, 10), ("+", 5), ("-", 30)):
        texts = [one["text"] for one in stage.evaluate(script, key)]
        told = {f"{text}:00"[:8] for text in texts if re.fullmatch(r"00:\d\d(:\d\d)?", text)}
        seconds = sorted(int(text[3:5]) * 60 + int(text[6:8]) for text in told)
        assert {after - before for before, after in pairwise(seconds)} == {apart}, key


def test_percent_are_those_since_the_first_candle_in_sight(stage: Page) -> None:
    script = f"""async () => {{
      const {{newChart, candle, parseSeries}} = await {MODULE};
      const chart = newChart();
      chart.begin(parseSeries('BTCUSDT', '1m'));
      chart.setHistory([candle(0, 100), candle(1, 91), candle(2, 102)], []);
      await new Promise(requestAnimationFrame);
      const said = (mode) => {{
        chart.axis.choose({{mode, isInverted: false, isAuto: true}});
        return chart.drawn().lastPrice.text;
      }};
      return ['normal', 'log', 'percent'].map(said);
    }}"""
    assert stage.evaluate(script) == ["102", "102", "+2.00 %"]


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
      const told = {onPoint: {value: null}, onHole: {value: null}, onNow: {value: true}};
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


def test_home_and_end_reach_what_the_window_does_not_hold(stage: Page) -> None:
    seen = stage.evaluate(f"async () => (await {MODULE}).homeAndEnd(12_000)")
    assert seen == {"home": 0, "end": 11_999, "isAtNow": True}


def test_several_candles_that_come_at_once_are_drawn_once_each(stage: Page) -> None:
    assert stage.evaluate(f"async () => (await {MODULE}).appendMany(20, 7)") == 0


def test_a_candle_far_back_is_brought_into_the_middle_while_the_newest_one_forms(
    stage: Page,
) -> None:
    """Right after a page has come, too: what the chart tells before its next frame is of before."""
    assert stage.evaluate(f"async () => (await {MODULE}).revealFarBack()") == [3_120, 3_120]


def test_where_a_market_begins_the_void_before_its_first_candle_is_marked(stage: Page) -> None:
    changed = stage.evaluate(f"async () => (await {MODULE}).markStart()")
    assert changed["left"] > 0.9 and changed["right"] < 0.01


def test_another_interval_of_the_same_market_keeps_the_zoom(stage: Page) -> None:
    seen = stage.evaluate(f"async () => (await {MODULE}).switchInterval()")
    assert seen["atNow"] is None
    assert seen["after"][0] == seen["before"][0]
    assert abs(seen["after"][1] - seen["before"][1]) < 1


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
          const [onPoint, onHole, onNow] = [{{value: null}}, {{value: null}}, {{value: true}}];
          const told = {{onPoint, onHole, onNow}};
          const chart = newChart(told);
          chart.begin(parseSeries('PEPEUSDT', '1m'));
          chart.setHistory({rows}, {live});
          const root = document.getElementById('legend');
          return legend(root, told.onPoint.value, '1m', chart.precision);
        }}"""
    )
    return shown


def test_studies_add_no_place_to_the_time_axis_and_a_pane_only_while_they_are_drawn(
    stage: Page,
) -> None:
    """Far back, at the newest candle again, and after 250 new ones."""
    seen = stage.evaluate(f"async () => (await {MODULE}).studiesStand(6000)")
    assert seen == {"apart": 0, "panes": [4, 2], "isDone": True}
