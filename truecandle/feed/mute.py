"""Streams that have fallen silent while others of the same market talk.

Never here: a clock (seconds that only grow come in), sockets, what silence means for a candle.
Invariant: a market in which nothing trades is never called mute.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from truecandle.binance.change import Health
from truecandle.binance.wire import kline_stream, trade_stream
from truecandle.feed.market import Market

#: Klines come every 2 s while something trades.
KLINES_S = 10.0
#: Trades come before the kline that holds them, or moments after it.
TRADES_S = 5.0
#: A stream that has just gone live is not judged: what others tell may be of the time before.
SETTLE_S = 10.0
#: A stream that stays mute is renewed again after this, and ever more rarely.
RENEWAL_S = 10.0
RENEWAL_MAX_S = 120.0


@dataclass(slots=True)
class _Stream:
    """`reached`: the newest trade that anybody knew of when the stream was last heard."""

    heard_s: float | None = None
    reached: int = -1
    since_s: float | None = None
    renewals: int = 0
    renew_at_s: float = 0.0


class Mute:
    """Watches the streams of one market: `look` at them about every second."""

    def __init__(self) -> None:
        self._streams: dict[str, _Stream] = {}
        #: Why the market is behind; None if nothing is mute.
        self.reason: str | None = None

    def look(self, market: Market, health: Callable[[str], Health], now_s: float) -> list[str]:
        """The streams to renew now."""
        klines = max(market.kline_ids.values(), default=-1)
        newest = max(klines, market.trade_id)
        self.reason, renew = None, []
        trades = trade_stream(market.symbol)
        if self._is_mute(trades, health(trades), klines, newest, now_s, TRADES_S):
            self.reason = "trades are silent while candles move"
            renew += self._due(trades, now_s)
        for interval, own in market.kline_ids.items():
            name = kline_stream(market.symbol, interval)
            newest = max(own, market.trade_id)
            if self._is_mute(name, health(name), market.trade_id, newest, now_s, KLINES_S):
                self.reason = self.reason or f"candles of {interval} are silent while trades arrive"
                renew += self._due(name, now_s)
        return renew

    def _is_mute(
        self, name: str, health: Health, others: int, newest: int, now_s: float, limit_s: float
    ) -> bool:
        stream = self._streams.setdefault(name, _Stream())
        is_heard = health.heard_s != stream.heard_s
        if is_heard or not health.is_live or now_s - health.since_s < SETTLE_S:
            stream.heard_s, stream.reached, stream.since_s = health.heard_s, newest, None
            stream.renewals = 0 if is_heard else stream.renewals
            return False
        if others <= stream.reached:
            return False
        if stream.since_s is None:
            stream.since_s = now_s
        return now_s - stream.since_s >= limit_s

    def _due(self, name: str, now_s: float) -> list[str]:
        stream = self._streams[name]
        if now_s < stream.renew_at_s:
            return []
        stream.renew_at_s = now_s + min(RENEWAL_MAX_S, RENEWAL_S * 2.0**stream.renewals)
        stream.renewals += 1
        return [name]
