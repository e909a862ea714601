"""Pauses that double with every failure in a row, up to a longest one, for whoever tries again.

And when such a pause ends early: where an outage was met that somebody has seen the end of.

Never here: what failed, sleeping, a clock.
Invariant: no pause is longer than its maximum, however many failures there were; what its unit is,
seconds or milliseconds, whoever makes it decides.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from typing import Final, Generic, TypeAlias, TypeVar

from truecandle.errors import Outage

Number = TypeVar("Number", int, float)

#: Makes a pause of the longest one that is due: `(random numbers, longest) -> pause`.
Jitter: TypeAlias = Callable[[random.Random, Number], Number]

#: Each maximum in use is reached before; what is doubled more often only costs digits.
DOUBLINGS_MAX: Final = 32

#: Who was woken so often in a minute and failed again has a trouble of its own.
WAKES_MAX: Final = 3

#: For all that bring no dice of their own: one costs 2.5 kB, and there is a back-off a stream.
_dice = random.Random()


def ceiling(initial: Number, maximum: Number, failures: int) -> Number:
    """The longest pause after so many failures in a row: `initial` after one, then twice that."""
    return min(maximum, initial * (1 << min(max(failures - 1, 0), DOUBLINGS_MAX)))


def no_jitter(_: random.Random, longest: Number) -> Number:
    """Always the longest: where nobody else waits for the same."""
    return longest


def full_jitter(dice: random.Random, longest: float) -> float:
    """Anything from nothing to the longest, so that many who failed together come back apart."""
    return dice.uniform(0, longest)


class Backoff(Generic[Number]):
    """`fail()` gives the pause after one more failure in a row; `reset()` when all is well again.

    `initial`, `maximum` and the pauses are in one unit. `jitter` draws a pause from its longest.
    """

    def __init__(
        self,
        initial: Number,
        maximum: Number,
        jitter: Jitter[Number] = no_jitter,
        dice: random.Random | None = None,
    ) -> None:
        #: Failures in a row.
        self.failures = 0
        self._initial: Number = initial
        self._maximum: Number = maximum
        self._jitter: Jitter[Number] = jitter
        self._dice = dice or _dice

    def fail(self) -> Number:
        self.failures += 1
        longest = ceiling(self._initial, self._maximum, self.failures)
        return self._jitter(self._dice, longest)

    def reset(self) -> None:
        self.failures = 0


class OutageWait(Generic[Number]):
    """A pause that ends as soon as the outage that was met does, `WAKES_MAX` times a minute at
    most. `minute`: how much that is in the unit of the moments that come in."""

    def __init__(self, minute: Number) -> None:
        self._minute: Number = minute
        #: What the last failure met, if its end ends the pause.
        self._outage: Outage | None = None
        #: When it failed again after the end of one had woken it.
        self._wakes: deque[Number] = deque(maxlen=WAKES_MAX)

    @property
    def is_over(self) -> bool:
        """Whether it was an outage that the last failure met, and that is over by now."""
        return self._outage is not None and self._outage.is_over

    def fail(self, now: Number, outage: Outage | None) -> bool:
        """One more failure; whether the end of that `outage` will end the pause after it."""
        if self.is_over:
            self._wakes.append(now)
        is_its_own = len(self._wakes) == WAKES_MAX and now - self._wakes[0] < self._minute
        self._outage = None if is_its_own else outage
        return self._outage is not None

    def forget(self) -> None:
        """Nobody's answer ends the pause."""
        self._outage = None
