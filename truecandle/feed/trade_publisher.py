"""Passes trades on where that is wanted (`TRADES_KEPT`): keeps the newest, publishes each in order.

Never here: candles and prices (`live_publisher`), the order of trades (`trade_sequence`).
Invariant: by the feed that leads a market alone; bounded, whatever Redis does: it has a thread of
its own that waits for Redis, so that no candle does. With `kept` 0 it does nothing at all.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future
from typing import Final, NamedTuple

from redis import Redis

from truecandle.candles.series import Series
from truecandle.candles.trades import Trade
from truecandle.errors import StoreDamaged, StoreError
from truecandle.feed.live_publisher import PAUSE_S, STANDBY_MS
from truecandle.feed.sender import Sender
from truecandle.feed.symbol_builder import SymbolBuilder
from truecandle.feed.trade_sequence import TellingBuilder, TradeSequence
from truecandle.log_once import TroubleLog
from truecandle.store import agg_trades
from truecandle.store.agg_trades import TradeRow

#: Trades of all markets leave together, this often.
PUBLISH_S: Final = 0.1
#: Trades of one market that leave at once; the rest with the next ones.
TRADES_AT_ONCE: Final = 200

log = logging.getLogger(__name__)


class TradeAnswer(NamedTuple):
    """What Redis has answered: of the markets asked about, how far a feed before this one has told;
    and how many of the trades sent were new."""

    asked: frozenset[str]
    known: Mapping[str, TradeRow]
    kept: Mapping[str, int]


class TradePublisher:
    """All markets of one feed. Everything is for the feed's own thread; `kept` trades of a market
    are kept, `now_ms` is the exchange's time."""

    def __init__(self, redis: Redis, kept: int, now_ms: Callable[[], int]) -> None:
        self._redis = redis
        self._kept = kept
        self._now_ms = now_ms
        self._sender = Sender()
        self._troubles = TroubleLog(log)
        self._sequences: dict[str, TradeSequence] = {}
        #: Markets of which is not known yet how far a feed before this one has told.
        self._unread: set[str] = set()
        #: What is on its way to Redis, and what has come of it.
        self._sent: dict[str, list[Trade]] = {}
        self._answer: Future[TradeAnswer | None] | None = None
        self._next_s = 0.0
        #: How many are kept and published, and how many refused, as another feed leads.
        self._published = self._fenced = 0
        #: Of markets that are followed no more, or whose key is not ours.
        self._dropped = self._holes = 0

    def builder(self, symbol: str, series: Sequence[Series]) -> SymbolBuilder:
        """The builder of a market, which passes its trades on if any are kept."""
        if not self._kept:
            return SymbolBuilder(symbol, series)
        sequence = self._sequences[symbol] = TradeSequence(self._kept)
        self._unread.add(symbol)
        return TellingBuilder(symbol, series, sequence)

    def forget(self, symbols: Collection[str]) -> None:
        """Markets that are not followed any more."""
        for symbol in self._sequences.keys() & symbols:
            gone = self._sequences.pop(symbol)
            self._dropped, self._holes = self._dropped + gone.dropped, self._holes + gone.holes
            self._unread.discard(symbol)

    def is_due(self, now_s: float) -> bool:
        return bool(self._kept) and now_s >= self._next_s

    def step(self, now_s: float, fences: Mapping[str, int]) -> None:
        """Takes in what came of what was sent, and sends what waits of the markets led."""
        if not self._sender.is_idle():
            return
        self._next_s = now_s + PUBLISH_S
        if self._answer is not None:
            answer, self._answer = self._answer.result(), None
            self._take(answer, now_s)
        before_ms = self._now_ms() - STANDBY_MS
        for symbol, sequence in self._sequences.items():
            sequence.look(now_s)
            if symbol not in fences:
                sequence.drop_before(before_ms)
        if self._next_s <= now_s + PUBLISH_S:
            self._send(fences)

    def finish(self) -> None:
        """Waits until Redis has answered all that was sent."""
        self._sender.finish()

    def close(self, now_s: float, fences: Mapping[str, int]) -> None:
        """Sends what is left, once, and ends."""
        if self._kept:
            self.finish()
            self.step(now_s, fences)
        self._sender.close()

    def counts(self) -> dict[str, int]:
        """For heartbeat and metrics, since the start; nothing where no trades are kept."""
        if not self._kept:
            return {}
        sequences = self._sequences.values()
        return {
            "published": self._published,
            "fenced": self._fenced,
            "waiting": sum(map(len, sequences)),
            "dropped": self._dropped + sum(one.dropped for one in sequences),
            "holes": self._holes + sum(one.holes for one in sequences),
        }

    def _send(self, fences: Mapping[str, int]) -> None:
        """Those of each market that fit, the rest with the next ones."""
        for symbol, sequence in self._sequences.items():
            if symbol in fences and symbol not in self._unread:
                self._sent |= {symbol: some} if (some := sequence.take(TRADES_AT_ONCE)) else {}
        if self._sent or self._unread:
            unread, trades = frozenset(self._unread), dict(self._sent)
            self._answer = self._sender.send(self._exchange, unread, trades, dict(fences))

    def _exchange(
        self, unread: frozenset[str], trades: Mapping[str, Sequence[Trade]], fences: dict[str, int]
    ) -> TradeAnswer | None:
        """In the sender's thread: asks and keeps; None while Redis is away."""
        try:
            known = agg_trades.newest(self._redis, unread) if unread else {}
            rows = {symbol: [*map(agg_trades.row_of, some)] for symbol, some in trades.items()}
            kept = agg_trades.keep(self._redis, rows, self._kept, fences) if rows else {}
        except StoreError as error:
            self._troubles.report("trades not kept", error)
            return None
        self._troubles.clear("trades not kept")
        for symbol in rows:
            if symbol in kept:
                self._troubles.clear(symbol)
            else:
                self._troubles.report(symbol, StoreDamaged("the key of its trades is not ours"))
        return TradeAnswer(unread, known, kept)

    def _take(self, answer: TradeAnswer | None, now_s: float) -> None:
        """Goes by what Redis has answered; without an answer all is tried again, later."""
        sent, self._sent = self._sent, {}
        if answer is None:
            self._next_s = now_s + PAUSE_S
            for symbol, trades in sent.items():
                if symbol in self._sequences:
                    self._sequences[symbol].put_back(trades)
            return
        self._dropped += sum(len(sent[symbol]) for symbol in sent.keys() - answer.kept.keys())
        for symbol in answer.asked & self._unread:
            self._unread.discard(symbol)
            if (last := answer.known.get(symbol)) is not None:
                self._sequences[symbol].resume(last.agg_id, last.time_ms)
        for symbol, new in answer.kept.items():
            self._published += max(0, new)
            self._fenced += len(sent.get(symbol, ())) if new == agg_trades.FENCED else 0
