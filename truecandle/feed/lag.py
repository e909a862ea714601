"""How late something is, counted by the millisecond: what share of all was no later than that.

Never here: clocks, what is late.
Invariant: a count is bounded: later than `LAG_MAX_MS` is all the same.
"""

from __future__ import annotations

from collections import Counter

#: Later than this is all the same.
LAG_MAX_MS = 60_000


def quantile(lags: Counter[int], share: float) -> int:
    """The smallest lag that this share of all does not exceed; 0 without any."""
    left = lags.total() * share
    for lag in sorted(lags):
        left -= lags[lag]
        if left <= 0:
            return lag
    return 0
