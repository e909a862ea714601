"""Official candles of one market in the store: stored, read whole, and checked against the ZSET.

Never here: which candles (`sample_candles`).
Invariant: what is read comes from Redis itself, past the store's own readers.
"""

from __future__ import annotations

from typing import Any

import orjson
from redis import Redis

from tests.support.sample_candles import (
    HOURS,
    SETTLE_MS,
    after,
)
from tests.support.waiting import wait_for
from truecandle.store import keys
from truecandle.store import official as store


def upsert(redis: Redis, given: Any, number: int = 1_000_000, **options: Any) -> store.Written:
    """Stores at a time when the hour `number` is official."""
    options = {"now_ms": after(number), "settle_ms": SETTLE_MS} | options
    return store.upsert_klines(redis, HOURS, given, **options)


def members(redis: Redis) -> dict[int, bytes]:
    """All members by score; fails if two share one."""
    pairs: Any = redis.zrange(keys.klines(HOURS), 0, -1, withscores=True)
    assert len({score for _, score in pairs}) == len(pairs)
    return {int(score): member for member, score in pairs}


def assert_consistent(redis: Redis) -> None:
    stored = members(redis)
    for open_ms, member in stored.items():
        assert orjson.loads(member)[0] == open_ms
    text: Any = redis.get(keys.meta(HOURS))
    meta = orjson.loads(text)
    assert meta.pop("version") > 0
    assert meta == {"earliest": min(stored), "latest": max(stored), "count": len(stored)}
    found = store.meta(redis, HOURS)
    assert (found.earliest, found.latest, found.count) == (min(stored), max(stored), len(stored))


def wait_for_clock(redis: Redis, version: int) -> None:
    """Versions follow Redis' clock in ms: one that is lost within its own ms may come again."""

    def is_past() -> bool:
        seconds, micros = redis.time()
        return seconds * 1_000 + micros // 1_000 > version

    wait_for(is_past, what="the clock of Redis")
