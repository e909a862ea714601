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
from functools import lru_cache
from itertools import accumulate, islice, pairwise
from typing import Final, NamedTuple

from backports import zstd

from truecandle.candles.candle import FIELDS
from truecandle.candles.interval import Interval
from truecandle.errors import CandleError
from truecandle.store.columns import own_time

#: Open times that the span of a block has room for, and so its candles.
BLOCK_CANDLES: Final = 1_000
#: Blocks that a process keeps unpacked, about 150 kB each.
UNPACKED_KEPT: Final = 32

_WIDTH: Final = len(FIELDS)
_MAGIC: Final = b"TB1"
_NUMBERS, _TEXT = b"n", b"t"
#: After the magic: how the rest is written, how many members there are; at the end, a checksum.
_HEAD: Final = struct.Struct("<3scH")
_SUM: Final = struct.Struct("<I")
#: Places after the point of prices, volumes and quote volumes, and of the field that is not used.
_PLACES: Final = struct.Struct("<4B")
#: A column: bytes of one number, and whether negative ones are among them; then its planes.
_COLUMN: Final = struct.Struct("<BB")
_PLANE: Final = struct.Struct("<H")
_NUMBER_BYTES_MAX: Final = 8
_LEVEL: Final = 9
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
    rows = [member[1:-1].decode().split(",") for member in members]
    for mode, body in ((_NUMBERS, _packed_numbers(rows)), (_TEXT, _packed_text(rows))):
        if body is not None:
            whole = _HEAD.pack(_MAGIC, mode, len(rows)) + body
            whole += _SUM.pack(zlib.crc32(whole))
            if _unpacked(whole) == tuple(members):
                return whole
    raise CandleError("block", members[0], "members that can be packed")


@lru_cache(maxsize=UNPACKED_KEPT)
def unpack(block: bytes) -> tuple[bytes, ...]:
    """The members, ascending; `CandleError` if the bytes are not those of a block."""
    return _unpacked(block)


def open_times(block: bytes) -> list[int]:
    """The open times (ms) alone, ascending, in a tenth of the time; `CandleError` as above."""
    mode, count, body = _checked(block)
    if mode == _TEXT:
        return [int(member[1:-1].split(b",", 1)[0]) for member in unpack(block)]
    return _sums(next(_columns(body[_PLACES.size :], count)))


def _unpacked(block: bytes) -> tuple[bytes, ...]:
    mode, count, body = _checked(block)
    try:
        rows = _rows_of_text(body) if mode == _TEXT else _rows_of_numbers(body, count)
        text = "\n".join([f"[{','.join(row)}]" for row in rows])
    except (ValueError, struct.error, StopIteration, zstd.ZstdError) as error:
        raise CandleError("block", block[:16], "bytes that can be unpacked") from error
    members = tuple(text.encode().split(b"\n"))
    if len(members) != count:
        raise CandleError("block", len(members), f"{count} members")
    return members


def _checked(block: bytes) -> tuple[bytes, int, bytes]:
    """How it is written, how many members it has, and the rest."""
    if len(block) < _HEAD.size + _SUM.size:
        raise CandleError("block", block[:16], "a whole block")
    magic, mode, count = _HEAD.unpack_from(block)
    body, (told,) = block[: -_SUM.size], _SUM.unpack(block[-_SUM.size :])
    if magic != _MAGIC or mode not in (_NUMBERS, _TEXT) or zlib.crc32(body) != told:
        raise CandleError("block", block[:16], "bytes that agree with their checksum")
    return mode, count, body[_HEAD.size :]


# Text ---------------------------------------------------------------------------------------------


def _packed_text(rows: Sequence[Sequence[str]]) -> bytes:
    columns = zip(*rows, strict=True)
    return zstd.compress("\n".join(map(",".join, columns)).encode(), level=_LEVEL)


