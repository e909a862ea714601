"""The aggregate trade ids of one market: how far they have come, and which of them are missing.

Never here: trades, a clock (seconds that only grow come in), asking for what is missing (`case`).
Invariant: bounded; every id below `next_id` and from the first one on has come or is in a hole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

#: Holes of one market kept apart; beyond that the two oldest are asked for as one.
HOLES_MAX = 100


@dataclass(slots=True)
class Hole:
    """The ids first..last are missing since then."""

    first: int
    last: int
    since_s: float

    @property
    def size(self) -> int:
        return self.last - self.first + 1


class Trail:
    """`next_id` is the one after the newest, None before the first. `holes` ascend."""

    def __init__(self) -> None:
        self.first_id: int | None = None
        self.next_id: int | None = None
        self.holes: list[Hole] = []
        #: How long the longest hole took that has been filled, in s.
        self.longest_s = 0.0

    def see(self, agg_id: int, now_s: float) -> None:
        """This id has come by the stream."""
        if agg_id == self.next_id:
            self.next_id = agg_id + 1
        elif self.next_id is None:
            self.first_id, self.next_id = agg_id, agg_id + 1
        elif agg_id > self.next_id:
            self._miss(self.next_id, agg_id - 1, now_s)
            self.next_id = agg_id + 1
        elif self.holes:
            self.fill(agg_id, agg_id, now_s)

    def start(self, agg_id: int, now_s: float) -> None:
        """From this id on all are to come, though a later one may have come before."""
        if self.first_id is None or self.next_id is None:
            self.first_id = self.next_id = agg_id
        elif agg_id < self.first_id:
            self._miss(agg_id, self.first_id - 1, now_s)
            self.first_id = agg_id

    def fill(self, first: int, last: int, now_s: float) -> None:
        """The exchange has told all that it has of first..last."""
        if self.next_id is not None and first <= self.next_id <= last:
            self.next_id = last + 1
        kept: list[Hole] = []
        for hole in self.holes:
            if hole.last < first or hole.first > last:
                kept.append(hole)
                continue
            if hole.first < first:
                kept.append(Hole(hole.first, first - 1, hole.since_s))
            if hole.last > last:
                kept.append(Hole(last + 1, hole.last, hole.since_s))
            if first <= hole.first and hole.last <= last:
                self.longest_s = max(self.longest_s, now_s - hole.since_s)
        self.holes = kept
        self._bound()

    def drop(self, holes: Sequence[Hole]) -> None:
        """These are not asked for any more."""
        self.holes = [hole for hole in self.holes if hole not in holes]

    def forget(self) -> None:
        """Nothing is known of what came and what did not."""
        self.first_id = self.next_id = None
        self.holes = []

    def ripe(self, until_s: float) -> list[Hole]:
        """The holes known since `until_s` or before: what was late is not late any more."""
        return [hole for hole in self.holes if hole.since_s <= until_s]

    def page(self, most: int, until_s: float) -> tuple[int, int, int] | None:
        """The first and last id to ask for next, at most so many, and how many such pages there
        are: the oldest of the holes known since `until_s` or before, as many as fit."""
        holes = self.ripe(until_s)
        if not holes:
            return None
        first = holes[0].first
        near = [hole for hole in holes if hole.first < first + most]
        last = max(min(hole.last, first + most - 1) for hole in near)
        return first, last, 1 + sum(hole.size for hole in holes) // most

    def _miss(self, first: int, last: int, now_s: float) -> None:
        self.holes.append(Hole(first, last, now_s))
        self.holes.sort(key=lambda hole: hole.first)
        self._bound()

    def _bound(self) -> None:
        if len(self.holes) > HOLES_MAX:
            one, other = self.holes[:2]
            since_s = min(one.since_s, other.since_s)
            self.holes[:2] = [Hole(one.first, other.last, since_s)]
