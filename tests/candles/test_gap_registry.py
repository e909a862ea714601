"""All gaps of a series: what is known of each, and when to ask for it again."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truecandle.candles.gap import GapReason, Hole, Verdict, find_holes, gap_from_json, newest_page
from truecandle.candles.gap_registry import GAPS_MAX, PAUSE_MS, PAUSE_MS_MAX, GapRegistry
from truecandle.candles.interval import DAY_MS, INTERVALS, MINUTE_MS
from truecandle.errors import CandleError

#: 2024-08-08T00:00:00Z, a Thursday.
DAY = 1_723_075_200_000


MINUTE = INTERVALS["1m"]


def hole(start: int, end: int) -> Hole:
    return Hole(DAY + start * MINUTE_MS, DAY + end * MINUTE_MS, end - start)


def verdict(hole_: Hole, reason: GapReason = "unproven") -> Verdict:
    return Verdict(hole_, reason, "the exchange said so")


def noted(gaps: GapRegistry, asked: Hole, *holes: Hole, now_ms: int = 0) -> GapRegistry:
    return gaps.note(MINUTE, asked.start_ms, asked.end_ms, map(verdict, holes), now_ms)


def test_a_gap_rests_and_what_is_around_it_does_not() -> None:
    gaps = noted(GapRegistry(), hole(10, 20), hole(10, 20))
    assert gaps.due(MINUTE, [hole(0, 30)], now_ms=1) == [hole(0, 10), hole(20, 30)]
    assert gaps.due(MINUTE, [hole(12, 15)], now_ms=1) == []
    assert gaps.within(MINUTE, *hole(0, 15)[:2]) == [hole(10, 15)]
    assert gaps.due(MINUTE, [hole(0, 30)], now_ms=PAUSE_MS) == [hole(0, 30)]


def test_an_unproven_gap_rests_ever_longer_but_not_for_ever() -> None:
    gaps, now_ms, pauses = GapRegistry(), 0, []
    for _ in range(20):
        gaps = noted(gaps, hole(0, 5), hole(0, 5), now_ms=now_ms)
        pause_ms = PAUSE_MS
        while not gaps.due(MINUTE, [hole(0, 5)], now_ms + pause_ms):
            pause_ms *= 2
        pauses.append(pause_ms)
        now_ms += pause_ms
    assert pauses[:3] == [PAUSE_MS, 2 * PAUSE_MS, 4 * PAUSE_MS]
    assert pauses == sorted(pauses)
    assert pauses[-1] < 2 * PAUSE_MS_MAX


@pytest.mark.parametrize("reason", ["maintenance", "not_listed"])
def test_a_proven_gap_that_is_a_day_old_is_never_due(reason: GapReason) -> None:
    now_ms = DAY + 2 * DAY_MS
    gaps = GapRegistry().note(MINUTE, DAY, DAY + DAY_MS, [verdict(hole(0, 5), reason)], now_ms)
    assert gaps.all[0].again_ms is None
    assert gaps.due(MINUTE, [hole(0, 5)], now_ms + 10_000 * DAY_MS) == []


def test_a_gap_that_was_filled_in_part_is_smaller_after() -> None:
    gaps = noted(GapRegistry(), hole(0, 100), hole(0, 100))
    gaps = noted(gaps, hole(50, 100), hole(80, 90))
    assert gaps.due(MINUTE, [hole(0, 100)], now_ms=1) == [hole(50, 80), hole(90, 100)]
    assert [gap.candles for gap in gaps.all] == [50, 10]
    gaps = gaps.found(MINUTE, *hole(0, 100)[:2], [hole(20, 30), hole(95, 100)], now_ms=2)
    assert [(gap.start_ms, gap.end_ms) for gap in gaps.all] == [hole(20, 30)[:2], hole(95, 100)[:2]]
    assert [gap.asks for gap in gaps.all] == [1, 0]
    assert gaps.due(MINUTE, [hole(20, 30), hole(95, 100)], now_ms=2) == [hole(95, 100)]


def test_a_failed_request_proves_nothing_and_disproves_nothing() -> None:
    old = DAY + 3 * DAY_MS
    gaps = GapRegistry().note(MINUTE, *hole(0, 9)[:2], [verdict(hole(0, 9), "maintenance")], old)
    gaps = gaps.note(MINUTE, *hole(0, 20)[:2], [verdict(hole(0, 9), "fetch_failed")], old + 1)
    assert [gap.reason for gap in gaps.all] == ["maintenance"]
    assert gaps.all[0].asks == 2


def test_the_memory_of_gaps_is_bounded() -> None:
    holes = [hole(number * 2, number * 2 + 1) for number in range(GAPS_MAX + 50)]
    gaps = noted(GapRegistry(), Hole(holes[0].start_ms, holes[-1].end_ms, 0), *holes)
    assert len(gaps.all) == GAPS_MAX
    assert gaps.all[-1].end_ms == holes[-1].end_ms


@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(1, 20)), max_size=8),
    st.lists(st.tuples(st.integers(0, 60), st.integers(1, 20)), max_size=4),
)
def test_gaps_are_apart_and_what_was_found_is_what_is_known(
    asked: list[tuple[int, int]], missing: list[tuple[int, int]]
) -> None:
    gaps = GapRegistry()
    for at, length in asked:
        gaps = noted(gaps, hole(at, at + length), hole(at, at + length), now_ms=at)
    assert all(a.end_ms <= b.start_ms for a, b in pairwise(gaps.all))
    minutes = {at for start, length in missing for at in range(start, start + length)}
    times = [DAY + at * MINUTE_MS for at in range(90) if at not in minutes]
    holes = find_holes(MINUTE, times, *hole(0, 90)[:2])
    found = gaps.found(MINUTE, *hole(0, 90)[:2], holes, now_ms=99)
    covered = {
        (at - DAY) // MINUTE_MS
        for gap in found.all
        for at in range(gap.start_ms, gap.end_ms, MINUTE_MS)
    }
    assert covered == minutes
    assert sum(gap.candles for gap in found.all) == len(minutes)


@given(st.from_regex(rb"[ -~]{0,60}", fullmatch=True))
def test_what_is_no_gap_is_told_from_one(text: bytes) -> None:
    with pytest.raises(CandleError):
        gap_from_json(text)


def test_a_gap_is_kept_whole() -> None:
    for gap in noted(GapRegistry(), hole(10, 20), hole(10, 20), now_ms=7).all:
        assert gap_from_json(gap.to_json()) == gap


def test_a_page_is_the_newest_and_takes_in_as_many_holes_as_fit() -> None:
    holes = [hole(0, 5), hole(10, 12), hole(40, 45)]
    assert newest_page(MINUTE, holes, 100) == (holes[0].start_ms, holes[2].end_ms)
    assert newest_page(MINUTE, holes, 40) == (holes[1].start_ms, holes[2].end_ms)
    assert newest_page(MINUTE, holes, 34) == (DAY + 11 * MINUTE_MS, holes[2].end_ms)
    assert newest_page(MINUTE, holes, 3) == (DAY + 42 * MINUTE_MS, holes[2].end_ms)
