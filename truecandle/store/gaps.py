"""Gaps: the holes among a series' official candles, each with its reason; and where holes are.

Never here: why a hole is there (who asked the exchange says so), candles themselves.
Invariant: what is kept here is a memory only; what is stored alone says which candles are missing.
No live candle stands at a time that is proven missing.
"""

from __future__ import annotations

from typing import Any, Final

from redis import Redis

from truecandle.candles.gap import Gap, Hole, Missing, find_holes, gap_from_json, hole_of
from truecandle.candles.gap_registry import GapRegistry
from truecandle.candles.series import Series
from truecandle.store import keys, map_redis_errors, pages
from truecandle.store.batch import Batch, Queued
from truecandle.store.entries import own
from truecandle.store.script import Script

#: Candles that are counted at once; only where the count is wrong are their open times read.
CHUNK_CANDLES: Final = 5_000
#: Counts of one round trip.
COUNTS_MAX: Final = 1_000
#: Proven gaps that are read beside live candles, the newest ones: as many as those are.
MISSING_MAX: Final = 600

_SAVE = Script("save_gaps")


@map_redis_errors()
def read(redis: Redis, series: Series) -> GapRegistry:
    """What is known; junk is skipped."""
    texts: Any = redis.hvals(keys.gaps(series))
    return GapRegistry(own(texts, gap_from_json))


@map_redis_errors()
def standing(redis: Redis, series: Series) -> list[Gap]:
    """The known gaps, ascending, without those whose candles have come since."""
    known = read(redis, series).all
    held = pages.counts(redis, series, [(gap.start_ms, gap.end_ms) for gap in known])
    return [gap for gap, count in zip(known, held, strict=True) if count < gap.candles]


@map_redis_errors()
def save(
    redis: Redis, series: Series, before: GapRegistry, after: GapRegistry, *, anew: bool = False
) -> list[Missing]:
    """Keeps what changed from `before` to `after`, and in the same step takes every live candle
    away that is proven missing; none is saved there from then on.

    Returns what has been proven since `before`, ascending. Nothing is written when nothing changed,
    unless `anew`.
    """
    old, new = ({str(gap.start_ms): gap.to_json() for gap in gaps.all} for gaps in (before, after))
    gone = sorted(old.keys() - new.keys())
    changed = {start: text for start, text in new.items() if old.get(start) != text}
    if not (gone or changed or anew):
        return []
    args: list[str | int] = [len(gone), *gone]
    for start, text in changed.items():
        args += (start, text)
    names = (keys.gaps, keys.missing, keys.pending, keys.live, keys.feed_candle)
    _SAVE.run(redis, [name(series) for name in names], args)
    known = set(before.proven)
    return [missing for missing in after.proven if missing not in known]


def proven(redis: Redis, series: Series) -> list[Missing]:
    """The newest `MISSING_MAX` proven gaps, ascending."""
    batch = Batch(redis, is_one_instant=False)
    found = queue(batch, series)
    batch.run()
    return found.value


def queue(batch: Batch, series: Series) -> Queued[list[Missing]]:
    """Adds the reading of the newest proven gaps, ascending, to a batch."""
    batch.pipe.zrange(keys.missing(series), -MISSING_MAX, -1, withscores=True)
    return batch.queued(lambda pairs: [Missing(int(start), int(end)) for end, start in pairs])


@map_redis_errors()
def missing(
    redis: Redis, series: Series, start_ms: int, end_ms: int, known: GapRegistry, read_from_ms: int
) -> list[Hole]:
    """The holes in [start_ms, end_ms) of the series' grid, ascending and apart.

    Where as many candles are stored as there can be beside the known gaps, those are the holes;
    from `read_from_ms` on every open time is looked at.
    """
    interval, holes = series.interval, list[Hole]()
    chunks = list[tuple[int, int]]()
    at_ms = start_ms
    while at_ms < end_ms:
        until_ms = min(end_ms, interval.step(at_ms, CHUNK_CANDLES))
        chunks.append((at_ms, until_ms))
        at_ms = until_ms
    for first in range(0, len(chunks), COUNTS_MAX):
        some = chunks[first : first + COUNTS_MAX]
        for (from_ms, until_ms), held in zip(some, pages.counts(redis, series, some), strict=True):
            expected = known.within(interval, from_ms, until_ms)
            missed = interval.count(from_ms, until_ms) - sum(hole.candles for hole in expected)
            if not held:
                expected = [hole_of(interval, from_ms, until_ms)]
            elif held != missed or until_ms > read_from_ms:
                opens = pages.open_times(redis, series, from_ms, until_ms)
                expected = find_holes(interval, opens, from_ms, until_ms)
            for hole in expected:
                _append(holes, hole)
    return holes


def _append(holes: list[Hole], hole: Hole) -> None:
    if holes and holes[-1].end_ms == hole.start_ms:
        last = holes.pop()
        hole = Hole(last.start_ms, hole.end_ms, last.candles + hole.candles)
    holes.append(hole)
