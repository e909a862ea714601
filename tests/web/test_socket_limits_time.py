"""How long a connection may take, in all three modes: good ones for ever, all others seconds.

Never here: how much comes in (`test_socket_limits_floods`).
Invariant: all connections of a mode are opened together, so that the file waits only once for each.
"""

from __future__ import annotations

import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests

from tests.support.redis_server import RedisProc
from tests.support.role_processes import Roles
from tests.support.socket_floods import PING, frame, is_ended, upgraded
from tests.support.waiting import HANGS_S
from tests.support.web_process import Client, Web, clients, token_of
from truecandle.events import Publisher

HEAD = b"POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\n"
BODY = HEAD + b"Content-Length: 1000\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\n"
#: Each is sent at first, then one byte or frame in a while; it never becomes whole.
SLOW = {
    "nothing at all": (b"", b""),
    "half a head": (HEAD, b""),
    "a head byte by byte": (HEAD, b"x"),
    "half a body": (BODY + b"username=", b""),
    "a body byte by byte": (BODY, b"x"),
}
SLOW_WEBSOCKETS = {
    "no hello": (b"", b""),
    "no hello but pongs": (b"", frame("3")),
    "no hello but pings": (b"", frame(b"", PING)),
    "a message byte by byte": (frame("40" + "x" * 5_000)[:20], b"x"),
    "a message fragment by fragment": (frame("4", fin=False), frame("", 0, fin=False)),
}
DRIBBLE_S = 1.0
#: The bounds are 10 s; a busy machine may add to them.
ENDED_S = 40.0
#: Longer than any bound on a silent request.
QUIET_S = 12.0
STOP_S = HANGS_S


@dataclass
class Slow:
    """Connections of all kinds, dribbled to until they end, and a good client beside them."""

    web: Web
    client: Client
    publisher: Publisher
    began_s: float = field(default_factory=time.monotonic)
    ended_s: dict[str, float] = field(default_factory=dict)

    def hold(self, name: str, sock: socket.socket, first: bytes, again: bytes) -> None:
        """Until the server ends it."""
        with sock, suppress(OSError):
            sock.sendall(first)
            while time.monotonic() - self.began_s < 3 * ENDED_S:
                if is_ended(sock, DRIBBLE_S):
                    break
                sock.sendall(again)
            else:
                return
        self.ended_s[name] = time.monotonic() - self.began_s


@pytest.fixture(scope="module")
def slow(web: Web, redis_server: RedisProc) -> Iterator[Slow]:
    threads = []
    with redis_server.client() as redis, clients() as made:
        made.append(Client().connect(web, token_of(redis)))
        assert made[0].follow()["ok"]
        held = Slow(web, made[0], Publisher(redis_server.url))
        for name, (first, again) in SLOW.items():
            sock = socket.create_connection(("127.0.0.1", web.port), timeout=20)
            threads.append(threading.Thread(target=held.hold, args=(name, sock, first, again)))
        for name, (first, again) in SLOW_WEBSOCKETS.items():
            sock = upgraded(web.port)
            threads.append(threading.Thread(target=held.hold, args=(name, sock, first, again)))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        yield held


@pytest.mark.parametrize("kind", [*SLOW, *SLOW_WEBSOCKETS])
def test_what_never_becomes_whole_is_cut_off_after_ten_seconds(slow: Slow, kind: str) -> None:
    assert slow.ended_s[kind] < ENDED_S


def test_a_browser_that_only_listens_is_told_for_ever_on_one_connection(slow: Slow) -> None:
    """Its reader has been silent for longer than any request may be."""
    while time.monotonic() - slow.began_s < QUIET_S:
        time.sleep(0.1)
    for count in range(1, 4):
        slow.publisher.live_price(
            "BTCUSDT", price="1", timestamp=1, high="1", low="1", volume="1", trades=1,
            first_id=1, last_id=1,
        )  # fmt: skip
        slow.client.wait_heard("live_price", count)
    assert slow.client.follow("BTCUSDT", "1m")["ok"] and slow.client.io.connected


@pytest.mark.parametrize("mode", ["eventlet", "gevent", "threading"])
def test_told_to_stop_it_waits_for_no_open_connection(
    redis_server: RedisProc, processes: Roles, tmp_path: Path, mode: str
) -> None:
    web = Web(processes, redis_server.url, tmp_path / "var", ASYNC_MODE=mode)
    with redis_server.client() as redis, clients() as made, ExitStack() as opened:
        made.append(Client().connect(web, token_of(redis)))
        assert made[0].follow()["ok"]
        for first, _ in SLOW.values():
            sock = opened.enter_context(socket.create_connection(("127.0.0.1", web.port)))
            sock.sendall(first)
        opened.enter_context(upgraded(web.port))
        kept = opened.enter_context(requests.Session())
        assert kept.get(f"{web.url}/healthz", timeout=20).status_code == 200
        began_s = time.monotonic()
        assert web.role.end(signal.SIGTERM) == 0
        assert time.monotonic() - began_s < STOP_S
        assert "Traceback" not in web.role.output
