"""A year of 1m candles by `flask backfill`, whole and interrupted by SIGKILL: time, cost, truth.

    .venv/bin/python -m bench.backfill_year --days 365 --kills 5

It starts a Redis and the simulated exchange, backfills once undisturbed and once killed so many
times, compares both stores with the exchange's truth, candle by candle, and counts what was asked
for twice. It stops by itself and exits with 1 if anything is wrong.
"""

from __future__ import annotations

import argparse
import itertools
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from redis import Redis

from tests.support.driven_fetcher import member
from tests.support.project_files import ROOT
from tests.support.redis_server import RedisProc
from truecandle.candles.interval import DAY_MS, INTERVALS, MINUTE_MS
from truecandle.candles.series import Series
from truecandle.sim.clock import SimulatedClock
from truecandle.sim.server import SimServer
from truecandle.store import keys

#: 2024-08-08T12:00:10Z; the year asked for ends with July.
NOW_MS = 1_723_118_410_000
END_MS = 1_722_470_400_000
MINUTES = Series("BTCUSDT", INTERVALS["1m"])
PAGE = 1000
RUN_S_MAX = 900.0


def main() -> int:
    options = _options()
    start_ms = END_MS - options.days * DAY_MS
    wrong = 0
    with (
        tempfile.TemporaryDirectory() as folder,
        RedisProc(Path(folder), aof=True) as server,
        SimServer(clock=SimulatedClock(NOW_MS)) as sim,
    ):
        for kills in (0, options.kills):
            with server.client() as redis:
                redis.flushall()
                asked = len(sim.requests())
                began_s, began_cpu_s = time.monotonic(), _cpu_s()
                runs = _backfill(sim, server.url, folder, start_ms, kills, redis)
                seconds = time.monotonic() - began_s
                print(f"\n{options.days} days of {MINUTES}, killed {kills} times, {runs} runs")
                print(f"  cpu of the runs  {_cpu_s() - began_cpu_s:.1f} s, starting included")
                wrong += _report(sim, redis, start_ms, sim.requests()[asked:], seconds, kills)
    print("\nall as it should be" if not wrong else f"\n{wrong} things are wrong")
    return 1 if wrong else 0


def _backfill(
    sim: SimServer, redis_url: str, folder: str, start_ms: int, kills: int, redis: Redis
) -> int:
    """Runs the command, killing it at random shares of the way; how often it ran."""
    dice = random.Random(7)
    total = (END_MS - start_ms) // MINUTE_MS
    marks = sorted(dice.uniform(0.05, 0.95) for _ in range(kills))
    env = os.environ | {
        "REDIS_URL": redis_url,
        "BINANCE_REST_URL": sim.rest_url,
        "VAR_DIR": folder,
        "FLASK_APP": "app:create",
    }
    command = [sys.executable, "-m", "flask", "backfill", "BTCUSDT", "1m"]
    command += ["--from", str(start_ms), "--to", str(END_MS)]
    for runs in itertools.count(1):
        running = subprocess.Popen(command, cwd=ROOT, env=env)
        end_s = time.monotonic() + RUN_S_MAX
        while running.poll() is None and time.monotonic() < end_s:
            if marks and redis.zcard(keys.klines(MINUTES)) >= marks[0] * total:
                running.kill()
                marks.pop(0)
                break
            time.sleep(0.003)
        if running.wait(10) == 0:
            return runs
    raise AssertionError("unreachable")


def _report(
    sim: SimServer,
    redis: Redis,
    start_ms: int,
    requests: list[dict[str, Any]],
    seconds: float,
    kills: int,
) -> int:
    pages = [one for one in requests if one["path"].endswith("klines") and _limit(one) == PAGE]
    asked = Counter(
        open_ms
        for one in pages
        for open_ms in range(
            int(one["params"]["startTime"]), int(one["params"]["endTime"]) + 1, MINUTE_MS
        )
    )
    twice = sum(times - 1 for times in asked.values())
    stored: Any = redis.zrange(keys.klines(MINUTES), 0, -1)
    truth = [
        member(kline.row())
        for first_ms in range(start_ms, END_MS, 100 * DAY_MS)
        for kline in sim.market.truth(
            "BTCUSDT", "1m", first_ms, min(END_MS, first_ms + 100 * DAY_MS)
        )
    ]
    lost = len(set(truth) - set(stored))
    false = len(stored) - (len(truth) - lost)
    figures = {
        "candles": f"{len(stored):,} of {len(truth):,}; lost {lost}, false {false}",
        "wall time": f"{seconds:.1f} s, {len(stored) / seconds:,.0f} candles/s",
        "requests": f"{len(requests):,}, of them {len(pages):,} pages",
        "weight": f"{sum(one['weight'] for one in requests):,}",
        "asked for twice": f"{twice:,} candles (a page for each kill: {kills * PAGE:,})",
    }
    for name, text in figures.items():
        print(f"  {name:16} {text}")
    return (lost > 0) + (false > 0) + (twice > kills * PAGE)


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _limit(request: dict[str, Any]) -> int:
    return int(request["params"].get("limit", 0))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--kills", type=int, default=5)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
