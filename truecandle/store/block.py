"""A block: up to `BLOCK_CANDLES` stored members of one span of time, as few bytes as they need.

Columns of whole numbers (decimals counted in their last place), each told by what the others let
expect of it, cut into planes of one byte and compressed. What would not come back byte for byte is
kept as compressed text instead.

Never here: Redis, floats, which members are sealed (`sealing`).
Invariant: `unpack(pack(members)) == members`, tried by `pack` itself; bytes that are not whole are
refused, never guessed at.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache, partial
from itertools import accumulate, islice, pairwise, repeat
from operator import add, floordiv, mul, rshift, sub
from typing import Final, NamedTuple

import brotli
from backports import zstd

from truecandle.candles.candle import FIELDS
from truecandle.candles.interval import Interval
from truecandle.errors import CandleError
from truecandle.store.columns import own_time
from truecandle.store.lanes import LANE_BYTES, Field, Lanes, lanes, rows

#: Open times that the span of a block has room for, and so its candles.
BLOCK_CANDLES: Final = 1_000
#: Blocks that a process keeps unpacked, about 150 kB each.
UNPACKED_KEPT: Final = 32

_WIDTH: Final = len(FIELDS)
#: The kinds of block: what is written, and what was written at first.
_KIND, _FIRST = b"TB2", b"TB1"
_NUMBERS, _TEXT = b"n", b"t"
#: The kind, how the rest is written, how many members there are; at the end, a checksum.
_HEAD: Final = struct.Struct("<3scH")
_SUM: Final = struct.Struct("<I")
#: Places after the point of prices, volumes and quote volumes, and of the field that is not used.
_PLACES: Final = struct.Struct("<4B")
#: Trades for a volume of 1 in its last place, as a fixed-point number.
_SHARE: Final = struct.Struct("<Q")
_SHARE_BITS, _SHARE_MAX = 40, (1 << 40) - 1
#: A column: bytes of one number, whether negative ones are among them, and which planes are as they
#: are; of the first kind without these, and a plane with its length.
_COLUMN: Final = struct.Struct("<BBB")
_FIRST_COLUMN: Final = struct.Struct("<BB")
_FIRST_PLANE: Final = struct.Struct("<H")
#: A thousand numbers of so many bytes, and some, still fit into a lane.
_SUMMED_BYTES_MAX: Final = 6
#: Of text, and of planes: 11 is slower and no smaller.
_LEVEL, _QUALITY, _WINDOW = 9, 10, 16
#: What bytes that are no block may raise.
_UNREADABLE: Final = (
    *(ValueError, OverflowError, LookupError, StopIteration, struct.error),
    *(zstd.ZstdError, brotli.error),
)
#: No block unpacks to more than this, whatever its bytes say.
_TEXT_BYTES_MAX: Final = 1 << 20


class BlockSpan(NamedTuple):
    """Open times in [start_ms, end_ms): one block's."""

    start_ms: int
    end_ms: int


def span_of(interval: Interval, open_ms: int) -> BlockSpan:
    """The span of the block that a candle belongs to: by its open time alone, counted from 1970.

    `BLOCK_CANDLES` intervals, months by the calendar; of 3d that many times three days, so that it
    depends on no grid.
    """
    if interval.duration_ms is not None:
        length_ms = BLOCK_CANDLES * interval.duration_ms
        start_ms = open_ms - open_ms % length_ms
        return BlockSpan(start_ms, start_ms + length_ms)
    count = interval.count(0, open_ms + 1) - 1
    first = count - count % BLOCK_CANDLES
    start_ms = interval.step(0, first)
    return BlockSpan(start_ms, interval.step(0, first + BLOCK_CANDLES))


def pack(members: Sequence[bytes]) -> bytes:
    """The bytes of a block; `CandleError` unless the members are ours, ascending, and not too many.

    Takes about 10 ms for 1,000.
    """
    if not 1 <= len(members) <= BLOCK_CANDLES:
        raise CandleError("block", len(members), f"1 to {BLOCK_CANDLES} members")
    times = [own_time(member) for member in members]
    known = [ms for ms in times if ms is not None]
    if len(known) < len(times) or any(one >= two for one, two in pairwise(known)):
        raise CandleError("block", members[0], "members of ours, one per open time, ascending")
    split = [member[1:-1].decode().split(",") for member in members]
    for mode, body in ((_NUMBERS, _packed_numbers(split)), (_TEXT, _packed_text(split))):
        if body is not None:
            whole = _HEAD.pack(_KIND, mode, len(members)) + body
            whole += _SUM.pack(zlib.crc32(whole))
            with suppress(CandleError):
                if _unpacked(whole) == tuple(members):
                    return whole
    raise CandleError("block", members[0], "members that can be packed")


