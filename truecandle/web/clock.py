"""The two clocks of the web role: the exchange's, by which candles are judged, and the machine's.

Never here: asking the exchange (fetcher and feed measure its clock), time zones.
Invariant: the machine's time of day never says anything about a candle.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Clocks:
    """`now_ms` gives the exchange's time in ms (`store.clock.SharedClock`), and raises
    `StoreUnavailable` while it cannot be known; `seconds` is the machine's clock, in s since 1970.
    """

    now_ms: Callable[[], int]
    seconds: Callable[[], float] = time.time

    def machine_ms(self) -> int:
        """This machine's time in ms: for sessions and limits."""
        return int(self.seconds() * 1000)
