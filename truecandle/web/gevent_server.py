"""Serving on gevent: a greenlet a connection.

Never here: patching (`app.py`), anything that the other modes share.
Invariant: what `truecandle.web.server` promises of every mode.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable
from typing import Any

from gevent.pool import Pool
from gevent.pywsgi import WSGIHandler, WSGIServer

from truecandle.web.answer_writer import send
from truecandle.web.request_reader import Readers, RequestReader
from truecandle.web.server import CONNECTIONS_MAX, SOCKET, STOP_S

_log = logging.getLogger("truecandle.web.wsgi")


class GeventHandler(WSGIHandler):  # type: ignore[misc]
    """Reads within the bounds, and says nothing of its own to the terminal."""

    readers: Readers

    def __init__(self, sock: Any, address: Any, server: Any) -> None:
        self.requests = RequestReader(sock, self.readers)
        super().__init__(sock, address, server, self.requests)

    def handle(self) -> None:
        with self.rfile:
            super().handle()

    def handle_one_request(self) -> Any:
        self.requests.begin()
        return super().handle_one_request()

    def _sendall(self, data: Any) -> None:
        send(self.socket, data)
        self.response_length += len(data)

    def get_environ(self) -> dict[str, Any]:
        return {**super().get_environ(), SOCKET: self.socket}

    def log_error(self, *_: object) -> None:
        """What a refused request had in it is nobody's business, and may hold secrets."""

    def handle_error(self, t: Any, v: Any, tb: Any) -> None:
        """A client that is gone, or does not read, is no error of ours."""
        self.close_connection = True
        if not isinstance(v, OSError):
            super().handle_error(t, v, tb)

    def _log_error(self, t: Any, v: Any, tb: Any) -> None:
        """gevent's own prints tracebacks past the log."""
        _log.error("a request failed", exc_info=(t, v, tb))

    def _handle_client_error(self, ex: Exception) -> Any:
        """gevent's own prints a traceback of every client that is gone or takes too long."""
        return None if isinstance(ex, OSError) else super()._handle_client_error(ex)


def serve(
    app: Any, sock: socket.socket, wait: Callable[[], None], readers: Readers
) -> Callable[[], None]:
    """Serves until `wait` returns; what is returned waits for what runs, `STOP_S` at most."""
    GeventHandler.readers = readers
    pool = Pool(CONNECTIONS_MAX)
    server = WSGIServer(
        sock, app, spawn=pool, log=None, error_log=_log, handler_class=GeventHandler
    )
    server.start()
    wait()
    server.close()
    readers.stop()

    def finish() -> None:
        pool.join(timeout=STOP_S)

    return finish
