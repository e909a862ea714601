"""When the last days of each series were last read again.

Never here: reading them.
Invariant: a time is written once all of the days have been read.
"""

from __future__ import annotations

from typing import Any

from redis import Redis

from truecandle.candles.decimals import whole_or_zero
from truecandle.candles.series import Series
from truecandle.store import keys, map_redis_errors


@map_redis_errors()
def last_ms(redis: Redis, series: Series) -> int:
    """0 = never, or not known."""
    text: Any = redis.hget(keys.REREADS, series.name)
    return whole_or_zero(text)


@map_redis_errors()
def done(redis: Redis, series: Series, at_ms: int) -> None:
    """All of it was read, at this time of the exchange's clock."""
    redis.hset(keys.REREADS, series.name, at_ms)
