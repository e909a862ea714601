"""Fixtures of the simulated exchange's own tests.

Never here: assertions.
Invariant: `still` is shared and never scripted; a test that adds faults starts its own server.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.sim_time import NOW_MS
from truecandle.sim.clock import SimulatedClock
from truecandle.sim.server import SimServer


@pytest.fixture(scope="session")
def still() -> Iterator[SimServer]:
    """Three markets, time stands still at NOW_MS."""
    symbols = ["BTCUSDT", "PEPEUSDT", "PAXGUSDT"]
    with SimServer(symbols, clock=SimulatedClock(NOW_MS, speed=0)) as server:
        yield server


@pytest.fixture
def sim() -> Iterator[SimServer]:
    """A server of its own, in real time."""
    with SimServer(["BTCUSDT", "PAXGUSDT"]) as server:
        yield server


@pytest.fixture
def frozen() -> Iterator[SimServer]:
    """A server of its own whose clock stands still at NOW_MS until told."""
    with SimServer(["BTCUSDT", "PAXGUSDT"], clock=SimulatedClock(NOW_MS, speed=0)) as server:
        yield server
