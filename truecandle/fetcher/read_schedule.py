"""When each interval of one market is to be read, by the exchange's clock.

Never here: reading, waiting, the scheduler, why a read failed.
Invariant: a candle is asked for once it has settled, again a while later, and a late one a bounded
number of times in between; nothing is asked for because a timer happened to fire.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from truecandle.backoff import Backoff, ceiling
from truecandle.candles.interval import INTERVALS, MINUTE_MS, Interval
from truecandle.errors import Outage

#: How long after its first read a candle is read again: until then the exchange may still change
#: it. Source: reports of many clients, BINANCE "just after the close".
REREAD_MS = 15_000
#: When a candle that should be there is not: the pauses between further reads of that candle, ...
LATE_MS = (1_000, 2_000, 4_000, 8_000, 15_000)
#: ... and then these, doubling up to the longest, until it comes or the next one is due.
LATE_SLOW_MS = 60_000
LATE_SLOW_MS_MAX = 900_000
#: A market that let so many candles in a row go missing is not waited for in a hurry any more.
MISSES_MAX = 3
#: After failed reads of one interval: pauses that double from the first to the longest.
FAIL_MS = 1_000
FAIL_MS_MAX = 60_000


class ReadSchedule:
    """What is due and what comes next, for all followed intervals of one market, shortest first."""

    def __init__(self, intervals: Iterable[Interval], settle_ms: int) -> None:
        self._settle_ms = settle_ms
        order = list(INTERVALS)
        self._entries = {
            interval.name: _Entry(interval)
            for interval in sorted(intervals, key=lambda interval: order.index(interval.name))
        }

    def due(self, now_ms: int) -> list[Interval]:
        """The intervals to read now, shortest first."""
        return [
            entry.interval
            for entry in self._entries.values()
            if self._moment(entry, now_ms) <= now_ms
        ]

    def next_ms(self, now_ms: int) -> int:
        """When to look again: `now_ms` if something is due."""
        return min(self._moment(entry, now_ms) for entry in self._entries.values())

    def set_grid(self, interval: Interval) -> None:
        """The grid of a 3d interval has become known."""
        self._entries[interval.name].interval = interval

    def record_read(self, interval: Interval, at_ms: int, *, has_arrived: bool) -> bool:
        """An interval was read at `at_ms`; whether the newest settled candle was there.

        Returns True when a late candle is no longer waited for in a hurry: then the clock may be to
        blame.
        """
        entry = self._entries[interval.name]
        entry.read_ms, entry.retry_ms = at_ms, None
        entry.rest_ms = 0
        entry.backoff.reset()
        if has_arrived:
            entry.tries = entry.misses = 0
            return False
        if not entry.is_reread:
            return False
        return entry.wait(at_ms, entry.grid.open_ms(at_ms - self._settle_ms))

    def record_failure(self, interval: Interval, at_ms: int, outage: Outage | None = None) -> None:
        """Reading failed at `at_ms`: it stays due, but others come first, while `outage` lasts."""
        entry = self._entries[interval.name]
        entry.rest_ms, entry.outage = at_ms + entry.backoff.fail(), outage

    def silent(self) -> list[str]:
        """The intervals that have let too many candles go missing."""
        return [name for name, entry in self._entries.items() if entry.misses >= MISSES_MAX]

    def _moment(self, entry: _Entry, now_ms: int) -> int:
        """The next moment to read at; in the past or now if it is due."""
        moments = [_since(entry, self._settle_ms, now_ms)]
        if entry.retry_ms is not None:
            moments.append(entry.retry_ms)
        is_over = entry.outage is not None and entry.outage.is_over
        return max(min(moments), 0 if is_over else entry.rest_ms)


@dataclass(slots=True)
class _Entry:
    interval: Interval
    read_ms: int | None = None
    retry_ms: int | None = None
    rest_ms: int = 0
    outage: Outage | None = None
    wanted_ms: int = 0
    tries: int = 0
    misses: int = 0
    backoff: Backoff[int] = field(default_factory=lambda: Backoff(FAIL_MS, FAIL_MS_MAX))

    @property
    def grid(self) -> Interval:
        """Every 3d candle ends at some midnight: until its grid is known, all of them count."""
        return self.interval if self.interval.has_grid else INTERVALS["1d"]

    @property
    def is_reread(self) -> bool:
        """Not a second: its next reads cover it again anyway."""
        return self.grid.duration_ms is None or self.grid.duration_ms >= MINUTE_MS

    def wait(self, at_ms: int, wanted_ms: int) -> bool:
        """The candle that ended at `wanted_ms` is late; True when the hurry for it ends."""
        if wanted_ms != self.wanted_ms:
            self.misses += self.tries > 0
            self.tries = len(LATE_MS) if self.misses >= MISSES_MAX else 0
            self.wanted_ms = wanted_ms
        slow = self.tries - len(LATE_MS)
        if slow < 0:
            self.retry_ms = at_ms + LATE_MS[self.tries]
        else:
            self.retry_ms = at_ms + ceiling(LATE_SLOW_MS, LATE_SLOW_MS_MAX, slow + 1)
        self.tries += 1
        return slow == 0


def _since(entry: _Entry, settle_ms: int, now_ms: int) -> int:
    """The last regular moment if it has not been read since, else the next one."""
    end_ms = entry.grid.open_ms(now_ms - settle_ms)
    settled_ms = end_ms + settle_ms
    reread_ms = settled_ms + REREAD_MS if entry.is_reread else settled_ms
    last_ms = reread_ms if reread_ms <= now_ms else settled_ms
    if entry.read_ms is None or entry.read_ms < last_ms:
        return last_ms
    return reread_ms if reread_ms > now_ms else entry.grid.next_open_ms(end_ms) + settle_ms
