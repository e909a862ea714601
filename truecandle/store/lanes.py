"""Whole columns of numbers at once, and their decimal text, without a step for each number.

A column is one huge number with a lane of bytes for each of its numbers: what is added to it is
added to all of them, in one operation of the machine's words.

Never here: what the columns mean (`block`), floats.
Invariant: what comes out is what single numbers would have given, digit by digit.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, cast

#: Bytes of a lane where nothing needs more; wider ones are slower.
LANE_BYTES: Final = 8
#: Numbers of so many decimal digits, as many as a lane has bytes, are made text all at once.
_DIGITS: Final = 8


#: A column as `rows` takes it: numbers, or planes: all first digits, all second ones, and so on.
Field = Sequence[int] | list[bytes]


class Lanes:
    """Columns of `count` numbers with lanes of `width` bytes; sums may be negative on their way."""

    def __init__(self, count: int, width: int = LANE_BYTES) -> None:
        self._count, self._width = count, width
        self.ones = int.from_bytes((b"\1" + bytes(width - 1)) * count, "little")
        self._signs = self.ones << (8 * width - 1)
        #: Where digits are found: numbers of 14, 7 and 4 bits, each in its part of a lane; and what
        #: makes digits their characters.
        pairs = self.ones | self.ones << 32
        single = pairs | pairs << 16
        self._masks = self.ones * 0x3FFF, pairs * 0x7F, single * 0x0F
        self._zeros = (single | single << 8) * ord("0")
        self._places = int.from_bytes(struct.pack(f"<{count}Q", *range(count)), "little")

    def plain(self, text: bytes | bytearray) -> int:
        """A column of what is stored in lanes of `LANE_BYTES`."""
        if self._width > LANE_BYTES:
            wide = bytearray(self._width * self._count)
            for at in range(LANE_BYTES):
                wide[at :: self._width] = text[at::LANE_BYTES]
            text = wide
        return int.from_bytes(text, "little")

    def parts(self, text: bytes | bytearray) -> tuple[int, int]:
        """A column of which negative numbers are stored between the others (0, -1, 1, -2, …): what
        is above 0, and what is below, both as positive numbers."""
        found = self.plain(text)
        odd = found & self.ones
        half = (found ^ odd) >> 1
        below = half & ((odd << 8 * self._width) - odd)
        return half - below, below + odd

    def packed(self, numbers: Sequence[int]) -> int:
        """A column of numbers, none of them negative."""
        if self._width == LANE_BYTES:
            return int.from_bytes(struct.pack(f"<{self._count}Q", *numbers), "little")
        parts = [one.to_bytes(self._width, "little") for one in numbers]
        return int.from_bytes(b"".join(parts), "little")

    def numbers(self, column: int) -> Sequence[int]:
        """The numbers of a column."""
        signed = (column + self._signs) ^ self._signs
        text = signed.to_bytes(self._count * self._width, "little")
        if self._width == LANE_BYTES:
            return struct.unpack(f"<{self._count}q", text)
        ends = range(0, len(text), self._width)
        return [int.from_bytes(text[at : at + self._width], "little", signed=True) for at in ends]

    def half(self, column: int) -> int:
        """Half of each number, none of them negative, rounded down."""
        return (column ^ (column & self.ones)) >> 1

    def digits(self, column: int) -> list[bytes] | None:
        """The first decimal digits of all numbers, then the second ones, …, of a column without
        negative ones; None if they have more than eight digits, which are not found all at once."""
        if self._width > LANE_BYTES:
            return None
        longer = column + self.ones * ((1 << 8 * LANE_BYTES - 1) - 10**_DIGITS)
        if (column | longer) & self._signs:
            return None
        return self._digits(column)

    def regular(self, first_ms: int, step_ms: int) -> list[bytes] | None:
        """The same of times that are so far apart; None if these are no whole seconds, or too
        many."""
        prefix, rest = divmod(first_ms // 1_000, 10**_DIGITS)
        last = rest + step_ms // 1_000 * (self._count - 1)
        if step_ms % 1_000 or last >= 10**_DIGITS:
            return None
        ends = [one.encode() * self._count for one in f"{prefix}{first_ms % 1_000:03d}"]
        digits = self._digits(self._places * (step_ms // 1_000) + self.ones * rest)
        return [*ends[:-3], *digits, *ends[-3:]]

    def _digits(self, column: int) -> list[bytes]:
        """Of numbers below 10**8.

        Each step halves all parts of all numbers at once: four digits, then two, then one. Dividing
        is multiplying and shifting, exact for numbers that small.
        """
        fours, twos, single = self._masks
        high = (column * 3_518_437_209 >> 45) & fours
        column = high | (column - high * 10_000) << 32
        high = (column * 5_243 >> 19) & twos
        column = high | (column - high * 100) << 16
        high = (column * 103 >> 10) & single
        column = high | (column - high * 10) << 8 | self._zeros
        text = column.to_bytes(self._count * LANE_BYTES, "little")
        return [text[at::_DIGITS] for at in range(_DIGITS)]


@lru_cache(maxsize=8)
def lanes(count: int, width: int = LANE_BYTES) -> Lanes:
    """The `Lanes` for so many numbers, kept."""
    return Lanes(count, width)


def rows(columns: Sequence[tuple[Field, int]], count: int) -> list[bytes]:
    """JSON rows of columns, each with so many places after the point: numbers, or what `digits` has
    given. Zeros at the end of a fraction are left out.

    All rows have the same width at first, so that a digit of all is put in place at once; then the
    blanks go.
    """
    fields = [_planes(column, places, count) for column, places in columns]
    row = b"[" + b",".join([b" " * len(planes) for planes in fields]) + b"]\n"
    whole = bytearray(row * count)
    at = 1
    for planes in fields:
        for plane in planes:
            whole[at :: len(row)] = plane
            at += 1
        at += 1
    return bytes(whole.translate(None, b" ")).split()


def _planes(column: Field, places: int, count: int) -> list[bytes]:
    """The first characters of all numbers, then the second ones, and so on, with blanks."""
    planes = _digits_of(column, count)
    planes = [b"0" * count] * (places + 1 - len(planes)) + planes
    before = len(planes) - places
    leading, ending = planes[: before - 1], planes[: before - 1 : -1]
    _blank(leading, count)
    if not places:
        return [*leading, planes[-1]]
    whole_ones = _blank(ending, count)
    points = int.from_bytes(b"." * count, "little") ^ whole_ones * (ord(".") ^ ord(" "))
    return [*leading, planes[before - 1], points.to_bytes(count, "little"), *ending[::-1]]


def _digits_of(column: Field, count: int) -> list[bytes]:
    if isinstance(column[0], bytes):
        return cast(list[bytes], column)
    numbers = tuple(cast(Sequence[int], column))
    digits = len(str(max(numbers)))
    is_one = numbers.count(numbers[0]) == count
    form = f"%0{digits}d"
    text = (form % numbers[0] * count if is_one else form * count % numbers).encode()
    return [text[at::digits] for at in range(digits)]


def _blank(planes: list[bytes], count: int) -> int:
    """Blanks the zeros that numbers begin with; which of them have nothing else, as a 1 each."""
    ones = int.from_bytes(b"\1" * count, "little")
    left = ones
    for at, plane in enumerate(planes):
        if not left:
            break
        digits = int.from_bytes(plane, "little")
        left &= ones ^ ((digits & ones * 0x0F) + ones * 0x0F >> 4 & ones)
        planes[at] = (digits ^ left << 4).to_bytes(count, "little")  # "0" becomes " "
    return left
