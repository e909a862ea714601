"""A role whose loop hangs ends by itself, so that a container is started again.

Never here: the timer itself (`tests/test_watchdog.py`).
Invariant: the real entry files with their real loops, one of which is made to spin for ever.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.loopback_ports import free_port
from tests.support.role_processes import Roles

#: The watchdog's patience is shorter here, and the loop spins once it has gone round for a while.
HANG = """
import runpy, sys
from truecandle.watchdog import Watchdog
Watchdog.__init__.__defaults__ = (4.0,)
import {module}
place, name = {place}, "{name}"
real, rounds = getattr(place, name), [0]
def spinning(*args, **named):
    rounds[0] += 1
    if rounds[0] > {after}:
        print("spins", flush=True)
        while True:
            pass
    return real(*args, **named)
setattr(place, name, spinning)
sys.argv = ["{entry}"]
runpy.run_path("{entry}", run_name="__main__")
"""
LOOPS = {
    "feed": dict(
        entry="live_candles.py", module="truecandle.feed.feed as feed", place="feed.Feed",
        name="step", after=20,
    ),
    "heartbeat": dict(
        entry="background_fetcher.py", module="truecandle.fetcher.heartbeat as beats",
        place="beats.Heartbeat", name="beat", after=2,
    ),
    "leadership": dict(
        entry="background_fetcher.py", module="truecandle.fetcher.leadership as leads",
        place="leads.FetcherLeadership", name="renew", after=2,
    ),
}  # fmt: skip


@pytest.mark.parametrize("loop", LOOPS)
def test_a_role_one_of_whose_loops_spins_ends_and_says_where(
    loop: str, redis_url: str, processes: Roles, tmp_path: Path
) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    env = {
        "REDIS_URL": redis_url, "BINANCE_REST_URL": nobody, "VAR_DIR": str(tmp_path),
        "BINANCE_WS_URL": nobody.replace("http", "ws"), "SYMBOLS": "BTCUSDT",
    }  # fmt: skip
    role = processes.start(loop, ["-c", HANG.format(**LOOPS[loop])], env)
    role.wait_for_line("spins")
    assert role.process.wait(40) == 1
    role.wait_for_line("in spinning")


#: A green thread that never lets go of the hub, which serves everybody.
HOG = """
import runpy, sys, threading
from truecandle.watchdog import Watchdog
Watchdog.__init__.__defaults__ = (4.0,)
start = Watchdog.__enter__
def starting(self):
    import eventlet
    def hog():
        print("spins", flush=True)
        while True:
            pass
    eventlet.spawn_after(1, hog)
    return start(self)
Watchdog.__enter__ = starting
sys.argv = ["app.py"]
runpy.run_path("app.py", run_name="__main__")
"""


def test_a_web_role_whose_hub_is_hogged_ends_and_says_where(
    redis_url: str, processes: Roles, tmp_path: Path
) -> None:
    env = {"REDIS_URL": redis_url, "PORT": str(free_port()), "VAR_DIR": str(tmp_path),
           "ASYNC_MODE": "eventlet"}  # fmt: skip
    role = processes.start("web", ["-c", HOG], env)
    role.wait_for_line("spins")
    assert role.process.wait(40) == 1
    role.wait_for_line("in hog")
