"""The recovery of one market, driven by hand: what comes in, what it asks, what it would tell.

Never here: sockets, Redis, a clock; assertions about what is asked.
Invariant: time is what the test says.
"""

from __future__ import annotations

from collections.abc import Sequence

from truecandle.candles.candle import LiveCandle
from truecandle.candles.series import parse_series
from truecandle.candles.trades import Kline, Trade
from truecandle.feed.market_recovery import (
    MarketRecovery,
    RecoveryCounts,
    RecoveryRequest,
)
from truecandle.feed.symbol_builder import SymbolBuilder

START_MS = 1_795_000_020_000


def trade(number: int, at_ms: int = 0) -> Trade:
    time_ms = START_MS + (at_ms or number)
    return Trade("BTCUSDT", number, number, "5", "1", time_ms, time_ms, True, number)


def trades(first: int, last: int) -> list[Trade]:
    return [trade(number) for number in range(first, last + 1)]


def kline(last_id: int, count: int = 1) -> Kline:
    first_id = last_id - count + 1 if count else -1
    return Kline(
        "BTCUSDT", "1m", START_MS, "5", "5", "5", "5", f"{count}", f"{5 * count}", f"{count}",
        f"{5 * count}", count, first_id, last_id if count else -1, False, START_MS + 1,
    )  # fmt: skip


def recovery(*seen: Trade, is_live: bool = True) -> MarketRecovery:
    """A market of 1m whose first trade is 1, as a kline has shown; since 0 s."""
    market = SymbolBuilder("BTCUSDT", [parse_series("BTCUSDT", "1m")])
    one = MarketRecovery("BTCUSDT", market, RecoveryCounts(), 0.0)
    if is_live:
        one.on_stream_change(True, 0.0)
    market.add(kline(1))
    come(one, seen)
    return one


def come(one: MarketRecovery, seen: Sequence[Trade], now_s: float = 1.0) -> None:
    for event in seen:
        one.market.add(event)
        one.on_trade(event, now_s)


def candle(one: MarketRecovery) -> LiveCandle:
    """The newest candle as it would be told now."""
    ((_, found),) = one.market.drain(1e9).candles[-1:]
    return found


def asked(one: MarketRecovery, now_s: float) -> RecoveryRequest:
    request = one.next_request(now_s)
    assert request
    one.on_asked(request, now_s)
    return request
