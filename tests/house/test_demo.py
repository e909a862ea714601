"""`make demo` as a person meets it: one command, a link to open, Ctrl-C, nothing left.

Never here: what the page shows (`tests/e2e`).
Invariant: what the terminal says is all a person needs to know.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.support.loopback_ports import accepts, free_port
from tests.support.role_processes import Role
from tests.support.waiting import wait_for
from tools import leftovers

READY_S = 60.0


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[tuple[Role, list[int]]]:
    """A running `make demo` on free ports, with its ports: page, Redis, exchange."""
    ports = [free_port() for _ in range(3)]
    numbers = dict(zip(("PORT", "REDIS_PORT", "SIM_PORT"), map(str, ports), strict=True))
    small = {"VAR_DIR": str(tmp_path), "SYMBOLS": "BTCUSDT", "INTERVALS": "1m"}
    inherited = {name: text for name, text in os.environ.items() if not name.startswith("MAKE")}
    command = ["make", "--no-print-directory", "demo"]
    role = Role("demo", command, inherited | numbers | small | {"HISTORY_CANDLES": "50"})
    yield role, ports
    if role.process.poll() is None:
        role.end(timeout_s=READY_S)
    leftovers.end(tmp_path / "demo")


def test_one_command_starts_everything_and_ctrl_c_stops_it(
    demo: tuple[Role, list[int]], tmp_path: Path
) -> None:
    role, ports = demo
    link = role.wait_for_line(rf"(http://127\.0\.0\.1:{ports[0]}/login)#link=\S+", READY_S)[1]
    assert requests.get(link, timeout=5).status_code == 200
    ready = f"http://127.0.0.1:{ports[0]}/readyz"
    wait_for(lambda: requests.get(ready, timeout=5).status_code == 200, READY_S, ready)

    os.killpg(role.pid, signal.SIGINT)
    role.process.wait(READY_S)
    role.wait_for_line("demo: stopped, nothing is left running")
    assert leftovers.find(tmp_path / "demo") == []
    assert not any(map(accepts, ports))
