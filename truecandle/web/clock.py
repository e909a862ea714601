"""The exchange's clock, as the web role knows it: the machine's clock plus the shared offset.

Never here: asking the exchange (fetcher and feed measure the offset), time zones.
Invariant: reading the time never fails; while Redis is away the last known offset stands.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from redis import Redis

from truecandle.errors import StoreError
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
        """Exchange time in ms."""
        if time.monotonic() - self._read_at_s > FRESH_S:
            self._read_at_s = time.monotonic()
            with suppress(StoreError):
                self._offset_ms = clock.offset_ms(self._redis)
        return self.machine_ms() + self._offset_ms

    def machine_ms(self) -> int:
        """This machine's time in ms: for sessions, limits and heartbeats."""
        return int(self._seconds() * 1000)
