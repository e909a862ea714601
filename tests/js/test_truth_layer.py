"""Corrections, gaps, candles as shown and picked ones on the real chart, in a real Chromium.

Never here: which candles are marked (`marks.test.mjs`), the words around the chart.
Invariant: what is drawn is looked for in the chart's own pixels or coordinates.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.browser_code import MODULE

if TYPE_CHECKING:
    from playwright.sync_api import Page

ACCENT = "#6EA8FE"
#: A chart with 200 candles less those of `missing`, and marks; `told` is what it tells.
BEGIN = """
  const {newChart, candle, at, frames, pixels, Marks, parseSeries} = await MODULE;
  const told = {onPoint: {value: null}, onHole: {value: null}, onNow: {value: true}};
  told.onClick = (openMs) => { told.clicked = openMs; };
  const chart = newChart(told);
  chart.begin(parseSeries('BTCUSDT', '1m'));
  const rows = (count, missing = []) => Array.from({length: count}, (_, i) => candle(i))
    .filter((_, i) => !missing.some(([from, to]) => i >= from && i < to));
  const marks = (corrected, gaps) => {
    const all = new Marks();
    all.take({fromMs: 0, toMs: Infinity, corrected: corrected.map(at), gaps: gaps.map(
      ([from, to, reason = 'maintenance']) => ({startMs: at(from), endMs: at(to), reason}))});
    return all;
  };