@lru_cache(maxsize=UNPACKED_KEPT)
def unpack(block: bytes) -> tuple[bytes, ...]:
    """The members, ascending; `CandleError` if the bytes are not those of a block."""
    return _unpacked(block)


def open_times(block: bytes) -> list[int]:
    """The open times (ms) alone, ascending, in a tenth of the time; `CandleError` as above."""
    kind, mode, count, body = _checked(block)
    if mode == _TEXT:
        return [int(member[1:-1].split(b",", 1)[0]) for member in unpack(block)]
    try:
        _, _, columns = _parsed(body, count, kind)
        return list(accumulate(columns[0].numbers(lanes(count))))
    except _UNREADABLE as error:
        raise _unreadable(block) from error


def _unpacked(block: bytes) -> tuple[bytes, ...]:
    kind, mode, count, body = _checked(block)
    try:
        is_text = mode == _TEXT
        members = _members_of_text(body) if is_text else _members_of_numbers(body, count, kind)
    except _UNREADABLE as error:
        raise _unreadable(block) from error
    if len(members) != count:
        raise CandleError("block", len(members), f"{count} members")
    return tuple(members)


def _unreadable(block: bytes) -> CandleError:
    return CandleError("block", block[:16], "bytes that can be unpacked")


def _checked(block: bytes) -> tuple[bytes, bytes, int, bytes]:
    """Its kind, how it is written, how many members it has, and the rest."""
    if len(block) < _HEAD.size + _SUM.size:
        raise CandleError("block", block[:16], "a whole block")
    kind, mode, count = _HEAD.unpack_from(block)
    body, (told,) = block[: -_SUM.size], _SUM.unpack(block[-_SUM.size :])
    if kind not in (_KIND, _FIRST) or mode not in (_NUMBERS, _TEXT) or zlib.crc32(body) != told:
        raise CandleError("block", block[:16], "bytes that agree with their checksum")
    return kind, mode, count, body[_HEAD.size :]


# Text ---------------------------------------------------------------------------------------------


def _packed_text(rows: Sequence[Sequence[str]]) -> bytes:
    columns = zip(*rows, strict=True)
    return zstd.compress("\n".join(map(",".join, columns)).encode(), level=_LEVEL)


def _members_of_text(body: bytes) -> list[bytes]:
    text = _decompressed(body, _TEXT_BYTES_MAX)
    rows = zip(*[column.split(b",") for column in text.split(b"\n")], strict=True)
    return [b"[%b]" % b",".join(row) for row in rows]


# Numbers ------------------------------------------------------------------------------------------


class _Flow(NamedTuple):
    """A volume and its worth; of the whole candle, or of what takers bought."""

    volume: Sequence[int]
    quote: Sequence[int]


