"""Serving with a thread a connection, and nothing to install.

Never here: anything that the other modes share.
Invariant: what `truecandle.web.server` promises of every mode; at most `THREADS_MAX` connections.
"""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable
from typing import Any, Final

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from truecandle.web.request_reader import BoundedHandler, Readers
from truecandle.web.server import SOCKET, STOP_S
from truecandle.web.socket_limits import IDLE_S

#: Connections beyond these are closed at once.
THREADS_MAX: Final = 1_000

_log = logging.getLogger("truecandle.web.wsgi")


class ThreadedHandler(BoundedHandler, WSGIRequestHandler):
    """Reads within the bounds, and says nothing of its own to the terminal."""

    readers: Readers
    timeout = IDLE_S
    protocol_version = "HTTP/1.1"

    def make_environ(self) -> dict[str, Any]:
        return {**super().make_environ(), SOCKET: self.connection}

    def send_header(self, keyword: str, value: str) -> None:
        """What serves here, and in which version, is nobody's business."""
        if keyword != "Server":
            super().send_header(keyword, value)

    def log(self, type: str, message: str, *args: Any) -> None:
        """The application writes the access log."""


class Server(ThreadedWSGIServer):
    """Has room for so many threads, and knows when all have ended."""

    room = threading.BoundedSemaphore(THREADS_MAX)

    def process_request(self, request: Any, client_address: Any) -> None:
        if self.room.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.room.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        _log.debug("a connection ended with an error", exc_info=True)

    def join(self, timeout_s: float) -> None:
        """Waits until all threads have ended: all the room is free then."""
        by_s = time.monotonic() + timeout_s
        for _ in range(THREADS_MAX):
            if not self.room.acquire(timeout=max(by_s - time.monotonic(), 0)):
                return


def serve(
    app: Any, sock: socket.socket, wait: Callable[[], None], readers: Readers
) -> Callable[[], None]:
    """Serves until `wait` returns; what is returned waits for what runs, `STOP_S` at most."""
    ThreadedHandler.readers = readers
    host, port = sock.getsockname()[:2]
    server = Server(host, port, app, ThreadedHandler, fd=sock.fileno())
    acceptor = threading.Thread(target=server.serve_forever, daemon=True)
    acceptor.start()
    wait()
    server.shutdown()
    sock.close()
    readers.stop()

    def finish() -> None:
        server.join(STOP_S)

    return finish
