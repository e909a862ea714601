"""What it costs to keep 600 closed candles for their official version, instead of 50.

    .venv/bin/python -m bench.pending_cost

Starts a Redis of its own, lets candles of 1 s close while no official one comes, and prints what
they weigh, how large an answer of `/data?live=1` is, and how long everything takes. On a busy
machine run it first: `chrt -f 20 .venv/bin/python -m bench.pending_cost`.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from redis import Redis

from tests.support.redis_server import RedisProc
from truecandle.candles.candle import LiveCandle
from truecandle.candles.interval import INTERVALS
from truecandle.candles.series import Series
from truecandle.store import connect, keys, live
from truecandle.store.pages import Query
from truecandle.web import data
from truecandle.web.query import DataQuery

COUNTS = (50, live.PENDING_KEPT)
ROUNDS = 100
START_MS = 1_704_067_200_000
SERIES = Series("BTCUSDT", INTERVALS["1s"])


def main() -> int:
    columns = []
    with tempfile.TemporaryDirectory() as folder, RedisProc(Path(folder)) as server:
        redis = connect(server.url)
        for count in COUNTS:
            redis.flushall()
            columns.append(measured(redis, count))
    print(f"{'closed candles waiting':44}" + "".join(f"{count:>10}" for count in COUNTS))
    for name in columns[0]:
        print(f"{name:44}" + "".join(f"{column[name]:10.2f}" for column in columns))
    return 0


def measured(redis: Redis, count: int) -> dict[str, float]:
    for number in range(count + 1):
        save(redis, number)
    now_ms = START_MS + (count + 1) * 1000
    first_ms = least_ms(lambda: live.read_live(redis, SERIES, now_ms), rounds=1)
    wanted = DataQuery(SERIES, Query(limit=500), is_iso=True, is_live=True)
    text = data.body(wanted, data.read(redis, wanted, now_ms))
    weight = redis.memory_usage(keys.pending(SERIES), samples=0) or 0
    forming = count
    return {
        "memory in Redis, kB": weight / 1000,
        "answer of /data?live=1, kB": len(text) / 1000,
        "save the forming candle, µs in Redis": script_us(redis, lambda: save(redis, forming)),
        "save one that closed, µs in Redis": script_us(redis, lambda: save(redis, forming - 1)),
        "read what is live for the first time, ms": first_ms,
        "read it again, ms": least_ms(lambda: live.read_live(redis, SERIES, now_ms)),
        "make the whole answer, ms": least_ms(
            lambda: data.body(wanted, data.read(redis, wanted, now_ms))
        ),
    }


def save(redis: Redis, number: int) -> None:
    open_ms = START_MS + number * 1000
    candle = LiveCandle(
        open_ms=open_ms, open="68458.96", high="68596.8", low="68458.96", close="68561.08",
        volume="37.96386", trades=1766, source="live", is_complete=False, updated_at=open_ms + 900,
        quote_volume="2602327.0103006", taker_volume="19.23108",
        taker_quote_volume="1318265.7525965", first_id=662871846, last_id=662873611, is_exact=True,
    )  # fmt: skip
    live.save_many(redis, [(SERIES, candle)], now_ms=open_ms + 900)


def script_us(redis: Redis, act: Callable[[], object]) -> float:
    """The mean of what Redis itself counts."""
    redis.config_resetstat()
    for _ in range(ROUNDS):
        act()
    stats: Any = redis.info("commandstats")
    return float(stats["cmdstat_evalsha"]["usec_per_call"])


def least_ms(act: Callable[[], object], rounds: int = ROUNDS) -> float:
    """The shortest of many: what it takes when nobody else wants the processor."""
    times = []
    for _ in range(rounds):
        started_s = time.perf_counter()
        act()
        times.append(time.perf_counter() - started_s)
    return min(times) * 1000


if __name__ == "__main__":
    sys.exit(main())
