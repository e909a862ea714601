"""What comes in at a connection as HTTP requests: bounded in time and in bytes, for every server.

Never here: parsing, answers, WebSockets (`websocket` reads those after the upgrade).
Invariant: no request holds its connection open for longer than `REQUEST_S` from its first byte
until it is read, however it dribbles, and whoever sends without pause gives way to the others.
"""

from __future__ import annotations

import io
import socket
import threading
import time
from contextlib import suppress
from typing import Any, Final

from truecandle.web.socket_limits import IDLE_S, REQUEST_BYTES_MAX, REQUEST_S

READ_BYTES: Final = 8192


class RequestReader(io.RawIOBase):
    """The reading side of one connection.

    `begin` is called before each request. A request that exceeds a bound raises `TimeoutError`,
    which every server takes for a client that is gone; so does all that is read after it, or the
    rest of a body would be taken for the next request.
    """

    def __init__(self, sock: socket.socket, readers: Readers) -> None:
        self._sock = sock
        self._readers = readers
        #: When the request that is coming in has to be here; None between requests.
        self._by_s: float | None = None
        self._bytes = 0
        self._is_waiting = self._has_failed = False
        readers.add(self)

    @classmethod
    def buffered(cls, sock: socket.socket, readers: Readers) -> tuple[RequestReader, Any]:
        """A reader, and the buffered file that a server reads lines from."""
        reader = cls(sock, readers)
        return reader, io.BufferedReader(reader, READ_BYTES)

    def begin(self) -> None:
        """A new request: many that came in at once do not keep the others waiting."""
        self._by_s, self._bytes = None, 0
        time.sleep(0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """Bytes that came in; 0 at the end, and between requests once the server is to stop."""
        if self._by_s is None and self._readers.is_stopping:
            return 0
        time.sleep(0)
        now_s = time.monotonic()
        left_s = IDLE_S if self._by_s is None else self._by_s - now_s
        if self._has_failed or left_s <= 0 or self._bytes > REQUEST_BYTES_MAX:
            self._has_failed = True
            raise TimeoutError("the request took too long, or was too much")
        self._sock.settimeout(left_s)
        self._is_waiting = True
        try:
            count = self._sock.recv_into(buffer)
        except OSError:
            self._has_failed = True
            raise
        finally:
            self._is_waiting = False
            with suppress(OSError):
                self._sock.settimeout(IDLE_S)
        if self._by_s is None:
            self._by_s = time.monotonic() + REQUEST_S
        self._bytes += count
        return count

    def end_if_waiting(self) -> None:
        """Has whoever waits for more find the end; what has come in already is still read."""
        if self._is_waiting:
            with suppress(OSError):
                self._sock.shutdown(socket.SHUT_RD)

    def close(self) -> None:
        self._readers.discard(self)
        super().close()


class Readers:
    """All connections that are read from."""

    def __init__(self) -> None:
        self.is_stopping = False
        self._lock = threading.Lock()
        self._open: set[RequestReader] = set()

    def add(self, reader: RequestReader) -> None:
        with self._lock:
            self._open.add(reader)

    def discard(self, reader: RequestReader) -> None:
        with self._lock:
            self._open.discard(reader)

    def stop(self) -> None:
        """Ends the connections on which a request is waited for, or the rest of one.

        Requests that run are finished.
        """
        self.is_stopping = True
        with self._lock:
            waiting = list(self._open)
        for reader in waiting:
            reader.end_if_waiting()


class BoundedHandler:
    """Mixed into a request handler of the standard library's kind, it reads within the bounds."""

    readers: Readers
    connection: Any
    rfile: Any

    def setup(self) -> None:
        super().setup()  # type: ignore[misc]
        self.rfile.close()
        self.requests, self.rfile = RequestReader.buffered(self.connection, self.readers)

    def handle_one_request(self) -> None:
        self.requests.begin()
        super().handle_one_request()  # type: ignore[misc]
