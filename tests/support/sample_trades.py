"""Trades and klines of one market, as its streams tell them, one by one.

Never here: streams; what is made of them.
Invariant: a trade or kline is what the test says, and plain in all else.
"""

from __future__ import annotations

from truecandle.candles.trades import Kline, Trade

START_MS = 1_722_470_400_000


def trade(number: int, at_ms: int, price: str = "100", quantity: str = "1") -> Trade:
    time_ms = START_MS + at_ms
    return Trade("BTCUSDT", number, number, price, quantity, time_ms, time_ms + 1, True)


def kline(open_ms: int, last_id: int, *, at_ms: int, interval: str = "1m") -> Kline:
    prices = ("100", "100", "100", "100", str(last_id))
    return Kline(
        "BTCUSDT", interval, START_MS + open_ms, *prices, "0", "0", "0", last_id, 1, last_id,
        False, START_MS + at_ms,
    )  # fmt: skip


def aggregate(agg_id: int, at_ms: int | None = None, quantity: str = "1.5") -> Trade:
    """An aggregate of two trades; a second after the one before unless `at_ms` says when."""
    time_ms, first = START_MS + (agg_id * 1_000 if at_ms is None else at_ms), 10 * agg_id
    return Trade(
        "BTCUSDT", first, first + 1, "100.25", quantity, time_ms, time_ms + 3, agg_id % 2 == 0,
        agg_id,
    )  # fmt: skip
