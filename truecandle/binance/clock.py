"""The exchange's clock, by which alone a candle is judged closed, as a process knows it that asks
the exchange itself.

Never here: changing the machine's clock, telling other roles (`store/clock`).
Invariant: between two measurements the clock moves with the monotonic clock, whatever happens to
the machine's time of day; it is never behind an event that the exchange has just sent.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import NamedTuple, Protocol

from truecandle.errors import MalformedAnswer

#: Round trips of one measurement; the fastest is the one whose half is known best.
SAMPLES = 3
#: Beyond the round trips themselves, the samples of one measurement may not contradict each other.
CONTRADICTION_MS_MAX = 1_000
#: How long a measurement is good for.
FRESH_MS = 60_000
#: Time of day and monotonic clock parted by more than this: somebody set the clock, or the machine
#: slept. Slewing by NTP stays below it.
JUMP_MS = 500
#: An event further ahead of a measured clock than this, or further behind it, does not move the
#: clock but has it measured again: an event may wait in a queue, and its time may be wrong.
EVENT_APART_MS_MAX = 5_000


class TimeSource(Protocol):
    """What can ask the exchange for its time: (server ms, round trip ms)."""

    def server_time(self) -> tuple[int, int]: ...


class _Anchor(NamedTuple):
    exchange_ms: int
    monotonic_ms: int
    wall_ms: int


class ExchangeClock:
    """`now_ms()` in the exchange's time; until the first `measure` it is the machine's guess."""

    def __init__(
        self,
        *,
        wall_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        monotonic_ms: Callable[[], int] = lambda: time.monotonic_ns() // 1_000_000,
    ) -> None:
        self._wall_ms = wall_ms
        self._monotonic_ms = monotonic_ms
        self._lock = threading.Lock()
        self._anchor = _Anchor(wall_ms(), monotonic_ms(), wall_ms())
        self._is_marked_stale = True
        self._has_leapt = False
        self._is_heard = False
        self.is_measured = False

    def now_ms(self) -> int:
        """The exchange's time now, in ms since 1970 (UTC)."""
        anchor = self._anchor
        return anchor.exchange_ms + self._monotonic_ms() - anchor.monotonic_ms

    def assume(self, exchange_ms: int) -> None:
        """Until it is measured, or the exchange was heard: it is this time now, others say."""
        with self._lock:
            if not (self.is_measured or self._is_heard):
                self._anchor = _Anchor(exchange_ms, self._monotonic_ms(), self._wall_ms())

    def hear(self, event_ms: int) -> None:
        """The exchange has sent an event of this time, just now or a time_ms ago.

        It is that late at least. Before the first measurement it is taken as the time itself.
        """
        ahead_ms = event_ms - self.now_ms()
        is_apart = abs(ahead_ms) > EVENT_APART_MS_MAX
        if self.is_measured and is_apart:
            self._is_marked_stale = True
        elif ahead_ms > 0 or (is_apart and not self.is_measured):
            with self._lock:
                anchor = self._anchor
                self._anchor = anchor._replace(exchange_ms=anchor.exchange_ms + ahead_ms)
        self._is_heard = True

    def offset_ms(self) -> int:
        """What to add to the machine's time of day, as it is now, to get the exchange's time."""
        return self.now_ms() - self._wall_ms()

    def mark_stale(self) -> None:
        """Something spoke against the clock: it is stale until measured again."""
        self._is_marked_stale = True

    def has_jumped(self) -> bool:
        """Whether the machine's time of day moved against the monotonic clock since measured."""
        anchor = self._anchor
        wall_passed_ms = self._wall_ms() - anchor.wall_ms
        passed_ms = self._monotonic_ms() - anchor.monotonic_ms
        return abs(wall_passed_ms - passed_ms) > JUMP_MS

    def is_unsure(self) -> bool:
        """Whether a clock jumped, this machine's or the exchange's, and no measurement since has
        confirmed what the time is now.
        """
        return self._has_leapt or self.has_jumped()

    def is_stale(self) -> bool:
        """Whether it is time to measure: never, long ago, marked stale, or after a jump."""
        age_ms = self._monotonic_ms() - self._anchor.monotonic_ms
        return self._is_marked_stale or age_ms >= FRESH_MS or self.has_jumped()

    def measure(self, source: TimeSource) -> int:
        """Asks the exchange by `source` and returns by how many ms the clock was moved.

        A clock that leapt is soon measured again, to be sure. Raises the `ExchangeError` of a
        failed request, and `MalformedAnswer` where the answers contradict each other; the clock
        then stays as it was.
        """
        samples = [self._sample(source) for _ in range(SAMPLES)]
        round_trip_ms, best = min(samples)
        for other_ms, other in samples:
            apart_ms = abs(_zero(best) - _zero(other))
            if apart_ms > CONTRADICTION_MS_MAX + round_trip_ms + other_ms:
                raise MalformedAnswer(f"server times contradict each other by {apart_ms} ms")
        with self._lock:
            before_ms = self.now_ms()
            self._anchor = best
            moved_ms = self.now_ms() - before_ms
            self._has_leapt = self._is_marked_stale = self.is_measured and abs(moved_ms) > JUMP_MS
            self.is_measured = True
            return moved_ms

    def _sample(self, source: TimeSource) -> tuple[int, _Anchor]:
        server_ms, round_trip_ms = source.server_time()
        exchange_ms = server_ms + round_trip_ms // 2
        return round_trip_ms, _Anchor(exchange_ms, self._monotonic_ms(), self._wall_ms())


def _zero(anchor: _Anchor) -> int:
    """The exchange's time at the monotonic clock's zero: comparable between samples."""
    return anchor.exchange_ms - anchor.monotonic_ms
