"""Connections that send what no browser sends: frames and requests as bytes, without pause.

Never here: assertions; what a good client does (`tests/support/web_process.py`).
Invariant: every flood ends by itself, after `FLOOD_S` or `FLOOD_BYTES`, or once it is cut off.
"""

from __future__ import annotations

import os
import random
import socket
import struct
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

FLOOD_S = 1.5
FLOOD_BYTES = 64 << 20
CHUNK_BYTES = 64 << 10
TEXT, BINARY, CLOSE, PING, PONG, CONTINUATION = 1, 2, 8, 9, 10, 0

#: One Engine.IO packet each, as text.
PACKETS = {
    "no Socket.IO packet": "4x",
    "attachments that never come": '451-["x"',
    "attachments of an ack": '461-["x"]',
    "CONNECT, refused": "40",
    "CONNECT with a wrong token": '40{"token":"x"}',
    "CONNECT to another namespace": "40/xyz,",
    "CONNECT with a list": "40[]",
    "a ping of an older protocol": "2",
    "a pong nobody asked for": "3",
    "DISCONNECT before CONNECT": "41",
    "an event before CONNECT": '42["subscribe",{"symbol":"BTCUSDT","interval":"1h"}]',
    "a deep event": "42" + "[" * 3_000,
    "a deep object": "4" + '{"a":' * 3_000,
    "the server's own event": '42["disconnect"]',
    "an ack": "43[]",
    "an error": '44{"message":"x"}',
    "an unknown Socket.IO type": "47[]",
    "an open": '0{"sid":"x"}',
    "an upgrade": "5",
    "a probe": "2probe",
    "nothing": "6",
    "an unknown Engine.IO type": "9",
    "no type": "x",
    "base64": "bAAAA",
    "bad base64": "b!",
    "no packet": "",
    "control characters": "4\x1b[31mEVIL\x1b]0;x\x07\r\nFAKE line\u202e",
    "a number without end": "42" + "1" * 15_000,
    "a wide packet": "4" + "x" * 15_000,
}


def frame(payload: bytes | str = b"", opcode: int = TEXT, fin: bool = True, mask: bool = True,
          rsv: int = 0, length: int | None = None) -> bytes:  # fmt: skip
    """One frame of a client; `length` may be a lie."""
    data = payload.encode() if isinstance(payload, str) else payload
    size = len(data) if length is None else length
    head = bytes([fin << 7 | rsv << 4 | opcode])
    bit = 0x80 if mask else 0
    if size < 126:
        head += bytes([bit | size])
    elif size < 1 << 16:
        head += bytes([bit | 126]) + struct.pack("!H", size)
    else:
        head += bytes([bit | 127]) + struct.pack("!Q", size)
    if not mask:
        return head + data
    key = os.urandom(4)
    long_key = (key * (len(data) // 4 + 1))[: len(data)]
    mixed = int.from_bytes(data, "big") ^ int.from_bytes(long_key, "big")
    return head + key + mixed.to_bytes(len(data), "big")


#: What is sent again and again on one connection.
FRAMES = {
    **{name: frame(text) for name, text in PACKETS.items()},
    "pings": frame(b"x" * 100, PING),
    "pongs": frame(b"", PONG),
    "binary": frame(b"x" * 50, BINARY),
    "empty binary": frame(b"", BINARY),
    "fragments of nothing": frame("4", TEXT, fin=False) + frame(b"", CONTINUATION, fin=False) * 500,
    "fragments with pings between": frame("4", TEXT, fin=False) + frame(b"", PING) * 500,
    "continuations of nothing": frame(b"x", CONTINUATION),
    "closing again and again": frame(struct.pack("!H", 1000), CLOSE),
    "a close with a bad code": frame(struct.pack("!H", 7), CLOSE),
    "frames without a mask": frame("3", mask=False),
    "reserved bits": frame("3", rsv=4),
    "an unknown opcode": frame(b"", 11),
    "no UTF-8": frame(b"4\xff\xfe"),
    "a frame of a gigabyte": frame(b"4" + b"x" * 60_000, length=1 << 30),
    "a frame of half of all": frame(b"", length=1 << 62),
    "a large ping": frame(b"x" * 126, PING),
    "no frames": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
}
#: What is sent instead of an upgrade: first once, then again and again.
REQUESTS = {
    "many requests at once": (b"", b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"),
    "polling": (
        b"",
        b"POST /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        b"Content-Length: 2\r\n\r\n4x",
    ),
    "a body without end": (
        b"POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99999999999\r\n\r\n",
        b"x" * 1000,
    ),
    "chunks without end": (
        b"POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"1\r\nx\r\n",
    ),
    "a head without end": (b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n", b"X: y\r\n"),
    "a line without end": (b"", b"G"),
    "no request at all": (b"", b"\x16\x03\x01\x00\r\n"),
}


@dataclass
class Flooded:
    """What became of a flood."""

    sent_bytes: int
    is_cut: bool


def upgraded(port: int, path: str = "/socket.io/?EIO=4&transport=websocket") -> socket.socket:
    """A raw socket after the handshake; what the server said first may still be in it."""
    sock = socket.create_connection(("127.0.0.1", port), timeout=20)
    sock.sendall(
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode()
    )
    head = b""
    while b"\r\n\r\n" not in head and (data := sock.recv(1)):
        head += data
    if b" 101 " not in head:
        sock.close()
        raise ConnectionRefusedError(head)
    return sock


def repeated(data: bytes) -> Iterator[bytes]:
    chunk = data * max(1, CHUNK_BYTES // len(data))
    while True:
        yield chunk


def mixed(seed: int) -> Iterator[bytes]:
    """All kinds of frames by chance, some of them cut short."""
    chance = random.Random(seed)
    kinds = list(FRAMES.values())
    while True:
        one = chance.choice(kinds) * chance.choice([1, 1, 2, 50])
        yield one if chance.random() < 0.8 else one[: chance.randrange(len(one))]


def flood(sock: socket.socket, chunks: Iterable[bytes]) -> Flooded:
    """Sends as fast as it can, never reads, and then looks whether it was cut off."""
    sent, by_s = 0, time.monotonic() + FLOOD_S
    sock.settimeout(0.2)
    try:
        for chunk in chunks:
            left = memoryview(chunk)
            while left and time.monotonic() < by_s:
                try:
                    count = sock.send(left)
                except TimeoutError:
                    continue
                sent, left = sent + count, left[count:]
            if time.monotonic() >= by_s or sent > FLOOD_BYTES:
                return Flooded(sent, False)
    except OSError:
        return Flooded(sent, True)
    return Flooded(sent, False)


def is_ended(sock: socket.socket, within_s: float = 20.0) -> bool:
    """Whether the server ends the connection within that time; what it says is thrown away."""
    by_s = time.monotonic() + within_s
    while (left_s := by_s - time.monotonic()) > 0:
        sock.settimeout(left_s)
        try:
            if not sock.recv(65_536):
                return True
        except TimeoutError:
            return False
        except OSError:
            return True
    return False
