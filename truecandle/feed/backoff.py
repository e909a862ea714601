"""When a market's question to the exchange may be put again, after one that brought nothing usable.

Never here: what is asked (`case`), a clock (seconds that only grow come in).
Invariant: every wait and every number of tries is bounded. An outage that is over ends the wait it
has caused, `WAKES_MAX` times a minute at most; while one lasts nothing is given up.
"""

from __future__ import annotations

import random
from collections import deque
from typing import Final

from truecandle.errors import Outage

#: Failures in a row before ids are given up and klines have to do.
TRIES_MAX: Final = 8
#: Answers in a row with rows that cannot be believed, before what they hide is given up.
ODD_TRIES_MAX: Final = 3
BACKOFF_S: Final = 0.25
BACKOFF_MAX_S: Final = 30.0
DOUBLINGS_MAX: Final = 10
#: Who was woken so often in a minute and failed again has a trouble of its own.
WAKES_MAX: Final = 3
MINUTE_S: Final = 60.0


class AskBackoff:
    """`is_waiting` says whether to ask now; the others are told what came of it."""

    def __init__(self) -> None:
        #: Failures in a row, and those of them that count towards giving up.
        self._failures = self._tries = 0
        #: Answers in a row that had odd rows.
        self._odd = 0
        self._again_s = 0.0
        #: What the last failure met, if its end will end the wait.
        self._outage: Outage | None = None
        self._wakes: deque[float] = deque(maxlen=WAKES_MAX)

    def is_waiting(self, now_s: float) -> bool:
        return now_s < self._again_s and not self._is_woken

    def wait(self, until_s: float) -> None:
        """Not before then."""
        self._again_s, self._outage = max(self._again_s, until_s), None

    def fail(self, now_s: float, outage: Outage | None = None) -> bool:
        """Nothing usable came. True if that has been so too often: then ids are given up."""
        if self._is_woken:
            self._wakes.append(now_s)
        is_own = len(self._wakes) == WAKES_MAX and now_s - self._wakes[0] < MINUTE_S
        self._outage = None if is_own else outage
        self._failures += 1
        ceiling_s = BACKOFF_S * 2.0 ** min(self._failures, DOUBLINGS_MAX)
        self._again_s = now_s + random.uniform(BACKOFF_S, min(BACKOFF_MAX_S, ceiling_s))
        self._tries += self._outage is None
        if self._tries < TRIES_MAX:
            return False
        self.succeed()
        self.wait(now_s + BACKOFF_MAX_S)
        return True

    def odd(self, now_s: float) -> bool:
        """An answer had odd rows. True if that has been so too often."""
        self._odd += 1
        doublings = min(self._odd, DOUBLINGS_MAX)
        self.wait(now_s + min(BACKOFF_MAX_S, BACKOFF_S * 2.0**doublings))
        return self._odd >= ODD_TRIES_MAX

    def sound(self) -> None:
        """An answer had no odd row."""
        self._odd = 0

    def succeed(self) -> None:
        """What was asked for has come."""
        self._failures = self._tries = 0

    @property
    def _is_woken(self) -> bool:
        return self._outage is not None and self._outage.is_over
