"""What may be asked of an exchange that knows less than Binance itself.

Never here: how requests travel (`test_http`), what answers mean (`test_parsing`).
Invariant: the same is found out about its markets, only in more bytes.
"""

from __future__ import annotations

from typing import Any

import pytest
from redis import Redis

from tests.support.sim_time import NOW_MS
from truecandle.binance.rest.client import RestClient
from truecandle.errors import ExchangeRefused
from truecandle.sim.clock import SimulatedClock
from truecandle.sim.server import SimServer
from truecandle.sim.variant import BINANCE_US
from truecandle.store.budget import Budget

LISTED = ("BTCUSDT", "ETHUSDT", "PAXGUSDT")


def test_an_exchange_without_binances_newer_parameters_tells_its_markets_and_limits_all_the_same(
    redis: Redis,
) -> None:
    """Binance.US: 1,200 a minute, no `1s`, and of two parameters it has never heard."""
    clock = SimulatedClock(NOW_MS, speed=0)
    with SimServer(LISTED, clock=clock, variant=BINANCE_US) as sim:
        sim.faults.add("listing", symbol="ETHUSDT", status="BREAK", count=None)
        budget = Budget(redis)
        client = RestClient(sim.rest_url, budget, now_ms=clock.now_ms)
        found = {one.symbol: one for one in client.instruments(LISTED).instruments}
        assert {one: found[one].status for one in LISTED} == {
            "BTCUSDT": "TRADING", "ETHUSDT": "BREAK", "PAXGUSDT": "TRADING",
        }  # fmt: skip
        assert found["BTCUSDT"].tick_size == "0.01"
        assert [one.symbol for one in client.trading().instruments] == ["BTCUSDT", "PAXGUSDT"]
        assert {one.symbol for one in client.tickers().tickers} == set(LISTED)
        assert statuses(sim, "exchangeInfo") == [400, 200, 200], "refused once, and never again"
        with pytest.raises(ExchangeRefused, match="-1121"):
            client.instruments(["NOPEUSDT"])
        with pytest.raises(ExchangeRefused, match="-1120"):
            client.klines("BTCUSDT", "1s")
        assert len(client.klines("BTCUSDT", "1m", limit=5)) == 5
        used = budget.used(clock.now_ms())
        assert budget.take(1_200 * 8 // 10 - used, clock.now_ms()) == 0
        assert budget.take(1, clock.now_ms()) > 0, "four fifths of what it allows"


def statuses(sim: SimServer, path: str) -> list[Any]:
    return [one["status"] for one in sim.requests() if one["path"] == f"/api/v3/{path}"]
