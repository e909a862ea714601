"""What somebody else wrote, deleted or broke in our keys: refused clearly, or healed.

Never here: a Redis that is away (`tests/faults/test_redis.py`).
Invariant: storing the truth once more makes the ZSET the truth, whatever was there before.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis import Redis

from tests.support.official_store import assert_consistent, members, upsert, wait_for_clock
from tests.support.sample_candles import (
    HOUR_MS,
    HOURS,
    SETTLE_MS,
    START_MS,
    after,
    official,
    rows,
)
from truecandle.candles.interval import INTERVALS
from truecandle.candles.series import Series
from truecandle.errors import StoreDamaged
from truecandle.store import keys
from truecandle.store import official as store

ZSET, META, CORRECTIONS = keys.klines(HOURS), keys.meta(HOURS), keys.corrections(HOURS)
JUNK = [
    b"not json",
    b"[]",
    b"{}",
    b"[1704067200000,8,9,7]",
    b"[1704067200000,8,9,7,NaN,1,1704070799999,1,1,1,1,0]",
    b'[1704067200000,"8","9","7","8","1",1704070799999,"1",1,"1","1","0"]',
    b"[1704067200000,8,9,7,,1,1704070799999,1,1,1,1,0]",
    b"[1704067200001,8,9,7,8,1,1704070799999,1,1,1,1,0]",
    b"[1704067200000,8,9,7,8.,1,1704070799999,1,1,1,1,0]",
    b"[1704067200000,8,9,7,8.1.1,1,1704070799999,1,1,1,1,0]",
    b"[1704067200000.5,8,9,7,8,1,1704070799999,1,1,1,1,0]",
    b"[1704067200000,8,9,7,08,1,1704070799999,1,1,1,1,0]",
    b"[1704067200000,8,9,7,-8,1,1704070799999,1,1,1,1,0]",
    b"[" * 5_000,
    b"\x00\xff",
]


@pytest.mark.parametrize("key", [ZSET, META, CORRECTIONS, keys.FENCE])
def test_a_key_of_another_type_is_a_clear_error_and_nothing_is_written(
    redis: Redis, key: str
) -> None:
    upsert(redis, rows(2))
    redis.delete(key)
    redis.hset(key, "somebody", "else")
    before = {name: redis.dump(name) for name in redis.scan_iter()}

    with pytest.raises(StoreDamaged, match=key):
        upsert(redis, [*rows(3), *rows(1, first=5)])

    assert {name: redis.dump(name) for name in redis.scan_iter()} == before
    other = Series("ETHUSDT", INTERVALS["1h"])
    if key != keys.FENCE:
        now_ms = after(1)
        assert store.upsert_klines(redis, other, rows(2), now_ms=now_ms, settle_ms=0).added == 2


def test_reading_a_key_of_another_type_is_a_clear_error(redis: Redis) -> None:
    redis.lpush(ZSET, "x")
    for ask in (
        lambda: store.read(redis, HOURS, store.Query(5)),
        lambda: store.meta(redis, HOURS),
        lambda: store.open_times(redis, HOURS, 0, START_MS),
    ):
        with pytest.raises(StoreDamaged):
            ask()


@pytest.mark.parametrize("junk", JUNK, ids=range(len(JUNK)))
def test_junk_at_a_candles_time_is_skipped_and_then_healed(redis: Redis, junk: bytes) -> None:
    truth = upsert(redis, rows(4))
    stored = members(redis)
    redis.zrem(ZSET, stored[START_MS])
    redis.zadd(ZSET, {junk: START_MS})

    page = store.read(redis, HOURS, store.Query(10))
    columns = store.columns(page.members)
    assert len(columns.time) == (4 if columns.is_whole else 3)
    assert all(time.isdigit() for time in columns.time)
    for column in (columns.time, columns.open, columns.close, columns.volume):
        assert len(json.loads(b"[" + b",".join(column) + b"]")) == len(columns.time)
    assert START_MS not in store.open_times(redis, HOURS, START_MS, after(4))

    written = upsert(redis, rows(4))
    assert (written.healed, written.corrected, written.unchanged) == (1, 0, 3)
    assert written.version > truth.version
    assert written.changed == (official(0),)
    assert members(redis) == stored
    assert_consistent(redis)


def test_junk_between_the_rows_goes_and_good_candles_stay(redis: Redis) -> None:
    upsert(redis, rows(4))
    stored = members(redis)
    redis.zadd(ZSET, {b"junk": START_MS + 1, b"more": START_MS + 1.5})
    written = upsert(redis, [*rows(1), *rows(1, first=3)])
    assert (written.healed, written.changed) == (2, ())
    assert written.version > written.previous
    assert members(redis) == stored


def test_two_candles_at_one_time_become_the_right_one(redis: Redis) -> None:
    upsert(redis, rows(3))
    stored = members(redis)
    redis.zadd(ZSET, {official(1, "8.4").member(): START_MS + HOUR_MS})
    redis.zadd(ZSET, {official(2, "8.4").member(): START_MS + 2 * HOUR_MS})
    redis.zrem(ZSET, stored[START_MS + 2 * HOUR_MS])
    assert store.open_times(redis, HOURS, START_MS, after(3)) == [START_MS, START_MS + 2 * HOUR_MS]
    assert len(store.columns(store.read(redis, HOURS, store.Query(9)).members).time) == 3

    written = upsert(redis, rows(3))
    assert (written.healed, written.corrected, written.unchanged) == (1, 1, 1)
    assert members(redis) == stored


def test_a_candle_under_a_foreign_time_is_moved_to_its_own(redis: Redis) -> None:
    redis.zadd(ZSET, {official(1).member(): START_MS + 50 * HOUR_MS})
    upsert(redis, rows(3))
    assert sorted(members(redis)) == [START_MS + n * HOUR_MS for n in range(3)]
    assert_consistent(redis)


@pytest.mark.parametrize(
    "text",
    ["{", "", "null", "[]", "7", '{"version":"x"}', '{"version":-1}', '{"version":1e300}', "\0"],
)
def test_corrupt_meta_is_rebuilt_from_the_zset(redis: Redis, text: str) -> None:
    version = upsert(redis, rows(3)).version
    redis.set(META, text)
    wait_for_clock(redis, version)
    assert store.meta(redis, HOURS).count == 3
    assert store.version(redis, HOURS) == 0
    written = upsert(redis, rows(1))
    assert (written.unchanged, written.count) == (1, 3)
    assert written.version > version
    assert_consistent(redis)


def test_meta_that_says_something_else_than_the_zset_is_rebuilt(redis: Redis) -> None:
    for first, last in ((0, 0), (-1, -1), (1, 1)):
        version = upsert(redis, rows(6)).version
        redis.zremrangebyrank(ZSET, first, last)
        assert store.meta(redis, HOURS).count == 5
        written = upsert(redis, [])
        assert (written.count, written.changed) == (5, ())
        assert written.version > version
        assert_consistent(redis)


def test_a_deleted_zset_is_noticed_and_filled_again(redis: Redis) -> None:
    version = upsert(redis, rows(3)).version
    redis.delete(ZSET)
    assert store.open_times(redis, HOURS, START_MS, after(3)) == []
    assert store.meta(redis, HOURS) == store.Meta(None, None, 0, version)
    emptied = upsert(redis, [])
    assert emptied.version > version
    assert redis.get(META) == b'{"earliest":null,"latest":null,"count":0,"version":%d}' % (
        emptied.version
    )
    upsert(redis, rows(3))
    assert_consistent(redis)


def test_infinite_and_fractional_scores_leave_meta_readable(redis: Redis) -> None:
    upsert(redis, rows(1))
    redis.zadd(ZSET, {b"a": "inf", b"b": "-inf", b"c": -5})
    found = store.meta(redis, HOURS)
    assert (found.earliest, found.latest, found.count) == (START_MS, START_MS, 4)
    written = upsert(redis, rows(2))
    assert (written.earliest, written.latest, written.count) == (START_MS, START_MS + HOUR_MS, 5)


def test_junk_among_corrections_is_skipped(redis: Redis) -> None:
    upsert(redis, rows(1))
    upsert(redis, rows(1, close="8.4"))
    redis.lpush(CORRECTIONS, "{", "[]", '{"old":[1],"new":[2]}', "[" * 5_000)
    assert [c.new for c in store.corrections(redis, HOURS, 10)] == [official(0, "8.4")]


#: What somebody does to the keys between two stores.
HARM = st.sampled_from(
    ["junk", "double", "drop candle", "drop zset", "drop meta", "break meta", "misplace", "lie"]
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(HARM, st.integers(0, 9)), min_size=1, max_size=12))
def test_storing_the_truth_again_heals_any_damage(
    redis: Redis, harms: list[tuple[str, int]]
) -> None:
    redis.flushall()
    version = upsert(redis, rows(10)).version
    truth = members(redis)
    for harm, number in harms:
        do_harm(redis, harm, START_MS + number * HOUR_MS, number)
    wait_for_clock(redis, version)
    written = store.upsert_klines(redis, HOURS, rows(10), now_ms=after(9), settle_ms=SETTLE_MS)
    assert members(redis) == truth
    assert_consistent(redis)
    assert written.version >= version
    assert upsert(redis, rows(10)).changed == ()


def do_harm(redis: Redis, harm: str, open_ms: int, number: int) -> None:
    deeds: dict[str, Any] = {
        "junk": lambda: redis.zadd(ZSET, {b"junk%d" % number: open_ms}),
        "double": lambda: redis.zadd(ZSET, {official(number, "8.3").member(): open_ms}),
        "drop candle": lambda: redis.zremrangebyscore(ZSET, open_ms, open_ms),
        "drop zset": lambda: redis.delete(ZSET),
        "drop meta": lambda: redis.delete(META),
        "break meta": lambda: redis.set(META, "{"),
        "misplace": lambda: redis.zadd(ZSET, {official(number).member(): open_ms + 1}),
        "lie": lambda: redis.set(META, '{"earliest":1,"latest":2,"count":3,"version":4}'),
    }
    deeds[harm]()
