"""No trade is lost to a break: what is missing of any market is asked for, within a shared budget.

Never here: what is missing (`trail`), what to ask for it (`case`), how candles take it in.
Invariant: at most one question for each market and `ASKERS` at once, the cheapest first; the feed's
own thread never waits for an answer.
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
from truecandle.feed.case import Case
from truecandle.feed.errand import Counts, Errand, Found
from truecandle.feed.market import Market
from truecandle.feed.past import pasts

#: Weight a minute that recovery leaves to others: closes first, then recovery, then history.
RESERVE = 900
#: Questions under way at once.
ASKERS = 2
#: How often it is worked out what to ask.
ASK_S = 0.05
#: How often all markets are looked at for candles that are not exact.
LOOK_S = 0.5
#: A second of waiting outweighs one page: nobody waits for ever.
PAGES_PER_S = 1.0
#: The exchange's clock is measured this often at most, whatever speaks against it.
MEASURE_S = 5.0

log = logging.getLogger(__name__)


class Recovery:
    """All of it but `Errand.run` happens in the feed's thread.

    `see` is told of every trade and of every change of a stream; `step` takes in what was answered
    and asks on, and says which markets it has touched. The exchange's clock is measured beside it.
    """

    def __init__(self, rest: RestClient, redis: Redis, clock: ExchangeClock) -> None:
        self._redis = redis
        self._rest = rest
        self._clock = clock
        self._measuring: Future[int] | None = None
        self._measure_s = 0.0
        self._measure_failures = 0
        self._measure_outage: Outage | None = None
        self._cases: dict[str, Case] = {}
        self._streams: dict[str, Case] = {}
        self._counts = Counts()
        self._asking: dict[str, tuple[Errand, Future[Found]]] = {}
        self._askers = ThreadPoolExecutor(ASKERS + 2, thread_name_prefix="recovery")
        self._asked_s: dict[str, float] = {}
        self._touched: set[str] = set()
        #: Markets whose last answer had odd rows.
        self._odd: set[str] = set()
        self._look_s = self._probe_s = 0.0
        self._probing: Future[None] = Future()
        self._probing.set_result(None)
        self._again_s = 0.0

    def follow(self, markets: Mapping[str, Market], now_s: float) -> None:
        """These markets from now on; new ones go on from what a feed before this one has stored."""
        before = self._cases
        self._cases = {
            symbol: before.get(symbol) or Case(symbol, market, self._counts, now_s)
            for symbol, market in markets.items()
        }
        self._streams = {trade_stream(symbol): case for symbol, case in self._cases.items()}
        self._asked_s = {one: at_s for one, at_s in self._asked_s.items() if one in self._cases}
        new = {symbol: markets[symbol].series for symbol in self._cases.keys() - before.keys()}
        try:
            found = pasts(self._redis, new, self._clock.now_ms()) if new else {}
        except StoreError as error:
            log.warning("recovery: what was stored before is not known: %s", error)
            return
        for symbol, past in found.items():
            self._cases[symbol].remember(past)
            self._touched.add(symbol)

    def see(self, event: Trade | Kline | StreamStatusChange, now_s: float) -> None:
        """What came in, in its order."""
        if isinstance(event, Trade):
            case = self._cases.get(event.symbol)
            if case is not None:
                case.see(event, now_s)
        elif isinstance(event, StreamStatusChange):
            for name in event.names:
                if (case := self._streams.get(name)) is not None:
                    case.change(event.is_live, now_s)
                    self._touched.add(case.symbol)

    def step(self, now_s: float) -> set[str]:
        """Takes in the answers, asks what is due; the markets whose candles may have changed."""
        self._collect(now_s)
        self._measure(now_s)
        if now_s - self._look_s >= LOOK_S:
            self._look_s, now_ms = now_s, self._clock.now_ms()
            for case in self._cases.values():
                case.look(now_s, now_ms)
        if now_s >= self._again_s:
            self._again_s = now_s + ASK_S
            self._ask(now_s)
        self._probe(now_s)
        touched, self._touched = self._touched, set()
        return touched

    def behind(self, symbol: str, now_s: float) -> str | None:
        """What is missing of a market, in words; None while nothing is known to be."""
        case = self._cases.get(symbol)
        return case.behind(now_s) if case else None

    def counts(self) -> dict[str, int]:
        """For heartbeat and metrics, over all markets since the start."""
        trails = [case.trail for case in self._cases.values()]
        longest_s = max((trail.longest_s for trail in trails), default=0.0)
        return {
            **asdict(self._counts),
            "holes": sum(len(trail.holes) for trail in trails),
            "longest_ms": round(longest_s * 1000),
        }

    def close(self) -> None:
        """Ends what is under way, soon."""
        self._rest.close()
        self._askers.shutdown(wait=True, cancel_futures=True)

    def _ask(self, now_s: float) -> None:
        """The cheapest first, and who has waited longest; as many as there are askers."""
        if len(self._asking) >= ASKERS:
            return
        idle = [case for case in self._cases.values() if case.symbol not in self._asking]
        due = [errand for case in idle if (errand := case.next(now_s))]
        due.sort(key=lambda one: one.pages + PAGES_PER_S * self._asked_s.get(one.symbol, 0.0))
        for errand in due[: ASKERS - len(self._asking)]:
            self._cases[errand.symbol].ask(errand, now_s)
            self._asked_s[errand.symbol] = now_s
            self._asking[errand.symbol] = errand, self._askers.submit(errand.run, self._rest)

    def _measure(self, now_s: float) -> None:
        """Has the exchange's clock measured where it is stale, one measurement at a time."""
        if self._measuring is not None:
            if not self._measuring.done():
                return
            self._note_measured(self._measuring, now_s)
            self._measuring = None
        is_over = self._measure_outage is not None and self._measure_outage.is_over
        if self._clock.is_stale() and (is_over or now_s >= self._measure_s):
            self._measuring = self._askers.submit(self._clock.measure)

    def _note_measured(self, measuring: Future[int], now_s: float) -> None:
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
        self._probing = self._askers.submit(outages[0].probe)

    def _collect(self, now_s: float) -> None:
        done = [symbol for symbol, (_, future) in self._asking.items() if future.done()]
        for symbol in done:
            errand, future = self._asking.pop(symbol)
            case = self._cases.get(symbol)
            if case is not None:
                self._take(case, errand, future, now_s)
                self._touched.add(symbol)

    def _take(self, case: Case, errand: Errand, future: Future[Found], now_s: float) -> None:
        try:
            found = future.result()
        except (ExchangeError, StoreError) as error:
            log.warning("recovery: %s of %s: %s", errand.purpose, case.symbol, error)
            if isinstance(error, RateLimited):
                self._again_s = now_s + error.retry_after_ms / 1000
            case.fail(now_s, error.outage if isinstance(error, ExchangeUnreachable) else None)
        except Exception:  # the feed goes on, whatever an asker met
            log.exception("recovery: %s of %s", errand.purpose, case.symbol)
            case.fail(now_s)
        else:
            self._note_odd(errand, found)
            if found.odd:
                trades = [one for one in found.events if isinstance(one, Trade)]
                case.answer_in_part(errand, trades, now_s)
            else:
                case.answer(errand, found.events, now_s, found.date_ms)

    def _note_odd(self, errand: Errand, found: Found) -> None:
        """Says it once a market, until an answer is sound again."""
        self._counts.odd += len(found.odd)
        if not found.odd:
            self._odd.discard(errand.symbol)
        elif errand.symbol not in self._odd:
            self._odd.add(errand.symbol)
            log.warning(
                "recovery: %d odd rows among the trades of %s are left out, the first as %.200s",
                len(found.odd), errand.symbol, found.odd[0],
            )  # fmt: skip
