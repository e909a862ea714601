"""Which aggregate trades are missing, by their ids alone."""

from __future__ import annotations

import random

import pytest

from truecandle.candles.trades import Trade
from truecandle.feed.trade_gaps import TRADE_GAPS_MAX, TradeGapTracker


def missing(tracker: TradeGapTracker) -> list[tuple[int, int]]:
    return [(gap.first, gap.last) for gap in tracker.gaps]


def seen(*ids: int) -> TradeGapTracker:
    tracker = TradeGapTracker()
    for now_s, agg_id in enumerate(ids):
        tracker.on_trade_id(agg_id, float(now_s))
    return tracker


@pytest.mark.parametrize(
    ("ids", "next_id", "gaps"),
    [
        ((), None, []),
        ((7,), 8, []),
        ((7, 8, 9), 10, []),
        ((7, 7, 8, 7), 9, []),
        ((7, 10), 11, [(8, 9)]),
        ((7, 10, 8), 11, [(9, 9)]),
        ((7, 10, 9, 8), 11, []),
        ((7, 12, 10), 13, [(8, 9), (11, 11)]),
        ((7, 9, 20, 3), 21, [(8, 8), (10, 19)]),
    ],
)
def test_an_id_is_missing_while_it_is_between_two_that_came(
    ids: tuple[int, ...], next_id: int | None, gaps: list[tuple[int, int]]
) -> None:
    tracker = seen(*ids)
    assert (tracker.next_id, missing(tracker)) == (next_id, gaps)
    assert [gap.size for gap in tracker.gaps] == [last - first + 1 for first, last in gaps]


def test_what_is_late_by_less_than_it_may_be_is_not_missing_yet() -> None:
    tracker = seen(1, 4, 6)
    assert [gap.first for gap in tracker.known_since(1.0)] == [2]
    assert [gap.first for gap in tracker.known_since(2.0)] == [2, 5]
    assert tracker.known_since(0.9) == []


def test_an_answer_fills_holes_also_where_the_exchange_has_no_such_id() -> None:
    tracker = seen(1, 10, 20)
    tracker.fill(5, 14, 3.0)
    assert missing(tracker) == [(2, 4), (15, 19)]
    tracker.fill(2, 4, 4.0)
    assert tracker.longest_s == 3.0
    tracker.fill(15, 25, 9.0)
    assert (missing(tracker), tracker.next_id) == ([], 26)
    assert tracker.longest_s == 7.0


def test_it_can_begin_before_what_has_come_already() -> None:
    tracker = seen(50, 51)
    tracker.start(40, 2.0)
    assert (missing(tracker), tracker.next_id) == ([(40, 49)], 52)
    tracker.start(45, 3.0)
    assert missing(tracker) == [(40, 49)]


def test_what_is_dropped_or_forgotten_is_not_missing_any_more() -> None:
    tracker = seen(1, 4, 9)
    tracker.drop(tracker.known_since(1.0))
    assert (missing(tracker), tracker.next_id) == ([(5, 8)], 10)
    tracker.forget()
    assert (missing(tracker), tracker.next_id) == ([], None)
    tracker.on_trade_id(100, 5.0)
    assert (missing(tracker), tracker.next_id) == ([], 101)


def test_a_stream_full_of_holes_takes_no_more_room_and_hides_none_of_them() -> None:
    tracker = seen(*range(0, 4 * TRADE_GAPS_MAX, 2))
    assert len(tracker.gaps) == TRADE_GAPS_MAX
    absent = set(range(1, 4 * TRADE_GAPS_MAX - 2, 2))
    assert absent <= {i for gap in tracker.gaps for i in range(gap.first, gap.last + 1)}


def test_in_any_order_and_however_often_nothing_is_missing_in_the_end() -> None:
    dice = random.Random(4)
    for _ in range(50):
        ids = [dice.randrange(100, 160) for _ in range(200)]
        tracker = seen(100, *ids, 160)
        assert {i for gap in tracker.gaps for i in range(gap.first, gap.last + 1)} == set(
            range(100, 161)
        ) - {100, 160, *ids}


@pytest.mark.parametrize(("known_id", "gaps"), [(42, [(7, 8)]), (39, [(6, 6), (7, 8)])])
def test_what_only_follows_the_trades_known_is_joined_to_them_by_the_one_before(
    known_id: int, gaps: list[tuple[int, int]]
) -> None:
    tracker = seen(9)
    tracker.join(Trade("X", 40, 44, "1", "1", 0, 0, True, agg_id=7), known_id, 1.0)
    assert (missing(tracker), tracker.next_id) == (gaps, 10)