def _rows_of_text(body: bytes) -> Iterable[Sequence[str]]:
    text = _decompressed(body, _TEXT_BYTES_MAX).decode()
    return zip(*[column.split(",") for column in text.split("\n")], strict=True)


# Numbers ------------------------------------------------------------------------------------------


class _Flow(NamedTuple):
    """A volume and its worth; of the whole candle, or of what takers bought."""

    volume: list[int]
    quote: list[int]


def _packed_numbers(rows: Sequence[Sequence[str]]) -> bytes | None:
    """None where a number is too long, or has a point where a whole one belongs."""
    text = list(zip(*rows, strict=True))
    if any("." in one for one in _several(text, _WHOLE)):
        return None
    places = [max(map(_decimals, _several(text, which))) for which in _SHARING]
    if max(places) > _PLACES_MAX:
        return None
    numbers = {at: list(map(int, text[at])) for at in _WHOLE}
    for which, place in zip(_SHARING, places, strict=True):
        numbers |= {at: _scaled(text[at], place) for at in which}
    packed = list(map(_packed_column, _unexpected(numbers, _Worth(*places[:3]))))
    if any(column is None for column in packed):
        return None
    return _PLACES.pack(*places) + b"".join(column for column in packed if column is not None)


def _unexpected(numbers: Mapping[int, list[int]], worth: _Worth) -> Iterator[list[int]]:
    """What of each column the others do not let expect, in the order in which it is packed."""
    open_, high, low, close = (numbers[at] for at in _PRICES)
    whole, taken = _Flow(numbers[5], numbers[7]), _Flow(numbers[9], numbers[10])
    yield _steps(numbers[0])
    yield _less(numbers[6], numbers[0])
    yield _less(open_, [0, *close[:-1]])
    yield _less(close, open_)
    yield _less(high, list(map(max, open_, close)))
    yield _less(list(map(min, open_, close)), low)
    yield whole.volume
    yield taken.volume
    yield numbers[8]
    yield _less(whole.quote, worth.at_middle(high, low, whole.volume))
    yield _less(taken.quote, worth.at_average(whole, taken.volume))
    yield numbers[11]


def _rows_of_numbers(body: bytes, count: int) -> Iterable[Sequence[str]]:
    places = _PLACES.unpack_from(body)
    price, volume, quote, other = places
    columns = list(islice(_columns(body[_PLACES.size :], count), _WIDTH))
    steps, lengths, jumps, moves, above, below, sold, bought, trades, rest, taken_rest, unused = (
        columns
    )
    opens = _sums(steps)
    close = _sums(_more(jumps, moves))
    open_ = _less(close, moves)
    high = _more(above, list(map(max, open_, close)))
    low = _less(list(map(min, open_, close)), below)
    worth = _Worth(price, volume, quote)
    whole = _Flow(sold, _more(rest, worth.at_middle(high, low, sold)))
    taken = _more(taken_rest, worth.at_average(whole, bought))
    prices = (_texts(column, price) for column in (open_, high, low, close))
    return zip(
        map(str, opens),
        *prices,
        _texts(sold, volume),
        map(str, _more(opens, lengths)),
        _texts(whole.quote, quote),
        map(str, trades),
        _texts(bought, volume),
        _texts(taken, quote),
        _texts(unused, other),
        strict=True,
    )


class _Worth:
    """What a volume is worth, about: in whole numbers, so that it is the same on every machine."""

    def __init__(self, price_places: int, volume_places: int, quote_places: int) -> None:
        surplus = price_places + volume_places - quote_places
        self._times, self._parts = 10 ** max(0, -surplus), 2 * 10 ** max(0, surplus)

    def at_middle(self, high: list[int], low: list[int], volume: list[int]) -> list[int]:
        """Half way between highest and lowest price."""
        times, parts = self._times, self._parts
        return [
            (top + bottom) * size * times // parts
            for top, bottom, size in zip(high, low, volume, strict=True)
        ]

    def at_average(self, whole: _Flow, volume: list[int]) -> list[int]:
        """At the average price of the candle."""
        return [
            quote * size // of if of else 0 for size, of, quote in zip(volume, *whole, strict=True)
        ]


