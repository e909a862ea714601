"""Reads a series as one, though its older candles lie in blocks and its newer ones in a ZSET.

The halves meet at the end of the newest block: older candles are in blocks alone, all others in the
ZSET alone. Every script that moves one keeps that, so whatever is read in one instant has each
candle once.

Never here: writing, live candles, what is right or wrong (`inspection` finds that).
Invariant: what is read of both halves is of one instant. A block that cannot be read is an error
that names it, never a hole.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from time import sleep
from typing import Any, Final, NamedTuple, TypeVar

from redis import Redis
from redis.client import Pipeline

from truecandle.candles.interval import LAST_MS, Interval
from truecandle.candles.series import Series
from truecandle.errors import CandleError, StoreDamaged
from truecandle.store import block, keys
from truecandle.store.batch import AskAgain, Batch, Queued
from truecandle.store.columns import own_time

#: Blocks of one step of a walk: about as many members as a page of the ZSET has.
WALK_BLOCKS: Final = 5
#: A block's last bytes may lie in a field of their own, called like its first with this behind.
REST: Final = ":rest"
#: The field of all blocks that says how many candles they hold together.
COUNT_FIELD: Final = "count"

_ENTRY: Final = re.compile(rb"(\d{1,16}):(\d{1,16}):(\d{1,5}):(\d{1,16}):(\d{1,16})")

T = TypeVar("T")

#: A member with its score; scores may be anything that Redis takes for a number.
Member = tuple[bytes, float]
#: A bound of scores as Redis takes it.
Bound = str | int


class BlockEntry(NamedTuple):
    """A block as the index tells of it: its span, how many candles, the first and the last."""

    start_ms: int
    end_ms: int
    candles: int
    first_ms: int
    last_ms: int

    def is_without_holes(self, interval: Interval) -> bool:
        """Whether every candle from the first to the last is there."""
        return (
            interval.has_grid
            and interval.is_aligned(self.first_ms)
            and self.candles == interval.count(self.first_ms, self.last_ms + 1)
        )

    def count_in(self, interval: Interval, start_ms: int, end_ms: int) -> int:
        """How many of its candles open in [start_ms, end_ms), where none of them is missing."""
        first_ms = self.first_ms
        if first_ms < start_ms:
            first_ms = interval.open_ms(start_ms)
            first_ms = first_ms if first_ms == start_ms else interval.next_open_ms(first_ms)
        return interval.count(first_ms, min(end_ms, self.last_ms + 1))

    def opens(self, interval: Interval) -> list[int]:
        """All open times from the first to the last; none where there cannot be so many."""
        if not (interval.has_grid and interval.is_aligned(self.first_ms)):
            return []
        if interval.count(self.first_ms, self.last_ms + 1) > block.BLOCK_CANDLES:
            return []
        return list(interval.opens(self.first_ms, self.last_ms + 1))


class Extent(NamedTuple):
    """What both halves hold together: `earliest_ms` and `latest_ms` are None while that is nothing.

    `meta` is the text of the series' meta; `boundary_ms` is where the halves meet, 0 without
    blocks; `unsealed` candles lie in the ZSET.
    """

    meta: Any
    earliest_ms: int | None
    latest_ms: int | None
    candles: int
    unsealed: int
    boundary_ms: int


def parse_entry(series: Series, text: bytes) -> BlockEntry:
    """An entry of the index; `StoreDamaged` if it is none of ours."""
    match = _ENTRY.fullmatch(text)
    if match is None:
        what = ascii(text[:80].decode(errors="replace"))
        raise StoreDamaged(f"{keys.index(series)} holds {what}; flask doctor --repair mends it")
    return BlockEntry(*map(int, match.groups()))


def members_of(series: Series, entry: BlockEntry, text: bytes | None) -> tuple[bytes, ...]:
    """The members of a block, ascending; `StoreDamaged` if they are not what its entry says."""
    try:
        members = block.unpack(text or b"")
    except CandleError as error:
        raise unreadable(series, entry) from error
    ends = own_time(members[0]), own_time(members[-1])
    if ends != (entry.first_ms, entry.last_ms) or len(members) != entry.candles:
        raise unreadable(series, entry)
    return members


def times_of(series: Series, entry: BlockEntry, text: bytes | None) -> list[int]:
    """The open times of a block, ascending, in a tenth of the time; `StoreDamaged` as above."""
    try:
        times = block.open_times(text or b"")
    except CandleError as error:
        raise unreadable(series, entry) from error
    if (times[0], times[-1], len(times)) != (entry.first_ms, entry.last_ms, entry.candles):
        raise unreadable(series, entry)
    return times


def unreadable(series: Series, entry: BlockEntry) -> StoreDamaged:
    """What is raised for a block that is not what its entry says."""
    spot = (
        f"{series}: the block of {entry.candles} candles from {entry.first_ms} to {entry.last_ms}"
    )
    return StoreDamaged(f"{spot} ms cannot be read; flask doctor --repair fetches them again")


class SeriesReader:
    """Reads one series from both halves. What it reads it adds to a batch of one instant."""

    def __init__(self, series: Series) -> None:
        self.series = series
        self._zset, self._index = keys.klines(series), keys.index(series)

    def extent(self, batch: Batch) -> Queued[Extent]:
        """Adds the reading of what there is."""
        self.ask_extent(batch.pipe)
        return batch.queued(self.read_extent)

    def ask_extent(self, pipe: Pipeline) -> None:
        """Adds the commands whose results `read_extent` takes."""
        pipe.get(keys.meta(self.series))
        pipe.zcard(self._zset)
        pipe.zrange(self._zset, 0, LAST_MS, byscore=True, withscores=True, offset=0, num=1)
        pipe.zrange(
            self._zset, LAST_MS, 0, byscore=True, desc=True, withscores=True, offset=0, num=1
        )
        pipe.hget(keys.blocks(self.series), COUNT_FIELD)
        pipe.zrange(self._index, 0, 0)
        self.ask_newest(pipe)

    def read_extent(
        self, meta: Any, unsealed: int, first: Any, last: Any, sealed: Any, oldest: Any, newest: Any
    ) -> Extent:
        """What the results of `ask_extent` say."""
        firsts = [int(score) for _, score in first]
        lasts = [int(score) for _, score in last]
        boundary_ms = 0
        for text in oldest:
            firsts.append(parse_entry(self.series, text).first_ms)
        for text in newest:
            entry = parse_entry(self.series, text)
            lasts.append(entry.last_ms)
            boundary_ms = entry.end_ms
        count = unsealed + (int(sealed) if sealed and sealed.isdigit() else 0)
        earliest_ms, latest_ms = min(firsts, default=None), max(lasts, default=None)
        return Extent(meta, earliest_ms, latest_ms, count, unsealed, boundary_ms)

    def ask_newest(self, pipe: Pipeline) -> None:
        """Adds the reading of the newest block's entry, for `entries`."""
        pipe.zrange(self._index, -1, -1)

    def ask_entries(
        self, pipe: Pipeline, start: Bound, end: Bound, most: int, *, desc: bool = False
    ) -> None:
        """Adds the reading of the index, for `entries`: blocks whose spans begin in that range."""
        bounds: Any = (end, start) if desc else (start, end)
        pipe.zrange(self._index, bounds[0], bounds[1], byscore=True, desc=desc, offset=0, num=most)

    def entries(self, texts: Iterable[bytes]) -> list[BlockEntry]:
        """The entries, in their order."""
        return [parse_entry(self.series, text) for text in texts]

    def first_start(self, start_ms: int) -> int:
        """Where the span begins in which that moment lies; 0 where that is nowhere."""
        if not 0 <= start_ms < LAST_MS:
            return max(0, start_ms)
        return block.span_of(self.series.interval, start_ms).start_ms

    def ask_blocks(self, pipe: Pipeline, entries: Sequence[BlockEntry]) -> None:
        """Adds the reading of these blocks."""
        names = [str(entry.start_ms) for entry in entries]
        pipe.hmget(keys.blocks(self.series), [*names, *(name + REST for name in names)])

    def blocks(
        self, entries: Sequence[BlockEntry], parts: Sequence[bytes | None]
    ) -> dict[BlockEntry, bytes | None]:
        """The bytes of these blocks, from what `ask_blocks` was answered; None without any."""
        heads, rests = parts[: len(entries)], parts[len(entries) :]
        texts = [
            None if head is None else bytes(head) + bytes(rest or b"")
            for head, rest in zip(heads, rests, strict=True)
        ]
        return dict(zip(entries, texts, strict=True))


