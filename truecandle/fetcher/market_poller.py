"""Polls one market of the sync when it is due, and bears its failures alone.

Never here: threads, the scheduler, how a series is read (`series_sync`).
Invariant: no error leaves a poll, and a market that fails costs others neither time nor requests.
"""

from __future__ import annotations

import logging
import random
import threading
from collections import deque
from collections.abc import Callable, Iterable

from truecandle.backoff import Backoff, OutageWait
from truecandle.binance.clock import ExchangeClock
from truecandle.candles.interval import Interval
from truecandle.candles.series import Series
from truecandle.errors import (
    ExchangeError,
    ExchangeRefused,
    ExchangeUnreachable,
    Outage,
    RateLimited,
    StaleWriter,
    StoreError,
    StoreUnavailable,
)
from truecandle.fetcher.read_schedule import ReadSchedule
from truecandle.fetcher.series_sync import SeriesSync
from truecandle.log_once import TroubleLog

#: A market that the exchange does not know is asked for again after this.
UNKNOWN_MS = 3_600_000
#: Answers with which the exchange says so: -1121 "Invalid symbol.", -1100 "Illegal characters".
UNKNOWN_CODES = (-1121, -1100)
#: "Invalid interval.": Binance.US, for one, has no `1s`.
UNKNOWN_INTERVAL_CODE = -1120
#: One such answer in disguise (status 200) may be a mishap; so many in a row are not.
UNKNOWN_TIMES = 3
#: Any other refusal is not repeated sooner.
REFUSED_MS = 60_000
#: While Redis is away no exchange is asked.
STORE_MS = 2_000
#: So many failures in a row are more than a hiccup.
ALARM = 3
#: After failures in a row a market rests a random time, up to a bound that doubles, ...
REST_MS = 1_000
REST_MS_MAX = 60_000
#: ... and has at most so many failures a minute on its own account.
TRIES_MAX = 5
MINUTE_MS = 60_000

log = logging.getLogger(__name__)


class MarketPoller:
    """One symbol at its intervals. `poll` and `fill` (`reread`, `seal`, `scrub`) may run in two
    threads."""

    def __init__(
        self,
        symbol: str,
        intervals: Iterable[Interval],
        settle_ms: int,
        sync: SeriesSync,
        clock: ExchangeClock,
        stop: threading.Event,
    ) -> None:
        self.symbol = symbol
        self.schedule = ReadSchedule(intervals, settle_ms)
        #: When a series of it was last read, by the exchange's clock.
        self.read_ms = 0
        #: The exchange has said that it does not know this market.
        self.is_unknown = False
        self._sync = sync
        self._clock = clock
        self._stop = stop
        self._backoff = MarketBackoff()
        #: Of history alone, which also rests while the market does.
        self._fill_backoff = MarketBackoff()
        #: Answers in a row that may say so.
        self._unknown_times = 0
        #: Series that were read since the start; history waits for that.
        self._seen: set[str] = set()
        self._troubles = TroubleLog(log)

    @property
    def is_failing(self) -> bool:
        """Whether the last polls failed, one after the other."""
        return self._backoff.failures >= ALARM

    def next_ms(self) -> int:
        """When to poll, by the exchange's clock; now or in the past if it is due."""
        return max(self.schedule.next_ms(self._clock.now_ms()), self._backoff.until_ms)

    @property
    def is_woken(self) -> bool:
        """Whether it rested for an outage that is over by now."""
        return self._backoff.is_woken

    def wake(self) -> None:
        """Forgets its failures, and so its rest."""
        self._backoff.reset()

    def poll(self) -> None:
        """Reads whatever is due, shortest interval first."""
        now_ms = self._clock.now_ms()
        if self._backoff.until_ms > now_ms:
            return
        for interval in self.schedule.due(now_ms):
            if self._stop.is_set() or not self._read(Series(self.symbol, interval)):
                return

    def fill(self, series: Series) -> bool:
        """Fills one page of history; whether more is missing and due."""
        return self._look_back(series, lambda: self._sync.fill(series, pages_max=1))

    def reread(self, series: Series) -> bool:
        """Reads one page of the last days again, once a day; whether there are more."""
        return self._look_back(series, lambda: self._sync.reread(series))

    def seal(self, series: Series) -> bool:
        """Seals or unseals one more block of older candles; whether there may be more."""
        return self._look_back(series, lambda: self._sync.seal(series))

    def scrub(self, series: Series) -> bool:
        """Looks at a few blocks of older candles, and mends them; never more in a turn."""

        def look() -> bool:
            self._sync.scrub(series)
            return False

        return self._look_back(series, look)

    def _look_back(self, series: Series, look: Callable[[], bool]) -> bool:
        now_ms = self._clock.now_ms()
        resting_ms = max(self._backoff.until_ms, self._fill_backoff.until_ms)
        if series.name not in self._seen or resting_ms > now_ms:
            return False
        try:
            is_unfinished = look()
        except RateLimited as error:
            self._fill_backoff.rest(now_ms + error.retry_after_ms)
            return False
        except (ExchangeError, StoreError) as error:
            self._report(f"{series.name} history", error)
            self._fill_backoff.fail(now_ms, _outage(error))
            return False
        except Exception:
            log.exception("%s: history failed in a way nobody thought of", series)
            self._fill_backoff.fail(now_ms)
            return False
        self._fill_backoff.reset()
        self._troubles.clear(f"{series.name} history")
        return is_unfinished

    def _read(self, series: Series) -> bool:
        """Refreshes one series; whether to go on with the others."""
        at_ms = self._clock.now_ms()
        try:
            refreshed = self._sync.refresh(series)
        except (ExchangeError, StoreError) as error:
            self.schedule.record_failure(series.interval, at_ms, _outage(error))
            return self._fail(series, error, self._clock.now_ms())
        except Exception:
            log.exception("%s: reading failed in a way nobody thought of", series)
            self.schedule.record_failure(series.interval, at_ms)
            self._backoff.fail(at_ms)
            return True
        self._succeed(series)
        self.read_ms = at_ms
        if refreshed.series != series:
            self.schedule.set_grid(refreshed.series.interval)
        if self.schedule.record_read(series.interval, at_ms, has_arrived=refreshed.has_arrived):
            log.info("%s: its newest candle is late", series)
            self._clock.mark_stale()
        return True

    def _fail(self, series: Series, error: Exception, now_ms: int) -> bool:
        """What an error means for the whole market; whether its other intervals have a chance."""
        if isinstance(error, RateLimited):
            self._report(self.symbol, error)
            self._backoff.rest(now_ms + error.retry_after_ms)
            return False
        if isinstance(error, StoreUnavailable):
            self._report(self.symbol, error)
            self._backoff.rest(now_ms + STORE_MS)
            return False
        if isinstance(error, ExchangeRefused):
            return self._refused(series, error, now_ms)
        if isinstance(error, ExchangeUnreachable):
            self._backoff.fail(now_ms, error.outage)
            self._report(self.symbol, error)
            return False
        self._report(series.name, error)
        return True

    def _refused(self, series: Series, error: ExchangeRefused, now_ms: int) -> bool:
        if error.code == UNKNOWN_INTERVAL_CODE:
            self._report(f"{series.name}, an interval that this exchange may not have", error)
            return True
        if error.code not in UNKNOWN_CODES:
            self._report(self.symbol, error)
            self._backoff.rest(now_ms + REFUSED_MS)
            return False
        self._unknown_times += UNKNOWN_TIMES if error.status == 400 else 1
        if self._unknown_times < UNKNOWN_TIMES:
            self._backoff.fail(now_ms)
            return False
        self._unknown_times = 0
        self.is_unknown = True
        self._backoff.rest(now_ms + UNKNOWN_MS)
        log.error("%s: the exchange does not know this market; asked again in an hour", series)
        return False

    def _succeed(self, series: Series) -> None:
        self.is_unknown = False
        self._unknown_times = 0
        self._backoff.reset()
        troubles = [self._troubles.clear(one) for one in (self.symbol, series.name)]
        if any(troubles):
            log.info("%s: all is well again", series)
        if series.name not in self._seen:
            self._seen.add(series.name)
            log.info("%s: followed", series)

    def _report(self, subject: str, error: Exception) -> None:
        if self._stop.is_set() or isinstance(error, StaleWriter):
            return  # it is we who cut the connection, or another fetcher reads now
        self._troubles.report(subject, error)


