"""The store as it lies there, whoever wrote it: keys, types, members with their scores, settings.

Never here: what is right or wrong, writing candles (`official`).
Invariant: however much lies there, one page of it at a time is read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from math import inf
from operator import itemgetter
from typing import Any, Final, NamedTuple

from redis import Redis, WatchError

from truecandle.candles.interval import LAST_MS
from truecandle.candles.series import Series
from truecandle.errors import StoreDamaged
from truecandle.store import block, block_writes, keys, lease, map_redis_errors
from truecandle.store.batch import Batch
from truecandle.store.block import BlockSpan
from truecandle.store.block_writes import WrittenBy
from truecandle.store.both_halves import (
    Member,
    SeriesReader,
    WalkRead,
    WalkStep,
    members_of,
)
from truecandle.store.columns import own_time
from truecandle.store.official import CORRECTIONS_KEPT
from truecandle.store.pages import PAGE_CANDLES_MAX, Meta

#: Keys that one step of a scan looks at, about.
SCAN_KEYS: Final = 1_000
#: Members of one removal.
REMOVE_MAX: Final = 1_000
#: Names under which a key is set aside; who has so many has other troubles.
ASIDE_MAX: Final = 100


class Key(NamedTuple):
    """A key of ours by its beginning, what Redis says it holds, and what it should hold.

    `tail` is what follows the beginning; `is_series` if that should be a series' name.
    """

    name: bytes
    found: str
    expected: str
    head: str
    tail: str
    is_series: bool


class Claim(NamedTuple):
    """What a series' meta says, and what its halves hold, of one instant; None: no meta of ours."""

    claimed: Meta | None
    held: Meta


def found_keys(redis: Redis) -> Iterator[Key]:
    """Every key that begins like one of ours. One may come twice."""
    cursor = 0
    while True:
        with map_redis_errors():
            answer: Any = redis.scan(cursor, count=SCAN_KEYS)
            cursor, names = answer
            ours = [key for key in map(recognised, names) if key is not None]
            with redis.pipeline(transaction=False) as pipe:
                for key in ours:
                    pipe.type(key.name)
                types = pipe.execute() if ours else []
        for key, found in zip(ours, types, strict=True):
            if found != b"none":
                yield key._replace(found=found.decode())
        if not cursor:
            return


def member_pages(
    redis: Redis, series: Series, start_ms: int | None = None, end_ms: int | None = None
) -> Iterator[list[Member]]:
    """The members of both halves by score, none left out; those of one score never lie on two
    pages. Blocks that cannot be read are left out (`block_inspection.faults` names them).

    Of more than a page at one score, a page is given. In [start_ms, end_ms), without both: all.
    """
    low, is_open = (-inf, False) if start_ms is None else (float(start_ms), False)
    last = "+inf" if end_ms is None else f"({end_ms}"
    while True:
        first = f"({low:.17g}" if is_open else f"{low:.17g}"
        step = WalkRead(series, first, last, PAGE_CANDLES_MAX, whole=True).run(redis)
        sealed = _sealed(series, step, low, is_open, inf if end_ms is None else end_ms)
        page = sorted([*sealed, *step.members], key=itemgetter(1))
        if len(step.members) == PAGE_CANDLES_MAX:
            low = step.members[-1][1]
            whole = [member for member in page if member[1] < low]
            yield whole or step.members
            is_open = not whole
        else:
            yield page
            if step.next is None:
                return
            low, is_open = step.next, False


def _sealed(
    series: Series, step: WalkStep, low: float, is_open: bool, end: float
) -> Iterator[Member]:
    for entry, text in step.blocks.items():
        with suppress(StoreDamaged):
            for member in members_of(series, entry, text):
                score = float(own_time(member) or 0)
                if (score > low if is_open else score >= low) and score < end:
                    yield member, score


