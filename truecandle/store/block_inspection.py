"""Proves the two halves of a series against each other: what contradicts itself, and which blocks
cannot be read.

Never here: repairing it (`admin/repair`), single candles (`inspection` gives them all).
Invariant: it only reads; what was written between two of its reads is no fault.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice
from typing import Any, Final, NamedTuple

from redis import Redis

from truecandle.candles.interval import LAST_MS
from truecandle.candles.series import Series
from truecandle.errors import StoreDamaged
from truecandle.store import block, keys, map_redis_errors
from truecandle.store.batch import Batch, Queued
from truecandle.store.block import BlockSpan
from truecandle.store.both_halves import (
    COUNT_FIELD,
    REST,
    BlockEntry,
    SeriesReader,
    members_of,
    parse_entry,
    times_of,
)

#: Blocks that are read at once.
BLOCKS_READ: Final = 20
#: Damaged blocks that are named one by one; who looks again is told of the next.
NAMED_MAX: Final = 100


class BlockFault(NamedTuple):
    """What is wrong with the blocks of a series: in words, and the spans (ms) whose candles are to
    be fetched again; after that, or without any, counting anew mends it. While it `hides` the
    halves, nothing else can be told of the series."""

    what: str
    spans: tuple[BlockSpan, ...] = ()
    hides: bool = False


@map_redis_errors()
def faults(redis: Redis, series: Series) -> Iterator[BlockFault]:
    """The faults, one after the other; where the index is broken, that alone."""
    batch = Batch(redis)
    asked = _queue_index(batch, series)
    batch.run()
    texts, fields, told = asked.value
    entries = list[BlockEntry]()
    for text, score in texts:
        try:
            entry = parse_entry(series, text)
        except StoreDamaged:
            yield BlockFault("the index of the blocks holds what is no entry", hides=True)
            return
        if score != entry.start_ms or entry[:2] != block.span_of(series.interval, entry.start_ms):
            what = "the index of the blocks tells another span than a block's"
            yield BlockFault(what, hides=True)
            return
        entries.append(entry)
    parts = range(0, len(entries), BLOCKS_READ)
    damaged = chain.from_iterable(
        _unreadable(redis, series, entries[first : first + BLOCKS_READ]) for first in parts
    )
    yield from islice(damaged, NAMED_MAX)
    if strays := _strays(fields, entries):
        starts = {one.removesuffix(REST.encode()) for one in strays}
        spans = [block.span_of(series.interval, int(one)) for one in starts if _is_start(one)]
        what = f"{len(starts):,} blocks that the index does not tell of"
        yield BlockFault(what, tuple(sorted(spans)[:NAMED_MAX]))
    held = sum(entry.candles for entry in entries)
    if told != (b"%d" % held if entries else None):
        said = ascii(told.decode(errors="replace")[:30]) if told is not None else "none"
        yield BlockFault(f"all blocks are said to hold {said} candles; there are {held:,}")
    if entries:
        yield from _overlap(redis, series, entries[-1])


class Looked(NamedTuple):
    """A look at some blocks: the spans of those that cannot be read, each from its first candle on,
    and where to go on; 0 after the last."""

    unreadable: tuple[BlockSpan, ...]
    next_ms: int


@map_redis_errors()
def look(redis: Redis, series: Series, from_ms: int, most: int) -> Looked:
    """Looks at `most` blocks, from the one in whose span `from_ms` lies: whether their bytes are
    whole and are what the index tells. 0.3 ms each. Raises `StoreDamaged` if the index is broken.
    """
    reader = SeriesReader(series)
    with redis.pipeline(transaction=True) as pipe:
        reader.ask_entries(pipe, reader.first_start(from_ms), "+inf", most)
        (told,) = pipe.execute()
    entries = reader.entries(told)
    if not entries:
        return Looked((), 0)
    damaged = [
        _span(series, entry)
        for entry, text in _read(redis, series, entries).items()
        if not _is_whole(series, entry, text, times_of)
        and _is_still_damaged(redis, series, entry, times_of)
    ]
    return Looked(tuple(damaged), entries[-1].end_ms if len(entries) == most else 0)


@map_redis_errors()
def check_index(redis: Redis, series: Series) -> int:
    """How many blocks the index tells of. Raises `StoreDamaged` if it is broken, or blocks lie of
    which it does not tell."""
    batch = Batch(redis)
    asked = _queue_index(batch, series)
    batch.run()
    texts, fields, _ = asked.value
    if strays := _strays(fields, [parse_entry(series, text) for text, _ in texts]):
        what = f"{keys.blocks(series)} has fields that its index does not tell of: {len(strays)}"
        raise StoreDamaged(f"{what}; flask doctor --repair mends it")
    return len(texts)


def _queue_index(batch: Batch, series: Series) -> Queued[tuple[Any, Any, Any]]:
    batch.pipe.zrange(keys.index(series), 0, -1, withscores=True)
    batch.pipe.hkeys(keys.blocks(series))
    batch.pipe.hget(keys.blocks(series), COUNT_FIELD)
    return batch.queued(lambda texts, fields, told: (texts, fields, told))


def _unreadable(
    redis: Redis, series: Series, entries: Sequence[BlockEntry]
) -> Iterator[BlockFault]:
    for entry, text in _read(redis, series, entries).items():
        if not _is_whole(series, entry, text) and _is_still_damaged(redis, series, entry):
            what = f"a block of {entry.candles:,} candles cannot be read"
            yield BlockFault(what, (_span(series, entry),))


def _strays(fields: Sequence[bytes], entries: Sequence[BlockEntry]) -> set[bytes]:
    """Fields of the blocks of which the index does not tell."""
    known = {b"%d" % entry.start_ms for entry in entries}
    known |= {name + REST.encode() for name in known}
    return set(fields) - known - {COUNT_FIELD.encode()}


def _read(
    redis: Redis, series: Series, entries: Sequence[BlockEntry]
) -> dict[BlockEntry, bytes | None]:
    reader = SeriesReader(series)
    with redis.pipeline(transaction=True) as pipe:
        reader.ask_blocks(pipe, entries)
        (parts,) = pipe.execute()
    return reader.blocks(entries, parts)


def _span(series: Series, entry: BlockEntry) -> BlockSpan:
    """The span of a block from its first candle on: before the oldest one nothing was stored."""
    span = block.span_of(series.interval, entry.start_ms)
    is_inside = span.start_ms <= entry.first_ms < span.end_ms
    return BlockSpan(entry.first_ms if is_inside else span.start_ms, span.end_ms)


def _is_whole(
    series: Series,
    entry: BlockEntry,
    text: bytes | None,
    read: Callable[[Series, BlockEntry, bytes | None], object] = members_of,
) -> bool:
    try:
        read(series, entry, text)
    except StoreDamaged:
        return False
    return True


def _is_still_damaged(
    redis: Redis,
    series: Series,
    entry: BlockEntry,
    read: Callable[[Series, BlockEntry, bytes | None], object] = members_of,
) -> bool:
    """Entry and block once more, of one instant."""
    reader = SeriesReader(series)
    with redis.pipeline(transaction=True) as pipe:
        pipe.zrange(keys.index(series), entry.start_ms, entry.start_ms, byscore=True)
        reader.ask_blocks(pipe, [entry])
        told, parts = pipe.execute()
    text = reader.blocks([entry], parts)[entry]
    return bool(told) and not _is_whole(series, parse_entry(series, told[0]), text, read)


def _overlap(redis: Redis, series: Series, newest: BlockEntry) -> Iterator[BlockFault]:
    """Members of the ZSET before the end of the newest block."""
    low: Any = "-inf"
    high: Any = f"({newest.end_ms}"
    with redis.pipeline(transaction=True) as pipe:
        pipe.zrange(keys.index(series), newest.start_ms, newest.start_ms, byscore=True)
        pipe.zcount(keys.klines(series), low, high)
        pipe.zrange(keys.klines(series), 0, 0, withscores=True)
        told, count, oldest = pipe.execute()
    if told and count:
        at_ms = oldest[0][1]
        is_moment = 0 <= at_ms < LAST_MS
        spans = (block.span_of(series.interval, int(at_ms)),) if is_moment else ()
        yield BlockFault(f"{count:,} members lie unsealed where the series is sealed", spans)


def _is_start(field: bytes) -> bool:
    return field.isdigit() and len(field) < 16 and int(field) < LAST_MS
