"""TCP connections to a host by name: every address is tried, and a dead one costs a quarter second.

Names often have an IPv6 and an IPv4 address, of which one leads nowhere; who tries them one after
the other, each with the whole time-out, is late or never gets to the good one (RFC 8305).

Never here: TLS, proxies (`egress`), which host.
Invariant: `dial` ends within its time-out once the name is resolved, and leaves no other socket
open than the one that it returns. Works under eventlet's and gevent's sockets as well.
"""

from __future__ import annotations

import os
import selectors
import socket
import time
from collections import deque
from collections.abc import Sequence
from typing import Any, Final

#: So long an address has for itself before the next one is tried beside it.
STAGGER_S: Final = 0.25
#: A name has few addresses; more than these are not waited for.
ADDRESSES_MAX: Final = 8

#: Family, type, protocol and address, as `socket.getaddrinfo` tells them.
Address = tuple[int, int, int, Any]


def dial(host: str, port: int, timeout_s: float) -> socket.socket:
    """A connected socket with that time-out. Raises an `OSError`, the last address's own, or
    `TimeoutError`; `socket.gaierror` where the name has no address."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    race = _Race([(family, kind, number, at) for family, kind, number, _, at in found])
    try:
        sock = race.run(time.monotonic() + timeout_s)
    finally:
        race.close()
    sock.settimeout(timeout_s)
    return sock


def alternating(addresses: Sequence[Address]) -> list[Address]:
    """In the resolver's order, but families in turn: one that leads nowhere as a whole costs a
    single try before the other has its own."""
    lines: dict[int, deque[Address]] = {}
    for one in addresses:
        lines.setdefault(one[0], deque()).append(one)
    taken: list[Address] = []
    while len(taken) < min(len(addresses), ADDRESSES_MAX):
        for line in lines.values():
            if line:
                taken.append(line.popleft())
    return taken[:ADDRESSES_MAX]


class _Race:
    """Connections being opened side by side; the first one that is open wins."""

    def __init__(self, addresses: Sequence[Address]) -> None:
        self._waiting = deque(alternating(addresses))
        self._selector = selectors.DefaultSelector()
        self._open: set[socket.socket] = set()
        self._error: OSError | None = None

    def run(self, deadline_s: float) -> socket.socket:
        next_s = 0.0
        while self._waiting or self._open:
            now_s = time.monotonic()
            if now_s >= deadline_s:
                raise self._error or TimeoutError("timed out")
            if self._waiting and (now_s >= next_s or not self._open):
                self._begin(self._waiting.popleft())
                next_s = now_s + STAGGER_S
                continue
            until_s = min(deadline_s, next_s) if self._waiting else deadline_s
            for key, _ in self._selector.select(max(0.0, until_s - now_s)):
                sock: Any = key.fileobj
                if self._is_connected(sock):
                    return self._won(sock)
                next_s = 0.0
        raise self._error or OSError("the name has no address")

    def close(self) -> None:
        """Ends all attempts but the one that has won."""
        for sock in self._open:
            sock.close()
        self._selector.close()

    def _begin(self, address: Address) -> None:
        family, kind, protocol, place = address
        try:
            sock = socket.socket(family, kind, protocol)
        except OSError as error:  # a family that this machine does not have
            self._error = error
            return
        self._open.add(sock)
        sock.setblocking(False)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.connect(place)
        except BlockingIOError:
            pass
        except OSError as error:  # no route, for one
            self._fail(sock, error)
            return
        self._selector.register(sock, selectors.EVENT_WRITE)

    def _is_connected(self, sock: socket.socket) -> bool:
        number = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if number:
            self._selector.unregister(sock)
            self._fail(sock, OSError(number, os.strerror(number)))
        return not number

    def _fail(self, sock: socket.socket, error: OSError) -> None:
        self._error = error
        self._open.discard(sock)
        sock.close()

    def _won(self, sock: socket.socket) -> socket.socket:
        self._selector.unregister(sock)
        self._open.discard(sock)
        return sock
