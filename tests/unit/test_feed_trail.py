"""Which aggregate trades are missing, by their ids alone."""

from __future__ import annotations

import random

import pytest

from truecandle.feed.trail import HOLES_MAX, Trail


def missing(trail: Trail) -> list[tuple[int, int]]:
    return [(hole.first, hole.last) for hole in trail.holes]


def seen(*ids: int) -> Trail:
    trail = Trail()
    for now_s, agg_id in enumerate(ids):
        trail.see(agg_id, float(now_s))
    return trail


@pytest.mark.parametrize(
    ("ids", "next_id", "holes"),
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
    ids: tuple[int, ...], next_id: int | None, holes: list[tuple[int, int]]
) -> None:
    trail = seen(*ids)
    assert (trail.next_id, missing(trail)) == (next_id, holes)
    assert [hole.size for hole in trail.holes] == [last - first + 1 for first, last in holes]


def test_what_is_late_by_less_than_it_may_be_is_not_missing_yet() -> None:
    trail = seen(1, 4, 6)
    assert [hole.first for hole in trail.ripe(1.0)] == [2]
    assert [hole.first for hole in trail.ripe(2.0)] == [2, 5]
    assert trail.ripe(0.9) == []


def test_an_answer_fills_holes_also_where_the_exchange_has_no_such_id() -> None:
    trail = seen(1, 10, 20)
    trail.fill(5, 14, 3.0)
    assert missing(trail) == [(2, 4), (15, 19)]
    trail.fill(2, 4, 4.0)
    assert trail.longest_s == 3.0
    trail.fill(15, 25, 9.0)
    assert (missing(trail), trail.next_id) == ([], 26)
    assert trail.longest_s == 7.0


def test_it_can_begin_before_what_has_come_already() -> None:
    trail = seen(50, 51)
    trail.start(40, 2.0)
    assert (missing(trail), trail.next_id) == ([(40, 49)], 52)
    trail.start(45, 3.0)
    assert missing(trail) == [(40, 49)]


def test_what_is_dropped_or_forgotten_is_not_missing_any_more() -> None:
    trail = seen(1, 4, 9)
    trail.drop(trail.ripe(1.0))
    assert (missing(trail), trail.next_id) == ([(5, 8)], 10)
    trail.forget()
    assert (missing(trail), trail.next_id) == ([], None)
    trail.see(100, 5.0)
    assert (missing(trail), trail.next_id) == ([], 101)


def test_a_stream_full_of_holes_takes_no_more_room_and_hides_none_of_them() -> None:
    trail = seen(*range(0, 4 * HOLES_MAX, 2))
    assert len(trail.holes) == HOLES_MAX
    absent = set(range(1, 4 * HOLES_MAX - 2, 2))
    assert absent <= {i for hole in trail.holes for i in range(hole.first, hole.last + 1)}


def test_in_any_order_and_however_often_nothing_is_missing_in_the_end() -> None:
    dice = random.Random(4)
    for _ in range(50):
        ids = [dice.randrange(100, 160) for _ in range(200)]
        trail = seen(100, *ids, 160)
        assert {i for hole in trail.holes for i in range(hole.first, hole.last + 1)} == set(
            range(100, 161)
        ) - {100, 160, *ids}