class MarketBackoff:
    """How long a market rests after failures. An outage that is over ends the rest that it has
    caused, `WAKES_MAX` times a minute at most.
    """

    def __init__(self, rng: random.Random | None = None) -> None:
        self._backoff = Backoff(REST_MS, REST_MS_MAX, _full_jitter, rng)
        #: When it last failed.
        self._recent: deque[int] = deque(maxlen=TRIES_MAX)
        self._outage = OutageWait(MINUTE_MS)
        #: The rest of failures, and the one that it was told to take.
        self._failed_until_ms = 0
        self._rest_until_ms = 0

    @property
    def failures(self) -> int:
        """In a row."""
        return self._backoff.failures

    @property
    def until_ms(self) -> int:
        """Until when it rests; a time in the past if it does not."""
        return max(self._rest_until_ms, 0 if self.is_woken else self._failed_until_ms)

    @property
    def is_woken(self) -> bool:
        """Whether it was an outage that the last failure met, and that is over by now."""
        return self._outage.is_over

    def fail(self, now_ms: int, outage: Outage | None = None) -> None:
        """One more failure in a row; for an `outage` it rests only while that lasts."""
        self._outage.fail(now_ms, outage)
        self._recent.append(now_ms)
        until_ms = now_ms + self._backoff.fail()
        if len(self._recent) == TRIES_MAX:
            until_ms = max(until_ms, self._recent[0] + MINUTE_MS)
        self._failed_until_ms = max(self._failed_until_ms, until_ms)

    def rest(self, until_ms: int) -> None:
        """Rests until then, or longer if it already does, whatever others are answered."""
        self._rest_until_ms = max(self._rest_until_ms, until_ms)

    def reset(self) -> None:
        """All is well again."""
        self._backoff.reset()
        self._failed_until_ms = self._rest_until_ms = 0
        self._outage.forget()


def _full_jitter(dice: random.Random, longest_ms: int) -> int:
    return dice.randrange(1, longest_ms + 1)


def _outage(error: Exception) -> Outage | None:
    return error.outage if isinstance(error, ExchangeUnreachable) else None
