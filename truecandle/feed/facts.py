"""What the feed knows of how fresh its markets are, as facts for whoever judges that.

Never here: the judgement (`candles/freshness`), Redis (`store/freshness`), clocks.
Invariant: what is not known is None; seconds of this machine become the exchange's time here only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from truecandle.binance.streams.messages import kline_stream, trade_stream
from truecandle.binance.streams.status import StreamHealth
from truecandle.candles.freshness import Facts
from truecandle.feed.market import Market
from truecandle.feed.mute import Mute
from truecandle.feed.standing import Standing

#: A moment that is reckoned anew from another clock and differs by less is still the same.
SAME_MS = 1_000


class Source(Protocol):
    """The streams that the feed lives on."""

    def follow(self, names: Sequence[str]) -> object: ...
    def health(self, name: str) -> StreamHealth: ...
    def renew(self, names: Sequence[str]) -> object: ...


def streams_of(market: Market) -> list[str]:
    """Its trades, and its klines at every followed interval."""
    return [
        trade_stream(market.symbol),
        *(kline_stream(market.symbol, interval) for interval in market.kline_ids),
    ]


class Notes:
    """What there is to note of the followed markets, time and again."""

    def __init__(self) -> None:
        self._witnesses: dict[str, Witness] = {}

    def look(self, markets: Iterable[Market], source: Source, now_s: float) -> list[str]:
        """The streams that have fallen silent while others talk: they are to be renewed."""
        before, self._witnesses = self._witnesses, {}
        mute: list[str] = []
        for market in markets:
            known = before.get(market.symbol)
            witness = known if known and known.market is market else Witness(market)
            self._witnesses[market.symbol] = witness
            mute += witness.look(source.health, now_s)
        return mute

    def facts(
        self,
        symbol: str,
        source: Source,
        missing: str | None,
        shown: Mapping[str, int],
        now_ms: int,
        now_s: float,
    ) -> Facts:
        """The facts of one market, after a `look`. `shown`: how far its stored candles are."""
        witness = self._witnesses[symbol]
        still = witness.stand(shown, now_s)
        return witness.facts(source.health, missing or still, now_ms, now_s)


class Witness:
    """Keeps an eye on one market: `look` about every second, `facts` after it."""

    def __init__(self, market: Market) -> None:
        self.market = market
        self._names = streams_of(market)
        self._mute = Mute()
        self._standing = Standing()
        self._behind_ms: int | None = None
        self._began: dict[float, int] = {}

    def look(self, health: Callable[[str], StreamHealth], now_s: float) -> list[str]:
        """The streams that have fallen silent and are to be renewed."""
        return self._mute.look(self.market, health, now_s)

    def stand(self, shown: Mapping[str, int], now_s: float) -> str | None:
        """Which of its candles stand still while it trades, in words."""
        moments = {name: shown.get(name, -1) for name in self.market.kline_ids}
        return self._standing.look(self.market.trade_ms, moments, now_s)

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

        behind = missing or self._mute.reason or (lost[0].reason if lost else None)
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
