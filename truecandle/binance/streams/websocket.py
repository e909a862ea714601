"""One WebSocket connection to the exchange: bytes in, whole messages and control frames out.

Never here: what a message means (`messages`), when to connect again (`connection`).
Invariant: no message and no frame over `MESSAGE_MAX` is ever held, by announced length or by sum;
every error is ours; opening ends within `OPEN_S`, however slowly the other side drips.

RFC 6455. Bytes are taken in as many as there are: 2 µs a message, where the library takes 18.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple, TypeVar

import urllib3
import websocket

from truecandle.binance.rate_limit import retry_after_ms
from truecandle.binance.transport import SocketOpening
from truecandle.egress import DIRECTLY, EgressRoute
from truecandle.errors import ExchangeError, ExchangeUnreachable, MalformedAnswer, RateLimited

#: For each step of opening, and for sending a control message.
CONNECT_S = 5.0

#: For all of opening together.
OPEN_S = 10.0

#: How long `receive` waits for a message before it gives the thread back.
RECEIVE_S = 0.2

_CHUNK = 1 << 16

#: A late opening is looked at so often, until its socket is there to be cut.
_ABORT_S = 0.1

#: Statuses that ask for a pause.
_LIMITED = (403, 418, 429)

#: The exchange's own messages are below 1 KB; more than this is an attack or a fault.
MESSAGE_MAX = 1 << 20

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10

#: The whole of a text message in one frame: nearly everything that comes.
_WHOLE_TEXT = 0x80 | TEXT
_CONTROL_MAX = 125

T = TypeVar("T")


class ClientSocket:
    """An open connection. Pings are answered while `receive` waits.

    `heard_s` is when anything last came, `pong_s` when a ping of ours was last answered (0: never).
    """

    def __init__(self, url: str, route: EgressRoute = DIRECTLY, open_s: float = OPEN_S) -> None:
        with _map_errors(route):
            self._ws = _open(url, route, open_s)
        self._sock = _sock_of(self._ws)
        self._frames = FrameReader()
        self._error: ExchangeError | None = None
        self.heard_s = time.monotonic()
        self.pong_s = 0.0

    def receive(self, wait_s: float = RECEIVE_S) -> list[bytes]:
        """What has come, waiting `wait_s` at most for the first of it. Raises `ExchangeError` at
        the end of the connection, when all that came before it has been handed over."""
        if self._error is not None:
            raise self._error
        with _map_errors():
            data = self._read(wait_s)
        if data is None:
            return []
        if not data:
            raise ExchangeUnreachable("closed by the exchange without a word")
        self.heard_s = time.monotonic()
        try:
            self._frames.feed(data)
        except MalformedAnswer as error:
            self._error = error
        for control in self._frames.controls:
            self._on_control(control)
        self._frames.controls.clear()
        return self._frames.take()

    def send(self, text: str) -> None:
        self._send(self._ws.send, text)

    def ping(self) -> None:
        self._send(self._ws.ping, b"")

    def close(self) -> None:
        """Closes at once, without waiting for the other side."""
        with suppress(websocket.WebSocketException, OSError):
            self._sock.settimeout(RECEIVE_S)
            self._ws.send_close()
        with suppress(websocket.WebSocketException, OSError):
            self._ws.shutdown()  # type: ignore[no-untyped-call]

    def _read(self, wait_s: float) -> bytes | None:
        """Some bytes; none of them at the end; None if nothing came in time."""
        self._sock.settimeout(wait_s)
        try:
            return self._sock.recv(_CHUNK)
        except (TimeoutError, BlockingIOError, ssl.SSLWantReadError):
            return None

    def _send(self, send: Callable[[T], object], what: T) -> None:
        with _map_errors():
            self._sock.settimeout(CONNECT_S)
            send(what)

    def _on_control(self, control: ControlFrame) -> None:
        if control.opcode == PONG:
            self.pong_s = self.heard_s
        elif control.opcode == PING:
            try:
                self._send(self._ws.pong, control.data)
            except ExchangeError as error:
                self._error = error
        elif control.opcode == CLOSE and self._error is None:
            self._error = ExchangeUnreachable(f"closed by the exchange: {_reason(control.data)}")


def _open(url: str, route: EgressRoute, open_s: float) -> websocket.WebSocket:
    """The library's time-outs count from one byte to the next, so that headers of one byte a second
    would never end: a second thread cuts the connection of an opening that is too late."""
    ws = websocket.WebSocket(skip_utf8_validation=True)
    opening, over, late = SocketOpening(url, route, CONNECT_S), threading.Event(), threading.Event()

    def watch() -> None:
        if over.wait(open_s):
            return
        late.set()
        while not over.wait(_ABORT_S):
            if opening.sock is not None:
                with suppress(OSError):
                    # Not SSLSocket's own: it would pull the TLS state from under the other thread.
                    socket.socket.shutdown(opening.sock, socket.SHUT_RDWR)

    threading.Thread(target=watch, name="opening", daemon=True).start()
    try:
        ws.connect(  # type: ignore[no-untyped-call]
            url, socket=opening.open(), timeout=CONNECT_S, redirect_limit=0
        )
    except (websocket.WebSocketException, urllib3.exceptions.HTTPError, OSError, ValueError):
        if late.is_set():
            raise ExchangeUnreachable(f"not open within {open_s:.0f} s") from None
        raise
    finally:
        over.set()
    return ws


def _sock_of(ws: websocket.WebSocket) -> socket.socket:
    if ws.sock is None:
        raise ExchangeUnreachable("closed while it was opened")
    return ws.sock


@contextmanager
def _map_errors(route: EgressRoute = DIRECTLY) -> Iterator[None]:
    try:
        yield
    except websocket.WebSocketBadStatusException as error:
        if error.status_code in _LIMITED:
            raise RateLimited(_pause_ms(error), error.status_code) from error
        raise ExchangeUnreachable(f"refused with HTTP {error.status_code}") from error
    except (websocket.WebSocketException, urllib3.exceptions.HTTPError, OSError) as error:
        cause = error.__cause__ if isinstance(error, urllib3.exceptions.HTTPError) else None
        reason = f"{type(cause or error).__name__}: {cause or error}"
        raise ExchangeUnreachable(route.blame(reason)) from error
    except ValueError:
        raise ExchangeUnreachable(route.blame("its answer can't be understood")) from None


def _pause_ms(error: websocket.WebSocketBadStatusException) -> int:
    headers = error.resp_headers or {}
    return retry_after_ms(
        error.status_code, {"Retry-After": str(headers.get("retry-after", ""))}, b"", 0
    )


def _reason(data: bytes) -> str:
    if len(data) < 2:
        return "no reason"
    return f"{int.from_bytes(data[:2], 'big')} {data[2:80].decode(errors='replace')}".strip()


class ControlFrame(NamedTuple):
    """A ping, a pong or a close, and what it carries."""

    opcode: int
    data: bytes


class FrameReader:
    """`feed` it with bytes; it fills `messages` and `controls`, which the reader empties."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self.controls: list[ControlFrame] = []
        self._held = b""
        self._parts: list[bytes] | None = None

    def feed(self, data: bytes) -> None:
        """Raises `MalformedAnswer`; what was whole before the fault is in the lists."""
        data = self._held + data if self._held else data
        at, size = 0, len(data)
        while size - at >= 2:
            first, length, start = data[at], data[at + 1], at + 2
            if length > _CONTROL_MAX:
                width = _width(length)
                start += width
                if start > size:
                    break
                length = int.from_bytes(data[start - width : start], "big")
                if length > MESSAGE_MAX:
                    raise MalformedAnswer(f"a frame of {length} bytes")
            end = start + length
            if end > size:
                break
            if first == _WHOLE_TEXT and self._parts is None:
                self.messages.append(data[start:end])
            else:
                self._take(first, data[start:end])
            at = end
        self._held = data[at:]

    def take(self) -> list[bytes]:
        """The messages so far, each once."""
        taken, self.messages = self.messages, []
        return taken

    def _take(self, first: int, data: bytes) -> None:
        opcode, is_last = first & 0x0F, bool(first & 0x80)
        if first & 0x70:
            raise MalformedAnswer("a frame with an extension that was not agreed on")
        if opcode in (CLOSE, PING, PONG) and is_last and len(data) <= _CONTROL_MAX:
            self.controls.append(ControlFrame(opcode, data))
        elif opcode == CONTINUATION and self._parts is not None:
            self._continue(data, is_last)
        elif opcode in (TEXT, BINARY) and self._parts is None:
            self._parts = []
            self._continue(data, is_last)
        else:
            raise MalformedAnswer(f"a frame of kind {opcode} where none may be")

    def _continue(self, data: bytes, is_last: bool) -> None:
        assert self._parts is not None
        self._parts.append(data)
        if sum(map(len, self._parts)) > MESSAGE_MAX:
            raise MalformedAnswer(f"a message of more than {MESSAGE_MAX} bytes")
        if is_last:
            self.messages.append(b"".join(self._parts))
            self._parts = None


def _width(length: int) -> int:
    """How many bytes the length itself takes, where it is not in the second byte."""
    if length > 127:
        raise MalformedAnswer("a masked frame")
    return 2 if length == 126 else 8
