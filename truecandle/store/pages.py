"""Official candles read: pages, meta, open times, all from one instant of Redis.

Never here: writing, live candles (who needs both puts both reads into one batch).
Invariant: what a page says about its series is what was stored at that instant.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from math import ceil
from typing import Any

from redis import Redis

from truecandle.candles.candle import OfficialCandle, official_from_member
from truecandle.candles.decimals import COUNT_END
from truecandle.candles.series import Series
from truecandle.errors import CandleError
from truecandle.store import keys, map_redis_errors
from truecandle.store.batch import Batch, Queued
from truecandle.store.both_halves import (
    CountRead,
    Extent,
    Member,
    PageRead,
    SeriesReader,
    WalkRead,
    opens_of,
)
from truecandle.store.columns import own_time

#: Candles of one page.
PAGE_CANDLES_MAX = 5_000
#: Open times of one look for holes; it reads `PAGE_CANDLES_MAX` at a time.
OPENS_MAX = 100_000


@dataclass(frozen=True, slots=True)
class Meta:
    """What a series holds. Times in ms, None while empty; `version` 0 means not known."""

    earliest: int | None
    latest: int | None
    count: int
    version: int


@dataclass(frozen=True, slots=True)
class Query:
    """Which candles to read: [start_ms, end_ms), at most `limit`, always ascending.

    `before_ms` is another exclusive end, for paging backwards. With `start_ms` and without
    `before_ms` the oldest from the start are read, else the newest of what is asked for.
    """

    limit: int
    start_ms: int | None = None
    end_ms: int | None = None
    before_ms: int | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.limit <= PAGE_CANDLES_MAX:
            raise CandleError("limit", self.limit, f"1 to {PAGE_CANDLES_MAX}")

    @property
    def is_forward(self) -> bool:
        """Whether a page is filled from its start; else from its end, backwards."""
        return self.start_ms is not None and self.before_ms is None


@dataclass(frozen=True, slots=True)
class Page:
    """Stored members, ascending, with the series' version of the same instant.

    `members` may hold junk that somebody else wrote: `candles` and `columns` skip it. `has_more`:
    beyond the limit there are more, newer ones when reading forward, else older ones.
    """

    members: tuple[bytes, ...]
    version: int
    has_more: bool


def read(redis: Redis, series: Series, query: Query) -> Page:
    """One page, all of one instant."""
    batch = Batch(redis)
    page = queue(batch, series, query)
    batch.run()
    return page.value


def queue(batch: Batch, series: Series, query: Query) -> Queued[Page]:
    """Adds the reading of a page to a batch of one instant."""
    ends = [ms for ms in (query.end_ms, query.before_ms) if ms is not None]
    wanted = PageRead(
        series,
        query.start_ms,
        min(ends, default=None),
        query.limit + 1,
        forward=query.is_forward,
    )
    return wanted.queue(batch, partial(_page, query))


def candles(members: Iterable[bytes]) -> list[OfficialCandle]:
    """Members as candles, ascending, one per open time; junk is skipped."""
    found: dict[int, OfficialCandle] = {}
    for member in members:
        try:
            candle = official_from_member(member)
        except CandleError:
            continue
        found[candle.open_ms] = candle
    return [found[open_ms] for open_ms in sorted(found)]


def meta(redis: Redis, series: Series) -> Meta:
    """What the series holds, as its candles themselves show it, with the version from its meta."""
    batch = Batch(redis)
    found = queue_meta(batch, series)
    batch.run()
    return found.value


def queue_meta(batch: Batch, series: Series) -> Queued[Meta]:
    """Adds the reading of what the series holds to a batch of one instant."""
    reader = SeriesReader(series)
    reader.ask_extent(batch.pipe)
    return batch.queued(lambda *answers: _meta(reader.read_extent(*answers)))


@map_redis_errors()
def version(redis: Redis, series: Series) -> int:
    """The version alone, in one GET; 0 = not known: don't cache under it, don't compare with it."""
    return version_in(redis.get(keys.meta(series)))


def open_times(redis: Redis, series: Series, start_ms: int, end_ms: int) -> list[int]:
    """Open times in ms in [start_ms, end_ms), ascending, the oldest `OPENS_MAX`.

    Only those at which exactly one proper member stands: whatever else lies there is as good as a
    hole, and storing the candle again heals it.
    """
    found: list[int] = []
    at: int | None = start_ms
    while at is not None and at < end_ms and len(found) < OPENS_MAX:
        step = WalkRead(series, at, f"({end_ms}", PAGE_CANDLES_MAX, whole=False).run(redis)
        sealed_ms = 0
        for entry, text in step.blocks.items():
            opens = opens_of(series, entry, text)
            found += [open_ms for open_ms in opens if at <= open_ms < end_ms]
            sealed_ms = entry.end_ms
        at = step.next
        if at is None:
            loose = [pair for pair in step.members if pair[1] >= sealed_ms]
            opens, at = _proper(loose, is_last=len(step.members) < PAGE_CANDLES_MAX)
            found += opens
    return found[:OPENS_MAX]


def counts(redis: Redis, series: Series, ranges: Sequence[tuple[int, int]]) -> list[int]:
    """How many members lie in each [start_ms, end_ms) of these, ascending and apart; whatever they
    are. All of one instant."""
    if not ranges:
        return []
    batch = Batch(redis)
    found = CountRead(series, ranges).queue(batch)
    batch.run()
    return found.value


def latest(redis: Redis, series: Series, n: int) -> list[bytes]:
    """The newest `n` members (at most `PAGE_CANDLES_MAX`), newest first."""
    if n <= 0:
        return []
    page = read(redis, series, Query(min(n, PAGE_CANDLES_MAX)))
    return list(reversed(page.members))


def _proper(stored: Sequence[Member], *, is_last: bool) -> tuple[list[int], int | None]:
    """The open times at which one proper member stands, and where to go on; of a page that is not
    the last, members of its last score may be on the next."""
    if not is_last:
        last = stored[-1][1]
        whole = [pair for pair in stored if pair[1] != last]
        stored, next_ms = whole, ceil(last) if whole else int(last) + 1
    members: dict[float, list[bytes]] = {}
    for member, score in stored:
        members.setdefault(score, []).append(member)
    opens = [
        int(score)
        for score, held in members.items()
        if len(held) == 1 and own_time(held[0]) == score
    ]
    return opens, None if is_last else next_ms


def _page(query: Query, meta_text: Any, members: list[bytes]) -> Page:
    """A page of what was read: one member more than the limit, where there is one."""
    has_more = len(members) > query.limit
    page = members[: query.limit] if query.is_forward else members[-query.limit :]
    return Page(
        members=tuple(page),
        version=version_in(meta_text),
        has_more=has_more,
    )


def _meta(extent: Extent) -> Meta:
    return Meta(extent.earliest_ms, extent.latest_ms, extent.candles, version_in(extent.meta))


def version_in(text: Any) -> int:
    """The version that a series' meta tells, as it is stored; 0 without one of ours."""
    try:
        found = json.loads(text or b"0")
    except (ValueError, RecursionError):
        return 0
    value = found.get("version") if isinstance(found, dict) else 0
    return value if type(value) is int and 0 < value < COUNT_END else 0
