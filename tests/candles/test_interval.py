"""The grids of the 16 intervals: shared vectors, and what holds at every moment."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truecandle.candles.interval import DAY_MS, INTERVALS, LAST_MS, Interval, parse_interval
from truecandle.errors import CandleError

VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "interval.json").read_text())
GRIDS = [*(one for one in INTERVALS.values() if one.has_grid)]
GRIDS += [INTERVALS["3d"].with_phase(day * DAY_MS) for day in (0, 1, 2)]
moments = st.integers(62 * DAY_MS, LAST_MS - 63 * DAY_MS)
grids = st.sampled_from(GRIDS)


def learned(case: dict[str, Any]) -> Interval:
    interval = INTERVALS[case["interval"]]
    first_ms = case["learned_from"]
    return interval if first_ms is None else interval.with_phase(first_ms)


@pytest.mark.parametrize("name", INTERVALS)
def test_every_moment_of_the_vectors_lies_in_the_right_candle(name: str) -> None:
    cases = [case for case in VECTORS["cases"] if case["interval"] == name]
    assert cases
    for case in cases:
        interval = learned(case)
        open_ms = interval.open_ms(case["time"])
        found = open_ms, interval.next_open_ms(open_ms), interval.previous_open_ms(open_ms)
        assert found == (case["open"], case["next"], case["previous"]), case["name"]
        assert interval.close_ms(open_ms) == case["close"], case["name"]


def test_there_are_just_the_16_intervals_of_binance_shortest_first() -> None:
    assert list(INTERVALS) == VECTORS["names"]


@pytest.mark.parametrize("case", VECTORS["aligned"], ids=lambda case: case["name"])
def test_candles_open_on_the_grid_only(case: dict[str, Any]) -> None:
    assert learned(case).is_aligned(case["time"]) is case["aligned"]


@pytest.mark.parametrize("case", VECTORS["counts"], ids=lambda case: case["name"])
def test_candles_are_counted_by_their_opens(case: dict[str, Any]) -> None:
    interval = learned(case)
    assert interval.count(case["start"], case["end"]) == case["count"]
    opens = interval.opens(case["start"], case["end"])
    assert sum(1 for _ in opens) == case["count"]


@given(grids, moments)
@settings(max_examples=200)
def test_a_moment_lies_between_its_candles_open_and_the_next(interval: Interval, t_ms: int) -> None:
    open_ms = interval.open_ms(t_ms)
    next_ms = interval.next_open_ms(open_ms)
    assert open_ms <= t_ms < next_ms
    assert interval.is_aligned(open_ms)
    assert interval.is_aligned(next_ms)
    assert interval.previous_open_ms(next_ms) == open_ms
    assert interval.open_ms(next_ms - 1) == open_ms


@given(grids, moments, st.integers(-2, 50))
@settings(max_examples=120)
def test_stepping_and_counting_agree(interval: Interval, t_ms: int, candles: int) -> None:
    open_ms = interval.open_ms(t_ms)
    if interval.duration_ms is None or interval.duration_ms > DAY_MS:
        candles = min(candles, 1)
    there_ms = interval.step(open_ms, candles)
    assert interval.count(open_ms, there_ms) == max(0, candles)
    assert interval.step(there_ms, -candles) == open_ms


def test_a_minute_is_no_month() -> None:
    assert parse_interval("1m") is not parse_interval("1M")


@pytest.mark.parametrize("text", ["1H", "1D", "60m", "1 m", "1m\n", "", "1mo", None, 1, ["1m"]])
def test_no_other_name_is_an_interval(text: object) -> None:
    with pytest.raises(CandleError) as caught:
        parse_interval(text)
    assert "1m" in caught.value.allowed


def test_a_3d_grid_has_to_be_learned_first() -> None:
    assert not INTERVALS["3d"].has_grid
    with pytest.raises(CandleError, match="learned from an official candle"):
        INTERVALS["3d"].open_ms(DAY_MS)


def test_a_3d_grid_is_not_learned_from_an_odd_hour() -> None:
    with pytest.raises(CandleError, match="midnight"):
        INTERVALS["3d"].with_phase(DAY_MS + 1)


def test_only_3d_learns() -> None:
    assert INTERVALS["1w"].with_phase(DAY_MS) is INTERVALS["1w"]


@pytest.mark.parametrize("t_ms", [-1, LAST_MS, 1_722_470_400_000_000])
def test_a_moment_out_of_range_is_refused(t_ms: int) -> None:
    with pytest.raises(CandleError, match="time"):
        INTERVALS["1m"].open_ms(t_ms)