class PageRead:
    """The reading of up to `most` members in [start_ms, end_ms) from both halves, from the start on
    or from the end back."""

    def __init__(
        self, series: Series, start_ms: int | None, end_ms: int | None, most: int, *, forward: bool
    ) -> None:
        self.reader = SeriesReader(series)
        self._start_ms, self._end_ms = start_ms, end_ms
        self._most, self._is_forward = most, forward
        #: Where the ZSET begins; what lies before in it is none of the series.
        self._floor_ms = 0
        self._entries_max = most // block.BLOCK_CANDLES + 3
        #: The blocks that are asked for.
        self._blocks: list[BlockEntry] = []

    def queue(self, batch: Batch, make: Callable[[Any, list[bytes]], T]) -> Queued[T]:
        """Adds it to a batch of one instant; `make` is given the text of the series' meta, and the
        members, ascending."""
        self._ask(batch.pipe)
        return batch.queued(lambda *answers: make(*self._read(*answers)))

    def _ask(self, pipe: Pipeline) -> None:
        pipe.get(keys.meta(self.reader.series))
        self.reader.ask_newest(pipe)
        start: Any = max(self._start_ms or 0, self._floor_ms)
        end: Any = LAST_MS if self._end_ms is None else f"({self._end_ms}"
        is_forward = self._is_forward
        low, high = (start, end) if is_forward else (end, start)
        pipe.zrange(
            keys.klines(self.reader.series),
            low,
            high,
            byscore=True,
            desc=not is_forward,
            offset=0,
            num=self._most,
        )
        first = self.reader.first_start(self._start_ms or 0)
        self.reader.ask_entries(pipe, first, end, self._entries_max, desc=not is_forward)
        if self._blocks:
            self.reader.ask_blocks(pipe, self._blocks)

    def _read(
        self, meta: Any, newest: Any, members: Any, texts: Any, *read: Any
    ) -> tuple[Any, list[bytes]]:
        boundary_ms = max((one.end_ms for one in self.reader.entries(newest)), default=0)
        if self._is_misplaced(members, boundary_ms):
            self._floor_ms = boundary_ms
            raise AskAgain(self._ask)
        needed = self._needed(self.reader.entries(texts), len(members))
        found = self.reader.blocks(self._blocks, read[0]) if read else {}
        if needed and not found.keys() >= set(needed):
            self._blocks = needed
            raise AskAgain(self._ask)
        newer = members if self._is_forward else members[::-1]
        older = [one for entry in sorted(needed) for one in self._within(entry, found[entry])]
        whole = [*older, *newer]
        return meta, whole[: self._most] if self._is_forward else whole[-self._most :]

    def _is_misplaced(self, members: Sequence[bytes], boundary_ms: int) -> bool:
        """Whether something lies in the ZSET where blocks are; then it is asked for without."""
        if not members or self._floor_ms >= boundary_ms:
            return False
        oldest = own_time(members[0 if self._is_forward else -1])
        return oldest is not None and oldest < boundary_ms

    def _needed(self, entries: Sequence[BlockEntry], unsealed: int) -> list[BlockEntry]:
        """Blocks that have a part in the page; asks again where the index was not read far enough.

        Of a block that is cut by the range nobody knows how much is in it.
        """
        missing = self._most if self._is_forward else self._most - unsealed
        start_ms = self._start_ms or 0
        end_ms = LAST_MS if self._end_ms is None else self._end_ms
        needed = list[BlockEntry]()
        for entry in entries:
            if missing <= 0:
                return needed
            if start_ms <= entry.last_ms and entry.first_ms < end_ms:
                needed.append(entry)
                is_whole = start_ms <= entry.first_ms and entry.last_ms < end_ms
                missing -= entry.candles if is_whole else 0
        if missing > 0 and len(entries) >= self._entries_max:
            self._entries_max = self._most + 3  # each has a candle, but for those at both ends
            if len(entries) < self._entries_max:
                raise AskAgain(self._ask)
        return needed

    def _within(self, entry: BlockEntry, text: bytes | None) -> Sequence[bytes]:
        sleep(0)  # unpacking takes some ms: others of this process have their turn before each
        members = members_of(self.reader.series, entry, text)
        start_ms = self._start_ms or 0
        end_ms = LAST_MS if self._end_ms is None else self._end_ms
        if start_ms <= entry.first_ms and entry.last_ms < end_ms:
            return members
        times = block.open_times(text or b"")
        return members[bisect_left(times, start_ms) : bisect_left(times, end_ms)]


