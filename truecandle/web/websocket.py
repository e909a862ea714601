"""A WebSocket: frames in and out of a socket, within the bounds of `socket_limits`.

The same for eventlet, gevent and threads: sockets and locks are the ones that `app.py` patched.

Never here: accounts, rooms, what packets mean (`packets` says which may pass), python-engineio;
what waits to be sent (`send_queue`).
Invariant: nothing that comes in is handled before it is counted, every frame gives way to the
others, and whoever exceeds a bound is cut off without waiting for them.
"""

from __future__ import annotations

import re
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Event, Ping, Pong, TextMessage
from wsproto.frame_protocol import CloseReason
from wsproto.utilities import LocalProtocolError, generate_accept_token

from truecandle.web import send_queue
from truecandle.web import socket_limits as limits
from truecandle.web.packets import Packet, PacketError, kind_of
from truecandle.web.send_queue import Burst, Frame, SendQueue, goodbye, pack
from truecandle.web.socket_limits import Addresses, TokenBucket

READ_BYTES: Final = 4096
#: A time-out of 0 would mean: do not wait at all.
WAIT_MIN_S: Final = 0.01

_SWITCH = (
    b"HTTP/1.1 101 Switching Protocols\r\n"
    b"Upgrade: websocket\r\n"
    b"Connection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: %s\r\n\r\n"
)


class Exceeded(Exception):
    """A bound was exceeded; which one, by a word of `metrics.SOCKETS_CUT`."""


