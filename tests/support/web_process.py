"""`app.py` as a process, the way users run it, and clients that talk to it.

Never here: assertions about answers.
Invariant: one port and one folder for as long as the object lives, over restarts too.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import requests
import socketio
from redis import Redis

from tests.support.loopback_ports import free_port
from tests.support.role_processes import Role, Roles
from tests.support.waiting import wait_for
from truecandle.store.accounts import Accounts
from truecandle.store.channel import Channel
from truecandle.store.credentials import CredentialStore, Scope

HOURS = "/data?symbol=BTCUSDT&interval=1h"


class ExactJson:
    """Numbers stay text."""

    @staticmethod
    def dumps(value: object, **_: object) -> str:
        return json.dumps(value)

    @staticmethod
    def loads(text: str, **_: object) -> Any:
        return json.loads(text, parse_float=str)


class Served(Protocol):
    """Where a web role is found."""

    @property
    def url(self) -> str: ...


class Web:
    """The web role on a port of its own."""

    def __init__(self, processes: Roles, redis_url: str, folder: Path, **env: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._processes = processes
        self.env = {
            "REDIS_URL": redis_url,
            "PORT": str(self.port),
            "SYMBOLS": "BTCUSDT,ETHUSDT",
            "INTERVALS": "1m,1h",
            "VAR_DIR": str(folder),
            "SIMULATED": "0",
            "PUBLIC_READS": "0",
            "PUBLIC_URL": "",
            "SECRET_KEY": "",
            "ASYNC_MODE": "eventlet",
            "TRUSTED_PROXIES": "",
            "READS_PER_MINUTE": "1000000",  # tests wait by asking again and again
            **env,
        }
        self.role = self.start()

    def start(self, wait: bool = True) -> Role:
        self.role = self._processes.start("web", ["app.py"], self.env)
        if wait:
            self.role.wait_for_line("web: listening on")
        return self.role

    def get(self, path: str, **options: Any) -> requests.Response:
        return requests.get(self.url + path, timeout=20, **options)


class Client:
    """A Socket.IO client that remembers what it was told."""

    def __init__(self, *, verify: bool = True) -> None:
        """Without `verify` any certificate is good enough."""
        self.events: list[tuple[str, Any]] = []
        self.io = socketio.Client(json=ExactJson, reconnection=False, ssl_verify=verify)
        self.io.on("*", self._heard)

    def connect(self, web: Served, token: str | None = None, **headers: str) -> Client:
        auth = {"token": token} if token else None
        self.io.connect(
            web.url, headers=headers, auth=auth, transports=["websocket"], wait_timeout=20
        )
        return self

    def connect_to(self, url: str, path: str, **headers: str) -> Client:
        """As `connect`, to whatever lies there."""
        options = {"transports": ["websocket"], "socketio_path": path, "wait_timeout": 20}
        self.io.connect(url, headers=headers, **options)
        return self

    def close(self) -> None:
        """The library leaves a socket open that the server ended."""
        connection = self.io.eio.ws
        self.io.disconnect()
        self.io.shutdown()
        if connection is not None:
            connection.shutdown()

    def call(self, event: str, data: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self.io.call(event, data, timeout=20)
        return answer

    def follow(self, symbol: str = "BTCUSDT", interval: str = "1h") -> dict[str, Any]:
        return self.call("subscribe", {"symbol": symbol, "interval": interval})

    def heard(self, event: str) -> list[Any]:
        return [data for name, data in self.events if name == event]

    def wait_heard(self, event: str, count: int = 1) -> Any:
        wait_for(lambda: len(self.heard(event)) >= count, what=f"{count} × {event}")
        return self.heard(event)[-1]

    def _heard(self, event: str, data: Any = None) -> None:
        self.events.append((event, data))


def wait_for_listener(redis: Redis) -> None:
    """Until a web process listens on the channel of the instance that this database belongs to."""
    name = Channel(redis).name()
    wait_for(lambda: dict(redis.pubsub_numsub(name))[name.encode()], what="a listening web process")


@contextmanager
def clients() -> Iterator[list[Client]]:
    """A list; whoever is put in is disconnected in the end."""
    made: list[Client] = []
    try:
        yield made
    finally:
        for client in made:
            client.close()


def token_of(redis: Redis, user: str = "ann", scope: Scope = "read") -> str:
    """A new token; the user is added if missing."""
    Accounts(redis).add(user, "", 0, "admin")
    secret = CredentialStore(redis).issue(user, "test", scope, 0)
    assert secret
    return secret


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def signed_in(web: Web, redis: Redis, user: str = "ann") -> requests.Session:
    """A browser's session, begun by a one-time link."""
    Accounts(redis).add(user, "", 0, "admin")
    link = Accounts(redis).add_link(user)
    session = requests.Session()
    answer = session.post(
        f"{web.url}/login/link",
        json={"link": link},
        headers={"X-CSRFToken": csrf(web, session)},
        timeout=20,
    )
    assert answer.status_code == 200, answer.text
    return session


def csrf(web: Served, session: requests.Session) -> str:
    page = session.get(f"{web.url}/login", timeout=20).text
    found = re.search(r'name="csrf-token" content="([^"]+)"', page)
    assert found
    return found[1]


def cookies(session: requests.Session) -> str:
    return "; ".join(f"{cookie.name}={cookie.value}" for cookie in session.cookies)


def aside(work: Any) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread
