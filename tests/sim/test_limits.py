"""Weight, 429 with Retry-After, and the ban of those who ignore it."""

from __future__ import annotations

import re

import requests

from tests.support.sim_time import NOW_MS
from truecandle.candles.interval import MINUTE_MS
from truecandle.sim.clock import SimulatedClock
from truecandle.sim.limits import PATIENCE, Caps
from truecandle.sim.server import SimServer


def ping(sim: SimServer) -> requests.Response:
    return requests.get(f"{sim.rest_url}/api/v3/ping", timeout=10)


def test_too_much_weight_is_answered_with_429_until_the_minute_ends() -> None:
    clock = SimulatedClock(NOW_MS, speed=0)
    with SimServer(clock=clock, caps=Caps(weight=3)) as sim:
        assert [ping(sim).status_code for _ in range(3)] == [200, 200, 200]
        refused = ping(sim)
        assert refused.status_code == 429
        assert refused.json()["code"] == -1003
        assert 0 < int(refused.headers["Retry-After"]) <= 60
        assert int(refused.headers["Retry-After"]) * 1000 >= MINUTE_MS - NOW_MS % MINUTE_MS


def test_who_waits_as_told_is_served_again() -> None:
    with SimServer(clock=SimulatedClock(NOW_MS, speed=0)) as sim:
        sim.limits.hold(0.05)
        assert ping(sim).status_code == 429
        sim.limits.hold(0)
        assert ping(sim).status_code == 200


def test_who_ignores_the_429_is_banned_and_told_until_when() -> None:
    with SimServer(clock=SimulatedClock(NOW_MS, speed=0)) as sim:
        sim.limits.hold(60)
        statuses = [ping(sim).status_code for _ in range(PATIENCE + 2)]
        assert statuses == [429] * PATIENCE + [418, 418]
        banned = ping(sim)
        assert banned.json()["code"] == -1003
        until = re.search(r"IP banned until (\d{13})\.", banned.json()["msg"])
        assert until and NOW_MS < int(until[1]) <= NOW_MS + 120_000
        assert 0 < int(banned.headers["Retry-After"]) <= 120
        sim.limits.reset()
        assert ping(sim).status_code == 200


def test_too_many_stream_connections_are_refused() -> None:
    with SimServer(clock=SimulatedClock(NOW_MS, speed=0), caps=Caps(connections=0)) as sim:
        assert requests.get(f"{sim.rest_url}/ws/btcusdt@trade", timeout=10).status_code == 429
