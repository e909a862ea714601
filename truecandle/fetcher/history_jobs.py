"""Fetches older candles on demand: one job for each series that somebody waits for.

Never here: who may wish for what (the web role), what a page proves (`ingest/kline_pages`).
Invariant: one request is under way at a time, for all jobs together, and it takes nothing of what
is reserved for candles that close; a job that nobody waits for asks for nothing more.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from redis import Redis

from truecandle.binance.clock import ExchangeClock
from truecandle.binance.rest.client import RestClient
from truecandle.candles.series import Series
from truecandle.config import Settings
from truecandle.errors import (
    ExchangeError,
    ExchangeUnreachable,
    MalformedAnswer,
    RateLimited,
    StaleWriter,
    StoreError,
)
from truecandle.fetcher.market_poller import MarketBackoff
from truecandle.ingest.kline_pages import OLDER_CANDLES, KlinePageReader
from truecandle.ingest.official_writer import OfficialWriter
from truecandle.log_once import TroubleLog
from truecandle.store import history
from truecandle.store.history import HistoryJob, HistoryWish, State, StoredHistory

#: How often jobs are looked at that have to wait, and whether somebody has called `wake`; how often
#: wishes are looked for without that.
STEP_S: Final = 0.5
LOOK_S: Final = 5.0
#: Jobs that take turns, a page each; of the others (`history.WISHES_MAX` in all) the next one comes
#: in when one of these ends or has to wait.
TURNS_MAX: Final = 4
#: A series without a candle is looked at again after this: the fetcher reads its newest ones first.
EMPTY_MS: Final = 1_000
#: What is said of a job is said again after this, while it waits; see `keys.HISTORY_JOB_TTL_S`.
SAID_S: Final = 10.0
#: Who reads, in the record of corrections.
BY: Final = "history"

log = logging.getLogger(__name__)


@dataclass(eq=False, slots=True)
class _Job:
    """A wish, and what has become of it."""

    series: Series
    told: HistoryJob
    is_done: bool = False
    #: Of all turns, which one was its last.
    turn: int = 0
    said_at_s: float = 0.0
    backoff: MarketBackoff = field(default_factory=MarketBackoff)


class HistoryFetcher:
    """`run` in a thread of its own; it is one `step` after the other.

    `rest` leaves a reserve to others. While another fetcher leads, or the exchange's clock is not
    known, there are no jobs. When `stop` is set, nothing is said of what fails by that.
    """

    def __init__(
        self,
        settings: Settings,
        redis: Redis,
        rest: RestClient,
        writer: OfficialWriter,
        clock: ExchangeClock,
        is_leading: Callable[[], bool],
        stop: threading.Event,
    ) -> None:
        self._stored_max = settings.history_stored_max
        self._redis = redis
        self._rest = rest
        self._pages = KlinePageReader(redis, writer, settings.settle_ms, clock.now_ms)
        self._clock = clock
        self._now_ms = clock.now_ms
        self._is_leading = is_leading
        self._stop = stop
        #: By the name of the series, in the order of their coming.
        self._jobs: dict[str, _Job] = {}
        self._turns = 0
        self._woken = threading.Event()
        self._troubles = TroubleLog(log)

    def wake(self) -> None:
        """There are wishes: somebody has seen them who looks for them anyway."""
        self._woken.set()

    def run(self, stop: threading.Event) -> None:
        """Steps until `stop` is set; rests where a step found nothing to do."""
        look_s = 0.0
        while not stop.is_set():
            now_s = time.monotonic()
            if self._woken.is_set() or self._jobs or now_s >= look_s:
                self._woken.clear()
                look_s = now_s + LOOK_S
                if self.step():
                    continue
            stop.wait(STEP_S)

    def step(self) -> bool:
        """Takes up what is wished for, and one request of one job; whether there was one to make.
        No error leaves it.
        """
        is_known = self._clock.is_measured and not self._clock.is_unsure()
        if not (is_known and self._is_leading()):
            self._jobs.clear()
            return False
        try:
            self._take_up(history.wishes(self._redis))
            job = self._next()
            if job is not None:
                self._turn(job)
            self._say_again()
        except StoreError as error:
            self._troubles.report("history", error)
            return False
        except Exception:
            log.exception("history on demand failed in a way nobody thought of")
            return False
        self._troubles.clear("history")
        return job is not None

    def _take_up(self, wishes: Sequence[HistoryWish]) -> None:
        """New jobs for new wishes; an end to those that nobody waits for."""
        wanted = {one.series.name: one for one in wishes}
        for name in self._jobs.keys() - wanted.keys():
            job = self._jobs.pop(name)
            if not job.is_done:
                history.end_job(self._redis, job.series)
                log.info("%s: nobody waits for its older candles any more", name)
        for name, wish in wanted.items():
            known = self._jobs.get(name)
            if known is None:
                self._jobs[name] = self._new(wish)
            elif known.told.from_ms != wish.from_ms:
                known.told = replace(known.told, from_ms=wish.from_ms)
                known.is_done = False

    def _new(self, wish: HistoryWish) -> _Job:
        """A job that goes on counting where another fetcher's ended."""
        before = history.job(self._redis, wish.series)
        told = HistoryJob("waiting", wish.from_ms)
        if before is not None and before.from_ms == wish.from_ms:
            told = replace(told, reached_ms=before.reached_ms, fetched=before.fetched)
        job = _Job(wish.series, told)
        self._say(job, "waiting")
        return job

    def _next(self) -> _Job | None:
        """Of those that need not wait, whoever had no turn for longest."""
        now_ms = self._now_ms()
        due = [
            job for job in self._jobs.values() if not job.is_done and job.backoff.until_ms <= now_ms
        ]
        return min(due[:TURNS_MAX], key=lambda job: job.turn, default=None)

    def _turn(self, job: _Job) -> None:
        """One page of one job, and whatever becomes of it."""
        self._turns += 1
        job.turn = self._turns
        try:
            self._advance(job)
        except RateLimited as error:
            job.backoff.rest(self._now_ms() + error.retry_after_ms)
            wait_s = -(-error.retry_after_ms // 1_000)
            if error.status:
                self._say(job, "failed", f"The exchange asks for a pause of {wait_s} s.")
            else:
                self._say(job, "waiting", f"Waits {wait_s} s: closing candles are read first.")
        except StaleWriter:
            self._jobs.clear()
        except (ExchangeError, StoreError) as error:
            self._fail(job, error)
        except Exception as error:
            log.exception("%s: older candles failed in a way nobody thought of", job.series)
            self._fail(job, error)
        else:
            self._troubles.clear(job.series.name)

    def _fail(self, job: _Job, error: Exception) -> None:
        if self._stop.is_set():
            return  # it is we who cut the connection
        self._troubles.report(job.series.name, error)
        outage = error.outage if isinstance(error, ExchangeUnreachable) else None
        job.backoff.fail(self._now_ms(), outage)
        self._say(job, "failed", _sentence(error))

    def _advance(self, job: _Job) -> None:
        """The next page back, and what is left after it."""
        stored = history.stored(self._redis, job.series)
        job.series, earliest_ms = stored.series, stored.earliest_ms
        if earliest_ms is None:
            job.backoff.rest(self._now_ms() + EMPTY_MS)
            self._say(job, "waiting", "Its newest candles are read first.")
            return
        if not self._is_done(job, stored):
            stored = self._with_first(stored)
        if not self._is_done(job, stored):
            self._read_page(job, stored, earliest_ms)
            stored = history.stored(self._redis, job.series)
        job.backoff.reset()
        left = stored.left(job.told.from_ms, self._stored_max)
        job.told = replace(job.told, expected=job.told.fetched + left)
        if self._is_done(job, stored):
            job.is_done = True
            history.end_job(self._redis, job.series)
            log.info("%s: its history reaches back to %s", job.series, stored.earliest_ms)
        else:
            self._say(job, "running")

    def _is_done(self, job: _Job, stored: StoredHistory) -> bool:
        return stored.is_done(job.told.from_ms, self._stored_max)

    def _with_first(self, stored: StoredHistory) -> StoredHistory:
        """With the market's first candle, asked for unless that is known.

        Where the exchange says that one is the first before which others are stored, it is not
        believed, and a page has to show what is older.
        """
        series, earliest_ms = stored.series, stored.earliest_ms
        if stored.first_ms is not None or earliest_ms is None:
            return stored
        _, rows = self._pages.ask(self._rest, series, start_ms=0, limit=1)
        first_ms = rows[0][0] if rows and rows[0] else None
        if not isinstance(first_ms, int) or not series.interval.is_aligned(first_ms):
            raise MalformedAnswer(f"{series}: asked for the first candle, got none")
        if first_ms > earliest_ms:
            return stored
        history.keep_first(self._redis, series, first_ms)
        return replace(stored, first_ms=first_ms)

    def _read_page(self, job: _Job, stored: StoredHistory, before_ms: int) -> None:
        most = min(OLDER_CANDLES, stored.left(job.told.from_ms, self._stored_max))
        page = self._pages.read_older(self._rest, job.series, before_ms, most, BY)
        if page.added:
            reached_ms = history.stored(self._redis, job.series).earliest_ms
            fetched = job.told.fetched + page.added
            job.told = replace(job.told, reached_ms=reached_ms, fetched=fetched)
        elif page.is_last and stored.first_ms is None:
            history.keep_first(self._redis, job.series, before_ms)  # both answers say so
        else:
            raise MalformedAnswer(f"{job.series}: older candles exist, and the answer has none")

    def _say(self, job: _Job, state: State, detail: str = "") -> None:
        job.told = replace(job.told, state=state, detail=detail)
        job.said_at_s = time.monotonic()
        history.save_job(self._redis, job.series, job.told)

    def _say_again(self) -> None:
        """Of jobs that have been waiting: they are still there."""
        for job in self._jobs.values():
            if not job.is_done and time.monotonic() - job.said_at_s > SAID_S:
                self._say(job, job.told.state, job.told.detail)


def _sentence(error: Exception) -> str:
    match error:
        case ExchangeUnreachable():
            return f"The exchange does not answer ({error}); it is asked again."
        case ExchangeError():
            return f"The exchange's answer is of no use ({error}); it is asked again."
        case StoreError():
            return f"The store does not take it ({error}); it is tried again."
    return "Something went wrong here, and has been logged; it is tried again."
