"""Binance's archives by `flask backfill`: the 43 misaligned rows, and months of 1m candles.

    .venv/bin/python -m bench.backfill_archives --csv ../shared/data/klines_archive_csv --months 3

The first part serves February 2018 as the archive once had it (from the recorded CSV) and asks the
simulated exchange for the rest. The second serves months of the simulated truth. It starts a
Redis, a file server and the exchange, stops by itself and exits with 1 if anything is wrong.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from redis import Redis

from tests.support.archive_server import ArchiveServer
from tests.support.driven_fetcher import member, opens
from tests.support.project_files import ROOT
from tests.support.redis_server import RedisProc
from truecandle.candles.interval import HOUR_MS, INTERVALS
from truecandle.candles.series import Series
from truecandle.sim.clock import SimulatedClock
from truecandle.sim.server import SimServer
from truecandle.store import keys

#: 2024-08-08T12:00:10Z
NOW_MS = 1_723_118_410_000
HOURS = Series("BTCUSDT", INTERVALS["1h"])
MINUTES = Series("BTCUSDT", INTERVALS["1m"])
MISALIGNED = 43
CSV_NAME = "BTCUSDT-1h-2017-2024_gapped_gapless-crypto-data.csv.gz"


class Stage(NamedTuple):
    """Everything that runs, and the folder that holds it."""

    redis: Redis
    redis_url: str
    sim: SimServer
    archives: ArchiveServer
    folder: Path


def main() -> int:
    options = _options()
    with _stage() as stage:
        wrong = _misaligned(stage, options.csv / CSV_NAME)
        stage.redis.flushall()
        wrong += _months(stage, options.months)
    print("\nall as it should be" if not wrong else f"\n{wrong} things are wrong")
    return 1 if wrong else 0


@contextmanager
def _stage() -> Iterator[Stage]:
    with (
        tempfile.TemporaryDirectory() as name,
        RedisProc(Path(name), aof=True) as server,
        SimServer(clock=SimulatedClock(NOW_MS)) as sim,
        server.client() as redis,
    ):
        archives = ArchiveServer(Path(name))
        try:
            yield Stage(redis, server.url, sim, archives, Path(name))
        finally:
            archives.close()


def _misaligned(stage: Stage, path: Path) -> int:
    rows = list(_recorded(path, "2018-02"))
    odd = [row for row in rows if int(row[0]) % HOUR_MS]
    good = {int(row[0]) for row in rows} - {int(row[0]) for row in odd}
    text = "".join(",".join([*row, "0"]) + "\n" for row in rows)
    stage.archives.put("BTCUSDT", "1h", "2018-02", text)
    said, _ = _run(stage, "1h", "--from", "2018-02-01", "--to", "2018-03-01", "--source", "archive")
    print(said)
    named = re.findall(r"2018-02-\d\dT\d\d:28:14Z", said)
    pages = _pages(stage.sim)
    held = opens(_stored(stage.redis, HOURS))
    grid = list(range(_ms("2018-02-01"), _ms("2018-03-01"), HOUR_MS))
    print(f"  rows in the archive      {len(rows)}, misaligned {len(odd)}, named {len(named)}")
    for page in pages:
        print(f"  asked of REST            {_iso(page['startTime'])} to {_iso(page['endTime'])}")
    asked = {
        hour
        for page in pages
        for hour in range(int(page["startTime"]), int(page["endTime"]), HOUR_MS)
    }
    of_odd = {int(row[0]) - int(row[0]) % HOUR_MS for row in odd}
    print(f"  of their hours asked     {len(of_odd & asked)}; of stored ones {len(good & asked)}")
    print(f"  stored afterwards        {len(held)} of {len(grid)} hours")
    return (
        (len(odd) != MISALIGNED)
        + (len(named) != MISALIGNED)
        + (held != grid)
        + (not of_odd <= asked)
        + bool(good & asked)
    )


def _months(stage: Stage, months: int) -> int:
    month = INTERVALS["1M"]
    end_ms = month.open_ms(NOW_MS)
    start_ms = month.step(end_ms, -months)
    truth: list[bytes] = []
    for open_ms in month.opens(start_ms, end_ms):
        klines = stage.sim.market.truth("BTCUSDT", "1m", open_ms, month.next_open_ms(open_ms))
        truth += [member(kline.row()) for kline in klines]
        lines = [",".join(str(field) for field in kline.row()) for kline in klines]
        stage.archives.put("BTCUSDT", "1m", _iso(open_ms)[:7], "\n".join(lines) + "\n")
    before = len(_pages(stage.sim))
    began_cpu_s = _cpu_s()
    said, seconds = _run(stage, "1m", "--from", str(start_ms), "--to", str(end_ms))
    print(f"\n{said}")
    held = _stored(stage.redis, MINUTES)
    pages = len(_pages(stage.sim)) - before
    print(f"  candles                  {len(held):,} of {len(truth):,}")
    print(f"  wall time                {seconds:.1f} s, {len(held) / seconds:,.0f} candles/s")
    print(f"  cpu of the command       {_cpu_s() - began_cpu_s:.1f} s")
    print(f"  pages asked of REST      {pages} instead of {-(-len(truth) // 1000)}")
    return (held != truth) + (pages > 0)


def _run(stage: Stage, interval: str, *options: str) -> tuple[str, float]:
    env = os.environ | {
        "REDIS_URL": stage.redis_url,
        "BINANCE_REST_URL": stage.sim.rest_url,
        "BINANCE_ARCHIVE_URL": stage.archives.url,
        "VAR_DIR": str(stage.folder / "var"),
        "FLASK_APP": "app:create",
    }
    command = [sys.executable, "-m", "flask", "backfill", "BTCUSDT", interval, *options]
    began_s = time.monotonic()
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    return done.stdout, time.monotonic() - began_s


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _recorded(path: Path, month: str) -> Iterator[list[str]]:
    """The CSV's rows of a month with times in ms, as the archive had them."""
    with gzip.open(path, "rt", newline="") as file:
        for row in csv.reader(line for line in file if line.startswith(month)):
            row[0], row[6] = str(_ms(row[0])), str(_ms(row[6]))
            yield row


def _stored(redis: Redis, series: Series) -> list[bytes]:
    members: Any = redis.zrange(keys.klines(series), 0, -1)
    return list(members)


def _pages(sim: SimServer) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = sim.requests()
    return [one["params"] for one in found if "endTime" in one["params"]]


def _ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1000


def _iso(ms: object) -> str:
    return datetime.fromtimestamp(int(str(ms)) / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--csv", type=Path, default=ROOT.parent / "shared/data/klines_archive_csv")
    parser.add_argument("--months", type=int, default=3)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