class WebSocket:
    """A connection from the upgrade to the end, of a browser that speaks Engine.IO. `wait`, `send`
    and `close` are what engineio uses.

    One thread waits, another one sends what its queue hands out; anybody may `dismiss` or `cut`.
    """

    #: The largest message that may come in.
    message_bytes_max = limits.MESSAGE_BYTES_MAX

    def __init__(self, sock: socket.socket, address: str, key: str, addresses: Addresses) -> None:
        now_s = time.monotonic()
        self.address = address
        #: Why it was cut off; None while it was not.
        self.cut_for: str | None = None
        self.send_queue = self._new_queue(sock.fileno())
        self._sock = sock
        self._key = key
        self._addresses = addresses
        self._protocol = Connection(ConnectionType.SERVER)
        self._events = self._incoming()
        self._frames = TokenBucket.full(limits.FRAMES_PER_S, limits.FRAMES_AT_ONCE, now_s)
        self._bytes = TokenBucket.full(limits.BYTES_PER_S, limits.BYTES_AT_ONCE, now_s)
        self._hello_by_s = now_s + limits.HELLO_S
        #: When something last came in.
        self._heard_s = now_s
        #: When the message that is coming in began; None between messages.
        self._began_s: float | None = None
        self._services: list[str] = []
        #: The upgrade was answered; it has asked to be let in, it was, and it was told to go.
        self.is_accepted = False
        self._has_asked = self._is_member = self._is_dismissed = False

    def accept(self) -> None:
        """Answers the upgrade. Compression is not offered: one frame could become a gigabyte."""
        self.is_accepted = True
        self._write(_SWITCH % generate_accept_token(self._key.encode()))
        self.send_queue.open()

    def admit(self) -> bool:
        """Lets it in; False while its address has as many connections as it may."""
        self._is_member = self._addresses.admit(self.address, self, time.monotonic())
        return self._is_member

    def dismiss(self) -> None:
        """Ends it once all that waits to be sent has left: nothing more is heard."""
        self._is_member, self._is_dismissed = False, True
        with suppress(OSError):
            self._sock.shutdown(socket.SHUT_RD)

    def cut(self, why: str) -> None:
        """Ends it at once, whatever is still on its way. `why` is a label of `SOCKETS_CUT`."""
        if self.cut_for is None:
            self.cut_for = why
        self.send_queue.end()
        abort(self._sock)

    def wait(self) -> str | None:
        """The next packet; None once it has ended, was refused, or has exceeded a bound."""
        if self._is_dismissed or (self._has_asked and not self._is_member):
            return None
        try:
            return self._next_packet()
        except Exceeded as problem:
            is_size = str(problem) == "size"
            code = CloseReason.MESSAGE_TOO_BIG if is_size else CloseReason.POLICY_VIOLATION
            self._say_goodbye(code, f"exceeded: {problem}")
            self.cut(str(problem))
        except (OSError, LocalProtocolError):
            pass
        return None

    def send(self, piece: bytes) -> None:
        """Sends what the queue has handed out; `OSError` if it cannot leave within `SEND_S`."""
        self._write(piece)

    def close(self) -> None:
        """Says good-bye and ends it, without waiting for the other side's."""
        self._say_goodbye(CloseReason.NORMAL_CLOSURE)
        with suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)

    def _next_packet(self) -> str | None:
        for event in self._events:
            if isinstance(event, (TextMessage, BytesMessage)):
                self._services.append(self._text_of(event))
                if sum(map(len, self._services)) > self.message_bytes_max:
                    raise Exceeded("size")
                if event.message_finished:
                    text, self._services, self._began_s = "".join(self._services), [], None
                    return self._checked(text)
            elif isinstance(event, Ping):
                self.send_queue.offer(Burst([Frame(pack(bytes(event.payload), send_queue.PONG))]))
            elif isinstance(event, CloseConnection):
                if self._protocol.state is ConnectionState.OPEN:
                    raise Exceeded("frame")
                self._say_goodbye(CloseReason.NORMAL_CLOSURE)
                return None
            elif not isinstance(event, Pong):
                raise Exceeded("packet")
            if not self._services:
                self._began_s = None
        return None

    def _new_queue(self, fd: int) -> SendQueue:
        return SendQueue(fd, self.cut)

    def _text_of(self, message: TextMessage | BytesMessage) -> str:
        """What a message, or a part of one, says."""
        if isinstance(message, BytesMessage):
            raise Exceeded("packet")
        return message.data

    def _checked(self, text: str) -> str:
        """The text, if its packet may come now: first CONNECT, once; events of members only."""
        try:
            kind = kind_of(text)
        except PacketError:
            raise Exceeded("packet") from None
        if kind is Packet.CONNECT:
            if self._has_asked:
                raise Exceeded("packet")
            self._has_asked = True
        elif kind in (Packet.EVENT, Packet.DISCONNECT) and not self._is_member:
            raise Exceeded("packet")
        return text

    def _incoming(self) -> Iterator[Event]:
        """What comes in, each frame counted before anybody sees it."""
        while data := self._receive():
            self._protocol.receive_data(data)
            for event in self._protocol.events():
                now_s = time.monotonic()
                if not self._frames.take(1, now_s):
                    raise Exceeded("frames")
                time.sleep(self._addresses.frame(self.address, now_s))
                yield event

    def _receive(self) -> bytes:
        """What has come in; empty once nothing more will."""
        while True:
            now_s = time.monotonic()
            if (left_s := self._read_by_s() - now_s) <= 0:
                raise Exceeded("hello" if not self._is_member else "slow")
            self._sock.settimeout(max(left_s, WAIT_MIN_S))
            with suppress(TimeoutError):
                data = self._sock.recv(READ_BYTES)
                break
        now_s = time.monotonic()
        if not self._bytes.take(len(data), now_s):
            raise Exceeded("bytes")
        if self._began_s is None:
            self._began_s = now_s
        self._heard_s = now_s
        return data

    def _read_by_s(self) -> float:
        """When something more has to have come in."""
        bounds = [self._heard_s + limits.PING_S + limits.PONG_S]
        if not self._is_member:
            bounds.append(self._hello_by_s)
        if self._began_s is not None:
            bounds.append(self._began_s + limits.MESSAGE_S)
        return min(bounds)

    def _write(self, data: bytes) -> None:
        """Sends all of it within `SEND_S`. The time-out of the socket may be the reader's."""
        left, by_s = memoryview(data), time.monotonic() + limits.SEND_S
        while left:
            self._sock.settimeout(max(by_s - time.monotonic(), WAIT_MIN_S))
            with suppress(TimeoutError):
                left = left[self._sock.send(left) :]
            if left and time.monotonic() >= by_s:
                self.cut("unread")
                raise TimeoutError

    def _say_goodbye(self, code: CloseReason, reason: str = "") -> None:
        """A close frame, if it can leave now."""
        self.send_queue.end(goodbye(code, reason))


def abort(sock: socket.socket) -> None:
    """Ends a TCP connection: whoever waits at it wakes up, and nothing is kept for the peer."""
    with suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


def upgrade_key(environ: dict[str, Any]) -> str | None:
    """The key of a request that asks for a WebSocket of version 13; None for any other request."""
    wanted = [part.strip() for part in environ.get("HTTP_CONNECTION", "").lower().split(",")]
    key: str = environ.get("HTTP_SEC_WEBSOCKET_KEY", "")
    is_one = (
        environ.get("REQUEST_METHOD") == "GET"
        and "upgrade" in wanted
        and environ.get("HTTP_UPGRADE", "").lower() == "websocket"
        and environ.get("HTTP_SEC_WEBSOCKET_VERSION") == "13"
        and re.fullmatch(r"[A-Za-z0-9+/]{22}==", key) is not None
    )
    return key if is_one else None
