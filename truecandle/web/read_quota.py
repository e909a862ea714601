"""Counting what each reader reads in a window of time, in memory.

Never here: who reads, Flask, clocks (times come in as arguments, in s).
Invariant: counting waits for nothing, and what is remembered of strangers is bounded.
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

WINDOW_S: Final = 60
#: Who is remembered; whose window began first is forgotten first.
READERS_MAX: Final = 10_000


@dataclass(slots=True)
class Window:
    """What somebody has read since its window began."""

    began_s: float
    count: int = 0


@dataclass(frozen=True, slots=True)
class Quota:
    """What is left of `limit` reads, for how long; `is_over` once one more was asked for."""

    limit: int
    left: int
    reset_s: int
    is_over: bool

    @property
    def headers(self) -> dict[str, str]:
        """As draft-ietf-httpapi-ratelimit-headers has it."""
        return {
            "RateLimit-Policy": f'"reads";q={self.limit};w={WINDOW_S}',
            "RateLimit": f'"reads";r={self.left};t={self.reset_s}',
        }


class ReadCounter:
    """Counts in windows that begin with the first read. `now_s` never goes back."""

    def __init__(self, per_minute: int) -> None:
        self._limit = per_minute
        self._lock = threading.Lock()
        self._windows: OrderedDict[str, Window] = OrderedDict()

    def count(self, who: str, now_s: float) -> Quota:
        """Counts one read of somebody, a name."""
        with self._lock:
            window = self._windows.get(who)
            if window is None or now_s - window.began_s >= WINDOW_S:
                self._windows.pop(who, None)
                window = self._windows[who] = Window(now_s)
                if len(self._windows) > READERS_MAX:
                    self._windows.popitem(last=False)
            window.count += 1
            left, reset_s = self._limit - window.count, window.began_s + WINDOW_S - now_s
        return Quota(self._limit, max(left, 0), math.ceil(reset_s), left < 0)
