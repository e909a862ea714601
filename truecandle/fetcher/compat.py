"""Two functions with the signatures of the first design, for programs that call them.

Never here: anything that the fetcher itself uses.
Invariant: they do what the fetcher does, by the same rules: only closed, settled rows are stored.
"""

from __future__ import annotations

from collections.abc import Sequence

from redis import Redis

from truecandle.candles.series import parse_series
from truecandle.config import Settings
from truecandle.events import Publisher
from truecandle.store import clock, connect, keys, lease, official
from truecandle.store.official import Written


def upsert_klines_to_zset(
    symbol: str, interval: str, klines: Sequence[Sequence[object]], redis_client: Redis
) -> Written:
    """Stores Binance's rows (12 fields, decimals as text) as official candles and says what came
    of each; closedness is judged by the exchange's clock as the roles share it.
    """
    return official.upsert_klines(
        redis_client,
        parse_series(symbol, interval),
        klines,
        now_ms=clock.read(redis_client).exchange_ms,
        settle_ms=Settings().settle_ms,
        fence=lease.current(redis_client, keys.LEADER),
    )


def notify(settings: Settings, symbol: str, interval: str) -> None:
    """Tells every browser the present version of a series; who has another asks for the rest."""
    series = parse_series(symbol, interval)
    with connect(settings.redis_url) as redis:
        version = official.version(redis, series)
        now_ms = clock.read(redis).exchange_ms
    Publisher(settings.redis_url).data_updated(
        series, timestamp=now_ms, version=version, previous=version, reason="new", candles=()
    )
