"""What comes in at a connection as HTTP requests: bounded in time and in bytes, for every server.

Never here: answers of the application, WebSockets (`websocket` reads those after the upgrade).
Invariant: a server sees one request at a time, sound and never more of it than it says of itself.
No request holds its connection open for longer than `REQUEST_S` from its first byte until it is
read, however it dribbles, and whoever sends without pause gives way to the others.
"""

from __future__ import annotations

import io
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPMessage
from typing import Any, Final

from truecandle.web import request_head
from truecandle.web.answer_writer import AnswerWriter
from truecandle.web.request_head import HeadRefused, RequestHead
from truecandle.web.socket_limits import FAREWELL_S, IDLE_S, REQUEST_BYTES_MAX, REQUEST_S

READ_BYTES: Final = 8192
TOO_SLOW: Final = HeadRefused(408, "too-slow", f"allowed: {REQUEST_S:.0f} s for a whole request")


class RequestReader(io.BufferedIOBase):
    """The reading side of one connection, as a file: first a head, then its body, then the end.

    `begin` is called before each request. One that is refused is answered here, and the server
    finds the end, as if the client had gone. A body that takes too long raises `TimeoutError`, and
    so does all that is read after it.
    """

    def __init__(self, sock: socket.socket, readers: Readers) -> None:
        self._sock = sock
        self._readers = readers
        #: When the request that is coming in has to be here; None between requests.
        self._by_s: float | None = None
        #: Came in, but was not handed out yet.
        self._received = b""
        #: The head of this request, and what of its text was not handed out yet.
        self.head: RequestHead | None = None
        self._head_text: io.BytesIO | None = None
        #: Of the body, not handed out yet; and what came in since the request began.
        self._left_bytes = self._bytes = 0
        self._is_waiting = self._has_failed = False
        readers.add(self)

    def begin(self) -> None:
        """A new request; what nobody has read of the last one's body is passed over."""
        if self._received:  # else `_receive` gives way
            time.sleep(0)
        while self._left_bytes and not self._has_failed:
            with suppress(OSError):
                if not self.read(READ_BYTES):
                    break
        self._by_s, self.head, self._head_text, self._bytes = None, None, None, 0

    def readable(self) -> bool:
        return True

    def readline(self, size: int | None = -1) -> bytes:
        """The next line of the head; of the body, if the head was read."""
        limit = READ_BYTES if size is None or size < 0 else size
        head = self._whole_head()
        if line := head.readline(limit):
            return line
        parts: list[bytes] = []
        while len(parts) < limit and (byte := self.read(1)):
            parts.append(byte)
            if byte == b"\n":
                break
        return b"".join(parts)

    def read(self, size: int | None = -1) -> bytes:
        """So many bytes of the body, less at its end only; without `size` all that is left."""
        wanted = self._left_bytes if size is None or size < 0 else min(size, self._left_bytes)
        parts = []
        while wanted:
            if not self._received and not self._receive():
                break
            part, self._received = self._received[:wanted], self._received[wanted:]
            wanted -= len(part)
            self._left_bytes -= len(part)
            parts.append(part)
        return b"".join(parts)

    def skip_head(self) -> None:
        """What is left of the head's text will be read by nobody."""
        self._head_text = io.BytesIO()

    def _whole_head(self) -> io.BytesIO:
        """The head that is being handed out; empty where none will come."""
        if self._head_text is None:
            self._head_text = io.BytesIO()
            with suppress(OSError, HeadRefused):
                self.head = self._next_head()
                self._head_text = io.BytesIO(self.head.data)
                self._left_bytes = self.head.body_bytes
        return self._head_text

    def _next_head(self) -> RequestHead:
        """Reads until a head is whole. Whoever sent a bad one has been answered."""
        try:
            while (found := self._split()) is None:
                if not self._receive():
                    raise EOFError
        except EOFError:
            raise ConnectionResetError from None
        except TimeoutError:
            if self._by_s is None:
                raise
            self._refuse(TOO_SLOW)
            raise
        except HeadRefused as refused:
            self._refuse(refused)
            raise
        head, self._received = found
        return head

    def _split(self) -> tuple[RequestHead, bytes] | None:
        if self._received and self._by_s is None:
            self._by_s = time.monotonic() + REQUEST_S
        return request_head.split(self._received)

    def _receive(self) -> bool:
        """Waits for more; False at the end, and between requests once the server is to stop."""
        if self._by_s is None and self._readers.is_stopping:
            return False
        time.sleep(0)
        left_s = IDLE_S if self._by_s is None else self._by_s - time.monotonic()
        if self._has_failed or left_s <= 0 or self._bytes > REQUEST_BYTES_MAX:
            self._has_failed = True
            raise TimeoutError("the request took too long, or was too much")
        self._sock.settimeout(left_s)
        self._is_waiting = True
        try:
            received = self._sock.recv(READ_BYTES)
        except OSError:
            self._has_failed = True
            raise
        finally:
            self._is_waiting = False
            with suppress(OSError):
                self._sock.settimeout(IDLE_S)
        self._received += received
        self._bytes += len(received)
        return bool(received)

    def _refuse(self, refused: HeadRefused) -> None:
        """Answers, and waits a moment for the other side to read it: a connection that is closed
        with bytes unread is reset, and the answer with it.
        """
        self._has_failed = True
        by_s, left_bytes = time.monotonic() + FAREWELL_S, REQUEST_BYTES_MAX
        with suppress(OSError):
            self._sock.settimeout(FAREWELL_S)
            self._sock.sendall(self._readers.answer(refused))
            self._sock.shutdown(socket.SHUT_WR)
            while left_bytes > 0 and (left_s := by_s - time.monotonic()) > 0:
                self._sock.settimeout(left_s)
                if not (received := self._sock.recv(READ_BYTES)):
                    break
                left_bytes -= len(received)
                time.sleep(0)

    def end_if_waiting(self) -> None:
        """Has whoever waits for more find the end; what has come in already is still read."""
        if self._is_waiting:
            with suppress(OSError):
                self._sock.shutdown(socket.SHUT_RD)

    def close(self) -> None:
        self._readers.discard(self)
        super().close()


