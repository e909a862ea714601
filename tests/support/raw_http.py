"""HTTP as bytes: requests that no client library would send, and all that comes back for them.

Never here: assertions; what an answer should be.
Invariant: every exchange ends within `ANSWER_S`.
"""

from __future__ import annotations

import json
import socket
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

ANSWER_S: Final = 20.0
HOST: Final = b"Host: 127.0.0.1\r\n"


@dataclass(frozen=True)
class Answer:
    """One answer as it came; names of headers in small letters."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def problem(self) -> dict[str, Any]:
        said: dict[str, Any] = json.loads(self.body)
        return said


def request(line: bytes, *headers: bytes, body: bytes = b"", host: bytes = HOST) -> bytes:
    """A request of these lines; `Host` comes first, unless `host` is empty."""
    return line + b"\r\n" + host + b"".join(one + b"\r\n" for one in headers) + b"\r\n" + body


def exchange(port: int, *parts: bytes) -> bytes:
    """What comes back on one connection until it ends, or nothing more is said."""
    with socket.create_connection(("127.0.0.1", port), timeout=ANSWER_S) as sock:
        with suppress(OSError):
            for part in parts:
                sock.sendall(part)
            sock.shutdown(socket.SHUT_WR)
        received = b""
        with suppress(OSError):
            while more := sock.recv(65_536):
                received += more
    return received


def answers(received: bytes) -> list[Answer]:
    """The answers in it, by their lengths. `ValueError` for what is none."""
    found = []
    while received:
        head, mark, rest = received.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        if not mark or not first.startswith("HTTP/1."):
            raise ValueError(f"no answer: {received[:100]!r}")
        pairs = (line.partition(":") for line in lines)
        headers = {name.lower(): value.strip() for name, _, value in pairs}
        length = int(headers.get("content-length", 0))
        found.append(Answer(int(first.split()[1]), headers, rest[:length]))
        received = rest[length:]
    return found
