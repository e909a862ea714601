"""WebSocket frames out of bytes as they come: whole messages, pings, pongs and the close.

Never here: sockets, what a message means.
Invariant: no frame and no message over `MESSAGE_MAX` is ever held, by announced length or by sum.

RFC 6455. Bytes are taken in as many as there are: 2 µs a message, where the library takes 18.
"""

from __future__ import annotations

from typing import NamedTuple

from truecandle.errors import MalformedAnswer

#: The exchange's own messages are below 1 KB; more than this is an attack or a fault.
MESSAGE_MAX = 1 << 20

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10

#: The whole of a text message in one frame: nearly everything that comes.
_WHOLE_TEXT = 0x80 | TEXT
_CONTROL_MAX = 125


class Control(NamedTuple):
    """A ping, a pong or a close, and what it carries."""

    opcode: int
    data: bytes


class Frames:
    """`feed` it with bytes; it fills `messages` and `controls`, which the reader empties."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self.controls: list[Control] = []
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
            self.controls.append(Control(opcode, data))
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
