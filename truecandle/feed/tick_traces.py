"""Ticks that are traced: from the read of the exchange's socket to the events that tell of them.

Of the trades that come a few are chosen; of each its moments are kept until an event holds it, and
spans are made then, so that a trade of which nothing is told leaves no trace.

Never here: how spans are sent (`tracing`), what a trade does to a candle.
Invariant: bounded, one trade of a market at a time; without tracing there is none of this.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from truecandle.binance.streams.messages import trade_stream
from truecandle.candles.candle import LiveCandle
from truecandle.candles.series import Series
from truecandle.candles.trades import Trade
from truecandle.feed.event_queue import FeedEvent
from truecandle.feed.symbol_builder import PriceUpdate
from truecandle.tracing.spans import OpenSpan, Tracing
from truecandle.tracing.traceparent import TraceParent

#: Of a trade that nothing has told of for so long nothing will: another feed leads its market.
FORGOTTEN_S: Final = 5.0
#: Markets of which a trade may be on its way at once.
MARKETS_MAX: Final = 200
CHANNEL: Final = {
    "messaging.system": "redis",
    "messaging.operation.type": "send",
    "messaging.operation.name": "publish",
}


@dataclass(slots=True)
class TracedTick:
    """A trade on its way. Moments are ns since 1970 by this machine's clock; 0: not yet."""

    trade: Trade
    arrived_s: float
    read_ns: int
    taken_ns: int = 0
    built_ns: int = 0
    #: The span of the whole way through the feed, once something is told of the trade.
    root: OpenSpan | None = None
    is_priced: bool = False


@dataclass(slots=True)
class Publishing:
    """Spans of events that are being published."""

    spans: list[OpenSpan] = field(default_factory=list)

    def end(self, is_taken: bool) -> None:
        for span in self.spans:
            span.end(error="" if is_taken else "Redis took no events")


class TickTraces:
    """`deliver` by the streams' threads, `on_built` by the one that builds, the rest by the one
    that sends.

    `put` is where events go on to; `read_s(name)` is when the connection of a stream last brought
    anything (monotonic).
    """

    def __init__(
        self,
        tracing: Tracing,
        put: Callable[[FeedEvent], object],
        read_s: Callable[[str], float | None],
    ) -> None:
        self._tracing = tracing
        self._share = tracing.share
        self._put = put
        self._read_s = read_s
        self._lock = threading.Lock()
        #: By symbol.
        self._ticks: dict[str, TracedTick] = {}

    def deliver(self, event: FeedEvent) -> None:
        """Hands an event on; of the trades a share is chosen."""
        if random.random() < self._share and isinstance(event, Trade):  # nosec B311: a sample
            self._choose(event)
        self._put(event)

    def _choose(self, trade: Trade) -> None:
        now_s, now_ns = time.monotonic(), time.time_ns()
        with self._lock:
            former = self._ticks.get(trade.symbol)
            if former is not None and now_s - former.arrived_s < FORGOTTEN_S:
                return
            if not self._tracing.has_room():
                return
            if former is None and len(self._ticks) >= MARKETS_MAX:
                del self._ticks[next(iter(self._ticks))]
            read_s = self._read_s(trade_stream(trade.symbol)) or now_s
            read_ns = now_ns - round((now_s - read_s) * 1e9)
            self._ticks[trade.symbol] = TracedTick(trade, now_s, read_ns)

    def on_built(self, events: Iterable[FeedEvent], taken_ns: int) -> None:
        """These were taken from the queue then, and are part of candles now."""
        if not self._ticks:
            return
        now_ns = time.time_ns()
        with self._lock:
            for event in events:
                if isinstance(event, Trade):
                    tick = self._ticks.get(event.symbol)
                    if tick is not None and tick.trade is event:
                        tick.taken_ns, tick.built_ns = taken_ns, now_ns

    def price(self, symbol: str, update: PriceUpdate, publishing: Publishing) -> str:
        """The `traceparent` of a price that is being published; "" for one that is not traced."""
        tick = self._of(symbol, update.first_id, update.last_id)
        if tick is None or tick.is_priced:
            return ""
        tick.is_priced = True
        return self._begin("publish live_price", tick, symbol, publishing)

    def candle(self, series: Series, candle: LiveCandle, publishing: Publishing) -> str:
        """The same of a candle."""
        tick = self._of(series.symbol, candle.first_id, candle.last_id)
        if tick is None:
            return ""
        return self._begin("publish live_candle", tick, series.name, publishing)

    def on_stored(self, stored: Iterable[tuple[Series, LiveCandle]], started_ns: int) -> None:
        """These candles were stored, all in one round trip that began then."""
        if not self._ticks:
            return
        now_ns, symbols = time.time_ns(), set[str]()
        for series, candle in stored:
            tick = self._of(series.symbol, candle.first_id, candle.last_id)
            if tick is not None and series.symbol not in symbols:
                symbols.add(series.symbol)
                db = {"db.system.name": "redis", "db.operation.name": "save_live"}
                root = self._root(tick).place
                self._tracing.record("store live_candle", "client", started_ns, now_ns, root, db)

    def on_told(self, candles: Sequence[tuple[Series, LiveCandle]]) -> None:
        """These candles were published: of the trades in them everything is told."""
        if not self._ticks:
            return
        for series, candle in candles:
            tick = self._of(series.symbol, candle.first_id, candle.last_id)
            if tick is not None and tick.root is not None:
                with self._lock:
                    self._ticks.pop(series.symbol, None)
                tick.root.end()

    def counts(self) -> dict[str, object]:
        """Spans that were sent, and those that were not, for a sign of life."""
        return {"spans": self._tracing.counts()}

    def _of(self, symbol: str, first_id: int | None, last_id: int | None) -> TracedTick | None:
        """The traced trade of that market, if it is built and among these."""
        if not self._ticks or first_id is None or last_id is None:
            return None
        tick = self._ticks.get(symbol)
        if tick is None or not tick.built_ns:
            return None
        return tick if first_id <= tick.trade.last_id <= last_id else None

    def _begin(self, name: str, tick: TracedTick, room: str, publishing: Publishing) -> str:
        given = {**CHANNEL, "messaging.destination.name": room}
        span = self._tracing.begin(name, "producer", parent=self._root(tick).place, given=given)
        publishing.spans.append(span)
        return str(span.place)

    def _root(self, tick: TracedTick) -> OpenSpan:
        """Made when something is first told of the trade, with what had been until then."""
        if tick.root is None:
            trade = tick.trade
            tick.root = self._tracing.begin(
                "tick",
                "consumer",
                start_ns=tick.read_ns,
                given={
                    "messaging.system": "binance",
                    "messaging.operation.type": "receive",
                    "messaging.destination.name": trade_stream(trade.symbol),
                    "truecandle.symbol": trade.symbol,
                    "truecandle.trade.id": trade.last_id,
                    "truecandle.trade.sent_ms": trade.event_ms,
                },
            )
            self._note(tick, tick.root.place)
        return tick.root

    def _note(self, tick: TracedTick, root: TraceParent) -> None:
        for name, start_ns, end_ns in (
            ("wait in queue", tick.read_ns, tick.taken_ns),
            ("build candles", tick.taken_ns, tick.built_ns),
        ):
            self._tracing.record(name, "internal", start_ns, end_ns, root)
