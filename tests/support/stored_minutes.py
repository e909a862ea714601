"""A market with many official candles of a minute, and the request for all of them at once.

Never here: the exchange; what becomes of the answer.
Invariant: the newest candle closed at `NOW_MS`.
"""

from __future__ import annotations

from typing import Final

from redis import Redis

from tests.support.web_app import NOW_MS
from truecandle.candles.series import parse_series
from truecandle.store import official

MINUTES: Final = "/data?symbol=BTCUSDT&interval=1m&limit=5000"


def store_minutes(redis: Redis, count: int) -> None:
    opens = [NOW_MS - i * 60_000 for i in range(count, 0, -1)]
    rest = ["1.5", 7, "1", "1", "0"]
    rows = [
        [ms, "42000.1", "42100", "41000.5", "42050.01", "12.34567", ms + 59_999, *rest]
        for ms in opens
    ]
    series = parse_series("BTCUSDT", "1m")
    for first in range(0, count, 500):
        some = rows[first : first + 500]
        official.upsert_klines(redis, series, some, now_ms=NOW_MS + 10_000, settle_ms=3000)
