"""`python -m truecandle.sim` as a process: it says where it is, and stops when told."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import websocket

from tests.support.loopback_ports import free_port
from tests.support.project_files import ROOT

Process = subprocess.Popen[str]


@pytest.fixture
def started() -> Iterator[Any]:
    running: list[Process] = []

    def start(*options: str) -> tuple[Process, str]:
        command = [sys.executable, "-m", "truecandle.sim", *options]
        pipe = subprocess.PIPE
        process = subprocess.Popen(command, cwd=ROOT, stdout=pipe, stderr=pipe, text=True)
        running.append(process)
        assert process.stdout
        return process, process.stdout.readline()

    yield start
    for process in running:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_and_stops_with_clients_connected(started: Any, number: signal.Signals) -> None:
    process, line = started("--port", "0", "--symbols", "PAXGUSDT", "--seed", "3")
    url = re.search(r"http://127\.0\.0\.1:\d+", line)
    assert url and "PAXGUSDT" in line
    assert requests.get(f"{url[0]}/api/v3/ping", timeout=10).json() == {}
    stream = websocket.create_connection(url[0].replace("http", "ws") + "/ws/paxgusdt@trade")
    process.send_signal(number)
    assert process.wait(20) == 0
    stream.shutdown()


def test_a_taken_port_is_said_in_one_line_with_the_way_out(started: Any) -> None:
    port = str(free_port())
    started("--port", port, "--symbols", "PAXGUSDT")
    second, line = started("--port", port, "--symbols", "PAXGUSDT")
    assert (second.wait(10), line) == (1, "")
    problem = second.stderr.read()
    assert problem.count("\n") == 1 and port in problem and "--port" in problem


def test_a_wrong_symbol_or_file_is_said_in_one_line(started: Any) -> None:
    for options in (["--symbols", "what"], ["--replay", "BTCUSDT:1m=/no/such/file.json"]):
        process, _ = started("--port", "0", *options)
        assert process.wait(10) == 1
        assert process.stderr.read().count("\n") == 1


def test_a_long_list_trades_and_is_not_named_whole(started: Any) -> None:
    process, line = started("--port", "0", "--symbols", "PAXGUSDT", "--listed", "300")
    url = re.search(r"http://127\.0\.0\.1:\d+", line)
    assert url and "PAXGUSDT, " in line and "and 291 more" in line and len(line) < 300
    rows = requests.get(f"{url[0]}/api/v3/ticker/24hr?type=MINI", timeout=10).json()
    assert len(rows) == 301
    process, _ = started("--port", "0", "--listed", "1e3")
    assert process.wait(10) == 2 and "from 0 to" in process.stderr.read()


def test_it_can_replay(started: Any) -> None:
    file = f"{ROOT}/tests/data/BTCUSDT-1h-2023-03-24.json"
    _, line = started("--port", "0", "--speed", "0", "--replay", file)
    url = re.search(r"http://127\.0\.0\.1:\d+", line)
    assert url
    answer = requests.get(f"{url[0]}/api/v3/klines?symbol=BTCUSDT&interval=1h", timeout=10)
    assert len(answer.json()) == 23