@map_redis_errors()
def claim(redis: Redis, series: Series) -> Claim:
    """Meta against what both halves hold."""
    reader, name = SeriesReader(series), keys.klines(series)
    batch = Batch(redis)
    extent = reader.extent(batch)
    batch.pipe.zrange(name, 0, 0, withscores=True)
    batch.pipe.zrange(name, -1, -1, withscores=True)
    ends = batch.queued(lambda first, last: (_ms(first), _ms(last)))
    batch.run()
    found, claimed = extent.value, _claimed(extent.value.meta)
    first_ms, last_ms = ends.value
    held = Meta(
        earliest=_outermost(min, first_ms, found.earliest_ms),
        latest=_outermost(max, last_ms, found.latest_ms),
        count=found.candles,
        version=claimed.version if claimed else 0,
    )
    return Claim(claimed, held)


def _outermost(
    choose: Callable[[int, int], int], unsealed: int | None, all_: int | None
) -> int | None:
    """An end of both halves, where that of the ZSET may be no time (-1)."""
    if unsealed is None or unsealed == -1:
        return all_ if unsealed is None else -1
    return unsealed if all_ is None else choose(unsealed, all_)


@map_redis_errors()
def remove(redis: Redis, series: Series, scores: Iterable[float]) -> None:
    """Takes everything away that lies at these scores, in either half."""
    given = list(scores)
    for first in range(0, len(given), REMOVE_MAX):
        with redis.pipeline(transaction=True) as pipe:
            for score in given[first : first + REMOVE_MAX]:
                pipe.zremrangebyscore(keys.klines(series), f"{score:.17g}", f"{score:.17g}")
            pipe.execute()
    of_blocks: dict[BlockSpan, set[int]] = {}
    for score in given:
        if 0 <= score < LAST_MS and score == int(score):
            span = block.span_of(series.interval, int(score))
            of_blocks.setdefault(span, set()).add(int(score))
    writer = WrittenBy(lease.current(redis, keys.LEADER), "doctor", CORRECTIONS_KEPT)
    for span, opens in of_blocks.items():
        block_writes.remove(redis, series, span, opens, writer)


@map_redis_errors()
def set_aside(redis: Redis, name: bytes, found: str) -> None:
    """Gives a key another name, under which it lives `ASIDE_TTL_S` longer.

    Only while it still holds what was `found`, and never over a key that has that other name.
    """
    for number in range(ASIDE_MAX):
        other = keys.ASIDE.encode() + name + (b":%d" % number if number else b"")
        with redis.pipeline(transaction=True) as pipe:
            pipe.watch(name, other)  # type: ignore[no-untyped-call]
            if pipe.type(name) != found.encode():
                return
            if pipe.exists(other):
                continue
            pipe.multi()
            pipe.rename(name, other)
            pipe.expire(other, keys.ASIDE_TTL_S)
            with suppress(WatchError):
                pipe.execute()
        return


@map_redis_errors()
def configure(redis: Redis, name: str, value: str) -> None:
    """Changes a setting of the running server; its file stays as it is."""
    redis.config_set(name, value)


@map_redis_errors()
def about(redis: Redis) -> Mapping[str, Any]:
    """What the server says about itself: versions and the state of its files."""
    found: Any = {**redis.info("server"), **redis.info("persistence")}
    return dict(found)


def recognised(name: bytes) -> Key | None:
    """A key that begins like one of ours, `found` left empty."""
    text = name.decode(errors="backslashreplace")
    if text in keys.SINGLE:
        return Key(name, "", keys.SINGLE[text], text, "", False)
    head, colon, tail = text.partition(":")
    head += colon
    expected = keys.OF_SERIES.get(head) or keys.OF_OTHERS.get(head)
    return Key(name, "", expected, head, tail, head in keys.OF_SERIES) if expected else None


def _claimed(text: Any) -> Meta | None:
    try:
        found = json.loads(text or b"null")
        claimed = Meta(found["earliest"], found["latest"], found["count"], found["version"])
    except (ValueError, RecursionError, LookupError, TypeError):
        return None
    times = (claimed.earliest, claimed.latest)
    numbers = (claimed.count, claimed.version, *(ms for ms in times if ms is not None))
    return claimed if all(type(number) is int for number in numbers) else None


def _ms(pairs: Sequence[Sequence[Any]]) -> int | None:
    """A score as a time; -1 if it is none (then something else is wrong as well)."""
    if not pairs:
        return None
    score = pairs[0][1]
    return int(score) if abs(score) < 2**63 else -1