""".replace("MODULE", MODULE)


@pytest.fixture(autouse=True)
def dark(stage: Page) -> None:
    stage.emulate_media(color_scheme="dark")


def run(stage: Page, body: str) -> Any:
    return stage.evaluate(f"async () => {{{BEGIN} {body}}}")


def test_a_corrected_candle_wears_a_tick_below_its_low(stage: Page) -> None:
    body = f"""
      chart.setHistory(rows(200), []);
      await frames();
      chart.mark(marks([150, 190], []));
      await frames();
      const ticks = chart.truth.ticks;
      const seen = ticks.map(({{x, y}}) => pixels('{ACCENT}', x, y));
      const beside = pixels('{ACCENT}', ticks[0].x + 40, 200);
      return [ticks.map(({{time}}) => time - at(0)), seen, beside];
    """
    times, seen, beside = run(stage, body)
    assert times == [150 * 60_000, 190 * 60_000]
    assert min(seen) >= 8 and beside == 0


def test_a_gap_goes_through_the_pane_of_a_study_too_whichever_came_first(stage: Page) -> None:
    body = """
      const {study, ink} = await MODULE;
      chart.setHistory(rows(200, [[150, 184]]), []);
      chart.mark(marks([], [[150, 184]]));
      await frames();
      study(chart, 'atr');
      await frames();
      const [{left, right}] = chart.truth.bands();
      const within = ink(2, left + 20, right - 20);
      chart.mark(marks([], []));
      await frames();
      return [within, ink(2, left + 20, right - 20)];
    """.replace("MODULE", MODULE)
    within, without = run(stage, body)
    assert within > without + 1_000


def test_a_candle_that_is_pointed_at_says_that_it_was_corrected(stage: Page) -> None:
    body = """
      chart.setHistory(rows(10), []);
      chart.mark(marks([8], []));
      for (let i = 0; i < 2; i += 1) chart.key('ArrowLeft');
      const seen = [told.onPoint.value.isCorrected];
      chart.mark(marks([], []));
      return [...seen, told.onPoint.value.isCorrected];
    """
    assert run(stage, body) == [True, False]


def test_a_gap_is_a_band_between_its_neighbours_and_no_candles_values(stage: Page) -> None:
    body = """
      chart.setHistory(rows(200, [[150, 184]]), []);
      chart.mark(marks([], [[150, 184]]));
      await frames();
      const [{left, right}] = chart.truth.bands();
      chart.goTo(at(160));
      const {gap, time} = told.onHole.value;
      const inside = [told.onPoint.value, gap.reason, time - at(0)];
      chart.goTo(at(184));
      return [Math.round(right - left), inside, told.onPoint.value.time - at(0), told.onHole.value];
    """
    width, inside, time, hole = run(stage, body)
    assert width == 34 * 10
    assert inside == [None, "maintenance", 160 * 60_000]
    assert (time, hole) == (184 * 60_000, None)


def test_a_gap_longer_than_its_places_reaches_from_neighbour_to_neighbour(stage: Page) -> None:
    """500 places stand for 2,000 candles; for a second such gap none is left: a narrow band."""
    body = """
      chart.setHistory(rows(4300, [[100, 2100], [2200, 4200]]), []);
      chart.mark(marks([], [[100, 2100], [2200, 4200]]));
      await frames();
      for (let i = 0; i < 12; i += 1) {
        chart.key('-');
        await frames();
      }
      const widths = chart.truth.bands().map(({left, right}) => right - left);
      const hasPlace = chart.goTo(at(2200));
      return [widths, hasPlace, told.onHole.value.gap.endMs - at(0), chart.goTo(at(100))];
    """
    widths, has_place, end_ms, has_other = run(stage, body)
    spacing = 10 / 1.25**12  # px between candles, zoomed out twelve times
    assert [round(width) for width in widths] == [6, round(500 * spacing)]
    assert (has_place, end_ms, has_other) == (True, 4200 * 60_000, False)


def test_a_gap_is_never_drawn_over_a_live_candle(stage: Page) -> None:
    body = """
      const live = (i, state) => ({state, candle: {...candle(i), updated_at: 0}});
      chart.setHistory(rows(100), [live(101, 'pending'), live(103, 'forming')]);
      chart.mark(marks([], [[100, 103, 'unproven']]));
      await frames();
      const minute = (ms) => (ms - at(0)) / 60_000;
      const span = ({gap: {startMs, endMs}}) => [minute(startMs), minute(endMs)];
      const spans = () => chart.truth.bands().map(span);
      const first = spans();
      chart.setTail([live(103, 'forming')]);
      await frames();
      return [first, spans()];
    """
    assert run(stage, body) == [[[100, 101], [102, 103]], [[100, 103]]]


def test_keys_stop_at_a_gap_once(stage: Page) -> None:
    body = """
      chart.setHistory(rows(30, [[20, 25]]), []);
      chart.mark(marks([], [[20, 25]]));
      await frames();
      const seen = [];
      for (let i = 0; i < 7; i += 1) {
        chart.key('ArrowLeft');
        seen.push(told.onHole.value ? 'gap' : (told.onPoint.value.time - at(0)) / 60_000);
      }
      return seen;
    """
    assert run(stage, body) == [29, 28, 27, 26, 25, "gap", 19]


def test_what_is_gone_to_stays_pointed_at_while_candles_come(stage: Page) -> None:
    body = """
      const all = rows(400);
      chart.setHistory(all.slice(0, 390), []);
      await frames();
      const isThere = chart.goTo(at(20));
      const isBeyond = chart.goTo(at(5000));
      for (let i = 390; i < 400; i += 1) {
        const change = {prepended: [], appended: [all[i]], replaced: [], isWhole: false};
        chart.change(change, all.slice(0, i + 1), []);
        await frames();
      }
      document.getElementById('plot').style.width = '500px';
      await frames();
      await frames();
      return [isThere, isBeyond, (told.onPoint.value.time - at(0)) / 60_000, told.onNow.value];
    """
    assert run(stage, body) == [True, False, 20, False]


def test_candles_as_shown_are_outlined_and_what_differs_stands_out(stage: Page) -> None:
    body = f"""
      chart.setHistory(rows(100), []);
      await frames();
      const shown = (i, differs, values) => ({{time: at(i), shown: values, official: candle(i),
        differs, differing: [], source: 'live', lateMs: 3000}});
      const higher = {{...candle(95), high: 112}};
      const candles = [shown(70, 'nothing', candle(70)), shown(95, 'prices', higher),
        shown(97, 'nothing', null)];
      chart.truth.compare({{isOn: true, sinceMs: at(0), problem: '', candles}});
      await frames();
      chart.mark(marks([70, 95], []));
      const [same, other] = chart.truth.ticks;
      chart.mark(marks([], []));
      await frames();
      const seen = [same, other].map(({{x, y}}) => pixels('{ACCENT}', x, y - 100, 80));
      chart.truth.compare({{isOn: false, sinceMs: null, problem: '', candles: []}});
      await frames();
      return [...seen, pixels('{ACCENT}', other.x, other.y - 100, 80)];
    """
    same, other, after = run(stage, body)
    assert same == after == 0 and other > 20


def test_a_picked_candle_stands_out(stage: Page) -> None:
    body = f"""
      chart.setHistory(rows(100), []);
      chart.mark(marks([80], []));
      await frames();
      const [{{x}}] = chart.truth.ticks;
      chart.truth.pick(at(80));
      await frames();
      return pixels('{ACCENT}', x, 6);
    """
    assert run(stage, body) > 10


def test_a_click_on_a_candle_is_told_with_its_open_time(stage: Page) -> None:
    body = """
      chart.setHistory(rows(100), []);
      chart.mark(marks([80], []));
      await frames();
      globalThis.told = told;
      globalThis.openMs = at(80);
      const box = document.getElementById('plot').getBoundingClientRect();
      const [{x, y}] = chart.truth.ticks;
      return [box.left + x, box.top + y];
    """
    x, y = run(stage, body)
    stage.mouse.click(x, y)
    assert stage.evaluate("told.clicked === openMs")


def test_several_candles_that_come_at_once_are_each_drawn_once(stage: Page) -> None:
    """As after a break: the first of them moves the view while the others are not drawn yet."""
    body = """
      const all = rows(9_000);
      chart.setHistory(all.slice(0, 8_990), []);
      await frames();
      const change = {prepended: [], appended: all.slice(8_990), replaced: [], isWhole: false};
      chart.change(change, all, []);
      await frames();
      const times = chart.drawn().history.map(({time}) => time);
      return [new Set(times).size === times.length, times.at(-1) === at(8_999)];
    """
    assert run(stage, body) == [True, True]
