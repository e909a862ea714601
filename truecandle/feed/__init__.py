"""The feed: events of the exchange's streams become live candles in Redis and on every chart.

Never here: sockets to the exchange (`binance/streams`), official candles, Flask.
Invariant: whatever fails, candles go on being built, and their newest state is stored in the end.

Reading order: inbox, prices, market, outbox, lead, then `Feed`, which moves events from one to the
next; mute and facts say how fresh a market is, figures how the feed is.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from threading import Event

from redis import Redis

from truecandle.binance.clock import ExchangeClock
from truecandle.binance.rest.client import RestClient
from truecandle.binance.streams.pool import StreamPool
from truecandle.binance.streams.status import StreamStatusChange
from truecandle.candles.interval import INTERVALS
from truecandle.candles.series import Series
from truecandle.config import Settings
from truecandle.errors import StoreError
from truecandle.events import Publisher
from truecandle.feed.facts import Notes, Source, streams_of
from truecandle.feed.figures import Figures
from truecandle.feed.inbox import Inbox
from truecandle.feed.lead import Lead
from truecandle.feed.market import Market
from truecandle.feed.outbox import Item, Outbox, Price
from truecandle.feed.recovery import RESERVE, Recovery
from truecandle.store import clock, freshness, markets, roles
from truecandle.store.budget import Budget

#: How long the loop waits for an event before it looks whether something is due.
STEP_S = 0.02

#: What is due is sent together, this often; more rarely where sending takes longer, so that half
#: of the time is left for what comes in.
FLUSH_S = 0.01

#: Told to stop, it takes in what waits for this long at most.
DRAIN_S = 0.5

#: How fresh the markets are is noted this often, and at once when a connection changes.
NOTE_S = 1.0

#: The heartbeat, and with it a look at the shared clock and at which markets are followed.
BEAT_S = 2.0

log = logging.getLogger(__name__)


def build(
    settings: Settings, redis: Redis, sleep: Callable[[float], object]
) -> tuple[Feed, StreamPool]:
    """The feed of a process and the streams that it lives on, not started yet. `sleep` waits some
    seconds, or less when the process is to stop."""
    rest = RestClient(
        settings.binance_rest_url,
        Budget(redis),
        reserve=RESERVE,
        sleep=sleep,
        now_ms=lambda: exchange.now_ms(),
    )
    exchange, publisher = ExchangeClock(rest), Publisher(settings.redis_url)
    feed = Feed(settings, redis, publisher, exchange, status=lambda: streams.counts())
    streams = StreamPool(settings.binance_ws_url, feed.streams(), feed.deliver)
    feed.source = streams
    feed.recover(rest)
    return feed, streams


class Feed:
    """Builds the candles of all followed markets, in one thread, and tells of those that it leads.

    `deliver` takes events from any thread; `run` does the rest until it is told to stop. `clock` is
    the exchange's; `status` says what the streams have to say in the heartbeat. `source` is told
    which streams to follow, whenever other markets are followed, and says how they are.
    """

    def __init__(
        self,
        settings: Settings,
        redis: Redis,
        publisher: Publisher,
        clock: ExchangeClock,
        *,
        status: Callable[[], Mapping[str, object]] = dict,
    ) -> None:
        self.inbox = Inbox()
        self.deliver = self.inbox.put
        self.source: Source | None = None
        self.recovery: Recovery | None = None
        self.lead = Lead(redis)
        self._redis = redis
        self._clock = clock
        self._status = status
        self._seed = settings.symbols
        self._intervals = [INTERVALS[name] for name in settings.intervals]
        self._outbox = Outbox(redis, publisher)
        self._figures = Figures()
        self._markets = {symbol: self._market(symbol) for symbol in settings.symbols}
        self._notes = Notes()
        self._active: set[Market] = set()
        self._flush_s = self._note_s = self._beat_s = 0.0

    def streams(self) -> list[str]:
        """The streams that the feed lives on: trades, and klines at every followed interval."""
        return [name for market in self._markets.values() for name in streams_of(market)]

    def recover(self, rest: RestClient) -> None:
        """What a break loses is asked for there, from now on until `run` has ended."""
        self.recovery = Recovery(rest, self._redis, self._clock)
        self.recovery.follow(self._markets, time.monotonic())

    def run(self, stopping: Event) -> None:
        """Until `stopping` is set; then once more, so that nothing built is left unsaved, and its
        markets are given up to whoever stands by."""
        while not stopping.is_set():
            self.step(STEP_S)
        if self.recovery is not None:
            self.recovery.close()
        until_s = time.monotonic() + DRAIN_S
        while self._take_in(0.0) and time.monotonic() < until_s:
            pass
        self._flush(math.inf)
        try:
            self.lead.release()
            roles.leave(self._redis, "feed", self.lead.holder)
        except StoreError as error:
            log.warning("feed: its markets were not given up: %s", error)

    def step(self, wait_s: float) -> None:
        """Takes in what has come, waiting `wait_s` at most for it, and sends what is due."""
        self._take_in(wait_s)
        now_s = time.monotonic()
        if self.lead.is_due(now_s) and not self._outbox.is_away():
            self._take_lead(now_s)
        if now_s >= self._flush_s:
            if self.recovery is not None:
                touched = self.recovery.step(now_s)
                self._active |= {self._markets[one] for one in touched & self._markets.keys()}
            self._flush(now_s)
            ended_s = time.monotonic()
            self._flush_s = ended_s + max(FLUSH_S, ended_s - now_s)
        if now_s >= self._note_s and not self._outbox.is_away():
            self._note(now_s)
        self._beat(now_s)

    def _take_in(self, wait_s: float) -> int:
        events = self.inbox.take(wait_s)
        now_s = time.monotonic()
        for event in events:
            if isinstance(event, StreamStatusChange):
                self._note_s = 0.0
            elif (market := self._markets.get(event.symbol)) is not None:
                market.add(event)
                self._active.add(market)
            if self.recovery is not None:
                self.recovery.see(event, now_s)
        newest_ms = self._figures.count(events, self._clock.now_ms())
        if newest_ms is not None:
            self._clock.hear(newest_ms)
        return len(events)

    def _flush(self, now_s: float) -> None:
        prices: list[Price] = []
        candles: list[Item] = []
        is_away = self._outbox.is_away()
        for market in list(self._active):
            taken = market.take(now_s, with_prices=not is_away)
            prices += [(market.symbol, summary) for summary in taken.prices]
            candles += taken.candles
            if market.is_quiet:
                self._active.discard(market)
        fences = self.lead.fences(self._markets)
        self._figures.close(candles, fences, now_s)
        self._outbox.keep(candles)
        if prices or self._outbox.has_unsaved(fences):
            self._outbox.send(prices, fences, self._clock.now_ms())

    def _take_lead(self, now_s: float) -> None:
        """Renews the leases; of markets led since now, everything is told at once."""
        try:
            new = self.lead.tick(self._markets, now_s)
        except StoreError as error:
            self._outbox.leave_alone(error)
            return
        fences = self.lead.fences(self._markets)
        self._outbox.prune(fences, self._clock.now_ms())
        if new:
            self._note_s = 0.0
            self._flush(now_s)
            series = [one for symbol in sorted(new) for one in self._markets[symbol].series]
            self._outbox.announce(series, fences, self._clock.now_ms())

    def _note(self, now_s: float) -> None:
        """Notes how fresh the markets are; renews what has fallen silent."""
        self._note_s = now_s + NOTE_S
        if self.source is None:
            return
        mute = self._notes.look(self._markets.values(), self.source, now_s)
        if mute:
            log.warning("feed: silent while others talk, renewed: %s", ", ".join(mute))
            self.source.renew(mute)
        noted, now_ms = {}, self._clock.now_ms()
        for symbol in self.lead.fences(self._markets):
            missing = self.recovery.behind(symbol, now_s) if self.recovery else None
            shown = self._outbox.shown(symbol)
            noted[symbol] = self._notes.facts(symbol, self.source, missing, shown, now_ms, now_s)
        try:
            freshness.note(self._redis, noted)
        except StoreError as error:
            self._outbox.leave_alone(error)

    def _beat(self, now_s: float) -> None:
        if now_s - self._beat_s < BEAT_S or self._outbox.is_away():
            return
        self._beat_s = now_s
        try:
            self._share_clock()
            self._follow(markets.followed(self._redis, self._seed))
            roles.beat(self._redis, "feed", self._detail(), self.lead.holder)
        except StoreError as error:
            self._outbox.leave_alone(error)

    def _share_clock(self) -> None:
        """Goes by others' word of the time until it has measured itself, then shares its own."""
        if not self._clock.is_measured:
            self._clock.assume(clock.read(self._redis).exchange_ms)
        elif not self._clock.is_unsure():
            clock.publish(self._redis, self._clock.now_ms())

    def _detail(self) -> dict[str, object]:
        return {
            "last_event_ms": {name: market.event_ms for name, market in self._markets.items()},
            "markets": len(self._markets),
            "leads": len(self.lead.fences(self._markets)),
            "lost": self.inbox.lost,
            "waiting": len(self.inbox),
            "told": self._outbox.told,
            "fenced": self._outbox.fenced,
            "contradictions": sum(one.contradictions for one in self._markets.values()),
            "recovery": self.recovery.counts() if self.recovery is not None else None,
            **self._figures.take(),
            **self._status(),
        }

    def _follow(self, followed: Sequence[markets.Market]) -> None:
        """Other markets come and go; what the rest have built stays."""
        if list(self._markets) != (symbols := [one.symbol for one in followed]):
            self._change(symbols)
        for one in followed:
            self._markets[one.symbol].learn(one.listing)

    def _change(self, symbols: Sequence[str]) -> None:
        before = self._markets
        self._markets = {name: before.get(name) or self._market(name) for name in symbols}
        self._active &= set(self._markets.values())
        self._outbox.forget(before.keys() - self._markets.keys())
        if self.recovery is not None:
            self.recovery.follow(self._markets, time.monotonic())
        log.info("feed: follows %s", ", ".join(symbols))
        if self.source is not None:
            self.source.follow(self.streams())

    def _market(self, symbol: str) -> Market:
        return Market(symbol, [Series(symbol, interval) for interval in self._intervals])
