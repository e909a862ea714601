"""The feed role: its parts, and the loop from the queue to the builders and on to Redis.

Never here: sockets to the exchange (`binance/streams`), official candles, Flask.
Invariant: whatever fails, candles go on being built, and their newest state is stored in the end.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Event

from redis import Redis

from truecandle.binance.clock import ExchangeClock
from truecandle.binance.rest.client import RestClient
from truecandle.binance.streams.pool import StreamPool
from truecandle.binance.streams.status import StreamStatusChange
from truecandle.candles.freshness import Facts
from truecandle.candles.interval import INTERVALS
from truecandle.candles.series import Series
from truecandle.config import Settings
from truecandle.errors import StoreError, StoreUnavailable
from truecandle.events import Publisher
from truecandle.feed.event_queue import EVENTS_MAX, EventQueue
from truecandle.feed.feed_stats import FeedStats
from truecandle.feed.freshness_reporter import FreshnessReporter
from truecandle.feed.live_publisher import LivePublisher, SeriesCandle, SymbolPrice
from truecandle.feed.market_leadership import MarketLeadership
from truecandle.feed.recovery import RESERVE, Recovery
from truecandle.feed.sender import Sender
from truecandle.feed.symbol_builder import SymbolBuilder, stream_names
from truecandle.feed.tick_traces import TickTraces
from truecandle.feed.trade_publisher import TradePublisher
from truecandle.store import clock, freshness, markets, roles, shared_settings
from truecandle.store.budget import Budget
from truecandle.tracing.spans import Tracing
from truecandle.watchdog import Watchdog

#: How long the loop waits for an event before it looks whether something is due: while an answer is
#: under way or something was due already, and while nothing is.
STEP_S, IDLE_S = 0.02, 0.25

#: What is due is sent together, this often; more rarely where gathering it takes longer, so that
#: half of the time is left for what comes in, or where Redis has not taken what was sent before.
FLUSH_S = 0.01

#: What is due by the clock within this of something else is done with it.
TOGETHER_S = 0.05

#: Told to stop, it takes in what waits for this long at most.
DRAIN_S = 0.5

#: How fresh the markets are is reported this often, and at once when a connection changes.
REPORT_S = 1.0

#: The heartbeat, and with it a look at the shared clock and at which markets are followed.
BEAT_S = 2.0

#: The names of its loops for the watchdog: building, and sending what was built.
LOOP, SENDING = LOOPS = ("feed", "sending")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FeedRole:
    """One feed, not started: `streams` bring in events by threads of their own, `feed` takes them
    in and sends what is due in the process's own."""

    feed: Feed
    streams: StreamPool


def build(
    settings: Settings,
    redis: Redis,
    stop: Event,
    clock: ExchangeClock,
    events_max: int = EVENTS_MAX,
    tracing: Tracing | None = None,
) -> FeedRole:
    """The feed that these settings describe. When `stop` is set, nothing is waited for; `clock` is
    the exchange's, and measured by the feed. `events_max` may wait to be taken in."""
    rest = RestClient(
        settings.binance_rest_url,
        Budget(redis),
        reserve=RESERVE,
        sleep=stop.wait,
        now_ms=clock.now_ms,
        route=settings.egress.route(settings.binance_rest_url),
    )
    queue, publisher = EventQueue(events_max), Publisher(settings.redis_url)
    names = [name for one in settings.symbols for name in stream_names(one, settings.intervals)]
    way = settings.egress.route(settings.binance_ws_url)
    streams: StreamPool
    traces, deliver = None, queue.put
    if tracing is not None:
        traces = TickTraces(tracing, queue.put, lambda name: streams.health(name).pong_s)
        deliver = traces.deliver
    streams = StreamPool(settings.binance_ws_url, names, deliver, route=way)
    recovery = Recovery(rest, redis, clock)
    feed = Feed(settings, redis, publisher, clock, queue, streams, recovery, traces)
    return FeedRole(feed, streams)


