"""What has changed of a series in the store since its index was written: which files to compare.

Never here: reading candles, writing.
Invariant: a file whose candles have changed is due, also when nobody can tell which have: then all
are. What is due needlessly is compared and left as it is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Final, NamedTuple

from redis import Redis

from truecandle.candles.interval import LAST_MS
from truecandle.candles.series import Series
from truecandle.mirror.index import FileStat, MirroredFile, MirrorIndex
from truecandle.mirror.periods import Period, period_named, period_of, periods
from truecandle.store import official, pages
from truecandle.store.official import CORRECTIONS_KEPT, Correction

#: The newest corrections that are looked at first; the last one that is known is mostly among them.
CORRECTIONS_LOOKED: Final = 10
#: Periods that are counted at a time: as many commands of Redis.
COUNTED: Final = 1_000


class Survey(NamedTuple):
    """What the store says of a series: its version and newest correction as in `MirrorIndex`, how
    many members lie in each period that has any, and the periods with corrections since the index
    was written; None: nobody can tell."""

    version: int
    corrected: tuple[int, int]
    counts: Mapping[Period, int]
    changed: Collection[Period] | None


def take(redis: Redis, series: Series, index: MirrorIndex) -> Survey:
    """Looks; raises a `StoreError`. What comes in meanwhile has a later version than is told."""
    meta = pages.meta(redis, series)
    news, newest = _corrections(redis, series, index)
    is_known = 0 < index.version <= meta.version
    changed = None
    if news is not None and is_known:
        opens = [one.time for one in news]
        changed = {period_of(series.interval, open_ms) for open_ms in opens}
    counts = dict(_counts(redis, series, meta.earliest, meta.latest))
    return Survey(meta.version, newest, counts, changed)


def due(
    series: Series, index: MirrorIndex, survey: Survey, stats: Mapping[str, FileStat]
) -> list[Period]:
    """The periods whose files have to be compared with the store, ascending. `stats`: what lies in
    the folder, by period's name."""
    named = [period_named(series.interval, name) for name in index.files]
    every = {*survey.counts, *(one for one in named if one is not None)}
    return sorted(
        period
        for period in every
        if is_behind(index, survey, period)
        or stats.get(period.name) != (entry := index.files[period.name]).stat
        or _has_junk(entry)
    )


def is_behind(index: MirrorIndex, survey: Survey, period: Period) -> bool:
    """Whether the store may hold something else of a period than when its file was written."""
    entry = index.files.get(period.name)
    if entry is None:
        return period in survey.counts
    return (
        survey.changed is None
        or period in survey.changed
        or survey.counts.get(period, 0) != entry.stored
    )


def _has_junk(entry: MirroredFile) -> bool:
    """Where something lay that was no candle, one may have taken its place."""
    return entry.rows != entry.stored


def _corrections(
    redis: Redis, series: Series, index: MirrorIndex
) -> tuple[list[Correction] | None, tuple[int, int]]:
    """Those noticed since, None where the last one that is known is not kept any more; and the
    newest one."""
    for most in (CORRECTIONS_LOOKED, CORRECTIONS_KEPT):
        found = official.corrections(redis, series, most)
        told = [(one.at, one.time) for one in found]
        newest = told[0] if told else (0, 0)
        if index.corrected in told:
            return found[: told.index(index.corrected)], newest
        if len(found) < most and index.corrected == (0, 0):
            return found, newest
        if len(found) < most:
            break
    return None, newest


def _counts(
    redis: Redis, series: Series, earliest_ms: int | None, latest_ms: int | None
) -> Iterator[tuple[Period, int]]:
    if earliest_ms is None or latest_ms is None:
        return
    every = list(periods(series.interval, max(earliest_ms, 0), min(latest_ms, LAST_MS - 1)))
    for first in range(0, len(every), COUNTED):
        some = every[first : first + COUNTED]
        counts = pages.counts(redis, series, [(one.start_ms, one.end_ms) for one in some])
        yield from ((one, count) for one, count in zip(some, counts, strict=True) if count)
