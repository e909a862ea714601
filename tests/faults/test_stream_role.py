"""The feed as a process: `python live_candles.py`, its start, its outages and its end."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from tests.support.loopback_ports import free_port
from tests.support.redis_server import RedisProc
from tests.support.role_processes import Role, Roles
from tests.support.waiting import HANGS_S, wait_for
from truecandle.candles.series import parse_series
from truecandle.sim.server import SimServer
from truecandle.store import live

SERIES = parse_series("BTCUSDT", "1s")


def start(processes: Roles, redis_url: str, ws_url: str) -> Role:
    env = {
        "REDIS_URL": redis_url,
        "BINANCE_WS_URL": ws_url,
        "SYMBOLS": "BTCUSDT",
        "INTERVALS": "1s,1m",
    }
    return processes.start("feed", ["live_candles.py"], env)


def wait_for_newer(server: RedisProc, than_ms: int = 0) -> int:
    """The open time of a forming candle that is newer, once there is one."""

    def newest() -> int:
        with server.client() as client:
            forming = live.read_live(client, SERIES, time.time_ns() // 1_000_000).forming
        return forming.open_ms if forming and forming.open_ms > than_ms else 0

    return wait_for(newest, what="a newer live candle")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_follows_the_market_and_ends_in_good_order(
    processes: Roles, number: signal.Signals, tmp_path: Path
) -> None:
    with SimServer(["BTCUSDT"]) as sim, RedisProc(tmp_path) as server:
        role = start(processes, server.url, sim.ws_url)
        wait_for_newer(server)
        started_s = time.monotonic()
        assert role.end(number) == 0
        assert time.monotonic() - started_s < HANGS_S
        assert "stopped" in role.output
        assert "Traceback" not in role.output


def test_it_starts_and_ends_while_redis_and_the_exchange_are_down(processes: Roles) -> None:
    role = start(processes, f"redis://127.0.0.1:{free_port()}", f"ws://127.0.0.1:{free_port()}")
    role.wait_for_line("Connection refused")
    role.wait_for_line("candles are kept until it is back")
    assert role.end() == 0
    assert "Traceback" not in role.output


def test_it_heals_when_redis_and_the_exchange_come_and_go(processes: Roles, tmp_path: Path) -> None:
    port = free_port()
    with RedisProc(tmp_path, aof=True) as server:
        role = start(processes, server.url, f"ws://127.0.0.1:{port}")
        role.wait_for_line("again in")
        with SimServer(["BTCUSDT"], port=port):
            seen_ms = wait_for_newer(server)
            server.kill()
            role.wait_for_line("candles are kept until it is back")
            server.start()
            role.wait_for_line("Redis is back")
            seen_ms = wait_for_newer(server, seen_ms)
        role.wait_for_line("closed by the exchange|Connection refused")
        with SimServer(["BTCUSDT"], port=port):
            wait_for_newer(server, seen_ms)
        assert role.end() == 0
        assert "Traceback" not in role.output


def test_a_killed_feed_goes_on_where_the_exchange_is(processes: Roles, tmp_path: Path) -> None:
    with SimServer(["BTCUSDT"]) as sim, RedisProc(tmp_path) as server:
        role = start(processes, server.url, sim.ws_url)
        seen_ms = wait_for_newer(server)
        role.kill()
        start(processes, server.url, sim.ws_url)
        wait_for_newer(server, seen_ms)


def test_wrong_settings_are_named_all_at_once_and_end_it(processes: Roles) -> None:
    env = {"BINANCE_WS_URL": "http://x", "INTERVALS": "1H", "SYMBOLS": "btcusdt"}
    role = processes.start("feed", ["live_candles.py"], env)
    assert role.process.wait(10) == 2
    wait_for(lambda: not role.alive(), what="its output")
    for name in env:
        assert name in role.output
