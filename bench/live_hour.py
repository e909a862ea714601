"""An hour of a whole system that is disturbed all the time: are its candles exact and honest?

    .venv/bin/python -m bench.live_hour [--minutes 60] [--page] [--clocks]

Starts Redis, the simulated exchange, web, fetcher and two feeds on free ports, with 1s, 1m and 5m
of three markets. The exchange ends all stream connections once a minute at a random second, goes
silent twice for 20 s, announces its shutdown once, and ends every connection after five minutes of
age; the feeds renew theirs after four at most (24 hours compressed). One feed is killed while it
leads, and started again. With --clocks every role and Redis has a machine clock of its own,
and each five minutes some or all of them are set to another time, a second to an hour off.
Meanwhile every series is sampled in Redis ten times a second and over HTTP in turn, and every event
to browsers is read. It ends by itself, ends only what it started, prints a report, and exits with 1
if anything was wrong.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from pathlib import Path

from bench.parts.candle_watcher import CandleWatcher, now_ms
from bench.parts.disturbed_system import SEED, DisturbedSystem, Script, leaders
from bench.parts.hour_report import Report
from bench.parts.outside_watchers import SYMBOLS, Page, Usage, Web
from tests.support.expected_candles import Truth
from tests.support.machine_clock import MachineClock
from tests.support.role_processes import Roles
from tests.support.waiting import wait_for
from truecandle.candles.interval import INTERVALS
from truecandle.candles.series import Series
from truecandle.sim.clock import SimulatedClock
from truecandle.sim.market import simulated
from truecandle.store import connect

FOLLOWED = ("1s", "1m", "5m")
MACHINES = ("redis", "web", "fetcher", "feed", "feed2")


def main() -> int:
    options = _options()
    dice = random.Random(options.seed)
    with tempfile.TemporaryDirectory(prefix="live_hour") as folder:
        names = MACHINES if options.clocks else ()
        clocks = {name: MachineClock(Path(folder) / name) for name in names}
        system = DisturbedSystem(
            Path(folder), Roles(), ",".join(SYMBOLS), clocks, SYMBOLS=",".join(SYMBOLS),
            INTERVALS=",".join(FOLLOWED),
        )  # fmt: skip
        try:
            system.open()
            return watched(system, options, dice, list(clocks.values()))
        finally:
            system.close()


def watched(
    system: DisturbedSystem,
    options: argparse.Namespace,
    dice: random.Random,
    clocks: list[MachineClock],
) -> int:
    """Disturbs and watches for as long as asked, then reports."""
    market = simulated(SEED, SYMBOLS, SimulatedClock())
    first_ms = INTERVALS["5m"].open_ms(now_ms()) - 300_000
    truths = {symbol: Truth(market.course(symbol), first_ms) for symbol in SYMBOLS}
    series = [Series(symbol, INTERVALS[name]) for symbol in SYMBOLS for name in FOLLOWED]
    watcher = CandleWatcher(connect(system.redis.url), series, truths)
    token = system.token()
    web = Web(system, watcher, token)
    page = Page(system) if options.page else None
    usage = Usage(system.pids)
    wait_for(lambda: len(leaders(system)) == len(SYMBOLS), 30, "a leader for every market")
    wait_for(web.is_fresh, 30, "a freshness of every market")
    wait_for(watcher.is_chain_whole, 30, "a whole chain of every series")
    watching: list[CandleWatcher | Web | Page] = [watcher, web, *([page] if page else [])]
    for thread in watching:
        thread.start()
    script = Script(system, options.minutes, dice, clocks)
    try:
        script.run(usage)
    finally:
        for thread in watching:
            thread.stopping.set()
        for thread in watching:
            thread.join(30)
    usage.note("end")
    return Report(system, watcher, web, page, script, usage).print()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--page", action="store_true", help="watch a Chromium page too")
    parser.add_argument("--clocks", action="store_true", help="set the machines' clocks, too")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
