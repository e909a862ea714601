"""How long one market rests after a failure.

Never here: what failed, sleeping.
Invariant: at most `TRIES_MAX` failures a minute, and never a rest without an end.
"""

from __future__ import annotations

import random
from collections import deque

BASE_MS = 1_000
CAP_MS = 60_000
TRIES_MAX = 5
MINUTE_MS = 60_000


class Backoff:
    """Full jitter: a random time up to a bound that doubles with every failure in a row."""

    def __init__(self, rng: random.Random | None = None) -> None:
        self._rng = rng or random.Random()
        self._recent: deque[int] = deque(maxlen=TRIES_MAX)
        self.failures = 0
        self.until_ms = 0

    def fail(self, now_ms: int) -> None:
        """One more failure in a row, at `now_ms`."""
        bound_ms = min(CAP_MS, BASE_MS * 2 ** min(self.failures, 10))
        self.failures += 1
        self._recent.append(now_ms)
        self.rest(now_ms + self._rng.randrange(1, bound_ms + 1))
        if len(self._recent) == TRIES_MAX:
            self.rest(self._recent[0] + MINUTE_MS)

    def rest(self, until_ms: int) -> None:
        """Rests until then, or longer if it already does."""
        self.until_ms = max(self.until_ms, until_ms)

    def succeed(self) -> None:
        """All is well again."""
        self.failures = self.until_ms = 0
