"""What sealed candles weigh and cost: bytes, reading, sealing a block, a correction.

    python -m bench.sealed_storage [--candles 1000000] [--files REST_ROWS.json…]

Fills four markets of the simulated exchange backwards, a page after the other as a backfill does,
and seals as it goes, in a Redis of its own, which has loaded its scripts before. Prints bytes a
candle in either half, the most that Redis held on the way beside the end, and what `YEARS` of
`MARKETS` markets at 1m take by that; then how long 1,000 and 50,000 candles are read, sealed and
not, how long a block's sealing and a correction take, and how long Redis is held by each. Recorded
REST rows (those of the tests, and `--files`) are packed by themselves, for comparison. Exits with 1
if a candle is not what was stored, or if all that history does not fit into `TARGET_BYTES`.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NamedTuple

from redis import Redis

from bench.parts.targets import Figures, Found, Target
from tests.support.driven_fetcher import NOW_MS
from tests.support.redis_server import RedisProc
from truecandle.candles.candle import OfficialCandle, official_from_row
from truecandle.candles.interval import MINUTE_MS
from truecandle.candles.series import Series, parse_series
from truecandle.sim.clock import SimulatedClock
from truecandle.sim.market import SimulatedMarket, simulated
from truecandle.store import block, keys, official, pages, sealing
from truecandle.store.block import BLOCK_CANDLES

SYMBOLS: Final = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "PEPEUSDT")
SEAL_AFTER: Final = 50_000
PAGE: Final = 1_000
YEARS, MARKETS = 8, 20
MINUTES_A_YEAR: Final = 525_960
TARGET_BYTES: Final = 2_000_000_000
TARGETS = {
    "sealed": Target("Redis' memory, a sealed candle", "B", 16.5, at_most=True),
    "history": Target(
        f"the same, {YEARS} years of {MARKETS} markets at 1m",
        "GB",
        TARGET_BYTES / 1e9,
        at_most=True,
    ),
}
#: The short manner: candles of all markets, of which fewer stay unsealed, so that most are sealed.
SHORT, SHORT_SEAL_AFTER = 240_000, 2_000
RECORDED: Final = Path("tests/data/ADAUSDT-1m-2024-11-16.json")
REPEATS: Final = 10


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--candles", type=int, default=1_000_000)
    parser.add_argument("--files", type=Path, nargs="*", default=[])
    asked = parser.parse_args()
    for path in (RECORDED, *asked.files):
        packed_alone(path)
    market = simulated(seed=7, symbols=list(SYMBOLS), clock=SimulatedClock(NOW_MS, speed=0))
    with tempfile.TemporaryDirectory() as folder, RedisProc(Path(folder)) as server:
        redis = server.client()
        filled = fill(redis, market, asked.candles // len(SYMBOLS))
        series = parse_series(SYMBOLS[0], "1m")
        reading(redis, series)
        sealing_cost(redis, series)
        correcting(redis, series)
    return 0 if filled.is_right and filled.needed_bytes <= TARGET_BYTES else 1


def short() -> Figures:
    """For `make bench`: a minute."""
    market = simulated(seed=7, symbols=list(SYMBOLS), clock=SimulatedClock(NOW_MS, speed=0))
    with tempfile.TemporaryDirectory() as folder, RedisProc(Path(folder)) as server:
        filled = fill(server.client(), market, SHORT // len(SYMBOLS), SHORT_SEAL_AFTER)
    assert filled.is_right, "a candle is not what was stored"
    return {
        "sealed": Found(filled.sealed_bytes),
        "history": Found(filled.needed_bytes / 1e9),
    }


def packed_alone(path: Path) -> None:
    rows = [official_from_row(row) for row in json.loads(path.read_bytes())]
    members = [row.member().encode() for row in sorted(rows, key=lambda one: one.open_ms)]
    parts = [members[at : at + BLOCK_CANDLES] for at in range(0, len(members), BLOCK_CANDLES)]
    size = sum(len(block.pack(part)) for part in parts)
    print(f"recorded {path.name}: {len(members):,} rows, {size / len(members):.1f} B each packed")


class Filled(NamedTuple):
    """Whether all is as it was told, bytes of a sealed candle, and what the whole history needs."""

    is_right: bool
    sealed_bytes: float
    needed_bytes: float


def fill(redis: Redis, market: SimulatedMarket, count: int, seal_after: int = SEAL_AFTER) -> Filled:
    """Fills and seals."""
    warm_up(redis, market)
    start, most = used(redis), 0
    sealed = unsealed = weight = 0
    is_right = True
    for symbol in SYMBOLS:
        series, before = parse_series(symbol, "1m"), used(redis)
        for page in backwards(market, symbol, count):
            written = official.upsert_klines(redis, series, page, now_ms=NOW_MS, settle_ms=0)
            while sealing.is_due(
                written.unsealed, written.count - written.unsealed, seal_after
            ) and (sealing.step(redis, series, seal_after, 0) == "done"):
                pass
            most = max(most, used(redis))
        is_right &= as_told(redis, series, page)
        held = pages.meta(redis, series).count
        open_, whole = redis.zcard(keys.klines(series)), used(redis) - before
        loose = int(redis.memory_usage(keys.klines(series), samples=0) or 0)
        each = (whole - loose) / (held - open_)
        print(f"{symbol}: {held:,} candles, {each:.1f} B each sealed, {loose / open_:.0f} B not")
        sealed, unsealed, weight = sealed + held - open_, unsealed + open_, weight + loose
    total = used(redis) - start
    each, loose_each = (total - weight) / sealed, weight / unsealed
    print(f"all: {total / 1e6:.0f} MB, {each:.1f} B a sealed candle, {loose_each:.0f} B another")
    print(
        f"most on the way: {(most - start) / 1e6:.0f} MB, {(most - start) / total:.2f} of the end"
    )
    whole = YEARS * MINUTES_A_YEAR * MARKETS
    needed = (whole - MARKETS * SEAL_AFTER) * each + MARKETS * SEAL_AFTER * loose_each
    print(f"{YEARS} years of {MARKETS} markets at 1m, {whole:,} candles: {needed / 1e9:.2f} GB")
    print(f"the same unsealed: {whole * loose_each / 1e9:.1f} GB")
    return Filled(is_right, each, needed)


def warm_up(redis: Redis, market: SimulatedMarket) -> None:
    """Before anything is counted, scripts and a client's buffers are there, and nothing else."""
    series = parse_series(SYMBOLS[0], "1m")
    for page in backwards(market, SYMBOLS[0], 3 * PAGE):
        official.upsert_klines(redis, series, page, now_ms=NOW_MS, settle_ms=0)
    while sealing.step(redis, series, 1, 0) == "done":
        pass
    redis.flushall()