class CountRead:
    """How many candles lie in each of some ranges, ascending and apart; of one instant."""

    def __init__(self, series: Series, ranges: Sequence[tuple[int, int]]) -> None:
        self._reader = SeriesReader(series)
        self._ranges, self._starts = ranges, [start_ms for start_ms, _ in ranges]
        self._blocks: list[BlockEntry] = []

    def queue(self, batch: Batch) -> Queued[list[int]]:
        """Adds it to a batch of one instant."""
        self._ask(batch.pipe)
        return batch.queued(self._read)

    def _ask(self, pipe: Pipeline) -> None:
        zset, first = keys.klines(self._reader.series), self._ranges[0][0]
        for start_ms, end_ms in self._ranges:
            last: Any = f"({end_ms}"
            pipe.zcount(zset, start_ms, last)
        end: Any = f"({self._ranges[-1][1]}"
        index = keys.index(self._reader.series)
        pipe.zrange(index, self._reader.first_start(first), end, byscore=True)
        if self._blocks:
            self._reader.ask_blocks(pipe, self._blocks)

    def _read(self, *answers: Any) -> list[int]:
        counts = list(answers[: len(self._ranges)])
        texts, *read = answers[len(self._ranges) :]
        found = self._reader.blocks(self._blocks, read[0]) if read else {}
        entries, series = self._reader.entries(texts), self._reader.series
        cut = list[tuple[int, BlockEntry]]()
        for entry in entries:
            for place in self._touched(entry):
                start_ms, end_ms = self._ranges[place]
                if start_ms <= entry.first_ms and entry.last_ms < end_ms:
                    counts[place] += entry.candles
                else:
                    cut.append((place, entry))
        needed = {one for _, one in cut if not one.is_without_holes(series.interval)}
        if not found.keys() >= needed:
            self._blocks = sorted(needed)
            raise AskAgain(self._ask)
        for place, entry in cut:
            start_ms, end_ms = self._ranges[place]
            if entry not in needed:
                counts[place] += entry.count_in(series.interval, start_ms, end_ms)
                continue
            times = opens_of(series, entry, found.get(entry))
            counts[place] += bisect_left(times, end_ms) - bisect_left(times, start_ms)
        return counts

    def _touched(self, entry: BlockEntry) -> Iterator[int]:
        """The places of the ranges in which the block may have candles."""
        at = max(0, bisect_right(self._starts, entry.first_ms) - 1)
        for place in range(at, len(self._ranges)):
            start_ms, end_ms = self._ranges[place]
            if start_ms > entry.last_ms:
                return
            if entry.first_ms < end_ms:
                yield place


