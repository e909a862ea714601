"""What is done with whole columns at once is what would be done with each number.

Never here: blocks (`test_block`).
Invariant: the numbers are random ones of every length.
"""

from __future__ import annotations

import struct

from hypothesis import example, given, settings
from hypothesis import strategies as st

from truecandle.store.lanes import Lanes, rows

#: A column: all of its numbers have about as many digits.
COLUMN = st.integers(1, 62).flatmap(
    lambda bits: st.lists(st.integers(0, (1 << bits) - 1), min_size=1, max_size=40)
)


def text(number: int, places: int) -> str:
    """Canonical decimals, by another way."""
    whole, fraction = divmod(number, 10**places)
    return f"{whole}.{fraction:0{places}d}".rstrip("0").rstrip(".") if places else str(whole)


@settings(max_examples=150, deadline=None)
@given(COLUMN, st.integers(0, 18))
@example([0, 10**8 - 1, 10, 1_200], 3)
@example([10**8, 7], 9)
@example([0, 0], 2)
def test_decimals_are_those_of_each_number(numbers: list[int], places: int) -> None:
    count = len(numbers)
    of = Lanes(count)
    column = of.packed(numbers)
    digits = of.digits(column)
    assert (digits is None) == (max(numbers) >= 10**8)
    expected = [f"[{text(one, places)},{one}]".encode() for one in numbers]
    for field in (digits or numbers, numbers):
        assert rows(((field, places), (field, 0)), count) == expected
    assert list(of.numbers(of.half(column))) == [one // 2 for one in numbers]


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.integers(-(2**61), 2**61 - 1), min_size=1, max_size=40), st.sampled_from([8, 16])
)
def test_sums_are_those_of_each_number_negative_ones_too(numbers: list[int], width: int) -> None:
    of = Lanes(len(numbers), width)
    stored = struct.pack(f"<{len(numbers)}Q", *(2 * n if n >= 0 else -2 * n - 1 for n in numbers))
    above, below = of.parts(stored)
    assert list(of.numbers(above)) == [max(0, one) for one in numbers]
    assert list(of.numbers(below)) == [max(0, -one) for one in numbers]
    assert list(of.numbers(2 * above - below - of.ones)) == [
        2 * max(0, one) - max(0, -one) - 1 for one in numbers
    ]


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10**13), st.integers(1, 10**6), st.integers(1, 40))
@example(99_999_999_000, 1_000, 2)
def test_times_that_are_regular_are_told_like_others(first: int, step: int, count: int) -> None:
    for each in (step * 1_000, step):
        times = [first + number * each for number in range(count)]
        found = Lanes(count).regular(first, each)
        if found is not None:
            assert rows(((found, 0),), count) == [b"[%d]" % one for one in times]
        else:
            assert each % 1_000 or times[0] // 10**11 < times[-1] // 10**11
