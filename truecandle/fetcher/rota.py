"""The fetcher's jobs: one for each market, fired by its plan, and one for history.

Never here: what a job does for its market, the loop itself (it belongs to the entry file).
Invariant: a job runs once at a time, is never lost, and is late rather than left out.
"""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.blocking import BlockingScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.interval import IntervalTrigger

from truecandle.binance.clock import ExchangeClock
from truecandle.candles.interval import INTERVALS
from truecandle.candles.series import Series
from truecandle.config import Settings
from truecandle.fetcher.market import Market
from truecandle.fetcher.passes import Fetcher

#: Threads that visit markets: as many slow ones cost the others nothing.
VISITORS = 8
#: What the scheduler needs: late jobs run, missed ones run once, no job runs twice at a time.
JOB_DEFAULTS = {"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
#: A job that is still at it is looked at again after this; it sets its own next time at its end.
BUSY_S = 15
FILL_EVERY_S = 20
FILL_FIRST_S = 3
#: Pages of each series in one fill; the rest comes with the next.
FILL_ROUNDS_MAX = 110
#: Pages of each series that are read again before it is looked for new holes.
REREAD_ROUNDS_MAX = 2


def new_scheduler() -> BlockingScheduler:
    """The scheduler with the executors and rules that the jobs here need."""
    # It would warn whenever a job's next turn finds it still running, which is as it should be.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    return BlockingScheduler(
        executors={"default": ThreadPoolExecutor(VISITORS), "history": ThreadPoolExecutor(1)},
        job_defaults=JOB_DEFAULTS,
        timezone=UTC,
    )


#: Markets that were waiting for the same thing do not all begin at once.
SPREAD_MS = 500


class CloseTrigger(BaseTrigger):  # type: ignore[misc]
    """Fires at a moment of the exchange's clock, translated to this machine's time of day."""

    def __init__(self, next_ms: Callable[[], int], clock: ExchangeClock) -> None:
        self._next_ms = next_ms
        self._clock = clock

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:
        """The next moment. After a run that has only just been started, not for a while."""
        fire_ms = self._next_ms() - self._clock.offset_ms()
        earliest = now + timedelta(seconds=BUSY_S) if previous_fire_time else now
        return max(datetime.fromtimestamp(fire_ms / 1000, UTC), earliest)


class Rota:
    """All jobs of one fetcher, which has some only while it leads: `disarm` when it does not.

    `arm` once it leads, after the clock was measured, and whenever a clock jumped. A fetcher that
    is alone always leads.
    """

    def __init__(
        self,
        scheduler: BlockingScheduler,
        settings: Settings,
        fetcher: Fetcher,
        clock: ExchangeClock,
        stop: threading.Event,
        leads: Callable[[], bool] = lambda: True,
    ) -> None:
        self.leads = leads
        self._arming = threading.Lock()
        self._rng = random.Random()
        self._scheduler = scheduler
        self._clock = clock
        self._stop = stop
        self._intervals = [INTERVALS[name] for name in settings.intervals]
        self._market = partial(
            Market,
            intervals=self._intervals,
            settle_ms=settings.settle_ms,
            fetcher=fetcher,
            clock=clock,
            stop=stop,
        )
        self.markets = [self._market(symbol) for symbol in settings.symbols]

    def follow(self, symbols: Sequence[str]) -> None:
        """From now on these markets: new ones are visited at once, others stay as they are.

        What is under way for one that is gone ends by itself.
        """
        with self._arming:
            known = {market.symbol: market for market in self.markets}
            if list(known) == list(symbols):
                return
            self.markets = [known.get(symbol) or self._market(symbol) for symbol in symbols]
            for symbol in known.keys() - set(symbols):
                with suppress(JobLookupError):
                    self._scheduler.remove_job(symbol)
            if self.leads() and self._clock.is_measured:
                for market in self.markets:
                    if market.symbol not in known:
                        self._add_visits(market)

    def wake(self, symbol: str) -> None:
        """Visits a market at once, whatever it rested for: the exchange lists it again."""
        with self._arming:
            for market in self.markets:
                if market.symbol == symbol:
                    market.wake()
                    if self.leads() and self._clock.is_measured:
                        self._add_visits(market)

    def resume(self) -> None:
        """The exchange answers again: whoever rested for that is visited within `SPREAD_MS`."""
        with self._arming:
            if not (self.leads() and self._clock.is_measured) or self._stop.is_set():
                return
            for market in self.markets:
                if market.is_woken:
                    at_ms = self._clock.now_ms() + self._rng.randrange(SPREAD_MS)
                    trigger = CloseTrigger(partial(_not_before, at_ms, market), self._clock)
                    self._add(market.symbol, partial(self._visit, market), trigger)

    def arm(self) -> None:
        """Sets every job to its next time, by the clocks as they are now.

        Does nothing before the exchange's clock is known, or if this fetcher does not lead.
        """
        first = datetime.now(UTC) + timedelta(seconds=FILL_FIRST_S)
        every = IntervalTrigger(seconds=FILL_EVERY_S, start_date=first, timezone=UTC)
        with self._arming:
            if not (self.leads() and self._clock.is_measured):
                return
            for market in self.markets:
                self._add_visits(market)
            self._add("history", self._look_back, every, executor="history")

    def disarm(self) -> None:
        """Takes all jobs away; what is under way ends by itself, and can write nothing any more."""
        with self._arming:
            self._scheduler.remove_all_jobs()

    def _add_visits(self, market: Market) -> None:
        self._add(market.symbol, partial(self._visit, market), self._trigger(market))

    def _add(
        self, name: str, act: Callable[[], None], trigger: BaseTrigger, executor: str = "default"
    ) -> None:
        self._scheduler.add_job(
            act, trigger, id=name, name=name, executor=executor, replace_existing=True
        )

    def _visit(self, market: Market) -> None:
        try:
            market.visit()
        finally:
            if not self._stop.is_set() and market in self.markets:
                with suppress(JobLookupError):  # disarmed in the meantime
                    self._scheduler.reschedule_job(market.symbol, trigger=self._trigger(market))

    def _look_back(self) -> None:
        """Fills history; then, once a day, reads the last days again."""
        self._rounds(Market.fill, FILL_ROUNDS_MAX)
        self._rounds(Market.reread, REREAD_ROUNDS_MAX)

    def _rounds(self, look: Callable[[Market, Series], bool], most: int) -> None:
        """Round by round, one page of each series, so that every chart has something soon."""
        pending = [
            (market, Series(market.symbol, interval))
            for interval in self._intervals
            for market in self.markets
        ]
        for _ in range(most):
            pending = [
                (market, series)
                for market, series in pending
                if not self._stop.is_set() and look(market, series)
            ]
            if not pending:
                return

    def _trigger(self, market: Market) -> CloseTrigger:
        return CloseTrigger(market.next_ms, self._clock)


def _not_before(at_ms: int, market: Market) -> int:
    return max(at_ms, market.next_ms())
