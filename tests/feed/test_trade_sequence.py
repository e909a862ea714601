"""Trades on their way out: ascending, each once, whatever order connections and answers have.

Never here: Redis (`test_trade_publisher`).
Invariant: seconds are what the test says.
"""

from __future__ import annotations

import random

from tests.support.sample_trades import START_MS, aggregate
from truecandle.candles.series import parse_series
from truecandle.candles.trades import Trade
from truecandle.feed.trade_sequence import HELD_MAX, HOLD_S, TellingBuilder, TradeSequence

LATER_MS = 10**7


def taken(sequence: TradeSequence, most: int = 10**6) -> list[int]:
    return [trade.agg_id for trade in sequence.take(most)]


def filled(*numbers: int, kept: int = 10**6) -> TradeSequence:
    sequence = TradeSequence(kept)
    for number in numbers:
        sequence.add(aggregate(number))
    return sequence


def test_whatever_the_order_each_trade_comes_once_behind_the_one_before() -> None:
    dice = random.Random(3)
    for _ in range(30):
        sequence, numbers = filled(100), [*range(101, 160), *range(101, 160)]
        dice.shuffle(numbers)
        found = []
        for number in numbers:
            sequence.add(aggregate(number))
            sequence.look(0.0)
            found += taken(sequence, dice.randrange(4))
        assert found + taken(sequence) == list(range(100, 160))
        assert (sequence.dropped, sequence.holes) == (0, 0)


def test_a_hole_is_waited_for_and_then_shown_by_the_ids() -> None:
    sequence = filled(1, 2, 5, 6, 9)
    for now_s in (50.0, 50.0 + HOLD_S - 0.1):
        sequence.look(now_s)
    assert taken(sequence) == [1, 2]
    sequence.add(aggregate(3))
    sequence.look(50.0 + HOLD_S)
    assert taken(sequence) == [3, 5, 6]
    sequence.add(aggregate(4))  # too late
    sequence.look(50.0 + 2 * HOLD_S)
    assert taken(sequence) == [9] and sequence.holes == 2
    many = filled(0, *range(2, HELD_MAX + 2))
    assert len(many) == 1
    many.add(aggregate(HELD_MAX + 2))
    assert taken(many) == [0, *range(2, HELD_MAX + 3)], "so many are not held"


def test_of_what_is_not_taken_the_newest_waits() -> None:
    sequence = filled(*range(10), kept=4)
    assert (sequence.dropped, len(sequence)) == (6, 4)
    oldest = sequence.take(2)
    sequence.add(aggregate(10))
    sequence.put_back(oldest)
    assert sequence.dropped == 7 and taken(sequence) == [7, 8, 9, 10]
    sequence.add(aggregate(11))
    sequence.add(aggregate(12))
    sequence.drop_before(aggregate(12).time_ms)
    assert taken(sequence) == [12] and sequence.dropped == 7, "others have told those"


def test_what_a_feed_before_has_told_is_gone_on_from() -> None:
    sequence = filled(5, 6, 7)
    sequence.resume(2, aggregate(2).time_ms)
    sequence.look(0.0)
    assert taken(sequence) == []
    for number in (4, 1, 3):  # asked for, from a bit earlier on
        sequence.add(aggregate(number))
    assert taken(sequence) == [3, 4, 5, 6, 7]
    again = filled(5, 6, 7)
    again.resume(6, aggregate(6).time_ms)
    assert taken(again) == [7]
    anew = filled(5, 6, 7)
    anew.resume(1_000, 0)
    assert taken(anew) == [5, 6, 7], "ids have begun anew since"


def test_ids_that_begin_anew_are_gone_on_with() -> None:
    sequence = filled(70, 71, 73)
    sequence.add(aggregate(3, LATER_MS))
    assert taken(sequence) == [70, 71, 73, 3]
    sequence.add(aggregate(71))
    assert taken(sequence) == [], "one of before, come again"
    trades = TradeSequence(100)
    builder = TellingBuilder("BTCUSDT", [parse_series("BTCUSDT", "1m")], trades)
    for trade in (aggregate(50), aggregate(51), aggregate(4, LATER_MS), aggregate(51)):
        builder.add(trade)
    builder.add(single(90))
    assert taken(trades) == [50, 51, 4]


def single(number: int) -> Trade:
    """A trade that is no aggregate."""
    time_ms = START_MS + 2 * LATER_MS
    return Trade("BTCUSDT", number, number, "1", "1", time_ms, time_ms, True)