def _packed_numbers(rows: Sequence[Sequence[str]]) -> bytes | None:
    """None where a number is too long, or has a point where a whole one belongs."""
    text = list(zip(*rows, strict=True))
    if any("." in "".join(text[at]) for at in _WHOLE):
        return None
    numbers, places = {at: list(map(int, text[at])) for at in _WHOLE}, list[int]()
    for which in _SHARING:
        place, found = _scaled([text[at] for at in which])
        numbers |= dict(zip(which, found, strict=True))
        places.append(place)
    if max(places) > _PLACES_MAX:
        return None
    trades, volume = sum(numbers[8]), sum(numbers[5])
    share = min((trades << _SHARE_BITS) // volume if volume else 0, _SHARE_MAX)
    packed = _packed_columns(_unexpected(numbers, _Worth(*places[:3]), share))
    if packed is None:
        return None
    return _PLACES.pack(*places) + _SHARE.pack(share) + packed


def _unexpected(
    numbers: Mapping[int, list[int]], worth: _Worth, share: int
) -> Iterator[Sequence[int]]:
    """What of each column the others do not let expect, in the order in which it is packed."""
    open_, high, low, close = (numbers[at] for at in _PRICES)
    whole, taken = _Flow(numbers[5], numbers[7]), _Flow(numbers[9], numbers[10])
    yield _steps(numbers[0])
    yield _less(numbers[6], numbers[0])
    yield _less(open_, [0, *close[:-1]])
    yield _less(close, open_)
    yield _less(high, map(max, open_, close))
    yield _less(map(min, open_, close), low)
    yield whole.volume
    yield _less(taken.volume, map(floordiv, whole.volume, repeat(2)))
    yield _less(numbers[8], _shares(whole.volume, share))
    yield _less(whole.quote, worth.at_middle(map(add, high, low), whole.volume))
    yield _less(taken.quote, worth.at_average(whole, taken.volume))
    yield numbers[11]


def _members_of_numbers(body: bytes, count: int, kind: bytes) -> list[bytes]:
    (price, volume, quote, other), share, columns = _parsed(body, count, kind)
    of = lanes(count)
    steps, lengths, *of_prices, sold, bought, trades, rest, taken_rest, unused = columns
    opens, ends = _times(of, steps, lengths)
    prices, both = _prices(of_prices, count)
    worth, whole_volume = _Worth(price, volume, quote), sold.total(of)
    sizes = sold.numbers(of)
    quotes = list(map(add, rest.numbers(of), worth.at_middle(both, sizes)))
    taken_volume = bought.total(of) + (0 if kind == _FIRST else of.half(whole_volume))
    taken_sizes = bought.numbers(of) if kind == _FIRST else of.numbers(taken_volume)
    taken = map(add, taken_rest.numbers(of), worth.at_average(_Flow(sizes, quotes), taken_sizes))
    dealt = trades.total(of) + (of.packed(list(_shares(sizes, share))) if share else 0)
    return rows(
        (
            (opens, 0),
            *((one, price) for one in prices),
            (of.digits(whole_volume) or sizes, volume),
            (ends, 0),
            (quotes, quote),
            (of.digits(dealt) or of.numbers(dealt), 0),
            (of.digits(taken_volume) or taken_sizes, volume),
            (list(taken), quote),
            (unused.numbers(of), other),
        ),
        count,
    )


def _times(of: Lanes, steps: _Column, lengths: _Column) -> tuple[Field, Field]:
    """Open and close times."""
    (first, *others), each = steps.numbers(of), lengths.numbers(of)
    if len(set(others)) == len(set(each)) == 1:
        opens = of.regular(first, others[0])
        ends = of.regular(first + each[0], others[0])
        if opens and ends:
            return opens, ends
    times = list(accumulate(others, initial=first))
    return times, list(map(add, times, each))


def _prices(columns: Sequence[_Column], count: int) -> tuple[list[Field], Sequence[int]]:
    """Open, high, low and close; and the sums of high and low."""
    jumps, moves, above, below = columns
    is_wide = max(one.width for one in columns) > _SUMMED_BYTES_MAX
    of = lanes(count, (1 + is_wide) * LANE_BYTES)
    rises, falls = moves.parts(of)
    close = of.packed(list(accumulate(of.numbers(jumps.total(of) + rises - falls))))
    open_ = close - rises + falls
    high, low = open_ + rises + above.total(of), close - rises - below.total(of)
    prices = [of.digits(one) or of.numbers(one) for one in (open_, high, low, close)]
    return prices, of.numbers(high + low)


def _parsed(body: bytes, count: int, kind: bytes) -> tuple[tuple[int, ...], int, list[_Column]]:
    """Places, trades a volume, and the columns."""
    places, at = _PLACES.unpack_from(body), _PLACES.size
    if kind == _FIRST:
        return places, 0, list(islice(_first_columns(body[at:], count), _WIDTH))
    (share,) = _SHARE.unpack_from(body, at)
    return places, share, list(_columns(body[at + _SHARE.size :], count))


def _shares(volume: Iterable[int], share: int) -> Iterator[int]:
    """How many trades volumes let expect, where `share >> _SHARE_BITS` are expected for one."""
    return map(rshift, map(mul, volume, repeat(share)), repeat(_SHARE_BITS))


class _Worth:
    """What a volume is worth, about: in whole numbers, so that it is the same on every machine."""

    def __init__(self, price_places: int, volume_places: int, quote_places: int) -> None:
        surplus = price_places + volume_places - quote_places
        self._times, self._parts = 10 ** max(0, -surplus), 2 * 10 ** max(0, surplus)

    def at_middle(self, both: Iterable[int], volume: Iterable[int]) -> Iterator[int]:
        """Half way between highest and lowest price, of which `both` is the sum."""
        products = map(mul, both, volume)
        if self._times > 1:
            products = map(mul, products, repeat(self._times))
        return map(floordiv, products, repeat(self._parts))

    def at_average(self, whole: _Flow, volume: Sequence[int]) -> Iterable[int]:
        """At the average price of the candle."""
        if 0 in whole.volume:
            flows = zip(volume, *whole, strict=True)
            return [quote * size // of if of else 0 for size, of, quote in flows]
        return map(floordiv, map(mul, whole.quote, volume), whole.volume)


#: Which fields are whole numbers, and which decimals with as many places as each other.
_WHOLE: Final = (0, 6, 8)
_PRICES: Final = (1, 2, 3, 4)
_SHARING: Final = (_PRICES, (5, 9), (7, 10), (11,))
_PLACES_MAX: Final = 18


def _scaled(columns: Sequence[Sequence[str]]) -> tuple[int, list[list[int]]]:
    """How many places decimals have at most, and all as whole numbers of the last place."""
    split = [[text.partition(".") for text in column] for column in columns]
    fractions = [[part for _, _, part in column] for column in split]
    places = max(len(part) for part in map(partial(max, key=len), fractions))
    filled = [map(str.ljust, column, repeat(places), repeat("0")) for column in fractions]
    wholes = [[whole for whole, _, _ in column] for column in split]
    return places, [list(map(int, map(add, *both))) for both in zip(wholes, filled, strict=True)]


def _steps(numbers: list[int]) -> list[int]:
    return [now - before for before, now in zip([0, *numbers], numbers, strict=False)]


def _less(numbers: Iterable[int], others: Iterable[int]) -> list[int]:
    return list(map(sub, numbers, others))


# Planes -------------------------------------------------------------------------------------------


class _Column(NamedTuple):
    """Whole numbers in lanes of eight bytes, as they are stored: `width` bytes of each, where
    `is_signed` negative ones between the others."""

    width: int
    is_signed: bool
    text: bytes | bytearray

    def numbers(self, of: Lanes) -> Sequence[int]:
        """All of them."""
        if self.is_signed:
            return of.numbers(self.total(of))
        return struct.unpack(f"<{len(self.text) // LANE_BYTES}Q", self.text)

    def total(self, of: Lanes) -> int:
        """The column."""
        above, below = self.parts(of)
        return above - below

    def parts(self, of: Lanes) -> tuple[int, int]:
        """What of it is above 0, and what below, both as positive numbers."""
        return of.parts(self.text) if self.is_signed else (of.plain(self.text), 0)


def _packed_columns(columns: Iterable[Sequence[int]]) -> bytes | None:
    """How each column is cut, then planes that cannot be compressed, then all others compressed as
    one; a plane has the first bytes of all numbers, the next one the second, and so on. None if a
    number is too long."""
    heads, raw, others = list[bytes](), list[bytes](), list[bytes]()
    for numbers in columns:
        is_signed = min(numbers) < 0
        if is_signed:
            numbers = [2 * one if one >= 0 else -2 * one - 1 for one in numbers]
        width = max(1, -(-max(numbers).bit_length() // 8))
        if width > LANE_BYTES:
            return None
        text, which = struct.pack(f"<{len(numbers)}Q", *numbers), 0
        for at in range(width):
            plane = text[at::LANE_BYTES]
            is_raw = len(zstd.compress(plane, level=1)) >= len(plane)
            which |= is_raw << at
            (raw if is_raw else others).append(plane)
        heads.append(_COLUMN.pack(width, is_signed, which))
    rest = brotli.compress(b"".join(others), quality=_QUALITY, lgwin=_WINDOW)
    return b"".join([*heads, *raw, rest])


def _columns(body: bytes, count: int) -> Iterator[_Column]:
    heads = list(islice(_COLUMN.iter_unpack(body[: _WIDTH * _COLUMN.size]), _WIDTH))
    raw_at = len(heads) * _COLUMN.size
    raws = sum(which.bit_count() for _, _, which in heads)
    others_bytes = sum(width for width, _, _ in heads) * count - raws * count
    rest = body[raw_at + raws * count :]
    others, at = brotli.Decompressor().process(rest, output_buffer_limit=others_bytes), 0
    if len(heads) != _WIDTH or len(others) != others_bytes:
        raise CandleError("block", len(others), f"{others_bytes} bytes")
    for width, is_signed, which in heads:
        whole = bytearray(LANE_BYTES * count)
        for byte in range(width):
            if which >> byte & 1:
                whole[byte::LANE_BYTES] = body[raw_at : raw_at + count]
                raw_at += count
            else:
                whole[byte::LANE_BYTES] = others[at : at + count]
                at += count
        yield _Column(width, bool(is_signed), whole)


def _first_columns(body: bytes, count: int) -> Iterator[_Column]:
    """Of a block of the first kind: each plane with its length, as it is or compressed alone."""
    at = 0
    while at < len(body):
        width, is_signed = _FIRST_COLUMN.unpack_from(body, at)
        at += _FIRST_COLUMN.size
        whole = bytearray(LANE_BYTES * count)
        for byte in range(width):
            (size,) = _FIRST_PLANE.unpack_from(body, at)
            at += _FIRST_PLANE.size
            plane = body[at : at + size]
            at += size
            whole[byte::LANE_BYTES] = plane if size == count else _decompressed(plane, count)
        yield _Column(width, bool(is_signed), whole)


def _decompressed(part: bytes, bytes_max: int) -> bytes:
    return zstd.ZstdDecompressor().decompress(part, max_length=bytes_max)
