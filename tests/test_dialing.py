"""Connecting to a name: every address is tried, whichever of them is dead.

Never here: TLS, proxies.
Invariant: addresses are real ones; only the resolver's answer is the test's.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing

import pytest

from truecandle.dialing import ADDRESSES_MAX, alternating, dial

#: Kept for discarding (RFC 6666) and for documents (RFC 5737): nobody answers there.
NOWHERE_6 = (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("100::1", 80, 0, 0))
NOWHERE_4 = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 80))


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0), backlog=5) as listening:
        yield listening


@pytest.fixture
def deaf() -> Iterator[socket.socket]:
    """One whose queue is full: it is there, and no connection to it ever opens."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listening:
        waiting = []
        for _ in range(3):
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex(listening.getsockname())
            waiting.append(one)
        yield listening
        for one in waiting:
            one.close()


def resolves_to(monkeypatch: pytest.MonkeyPatch, *found: object) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: list(found))


def at(listening: socket.socket) -> tuple[object, ...]:
    return (socket.AF_INET, socket.SOCK_STREAM, 6, "", listening.getsockname())


def test_a_dead_address_that_comes_first_does_not_keep_from_the_good_one(
    monkeypatch: pytest.MonkeyPatch, server: socket.socket, deaf: socket.socket
) -> None:
    resolves_to(monkeypatch, NOWHERE_6, at(deaf), NOWHERE_4, at(server))
    with closing(dial("exchange.example", 80, 30.0)) as sock:
        assert sock.getpeername() == server.getsockname()
        assert sock.gettimeout() == 30.0


def test_what_answers_nowhere_ends_with_the_time_out(
    monkeypatch: pytest.MonkeyPatch, deaf: socket.socket
) -> None:
    resolves_to(monkeypatch, at(deaf))
    with pytest.raises(TimeoutError):
        dial("exchange.example", 80, 0.05)


def test_a_refusal_is_said_as_it_is() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    with pytest.raises(ConnectionRefusedError):
        dial("localhost", port, 30.0)


def test_families_take_turns_and_there_is_a_last_address() -> None:
    six = [(socket.AF_INET6, 1, 6, (f"100::{n}", 80, 0, 0)) for n in range(1, 20)]
    four = [(socket.AF_INET, 1, 6, ("192.0.2.1", 80))]
    assert alternating([*six, *four]) == [six[0], *four, *six[1 : ADDRESSES_MAX - 1]]
