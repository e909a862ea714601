"""Whole recordings through the fetcher: is every stored member the exchange's own text?

    .venv/bin/python -m bench.replay_rest FOLDER

FOLDER holds `klines_rest12/*.tar.xz` and `klines_1m_gap/*.json.gz`. Serves each series from the
simulated exchange, fills it into a Redis of its own and compares; every hole has to be proven, and
a fetcher that starts anew has to ask nothing (`again`). Exits with 1 on a difference.
"""

from __future__ import annotations

import gzip
import json
import sys
import tempfile
import time
from collections import Counter
from itertools import pairwise
from pathlib import Path

from bench.parts.recorded_klines import Rows, from_tar
from tests.support.driven_fetcher import Desk, member
from tests.support.redis_server import RedisProc
from truecandle.candles.interval import INTERVALS, MINUTE_MS
from truecandle.candles.series import Series
from truecandle.sim.archive import replayed
from truecandle.sim.clock import SimulatedClock
from truecandle.sim.server import SimServer
from truecandle.store import gaps

HISTORY = 100_000


def main() -> int:
    folder = Path(sys.argv[1])
    wrong = 0
    print("series          rows   wrong  holes  missing  proven  requests  allowed  again  seconds")
    with tempfile.TemporaryDirectory() as temporary, RedisProc(Path(temporary)) as server:
        for tar in sorted((folder / "klines_rest12").glob("*.tar.xz")):
            for series, rows in from_tar(tar):
                wrong += replay(series, rows, str(tar), server)
        for gap in sorted((folder / "klines_1m_gap").glob("*.json.gz")):
            rows = json.loads(gzip.decompress(gap.read_bytes()), parse_float=str)
            series = Series("BTCUSDT", INTERVALS["1m"])
            wrong += replay(series, rows, f"BTCUSDT:1m={gap}", server)
    print(f"{wrong} differences")
    return min(wrong, 1)


def replay(series: Series, rows: Rows, source: str, server: RedisProc) -> int:
    """Fills one series from its recording and prints a line; how many members differ."""
    grid = series.interval
    if not grid.has_grid:
        grid = grid.with_phase(rows[0][0])
    clock = SimulatedClock(grid.next_open_ms(rows[-1][0]) + 5 * MINUTE_MS, speed=0)
    market = replayed([source], clock)
    with server.client() as redis, SimServer(market=market) as sim:
        redis.flushall()
        desk = Desk(sim, redis, server.url, history=HISTORY)
        began_s = time.perf_counter()
        desk.sync.refresh(series)
        for _ in range(3):  # again and again: holes must not be asked for each time
            desk.sync.fill(series)
        took_s = time.perf_counter() - began_s
        asked = len(desk.asked())
        Desk(sim, redis, server.url, history=HISTORY).sync.fill(series)
        again = len(desk.asked()) - asked
        proven = Counter(gap.reason for gap in gaps.read(redis, series).all)
        found = desk.stored(series)
        desk.check(series)
    width = len(rows[0])
    expected = [member(row) for row in rows]
    given = [b"[" + b",".join(text[1:-1].split(b",")[:width]) + b"]" for text in found]
    wrong = len(set(expected) ^ set(given))
    steps = [grid.count(a[0], b[0]) - 1 for a, b in pairwise(rows)]
    span = grid.count(rows[0][0], rows[-1][0]) // 1_000 + 1
    print(
        f"{series.name:13}{len(found):>8}{wrong:>8}{sum(map(bool, steps)):>7}{sum(steps):>9}"
        f"{proven['maintenance']:>8}{asked:>10}{span + 3:>9}{again:>7}{took_s:>9.1f}",
        flush=True,
    )
    wrong += again + (proven["maintenance"] != sum(map(bool, steps))) + proven["unproven"]
    return wrong + (found != sorted(found, key=lambda text: json.loads(text)[0]))


if __name__ == "__main__":
    sys.exit(main())
