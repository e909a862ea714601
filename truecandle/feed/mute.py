"""Streams that have fallen silent while others of the same market talk.

Never here: a clock (seconds that only grow come in), sockets, what silence means for a candle.
Invariant: a market in which nothing trades, or of which nothing at all is heard, is never called
mute: that is the connection's affair.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from truecandle.binance.streams.messages import kline_stream, trade_stream
from truecandle.binance.streams.status import StreamHealth
from truecandle.candles.decimals import NO_ID
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
    """`reached`: the newest trade that anybody knew of when the stream was last heard; `since_s`:
    since when others have shown a newer one."""

    heard_s: float | None = None
    reached: int = NO_ID
    since_s: float | None = None
    pause_s: float = RENEWAL_S
    renew_at_s: float = 0.0


class Mute:
    """Watches the streams of one market: `look` at them about every second."""

    def __init__(self) -> None:
        self._streams: dict[str, _Stream] = {}
        self._epoch = 0
        #: Why the market is behind; None if nothing is mute.
        self.reason: str | None = None

    def look(
        self, market: Market, health: Callable[[str], StreamHealth], now_s: float
    ) -> list[str]:
        """The streams to renew now."""
        trades = trade_stream(market.symbol)
        klines = {kline_stream(market.symbol, name): n for name, n in market.kline_ids.items()}
        found = {name: health(name) for name in (trades, *klines)}
        talk_s = max((found[name].heard_s or -math.inf for name in klines), default=-math.inf)
        others = max(klines.values(), default=NO_ID)
        self.reason, renew = None, []
        if market.epoch.number != self._epoch:  # ids that were reached before say nothing now
            self._epoch = market.epoch.number
            for stream in self._streams.values():
                stream.reached, stream.since_s = NO_ID, None
        if self._is_mute(trades, found[trades], market.trade_id, others, talk_s, now_s):
            self.reason = "trades are silent while candles move"
            renew += self._due(trades, now_s)
        talk_s = found[trades].heard_s or -math.inf
        for name, own in klines.items():
            if self._is_mute(name, found[name], own, market.trade_id, talk_s, now_s):
                self.reason = self.reason or f"{name} is silent while trades arrive"
                renew += self._due(name, now_s)
        return renew

    def _is_mute(
        self, name: str, health: StreamHealth, own: int, others: int, talk_s: float, now_s: float
    ) -> bool:
        """`own` and `others`: the newest trade that it and the others have shown; `talk_s`: when
        the others were last heard."""
        stream = self._streams.setdefault(name, _Stream())
        is_heard = health.heard_s != stream.heard_s
        if is_heard or not health.is_live or now_s - health.since_s < SETTLE_S:
            stream.heard_s, stream.reached, stream.since_s = health.heard_s, max(own, others), None
            stream.pause_s = RENEWAL_S if is_heard else stream.pause_s
            return False
        if others <= max(stream.reached, own):
            return False
        if stream.since_s is None:
            stream.since_s = now_s
        return talk_s - stream.since_s >= (KLINES_S if "@kline" in name else TRADES_S)

    def _due(self, name: str, now_s: float) -> list[str]:
        stream = self._streams[name]
        if now_s < stream.renew_at_s:
            return []
        stream.renew_at_s = now_s + stream.pause_s
        stream.pause_s = min(RENEWAL_MAX_S, 2 * stream.pause_s)
        return [name]
