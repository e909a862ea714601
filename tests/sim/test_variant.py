"""Another exchange of the family: what it does not know it refuses, in the family's own words."""

from __future__ import annotations

import requests

from tests.support.sim_time import NOW_MS
from truecandle.sim.clock import SimulatedClock
from truecandle.sim.server import SimServer
from truecandle.sim.variant import BINANCE_US

REFUSED = {
    "exchangeInfo?symbolStatus=TRADING": (400, -1104),
    "exchangeInfo?symbol=BTCUSDT&showPermissionSets=false": (400, -1104),
    "klines?symbol=BTCUSDT&interval=1s": (400, -1120),
    "uiKlines?symbol=BTCUSDT&interval=1m": (404, -5000),
}
WEIGHTS = {
    "time": 1, "klines?symbol=BTCUSDT&interval=1m&limit=1": 1, "aggTrades?symbol=BTCUSDT": 1,
    "exchangeInfo": 10, "ticker/24hr?type=MINI": 40,
}  # fmt: skip


def test_a_variant_refuses_what_it_does_not_know_and_charges_its_own_weights() -> None:
    with SimServer(clock=SimulatedClock(NOW_MS, speed=0), variant=BINANCE_US) as sim:

        def ask(query: str) -> requests.Response:
            return requests.get(f"{sim.rest_url}/api/v3/{query}", timeout=30)

        refused = {query: ask(query) for query in REFUSED}
        assert {q: (a.status_code, a.json()["code"]) for q, a in refused.items()} == REFUSED
        sim.limits.reset()
        used = 0
        for query, weight in WEIGHTS.items():
            used += weight
            assert ask(query).headers["x-mbx-used-weight-1m"] == str(used), query
        limits = ask("exchangeInfo").json()["rateLimits"]
        assert [one["limit"] for one in limits if one["rateLimitType"] == "REQUEST_WEIGHT"] == [
            1_200
        ]
