"""No trade is lost to a break: what is missing of any market is asked for, within a shared budget.

A feed that starts goes on from what the one before it has stored (`load_resume_points`): what came
since is missing like what a break has lost.

Never here: what is missing (`trade_gaps`), what to ask for it (`market_recovery`), how candles take
it in.
Invariant: at most one request for each market and `REQUESTS_MAX` at once, the cheapest first; the
feed's own thread never waits for an answer. Only what our own feed said, and called exact, is gone
on from.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict
from typing import NamedTuple

from redis import Redis

from truecandle.backoff import Backoff
from truecandle.binance.clock import JUMP_MS, ExchangeClock
from truecandle.binance.reachability import PROBE_S
from truecandle.binance.rest.client import RestClient
from truecandle.binance.streams.messages import trade_stream
from truecandle.binance.streams.reconnect import BACKOFF_MAX_S, BACKOFF_S
from truecandle.binance.streams.status import StreamStatusChange
from truecandle.candles.candle import LiveCandle
from truecandle.candles.series import Series
from truecandle.candles.trades import Kline, Trade
from truecandle.errors import (
    CandleError,
    ExchangeError,
    ExchangeUnreachable,
    Outage,
    RateLimited,
    StoreError,
    StoreUnavailable,
)
from truecandle.feed.market_recovery import (
    MarketRecovery,
    RecoveryCounts,
    RecoveryRequest,
)
from truecandle.feed.symbol_builder import SymbolBuilder
from truecandle.feed.trade_gaps import ResumePoint
from truecandle.log_once import TroubleLog
from truecandle.store import clock, live
from truecandle.store.batch import Batch

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

#: Intervals of one market whose candles are further apart do not go on together.
TRADES_APART_MAX = 1_000
#: Stored candles of a series that are looked at for the last one that traded.
CANDLES_MAX = 60

log = logging.getLogger(__name__)


class Recovery:
    """All of it but the requests themselves happens in the feed's thread.

    `on_event` takes every trade and every change of a stream; `step` takes in what was answered and
    asks on, and says which markets it has touched. The exchange's clock is measured beside it.
    """

    def __init__(self, rest: RestClient, redis: Redis, clock: ExchangeClock) -> None:
        self._redis = redis
        self._rest = rest
        self._clock = clock
        self._measuring: Future[int] | None = None
        self._measure_s = 0.0
        self._measure_backoff = Backoff(BACKOFF_S, BACKOFF_MAX_S)
        self._measure_outage: Outage | None = None
        self._markets: dict[str, MarketRecovery] = {}
        self._streams: dict[str, MarketRecovery] = {}
        #: Markets of which nobody has read yet what a feed before this one has stored.
        self._unread: set[str] = set()
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
        self._troubles = TroubleLog(log)

    def follow(self, markets: Mapping[str, SymbolBuilder], now_s: float) -> None:
        """These markets from now on; `resume_stored` is due for new ones."""
        before = self._markets
        self._markets = {
            symbol: before.get(symbol) or MarketRecovery(symbol, market, self._counts, now_s)
            for symbol, market in markets.items()
        }
        self._streams = {trade_stream(symbol): market for symbol, market in self._markets.items()}
        self._asked_s = {one: at_s for one, at_s in self._asked_s.items() if one in self._markets}
        for gone in before.keys() - self._markets.keys():
            self._troubles.clear(f"recovery: {gone}")
        self._unread |= self._markets.keys() - before.keys()
        self._unread &= self._markets.keys()

    @property
    def has_unread(self) -> bool:
        """Whether `resume_stored` is due."""
        return bool(self._unread)

    def resume_stored(self) -> None:
        """New markets go on from what a feed before this one has stored: to be called before this
        one stores anything of theirs. May raise `StoreUnavailable`; then it is due again."""
        new = {symbol: self._markets[symbol].market.series for symbol in self._unread}
        found: dict[str, ResumePoint] = {}
        try:
            if not self._clock.is_measured:
                self._clock.assume(clock.read(self._redis).exchange_ms)
            found = load_resume_points(self._redis, new, self._clock.now_ms())
        except StoreUnavailable:
            raise
        except StoreError as error:
            log.warning("recovery: what was stored before is not known: %s", error)
        self._unread.clear()
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

    @property
    def is_busy(self) -> bool:
        """Whether an answer is under way, which `step` takes in."""
        return bool(self._in_flight) or self._measuring is not None

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
            answer = self._workers.submit(_ask, self._rest, request)
            self._in_flight[request.symbol] = request, answer

    def _measure(self, now_s: float) -> None:
        """Has the exchange's clock measured where it is stale, one measurement at a time."""
        if self._measuring is not None:
            if not self._measuring.done():
                return
            self._on_measured(self._measuring, now_s)
            self._measuring = None
        is_over = self._measure_outage is not None and self._measure_outage.is_over
        if self._clock.is_stale() and (is_over or now_s >= self._measure_s):
            self._measuring = self._workers.submit(self._clock.measure, self._rest)

    def _on_measured(self, measuring: Future[int], now_s: float) -> None:
        try:
            moved_ms = measuring.result()
        except (ExchangeError, StoreError) as error:
            self._measure_outage = error.outage if isinstance(error, ExchangeUnreachable) else None
            self._measure_s = now_s + self._measure_backoff.fail()
            if self._measure_backoff.failures == 1:
                log.warning("recovery: the exchange's clock was not measured: %s", error)
            return
        self._measure_backoff.reset()
        self._measure_s, self._measure_outage = now_s + MEASURE_S, None
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
            self._troubles.report(f"recovery: {market.symbol}", error)
            if isinstance(error, RateLimited):
                self._again_s = now_s + error.retry_after_ms / 1000
            market.on_failure(
                now_s, error.outage if isinstance(error, ExchangeUnreachable) else None
            )
        except Exception:  # the feed goes on, whatever a request met
            log.exception("recovery: %s of %s", request.purpose, market.symbol)
            market.on_failure(now_s)
        else:
            self._troubles.clear(f"recovery: {market.symbol}")
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


