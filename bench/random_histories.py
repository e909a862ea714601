"""Random histories with random faults, and the store beside the exchange's truth after each.

    .venv/bin/python -m bench.random_histories                 # 1,000 histories, some minutes
    .venv/bin/python -m bench.random_histories --seed 3 --many 5000

The real fetcher and REST client over real sockets, a simulated exchange, a real Redis. Exits with 1
at the first history after which a stored byte differs, shrunk to the shortest that shows it.
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
import time
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.support.driven_fetcher import NOW_MS
from tests.support.random_histories import History, World, histories
from tests.support.redis_server import RedisProc
from truecandle.events import Publisher
from truecandle.sim.clock import SimulatedClock
from truecandle.sim.server import SimServer


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--many", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=2024)
    options = parser.parse_args()
    logging.disable(logging.WARNING)  # what is refused or held back is counted here
    with (
        tempfile.TemporaryDirectory() as folder,
        RedisProc(Path(folder)) as server,
        server.client() as redis,
        SimServer(["BTCUSDT"], clock=SimulatedClock(NOW_MS, speed=0)) as sim,
    ):
        world = World(sim, redis, Publisher(server.url))
        return run(world, options.many, options.seed)


def run(world: World, many: int, number: int) -> int:
    @seed(number)
    @settings(
        max_examples=many,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(history=histories())
    def all_histories(history: History) -> None:
        world.live(history)

    began_s = time.monotonic()
    try:
        all_histories()
    except AssertionError as error:
        print(f"a difference: {error}", *getattr(error, "__notes__", ()), sep="\n")
        return 1
    for what, count in sorted(world.counts.items()):
        print(f"{what:40}{count:>10,}")
    print(f"{world.counts['histories']:,} histories, {time.monotonic() - began_s:.0f} s, 0 differ")
    return 0


if __name__ == "__main__":
    sys.exit(main())
