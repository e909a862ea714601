"""The fetcher as a process, on a real clock, and what is done to it, to Redis and the exchange."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis as redis_py

from tests.support.driven_fetcher import stored
from tests.support.loopback_ports import free_port
from tests.support.redis_server import RedisProc
from tests.support.role_processes import Role, Roles
from tests.support.waiting import wait_for
from truecandle.candles.interval import INTERVALS
from truecandle.candles.series import Series
from truecandle.sim.server import SimServer
from truecandle.store import clock, keys, roles

SETTLE_MS = 1_000
#: How far behind the newest settled candle may be on a slow machine, and still count as followed.
LAG_MS = 4_000
STOP_S = 20.0


@pytest.fixture
def sim() -> Iterator[SimServer]:
    with SimServer(["BTCUSDT", "ETHUSDT", "SOLUSDT"]) as server:
        yield server


@pytest.fixture(autouse=True)
def outputs(processes: Roles) -> Iterator[None]:
    """What the fetchers printed, for the report of a test that failed."""
    yield
    for role in processes.all:
        print(role.output)


def start(
    processes: Roles, redis_url: str, rest_url: str, symbols: str = "BTCUSDT", **env: str
) -> Role:
    return processes.start(
        "fetcher",
        ["background_fetcher.py"],
        {
            "REDIS_URL": redis_url,
            "BINANCE_REST_URL": rest_url,
            "SYMBOLS": symbols,
            "INTERVALS": "1s,1m",
            "HISTORY_CANDLES": "60",
            "SETTLE_MS": str(SETTLE_MS),
            **env,
        },
    )


def seconds(symbol: str = "BTCUSDT") -> Series:
    return Series(symbol, INTERVALS["1s"])


def times(redis: redis_py.Redis, series: Series) -> list[int]:
    return [json.loads(text)[0] for text in stored(redis, series)]


def is_followed(redis: redis_py.Redis, sim: SimServer, series: Series) -> bool:
    """Whether the newest candles are in, without a hole since the first."""
    found = times(redis, series)
    if not found or found[-1] < sim.clock.now_ms() - SETTLE_MS - LAG_MS:
        return False
    return found == list(range(found[0], found[-1] + 1_000, 1_000))


def follow(redis: redis_py.Redis, sim: SimServer, *symbols: str, timeout_s: float = 30) -> None:
    for symbol in symbols or ("BTCUSDT",):
        wait_for(
            lambda name=symbol: is_followed(redis, sim, seconds(name)),  # type: ignore[misc]
            timeout_s,
            f"{symbol} to be followed",
        )


def check(redis: redis_py.Redis, sim: SimServer, series: Series) -> None:
    """What is stored is the truth, one candle per open time, none of them open."""
    found: list[Any] = [json.loads(text, parse_float=str) for text in stored(redis, series)]
    truth = sim.market.truth(
        series.symbol, series.interval.name, found[0][0], found[-1][0] + 1, sim.clock.now_ms()
    )
    assert [row[0] for row in found] == [row.open_ms for row in truth]
    assert [row[8] for row in found] == [row.trades for row in truth]
    pairs: Any = redis.zrange(keys.klines(series), 0, -1, withscores=True)
    assert len({score for _, score in pairs}) == len(pairs)
    meta = json.loads(redis.get(keys.meta(series)) or b"")
    assert meta["count"] == len(pairs)


def test_every_market_is_filled_and_then_followed_close_by_close(
    processes: Roles, redis: redis_py.Redis, redis_url: str, sim: SimServer
) -> None:
    fetcher = start(processes, redis_url, sim.rest_url, "BTCUSDT,ETHUSDT")
    follow(redis, sim, "BTCUSDT", "ETHUSDT")
    first = times(redis, seconds())
    assert len(first) >= 60
    wait_for(lambda: times(redis, seconds())[-1] >= first[-1] + 3_000, what="three more candles")
    for symbol in ("BTCUSDT", "ETHUSDT"):
        check(redis, sim, seconds(symbol))
        check(redis, sim, Series(symbol, INTERVALS["1m"]))
    wait_for(lambda: "fetcher" in roles.heartbeats(redis), what="a sign of life")
    assert roles.heartbeats(redis)["fetcher"].detail["markets"] == 2
    assert abs(clock.read(redis).exchange_ms - sim.clock.now_ms()) < 1_000
    # Told to stop, it ends at once, even while the exchange hangs:
    sim.faults.add("timeout", seconds=60, count=None)
    asked = len(sim.requests())
    wait_for(lambda: len(sim.requests()) > asked, what="a request that hangs")
    assert fetcher.end(signal.SIGINT, STOP_S) == 0
    assert "Traceback" not in fetcher.output


def test_wrong_settings_are_named_and_end_it(processes: Roles) -> None:
    fetcher = processes.start("fetcher", ["background_fetcher.py"], {"INTERVALS": "7m"})
    fetcher.wait_for_line("INTERVALS='7m'")
    assert fetcher.process.wait(10) == 2


def test_a_redis_that_is_late_dies_or_freezes_leaves_no_hole(
    processes: Roles, tmp_path: Path, sim: SimServer
) -> None:
    server = RedisProc(tmp_path, aof=True, fsync="always")
    fetcher = start(processes, server.url, sim.rest_url)
    fetcher.wait_for_line("Redis is away")
    assert sim.requests() == []
    with server, server.client() as redis:
        follow(redis, sim)
        before = times(redis, seconds())
        server.kill()
        server.start()
        follow(redis, sim)
        assert times(redis, seconds())[: len(before)] == before
        server.freeze()
        frozen_at_ms = sim.clock.now_ms()
        wait_for(lambda: sim.clock.now_ms() > frozen_at_ms + 2_500, what="Redis to have hung")
        server.thaw()
        follow(redis, sim)
        check(redis, sim, seconds())
        assert fetcher.end(timeout_s=STOP_S) == 0


def test_an_exchange_that_goes_away_and_comes_back_leaves_no_hole(
    processes: Roles, redis: redis_py.Redis, redis_url: str
) -> None:
    port = free_port()
    with SimServer(["BTCUSDT"], port=port) as sim:
        start(processes, redis_url, sim.rest_url)
        follow(redis, sim)
        before = times(redis, seconds())[-1]
    fetcher = processes.all[0]
    fetcher.wait_for_line("BTCUSDT: .*(refused|cut|time|Remote|reset)")
    with SimServer(["BTCUSDT"], port=port) as sim:
        follow(redis, sim, timeout_s=70)
        found = times(redis, seconds())
        assert before in found
        check(redis, sim, seconds())


def test_a_fetcher_that_was_frozen_or_killed_catches_up(
    processes: Roles, redis: redis_py.Redis, redis_url: str, sim: SimServer
) -> None:
    fetcher = start(processes, redis_url, sim.rest_url)
    follow(redis, sim)
    fetcher.send(signal.SIGSTOP)
    stopped_at_ms = times(redis, seconds())[-1]
    wait_for(lambda: sim.clock.now_ms() > stopped_at_ms + 6_000, what="the market to go on")
    fetcher.send(signal.SIGCONT)
    follow(redis, sim)
    for _ in range(2):
        fetcher.kill()
        fetcher = start(processes, redis_url, sim.rest_url)
        newest = times(redis, seconds())[-1]
        wait_for(lambda past=newest: times(redis, seconds())[-1] > past, what="a new candle")  # type: ignore[misc]
    follow(redis, sim)
    check(redis, sim, seconds())


def test_one_market_that_always_fails_delays_no_other(
    processes: Roles, redis: redis_py.Redis, redis_url: str, sim: SimServer
) -> None:
    sim.faults.add("timeout", symbol="ETHUSDT", seconds=60, count=None)
    fetcher = start(processes, redis_url, sim.rest_url, "BTCUSDT,ETHUSDT,NOPEUSDT,SOLUSDT")
    follow(redis, sim, "BTCUSDT", "SOLUSDT")
    fetcher.wait_for_line("NOPEUSDT.*does not know this market; asked again in an hour")
    newest = times(redis, seconds())[-1]
    wait_for(lambda: times(redis, seconds())[-1] >= newest + 3_000, what="three more candles")
    follow(redis, sim, "BTCUSDT", "SOLUSDT")
    nope = [r for r in sim.requests() if r["params"].get("symbol") == "NOPEUSDT"]  # type: ignore[attr-defined]
    assert len(nope) == 1
    wait_for(
        lambda: roles.heartbeats(redis)["fetcher"].detail["unknown"] == ["NOPEUSDT"],
        what="the word",
    )


def test_no_request_leaves_while_the_exchange_asks_to_wait(
    processes: Roles, redis: redis_py.Redis, redis_url: str, sim: SimServer
) -> None:
    start(processes, redis_url, sim.rest_url, "BTCUSDT,ETHUSDT")
    follow(redis, sim, "BTCUSDT", "ETHUSDT")
    sim.faults.add("rate_limit", retry_after="4")
    limited = wait_for(
        lambda: [r for r in sim.requests() if r["status"] == 429], what="a request too many"
    )
    resumed = wait_for(
        lambda: [r for r in sim.requests() if r["at_ms"] > limited[-1]["at_ms"] + 1_000],  # type: ignore[operator]
        what="the next request",
    )
    # One that was under way already may have been answered a moment later.
    refused_ms = [int(str(r["at_ms"])) for r in sim.requests() if r["status"] == 429]
    assert max(refused_ms) <= min(refused_ms) + 1_000
    assert resumed[0]["at_ms"] - limited[0]["at_ms"] >= 3_900  # type: ignore[operator]
    follow(redis, sim, "BTCUSDT", "ETHUSDT")
    check(redis, sim, seconds())


def test_a_fifth_of_all_answers_faulty_leaves_the_truth_in_the_store(
    processes: Roles, redis: redis_py.Redis, redis_url: str, sim: SimServer
) -> None:
    for kind in ("server_error", "html", "truncate", "conflict", "empty", "shuffle", "crossed"):
        sim.faults.add(kind, path="klines", chance=0.04, for_ms=5_000)
    start(processes, redis_url, sim.rest_url)
    began_ms = sim.clock.now_ms()
    wait_for(lambda: sim.clock.now_ms() > began_ms + 5_000, what="the faults to end")
    follow(redis, sim, timeout_s=70)
    check(redis, sim, seconds())
