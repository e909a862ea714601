"""No trade is lost to a break: what is missing of any market is asked for, within a shared budget.

Never here: what is missing (`trade_gaps`), what to ask for it (`market_recovery`), how candles take
it in.
Invariant: at most one request for each market and `REQUESTS_MAX` at once, the cheapest first; the
feed's own thread never waits for an answer.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict

from redis import Redis

from truecandle.backoff import ceiling
from truecandle.binance.clock import JUMP_MS, ExchangeClock
from truecandle.binance.reachability import PROBE_S
from truecandle.binance.rest.client import RestClient
from truecandle.binance.streams.messages import trade_stream
from truecandle.binance.streams.reconnect import BACKOFF_MAX_S, BACKOFF_S
from truecandle.binance.streams.status import StreamStatusChange
from truecandle.candles.trades import Kline, Trade
from truecandle.errors import ExchangeError, ExchangeUnreachable, Outage, RateLimited, StoreError
from truecandle.feed.market_recovery import (
    MarketRecovery,
    RecoveryCounts,
    RecoveryRequest,
    RecoveryResult,
)
from truecandle.feed.resume_points import load_resume_points
from truecandle.feed.symbol_builder import SymbolBuilder

#: Weight a minute that recovery leaves to others: closes first, then recovery, then history.
RESERVE = 900
#: Requests in flight at once.
REQUESTS_MAX = 2
#: How often it is worked out what to ask.
ASK_S = 0.05
#: How often all markets are looked at for candles that are not exact.
CHECK_S = 0.5
#: A second of waiting outweighs one page: nobody waits for ever.
PAGES_PER_S = 1.0
#: The exchange's clock is measured this often at most, whatever speaks against it.
MEASURE_S = 5.0

log = logging.getLogger(__name__)


class Recovery:
    """All of it but `RecoveryRequest.run` happens in the feed's thread.

    `on_event` takes every trade and every change of a stream; `step` takes in what was answered and
    asks on, and says which markets it has touched. The exchange's clock is measured beside it.
    """

    def __init__(self, rest: RestClient, redis: Redis, clock: ExchangeClock) -> None:
        self._redis = redis
        self._rest = rest
        self._clock = clock
        self._measuring: Future[int] | None = None
        self._measure_s = 0.0
        self._measure_failures = 0
        self._measure_outage: Outage | None = None
        self._markets: dict[str, MarketRecovery] = {}
        self._streams: dict[str, MarketRecovery] = {}
        self._counts = RecoveryCounts()
        self._in_flight: dict[str, tuple[RecoveryRequest, Future[RecoveryResult]]] = {}
        self._workers = ThreadPoolExecutor(REQUESTS_MAX + 2, thread_name_prefix="recovery")
        self._asked_s: dict[str, float] = {}
        self._touched: set[str] = set()
        #: Markets whose last answer had odd rows.
        self._odd: set[str] = set()
        self._check_s = self._probe_s = 0.0
        self._probing: Future[None] = Future()
        self._probing.set_result(None)
        self._again_s = 0.0

    def follow(self, markets: Mapping[str, SymbolBuilder], now_s: float) -> None:
        """These markets from now on; new ones go on from what a feed before this one has stored."""
        before = self._markets
        self._markets = {
            symbol: before.get(symbol) or MarketRecovery(symbol, market, self._counts, now_s)
            for symbol, market in markets.items()
        }
        self._streams = {trade_stream(symbol): market for symbol, market in self._markets.items()}
        self._asked_s = {one: at_s for one, at_s in self._asked_s.items() if one in self._markets}
        new = {symbol: markets[symbol].series for symbol in self._markets.keys() - before.keys()}
        try:
            found = load_resume_points(self._redis, new, self._clock.now_ms()) if new else {}
        except StoreError as error:
            log.warning("recovery: what was stored before is not known: %s", error)
            return
        for symbol, point in found.items():
            self._markets[symbol].resume(point)
            self._touched.add(symbol)

    def on_event(self, event: Trade | Kline | StreamStatusChange, now_s: float) -> None:
        """What came in, in its order."""
        if isinstance(event, Trade):
            market = self._markets.get(event.symbol)
            if market is not None:
                market.on_trade(event, now_s)
        elif isinstance(event, StreamStatusChange):
            for name in event.names:
                if (market := self._streams.get(name)) is not None:
                    market.on_stream_change(event.is_live, now_s)
                    self._touched.add(market.symbol)

    def step(self, now_s: float) -> set[str]:
        """Takes in the answers, asks what is due; the markets whose candles may have changed."""
        self._collect(now_s)
        self._measure(now_s)
        if now_s - self._check_s >= CHECK_S:
            self._check_s, now_ms = now_s, self._clock.now_ms()
            for market in self._markets.values():
                market.check(now_s, now_ms)
        if now_s >= self._again_s:
            self._again_s = now_s + ASK_S
            self._send_requests(now_s)
        self._probe(now_s)
        touched, self._touched = self._touched, set()
        return touched

    def missing(self, symbol: str, now_s: float) -> str | None:
        """What is missing of a market, in words; None while nothing is known to be."""
        market = self._markets.get(symbol)
        return market.missing(now_s) if market else None

    def counts(self) -> dict[str, int]:
        """For heartbeat and metrics, over all markets since the start."""
        trackers = [market.trade_gaps for market in self._markets.values()]
        longest_s = max((tracker.longest_s for tracker in trackers), default=0.0)
        return {
            **asdict(self._counts),
            "holes": sum(len(tracker.gaps) for tracker in trackers),
            "longest_ms": round(longest_s * 1000),
        }

    def close(self) -> None:
        """Ends what is under way, soon."""
        self._rest.close()
        self._workers.shutdown(wait=True, cancel_futures=True)

    def _send_requests(self, now_s: float) -> None:
        """The cheapest first, and who has waited longest; as many as may be in flight."""
        if len(self._in_flight) >= REQUESTS_MAX:
            return
        idle = [market for market in self._markets.values() if market.symbol not in self._in_flight]
        due = [request for market in idle if (request := market.next_request(now_s))]
        due.sort(key=lambda one: one.pages + PAGES_PER_S * self._asked_s.get(one.symbol, 0.0))
        for request in due[: REQUESTS_MAX - len(self._in_flight)]:
            self._markets[request.symbol].on_asked(request, now_s)
            self._asked_s[request.symbol] = now_s
            self._in_flight[request.symbol] = request, self._workers.submit(request.run, self._rest)

    def _measure(self, now_s: float) -> None:
        """Has the exchange's clock measured where it is stale, one measurement at a time."""
        if self._measuring is not None:
            if not self._measuring.done():
                return
            self._on_measured(self._measuring, now_s)
            self._measuring = None
        is_over = self._measure_outage is not None and self._measure_outage.is_over
        if self._clock.is_stale() and (is_over or now_s >= self._measure_s):
            self._measuring = self._workers.submit(self._clock.measure)

    def _on_measured(self, measuring: Future[int], now_s: float) -> None:
        try:
            moved_ms = measuring.result()
        except (ExchangeError, StoreError) as error:
            self._measure_outage = error.outage if isinstance(error, ExchangeUnreachable) else None
            self._measure_failures += 1
            self._measure_s = now_s + ceiling(BACKOFF_S, BACKOFF_MAX_S, self._measure_failures)
            if self._measure_failures == 1:
                log.warning("recovery: the exchange's clock was not measured: %s", error)
            return
        self._measure_s, self._measure_failures = now_s + MEASURE_S, 0
        self._measure_outage = None
        if abs(moved_ms) > JUMP_MS:
            log.info("recovery: the exchange's clock was %+d ms from what was assumed", moved_ms)

    def _probe(self, now_s: float) -> None:
        """While an outage lasts, one asks for all whether it is over."""
        outages = self._rest.reach.outages
        if not outages or now_s < self._probe_s or not self._probing.done():
            return
        self._probe_s, self._counts.asked = now_s + PROBE_S, self._counts.asked + 1
        self._probing = self._workers.submit(outages[0].probe)

    def _collect(self, now_s: float) -> None:
        done = [symbol for symbol, (_, future) in self._in_flight.items() if future.done()]
        for symbol in done:
            request, future = self._in_flight.pop(symbol)
            market = self._markets.get(symbol)
            if market is not None:
                self._apply(market, request, future, now_s)
                self._touched.add(symbol)

    def _apply(
        self,
        market: MarketRecovery,
        request: RecoveryRequest,
        future: Future[RecoveryResult],
        now_s: float,
    ) -> None:
        try:
            result = future.result()
        except (ExchangeError, StoreError) as error:
            log.warning("recovery: %s of %s: %s", request.purpose, market.symbol, error)
            if isinstance(error, RateLimited):
                self._again_s = now_s + error.retry_after_ms / 1000
            market.on_failure(
                now_s, error.outage if isinstance(error, ExchangeUnreachable) else None
            )
        except Exception:  # the feed goes on, whatever a request met
            log.exception("recovery: %s of %s", request.purpose, market.symbol)
            market.on_failure(now_s)
        else:
            self._log_odd(request, result)
            if result.odd:
                trades = [one for one in result.events if isinstance(one, Trade)]
                market.on_partial_result(request, trades, now_s)
            else:
                market.on_result(request, result.events, now_s, result.date_ms)

    def _log_odd(self, request: RecoveryRequest, result: RecoveryResult) -> None:
        """Says it once a market, until an answer is sound again."""
        self._counts.odd += len(result.odd)
        if not result.odd:
            self._odd.discard(request.symbol)
        elif request.symbol not in self._odd:
            self._odd.add(request.symbol)
            log.warning(
                "recovery: %d odd rows among the trades of %s are left out, the first as %.200s",
                len(result.odd), request.symbol, result.odd[0],
            )  # fmt: skip
