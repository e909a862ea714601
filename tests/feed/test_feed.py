"""The feed on a real Redis and a simulated exchange: what is stored, what is told, and when."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from redis import Redis

from live_candles import get_live_candle, save_live_candle
from tests.support.running_feed import Feeding, Listener, values
from tests.support.waiting import wait_for
from truecandle.candles.candle import LiveCandle, live_from_json
from truecandle.candles.series import parse_series
from truecandle.events import LIVE_CANDLE, LIVE_PRICE
from truecandle.sim.clock import SimulatedClock
from truecandle.sim.server import SimServer
from truecandle.store import keys, live, roles

SYMBOLS = ("BTCUSDT", "ETHUSDT")
#: A minute of the exchange passes in 3 s.
SPEED = 20.0
#: Slow enough for a price of every second to be told.
SLOW = 4.0


@pytest.fixture
def sim() -> Iterator[SimServer]:
    with SimServer(SYMBOLS, clock=SimulatedClock(speed=SPEED)) as server:
        yield server


@pytest.fixture
def slow_sim() -> Iterator[SimServer]:
    with SimServer(SYMBOLS, clock=SimulatedClock(speed=SLOW)) as server:
        yield server


def test_closed_candles_equal_the_truth_and_at_no_moment_is_there_a_hole(
    sim: SimServer, redis_url: str
) -> None:
    seen: dict[tuple[str, str, int], LiveCandle] = {}
    with Feeding(sim, redis_url, SYMBOLS, ("1s", "1m", "3d", "1M")) as feeding:

        def sampled() -> bool:
            for series in feeding.settings.series:
                candles = feeding.candles(series.symbol, series.interval.name)
                opens = [candle.open_ms for candle in candles]
                if series.interval.has_grid:
                    all_of_them = series.interval.opens(opens[0], opens[-1] + 1) if opens else []
                    assert opens == list(all_of_them), f"a hole in {series}"
                for one in candles:
                    seen[series.symbol, series.interval.name, one.open_ms] = one
            return sum(1 for key, c in seen.items() if key[1] == "1m" and c.is_complete) >= 4

        wait_for(sampled, 60, "two closed minutes of both markets")
        assert feeding.streams.counts()["failures"] == 0
    closed = {key: candle for key, candle in seen.items() if candle.is_complete}
    assert {name for _, name, _ in closed} >= {"1s", "1m"}
    assert {name for _, name, _ in seen} == {"1s", "1m", "3d", "1M"}
    for (symbol, name, open_ms), candle in closed.items():
        (truth,) = sim.market.truth(symbol, name, open_ms, open_ms + 1)
        assert (values(candle), candle.trades) == (values(truth), truth.trades)


def test_a_candle_joined_midway_has_the_official_open_from_its_first_moment(
    sim: SimServer, redis_url: str
) -> None:
    with Feeding(sim, redis_url, ("BTCUSDT",), ("1d",)) as feeding:
        candle = wait_for(lambda: feeding.candles("BTCUSDT", "1d"), what="the day's candle")[0]
    official = sim.market.klines("BTCUSDT", "1d", limit=1)[0]
    assert candle.open == values(official)[0]
    assert candle.trades > 1000


def test_a_live_candle_holds_exactly_what_was_announced_before_it(
    slow_sim: SimServer, redis_url: str, redis: Redis
) -> None:
    with Listener(redis) as listener:
        with Feeding(slow_sim, redis_url, ("BTCUSDT",), ("1s",)) as feeding:
            feeding.wait_for_closed("BTCUSDT", "1s", 12)
        events = listener.read()
    announced: dict[int, int] = {}
    first_ms = next(data["candle"]["time"] for event, _, data in events if event == LIVE_CANDLE)
    compared = 0
    for event, _, data in events:
        if event == LIVE_PRICE:
            open_ms = data["timestamp"] // 1000 * 1000
            announced[open_ms] = announced.get(open_ms, 0) + data["trades"]
        elif data["candle"]["time"] > first_ms:
            candle = data["candle"]
            assert candle["trades"] == announced.get(candle["time"], 0)
            compared += 1
    assert compared > 6


def test_prices_never_span_a_second_and_only_move_forward(
    slow_sim: SimServer, redis_url: str, redis: Redis
) -> None:
    with Listener(redis) as listener:

        def told() -> list[dict[str, Any]]:
            return [data for event, _, data in listener.read() if event == LIVE_PRICE]

        with Feeding(slow_sim, redis_url, ("BTCUSDT",), ("1s",)):
            wait_for(lambda: len(told()) > 6, what="some prices")
    times = [one["timestamp"] for one in told()]
    assert times == sorted(times)
    for one in told():
        assert {"symbol", "price", "timestamp", "high", "low", "volume"} < set(one)
        assert {"trades", "first_id", "last_id"} < set(one)
        start_ms = one["timestamp"] - one["timestamp"] % 1000
        second = slow_sim.market.kline("BTCUSDT", "1s", start_ms, start_ms + 1000)
        assert float(second.low) <= float(one["low"]) <= float(one["price"]) <= float(one["high"])
        assert float(one["high"]) <= float(second.high)


def test_a_closing_candle_is_told_as_pending_before_the_next_is_told_as_forming(
    slow_sim: SimServer, redis_url: str, redis: Redis
) -> None:
    with Listener(redis) as listener:
        with Feeding(slow_sim, redis_url, ("BTCUSDT",), ("1s",)) as feeding:
            feeding.wait_for_closed("BTCUSDT", "1s", 5)
        told = [data["candle"] for event, _, data in listener.read() if event == LIVE_CANDLE]
    for before, after in pairwise(told):
        if after["time"] > before["time"]:
            assert (before["state"], before["is_complete"]) == ("pending", True)
    assert [one["time"] for one in told] == sorted(one["time"] for one in told)


def test_a_damaged_key_spoils_its_own_series_only(
    sim: SimServer, redis_url: str, redis: Redis
) -> None:
    redis.lpush(keys.live(parse_series("BTCUSDT", "1m")), "not ours")
    with Feeding(sim, redis_url, ("BTCUSDT",), ("1s", "1m")) as feeding:
        feeding.wait_for_closed("BTCUSDT", "1s", 3)
    assert redis.type(keys.live(parse_series("BTCUSDT", "1m"))) == b"list"


def test_the_heartbeat_tells_the_last_event_of_every_market(
    sim: SimServer, redis_url: str, redis: Redis
) -> None:
    with Feeding(sim, redis_url, SYMBOLS, ("1m",)):

        def told() -> bool:
            beat = roles.heartbeats(redis).get("feed")
            return beat is not None and all(beat.detail["last_event_ms"].values())

        wait_for(told, what="a heartbeat with events of both markets")
        detail = roles.heartbeats(redis)["feed"].detail
    assert set(detail["last_event_ms"]) == set(SYMBOLS)
    assert detail["lost"] == 0
    assert (detail["settings"]["TRADES_KEPT"], detail["settings"]["INTERVALS"]) == (0, ["1m"])
    assert detail["messages"] > 0


def test_people_of_the_first_sketch_can_save_and_get_a_live_candle(redis: Redis) -> None:
    series = parse_series("BTCUSDT", "1M")
    fields = {"open": "100", "high": 110, "low": "90.50", "close": "105", "volume": "1.0"}
    open_ms = series.interval.open_ms(1_795_000_000_000)
    now = {"time": open_ms, **fields}
    assert get_live_candle("BTCUSDT", "1M", redis) is None
    newest = series.interval.open_ms(sim_now())
    assert save_live_candle("BTCUSDT", "1M", {**now, "time": newest}, redis)
    text = get_live_candle("BTCUSDT", "1M", redis)
    assert text
    assert live_from_json(text).low == "90.5"
    older = series.interval.previous_open_ms(newest)
    assert save_live_candle("BTCUSDT", "1M", {**now, "time": older}, redis)
    found = live.read_live(redis, series, sim_now())
    assert found.forming is not None
    assert found.forming.open_ms == newest
    assert [one.open_ms for one in found.pending] == [older]


def sim_now() -> int:
    return SimulatedClock().now_ms()
