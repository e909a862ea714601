"""Random histories with random faults: once the exchange is calm, the store is its truth.

A thousand of them, with figures: `python -m bench.random_histories`.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis as redis_py
from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.support.driven_fetcher import NOW_MS
from tests.support.random_histories import History, World, histories
from truecandle.events import Publisher
from truecandle.sim.clock import SimulatedClock
from truecandle.sim.server import SimServer


@pytest.fixture
def world(redis: redis_py.Redis, redis_url: str) -> Iterator[World]:
    with SimServer(["BTCUSDT"], clock=SimulatedClock(NOW_MS, speed=0)) as sim:
        yield World(sim, redis, Publisher(redis_url))


@seed(1)
@settings(
    max_examples=12,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(history=histories())
def test_after_the_exchange_has_calmed_down_the_store_equals_its_truth(
    world: World, history: History
) -> None:
    world.live(history)
