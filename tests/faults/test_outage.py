"""The exchange goes away and comes back: everybody goes on at once, and nobody storms."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest
from redis import Redis

from tests.support.role_processes import Role, Roles
from tests.support.waiting import wait_for
from truecandle.candles.interval import INTERVALS
from truecandle.candles.series import Series
from truecandle.sim.clock import SimulatedClock
from truecandle.sim.server import SimServer
from truecandle.store import official

SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
NAMES = ("1s", "1m", "3m", "5m", "15m", "1h")
ALL = [Series(symbol, INTERVALS[name]) for symbol in SYMBOLS for name in NAMES]
#: Longer than five tries in a row take with the longest pauses between them.
OUTAGE_S = 18.0
#: Beyond the settling of a candle and what a busy machine takes; a rest takes up to a minute.
LATE_MS, WHOLE_S = 8_000, 12.0


class Coming:
    """The simulated exchange at one address, there or not."""

    def __init__(self) -> None:
        self.clock = SimulatedClock()
        self.now = SimServer(SYMBOLS, clock=self.clock).start()
        self.port = self.now.port

    def go(self) -> None:
        self.now.stop()

    def come(self) -> None:
        self.now = SimServer(SYMBOLS, clock=self.clock, port=self.port).start()


@pytest.fixture
def exchange() -> Iterator[Coming]:
    one = Coming()
    yield one
    one.go()


@pytest.fixture
def fetcher(exchange: Coming, redis: Redis, redis_url: str, processes: Roles) -> Role:
    env = {
        "REDIS_URL": redis_url, "BINANCE_REST_URL": exchange.now.rest_url,
        "SYMBOLS": ",".join(SYMBOLS), "INTERVALS": ",".join(NAMES), "HISTORY_CANDLES": "50",
    }  # fmt: skip
    role = processes.start("fetcher", ["background_fetcher.py"], env)
    wait_for(lambda: not lacking(redis, exchange), 40.0, "official candles")
    return role


def lacking(redis: Redis, exchange: Coming) -> list[str]:
    """Series without the newest candle that should be there, or with a hole in the last ones."""
    now_ms, found = exchange.clock.now_ms() - LATE_MS, []
    for one in ALL:
        end_ms = one.interval.open_ms(now_ms)
        start_ms = one.interval.step(end_ms, -40)
        if len(official.open_times(redis, one, start_ms, end_ms)) < one.interval.count(
            start_ms, end_ms
        ):
            found.append(one.name)
    return found


def test_official_candles_are_whole_seconds_after_the_exchange_is_back(
    fetcher: Role, exchange: Coming, redis: Redis
) -> None:
    exchange.go()
    wait_for_time(OUTAGE_S)
    assert len({name.partition(":")[0] for name in lacking(redis, exchange)}) == len(SYMBOLS)
    exchange.come()
    wait_for(lambda: not lacking(redis, exchange), WHOLE_S, "whole official candles")
    asked = [json.dumps(one["params"]) for one in exchange.now.requests()]
    assert len(asked) <= 3 * len(ALL) + 10 * WHOLE_S


def test_a_path_that_fails_for_all_is_tried_for_all_by_one(
    fetcher: Role, exchange: Coming, redis: Redis
) -> None:
    """The clock is answered all the time: that says nothing of candles."""
    exchange.now.faults.add("server_error", path="klines", count=None)
    before = len(exchange.now.requests())
    wait_for_time(OUTAGE_S)
    asked = len(exchange.now.requests()) - before
    assert asked <= OUTAGE_S * 2 + len(SYMBOLS) * 2 * (5 + 3)
    assert lacking(redis, exchange)
    exchange.now.faults.calm()
    wait_for(lambda: not lacking(redis, exchange), WHOLE_S, "whole official candles")


def wait_for_time(seconds: float) -> None:
    until_s = time.monotonic() + seconds
    wait_for(lambda: time.monotonic() >= until_s, seconds + 5, "the outage's end")
