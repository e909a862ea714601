"""Versions read for many at once: as young as what each was told alone.

Never here: what is kept under a version.
Invariant: the threads are real, and so is Redis.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from redis import Redis

from tests.support.redis_server import RedisProc
from tests.support.sample_candles import HOURS
from truecandle.candles.series import Series, parse_series
from truecandle.errors import StoreUnavailable
from truecandle.store import connect, keys
from truecandle.store.versions import VersionReader

READERS, READS = 16, 100


def set_version(redis: Redis, series: Series, version: int) -> None:
    text = f'{{"earliest":null,"latest":null,"count":0,"version":{version}}}'
    redis.set(keys.meta(series), text)


def test_what_is_not_there_is_not_known(redis: Redis) -> None:
    assert VersionReader(redis).read(HOURS) == (0, None)
    set_version(redis, HOURS, 7)
    redis.set(keys.CREDENTIALS_VERSION, "first")
    assert VersionReader(redis).read(HOURS) == (7, b"first")
    redis.set(keys.meta(HOURS), "junk")
    assert VersionReader(redis).read(HOURS).series == 0


def test_whoever_asks_after_a_write_is_told_of_it(redis: Redis, redis_url: str) -> None:
    """Each writer of one series reads what it has just written, whoever reads beside it; and they
    share round trips.
    """
    shared = connect(redis_url, timeout_s=10)
    reader = VersionReader(shared)
    calls = int(commands(redis))

    def work(number: int) -> None:
        series = parse_series(f"COIN{number}", "1h")
        for version in range(1, READS + 1):
            set_version(shared, series, version)
            assert reader.read(series).series == version

    with ThreadPoolExecutor(READERS) as pool:
        list(pool.map(work, range(READERS)))
    assert int(commands(redis)) - calls < READERS * READS
    shared.close()


def commands(redis: Redis) -> int:
    found = redis.info("commandstats").get("cmdstat_mget", {"calls": 0})
    return int(found["calls"])


def test_all_who_wait_are_told_that_redis_is_away(tmp_path: Path) -> None:
    with RedisProc(tmp_path) as server:
        redis = connect(server.url, timeout_s=1)
        reader = VersionReader(redis)
        assert reader.read(HOURS).series == 0
        server.freeze()
        begun = threading.Barrier(READERS)

        def ask(_: int) -> None:
            begun.wait(20)
            with pytest.raises(StoreUnavailable):
                reader.read(HOURS)

        with ThreadPoolExecutor(READERS) as pool:
            list(pool.map(ask, range(READERS)))
        server.thaw()
        assert reader.read(HOURS).series == 0
        redis.close()
