"""The feed: events of the exchange's streams become live candles in Redis and on every chart.

Never here: sockets to the exchange (`binance/stream`), official candles, Flask.
Invariant: whatever fails, candles go on being built, and their newest state is stored in the end.

Reading order: inbox, prices, market, outbox, then `Feed`, which moves events from one to the next.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from threading import Event

from redis import Redis

from truecandle.binance.wire import kline_stream, trade_stream
from truecandle.candles.interval import INTERVALS
from truecandle.candles.series import Series
from truecandle.config import Settings
from truecandle.errors import StoreError
from truecandle.events import Publisher
from truecandle.feed.inbox import Inbox
from truecandle.feed.market import Market
from truecandle.feed.outbox import Item, Outbox
from truecandle.feed.prices import Summary
from truecandle.store import clock, markets, roles

#: How long the loop waits for an event before it looks whether something is due.
STEP_S = 0.02

#: The heartbeat, and with it a look at the shared clock and at which markets are followed.
BEAT_S = 2.0

log = logging.getLogger(__name__)


class Feed:
    """Builds the candles of all followed markets, in one thread.

    `deliver` takes events from any thread; `run` does the rest until it is told to stop. `now_ms`
    is this machine's time; `status` says what the streams have to say in the heartbeat. `subscribe`
    gets the names of the streams to live on, whenever other markets are followed.
    """

    def __init__(
        self,
        settings: Settings,
        redis: Redis,
        publisher: Publisher,
        *,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        status: Callable[[], Mapping[str, object]] = dict,
    ) -> None:
        self.inbox = Inbox()
        self.deliver = self.inbox.put
        self.subscribe: Callable[[list[str]], object] = lambda _: None
        self._redis = redis
        self._now_ms = now_ms
        self._status = status
        self._seed = settings.symbols
        self._intervals = [INTERVALS[name] for name in settings.intervals]
        self._outbox = Outbox(redis, publisher)
        self._markets = {symbol: self._market(symbol) for symbol in settings.symbols}
        self._active: set[Market] = set()
        self._offset_ms = 0
        self._beat_s = 0.0

    def streams(self) -> list[str]:
        """The streams that the feed lives on: trades, and klines at every followed interval."""
        return [
            name
            for symbol in self._markets
            for name in (
                trade_stream(symbol),
                *(kline_stream(symbol, interval.name) for interval in self._intervals),
            )
        ]

    def run(self, stopping: Event) -> None:
        """Until `stopping` is set; then once more, so that nothing built is left unsaved."""
        while not stopping.is_set():
            self.step(STEP_S)
        self._take_in(0.0)
        self._flush(math.inf)

    def step(self, wait_s: float) -> None:
        """Takes in what has come, waiting `wait_s` at most for it, and sends what is due."""
        self._take_in(wait_s)
        self._flush(time.monotonic())
        self._beat(time.monotonic())

    @property
    def exchange_ms(self) -> int:
        """The exchange's time: by the shared clock, and never before its own newest event."""
        newest_ms = max((market.event_ms for market in self._markets.values()), default=0)
        return max(self._now_ms() + self._offset_ms, newest_ms)

    def _take_in(self, wait_s: float) -> None:
        for event in self.inbox.take(wait_s):
            market = self._markets.get(event.symbol)
            if market is not None:
                market.add(event)
                self._active.add(market)

    def _flush(self, now_s: float) -> None:
        prices: list[tuple[str, Summary]] = []
        candles: list[Item] = []
        for market in list(self._active):
            taken = market.take(now_s)
            prices += [(market.symbol, summary) for summary in taken.prices]
            candles += taken.candles
            if market.is_quiet:
                self._active.discard(market)
        if prices or candles or self._outbox.has_unsaved:
            self._outbox.send(prices, candles, self.exchange_ms)

    def _beat(self, now_s: float) -> None:
        if now_s - self._beat_s < BEAT_S or self._outbox.is_away():
            return
        self._beat_s = now_s
        events = {symbol: market.event_ms for symbol, market in self._markets.items()}
        detail = {"last_event_ms": events, "lost": self.inbox.lost, **self._status()}
        try:
            measured = clock.measured(self._redis)
            self._follow([one.symbol for one in markets.followed(self._redis, self._seed)])
            roles.beat(self._redis, "feed", self._now_ms(), detail)
        except StoreError as error:
            self._outbox.leave_alone(error)
            return
        if measured is not None:
            self._offset_ms = measured.offset_ms

    def _follow(self, symbols: Sequence[str]) -> None:
        """Other markets come and go; what the rest have built stays."""
        if list(self._markets) == list(symbols):
            return
        before = self._markets
        self._markets = {name: before.get(name) or self._market(name) for name in symbols}
        self._active &= set(self._markets.values())
        log.info("feed: follows %s", ", ".join(symbols))
        self.subscribe(self.streams())

    def _market(self, symbol: str) -> Market:
        return Market(symbol, [Series(symbol, interval) for interval in self._intervals])