#: Which fields are whole numbers, and which decimals with as many places as each other.
_WHOLE: Final = (0, 6, 8)
_PRICES: Final = (1, 2, 3, 4)
_SHARING: Final = (_PRICES, (5, 9), (7, 10), (11,))
_PLACES_MAX: Final = 18


def _several(text: Sequence[Sequence[str]], which: Iterable[int]) -> Iterator[str]:
    return (one for at in which for one in text[at])


def _decimals(text: str) -> int:
    return len(text.partition(".")[2])


def _scaled(texts: Sequence[str], places: int) -> list[int]:
    """Decimals as whole numbers of their last place."""
    parts = (text.partition(".") for text in texts)
    return [int(whole + part.ljust(places, "0")) for whole, _, part in parts]


def _texts(numbers: list[int], places: int) -> list[str]:
    """The canonical text of decimals: no zeros at their end."""
    texts = list(map(str, numbers))
    if not places:
        return texts
    if min(numbers) < 10**places:
        texts = [text.zfill(places + 1) for text in texts]
    return [
        f"{text[:-places]}.{text[-places:]}"
        if text[-1] != "0"
        else f"{text[:-places]}.{text[-places:]}".rstrip("0").rstrip(".")
        for text in texts
    ]


def _steps(numbers: list[int]) -> list[int]:
    return [now - before for before, now in zip([0, *numbers], numbers, strict=False)]


def _sums(steps: list[int]) -> list[int]:
    return list(accumulate(steps))


def _less(numbers: list[int], others: list[int]) -> list[int]:
    return [one - other for one, other in zip(numbers, others, strict=True)]


def _more(numbers: list[int], others: list[int]) -> list[int]:
    return [one + other for one, other in zip(numbers, others, strict=True)]


# Planes -------------------------------------------------------------------------------------------


def _packed_column(numbers: list[int]) -> bytes | None:
    """The first bytes of all numbers, then the second ones, and so on, each plane as it is or
    compressed; None if a number is too long."""
    is_signed = min(numbers) < 0
    if is_signed:
        numbers = [2 * one if one >= 0 else -2 * one - 1 for one in numbers]
    width = max(1, -(-max(numbers).bit_length() // 8))
    if width > _NUMBER_BYTES_MAX:
        return None
    whole = b"".join([one.to_bytes(width, "little") for one in numbers])
    parts = [_COLUMN.pack(width, is_signed)]
    for at in range(width):
        plane = whole[at::width]
        packed = min(plane, zstd.compress(plane, level=_LEVEL), key=len)
        parts += (_PLANE.pack(len(packed)), packed)
    return b"".join(parts)


def _columns(body: bytes, count: int) -> Iterator[list[int]]:
    at = 0
    while at < len(body):
        width, is_signed = _COLUMN.unpack_from(body, at)
        at += _COLUMN.size
        if not 1 <= width <= _NUMBER_BYTES_MAX:
            raise CandleError("block", width, f"numbers of 1 to {_NUMBER_BYTES_MAX} bytes")
        whole = bytearray(_NUMBER_BYTES_MAX * count)
        for byte in range(width):
            (size,) = _PLANE.unpack_from(body, at)
            at += _PLANE.size
            plane = body[at : at + size]
            at += size
            whole[byte::_NUMBER_BYTES_MAX] = plane if size == count else _decompressed(plane, count)
        numbers = list(struct.unpack(f"<{count}Q", whole))
        if is_signed:
            numbers = [-(one >> 1) - 1 if one & 1 else one >> 1 for one in numbers]
        yield numbers


def _decompressed(part: bytes, bytes_max: int) -> bytes:
    return zstd.ZstdDecompressor().decompress(part, max_length=bytes_max)
