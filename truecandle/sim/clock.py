"""The exchange's clock: real time, shifted, frozen, set or sped up by a script.

Never here: the machine's clock is never changed, and nobody else in `sim` reads it.
Invariant: between two scripted changes the clock never goes backwards, and nothing that happens to
the machine's time of day moves it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

#: A script may run time this much faster at most; the streams could not follow beyond.
SPEED_MAX = 10_000.0


class SimulatedClock:
    """Exchange time in ms; without arguments the real time.

    clock = SimulatedClock(1_700_000_000_000, speed=0)
    clock.advance(60_000)          # one minute later
    clock.shift(-300_000)          # five minutes behind from now on
    clock.run(speed=60)            # a minute each second
    """

    def __init__(self, start_ms: int | None = None, speed: float = 1.0) -> None:
        self._lock = threading.Lock()
        #: Who goes by this clock and sleeps until a moment of it: called when it has been changed.
        self.listeners: list[Callable[[], object]] = []
        self._pivot_ns = time.monotonic_ns()
        self._pivot_ms = time.time_ns() // 1_000_000 if start_ms is None else start_ms
        self._speed = _checked(speed)

    @property
    def speed(self) -> float:
        """How many exchange seconds pass in a real one; 0 is a frozen clock."""
        return self._speed

    def now_ms(self) -> int:
        """The exchange's time now, in ms since 1970 (UTC)."""
        with self._lock:
            return self._now_ms()

    def set(self, now_ms: int) -> None:
        """It is `now_ms` now; the speed stays."""
        with self._changing():
            self._pin(now_ms)

    def shift(self, offset_ms: int) -> None:
        """From now on `offset_ms` later (or earlier, if negative)."""
        with self._changing():
            self._pin(self._now_ms() + offset_ms)

    def advance(self, by_ms: int) -> int:
        """Moves forward by `by_ms` and returns the new time; never backwards."""
        with self._changing():
            self._pin(self._now_ms() + max(0, by_ms))
            return self._pivot_ms

    def advance_to(self, now_ms: int) -> None:
        """Moves forward to `now_ms`; a time already passed changes nothing."""
        with self._changing():
            self._pin(max(self._now_ms(), now_ms))

    def freeze(self) -> None:
        """Stands still until `run`, `set`, `shift` or `advance`."""
        self.run(0)

    def run(self, speed: float = 1.0) -> None:
        """Runs on from the present moment at this speed."""
        with self._changing():
            self._pin(self._now_ms())
            self._speed = _checked(speed)

    @contextmanager
    def _changing(self) -> Iterator[None]:
        with self._lock:
            yield
        for changed in list(self.listeners):
            changed()

    def _now_ms(self) -> int:
        passed_ns = time.monotonic_ns() - self._pivot_ns
        return self._pivot_ms + int(passed_ns * self._speed) // 1_000_000

    def _pin(self, now_ms: int) -> None:
        self._pivot_ns = time.monotonic_ns()
        self._pivot_ms = now_ms


def _checked(speed: float) -> float:
    if not 0 <= speed <= SPEED_MAX:
        raise ValueError(f"speed is {speed}; allowed: 0 (frozen) to {SPEED_MAX:.0f}")
    return speed
