"""The fetcher's jobs: one for each poller, fired by its schedule, and one for history.

Never here: what a job does for its poller, the loop itself (it belongs to the entry file).
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
from truecandle.fetcher.market_poller import MarketPoller
from truecandle.fetcher.series_sync import SeriesSync

#: Threads that poll markets: as many slow ones cost the others nothing, and the closes of 200
#: markets have their answers in two seconds where the exchange takes a quarter of one.
POLL_THREADS = 32
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
#: Blocks of each series that are moved before it is looked for new holes; a setting was changed.
SEAL_ROUNDS_MAX = 100


def new_scheduler() -> BlockingScheduler:
    """The scheduler with the executors and rules that the jobs here need."""
    # It would warn whenever a job's next run finds it still running, which is as it should be.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    return BlockingScheduler(
        executors={"default": ThreadPoolExecutor(POLL_THREADS), "history": ThreadPoolExecutor(1)},
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


class FetchScheduler:
    """All jobs of one fetcher, which has some only while it leads: `stop_jobs` when it does not.

    `start_jobs` once it leads, after the clock was measured, and whenever a clock jumped. A fetcher
    that is alone always leads.
    """

    def __init__(
        self,
        scheduler: BlockingScheduler,
        settings: Settings,
        sync: SeriesSync,
        clock: ExchangeClock,
        stop: threading.Event,
        is_leading: Callable[[], bool],
    ) -> None:
        self.is_leading = is_leading
        self._jobs_lock = threading.Lock()
        self._rng = random.Random()
        self._scheduler = scheduler
        self._clock = clock
        self._stop = stop
        self._intervals = [INTERVALS[name] for name in settings.intervals]
        self._new_poller = partial(
            MarketPoller,
            intervals=self._intervals,
            settle_ms=settings.settle_ms,
            sync=sync,
            clock=clock,
            stop=stop,
        )
        self.pollers = [self._new_poller(symbol) for symbol in settings.symbols]

    def follow(self, symbols: Sequence[str]) -> None:
        """From now on these markets: new ones are polled at once, others stay as they are.

        What is under way for one that is gone ends by itself.
        """
        with self._jobs_lock:
            known = {poller.symbol: poller for poller in self.pollers}
            if list(known) == list(symbols):
                return
            self.pollers = [known.get(symbol) or self._new_poller(symbol) for symbol in symbols]
            for symbol in known.keys() - set(symbols):
                with suppress(JobLookupError):
                    self._scheduler.remove_job(symbol)
            if self.is_leading() and self._clock.is_measured:
                for poller in self.pollers:
                    if poller.symbol not in known:
                        self._add_polls(poller)

    def wake(self, symbol: str) -> None:
        """Polls a market at once, whatever it rested for: the exchange lists it again."""
        with self._jobs_lock:
            for poller in self.pollers:
                if poller.symbol == symbol:
                    poller.wake()
                    if self.is_leading() and self._clock.is_measured:
                        self._add_polls(poller)

    def resume(self) -> None:
        """The exchange answers again: whoever rested for that is polled within `SPREAD_MS`."""
        with self._jobs_lock:
            if not (self.is_leading() and self._clock.is_measured) or self._stop.is_set():
                return
            for poller in self.pollers:
                if poller.is_woken:
                    at_ms = self._clock.now_ms() + self._rng.randrange(SPREAD_MS)
                    trigger = CloseTrigger(partial(_not_before, at_ms, poller), self._clock)
                    self._add(poller.symbol, partial(self._poll, poller), trigger)

    def start_jobs(self) -> None:
        """Sets every job to its next time, by the clocks as they are now.

        Does nothing before the exchange's clock is known, or if this fetcher does not lead.
        """
        first = datetime.now(UTC) + timedelta(seconds=FILL_FIRST_S)
        every = IntervalTrigger(seconds=FILL_EVERY_S, start_date=first, timezone=UTC)
        with self._jobs_lock:
            if not (self.is_leading() and self._clock.is_measured):
                return
            for poller in self.pollers:
                self._add_polls(poller)
            self._add("history", self._run_history, every, executor="history")

    def stop_jobs(self) -> None:
        """Takes all jobs away; what is under way ends by itself, and can write nothing any more."""
        with self._jobs_lock:
            self._scheduler.remove_all_jobs()

    def _add_polls(self, poller: MarketPoller) -> None:
        self._add(poller.symbol, partial(self._poll, poller), self._trigger(poller))

    def _add(
        self, name: str, act: Callable[[], None], trigger: BaseTrigger, executor: str = "default"
    ) -> None:
        self._scheduler.add_job(
            act, trigger, id=name, name=name, executor=executor, replace_existing=True
        )

    def _poll(self, poller: MarketPoller) -> None:
        try:
            poller.poll()
        finally:
            if not self._stop.is_set() and poller in self.pollers:
                with suppress(JobLookupError):  # stopped in the meantime
                    self._scheduler.reschedule_job(poller.symbol, trigger=self._trigger(poller))

    def _run_history(self) -> None:
        """Fills history; once a day, reads the last days again; seals what has become old; looks
        at a few of the blocks."""
        self._run_rounds(MarketPoller.fill, FILL_ROUNDS_MAX)
        self._run_rounds(MarketPoller.reread, REREAD_ROUNDS_MAX)
        self._run_rounds(MarketPoller.seal, SEAL_ROUNDS_MAX)
        self._run_rounds(MarketPoller.scrub, 1)

    def _run_rounds(self, look: Callable[[MarketPoller, Series], bool], most: int) -> None:
        """Round by round, one page of each series, so that every chart has something soon."""
        pending = [
            (poller, Series(poller.symbol, interval))
            for interval in self._intervals
            for poller in self.pollers
        ]
        for _ in range(most):
            pending = [
                (poller, series)
                for poller, series in pending
                if not self._stop.is_set() and look(poller, series)
            ]
            if not pending:
                return

    def _trigger(self, poller: MarketPoller) -> CloseTrigger:
        return CloseTrigger(poller.next_ms, self._clock)


def _not_before(at_ms: int, poller: MarketPoller) -> int:
    return max(at_ms, poller.next_ms())
