"""Ways to store official and live candles of one market: in one ZSET, by suffix, in two stores.

Never here: what happens to them (`storage_ways`).
Invariant: each stores what it is given as the systems that work in this way do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from redis import Redis

from truecandle.candles.candle import LiveCandle, OfficialCandle, live_from_official
from truecandle.candles.interval import INTERVALS, MINUTE_MS
from truecandle.candles.merge import merge
from truecandle.candles.series import Series
from truecandle.store import live, official
from truecandle.store.batch import Batch

SERIES = Series("BTCUSDT", INTERVALS["1m"])
SETTLE_MS = 3_000
KEY, LIVE_KEY = "one_zset", "one_zset:live"

Shown = list[tuple[int, str]]


class Store(Protocol):
    """One way to store; `read` gives (open time, close price) as a chart would draw them."""

    def feed(self, candle: OfficialCandle, now_ms: int) -> None: ...
    def fetch(self, rows: list[OfficialCandle], now_ms: int) -> None: ...
    def clean(self, now_ms: int) -> None: ...
    def read(self, now_ms: int, since_ms: int) -> Shown: ...


class OneZset:
    """Live and official candles in one ZSET: by `ZADD NX`, or each writer replacing the other's."""

    def __init__(self, redis: Redis, is_overwriting: bool) -> None:
        self.redis, self.is_overwriting = redis, is_overwriting

    def feed(self, candle: OfficialCandle, now_ms: int) -> None:
        self.fetch([candle], now_ms)

    def fetch(self, rows: list[OfficialCandle], now_ms: int) -> None:
        with self.redis.pipeline(transaction=True) as pipe:
            for row in rows:
                if self.is_overwriting:
                    pipe.zremrangebyscore(KEY, row.open_ms, row.open_ms)
                pipe.zadd(KEY, {row.member(): row.open_ms}, nx=not self.is_overwriting)
            pipe.execute()

    def clean(self, now_ms: int) -> None:
        pass

    def read(self, now_ms: int, since_ms: int) -> Shown:
        return drawn(since(self.redis, KEY, since_ms))


class Suffixed:
    """Live candles under a suffixed key, thrown away later: by age, or once official ones came."""

    def __init__(self, redis: Redis, by_age: bool) -> None:
        self.redis, self.by_age = redis, by_age

    def feed(self, candle: OfficialCandle, now_ms: int) -> None:
        with self.redis.pipeline(transaction=True) as pipe:
            pipe.zremrangebyscore(LIVE_KEY, candle.open_ms, candle.open_ms)
            pipe.zadd(LIVE_KEY, {candle.member(): candle.open_ms})
            pipe.execute()

    def fetch(self, rows: list[OfficialCandle], now_ms: int) -> None:
        closed = [row for row in rows if row.open_ms + MINUTE_MS + SETTLE_MS <= now_ms]
        OneZset(self.redis, is_overwriting=True).fetch(closed, now_ms)

    def clean(self, now_ms: int) -> None:
        last: Any = self.redis.zrange(KEY, -1, -1, withscores=True)
        official_ms = int(last[0][1]) if last else 0
        self.redis.zremrangebyscore(
            LIVE_KEY, 0, now_ms - MINUTE_MS - 30_000 if self.by_age else official_ms
        )

    def read(self, now_ms: int, since_ms: int) -> Shown:
        return drawn([*since(self.redis, KEY, since_ms), *since(self.redis, LIVE_KEY, since_ms)])


class TwoStores:
    """TrueCandle's own store and merge rule."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis

    def feed(self, candle: OfficialCandle, now_ms: int) -> None:
        live.save_live(self.redis, SERIES, as_live(candle, now_ms), now_ms=now_ms)

    def fetch(self, rows: list[OfficialCandle], now_ms: int) -> None:
        written = official.upsert_klines(
            self.redis, SERIES, rows, now_ms=now_ms, settle_ms=SETTLE_MS
        )
        live.settle(self.redis, SERIES, [row.open_ms for row in written.changed])

    def clean(self, now_ms: int) -> None:
        pass

    def read(self, now_ms: int, since_ms: int) -> Shown:
        members, tail = read_both(self.redis, now_ms, is_atomic=True, since_ms=since_ms)
        merged = merge(
            SERIES.interval, official.candles(members), tail.pending, tail.forming, now_ms
        )
        return [(each.candle.open_ms, each.candle.close) for each in merged]


def read_both(
    redis: Redis, now_ms: int, is_atomic: bool, since_ms: int | None = None
) -> tuple[Sequence[bytes], live.Live]:
    query = official.Query(3) if since_ms is None else official.Query(1_000, start_ms=since_ms)
    if not is_atomic:
        page = official.read(redis, SERIES, query)
        return page.members, live.read_live(redis, SERIES, now_ms)
    batch = Batch(redis)
    queued = official.queue(batch, SERIES, query)
    found = live.queue(batch, SERIES, now_ms)
    batch.run()
    return queued.value.members, found.value


def since(redis: Redis, key: str, since_ms: int) -> list[bytes]:
    members: Any = redis.zrangebyscore(key, since_ms, "+inf")
    return list(members)


def as_live(candle: OfficialCandle, now_ms: int) -> LiveCandle:
    return live_from_official(candle, now_ms)


def drawn(members: list[bytes]) -> Shown:
    """A chart that draws what it is given, sorted by time: open times and closes."""
    rows = (member[1:-1].split(b",") for member in members)
    return sorted((int(row[0]), row[4].decode()) for row in rows)
