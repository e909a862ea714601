"""Holes between candles: what holds for every sequence."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from truecandle.candles.gap import Hole, find_holes, pages
from truecandle.candles.interval import INTERVALS

MINUTE = INTERVALS["1m"]
MINUTE_MS = 60_000


def test_a_hole_in_the_middle_is_found() -> None:
    assert find_holes(MINUTE, [0, 3 * MINUTE_MS], 0, 4 * MINUTE_MS) == [
        Hole(MINUTE_MS, 3 * MINUTE_MS, 2)
    ]


def test_holes_at_both_ends_are_found() -> None:
    holes = find_holes(MINUTE, [2 * MINUTE_MS], 0, 4 * MINUTE_MS)
    assert holes == [Hole(0, 2 * MINUTE_MS, 2), Hole(3 * MINUTE_MS, 4 * MINUTE_MS, 1)]


def test_without_candles_all_is_one_hole() -> None:
    assert find_holes(MINUTE, [], 0, MINUTE_MS) == [Hole(0, MINUTE_MS, 1)]


def test_nothing_is_missing_where_every_candle_is() -> None:
    assert find_holes(MINUTE, [0, MINUTE_MS], 0, 2 * MINUTE_MS) == []


def test_a_candle_off_the_grid_fills_no_hole() -> None:
    assert find_holes(MINUTE, [1], 0, MINUTE_MS) == [Hole(0, MINUTE_MS, 1)]


def test_months_without_candles_are_counted_by_the_calendar() -> None:
    january, april = 1_704_067_200_000, 1_711_929_600_000
    assert find_holes(INTERVALS["1M"], [], january, april) == [Hole(january, april, 3)]


def test_pages_come_newest_first() -> None:
    assert list(pages(MINUTE, Hole(0, 5 * MINUTE_MS, 5), 2)) == [
        Hole(3 * MINUTE_MS, 5 * MINUTE_MS, 2),
        Hole(MINUTE_MS, 3 * MINUTE_MS, 2),
        Hole(0, MINUTE_MS, 1),
    ]


@given(st.sets(st.integers(0, 60)), st.integers(0, 60), st.integers(1, 7))
@settings(max_examples=100)
def test_holes_and_candles_together_cover_everything_once(
    minutes: set[int], end: int, size: int
) -> None:
    end_ms = end * MINUTE_MS
    opens = sorted(minute * MINUTE_MS for minute in minutes)
    holes = find_holes(MINUTE, opens, 0, end_ms)
    asked = [page for hole in holes for page in pages(MINUTE, hole, size)]
    assert all(page.candles <= size for page in asked)
    missing = [m for page in asked for m in MINUTE.opens(page.start_ms, page.end_ms)]
    assert sorted(missing + [o for o in opens if o < end_ms]) == list(MINUTE.opens(0, end_ms))
