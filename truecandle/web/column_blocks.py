"""Columns as text that goes into an answer as it is: cut anew, or kept in blocks of 200 candles.

A page of the newest candles moves on by a candle: its first block has one less, its last one more.

Never here: Redis, JSON around the columns (`column_answers`), numbers.
Invariant: what was cut is given again only for the very members it was cut from, byte by byte:
whatever was corrected, healed or put in between is cut anew, whoever has told of it or not.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NamedTuple

from truecandle.candles.series import Series
from truecandle.store.columns import Columns, columns, iso
from truecandle.web.byte_cache import ByteCache

#: Short enough that the newest page, of which two blocks are never whole, has some.
BLOCK_CANDLES: Final = 200
#: What all blocks may count together: 450 B a candle, those of its members among them.
BLOCKS_BYTES_MAX: Final = 32 << 20
#: What a member takes beside its own bytes.
MEMBER_BYTES: Final = 41
#: No open time has more digits.
TIME_CHARS_MAX: Final = 16


@dataclass(frozen=True, slots=True)
class ColumnTexts:
    """`columns` are time, open, high, low, close and volume, each with commas between; `first` and
    `last` the open times in ms of the first and the last of `count` candles, "" without any.
    """

    count: int
    first: bytes
    last: bytes
    columns: tuple[bytes, ...]


class _Block(NamedTuple):
    """Members, and what they were cut into; of a block that a page begins or ends in, only those
    that are on the page. `is_whole`: each member has its row, in this order."""

    members: tuple[bytes, ...]
    texts: ColumnTexts
    is_whole: bool


_Key = tuple[str, int, bool]


def texts_of(cut: Columns, *, is_iso: bool) -> ColumnTexts:
    """The columns as text; times in ms, or as ISO 8601 strings."""
    times = cut.time
    values = (iso(times) if is_iso else times, cut.open, cut.high, cut.low, cut.close, cut.volume)
    first, last = (times[0], times[-1]) if times else (b"", b"")
    return ColumnTexts(len(times), first, last, tuple(map(b",".join, values)))


class ColumnBlocks:
    """The blocks of all series. Safe between threads, real and green."""

    def __init__(self, bytes_max: int = BLOCKS_BYTES_MAX) -> None:
        self._blocks: ByteCache[_Key, _Block] = ByteCache(bytes_max)

    def texts(self, series: Series, members: Sequence[bytes], *, is_iso: bool) -> ColumnTexts:
        """The columns of stored members, ascending. Only pages longer than a block have whole ones
        inside.
        """
        if len(members) > BLOCK_CANDLES:
            parts = [
                self._part((series.name, index, is_iso), part)
                for index, part in _parts(series, members)
            ]
            found = [part for part in parts if part.count]
            # What foreign hands have put there may lie in no order: then all of it is looked at.
            if all(int(one.last) < int(other.first) for one, other in pairwise(found)):
                return _joined(found)
        return texts_of(columns(members), is_iso=is_iso)

    def _part(self, key: _Key, members: Sequence[bytes]) -> ColumnTexts:
        given, is_iso = tuple(members), key[2]
        kept = self._blocks.get(key)
        if kept is not None and kept.is_whole:
            if (found := _part_of(kept, given)) is not None:
                return found
            made = _longer(kept, given, is_iso=is_iso) or _block(given, is_iso=is_iso)
        elif kept is not None and kept.members == given:
            return kept.texts
        else:
            made = _block(given, is_iso=is_iso)
        size = sum(map(len, given)) + sum(map(len, made.texts.columns))
        self._blocks.put(key, made, size + MEMBER_BYTES * len(given))
        return made.texts


def _block(members: tuple[bytes, ...], *, is_iso: bool) -> _Block:
    cut = columns(members)
    return _Block(members, texts_of(cut, is_iso=is_iso), cut.is_whole)


def _part_of(kept: _Block, members: tuple[bytes, ...]) -> ColumnTexts | None:
    """The columns of members that a block that is kept has, begins with, or ends with."""
    count = len(members)
    if members == kept.members:
        return kept.texts
    if members == kept.members[-count:]:
        return _cut_out(kept, members, lambda column, others: column.split(b",", others)[-1])
    if members == kept.members[:count]:
        return _cut_out(kept, members, lambda column, others: column.rsplit(b",", others)[0])
    return None


def _longer(kept: _Block, members: tuple[bytes, ...], *, is_iso: bool) -> _Block | None:
    """A block that goes on after one that is kept."""
    count = len(kept.members)
    if members[:count] != kept.members:
        return None
    more = _block(members[count:], is_iso=is_iso)
    if not more.is_whole or int(kept.texts.last) >= int(more.texts.first):
        return None
    return _Block(members, _joined([kept.texts, more.texts]), is_whole=True)


def _cut_out(
    kept: _Block, members: tuple[bytes, ...], without: Callable[[bytes, int], bytes]
) -> ColumnTexts:
    """`without` takes so many values off a column: those of the block's other members."""
    others = len(kept.members) - len(members)
    columns_there = tuple(without(column, others) for column in kept.texts.columns)
    first, last = (b"%d" % _time(member) for member in (members[0], members[-1]))
    return ColumnTexts(len(members), first, last, columns_there)


def _parts(series: Series, members: Sequence[bytes]) -> Iterator[tuple[int, Sequence[bytes]]]:
    """The members in parts, each with the number of its block: cut where open times of blocks
    begin, whatever the page."""
    span_ms = series.interval.step(0, BLOCK_CANDLES)
    at = 0
    while at < len(members):
        index = _time(members[at]) // span_ms
        end = bisect_left(members, (index + 1) * span_ms, lo=at + 1, key=_time)
        yield index, members[at:end]
        at = end


def _time(member: bytes) -> int:
    """The open time in ms that a member begins with. It only says where to cut; each part is
    looked at as a whole.
    """
    text = member[1 : member.find(b",")]
    return int(text) if text.isdigit() and len(text) <= TIME_CHARS_MAX else 0


def _joined(parts: Sequence[ColumnTexts]) -> ColumnTexts:
    if not parts:
        return texts_of(columns(()), is_iso=False)
    return ColumnTexts(
        sum(part.count for part in parts),
        parts[0].first,
        parts[-1].last,
        tuple(map(b",".join, zip(*(part.columns for part in parts), strict=True))),
    )