class Readers:
    """All connections that are read from. `answer` makes the whole answer to a refused request."""

    def __init__(self, answer: Callable[[HeadRefused], bytes]) -> None:
        self.is_stopping = False
        self.answer = answer
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
    """Mixed into a request handler of the standard library's kind, it reads and writes within the
    bounds.
    """

    readers: Readers
    connection: Any
    rfile: Any
    wfile: Any
    requestline: str
    command: str
    path: str
    request_version: str
    headers: Any
    close_connection: bool

    def setup(self) -> None:
        super().setup()  # type: ignore[misc]
        self.rfile.close()
        self.wfile.close()
        self.requests = self.rfile = RequestReader(self.connection, self.readers)
        self.wfile = AnswerWriter(self.connection)

    def handle_one_request(self) -> None:
        self.requests.begin()
        super().handle_one_request()  # type: ignore[misc]

    def parse_request(self) -> bool:
        """What was read by our grammar is taken as it is, so that nobody reads it otherwise."""
        head = self.requests.head
        if head is None:
            return False
        self.requests.skip_head()
        self.requestline = f"{head.method} {head.target} {head.version}"
        self.command, self.request_version = head.method, head.version
        # Else an address of its own for whoever is sent there again: `//host/path`.
        is_double = head.target.startswith("//")
        self.path = "/" + head.target.lstrip("/") if is_double else head.target
        self.headers = HTTPMessage()
        for name, value in head.fields:
            self.headers[name] = value
        wish = self.headers.get("Connection", "").lower()
        is_older = head.version == "HTTP/1.0"
        self.close_connection = wish != "keep-alive" if is_older else wish == "close"
        expected = self.headers.get("Expect", "").lower()
        if expected == "100-continue" and not is_older:
            return bool(self.handle_expect_100())  # type: ignore[attr-defined]
        return True
