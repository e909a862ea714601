"""Holes in a sequence of candles, and the pages of requests that would fill them.

Never here: why a hole is there (only the exchange can tell), asking for anything.
Invariant: pages cover every hole and ask for no more candles than a page may hold.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from truecandle.candles.interval import Interval


class Hole(NamedTuple):
    """Missing candles: they would open in [start_ms, end_ms), `candles` of them."""

    start_ms: int
    end_ms: int
    candles: int


def find_holes(interval: Interval, opens: Iterable[int], start_ms: int, end_ms: int) -> list[Hole]:
    """The holes in [start_ms, end_ms) between candles that open at `opens` (ascending).

    `start_ms` and `end_ms` are open times of the interval's grid; opens off the grid don't count.
    """
    holes = []
    expected_ms = start_ms
    for open_ms in opens:
        if open_ms >= end_ms:
            break
        if open_ms < expected_ms or not interval.is_aligned(open_ms):
            continue
        if open_ms > expected_ms:
            holes.append(Hole(expected_ms, open_ms, interval.count(expected_ms, open_ms)))
        expected_ms = interval.next_open_ms(open_ms)
    if expected_ms < end_ms:
        holes.append(Hole(expected_ms, end_ms, interval.count(expected_ms, end_ms)))
    return holes


def pages(interval: Interval, hole: Hole, size: int) -> Iterator[Hole]:
    """The hole cut into pieces of at most `size` candles, newest first.

    Newest first, because that is what a trader looks at while the rest still loads.
    """
    end_ms = hole.end_ms
    while end_ms > hole.start_ms:
        start_ms = max(hole.start_ms, interval.step(end_ms, -size))
        yield Hole(start_ms, end_ms, interval.count(start_ms, end_ms))
        end_ms = start_ms


def newest_page(interval: Interval, holes: list[Hole], size: int) -> tuple[int, int]:
    """The newest [start_ms, end_ms) of at most `size` candles with as many holes as fit in."""
    end_ms = holes[-1].end_ms
    floor_ms = interval.step(end_ms, -size)
    start_ms = min(hole.start_ms for hole in holes if hole.end_ms > floor_ms)
    return max(start_ms, floor_ms), end_ms


def before(interval: Interval, holes: Iterable[Hole], end_ms: int) -> list[Hole]:
    """What of the holes lies before `end_ms`."""
    return [
        hole_of(interval, hole.start_ms, min(hole.end_ms, end_ms))
        for hole in holes
        if hole.start_ms < end_ms
    ]


def after(interval: Interval, holes: Iterable[Hole], start_ms: int) -> list[Hole]:
    """What of the holes lies at `start_ms` or after."""
    return [
        hole_of(interval, max(hole.start_ms, start_ms), hole.end_ms)
        for hole in holes
        if hole.end_ms > start_ms
    ]


def hole_of(interval: Interval, start_ms: int, end_ms: int) -> Hole:
    """[start_ms, end_ms) as a hole."""
    return Hole(start_ms, end_ms, interval.count(start_ms, end_ms))
