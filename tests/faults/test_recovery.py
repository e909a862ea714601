"""No trade is lost to a break: what the connections missed is in every candle soon after."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from tests.breaking import Watch, cut
from tests.harness import wait_for
from truecandle.candles.interval import HOUR_MS, MINUTE_MS
from truecandle.sim.clock import Clock
from truecandle.sim.server import SimServer

#: An hour that the simulated market spends trading, and soon a minute ends.
START_MS = 1_795_000_000_000 // HOUR_MS * HOUR_MS + 20 * MINUTE_MS
SPEED = 4.0


@pytest.fixture
def sim() -> Iterator[SimServer]:
    with SimServer(("BTCUSDT",), clock=Clock(START_MS + 55_000, speed=SPEED)) as server:
        yield server


def test_breaks_of_any_length_cost_no_trade_not_even_across_a_close(
    sim: SimServer, redis_url: str
) -> None:
    with Watch(sim, redis_url, ["BTCUSDT"], ["1s", "1m"]) as watch:
        watch.wait_until_exact(sim.clock.now_ms())
        for lost_ms in (500, 5_000, 60_000):
            watch.wait_until_exact(cut(sim, lost_ms))
            assert watch.problems() == []
        counts = watch.recovery.counts()
    assert counts["trades"] > 50
    assert counts["gave_up"] == counts["failed"] == counts["holes"] == 0


def test_ten_disconnects_at_random_moments_cost_no_trade(sim: SimServer, redis_url: str) -> None:
    dice = random.Random(11)
    with Watch(sim, redis_url, ["BTCUSDT"], ["1s", "1m"]) as watch:
        watch.wait_until_exact(sim.clock.now_ms())
        for _ in range(10):
            until_ms = sim.clock.now_ms() + dice.randrange(100, 3_000)
            wait_for(lambda at=until_ms: sim.clock.now_ms() >= at, what="a random moment")
            back_ms = cut(sim, dice.randrange(0, 4_000))
            wait_for(lambda: sim.connections == 1, what="the next connection")
        watch.wait_until_exact(back_ms)
        assert watch.problems() == []
        assert watch.recovery.counts()["gave_up"] == 0


def test_an_exchange_that_answers_badly_delays_what_is_missing_and_nothing_more(
    redis_url: str,
) -> None:
    symbols = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "BNBUSDT")
    clock = Clock(START_MS + 55_000, speed=SPEED)
    with SimServer(symbols, clock=clock) as sim, Watch(sim, redis_url, symbols, ["1m"]) as watch:
        watch.wait_until_exact(sim.clock.now_ms())
        watch.told()
        back_ms = cut(sim, 30_000)
        sim.faults.add("delay", path="aggTrades", symbol="BTCUSDT", ms=1_500)
        sim.faults.add("server_error", path="aggTrades", symbol="ETHUSDT", count=2)
        sim.faults.add("truncate", path="aggTrades", symbol="SOLUSDT")
        sim.faults.add("rate_limit", path="aggTrades", symbol="BNBUSDT", retry_after="1")
        watch.wait_until_exact(back_ms)
        assert any(not one.is_exact for one in watch.told())
        assert watch.problems() == []
        counts = watch.recovery.counts()
    assert counts["failed"] >= 4
    assert counts["gave_up"] == 0
    asked = [one for one in sim.requests() if one["path"] == "/api/v3/aggTrades"]
    assert len(asked) == counts["asked"]
    assert len({one["params"]["symbol"] for one in asked}) == len(symbols)


def test_a_break_of_more_than_a_few_pages_is_left_to_klines(redis_url: str) -> None:
    clock = Clock(START_MS, speed=SPEED)
    with (
        SimServer(("BTCUSDT",), clock=clock) as sim,
        Watch(sim, redis_url, ["BTCUSDT"], ["1m", "1h"]) as watch,
    ):
        watch.wait_until_exact(sim.clock.now_ms())
        joined_ms = sim.clock.now_ms()
        back_ms = cut(sim, 2 * HOUR_MS)
        minute, hour = watch.series

        def are_right() -> bool:
            newest = [watch.candles(one)[-1] for one in (minute, hour)]
            return all(one.updated_at > back_ms and one.is_exact for one in newest)

        wait_for(are_right, 30.0, "forming candles right again")
        watch.told()
        assert watch.judge.false == []
        assert watch.recovery.counts()["gave_up"] == 1
        broken = {one.open_ms: one.is_exact for one in watch.candles(hour) if one.is_complete}
        assert not broken.get(joined_ms // HOUR_MS * HOUR_MS, False)
    weight = sum(int(str(one["weight"])) for one in sim.requests())
    assert weight <= 5 * 4
