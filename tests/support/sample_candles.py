"""Candles for the store's tests: one BTCUSDT hour and minute after another, and odd ones.

Never here: assertions, Redis.
Invariant: what `row` and `rows` give is official in every respect at `after` its last candle.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from truecandle.candles.candle import LiveCandle, OfficialCandle, official_from_row
from truecandle.candles.interval import INTERVALS
from truecandle.candles.series import Series

HOUR_MS = 3_600_000
MINUTE_MS = 60_000
SETTLE_MS = 3_000
#: 2024-01-01T00:00:00Z
START_MS = 1_704_067_200_000
HOURS = Series("BTCUSDT", INTERVALS["1h"])
MINUTES = Series("BTCUSDT", INTERVALS["1m"])


def row(number: int, close: str = "8.50000000", step_ms: int = HOUR_MS) -> list[Any]:
    """The candle `number` steps after `START_MS`, as the exchange sends it."""
    open_ms = START_MS + number * step_ms
    prices = ["8.00000000", "9.00000000", "7.00000000", close]
    flows = ["100.00000000", 3, "1.00000000", "8.00000000", "0"]
    return [open_ms, *prices, "12.50000000", open_ms + step_ms - 1, *flows]


def rows(count: int, first: int = 0, close: str = "8.50000000") -> list[list[Any]]:
    return [row(number, close) for number in range(first, first + count)]


def official(number: int, close: str = "8.50000000") -> OfficialCandle:
    return official_from_row(row(number, close))


def after(number: int) -> int:
    """The first moment at which the hour `number` is official."""
    return START_MS + (number + 1) * HOUR_MS + SETTLE_MS


def minute(
    number: int,
    updated_ms: int,
    source: str = "live",
    *,
    is_complete: bool = False,
    trades: int = 1,
    close: str = "8.5",
    **fields: Any,
) -> LiveCandle:
    """The live candle of the minute `number`, last changed `updated_ms` after `START_MS`."""
    candle = LiveCandle(
        open_ms=START_MS + number * MINUTE_MS,
        open="8",
        high="9",
        low="7",
        close=close,
        volume="1.5",
        trades=trades,
        source="live" if source == "live" else "client",
        is_complete=is_complete,
        updated_at=START_MS + updated_ms,
    )
    return replace(candle, **fields)
