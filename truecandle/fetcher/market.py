"""One market of the fetcher: its plan, and what its failures mean for it and for nobody else.

Never here: threads, the scheduler, how a pass works (`passes`).
Invariant: no error leaves a visit, and a market that fails costs others neither time nor requests.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable

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
from truecandle.fetcher.backoff import Backoff
from truecandle.fetcher.passes import Fetcher
from truecandle.fetcher.plan import Plan

#: A market that the exchange does not know is asked for again after this.
UNKNOWN_MS = 3_600_000
#: Answers with which the exchange says so: -1121 "Invalid symbol.", -1100 "Illegal characters".
UNKNOWN_CODES = (-1121, -1100)
#: One such answer in disguise (status 200) may be a mishap; so many in a row are not.
UNKNOWN_TIMES = 3
#: Any other refusal is not repeated sooner.
REFUSED_MS = 60_000
#: While Redis is away no exchange is asked.
STORE_MS = 2_000
#: So many failures in a row are more than a hiccup.
ALARM = 3

log = logging.getLogger(__name__)


class Market:
    """One symbol at its intervals. `visit` and `fill` (or `reread`) may run in two threads."""

    def __init__(
        self,
        symbol: str,
        intervals: Iterable[Interval],
        settle_ms: int,
        fetcher: Fetcher,
        clock: ExchangeClock,
        stop: threading.Event,
    ) -> None:
        self.symbol = symbol
        self.plan = Plan(intervals, settle_ms)
        self.read_ms = 0
        self.is_unknown = False
        self._fetcher = fetcher
        self._clock = clock
        self._stop = stop
        self._backoff = Backoff()
        self._fill_backoff = Backoff()
        self._unknown_times = 0
        self._seen: set[str] = set()
        self._said: dict[str, str] = {}

    @property
    def is_failing(self) -> bool:
        """Whether the last visits failed, one after the other."""
        return self._backoff.failures >= ALARM

    def next_ms(self) -> int:
        """When to visit, by the exchange's clock; now or in the past if it is due."""
        return max(self.plan.next_ms(self._clock.now_ms()), self._backoff.until_ms)

    @property
    def is_woken(self) -> bool:
        """Whether it rested for an outage that is over by now."""
        return self._backoff.is_woken

    def wake(self) -> None:
        """Forgets its failures, and so its rest."""
        self._backoff.succeed()

    def visit(self) -> None:
        """Reads whatever is due, shortest interval first."""
        now_ms = self._clock.now_ms()
        if self._backoff.until_ms > now_ms:
            return
        for interval in self.plan.due(now_ms):
            if self._stop.is_set() or not self._read(Series(self.symbol, interval)):
                return

    def fill(self, series: Series) -> bool:
        """Fills one page of history; whether more is missing and due."""
        return self._look_back(series, lambda: self._fetcher.fill(series, pages_max=1))

    def reread(self, series: Series) -> bool:
        """Reads one page of the last days again, once a day; whether there are more."""
        return self._look_back(series, lambda: self._fetcher.reread(series))

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
            self._say(f"{series.name} history", error)
            self._fill_backoff.fail(now_ms, _outage(error))
            return False
        except Exception:
            log.exception("%s: history failed in a way nobody thought of", series)
            self._fill_backoff.fail(now_ms)
            return False
        self._fill_backoff.succeed()
        self._said.pop(f"{series.name} history", None)
        return is_unfinished

    def _read(self, series: Series) -> bool:
        """Refreshes one series; whether to go on with the others."""
        at_ms = self._clock.now_ms()
        try:
            refreshed = self._fetcher.refresh(series)
        except (ExchangeError, StoreError) as error:
            self.plan.fail(series.interval, at_ms, _outage(error))
            return self._fail(series, error, self._clock.now_ms())
        except Exception:
            log.exception("%s: reading failed in a way nobody thought of", series)
            self.plan.fail(series.interval, at_ms)
            self._backoff.fail(at_ms)
            return True
        self._succeed(series)
        self.read_ms = at_ms
        if refreshed.series != series:
            self.plan.learn(refreshed.series.interval)
        if self.plan.read(series.interval, at_ms, has_arrived=refreshed.has_arrived):
            log.info("%s: its newest candle is late", series)
            self._clock.doubt()
        return True

    def _fail(self, series: Series, error: Exception, now_ms: int) -> bool:
        """What an error means for the whole market; whether its other intervals have a chance."""
        if isinstance(error, RateLimited):
            self._say("", error)
            self._backoff.rest(now_ms + error.retry_after_ms)
            return False
        if isinstance(error, StoreUnavailable):
            self._say("", error)
            self._backoff.rest(now_ms + STORE_MS)
            return False
        if isinstance(error, ExchangeRefused):
            return self._refused(series, error, now_ms)
        if isinstance(error, ExchangeUnreachable):
            self._backoff.fail(now_ms, error.outage)
            self._say("", error)
            return False
        self._say(series.name, error)
        return True

    def _refused(self, series: Series, error: ExchangeRefused, now_ms: int) -> bool:
        if error.code not in UNKNOWN_CODES:
            self._say("", error)
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
        self._backoff.succeed()
        troubles = [self._said.pop(about, "") for about in ("", series.name)]
        if any(troubles):
            log.info("%s: all is well again", series)
        if series.name not in self._seen:
            self._seen.add(series.name)
            log.info("%s: followed", series)

    def _say(self, about: str, error: Exception) -> None:
        """Logs an error once, until it changes or all is well again."""
        kind = type(error).__name__
        if self._stop.is_set() or isinstance(error, StaleWriter):
            return  # it is we who cut the connection, or another fetcher reads now
        if self._said.get(about) != kind:
            self._said[about] = kind
            log.warning("%s: %s", about or self.symbol, plain(str(error)))


def _outage(error: Exception) -> Outage | None:
    return error.outage if isinstance(error, ExchangeUnreachable) else None


def plain(text: str) -> str:
    """Text of others on one line, without control characters."""
    return "".join(c if c.isprintable() else " " for c in text)[:300]
