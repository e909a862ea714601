"""Serving on eventlet: a green thread a connection.

Never here: patching (`app.py`), anything that the other modes share.
Invariant: what `truecandle.web.server` promises of every mode.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable
from typing import Any

import eventlet
from eventlet import wsgi

from truecandle.web.request_reader import BoundedHandler, Readers
from truecandle.web.server import CONNECTIONS_MAX, SOCKET, STOP_S
from truecandle.web.socket_limits import IDLE_S


class Protocol(BoundedHandler, wsgi.HttpProtocol):  # type: ignore[misc]
    """Reads within the bounds, and says nothing of its own to the terminal."""

    readers: Readers
    #: What an answer is made of leaves as it comes, as in the other modes.
    minimum_chunk_size = 1

    def get_environ(self) -> dict[str, Any]:
        return {**super().get_environ(), SOCKET: self.connection}

    def log_message(self, *_: object) -> None:
        """What a refused request had in it is nobody's business, and may hold secrets."""


def serve(
    app: Any, sock: socket.socket, wait: Callable[[], None], readers: Readers
) -> Callable[[], None]:
    """Serves until `wait` returns; what is returned waits for what runs, `STOP_S` at most."""
    Protocol.readers = readers
    pool = eventlet.GreenPool(CONNECTIONS_MAX)
    acceptor = eventlet.spawn(
        wsgi.server,
        sock,
        app,
        log=logging.getLogger("truecandle.web.wsgi"),
        protocol=Protocol,
        custom_pool=pool,
        log_output=False,
        debug=False,
        capitalize_response_headers=False,
        socket_timeout=IDLE_S,
    )
    wait()
    acceptor.kill()
    sock.close()
    readers.stop()

    def finish() -> None:
        with eventlet.Timeout(STOP_S, False):
            pool.waitall()

    return finish
