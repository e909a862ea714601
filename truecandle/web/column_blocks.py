"""Columns as text that goes into an answer as it is: cut anew, or kept in blocks of 200 candles.

Never here: Redis, JSON around the columns (`column_answers`), numbers.
Invariant: a block is given again only for the very members it was cut from, byte by byte: whatever
was corrected, healed or put in between is cut anew, whoever has told of it or not.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NamedTuple

from truecandle.candles.series import Series
from truecandle.store.columns import Columns, columns, iso
from truecandle.web.byte_cache import ByteCache

#: Short enough that the newest page, of which two blocks are never whole, has some.
BLOCK_CANDLES: Final = 200
#: What all blocks may count together: 400 B a candle, those of its members among them.
BLOCKS_BYTES_MAX: Final = 32 << 20
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
    members: bytes
    texts: ColumnTexts


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
                self._part(series, index, part, is_iso=is_iso)
                for index, part in _parts(series, members)
            ]
            found = [part for part in parts if part.count]
            # What foreign hands have put there may lie in no order: then all of it is looked at.
            if all(int(one.last) < int(other.first) for one, other in pairwise(found)):
                return _joined(found)
        return texts_of(columns(members), is_iso=is_iso)

    def _part(
        self, series: Series, index: int | None, members: Sequence[bytes], *, is_iso: bool
    ) -> ColumnTexts:
        if index is None:
            return texts_of(columns(members), is_iso=is_iso)
        key, text = (series.name, index, is_iso), b"".join(members)
        kept = self._blocks.get(key)
        if kept is not None and kept.members == text:
            return kept.texts
        found = texts_of(columns(members), is_iso=is_iso)
        self._blocks.put(key, _Block(text, found), len(text) + sum(map(len, found.columns)))
        return found


def _parts(
    series: Series, members: Sequence[bytes]
) -> Iterator[tuple[int | None, Sequence[bytes]]]:
    """The members in parts, cut where a block's open times begin, whatever the page: each whole
    block with its number, the page's ends with None.
    """
    span_ms = series.interval.step(0, BLOCK_CANDLES)
    at = 0
    while at < len(members):
        index = _time(members[at]) // span_ms
        end = bisect_left(members, (index + 1) * span_ms, lo=at + 1, key=_time)
        is_whole = at > 0 and end < len(members)
        yield index if is_whole else None, members[at:end]
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
