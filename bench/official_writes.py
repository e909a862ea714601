"""How fast official candles are written, against a bare variadic `ZADD NX` that checks nothing.

    .venv/bin/python -m bench.official_writes

Starts a Redis of its own (append-only file on), writes the same candles in both ways, in turn, and
prints the median ratios. The machine is noisy: only ratios of one run count. Exits with 1 when the
target is missed.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from redis import Redis

from tests.support.redis_server import RedisProc
from truecandle.candles.candle import OfficialCandle, official_from_row
from truecandle.candles.interval import INTERVALS
from truecandle.candles.series import Series
from truecandle.store import connect, keys, official
from truecandle.store.block_writes import script_keys

CANDLES = 20_000
ROUNDS = 9
START_MS = 1_704_067_200_000
MINUTE_MS = 60_000
SERIES = Series("BTCUSDT", INTERVALS["1m"])
KEY = keys.klines(SERIES)
NAMES = script_keys(SERIES)
#: Candles written with check and meta, as a share of what a bare ZADD NX writes in the same time.
TARGET = 0.65

Writer = Callable[[Redis], None]


def main() -> int:
    rows = [row(number) for number in range(CANDLES)]
    candles = [official_from_row(each) for each in rows]
    pairs = [(candle.member(), candle.open_ms) for candle in candles]
    writers: dict[str, Writer] = {
        "bare ZADD NX, members ready": lambda redis: bare(redis, pairs),
        "script with check and meta, members ready": lambda redis: script(redis, pairs),
        "bare ZADD NX, members built": lambda redis: built(redis, candles),
        "upsert_klines of candles": lambda redis: upsert(redis, candles),
        "upsert_klines of the exchange's rows": lambda redis: upsert(redis, rows),
    }
    times = measure(writers)
    medians = {name: statistics.median(found) for name, found in times.items()}
    for name, seconds in medians.items():
        print(f"{name:44} {CANDLES / seconds / 1000:7.0f} k/s")
    first, second, third, fourth, fifth = times.values()
    print(
        f"script / bare, members ready                 {ratio(first, second):7.2f}  target {TARGET}"
    )
    print(f"upsert_klines of candles / bare, built       {ratio(third, fourth):7.2f}")
    print(f"upsert_klines of rows / bare, members ready  {ratio(first, fifth):7.2f}")
    return 0 if ratio(first, second) >= TARGET else 1


def measure(writers: dict[str, Writer]) -> dict[str, list[float]]:
    """Seconds of each writer in each round, all of them in turn on an empty Redis."""
    times: dict[str, list[float]] = {name: [] for name in writers}
    with tempfile.TemporaryDirectory() as folder, RedisProc(Path(folder), aof=True) as server:
        redis = connect(server.url)
        for _ in range(ROUNDS):
            for name, write in writers.items():
                redis.flushall()
                started_s = time.perf_counter()
                write(redis)
                times[name].append(time.perf_counter() - started_s)
                assert redis.zcard(KEY) == CANDLES
        redis.close()
    return times


def ratio(yardstick: list[float], measured: list[float]) -> float:
    return statistics.median(a / b for a, b in zip(yardstick, measured, strict=True))


def bare(redis: Redis, pairs: list[tuple[str, int]]) -> None:
    for first in range(0, len(pairs), official.CHUNK_ROWS):
        redis.zadd(KEY, dict(pairs[first : first + official.CHUNK_ROWS]), nx=True)


def script(redis: Redis, pairs: list[tuple[str, int]]) -> None:
    upsert_script = official.UPSERT
    for first in range(0, len(pairs), official.CHUNK_ROWS):
        args: list[str | int] = [0, "bench", official.CORRECTIONS_KEPT]
        for member, open_ms in pairs[first : first + official.CHUNK_ROWS]:
            args += (open_ms, member)
        upsert_script.run(redis, NAMES, args)


def built(redis: Redis, candles: list[OfficialCandle]) -> None:
    for first in range(0, len(candles), official.CHUNK_ROWS):
        chunk = candles[first : first + official.CHUNK_ROWS]
        redis.zadd(KEY, {candle.member(): candle.open_ms for candle in chunk}, nx=True)


def upsert(redis: Redis, rows: list[OfficialCandle] | list[list[object]]) -> None:
    for first in range(0, len(rows), 2 * official.CHUNK_ROWS):
        part = rows[first : first + 2 * official.CHUNK_ROWS]
        official.upsert_klines(redis, SERIES, part, now_ms=START_MS * 2, settle_ms=3_000)


def row(number: int) -> list[object]:
    open_ms = START_MS + number * MINUTE_MS
    price = f"{40_000 + number / 100:.8f}"
    high, low = f"{40_001 + number / 100:.8f}", f"{39_999 + number / 100:.8f}"
    close_ms = open_ms + MINUTE_MS - 1
    flows = ["148976.11427815", close_ms, "2434.19055334", 308, "1756.87402397", "28.46694368", "0"]
    return [open_ms, price, high, low, price, *flows]


if __name__ == "__main__":
    sys.exit(main())
