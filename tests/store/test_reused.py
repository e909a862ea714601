"""Connections that are used again: never with an answer on them that belongs to nobody.

Never here: what Redis does when it is killed or frozen (tests/faults).
Invariant: the server is a real socket; it numbers its answers, so that one too many is noticed.
"""

from __future__ import annotations

import fcntl
import socket
import socketserver
import termios
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from redis import Redis

from tests.support.waiting import wait_for
from truecandle.store import connect

UNASKED = b":-1\r\n"
#: The other side's system has been told of the end.
FIN_WAIT_2 = b"\x05"


class Numbered(socketserver.ThreadingTCPServer):
    """Answers each command with its number; `surplus` goes out with the next answer."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Speaker)
        self.connections: list[socket.socket] = []
        self.commands = 0
        self.surplus = b""


class Speaker(socketserver.BaseRequestHandler):
    server: Numbered

    def handle(self) -> None:
        self.server.connections.append(self.request)
        while self.request.recv(1024):
            self.server.commands += 1
            self.request.sendall(b":%d\r\n" % self.server.commands + self.server.surplus)


@pytest.fixture
def numbered() -> Iterator[Numbered]:
    with Numbered() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def client(numbered: Numbered) -> Iterator[Redis]:
    with connect(
        f"redis://127.0.0.1:{numbered.server_address[1]}/0", retries=0, health_check_s=0
    ) as redis:
        yield redis


def asked(redis: Redis) -> Any:
    return redis.get("x")


def test_a_quiet_connection_is_used_again(numbered: Numbered, client: Redis) -> None:
    assert [asked(client) for _ in range(5)] == [1, 2, 3, 4, 5]
    assert len(numbered.connections) == 1


def test_an_answer_too_many_is_not_taken_for_the_next_one(
    numbered: Numbered, client: Redis
) -> None:
    numbered.surplus = UNASKED
    assert asked(client) == 1
    numbered.surplus = b""
    assert [asked(client) for _ in range(3)] == [2, 3, 4]
    assert len(numbered.connections) == 2


def test_what_was_said_meanwhile_is_not_taken_for_an_answer(
    numbered: Numbered, client: Redis
) -> None:
    assert asked(client) == 1
    side = numbered.connections[0]
    side.sendall(UNASKED)
    wait_for(lambda: not any(fcntl.ioctl(side.fileno(), termios.TIOCOUTQ, bytes(4))))
    assert [asked(client) for _ in range(3)] == [2, 3, 4]
    assert len(numbered.connections) == 2


def test_a_connection_that_was_ended_meanwhile_is_opened_anew(
    numbered: Numbered, client: Redis
) -> None:
    assert asked(client) == 1
    side = numbered.connections[0]
    side.shutdown(socket.SHUT_WR)
    wait_for(lambda: side.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1) == FIN_WAIT_2)
    assert [asked(client) for _ in range(3)] == [2, 3, 4]
    assert len(numbered.connections) == 2
