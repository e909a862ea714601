"""Candles against those of lower timeframes: what counts, what is ignored, which fit which."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from truecandle.candles.candle import OfficialCandle
from truecandle.candles.consistency import (
    FieldMismatch,
    TimeframeComparison,
    compare_timeframes,
    lower_timeframes,
    tiles,
)
from truecandle.candles.interval import DAY_MS, HOUR_MS, INTERVALS, MINUTE_MS, Interval

HALF, HOUR = INTERVALS["30m"], INTERVALS["1h"]
#: 1970-01-01 was a Thursday; this is the Monday after, and the first of a month is 1970-02-01.
MONDAY_MS, FEBRUARY_MS = 4 * DAY_MS, 31 * DAY_MS


def candle(open_ms: int, prices: str, trades: int = 3, volume: str = "0.1") -> OfficialCandle:
    open_, high, low, close = prices.split()
    flows = volume if trades else "0"
    return OfficialCandle(
        open_ms, open_, high, low, close, flows, open_ms + 1, flows, trades, flows, flows
    )


def only(higher_candles: list[OfficialCandle], halves: list[OfficialCandle]) -> TimeframeComparison:
    (found,) = compare_timeframes(HOUR, HALF, higher_candles, halves)
    return found


def test_a_candle_is_what_those_of_the_lower_timeframe_add_up_to() -> None:
    halves = [candle(0, "5 9 4 6"), candle(30 * MINUTE_MS, "7 8 3 5", 4, "0.2")]
    assert only([candle(0, "5 9 3 5", 7, "0.3")], halves) == TimeframeComparison(0, ())


def test_sums_are_exact_where_floats_are_not() -> None:
    long = "12345678901234567890.123456789012345678"
    halves = [candle(0, "1 1 1 1", 1, long), candle(30 * MINUTE_MS, "1 1 1 1", 1, "0.1")]
    whole = "12345678901234567890.223456789012345678"
    assert only([candle(0, "1 1 1 1", 2, whole)], halves).differences == ()
    found = only([candle(0, "1 1 1 1", 2, whole + "1")], halves).differences
    assert {one.field for one in found} == {
        "volume",
        "quote_volume",
        "taker_volume",
        "taker_quote_volume",
    }


@pytest.mark.parametrize("field", ["open", "high", "low", "close"])
def test_a_price_that_differs_is_named_with_both_values(field: str) -> None:
    halves = [candle(0, "5 9 4 6"), candle(30 * MINUTE_MS, "7 8 3 5")]
    right = candle(0, "5 9 3 5", 6, "0.2")
    change: dict[str, Any] = {field: "100"}
    found = only([replace(right, **change)], halves).differences
    assert found == (FieldMismatch(field, Decimal(100), Decimal(getattr(right, field))),)


def test_the_number_of_trades_counts() -> None:
    halves = [candle(0, "5 9 4 6"), candle(30 * MINUTE_MS, "7 8 3 5")]
    found = only([candle(0, "5 9 3 5", 7, "0.2")], halves).differences
    assert found == (FieldMismatch("trades", Decimal(7), Decimal(6)),)


def test_a_lower_candle_without_trades_has_no_say_in_prices() -> None:
    first = [candle(0, "99 99 99 99", 0), candle(30 * MINUTE_MS, "7 8 3 5")]
    assert only([candle(0, "7 8 3 5")], first).differences == ()
    last = [candle(0, "7 8 3 5"), candle(30 * MINUTE_MS, "99 99 99 99", 0)]
    assert only([candle(0, "7 8 3 5")], last).differences == ()


def test_without_any_trade_the_higher_candle_is_flat_like_the_lower_ones() -> None:
    halves = [candle(0, "9 9 9 9", 0), candle(30 * MINUTE_MS, "9 9 9 9", 0)]
    assert only([candle(0, "9 9 9 9", 0)], halves).differences == ()
    assert only([candle(0, "8 8 8 8", 0)], halves).differences


def test_only_complete_sets_of_lower_candles_are_compared() -> None:
    hours = [candle(hour * HOUR_MS, "5 9 3 5", 6, "0.2") for hour in range(4)]
    halves = [candle(HOUR_MS, "1 1 1 1"), candle(2 * HOUR_MS, "5 9 4 6")]
    halves.append(candle(2 * HOUR_MS + 30 * MINUTE_MS, "7 8 3 5"))
    assert list(compare_timeframes(HOUR, HALF, hours, halves)) == [
        TimeframeComparison(2 * HOUR_MS, ())
    ]
    assert list(compare_timeframes(HOUR, HALF, hours, [])) == []
    assert list(compare_timeframes(HOUR, HALF, [hours[3]], halves)) == []


def days(first_ms: int, count: int) -> list[OfficialCandle]:
    return [candle(first_ms + day * DAY_MS, "5 5 5 5", 1, "1") for day in range(count)]


@pytest.mark.parametrize(
    ("higher", "open_ms", "count"),
    [
        (INTERVALS["1M"], FEBRUARY_MS, 28),
        (INTERVALS["1M"], 0, 31),
        (INTERVALS["1w"], MONDAY_MS, 7),
        (INTERVALS["3d"].with_phase(DAY_MS), DAY_MS, 3),
        (INTERVALS["3d"].with_phase(2 * DAY_MS), 2 * DAY_MS, 3),
    ],
)
def test_what_is_longer_than_a_day_is_made_of_days(
    higher: Interval, open_ms: int, count: int
) -> None:
    whole = candle(open_ms, "5 5 5 5", count, str(count))
    around = days(max(0, open_ms - DAY_MS), count + 2)
    assert list(compare_timeframes(higher, INTERVALS["1d"], [whole], around)) == [
        TimeframeComparison(open_ms, ())
    ]


def test_each_interval_is_compared_with_the_longest_that_tile_it() -> None:
    nearest = {
        name: " ".join(one.name for one in lower_timeframes(higher, INTERVALS.values()))
        for name, higher in INTERVALS.items()
    }
    assert nearest == {
        "1s": "",
        "1m": "1s",
        "3m": "1m",
        "5m": "1m",
        "15m": "3m 5m",
        "30m": "15m",
        "1h": "30m",
        "2h": "1h",
        "4h": "2h",
        "6h": "2h",
        "8h": "4h",
        "12h": "4h 6h",
        "1d": "8h 12h",
        "3d": "1d",
        "1w": "1d",
        "1M": "1d",
    }


def test_with_fewer_intervals_the_next_ones_are_compared() -> None:
    stored = [INTERVALS[name] for name in ("1m", "5m", "15m", "4h")]
    assert [one.name for one in lower_timeframes(INTERVALS["1M"], stored)] == ["4h"]
    assert [one.name for one in lower_timeframes(INTERVALS["15m"], stored)] == ["5m"]
    assert lower_timeframes(INTERVALS["1m"], stored) == []


def test_a_lower_candle_begins_wherever_the_higher_one_does() -> None:
    for higher in INTERVALS.values():
        grid = higher if higher.has_grid else higher.with_phase(DAY_MS)
        for lower in INTERVALS.values():
            if tiles(lower, higher):
                begins = [grid.open_ms(moment * DAY_MS) for moment in range(400, 800)]
                assert all(lower.is_aligned(open_ms) for open_ms in begins)
