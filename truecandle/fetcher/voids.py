"""What the exchange was asked for and does not have: holes that are real, or not healed yet.

Never here: asking; why a hole is there.
Invariant: a hole is asked for again after pauses that double, so that it costs ever less, and an
exchange that fills it later is still believed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from truecandle.candles.gaps import Hole
from truecandle.candles.interval import Interval

PAUSE_MS = 60_000
PAUSE_MS_MAX = 24 * 3600 * 1000
#: Of one series; beyond it the oldest are forgotten, and at worst asked for once more.
VOIDS_MAX = 1_000


class _Void(NamedTuple):
    start_ms: int
    end_ms: int
    tries: int
    until_ms: int


class Voids:
    """The voids of one series, ascending and apart from each other."""

    def __init__(self) -> None:
        self._voids: list[_Void] = []

    def note(self, start_ms: int, end_ms: int, holes: Iterable[Hole], now_ms: int) -> None:
        """[start_ms, end_ms) was asked for, and these holes are what was not there."""
        before = self._voids
        kept = [part for void in before for part in _outside(void, start_ms, end_ms)]
        for hole in holes:
            tries = 1 + max((v.tries for v in before if _overlap(v, hole)), default=0)
            pause_ms = min(PAUSE_MS_MAX, PAUSE_MS * 2 ** min(tries - 1, 20))
            kept.append(_Void(hole.start_ms, hole.end_ms, tries, now_ms + pause_ms))
        self._voids = sorted(kept)[-VOIDS_MAX:]

    def due(self, interval: Interval, holes: Iterable[Hole], now_ms: int) -> list[Hole]:
        """What of these holes (ascending) to ask for now: all but the voids that rest."""
        resting = [void for void in self._voids if void.until_ms > now_ms]
        due = []
        for hole in holes:
            at_ms = hole.start_ms
            for void in resting:
                if void.end_ms <= at_ms or void.start_ms >= hole.end_ms:
                    continue
                if void.start_ms > at_ms:
                    due.append(_hole(interval, at_ms, void.start_ms))
                at_ms = void.end_ms
            if at_ms < hole.end_ms:
                due.append(_hole(interval, at_ms, hole.end_ms))
        return due

    def candles(self, interval: Interval, start_ms: int, end_ms: int, now_ms: int) -> int:
        """How many candles of [start_ms, end_ms) lie in voids that rest."""
        return sum(
            interval.count(max(void.start_ms, start_ms), min(void.end_ms, end_ms))
            for void in self._voids
            if void.until_ms > now_ms
        )


def newest_page(interval: Interval, holes: list[Hole], size: int) -> tuple[int, int]:
    """The newest [start_ms, end_ms) of at most `size` candles with as many holes as fit in."""
    end_ms = holes[-1].end_ms
    floor_ms = interval.step(end_ms, -size)
    start_ms = min(hole.start_ms for hole in holes if hole.end_ms > floor_ms)
    return max(start_ms, floor_ms), end_ms


def before(interval: Interval, holes: Iterable[Hole], end_ms: int) -> list[Hole]:
    """What of the holes lies before `end_ms`."""
    return [
        _hole(interval, hole.start_ms, min(hole.end_ms, end_ms))
        for hole in holes
        if hole.start_ms < end_ms
    ]


def _outside(void: _Void, start_ms: int, end_ms: int) -> list[_Void]:
    parts = []
    if void.start_ms < start_ms:
        parts.append(void._replace(end_ms=min(void.end_ms, start_ms)))
    if void.end_ms > end_ms:
        parts.append(void._replace(start_ms=max(void.start_ms, end_ms)))
    return parts


def _overlap(void: _Void, hole: Hole) -> bool:
    return void.start_ms < hole.end_ms and hole.start_ms < void.end_ms


def _hole(interval: Interval, start_ms: int, end_ms: int) -> Hole:
    return Hole(start_ms, end_ms, interval.count(start_ms, end_ms))
