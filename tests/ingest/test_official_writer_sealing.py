"""Whoever writes official candles seals what has become old, and unseals it where that is wanted.

Never here: how a block is moved (`tests/store/test_sealing.py`).
Invariant: a series is never without a candle that was written.
"""

from __future__ import annotations

from typing import Any

from redis import Redis

from tests.support.sample_candles import HOURS, after, official, row, rows
from truecandle.events import Publisher
from truecandle.ingest.official_writer import BLOCKS_PER_WRITE, OfficialWriter
from truecandle.store import keys, pages
from truecandle.store.block import BLOCK_CANDLES

SEAL_AFTER = 40


def new_writer(redis: Redis, redis_url: str, seal_after: int) -> OfficialWriter:
    publisher = Publisher(redis_url)
    return OfficialWriter(redis, publisher, 3_000, lambda: after(20_000), seal_after=seal_after)


def unsealed(redis: Redis) -> int:
    count: Any = redis.zcard(keys.klines(HOURS))
    return int(count)


def test_a_series_is_sealed_as_it_grows_either_way_and_unsealed_in_the_end(
    redis: Redis, redis_url: str
) -> None:
    """Given pages backwards from the newest candle, and then newer ones, no more lies unsealed than
    the newest ones and a block; when SEAL_AFTER is 0, all are put back, a few blocks a write."""
    writer = new_writer(redis, redis_url, SEAL_AFTER)
    for first in range(11_000, 1_000, -1_000):
        writer.write(HOURS, rows(1_000, first), "backfill")
        assert unsealed(redis) < SEAL_AFTER + 2 * BLOCK_CANDLES
    for first in range(12_000, 13_000, 250):
        writer.write(HOURS, rows(250, first), "new")
        assert SEAL_AFTER <= unsealed(redis) < SEAL_AFTER + BLOCK_CANDLES + 250
    everything = [official(n).member().encode() for n in range(2_000, 13_000)]
    newest = pages.read(redis, HOURS, pages.Query(5_000))
    assert list(newest.members) == everything[-5_000:]
    assert writer.counts["blocks moved"] >= 2

    undoing = new_writer(redis, redis_url, 0)
    undoing.write(HOURS, [row(12_999)], "new")
    assert unsealed(redis) <= SEAL_AFTER + (2 + BLOCKS_PER_WRITE) * BLOCK_CANDLES
    while undoing.seal(HOURS):
        pass
    assert redis.zrange(keys.klines(HOURS), 0, -1) == everything
    assert pages.meta(redis, HOURS).version == newest.version
    assert not undoing.seal(HOURS)


def test_what_cannot_be_sealed_keeps_no_candle_from_being_stored(
    redis: Redis, redis_url: str
) -> None:
    writer = new_writer(redis, redis_url, SEAL_AFTER)
    redis.zadd(keys.klines(HOURS), {b"junk": 5})
    writer.write(HOURS, rows(1_500), "new")
    assert unsealed(redis) == 1_501
    assert writer.counts["blocks that cannot be moved"] == 1
    assert not writer.seal(HOURS)
