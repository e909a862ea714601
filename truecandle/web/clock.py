"""The exchange's clock, as the web role knows it: the machine's clock plus the shared offset.

Never here: asking the exchange (fetcher and feed measure the offset), time zones.
Invariant: an offset older than `FRESH_S` is never used: who can't know the time says so.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from redis import Redis

from truecandle.store import clock

#: How long an offset is used before it is read again.
FRESH_S: Final = 2.0


class Clock:
    """`seconds` is the machine's clock, in s since 1970; tests hand in another."""

    def __init__(self, redis: Redis, seconds: Callable[[], float] = time.time) -> None:
        self._redis = redis
        self._seconds = seconds
        self._offset_ms = 0
        self._read_at_s = float("-inf")

    def now_ms(self) -> int:
        """Exchange time in ms; `StoreUnavailable` if the offset is old and Redis is away."""
        if time.monotonic() - self._read_at_s > FRESH_S:
            self._offset_ms = clock.offset_ms(self._redis)
            self._read_at_s = time.monotonic()
        return self.machine_ms() + self._offset_ms

    def machine_ms(self) -> int:
        """This machine's time in ms: for sessions, limits and heartbeats."""
        return int(self._seconds() * 1000)
