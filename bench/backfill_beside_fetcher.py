"""A deep backfill beside the running fetcher: does it delay the candle that has just closed?

    .venv/bin/python -m bench.backfill_beside_fetcher --seconds 40

It starts a Redis, the simulated exchange and the fetcher on BTCUSDT 1s and 1m, measures how long
after its end each new candle is told of, first alone and then beside a backfill of ETHUSDT 1m, and
the request weight of the busiest minute. It stops by itself; 1 if a delay of the median is over a
cycle (a second).
"""

from __future__ import annotations

import argparse
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from redis import Redis

from tests.support.driven_fetcher import Events
from tests.support.project_files import ROOT
from tests.support.redis_server import RedisProc
from tests.support.waiting import wait_for
from truecandle.candles.interval import DAY_MS, INTERVALS
from truecandle.sim.server import SimServer
from truecandle.store.budget import LIMIT_PER_MINUTE

CYCLE_MS = 1_000
SETTLE_MS = 3_000


def main() -> int:
    options = _options()
    with (
        tempfile.TemporaryDirectory() as folder,
        RedisProc(Path(folder), aof=True) as server,
        SimServer(symbols=["BTCUSDT", "ETHUSDT"]) as sim,
        server.client() as redis,
    ):
        env = os.environ | {
            "REDIS_URL": server.url,
            "BINANCE_REST_URL": sim.rest_url,
            "VAR_DIR": folder,
            "FLASK_APP": "app:create",
            "SYMBOLS": "BTCUSDT",
            "INTERVALS": "1s,1m",
        }
        fetcher = _start(env, "background_fetcher.py")
        try:
            wait_for(lambda: redis.exists(*_series_keys()) == 2, 60, "the first candles")
            time.sleep(5)
            alone = _lags(redis, options.seconds)
            start_ms = sim.clock.now_ms() - options.days * DAY_MS
            names = ("-m", "flask", "backfill", "ETHUSDT", "1m", "--from", str(start_ms))
            backfill = _start(env, *names)
            beside = _lags(redis, options.seconds)
            is_running = backfill.poll() is None
            _end(backfill)
        finally:
            _end(fetcher)
        stored = redis.zcard("klines_z:ETHUSDT:1m")
        print(f"\nbackfilled meanwhile   {stored:,} candles, running to the end: {is_running}")
        delay_ms = _report("alone", alone, "beside", beside)
        weight = _busiest(sim.requests())
        print(f"weight, busiest minute {weight:,} of {LIMIT_PER_MINUTE:,}")
    return 1 if delay_ms > CYCLE_MS or weight > LIMIT_PER_MINUTE else 0


def _lags(redis: Redis, seconds: float) -> list[int]:
    """From a candle's end to its telling, in ms; the machine's clock is the exchange's here."""
    events, lags = Events(redis), list[int]()
    end_s = time.monotonic() + seconds
    while time.monotonic() < end_s:
        for event in events.take(quiet_s=0.02):
            if event["reason"] != "new" or event["symbol"] != "BTCUSDT":
                continue
            end_ms = INTERVALS[event["interval"]].next_open_ms(event["to"])
            lags.append(time.time_ns() // 1_000_000 - end_ms)
    return lags


def _report(first: str, one: list[int], second: str, two: list[int]) -> float:
    for name, lags in ((first, one), (second, two)):
        middle, most = statistics.median(lags), max(lags)
        print(
            f"{name:22} {len(lags)} candles told of; after the end of the candle: "
            f"median {middle:,.0f} ms, worst {most:,} ms ({SETTLE_MS:,} ms are waited on purpose)"
        )
    return statistics.median(two) - statistics.median(one)


def _busiest(requests: list[dict[str, Any]]) -> int:
    minutes: Counter[int] = Counter()
    for one in requests:
        minutes[one["at_ms"] // 60_000] += one["weight"]
    return max(minutes.values())


def _series_keys() -> list[str]:
    return ["klines_z:BTCUSDT:1s", "klines_z:BTCUSDT:1m"]


def _start(env: dict[str, str], *command: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, *command], cwd=ROOT, env=env)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    process.wait(30)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seconds", type=float, default=40)
    parser.add_argument("--days", type=int, default=365)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
