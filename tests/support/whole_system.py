"""The whole system as processes: Redis, simulated exchange, fetcher, feed and web.

Never here: assertions; anything that a user could not do from outside.
Invariant: every part is a real process on loopback, with an append-only file under Redis.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import requests

from tests.support.loopback_ports import free_port
from tests.support.machine_clock import MachineClock
from tests.support.redis_server import RedisProc
from tests.support.redis_users import UsersServer
from tests.support.role_processes import Role, Roles
from tests.support.waiting import wait_for
from truecandle.config import read_settings
from truecandle.store import connect
from truecandle.store.credentials import CredentialStore

COMMANDS = {
    "web": ["app.py"],
    "fetcher": ["background_fetcher.py"],
    "feed": ["live_candles.py"],
}
START_S = 90.0
_TOKENS: dict[str, str] = {}


class System:
    """Everything `make demo` starts, on free ports. `kill` and `start` take a role's name.

    `listed`: how many more markets the simulated exchange has than those that are given by name.
    `users`: a server on which each role is a user of its own.
    `clocks`: by role (`redis` is one too), the clock of its machine where it is not the test's.
    """

    def __init__(
        self,
        folder: Path,
        processes: Roles,
        symbols: str = "BTCUSDT,ETHUSDT",
        clocks: Mapping[str, MachineClock] = MappingProxyType({}),
        listed: int = 0,
        users: UsersServer | None = None,
        **env: str,
    ) -> None:
        self.roles: dict[str, Role] = {}
        self._clocks = clocks
        on_server = clocks["redis"].server_env if "redis" in clocks else {}
        self._users = users
        self.redis = users.server if users else RedisProc(folder, aof=True, env=on_server)
        self.port, self.sim_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.sim_url = f"http://127.0.0.1:{self.sim_port}"
        self._processes = processes
        self._symbols = symbols
        self._listed = listed
        self._env = {
            "REDIS_URL": self.redis.url,
            "READS_PER_MINUTE": "1000000",  # tests wait by asking again and again
            "BINANCE_REST_URL": self.sim_url,
            "BINANCE_WS_URL": f"ws://127.0.0.1:{self.sim_port}",
            "SYMBOLS": symbols,
            "INTERVALS": "1s,1m",
            "HISTORY_CANDLES": "120",
            "PORT": str(self.port),
            "SIMULATED": "1",
            "VAR_DIR": str(folder / "var"),
            **env,
        }

    def open(self) -> None:
        """Starts everything and returns once every market has candles, official and forming; what
        did not come up is ended."""
        try:
            if self.redis.pid is None:
                self.redis.start()
            self.start("sim")
            for role in COMMANDS:
                self.start(role)
            self.ready()
        except BaseException:
            self.close()
            raise

    def start(self, role: str) -> None:
        if role == "redis":
            self.redis.start()
        elif role == "sim":
            command = ["-m", "truecandle.sim", "--port", str(self.sim_port)]
            listing = ["--symbols", self._symbols, "--listed", str(self._listed)]
            self._begin(role, [*command, *listing])
        else:
            self._begin(role, COMMANDS[role])

    def kill(self, role: str) -> None:
        """SIGKILL: no chance to say good-bye."""
        if role == "redis":
            self.redis.kill()
        else:
            self.roles[role].kill()

    def ready(self) -> None:
        """Waits until `/readyz` says that Redis, fetcher and feed are well."""
        wait_for(self.is_ready, START_S, "/readyz")

    def is_ready(self) -> bool:
        try:
            return requests.get(f"{self.url}/readyz", timeout=5).status_code == 200
        except requests.ConnectionError:
            return False

    def sign_in_link(self) -> str:
        """The newest one-time link that the web role has printed."""
        match = self.roles["web"].wait_for_line(r"(http://\S+#link=\S+)")
        return match[1]

    def token(self) -> str:
        """A token for REST, as `flask token add demo --scope read` makes it."""
        with connect(read_settings(self.env_of("admin")).redis_url) as redis:
            issue = partial(CredentialStore(redis).issue, "demo", "", "read")
            token = wait_for(lambda: issue(int(time.time() * 1_000)), what="the user demo")
        assert token
        return token

    def flask(self, *words: str) -> list[str]:
        """The lines that a `flask` command says."""
        flask = self._processes.start("flask", ["-m", "flask", *words], self.env_of("admin"))
        flask.process.wait(START_S)
        wait_for(lambda: not flask.alive(), what=f"the output of flask {words[0]}")
        return flask.lines

    def script(self, kind: str, **fields: Any) -> None:
        """Tells the simulated exchange to misbehave, by its kinds of fault."""
        answer = requests.post(
            f"{self.sim_url}/sim/faults", json={"kind": kind, **fields}, timeout=10
        )
        answer.raise_for_status()

    def truth(self, symbol: str, interval: str, start_ms: int, end_ms: int) -> list[Any]:
        """What the simulated exchange knows to be right: rows of 12 fields, closed candles only."""
        query = {"symbol": symbol, "interval": interval, "start": start_ms, "end": end_ms}
        answer = requests.get(f"{self.sim_url}/sim/truth", params=query, timeout=10)  # type: ignore[arg-type]
        answer.raise_for_status()
        rows: list[Any] = answer.json()
        return rows

    def env_of(self, role: str) -> dict[str, str]:
        """The settings of a role, or of commands (`admin`); where each is a user of its own, its
        password stands in a file."""
        if self._users is None or role == "sim":
            return self._env
        return self._env | {"REDIS_URL": "", "REDIS_URL_FILE": str(self._users.file(role))}

    def close(self) -> None:
        self._processes.end()
        self.redis.kill()

    def _begin(self, role: str, command: list[str]) -> None:
        clock = self._clocks.get(role)
        env = self.env_of(role) | (clock.env if clock else {})
        self.roles[role] = self._processes.start(role, command, env)


def ask(system: System, path: str, **query: str) -> Any:
    headers = {"Authorization": f"Bearer {_token(system)}"}
    given = {"symbol": "BTCUSDT", "interval": "1s", **query}
    answer = requests.get(f"{system.url}{path}", params=given, headers=headers, timeout=5)
    answer.raise_for_status()
    return answer.json()


def is_proven(system: System, hole: range) -> bool:
    known = ask(system, "/gaps", limit="1000")["gaps"]
    proven = [gap for gap in known if gap["reason"] == "maintenance"]
    return any(gap["start"] <= hole.start and hole.stop <= gap["end"] for gap in proven)


def _token(system: System) -> str:
    if system.url not in _TOKENS:
        _TOKENS[system.url] = system.token()
    return _TOKENS[system.url]
