"""Official candles read: pages, meta, open times, all from one instant of Redis.

Never here: writing, live candles (who needs both puts both reads into one batch).
Invariant: what a page says about its series is what the ZSET held at that instant.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from redis import Redis
from redis.client import Pipeline

from truecandle.candles.candle import OfficialCandle, official_from_member
from truecandle.candles.decimals import COUNT_END
from truecandle.candles.interval import LAST_MS
from truecandle.candles.series import Series
from truecandle.errors import CandleError
from truecandle.store import keys, map_redis_errors
from truecandle.store.batch import Batch, Queued
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
    """Stored members, ascending, with the series' meta of the same instant.

    `members` may hold junk that somebody else wrote: `candles` and `columns` skip it. `has_more`:
    beyond the limit there are more, newer ones when reading forward, else older ones.
    """

    members: tuple[bytes, ...]
    version: int
    earliest: int | None
    latest: int | None
    count: int
    has_more: bool


def read(redis: Redis, series: Series, query: Query) -> Page:
    """One page, all of one instant."""
    batch = Batch(redis)
    page = queue(batch, series, query)
    batch.run()
    return page.value


def queue(batch: Batch, series: Series, query: Query) -> Queued[Page]:
    """Adds the reading of a page to a batch of one instant."""
    is_forward, name = query.is_forward, _ask_meta(batch.pipe, series)
    start: Any = 0 if query.start_ms is None else query.start_ms
    ends = [ms for ms in (query.end_ms, query.before_ms) if ms is not None]
    end: Any = f"({min(ends)}" if ends else LAST_MS
    batch.pipe.zrange(
        name,
        *((start, end) if is_forward else (end, start)),
        byscore=True,
        desc=not is_forward,
        offset=0,
        num=query.limit + 1,
    )
    return batch.queued(partial(_page, query))


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
    """What the series holds, as the ZSET itself shows it, with the version from its meta."""
    batch = Batch(redis)
    _ask_meta(batch.pipe, series)
    found = batch.queued(_meta)
    batch.run()
    return found.value


@map_redis_errors()
def version(redis: Redis, series: Series) -> int:
    """The version alone, in one GET; 0 = not known: don't cache under it, don't compare with it."""
    return version_in(redis.get(keys.meta(series)))


@map_redis_errors()
def open_times(redis: Redis, series: Series, start_ms: int, end_ms: int) -> list[int]:
    """Open times in ms in [start_ms, end_ms), ascending, the oldest `OPENS_MAX`.

    Only those at which exactly one proper member stands: whatever else lies there is as good as a
    hole, and storing the candle again heals it.
    """
    found: list[int] = []
    for stored in _score_pages(redis, series, start_ms, end_ms):
        members: dict[float, list[bytes]] = {}
        for member, score in stored:
            members.setdefault(score, []).append(member)
        found += [
            int(score)
            for score, held in members.items()
            if len(held) == 1 and own_time(held[0]) == score
        ]
    return found


@map_redis_errors()
def count_between(redis: Redis, series: Series, start_ms: int, end_ms: int) -> int:
    """How many members lie in [start_ms, end_ms), whatever they are."""
    last: Any = f"({end_ms}"
    return redis.zcount(keys.klines(series), start_ms, last)


@map_redis_errors()
def latest(redis: Redis, series: Series, n: int) -> list[bytes]:
    """The newest `n` members (at most `PAGE_CANDLES_MAX`), newest first."""
    last: Any = min(n, PAGE_CANDLES_MAX) - 1
    members: Any = redis.zrange(keys.klines(series), 0, last, desc=True)
    return list(members) if n > 0 else []


def _score_pages(
    redis: Redis, series: Series, start_ms: int, end_ms: int
) -> Iterator[list[tuple[bytes, float]]]:
    """Members with their scores, in pages that never cut one score in two."""
    start: Any = start_ms
    for _ in range(OPENS_MAX // PAGE_CANDLES_MAX):
        stored: Any = redis.zrange(
            keys.klines(series),
            start,
            f"({end_ms}",
            byscore=True,
            withscores=True,
            offset=0,
            num=PAGE_CANDLES_MAX,
        )
        if len(stored) < PAGE_CANDLES_MAX:
            yield stored
            return
        last = stored[-1][1]
        whole = [pair for pair in stored if pair[1] != last]
        yield whole
        start = f"({whole[-1][1]:.17g}" if whole else f"({last:.17g}"


def _ask_meta(pipe: Pipeline, series: Series) -> str:
    """Adds the reading of the series' meta; the name of its ZSET."""
    name = keys.klines(series)
    pipe.get(keys.meta(series))
    pipe.zcard(name)
    pipe.zrange(name, 0, LAST_MS, byscore=True, withscores=True, offset=0, num=1)
    pipe.zrange(name, LAST_MS, 0, byscore=True, desc=True, withscores=True, offset=0, num=1)
    return name


def _page(query: Query, text: Any, count: int, first: Any, last: Any, members: list[bytes]) -> Page:
    found = _meta(text, count, first, last)
    page = members[: query.limit]
    if not query.is_forward:
        page.reverse()
    return Page(
        members=tuple(page),
        version=found.version,
        earliest=found.earliest,
        latest=found.latest,
        count=found.count,
        has_more=len(members) > query.limit,
    )


def _meta(text: Any, count: int, first: Any, last: Any) -> Meta:
    return Meta(
        earliest=int(first[0][1]) if first else None,
        latest=int(last[0][1]) if last else None,
        count=count,
        version=version_in(text),
    )


def version_in(text: Any) -> int:
    """The version that a series' meta tells, as it is stored; 0 without one of ours."""
    try:
        found = json.loads(text or b"0")
    except (ValueError, RecursionError):
        return 0
    value = found.get("version") if isinstance(found, dict) else 0
    return value if type(value) is int and 0 < value < COUNT_END else 0
