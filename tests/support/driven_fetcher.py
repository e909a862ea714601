"""The fetcher against the simulated exchange and a real Redis, for tests that drive it by hand.

Never here: assertions but the one about the store's own invariants; processes.
Invariant: nothing between exchange and store is replaced; only time stands still where told to.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any

import redis as redis_py

from tests.support.waiting import wait_for
from truecandle.binance.rate_limit import RequestPacer
from truecandle.binance.rest.client import RestClient
from truecandle.candles.gap import Gap
from truecandle.candles.interval import INTERVALS, MINUTE_MS
from truecandle.candles.series import Series
from truecandle.config import Settings
from truecandle.events import DATA_UPDATED, Publisher, from_message
from truecandle.fetcher import SeriesSync
from truecandle.ingest.official_writer import OfficialWriter
from truecandle.sim.server import SimServer
from truecandle.store import gaps, keys, official
from truecandle.store.budget import Budget
from truecandle.store.channel import Channel

#: 2024-08-08T12:00:10Z: ten seconds into an hour, a minute and a day's second half.
NOW_MS = 1_723_118_410_000
#: The minute that forms at NOW_MS.
THE_MINUTE_MS = NOW_MS - NOW_MS % MINUTE_MS
MINUTES = Series("BTCUSDT", INTERVALS["1m"])
HOURS = Series("BTCUSDT", INTERVALS["1h"])


class Desk:
    """One fetcher with everything it needs. `sleeps` are the waits it was told to make, in s."""

    def __init__(
        self,
        sim: SimServer,
        redis: redis_py.Redis,
        redis_url: str,
        *,
        history: int = 100,
        deadline_s: float = 12.0,
        base_url: str = "",
        settle_ms: int = 3_000,
        seal_after: int = 0,
    ) -> None:
        self.sim, self.redis = sim, redis
        self.sleeps: list[float] = []
        self.budget = Budget(redis)
        self.rest = RestClient(
            base_url or sim.rest_url,
            self.budget,
            pace=RequestPacer(1_000),
            sleep=self.sleeps.append,
            now_ms=sim.clock.now_ms,
            deadline_s=deadline_s,
        )
        settings = Settings(redis_url=redis_url, history_candles=history, settle_ms=settle_ms)
        self.events = Events(redis)
        self.is_clock_unsure = False
        now_ms, publisher = sim.clock.now_ms, Publisher(redis_url)
        writer = OfficialWriter(
            redis,
            publisher,
            settle_ms,
            now_ms,
            is_unsure=lambda: self.is_clock_unsure,
            seal_after=seal_after,
        )
        self.sync = SeriesSync(settings, redis, self.rest, self.rest, writer, now_ms)

    def asked(self, path: str = "klines") -> list[dict[str, Any]]:
        """The requests so far for that path."""
        found: list[dict[str, Any]] = self.sim.requests()
        return [request for request in found if request["path"] == f"/api/v3/{path}"]

    def stored(self, series: Series) -> list[bytes]:
        return stored(self.redis, series)

    def truth(self, series: Series, candles: int) -> list[bytes]:
        """The newest closed and settled candles as the exchange knows them, as the store's text."""
        end_ms = series.interval.open_ms(self.sim.clock.now_ms() - 3_000)
        start_ms = series.interval.step(end_ms, -candles)
        rows = self.sim.market.truth(series.symbol, series.interval.name, start_ms, end_ms)
        return [member(row.row()) for row in rows]

    def check(self, series: Series) -> None:
        """The store's own invariants."""
        pairs: Any = self.redis.zrange(keys.klines(series), 0, -1, withscores=True)
        scores = [int(score) for _, score in pairs]
        assert len(scores) == len(set(scores))
        assert [json.loads(text)[0] for text, _ in pairs] == scores
        if scores:
            meta = official.meta(self.redis, series)
            assert (meta.earliest, meta.latest, meta.count) == (scores[0], scores[-1], len(scores))


class Events:
    """The events that the web role would get."""

    def __init__(self, redis: redis_py.Redis) -> None:
        self._listener = redis.pubsub()
        self._listener.subscribe(Channel(redis).name())
        wait_for(lambda: self._listener.get_message(timeout=0.1), what="the subscription")

    def take(self, quiet_s: float = 0.05, event: str = DATA_UPDATED) -> list[dict[str, Any]]:
        """The payloads of one kind that have come in, until it is quiet for so long."""
        events = list[dict[str, Any]]()
        until_s = time.monotonic() + 5
        while time.monotonic() < until_s:
            message = self._listener.get_message(timeout=quiet_s)
            if message is None:
                break
            told = from_message(message["data"])
            events += [json.loads(one.payload) for one in told if one.name == event]
        return events


def stored(redis: redis_py.Redis, series: Series) -> list[bytes]:
    members: Any = redis.zrange(keys.klines(series), 0, -1)
    return list(members)


def member(row: Sequence[object]) -> bytes:
    """The exchange's own text of a row, trailing zeros aside: written here anew, on purpose."""
    return b"[" + ",".join(_number(field) for field in row).encode() + b"]"


def opens(members: Sequence[bytes]) -> list[int]:
    return [json.loads(text)[0] for text in members]


def _number(field: object) -> str:
    text = str(field)
    return text.rstrip("0").rstrip(".") if "." in text else text


def known_gaps(desk: Desk, series: Series = MINUTES) -> list[Gap]:
    return list(gaps.read(desk.redis, series).all)


def minutes_ago(minutes: int) -> int:
    return THE_MINUTE_MS - minutes * MINUTE_MS


def make_gap(desk: Desk, first: int, last: int) -> None:
    """The exchange has no candles from so many minutes ago to so many."""
    desk.sim.faults.add("gap", start_ms=minutes_ago(first), end_ms=minutes_ago(last))


def correct(desk: Desk, open_ms: int, volume: str, name: str = "1m") -> None:
    """The exchange has another volume for that candle from now on."""
    desk.sim.faults.add(
        "correction",
        symbol="BTCUSDT",
        interval=name,
        open_ms=open_ms,
        changes={"volume": volume},
    )


def noticed_corrections(desk: Desk, series: Series = MINUTES) -> list[tuple[int, str, str]]:
    found = official.corrections(desk.redis, series, 1_000)
    return [(one.time, one.new.volume, one.by) for one in found]
