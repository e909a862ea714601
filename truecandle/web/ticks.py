"""When the loops of the web role look again: at the same moments, so that they wake it together.

Never here: what is looked at, how a loop sleeps (each mode has its own way).
Invariant: nobody sleeps longer than a period and a tenth of it.
"""

from __future__ import annotations

import time


def pause_s(period_s: float, now_s: float | None = None) -> float:
    """Until the next multiple of the period, in s; the one after it where that is too near: a sleep
    may end a little early. `now_s` is the monotonic clock."""
    now_s = time.monotonic() if now_s is None else now_s
    left_s = period_s - now_s % period_s
    return left_s if left_s > period_s / 10 else left_s + period_s