def opens_of(series: Series, entry: BlockEntry, text: bytes | None) -> list[int]:
    """The open times of a block, ascending. Without holes its entry tells them; where the block
    cannot be read, all that there may be: that is no hole, and not to be filled as one."""
    if not entry.is_without_holes(series.interval):
        try:
            return times_of(series, entry, text)
        except StoreDamaged:
            pass
    return entry.opens(series.interval)


class WalkStep(NamedTuple):
    """A part of a walk: blocks with their bytes, members of the ZSET with their scores, and where
    this part ends (None: it is the last)."""

    blocks: Mapping[BlockEntry, bytes | None]
    members: list[Member]
    next: int | None


class WalkRead:
    """One step of a walk over both halves, ascending, from `start` on: `WALK_BLOCKS` blocks, or one
    page of the ZSET. Of a block without holes only the entry is read, unless `is_whole`."""

    def __init__(self, series: Series, start: Bound, end: Bound, page: int, *, whole: bool) -> None:
        self._reader = SeriesReader(series)
        self._start, self._end, self._page, self._is_whole = start, end, page, whole
        self._blocks: list[BlockEntry] = []
        #: Up to where members of the ZSET are read.
        self._until: Bound = end

    def run(self, redis: Redis) -> WalkStep:
        """Reads it, of one instant."""
        batch = Batch(redis)
        self._ask(batch.pipe)
        step = batch.queued(self._read)
        batch.run()
        return step.value

    def _ask(self, pipe: Pipeline) -> None:
        number = re.fullmatch(r"\(?([0-9]{1,15})(?:\.0*)?", str(self._start))
        first = self._reader.first_start(int(number[1])) if number else self._start
        self._reader.ask_entries(pipe, first, self._end, WALK_BLOCKS)
        low: Any = self._start
        high: Any = self._until
        pipe.zrange(
            keys.klines(self._reader.series),
            low,
            high,
            byscore=True,
            withscores=True,
            offset=0,
            num=self._page,
        )
        if self._blocks:
            self._reader.ask_blocks(pipe, self._blocks)

    def _read(self, texts: list[bytes], pairs: Any, *read: Any) -> WalkStep:
        entries = self._reader.entries(texts)
        interval = self._reader.series.interval
        wanted = [one for one in entries if self._is_whole or not one.is_without_holes(interval)]
        is_more = len(entries) == WALK_BLOCKS
        until: Bound = f"({entries[-1].end_ms}" if is_more else self._end
        found = self._reader.blocks(self._blocks, read[0]) if read else {}
        if not found.keys() >= set(wanted) or until != self._until:
            self._blocks, self._until = wanted, until
            raise AskAgain(self._ask)
        after = entries[-1].end_ms if is_more else None
        members = [(member, score) for member, score in pairs]
        return WalkStep({one: found.get(one) for one in entries}, members, after)
