"""How fast official candles are written, against a bare variadic `ZADD NX` that checks nothing.

    .venv/bin/python -m bench.official_writes

Starts a Redis of its own (append-only file on), writes the same candles in five ways, in turn, and
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

from bench.parts.targets import Figures, Found, Target, judge
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
TARGETS = {
    "script": Target(
        "official candles written, with check and meta", "/s", 0.65, "a bare variadic `ZADD NX`"
    ),
    "upsert": Target("the same, from the exchange's rows on", "/s", None, "a bare `ZADD NX`"),
}

Writer = Callable[[Redis], None]


def main() -> int:
    return judge(TARGETS, measured(ROUNDS))


def short() -> Figures:
    """For `make bench`: ten seconds."""
    return measured(rounds=5)


def measured(rounds: int) -> Figures:
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
    speeds = speeds_of(writers, rounds)
    for name, found in speeds.items():
        print(f"{name:44} {statistics.median(found) / 1000:7.0f} k/s")
    ready, checked, _, _, from_rows = speeds.values()
    return {"script": Found.beside(checked, ready), "upsert": Found.beside(from_rows, ready)}


def speeds_of(writers: dict[str, Writer], rounds: int) -> dict[str, list[float]]:
    """Candles a second of each writer in each round, all of them in turn on an empty Redis."""
    speeds: dict[str, list[float]] = {name: [] for name in writers}
    with tempfile.TemporaryDirectory() as folder, RedisProc(Path(folder), aof=True) as server:
        redis = connect(server.url)
        for _ in range(rounds):
            for name, write in writers.items():
                redis.flushall()
                started_s = time.perf_counter()
                write(redis)
                speeds[name].append(CANDLES / (time.perf_counter() - started_s))
                assert redis.zcard(KEY) == CANDLES
        redis.close()
    return speeds


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
