"""One WebSocket connection to the exchange: whole messages in, control messages out.

Never here: what a message means (`wire`), when to connect again (`stream`).
Invariant: no message and no frame over `MESSAGE_MAX` is ever held; every error is ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import websocket
from websocket import ABNF
from websocket._abnf import frame_buffer

from truecandle.binance.limits import retry_after_ms
from truecandle.errors import ExchangeUnreachable, MalformedAnswer, RateLimited

#: The exchange's own messages are below 1 KB; more than this is an attack or a fault.
MESSAGE_MAX = 1 << 20

CONNECT_S = 5.0

#: How long `receive` waits for a message before it gives the thread back.
RECEIVE_S = 0.2

_CHUNK = 1 << 16

#: Statuses that ask for a pause.
_LIMITED = (403, 418, 429)


class Socket:
    """An open connection. Pings are answered while `receive` waits."""

    def __init__(self, url: str) -> None:
        with _translated():
            self._ws = websocket.create_connection(
                url, timeout=CONNECT_S, class_=_Bounded, skip_utf8_validation=True
            )
            self._ws.settimeout(RECEIVE_S)

    def receive(self) -> bytes | None:
        """The next message; None if none came within `RECEIVE_S`. Raises `ExchangeError`."""
        with _translated():
            try:
                opcode, data = self._ws.recv_data()
            except websocket.WebSocketTimeoutException:
                return None
        if opcode == ABNF.OPCODE_CLOSE:
            raise ExchangeUnreachable(f"closed by the exchange: {_reason(data)}")
        return bytes(data)

    def send(self, text: str) -> None:
        with _translated():
            self._ws.settimeout(CONNECT_S)
            self._ws.send(text)
            self._ws.settimeout(RECEIVE_S)

    def close(self) -> None:
        """Closes at once, without waiting for the other side."""
        with suppress(websocket.WebSocketException, OSError):
            self._ws.send_close()
        with suppress(websocket.WebSocketException, OSError):
            self._ws.shutdown()  # type: ignore[no-untyped-call]


class _Frames(frame_buffer):
    """Reads in large pieces, and refuses a frame by its announced length."""

    def __init__(self, receive: Any) -> None:
        super().__init__(receive, skip_utf8_validation=True)
        self._held = bytearray()

    def recv_length(self) -> None:
        super().recv_length()
        if self.length is not None and self.length > MESSAGE_MAX:
            raise MalformedAnswer(f"a frame of {self.length} bytes")

    def recv_strict(self, bufsize: int) -> bytes:
        while len(self._held) < bufsize:
            self._held += self.recv(_CHUNK)
        taken = bytes(self._held[:bufsize])
        del self._held[:bufsize]
        return taken


class _Bounded(websocket.WebSocket):
    """Refuses a message whose fragments grow beyond `MESSAGE_MAX`."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.frame_buffer = _Frames(self._recv)
        self._fragments = 0

    def recv_frame(self) -> ABNF:
        frame: ABNF = super().recv_frame()  # type: ignore[no-untyped-call]
        if frame.opcode in (ABNF.OPCODE_TEXT, ABNF.OPCODE_BINARY, ABNF.OPCODE_CONT):
            self._fragments += len(frame.data)
            if self._fragments > MESSAGE_MAX:
                raise MalformedAnswer(f"a message of more than {MESSAGE_MAX} bytes")
            if frame.fin:
                self._fragments = 0
        return frame


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except websocket.WebSocketBadStatusException as error:
        if error.status_code in _LIMITED:
            raise RateLimited(_pause_ms(error), error.status_code) from error
        raise ExchangeUnreachable(f"refused with HTTP {error.status_code}") from error
    except (websocket.WebSocketException, OSError, ValueError) as error:
        raise ExchangeUnreachable(f"{type(error).__name__}: {error}") from error


def _pause_ms(error: websocket.WebSocketBadStatusException) -> int:
    headers = error.resp_headers or {}
    return retry_after_ms(
        error.status_code, {"Retry-After": str(headers.get("retry-after", ""))}, b"", 0
    )


def _reason(data: bytes) -> str:
    if len(data) < 2:
        return "no reason"
    return f"{int.from_bytes(data[:2], 'big')} {data[2:80].decode(errors='replace')}".strip()
