"""How fresh the followed markets are: facts for whoever judges that, and what has fallen silent.

Never here: the judgement (`candles/freshness`), Redis (`store/freshness`), clocks, sockets.
Invariant: what is not known is None; seconds of this machine become the exchange's time here only.
A market in which nothing trades, or of which nothing at all is heard, is never called silent: that
is the connection's affair. What is merely on its way is not called stalled.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from truecandle.backoff import Backoff
from truecandle.binance.streams.messages import kline_stream, trade_stream
from truecandle.binance.streams.pool import StreamPool
from truecandle.binance.streams.status import StreamHealth
from truecandle.candles.decimals import NO_ID
from truecandle.candles.freshness import Facts
from truecandle.feed.symbol_builder import SymbolBuilder

#: A moment that is reckoned anew from another clock and differs by less is still the same.
SAME_MS = 1_000


class FreshnessReporter:
    """What there is to report of the followed markets, time and again."""

    def __init__(self) -> None:
        self._monitors: dict[str, MarketMonitor] = {}

    def check(
        self, markets: Iterable[SymbolBuilder], streams: StreamPool, now_s: float
    ) -> list[str]:
        """The streams that have fallen silent while others talk: they are to be renewed."""
        before, self._monitors = self._monitors, {}
        silent: list[str] = []
        for market in markets:
            known = before.get(market.symbol)
            monitor = known if known and known.market is market else MarketMonitor(market)
            self._monitors[market.symbol] = monitor
            silent += monitor.check(streams.health, now_s)
        return silent

    def facts(
        self,
        symbol: str,
        streams: StreamPool,
        missing: str | None,
        stored_ms: Mapping[str, int],
        now_ms: int,
        now_s: float,
    ) -> Facts:
        """The facts of one market, after a `check`. `stored_ms`: how far its stored candles are."""
        monitor = self._monitors[symbol]
        stalled = monitor.check_stored(stored_ms, now_s)
        return monitor.facts(streams.health, missing or stalled, now_ms, now_s)


class MarketMonitor:
    """Watches one market: `check` about every second, `facts` after it."""

    def __init__(self, market: SymbolBuilder) -> None:
        self.market = market
        self._names = market.stream_names
        self._silent_streams = SilentStreamDetector()
        self._stalled_candles = StalledCandleDetector()
        self._behind_ms: int | None = None
        self._began: dict[float, int] = {}

    def check(self, health: Callable[[str], StreamHealth], now_s: float) -> list[str]:
        """The streams that have fallen silent and are to be renewed."""
        return self._silent_streams.check(self.market, health, now_s)

    def check_stored(self, stored_ms: Mapping[str, int], now_s: float) -> str | None:
        """Which of its candles stand still while it trades, in words."""
        moments = {name: stored_ms.get(name, -1) for name in self.market.kline_ids}
        return self._stalled_candles.check(self.market.trade_ms, moments, now_s)

    def facts(
        self, health: Callable[[str], StreamHealth], missing: str | None, now_ms: int, now_s: float
    ) -> Facts:
        """The facts at exchange time `now_ms`, which is `now_s` here. `missing` says what
        is known to be missing."""
        found = [health(name) for name in self._names]
        lost = [one for one in found if not one.is_live]
        is_connected = len(lost) < len(found)

        def moment(second_s: float) -> int:
            return now_ms - max(0, round((now_s - second_s) * 1000))

        behind = missing or self._silent_streams.reason or (lost[0].reason if lost else None)
        behind = behind if is_connected else None
        self._behind_ms = None if behind is None else (self._behind_ms or now_ms)
        since_s = max((one.since_s for one in found if one.is_live), default=None)
        heard_s, pong_s = (_last(one.heard_s for one in found), _last(one.pong_s for one in found))
        first_lost = None if is_connected else min(lost, key=lambda one: one.since_s, default=None)
        lost_s = first_lost.since_s if first_lost else None
        self._began = {s: ms for s, ms in self._began.items() if s in (since_s, lost_s)}
        return Facts(
            at=now_ms,
            is_connected=is_connected,
            connected_since=self._same(since_s, moment),
            heard=None if heard_s is None else moment(heard_s),
            pong=None if pong_s is None else moment(pong_s),
            trade=self.market.trade_ms,
            behind=behind,
            lost_since=self._same(lost_s, moment),
            lost_why=first_lost.reason if first_lost else None,
            behind_since=self._behind_ms,
            flowing_since=self.market.flowing_ms,
        )

    def _same(self, second_s: float | None, moment: Callable[[float], int]) -> int | None:
        """The moment that was told before for this second, however unevenly the clocks run."""
        if second_s is None:
            return None
        found_ms = moment(second_s)
        known_ms = self._began.get(second_s, found_ms)
        self._began[second_s] = known_ms if abs(known_ms - found_ms) < SAME_MS else found_ms
        return self._began[second_s]


def _last(seconds: Iterable[float | None]) -> float | None:
    return max((one for one in seconds if one is not None), default=None)


#: Klines come every 2 s while something trades.
KLINES_S = 10.0
#: Trades come before the kline that holds them, or moments after it.
TRADES_S = 5.0
#: A stream that has just gone live is not judged: what others tell may be of the time before.
NEW_STREAM_S = 10.0
#: A stream that stays silent is renewed again after this, and ever more rarely.
RENEWAL_S = 10.0
RENEWAL_MAX_S = 120.0


@dataclass(slots=True)
class _Stream:
    """`reached`: the newest trade that anybody knew of when the stream was last heard; `since_s`:
    since when others have shown a newer one."""

    heard_s: float | None = None
    reached: int = NO_ID
    since_s: float | None = None
    renew_at_s: float = 0.0
    backoff: Backoff[float] = field(default_factory=lambda: Backoff(RENEWAL_S, RENEWAL_MAX_S))


class SilentStreamDetector:
    """Streams that have fallen silent while others of the same market talk.

    `check` about every second.
    """

    def __init__(self) -> None:
        self._streams: dict[str, _Stream] = {}
        self._epoch = 0
        #: Why the market is behind; None if nothing is silent.
        self.reason: str | None = None

    def check(
        self, market: SymbolBuilder, health: Callable[[str], StreamHealth], now_s: float
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
        if self._is_silent(trades, found[trades], market.trade_id, others, talk_s, now_s):
            self.reason = "trades are silent while candles move"
            renew += self._due(trades, now_s)
        talk_s = found[trades].heard_s or -math.inf
        for name, own in klines.items():
            if self._is_silent(name, found[name], own, market.trade_id, talk_s, now_s):
                self.reason = self.reason or f"{name} is silent while trades arrive"
                renew += self._due(name, now_s)
        return renew

    def _is_silent(
        self, name: str, health: StreamHealth, own: int, others: int, talk_s: float, now_s: float
    ) -> bool:
        """`own` and `others`: the newest trade that it and the others have shown; `talk_s`: when
        the others were last heard."""
        stream = self._streams.setdefault(name, _Stream())
        is_heard = health.heard_s != stream.heard_s
        if is_heard or not health.is_live or now_s - health.since_s < NEW_STREAM_S:
            stream.heard_s, stream.reached, stream.since_s = health.heard_s, max(own, others), None
            if is_heard:
                stream.backoff.reset()
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
        stream.renew_at_s = now_s + stream.backoff.fail()
        return [name]


#: A trade is in the stored candles within half a second; one joined midway waits 3 s for its kline.
STALLED_S = 5.0


class StalledCandleDetector:
    """Candles that stand still while their market trades, by what the store has taken of them:
    `check` about every second. Whatever the cause: such a market is not live."""

    def __init__(self) -> None:
        #: Interval -> how far its stored candle had come, and since when trades are further.
        self._since: dict[str, tuple[int, float]] = {}

    def check(self, trade_ms: int | None, stored_ms: Mapping[str, int], now_s: float) -> str | None:
        """Why the market is behind, None if it is not. `stored_ms`: by interval, when the newest
        candle that was stored had changed last (exchange ms)."""
        before, self._since = self._since, {}
        if trade_ms is None:
            return None
        for name, changed_ms in stored_ms.items():
            if changed_ms < trade_ms:
                known_ms, since_s = before.get(name, (changed_ms, now_s))
                self._since[name] = (changed_ms, since_s if known_ms == changed_ms else now_s)
        stalled = [
            name for name, (_, since_s) in self._since.items() if now_s - since_s >= STALLED_S
        ]
        return f"{', '.join(stalled)} stands still while trades arrive" if stalled else None
