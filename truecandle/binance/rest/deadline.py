"""Requests that end: an absolute deadline for a whole exchange of HTTP, and a way to abort it now.

Never here: what is asked for, what the answer means.
Invariant: a request inside `RequestDeadlines.limit` outlives neither its deadline nor `abort_all`.

The time-outs of `requests` count from one received byte to the next, so that an answer of one byte
a second never ends. Here the connection's socket is shut down instead, whoever waits on it.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection

from truecandle.binance.transport import DialedConnection, SecureDialedConnection

_local = threading.local()


class RequestDeadlines:
    """Watches the requests of any number of threads and aborts those that take too long."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pending: set[_PendingRequest] = set()
        self._is_closed = False

    @contextmanager
    def limit(self, deadline_s: float) -> Iterator[_PendingRequest]:
        """Requests of this thread inside the block fail `deadline_s` after its beginning."""
        request = _PendingRequest()
        timer = threading.Timer(deadline_s, request.abort)
        timer.daemon = True
        with self._lock:
            self._pending.add(request)
            if self._is_closed:
                request.abort()
        _local.request = request
        timer.start()
        try:
            yield request
        finally:
            timer.cancel()
            _local.request = None
            with self._lock:
                self._pending.discard(request)

    def abort_all(self) -> None:
        """Aborts every request under way, and every later one at once: the process is stopping."""
        with self._lock:
            self._is_closed = True
            pending = tuple(self._pending)
        for request in pending:
            request.abort()


class DeadlineAdapter(HTTPAdapter):
    """The transport of a `requests.Session` whose connections a `RequestDeadlines` can find."""

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, *args: Any, **options: Any) -> Any:
        manager = super().proxy_manager_for(*args, **options)
        manager.pool_classes_by_scheme = _POOLS
        return manager


class _PendingRequest:
    """One request under way: its connection, once there is one, and whether it was aborted."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connection: HTTPConnection | None = None
        self.is_aborted = False

    def hold(self, connection: HTTPConnection) -> None:
        with self._lock:
            self._connection = connection
            if self.is_aborted:
                raise TimeoutError("aborted before it was sent")

    def abort(self) -> None:
        with self._lock:
            self.is_aborted = True
            sock = self._connection.sock if self._connection else None
        if sock is not None:
            with suppress(OSError):
                _shut_down(sock)


def _shut_down(sock: Any) -> None:
    """Not by SSLSocket's own way, which would pull the TLS state from under the reading thread;
    eventlet's sockets, which share one thread with their reader, have none but their own."""
    if hasattr(socket.socket, "shutdown"):
        socket.socket.shutdown(sock, socket.SHUT_RDWR)
    else:
        sock.shutdown(socket.SHUT_RDWR)


def _hold(connection: HTTPConnection) -> None:
    request = getattr(_local, "request", None)
    if request is not None:
        request.hold(connection)


class _Connection(DialedConnection):
    def connect(self) -> None:
        _hold(self)
        super().connect()

    def request(self, *args: Any, **options: Any) -> None:
        _hold(self)
        super().request(*args, **options)


class _SecureConnection(_Connection, SecureDialedConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


_POOLS = {"http": _Pool, "https": _SecurePool}
