"""A store of one market that somebody has damaged, and what `flask doctor` says of it.

Never here: assertions; another application's keys.
Invariant: each damage is one that the doctor promises to find.
"""

from __future__ import annotations

import json
import time
from typing import Any

from redis import Redis

from tests.support.driven_fetcher import HOURS, NOW_MS, member
from tests.support.flask_commands import Shell
from truecandle.candles.interval import DAY_MS, HOUR_MS, MINUTE_MS
from truecandle.candles.series import Series, parse_series
from truecandle.store import clock, keys

SERIES = [parse_series("BTCUSDT", name) for name in ("30m", "1h", "4h", "1d", "3d")]
HALVES, DAYS = SERIES[0], SERIES[3]
START_MS = NOW_MS // DAY_MS * DAY_MS - 5 * DAY_MS
KEY = keys.klines(HOURS)
#: Hour `n` of the range.
HOUR = [START_MS + n * HOUR_MS for n in range(20)]


def exchange_ms(shell: Shell) -> int:
    """The exchange's time now, as the doctor measures it."""
    offset_ms: int = report(shell)["facts"]["clock_offset_ms"]
    return time.time_ns() // 1_000_000 + offset_ms


def report(shell: Shell, *more: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(shell.run("doctor --json", *more).stdout)
    return found


def checks(shell: Shell) -> set[str]:
    return {finding["check"] for finding in report(shell)["found"]}


def at(redis: Redis, series: Series, open_ms: int) -> bytes:
    found: Any = redis.zrange(keys.klines(series), open_ms, open_ms, byscore=True)
    (text,) = found
    return bytes(text)


def changed(text: bytes, **fields: object) -> bytes:
    row = json.loads(text, parse_float=str)
    places = ["time", "open", "high", "low", "close", "volume"]
    for name, value in fields.items():
        row[places.index(name)] = value
    return member(row)


def replace(redis: Redis, series: Series, open_ms: int, **fields: object) -> None:
    old = at(redis, series, open_ms)
    redis.zrem(keys.klines(series), old)
    redis.zadd(keys.klines(series), {changed(old, **fields): open_ms})


def add_junk(redis: Redis) -> None:
    redis.zadd(KEY, {b"hello": HOUR[3] + 1, b'{"time":1}': HOUR[4]})
    redis.zadd(KEY, {b"[1,2,3]": "-inf", b"\xff": "+inf", b"[]": -5, b"[[]]": 1.5})


def add_double(redis: Redis) -> None:
    redis.zadd(KEY, {changed(at(redis, HOURS, HOUR[7]), volume="1"): HOUR[7]})


def misplace(redis: Redis) -> None:
    redis.zadd(KEY, {at(redis, HOURS, HOUR[9]): HOUR[10] + 60_000})


def misalign(redis: Redis) -> None:
    odd_ms = HOUR[12] + 28 * MINUTE_MS + 14_000
    redis.zadd(KEY, {changed(at(redis, HOURS, HOUR[12]), time=odd_ms): odd_ms})


def break_prices(redis: Redis) -> None:
    replace(redis, HOURS, HOUR[14], high="1")


def add_open(redis: Redis) -> None:
    now_ms = NOW_MS // HOUR_MS * HOUR_MS
    redis.zadd(KEY, {changed(at(redis, HOURS, HOUR[16]), time=now_ms): now_ms})


def spoil_meta(redis: Redis) -> None:
    redis.set(keys.meta(DAYS), '{"earliest":5,"latest":7,"count":2,"version":9}')


def part_from_children(redis: Redis) -> None:
    replace(redis, SERIES[2], START_MS + 8 * HOUR_MS, volume="12345.6")


def change_a_type(redis: Redis) -> None:
    redis.delete(keys.corrections(HOURS))
    redis.set(keys.corrections(HOURS), "mine")


def lose_a_series(redis: Redis) -> None:
    redis.delete(keys.klines(HALVES))
    redis.hset(keys.klines(HALVES), "a", "b")


def add_unknown_keys(redis: Redis) -> None:
    redis.zadd("klines_z:btcusdt:1h", {b"x": 1})
    redis.set(b"klines_meta:BTCUSDT:1H\xff", "x")


def let_evict(redis: Redis) -> None:
    redis.config_set("maxmemory-policy", "allkeys-lru")


def forget(redis: Redis) -> None:
    redis.config_set("appendonly", "no")


def set_clock(redis: Redis) -> None:
    clock.publish(redis, 0)
