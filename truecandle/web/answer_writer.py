"""What leaves a connection as HTTP answers: bounded in time, and nothing kept of it afterwards.

Never here: what an answer says, WebSockets (`websocket` writes those).
Invariant: an answer that is not read ends its connection, and holds its memory no longer than that.
"""

from __future__ import annotations

import io
import socket
import time
from typing import Any, Final

from truecandle.web.socket_limits import ANSWER_BYTES_PER_S_MIN, UNREAD_S
from truecandle.web.websocket import abort

#: Head and body leave in one piece up to this size; the rest of a larger body leaves as it is: all
#: of it together would be a copy, for as long as somebody does not read it.
BUFFER_BYTES: Final = 128 << 10


class AnswerWriter(io.BufferedIOBase):
    """The writing side of one connection, as a file: what is written leaves with `flush`.

    Raises `TimeoutError` for a reader that takes nothing, or too little, of what waits for it.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._parts: list[bytes] = []
        self._bytes = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        room = BUFFER_BYTES - self._bytes
        if len(data) <= room:
            self._parts.append(bytes(data))
            self._bytes += len(data)
        else:
            whole = memoryview(data)
            self._parts.append(bytes(whole[:room]))
            self.flush()
            send(self._sock, whole[room:])
        return len(data)

    def flush(self) -> None:
        data, self._parts, self._bytes = b"".join(self._parts), [], 0
        if data:
            send(self._sock, data)


def send(sock: socket.socket, data: Any) -> None:
    """Sends all of it, or ends the connection and raises `TimeoutError`."""
    left = memoryview(data)
    by_s = time.monotonic() + UNREAD_S + len(left) / ANSWER_BYTES_PER_S_MIN
    while left:
        left_s = by_s - time.monotonic()
        try:
            if left_s <= 0:
                raise TimeoutError("the answer was read too slowly")
            sock.settimeout(min(left_s, UNREAD_S))
            left = left[sock.send(left) :]
        except TimeoutError:
            abort(sock)
            raise
