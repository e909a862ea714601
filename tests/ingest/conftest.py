"""What the fetcher and the commands share, driven by hand: its exchange and its store.

Never here: assertions.
Invariant: nothing between exchange and store is replaced; only time stands still where told to.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from redis import Redis

from tests.support.driven_fetcher import NOW_MS, Desk
from truecandle.sim.clock import SimulatedClock
from truecandle.sim.server import SimServer


@pytest.fixture
def sim() -> Iterator[SimServer]:
    """Two markets, time stands still at NOW_MS until told."""
    with SimServer(["BTCUSDT", "SOLUSDT"], clock=SimulatedClock(NOW_MS, speed=0)) as server:
        yield server


@pytest.fixture
def desk(sim: SimServer, redis: Redis, redis_url: str) -> Desk:
    return Desk(sim, redis, redis_url, history=300)
