"""A set of trade ids, kept as ranges: which trades a candle holds already.

Never here: what the ids stand for.
Invariant: the ranges are sorted, apart from each other, and at most `RANGES_MAX`.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right

#: A stream that is broken more often inside one candle is past saving by ids: the oldest two
#: ranges are then taken as one, which can only make the candle miss trades, never double them; it
#: is no single range any more.
RANGES_MAX = 1_000


class TradeIdRanges:
    """Whole numbers, added as closed ranges."""

    __slots__ = ("_ends", "_is_mended", "_starts")

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._is_mended = False

    def add(self, first: int, last: int) -> None:
        """Adds first..last, both included."""
        starts, ends = self._starts, self._ends
        if ends and ends[-1] == first - 1:
            ends[-1] = last
            return
        at = bisect_left(ends, first - 1)
        end = bisect_right(starts, last + 1)
        if at < end:
            first, last = min(first, starts[at]), max(last, ends[end - 1])
        starts[at:end], ends[at:end] = [first], [last]
        if len(starts) > RANGES_MAX:
            del starts[1], ends[0]
            self._is_mended = True

    def overlap(self, first: int, last: int) -> int:
        """How many of first..last are in."""
        at = bisect_left(self._ends, first)
        end = bisect_right(self._starts, last)
        if at >= end:
            return 0
        return sum(
            min(self._ends[i], last) - max(self._starts[i], first) + 1 for i in range(at, end)
        )

    def is_single(self, first: int, last: int) -> bool:
        """Whether the set is just first..last."""
        return self._starts == [first] and self._ends == [last] and not self._is_mended
