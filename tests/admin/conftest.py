"""The `flask` command against a real Redis, the simulated exchange and a local archive.

Never here: assertions.
Invariant: nothing between the command and the wire is replaced, and what a command changes in the
server's settings ends with the test.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from tests.support.archive_server import ArchiveServer
from tests.support.driven_fetcher import NOW_MS
from tests.support.flask_commands import Shell
from tests.support.redis_server import RedisProc
from truecandle.config import Settings
from truecandle.sim.clock import SimulatedClock
from truecandle.sim.server import SimServer


@pytest.fixture(scope="module")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisProc]:
    """A server of the module's own, with the append-only file that the doctor asks for."""
    with RedisProc(tmp_path_factory.mktemp("redis"), aof=True) as server:
        yield server


@pytest.fixture
def redis(redis_server: RedisProc) -> Iterator[Redis]:
    with redis_server.client() as client:
        client.flushall()
        client.config_set("maxmemory-policy", "noeviction")
        client.config_set("appendonly", "yes")
        yield client


@pytest.fixture
def archives(tmp_path: Path) -> Iterator[ArchiveServer]:
    served = ArchiveServer(tmp_path)
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
def running_sim() -> Iterator[SimServer]:
    """An exchange of the test's own, whose time passes."""
    with SimServer(symbols=["BTCUSDT"], clock=SimulatedClock(NOW_MS)) as server:
        yield server


@pytest.fixture
def shell(
    redis_url: str, redis: Redis, sim: SimServer, archives: ArchiveServer, tmp_path: Path
) -> Shell:
    return Shell(
        Settings(
            redis_url=redis_url,
            binance_rest_url=sim.rest_url,
            binance_archive_url=archives.url,
            var_dir=tmp_path / "var",
        )
    )
