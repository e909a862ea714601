"""A set of trade ids, kept as ranges: which trades a candle holds already.

Never here: what the ids stand for.
Invariant: the ranges are sorted, apart from each other, and at most `RANGES_MAX`.
"""

from __future__ import annotations

from bisect import bisect_left

#: A stream that is broken more often inside one candle is past saving by ids: the oldest two
#: ranges are then taken as one, which can only make the candle miss trades, never double them; it
#: is no single range any more.
RANGES_MAX = 1_000


class Ranges:
    """Whole numbers, added as closed ranges."""

    __slots__ = ("_is_mended", "_ranges")

    def __init__(self) -> None:
        self._ranges: list[tuple[int, int]] = []
        self._is_mended = False

    def add(self, first: int, last: int) -> None:
        """Adds first..last, both included."""
        ranges = self._ranges
        if ranges and ranges[-1][1] == first - 1:
            ranges[-1] = (ranges[-1][0], last)
            return
        at = bisect_left(ranges, (first, first))
        if at and ranges[at - 1][1] >= first - 1:
            at -= 1
        end = at
        while end < len(ranges) and ranges[end][0] <= last + 1:
            first, last = min(first, ranges[end][0]), max(last, ranges[end][1])
            end += 1
        ranges[at:end] = [(first, last)]
        if len(ranges) > RANGES_MAX:
            ranges[:2] = [(ranges[0][0], ranges[1][1])]
            self._is_mended = True

    def overlap(self, first: int, last: int) -> int:
        """How many of first..last are in."""
        at = max(0, bisect_left(self._ranges, (first, first)) - 1)
        count = 0
        for start, end in self._ranges[at:]:
            if start > last:
                break
            count += max(0, min(end, last) - max(start, first) + 1)
        return count

    def is_single(self, first: int, last: int) -> bool:
        """Whether the set is just first..last."""
        return self._ranges == [(first, last)] and not self._is_mended
