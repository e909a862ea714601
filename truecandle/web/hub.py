"""What differs between eventlet, gevent and threads: listening, serving, stopping, working aside.

Never here: Flask, routes, how much may come in (`socket_limits`). `app.py` patches (it has to be
first); nothing else knows the mode.
Invariant: one listener per port, a bounded number of connections, every request read through a
`RequestReader` and its socket found at `SOCKET`, and a stop that ends in time.
"""

from __future__ import annotations

import errno
import logging
import resource
import socket
import threading
import time
from collections.abc import Callable
from typing import Any, Final, TypeVar

from truecandle.web.request_reader import Readers, RequestReader
from truecandle.web.socket_limits import IDLE_S

T = TypeVar("T")

#: Connections at once, sockets of browsers included: each holds a green thread.
CONNECTIONS_MAX: Final = 10_000
#: Threads at once, where each connection has one; more connections are closed at once.
THREADS_MAX: Final = 1_000
BACKLOG: Final = 1024
#: Where a request's socket stands in its environment.
SOCKET: Final = "truecandle.socket"
#: How long running requests may take once the server has been told to stop.
STOP_S: Final = 8.0
#: Head and body leave in one piece up to this size; in two, Nagle would cost 44 ms.
WRITE_BUFFER_BYTES: Final = 512 << 10
#: Passwords hashed at once: 64 MiB each.
ASIDE_MAX: Final = 2

_log = logging.getLogger("truecandle.web")


class PortTaken(Exception):
    """Nothing can listen there: another process does, or it is no address of this machine."""


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Without SO_REUSEPORT, so that a second server fails; without Nagle."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        sock = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise PortTaken(f"HOST={host!r} can't be listened on: {error.strerror}") from error
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        sock.bind(address)
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        if error.errno == errno.EADDRNOTAVAIL:
            raise PortTaken(f"HOST={host!r} is no address of this machine") from error
        raise PortTaken(
            f"Port {port} on {host} can't be used: {error.strerror}. "
            f"Start on another one: PORT={port + 1 if port < 65_535 else 5000} python app.py"
        ) from error
    return sock


class Hub:
    """One of the three ways to serve: `eventlet`, `gevent` or `threading`."""

    def __init__(self, mode: str) -> None:
        self.mode = mode
        self._turn = threading.BoundedSemaphore(ASIDE_MAX)

    def aside(self, work: Callable[..., T], *args: object) -> T:
        """Does CPU-bound work in a real thread, at most `ASIDE_MAX` at once, and waits for it."""
        with self._turn:
            if self.mode == "eventlet":
                from eventlet import tpool

                done: T = tpool.execute(work, *args)
                return done
            if self.mode == "gevent":
                from gevent import get_hub

                done = get_hub().threadpool.apply(work, args)
                return done
            return work(*args)

    def serve(self, app: Any, sock: socket.socket, wait: Callable[[], None]) -> Callable[[], None]:
        """Serves until `wait` returns, accepts nothing more then, and returns what ends the rest.

        What is returned lets running requests finish, `STOP_S` at most.
        """
        _raise_file_limit()
        start = {"eventlet": _eventlet, "gevent": _gevent, "threading": _threads}[self.mode]
        return start(app, sock, wait)


def _eventlet(app: Any, sock: socket.socket, wait: Callable[[], None]) -> Callable[[], None]:
    import eventlet
    from eventlet import wsgi

    readers = Readers()

    class Protocol(wsgi.HttpProtocol):  # type: ignore[misc]
        wbufsize = WRITE_BUFFER_BYTES

        def setup(self) -> None:
            super().setup()
            self.rfile.close()
            self.requests, self.rfile = RequestReader.buffered(self.connection, readers)

        def handle_one_request(self) -> None:
            self.requests.begin()
            super().handle_one_request()

        def get_environ(self) -> dict[str, Any]:
            return {**super().get_environ(), SOCKET: self.connection}

        def log_message(self, *_: object) -> None:
            """What a refused request had in it is nobody's business, and may hold secrets."""

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


def _gevent(app: Any, sock: socket.socket, wait: Callable[[], None]) -> Callable[[], None]:
    from gevent.pool import Pool
    from gevent.pywsgi import WSGIHandler, WSGIServer

    readers = Readers()

    class Handler(WSGIHandler):  # type: ignore[misc]
        def __init__(self, sock: Any, address: Any, server: Any) -> None:
            self.requests, rfile = RequestReader.buffered(sock, readers)
            super().__init__(sock, address, server, rfile)

        def handle(self) -> None:
            with self.rfile:
                super().handle()

        def handle_one_request(self) -> Any:
            self.requests.begin()
            return super().handle_one_request()

        def get_environ(self) -> dict[str, Any]:
            return {**super().get_environ(), SOCKET: self.socket}

        def log_error(self, *_: object) -> None:
            """What a refused request had in it is nobody's business, and may hold secrets."""

        def _log_error(self, t: Any, v: Any, tb: Any) -> None:
            _log.error("a request failed", exc_info=(t, v, tb))

        def _handle_client_error(self, ex: Exception) -> Any:
            return None if isinstance(ex, OSError) else super()._handle_client_error(ex)

    pool = Pool(CONNECTIONS_MAX)
    server = WSGIServer(sock, app, spawn=pool, log=None, error_log=_log, handler_class=Handler)
    server.start()
    wait()
    server.close()
    readers.stop()

    def finish() -> None:
        pool.join(timeout=STOP_S)

    return finish


def _threads(app: Any, sock: socket.socket, wait: Callable[[], None]) -> Callable[[], None]:
    from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

    readers = Readers()

    class Handler(WSGIRequestHandler):
        timeout = IDLE_S
        wbufsize = WRITE_BUFFER_BYTES
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            self.rfile.close()
            self.requests, self.rfile = RequestReader.buffered(self.connection, readers)

        def handle_one_request(self) -> None:
            self.requests.begin()
            super().handle_one_request()

        def make_environ(self) -> dict[str, Any]:
            return {**super().make_environ(), SOCKET: self.connection}

        def log(self, type: str, message: str, *args: Any) -> None:
            """The application writes the access log."""

    class Server(ThreadedWSGIServer):
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

    host, port = sock.getsockname()[:2]
    server = Server(host, port, app, Handler, fd=sock.fileno())
    acceptor = threading.Thread(target=server.serve_forever, daemon=True)
    acceptor.start()
    wait()
    server.shutdown()
    sock.close()
    readers.stop()

    def finish() -> None:
        """All threads have ended once all the room is free."""
        by_s = time.monotonic() + STOP_S
        for _ in range(THREADS_MAX):
            if not server.room.acquire(timeout=max(by_s - time.monotonic(), 0)):
                return

    return finish


def _raise_file_limit() -> None:
    """Every connection is an open file; many systems start processes with only 1,024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * CONNECTIONS_MAX
    top = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < top:
        resource.setrlimit(resource.RLIMIT_NOFILE, (top, hard))
