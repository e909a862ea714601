"""The `flask` command against a real Redis, the simulated exchange and a local archive.

Never here: assertions.
Invariant: nothing between the command and the wire is replaced.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from tests.support.archive_server import Shelf
from tests.support.driven_fetcher import NOW_MS
from tests.support.flask_commands import Shell
from truecandle.config import Settings
from truecandle.sim.clock import SimulatedClock
from truecandle.sim.server import SimServer


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    served = Shelf(tmp_path)
    yield served
    served.close()


@pytest.fixture(scope="module")
def exchange() -> Iterator[SimServer]:
    with SimServer(symbols=["BTCUSDT"], clock=SimulatedClock(NOW_MS, speed=0)) as server:
        yield server


@pytest.fixture
def sim(exchange: SimServer) -> SimServer:
    exchange.faults.clear()
    exchange.limits.reset()
    exchange.market.restore()
    exchange.exchange.rest.log.clear()
    return exchange


@pytest.fixture
def shell(redis_url: str, redis: Redis, sim: SimServer, shelf: Shelf, tmp_path: Path) -> Shell:
    return Shell(
        Settings(
            redis_url=redis_url,
            binance_rest_url=sim.rest_url,
            binance_archive_url=shelf.url,
            var_dir=tmp_path / "var",
        )
    )
