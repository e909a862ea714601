"""Pauses that double with every failure in a row, up to a longest one, for whoever tries again.

Never here: what failed, sleeping, a clock.
Invariant: no pause is longer than its maximum, however many failures there were; what its unit is,
seconds or milliseconds, whoever makes it decides.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final, Generic, TypeAlias, TypeVar

Number = TypeVar("Number", int, float)

#: Makes a pause of the longest one that is due: `(random numbers, longest) -> pause`.
Jitter: TypeAlias = Callable[[random.Random, Number], Number]

#: Each maximum in use is reached before; what is doubled more often only costs digits.
DOUBLINGS_MAX: Final = 32


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
        self._dice = dice or random.Random()

    def fail(self) -> Number:
        self.failures += 1
        longest = ceiling(self._initial, self._maximum, self.failures)
        return self._jitter(self._dice, longest)

    def reset(self) -> None:
        self.failures = 0
