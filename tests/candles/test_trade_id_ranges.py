"""Sets of trade ids, kept as ranges."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from truecandle.candles.trade_id_ranges import RANGES_MAX, TradeIdRanges

id_ranges = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 5)), max_size=30)


@given(id_ranges, st.integers(0, 60), st.integers(0, 10))
@settings(max_examples=150)
def test_ranges_hold_what_a_set_of_the_same_ids_holds(
    added: list[tuple[int, int]], first: int, length: int
) -> None:
    ranges, ids = TradeIdRanges(), set[int]()
    for start, count in added:
        ranges.add(start, start + count)
        ids |= set(range(start, start + count + 1))
    asked = set(range(first, first + length + 1))
    assert ranges.overlap(first, first + length) == len(ids & asked)
    assert ranges.is_single(first, first + length) is (ids == asked)


def test_ranges_stay_bounded_and_never_count_an_id_twice() -> None:
    ranges = TradeIdRanges()
    for number in range(0, 4 * RANGES_MAX, 2):
        ranges.add(number, number)
    assert len(ranges._starts) == len(ranges._ends) == RANGES_MAX
    assert all(ranges.overlap(number, number) for number in range(0, 4 * RANGES_MAX, 2))
