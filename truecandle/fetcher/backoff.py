"""How long one market rests after a failure.

Never here: what failed, sleeping.
Invariant: at most `TRIES_MAX` failures a minute on its own account, never a rest without an end. An
outage that is over ends the rest that it has caused, `WAKES_MAX` times a minute at most.
"""

from __future__ import annotations

import random
from collections import deque

from truecandle.errors import Outage

BASE_MS = 1_000
CAP_MS = 60_000
TRIES_MAX = 5
MINUTE_MS = 60_000
#: Who was woken so often in a minute and failed again has a trouble of its own.
WAKES_MAX = 3


class Backoff:
    """Full jitter: a random time up to a bound that doubles with every failure in a row."""

    def __init__(self, rng: random.Random | None = None) -> None:
        self._rng = rng or random.Random()
        self._recent: deque[int] = deque(maxlen=TRIES_MAX)
        self._wakes: deque[int] = deque(maxlen=WAKES_MAX)
        self._outage: Outage | None = None
        self._failed_until_ms = 0
        self._rest_until_ms = 0
        self.failures = 0

    @property
    def until_ms(self) -> int:
        """Until when it rests; a time in the past if it does not."""
        return max(self._rest_until_ms, 0 if self.is_woken else self._failed_until_ms)

    @property
    def is_woken(self) -> bool:
        """Whether it was an outage that the last failure met, and that is over by now."""
        return self._outage is not None and self._outage.is_over

    def fail(self, now_ms: int, outage: Outage | None = None) -> None:
        """One more failure in a row; for an `outage` it rests only while that lasts."""
        if self.is_woken:
            self._wakes.append(now_ms)
        is_own = len(self._wakes) == WAKES_MAX and now_ms - self._wakes[0] < MINUTE_MS
        self._outage = None if is_own else outage
        bound_ms = min(CAP_MS, BASE_MS * 2 ** min(self.failures, 10))
        self.failures += 1
        self._recent.append(now_ms)
        until_ms = now_ms + self._rng.randrange(1, bound_ms + 1)
        if len(self._recent) == TRIES_MAX:
            until_ms = max(until_ms, self._recent[0] + MINUTE_MS)
        self._failed_until_ms = max(self._failed_until_ms, until_ms)

    def rest(self, until_ms: int) -> None:
        """Rests until then, or longer if it already does, whatever others are answered."""
        self._rest_until_ms = max(self._rest_until_ms, until_ms)

    def succeed(self) -> None:
        """All is well again."""
        self.failures = self._failed_until_ms = self._rest_until_ms = 0
        self._outage = None
