"""Starting all roles: whose data, whose Redis, and that nothing is left running.

Never here: the real roles (`test_demo.py` starts them); here stand-ins wait beside a real Redis.
Invariant: however a run ended, the next one starts.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.support.loopback_ports import accepts, free_port
from tests.support.role_processes import Role, Roles
from tests.support.waiting import wait_for
from tools import leftovers, start
from tools.venv import ROOT

WAITS = "import time; print('waiting', flush=True); time.sleep(600)"
REDIS_LINE = (ROOT / "Procfile").read_text().splitlines()[-1]
PROCFILE = f'{REDIS_LINE}\nweb: exec python -c "{WAITS}"\n'
START = "import sys; from tools import start; start.PROCFILES['demo'] = sys.argv[1]"
RUN = f"{START}; sys.exit(start.main('demo'))"

#: Each role's process is there only after a second, as on a very busy machine.
SLOW = """
import time
from honcho.process import Process
run = Process.run
def later(*given, **named):
    print("starting", flush=True)
    time.sleep(1)
    run(*given, **named)
Process.run = later
"""


@pytest.fixture
def demo(tmp_path: Path, processes: Roles) -> tuple[int, Path]:
    """A port for the demo's Redis and the folder of its run."""
    (tmp_path / "Procfile").write_text(PROCFILE)
    return free_port(), tmp_path / "demo"


def launch(processes: Roles, folder: Path, redis_port: int, code: str = RUN) -> Role:
    settings = {"VAR_DIR": str(folder.parent), "REDIS_PORT": str(redis_port)}
    free = {"PORT": str(free_port()), "SIM_PORT": str(free_port())}
    return processes.start("demo", ["-c", code, str(folder.parent / "Procfile")], settings | free)


def test_the_demo_never_touches_a_redis_or_exchange_named_in_the_environment(
    tmp_path: Path,
) -> None:
    real = {"REDIS_URL": "redis://prod:6379/0", "BINANCE_REST_URL": "https://api.example"}
    env = start.demo_environment(real | {"VAR_DIR": str(tmp_path)})
    roles = start.roles_of("demo", env)
    assert "redis" in roles
    assert env["REDIS_URL"] == f"redis://127.0.0.1:{start.DEMO_PORTS['REDIS_PORT']}/0"
    assert env["BINANCE_REST_URL"].startswith("http://127.0.0.1:")
    assert env["BINANCE_WS_URL"].startswith("ws://127.0.0.1:")
    assert env["SIMULATED"] == "1"


def test_demo_and_real_data_share_no_folder_and_no_port(tmp_path: Path) -> None:
    given = {"VAR_DIR": str(tmp_path)}
    demo, real = start.demo_environment(given), start.run_environment(given)
    assert demo["VAR_DIR"] != real["VAR_DIR"]
    assert demo["REDIS_PORT"] != real["REDIS_PORT"]
    assert real["SIMULATED"] == "0"


def test_a_redis_of_ones_own_is_used_instead_of_the_embedded(tmp_path: Path) -> None:
    env = start.run_environment({"VAR_DIR": str(tmp_path), "REDIS_URL": "redis://mine:6379/1"})
    roles = start.roles_of("run", env)
    assert set(roles) == {"web", "fetcher", "feed"}
    assert env["REDIS_URL"] == "redis://mine:6379/1"
    assert [port.setting for port in start.ports_of(roles, env)] == ["PORT"]


def test_so_is_one_whose_url_stands_in_a_file(tmp_path: Path) -> None:
    env = start.run_environment({"VAR_DIR": str(tmp_path), "REDIS_URL_FILE": "/run/url"})
    assert set(start.roles_of("run", env)) == {"web", "fetcher", "feed"}
    assert "REDIS_URL" not in env


def test_the_environment_goes_before_the_env_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("PORT=5055\nSYMBOLS=ETHUSDT\nSETTLE_MS=\n")
    monkeypatch.setattr(start, "ROOT", tmp_path)
    env = start.run_environment({"PORT": "5066"})
    assert (env["PORT"], env["SYMBOLS"]) == ("5066", "ETHUSDT")
    assert "SETTLE_MS" not in env


def test_a_port_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="SIM_PORT='9k'"):
        start.demo_environment({"SIM_PORT": "9k"})


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopping_ends_everything_and_counts_as_success(
    demo: tuple[int, Path], processes: Roles, number: signal.Signals
) -> None:
    redis_port, folder = demo
    run = launch(processes, folder, redis_port)
    run.wait_for_line("waiting")
    wait_for(lambda: accepts(redis_port))
    assert run.end(number) == 0
    assert "stopped" in run.lines[-1]
    assert leftovers.find(folder) == []
    assert not accepts(redis_port)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_can_be_stopped_while_it_still_starts(
    demo: tuple[int, Path], processes: Roles, number: signal.Signals
) -> None:
    redis_port, folder = demo
    run = launch(processes, folder, redis_port, code=SLOW + RUN)
    run.wait_for_line("starting")
    os.killpg(run.pid, number)
    assert run.process.wait(20) == 0
    run.wait_for_line("stopped, nothing is left running")
    assert leftovers.find(folder) == []
    assert not accepts(redis_port)


def test_a_role_that_dies_ends_the_others_and_counts_as_failure(
    demo: tuple[int, Path], processes: Roles
) -> None:
    redis_port, folder = demo
    run = launch(processes, folder, redis_port)
    run.wait_for_line("waiting")
    wait_for(lambda: accepts(redis_port))
    redis = next(pid for pid in leftovers.find(folder) if "valkey" in leftovers.name(pid))
    os.kill(redis, signal.SIGKILL)
    assert run.process.wait(20) != 0
    wait_for(lambda: leftovers.find(folder) == [])


def test_what_a_killed_run_left_behind_is_ended_by_the_next(
    demo: tuple[int, Path], processes: Roles
) -> None:
    redis_port, folder = demo
    killed = launch(processes, folder, redis_port)
    killed.wait_for_line("waiting")
    wait_for(lambda: accepts(redis_port))
    killed.process.kill()
    killed.process.wait(10)
    assert accepts(redis_port)
    run = launch(processes, folder, redis_port)
    run.wait_for_line("left by a run that was killed")
    run.wait_for_line("waiting")
    assert run.end() == 0
    assert leftovers.find(folder) == []


def test_a_second_start_beside_a_living_run_is_refused(
    demo: tuple[int, Path], processes: Roles
) -> None:
    redis_port, folder = demo
    run = launch(processes, folder, redis_port)
    run.wait_for_line("waiting")
    second = launch(processes, folder, redis_port)
    second.wait_for_line(rf"running already \(process {run.pid}\)")
    assert second.process.wait(10) == 1
    assert run.alive()