def backwards(market: SimulatedMarket, symbol: str, count: int) -> Iterator[list[OfficialCandle]]:
    """Pages of minutes, the newest first."""
    end_ms = NOW_MS // MINUTE_MS * MINUTE_MS
    for _ in range(0, count, PAGE):
        start_ms = end_ms - PAGE * MINUTE_MS
        rows = market.truth(symbol, "1m", start_ms, end_ms)
        yield [official_from_row(row.row()) for row in rows]
        end_ms = start_ms


def as_told(redis: Redis, series: Series, page: Sequence[OfficialCandle]) -> bool:
    """Whether the oldest page is there, byte for byte."""
    end_ms = page[-1].open_ms + 1
    found = pages.read(redis, series, pages.Query(PAGE, page[0].open_ms, end_ms))
    return list(found.members) == [one.member().encode() for one in page]


class StepCost(NamedTuple):
    """Milliseconds by the clock, those of this process's own CPU time, and how long Redis was held
    by a script."""

    took: float
    cpu: float
    held: float

    def __str__(self) -> str:
        return f"{self.took:.1f} ms, {self.cpu:.1f} of CPU"


def reading(redis: Redis, series: Series) -> None:
    meta = pages.meta(redis, series)
    newest, old = (meta.latest or 0) + 1, (meta.earliest or 0) + SEAL_AFTER * MINUTE_MS
    for name, end_ms in (("unsealed", newest), ("sealed", old)):
        for count in (1_000, 5_000, 50_000):

            def first() -> None:
                block.unpack.cache_clear()
                read(redis, series, end_ms, count)  # noqa: B023

            def again() -> None:
                read(redis, series, end_ms, count)  # noqa: B023

            print(f"read {count:,} {name}: {timed(redis, first)}; again: {timed(redis, again)}")


def read(redis: Redis, series: Series, end_ms: int, count: int) -> None:
    """By pages of 5,000 at most, backwards."""
    left = count
    while left:
        page = pages.read(redis, series, pages.Query(min(left, 5_000), before_ms=end_ms))
        left -= len(page.members)
        end_ms = int(page.members[0][1:14])


def sealing_cost(redis: Redis, series: Series) -> None:
    for name, seal_after in (("unseal", 0), ("seal", SEAL_AFTER)):
        cost = timed(redis, lambda: sealing.step(redis, series, seal_after, 0))  # noqa: B023
        print(f"{name} a block: {cost}; Redis is held {cost.held:.2f} ms")


def correcting(redis: Redis, series: Series) -> None:
    meta = pages.meta(redis, series)
    for name, open_ms in (("unsealed", meta.latest), ("sealed", meta.earliest)):
        page = pages.read(redis, series, pages.Query(1, open_ms))
        old = pages.candles(page.members)[0]
        turns = iter(range(1, REPEATS + 1))

        def correct() -> None:
            row = replace(old, volume=f"{next(turns)}.5")  # noqa: B023
            official.upsert_klines(redis, series, [row], now_ms=NOW_MS, settle_ms=0)

        cost = timed(redis, correct)
        print(f"correct a candle, {name}: {cost}; Redis is held {cost.held:.2f} ms")


def timed(redis: Redis, act: Callable[[], object]) -> StepCost:
    """The median of several times; of the scripts' the mean."""
    redis.config_resetstat()
    took, cpu = [], []
    for _ in range(REPEATS):
        began, spent = time.perf_counter(), time.process_time()
        act()
        took.append((time.perf_counter() - began) * 1e3)
        cpu.append((time.process_time() - spent) * 1e3)
    stats: Any = redis.info("commandstats")
    script = stats.get("cmdstat_evalsha", {"usec": 0, "calls": 1})
    held = script["usec"] / script["calls"] / 1e3
    return StepCost(statistics.median(took), statistics.median(cpu), held)


def used(redis: Redis) -> int:
    memory: Any = redis.info("memory")
    return int(memory["used_memory"])


if __name__ == "__main__":
    sys.exit(main())
