"""When to ask again after questions that have failed, and when to give up.

Never here: asking, a clock (seconds that only grow come in).
Invariant: pauses grow up to `BACKOFF_MAX_S`, and differ, so that markets do not ask all at once.
"""

from __future__ import annotations

import random

#: Failures in a row before ids are given up and klines have to do.
TRIES_MAX = 8
BACKOFF_S = 0.25
BACKOFF_MAX_S = 30.0


class Retry:
    """Of one market: `again_s` is when it may be asked again."""

    def __init__(self) -> None:
        self.again_s = 0.0
        self._tries = 0

    def fail(self, now_s: float) -> bool:
        """Nothing usable came: whether to give up."""
        self._tries += 1
        ceiling_s = min(BACKOFF_MAX_S, BACKOFF_S * 2.0**self._tries)
        self.again_s = now_s + random.uniform(BACKOFF_S, ceiling_s)
        return self._tries >= TRIES_MAX

    def rest(self, now_s: float) -> None:
        """There is nothing to be had for a while."""
        self.succeed()
        self.again_s = max(self.again_s, now_s + BACKOFF_MAX_S)

    def succeed(self) -> None:
        self._tries = 0
