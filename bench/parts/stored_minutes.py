"""A market's official candles for benches: as many minutes as asked, the same with every run.

Never here: servers, measuring.
Invariant: the rows are as the exchange writes them, eight decimals, prices that wander.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from redis import Redis

from truecandle.candles.interval import INTERVALS
from truecandle.candles.series import Series
from truecandle.store import official

MINUTES = Series("BTCUSDT", INTERVALS["1m"])
START_MS = 1_704_067_200_000
MINUTE_MS = 60_000


def store_minutes(redis: Redis, count: int) -> None:
    """Stores them, from `START_MS` on."""
    _store(redis, list(_rows(count)), count)


def correct_minutes(redis: Redis, count: int, volume: str) -> None:
    """Has every hundredth of so many stored ones corrected, to that volume."""
    rows = list(_rows(count))[::100]
    _store(redis, [[*row[:5], volume, *row[6:]] for row in rows], count)


def _store(redis: Redis, rows: list[list[object]], count: int) -> None:
    now_ms = START_MS + (count + 1) * MINUTE_MS
    official.upsert_klines(redis, MINUTES, rows, now_ms=now_ms, settle_ms=3_000)


def _rows(count: int) -> Iterator[list[object]]:
    dice, price = random.Random(7), 42_000.0
    for number in range(count):
        open_ms = START_MS + number * MINUTE_MS
        first, price = price, price + dice.uniform(-20, 20)
        high, low = max(first, price) + dice.uniform(0, 9), min(first, price) - dice.uniform(0, 9)
        prices = [f"{value:.2f}000000" for value in (first, high, low, price)]
        base, quote = dice.uniform(1, 60), dice.uniform(40_000, 2_000_000)
        flows = [
            f"{base:.5f}000",
            open_ms + MINUTE_MS - 1,
            f"{quote:.8f}",
            dice.randrange(50, 2_000),
        ]
        yield [open_ms, *prices, *flows, f"{base / 2:.8f}", f"{quote / 2:.8f}", "0"]
