"""A market's official candles for benches: as many minutes as asked, the same with every run.

Never here: servers, measuring.
Invariant: the rows are as the exchange writes them, eight decimals, prices that wander.
"""

from __future__ import annotations

import random

from redis import Redis

from truecandle.candles.interval import INTERVALS
from truecandle.candles.series import Series
from truecandle.store import official

MINUTES = Series("BTCUSDT", INTERVALS["1m"])
START_MS = 1_704_067_200_000
MINUTE_MS = 60_000


def store_minutes(redis: Redis, count: int) -> int:
    """Stores them; the end of the last one, in ms."""
    dice, price = random.Random(7), 42_000.0
    rows: list[list[object]] = []
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
        rows.append([open_ms, *prices, *flows, f"{base / 2:.8f}", f"{quote / 2:.8f}", "0"])
    end_ms = START_MS + count * MINUTE_MS
    official.upsert_klines(redis, MINUTES, rows, now_ms=end_ms + 60_000, settle_ms=3_000)
    return end_ms