class Feed:
    """Builds the candles of all followed markets, in one thread, and publishes those that it leads.

    `queue` takes events from any thread; `run` does the rest until it is told to stop, and leaves
    to a thread of its own (`sender`) whatever Redis has to answer. `clock` is
    the exchange's. `streams` are told which to follow, whenever other markets are followed, and say
    how they are; what a break of them loses is asked for by `recovery`, until `run` has ended.
    `traces` is None without tracing.
    """

    def __init__(
        self,
        settings: Settings,
        redis: Redis,
        publisher: Publisher,
        clock: ExchangeClock,
        queue: EventQueue,
        streams: StreamPool,
        recovery: Recovery,
        traces: TickTraces | None = None,
    ) -> None:
        self.queue = queue
        self.recovery = recovery
        self.leadership = MarketLeadership(redis)
        self._streams = streams
        self._redis = redis
        self._clock = clock
        self._seed = settings.symbols
        self._told_settings = shared_settings.told(settings)
        self._intervals = [INTERVALS[name] for name in settings.intervals]
        self._live_publisher = LivePublisher(redis, publisher, clock.now_ms, traces)
        self._trade_publisher = TradePublisher(redis, settings.trades_kept, clock.now_ms)
        self._sender = Sender()
        self._traces = traces
        #: What Redis has not answered yet: which leases are ours; which markets are followed.
        self._renewing: Future[frozenset[str] | None] | None = None
        self._asking: Future[Sequence[markets.FollowedMarket] | None] | None = None
        self._stats = FeedStats()
        self._markets = {symbol: self._market(symbol) for symbol in settings.symbols}
        self._freshness = FreshnessReporter()
        self._active: set[SymbolBuilder] = set()
        self._flush_s = self._report_s = self._beat_s = 0.0
        #: Something has come in since it was looked what is due.
        self._has_unlooked = False
        self.recovery.follow(self._markets, time.monotonic())
        self._resume_stored()

    @property
    def stream_names(self) -> list[str]:
        """The streams that the feed lives on."""
        return [name for market in self._markets.values() for name in market.stream_names]

    def run(self, stopping: Event, watchdog: Watchdog) -> None:
        """Until `stopping` is set; then once more, so that nothing built is left unsaved, and its
        markets are given up to whoever stands by."""
        while not stopping.is_set():
            watchdog.report(LOOP)
            self.step(self._wait_s())
            if self._sender.is_idle():
                watchdog.report(SENDING)
        self.recovery.close()
        until_s = time.monotonic() + DRAIN_S
        while self._drain_events(0.0) and time.monotonic() < until_s:
            pass
        self.wait_sent()
        self._flush(math.inf)
        self._sender.close()
        self._trade_publisher.close(time.monotonic(), self.leadership.fences(self._markets))
        try:
            self.leadership.release()
            roles.leave(self._redis, "feed", self.leadership.holder)
        except StoreError as error:
            log.warning("feed: its markets were not given up: %s", error)

    def wait_sent(self) -> None:
        """Waits until Redis has answered all that was sent, and goes by that."""
        self._sender.finish()
        self._take_answers(time.monotonic())
        self._sender.finish()
        self._trade_publisher.finish()

    def step(self, wait_s: float) -> None:
        """Takes in what has come, waiting `wait_s` at most for it, and sends what is due."""
        taken = self._drain_events(wait_s)
        self._resume_stored()
        now_s = time.monotonic()
        self._take_answers(now_s)
        is_away, until_s = self._live_publisher.is_paused(), now_s + TOGETHER_S
        self._has_unlooked = now_s < self._flush_s and (self._has_unlooked or taken > 0)
        if now_s >= self._flush_s:
            touched = self.recovery.step(now_s)
            self._active |= {self._markets[one] for one in touched & self._markets.keys()}
            self._flush_s = now_s + FLUSH_S
            if self._flush(now_s):
                ended_s = time.monotonic()
                self._flush_s = ended_s + max(FLUSH_S, ended_s - now_s)
        if self._renewing is None and until_s >= self.leadership.due_s and not is_away:
            self._renewing = self._sender.send(self._renew_leadership, list(self._markets), now_s)
            self._renewing.add_done_callback(self._wake_if_new)
        if now_s >= self._trade_publisher.due_s:
            self._trade_publisher.step(now_s, self.leadership.fences(self._markets))
        if until_s >= self._report_s and not is_away:
            self._report_freshness(now_s)
        if until_s >= self._beat_s and not is_away:
            self._beat(now_s)

    def _wait_s(self) -> float:
        """For how long nothing is due by the clock alone: whoever wakes fifty times a second for
        nothing costs a percent of a core."""
        if self._has_unlooked:
            return max(0.0, self._flush_s - time.monotonic())
        if len(self.queue) or self.recovery.is_busy:
            return STEP_S
        dues_s = [market.due_s() for market in self._active]
        dues_s += [self._trade_publisher.due_s, self.leadership.due_s, self._report_s, self._beat_s]
        return min(IDLE_S, max(STEP_S, min(dues_s) - time.monotonic()))

    def _drain_events(self, wait_s: float) -> int:
        events = self.queue.drain(wait_s)
        now_s, taken_ns = time.monotonic(), time.time_ns()
        for event in events:
            if isinstance(event, StreamStatusChange):
                self._report_s = 0.0
            elif (market := self._markets.get(event.symbol)) is not None:
                market.add(event)
                self._active.add(market)
            self.recovery.on_event(event, now_s)
        if self._traces is not None:
            self._traces.on_built(events, taken_ns)
        newest_ms = self._stats.record_events(events, self._clock.now_ms())
        if newest_ms is not None:
            self._clock.hear(newest_ms)
        return len(events)

    def _flush(self, now_s: float, new: Collection[str] = ()) -> bool:
        """Sends what is due, and all that there is of markets that are `new` to be led; unless
        Redis has not taken all that was sent before: then it goes on being gathered, which makes
        less of it, and is looked at as soon as Redis has. Whether it was looked at."""
        if not self._sender.is_idle():
            self._sender.call_when_idle(self._flush_soon)
            return False
        prices: list[SymbolPrice] = []
        candles: list[SeriesCandle] = []
        is_away = self._live_publisher.is_paused()
        for market in list(self._active):
            due = market.drain(now_s, with_prices=not is_away)
            prices += [(market.symbol, update) for update in due.prices]
            candles += due.candles
            if market.is_drained:
                self._active.discard(market)
        fences = self.leadership.fences(self._markets)
        self._stats.record_closed(candles, fences, now_s)
        if new:
            series = [one for symbol in sorted(new) for one in self._markets[symbol].series]
            self._sender.send(self._live_publisher.take_over, series, prices, candles, fences)
        elif prices or candles or self._live_publisher.has_unsaved(fences):
            self._sender.send(self._live_publisher.publish, prices, candles, fences)
        return True

    def _flush_soon(self) -> None:
        self._flush_s = 0.0
        self.queue.wake()

    def _resume_stored(self) -> None:
        """Until what was stored before is read nothing is stored: while Redis is away, neither."""
        if not self.recovery.has_unread or self._live_publisher.is_paused():
            return
        try:
            self.recovery.resume_stored()
        except StoreUnavailable as error:
            self._live_publisher.pause(error)

    def _take_answers(self, now_s: float) -> None:
        """What follows from what Redis has answered since."""
        if self._renewing is not None and self._renewing.done():
            new, self._renewing = self._renewing.result(), None
            if new is not None:
                self._on_renewed(new, now_s)
        if self._asking is not None and self._asking.done():
            followed, self._asking = self._asking.result(), None
            if followed is not None:
                self._follow(followed)

    def _renew_leadership(self, symbols: Sequence[str], now_s: float) -> frozenset[str] | None:
        """Renews the leases; the markets led since now, None while Redis is away."""
        try:
            new = self.leadership.renew(symbols, now_s)
        except StoreError as error:
            self._live_publisher.pause(error)
            return None
        self._live_publisher.drop_stale(self.leadership.fences(symbols))
        return new

    def _wake_if_new(self, renewing: Future[frozenset[str] | None]) -> None:
        """Markets that are led since now are not kept waiting."""
        if renewing.exception() is None and renewing.result():
            self.queue.wake()

    def _on_renewed(self, new: frozenset[str], now_s: float) -> None:
        """Of markets led since now, everything is published at once."""
        if new := new & self._markets.keys():
            self._report_s = self._beat_s = 0.0
            self._sender.finish()
            self._flush(now_s, new)

    def _report_freshness(self, now_s: float) -> None:
        """Reports how fresh the markets are; renews what has fallen silent."""
        self._report_s = now_s + REPORT_S
        silent = self._freshness.check(self._markets.values(), self._streams, now_s)
        if silent:
            log.warning("feed: silent while others talk, renewed: %s", ", ".join(silent))
            self._streams.renew(silent)
        facts, now_ms = {}, self._clock.now_ms()
        for symbol in self.leadership.fences(self._markets):
            missing = self.recovery.missing(symbol, now_s)
            stored_ms = self._live_publisher.stored_ms(symbol)
            facts[symbol] = self._freshness.facts(
                symbol, self._streams, missing, stored_ms, now_ms, now_s
            )
        self._sender.send(self._note_freshness, facts)

    def _note_freshness(self, facts: Mapping[str, Facts]) -> None:
        try:
            freshness.note(self._redis, facts)
        except StoreError as error:
            self._live_publisher.pause(error)

    def _beat(self, now_s: float) -> None:
        """Gives a sign of life, and asks which markets are followed."""
        self._beat_s = now_s + BEAT_S
        self._asking = self._sender.send(self._exchange_beat, self._detail())

    def _exchange_beat(
        self, detail: Mapping[str, object]
    ) -> Sequence[markets.FollowedMarket] | None:
        """The markets that are followed, None while Redis is away."""
        try:
            self._share_clock()
            followed = markets.followed(self._redis, self._seed)
            roles.heartbeat(self._redis, "feed", detail, self.leadership.holder)
        except StoreError as error:
            self._live_publisher.pause(error)
            return None
        return followed

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
            "leads": len(self.leadership.fences(self._markets)),
            "lost": self.queue.lost,
            "waiting": len(self.queue),
            "told": self._live_publisher.published,
            "fenced": self._live_publisher.fenced,
            "contradictions": sum(one.contradictions for one in self._markets.values()),
            "recovery": self.recovery.counts(),
            "passed_on": self._trade_publisher.counts(),
            **self._told_settings,
            **self._stats.report(),
            **self._live_publisher.lags(),
            **self._streams.counts(),
            **(self._traces.counts() if self._traces else {}),
        }

    def _follow(self, followed: Sequence[markets.FollowedMarket]) -> None:
        """Other markets come and go; what the rest have built stays."""
        if list(self._markets) != (symbols := [one.symbol for one in followed]):
            self._follow_symbols(symbols)
        for one in followed:
            self._markets[one.symbol].set_instrument(one.instrument)

    def _follow_symbols(self, symbols: Sequence[str]) -> None:
        before = self._markets
        self._markets = {name: before.get(name) or self._market(name) for name in symbols}
        self._active &= set(self._markets.values())
        gone = before.keys() - self._markets.keys()
        self._sender.send(self._live_publisher.forget, gone)
        self._trade_publisher.forget(gone)
        self.recovery.follow(self._markets, time.monotonic())
        self._resume_stored()
        log.info("feed: follows %s", ", ".join(symbols))
        self._streams.follow(self.stream_names)

    def _market(self, symbol: str) -> SymbolBuilder:
        series = [Series(symbol, interval) for interval in self._intervals]
        return self._trade_publisher.builder(symbol, series)