class RecoveryResult(NamedTuple):
    """What a request has brought; `odd` says what was wrong with the rows that were left out.
    `date_ms` is the exchange's own time when it answered; None where it did not tell that."""

    events: Sequence[Trade | Kline]
    odd: Sequence[str] = ()
    date_ms: int | None = None


def _ask(rest: RestClient, request: RecoveryRequest) -> RecoveryResult:
    """Asks, in the thread of the caller. Raises `ExchangeError` or `StoreError`."""
    symbol = request.symbol
    if request.purpose == "candle":
        return RecoveryResult([rest.forming(symbol, request.interval)])
    page = rest.agg_trades(
        symbol, from_id=request.from_id, start_ms=request.start_ms, limit=request.limit
    )
    return RecoveryResult(page.trades, page.odd, page.date_ms)


def load_resume_points(
    redis: Redis, symbols: Mapping[str, Sequence[Series]], now_ms: int
) -> dict[str, ResumePoint]:
    """By symbol, where anything exact is stored. May raise `StoreError`."""
    series = [one for some in symbols.values() for one in some]
    batch = Batch(redis, is_one_instant=False)
    asked = [(one, live.queue(batch, one, now_ms, CANDLES_MAX)) for one in series]
    batch.run()
    held: dict[str, LiveCandle] = {}
    for one, queued in asked:
        found = queued.value
        forming = found.forming
        if forming is not None and forming.source == "client":
            forming = live.read_feed_candle(redis, one)
        traded = _last_traded([*found.pending, *([forming] if forming else [])])
        if forming is not None and traded is not None and _is_worth(one, traded):
            held[one.name] = traded
    joined = {symbol: _joined(some, held) for symbol, some in symbols.items()}
    return {symbol: point for symbol, point in joined.items() if point is not None}


def _last_traded(candles: Sequence[LiveCandle]) -> LiveCandle | None:
    """From it on, ids show what came; seconds without a trade before the end have none."""
    return next((candle for candle in reversed(candles) if candle.trades > 0), None)


def _is_worth(series: Series, candle: LiveCandle) -> bool:
    try:
        is_aligned = series.interval.with_phase(candle.open_ms).is_aligned(candle.open_ms)
    except CandleError:
        return False
    return is_aligned and candle.source == "live" and candle.is_exact


def _joined(series: Sequence[Series], held: Mapping[str, LiveCandle]) -> ResumePoint | None:
    """Those that have come about as far; one left behind would ask for too much."""
    candles = {one.interval.name: held[one.name] for one in series if one.name in held}
    if not candles:
        return None
    newest_id = max(candle.last_id for candle in candles.values())
    candles = {
        name: candle
        for name, candle in candles.items()
        if candle.last_id >= newest_id - TRADES_APART_MAX
    }
    last_id = min(candle.last_id for candle in candles.values())
    return ResumePoint(candles, last_id, min(candle.updated_at for candle in candles.values()))
