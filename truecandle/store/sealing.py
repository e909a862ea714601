"""Seals what is older than a series' newest candles into blocks, and unseals it again, a block at a
time.

Never here: when, and by whom (`ingest/official_writer`); what a block looks like (`block`).
Invariant: a step moves all candles of one block in one script, or none; before and after it the
series is the same, and so is its version.
"""

from __future__ import annotations

from math import inf
from typing import Any, Final, Literal, cast

from redis import Redis

from truecandle.candles.interval import LAST_MS
from truecandle.candles.series import Series
from truecandle.errors import CandleError
from truecandle.store import block, keys, map_redis_errors
from truecandle.store.block import BLOCK_CANDLES
from truecandle.store.block_writes import digest, script_keys
from truecandle.store.both_halves import BlockEntry, SeriesReader, members_of
from truecandle.store.columns import own_time
from truecandle.store.script import Script

#: `done`: a block was moved. `kept`: there is nothing to move. `blocked`: among the oldest members
#: is one that is none of ours, or none of the grid, or lies where a block is: `flask doctor` names
#: it. `overtaken`: somebody wrote meanwhile.
Outcome = Literal["done", "kept", "blocked", "overtaken"]
#: What the script answers.
_OUTCOMES: Final[dict[int, Outcome]] = {1: "done", 0: "overtaken", -1: "blocked"}

SEAL = Script("seal_block", after="official_series")
UNSEAL = Script("unseal_block", after="official_series")


def is_due(unsealed: int, sealed: int, seal_after: int) -> bool:
    """Whether a block may surely be moved of a series with so many candles in either half."""
    wanted = seal_after or inf
    return unsealed >= wanted + BLOCK_CANDLES or (sealed > 0 and unsealed < wanted)


@map_redis_errors()
def step(redis: Redis, series: Series, seal_after: int, fence: int) -> Outcome:
    """Seals the oldest block of a series (that has its grid) if its newest `seal_after` candles
    stay unsealed; unseals its newest block if fewer are, or with 0. Raises a `StoreError`.

    What was unsealed by one step is not sealed by another: there were too few before.
    """
    unsealed, oldest = _unsealed(redis, keys.klines(series))
    if not seal_after or unsealed < seal_after:
        return _unseal(redis, series, fence)
    return _seal(redis, series, unsealed - seal_after, oldest, fence)


def _seal(redis: Redis, series: Series, surplus: int, oldest: float, fence: int) -> Outcome:
    name, low = keys.klines(series), cast(Any, "-inf")
    if not surplus:
        return "kept"
    if not (0 <= oldest < LAST_MS and series.interval.has_grid):
        return "blocked"
    span = block.span_of(series.interval, int(oldest))
    last = cast(Any, f"({span.end_ms}")
    if redis.zcount(name, low, last) > surplus:
        return "kept"
    found: Any = redis.zrange(
        name, low, last, byscore=True, withscores=True, offset=0, num=BLOCK_CANDLES + 1
    )
    is_aligned = series.interval.is_aligned
    if any(own_time(member) != score or not is_aligned(int(score)) for member, score in found):
        return "blocked"
    members = [member for member, _ in found]
    try:
        text = block.pack(members)
    except CandleError:
        return "overtaken" if not members else "blocked"
    ends = int(found[0][1]), int(found[-1][1])
    args = (fence, *span, len(members), digest(b"".join(members)), *ends, text)
    return _OUTCOMES[SEAL.run(redis, script_keys(series), args)]


def _unsealed(redis: Redis, name: str) -> tuple[int, float]:
    """How many members the ZSET has, and the score of the first; -1 without one."""
    with redis.pipeline(transaction=True) as pipe:
        pipe.zcard(name)
        pipe.zrange(name, 0, 0, withscores=True)
        count, oldest = pipe.execute()
    return count, oldest[0][1] if oldest else -1.0


def _unseal(redis: Redis, series: Series, fence: int) -> Outcome:
    reader = SeriesReader(series)
    newest: Any = redis.zrange(keys.index(series), -1, -1)
    if not newest:
        return "kept"
    (entry,) = reader.entries(newest)
    text: Any = redis.hget(keys.blocks(series), str(entry.start_ms))
    members = members_of(series, entry, text)
    return "done" if _put_back(redis, series, entry, text, members, fence) else "overtaken"


def _put_back(
    redis: Redis,
    series: Series,
    entry: BlockEntry,
    text: bytes,
    members: tuple[bytes, ...],
    fence: int,
) -> bool:
    args: list[str | bytes | int] = [fence, entry.start_ms, digest(text), entry.candles]
    for member in members:
        args += (own_time(member) or 0, member)
    return bool(UNSEAL.run(redis, script_keys(series), args))
