"""Sends what the grammars of `web_grammar` make to a web process, and says what came of it.

Never here: grammars; how many, for how long.
Invariant: each request and each sequence of packets has a connection of its own, which ends.
"""

from __future__ import annotations

import json
import re
import socket
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field

from redis import Redis

from tests.support.raw_http import exchange
from tests.support.signs_of_life import spoke
from tests.support.socket_floods import frame, is_ended, upgraded
from tests.support.web_grammar import Sent, is_sound, known
from tests.support.web_process import Web, token_of

#: An event that nobody listens to, with an id: its acknowledgement comes after all others.
LAST = '42999999999["the last"]'
READ_S = 20.0
TRIES_MAX = 10
RETRY_S = 1.0


@dataclass
class Fuzz:
    """A web process under what is sent to it, and what was counted of it."""

    web: Web
    token: str
    #: Requests by status ("none": the connection ended without an answer), packets by soundness.
    statuses: Counter[str] = field(default_factory=Counter)
    packets: Counter[bool] = field(default_factory=Counter)
    passed: int = 0

    @classmethod
    def on(cls, web: Web, redis: Redis) -> Fuzz:
        for role in ("fetcher", "feed"):
            spoke(redis, role, 0, {})
        return cls(web, token_of(redis, scope="write"))

    def request(self, sent: Sent) -> None:
        """Sends one request; fails if it is answered as an error of ours, or not as HTTP."""
        received = exchange(self.web.port, known(sent, self.token))
        found = re.match(rb"HTTP/1\.1 ([1-5][0-9]{2}) ", received)
        while found and found[1] == b"100":
            received = received.partition(b"\r\n\r\n")[2]
            found = re.match(rb"HTTP/1\.1 ([1-5][0-9]{2}) ", received)
        assert found or not received, received[:200]
        status = found[1].decode() if found else "none"
        self.statuses[status] += 1
        self.passed += sent.passes
        assert not status.startswith("5") or status == "505", (sent, received[:500])

    def sequence(self, texts: list[str], is_member: bool) -> None:
        """Sends packets one after the other; fails if one is answered as an error of ours."""
        with _upgraded(self.web.port) as sock:
            hello = ["40" + json.dumps({"token": self.token})] if is_member else []
            for text in [*hello, *texts, LAST]:
                self.packets[is_sound(text)] += 1
                with suppress(OSError):
                    sock.sendall(frame(text))
            heard = _heard(sock)
        assert b'"code":"error"' not in heard, (texts, heard)

    def assert_well(self) -> None:
        """It still answers, and has complained of nothing."""
        assert self.web.get("/healthz").status_code == 200
        output = self.web.role.output
        assert "Traceback" not in output and " ERROR " not in output
        assert self.token not in output


def _upgraded(port: int) -> socket.socket:
    """A WebSocket, as soon as this address may open one more: so many a second are allowed."""
    for _ in range(TRIES_MAX):
        try:
            return upgraded(port)
        except ConnectionRefusedError as refused:
            assert b" 429 " in refused.args[0], refused
            time.sleep(RETRY_S)
    raise AssertionError("no WebSocket can be opened any more")


def _heard(sock: socket.socket) -> bytes:
    """All that is said until the last packet is acknowledged, or the connection ends."""
    heard = b""
    sock.settimeout(READ_S)
    with suppress(ConnectionError):
        while b"43999999999" not in heard:
            more = sock.recv(65_536)
            if not more:
                return heard
            heard += more
        sock.sendall(frame("1"))
        assert is_ended(sock)
    return heard
