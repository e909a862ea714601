"""Asks an HTTP server again and again, over connections that stay where the server lets them.

    python -m bench.parts.read_client PORT CONNECTIONS SECONDS PATH [HEADER: VALUE ...]

Prints as JSON how many answers came, their bytes, how often each status was there, and the median
and the 99th percentile of the time an answer took, in ms.
"""

from __future__ import annotations

import json
import selectors
import socket
import sys
import time
from collections import Counter
from dataclasses import dataclass, field

HEAD_END = b"\r\n\r\n"
READ_BYTES = 1 << 18


@dataclass
class Connection:
    """One connection: what has come of its present answer, and how much is still to come."""

    sock: socket.socket
    asked_s: float = 0.0
    head: bytes = b""
    left: int = -1
    is_last: bool = False
    took_ms: list[float] = field(default_factory=list)


class Asker:
    """One kind of request over several connections."""

    def __init__(self, port: int, connections: int, path: str, headers: list[str]) -> None:
        self.path, self._port = path, port
        lines = "".join(f"{line}\r\n" for line in ("Host: 127.0.0.1", *headers))
        self._rest = f" HTTP/1.1\r\n{lines}\r\n"
        self.statuses: Counter[int] = Counter()
        self.bytes = 0
        self.connections = [Connection(self._connect()) for _ in range(connections)]

    def _connect(self) -> socket.socket:
        sock = socket.create_connection(("127.0.0.1", self._port))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock

    def ask(self, one: Connection) -> None:
        one.head, one.left, one.asked_s = b"", -1, time.perf_counter()
        if one.is_last:  # the server ends its connections after each answer
            one.sock.close()
            one.sock = self._connect()
        one.sock.sendall(f"GET {self.path}{self._rest}".encode())

    def receive(self, one: Connection) -> bool:
        """Takes what has come; whether the answer is whole."""
        data = one.sock.recv(READ_BYTES)
        assert data, "the server has closed the connection"
        self.bytes += len(data)
        if one.left < 0:
            one.head += data
            head, end, body = one.head.partition(HEAD_END)
            if not end:
                return False
            status = int(head[9:12])
            self.statuses[status] += 1
            lower = head.lower()
            one.is_last = b"\r\nconnection: close" in lower
            at = lower.find(b"\r\ncontent-length:")
            size = int(lower[at + 17 :].partition(b"\r\n")[0]) if at >= 0 else 0
            one.left = size - len(body)
        else:
            one.left -= len(data)
        if one.left == 0:
            one.took_ms.append((time.perf_counter() - one.asked_s) * 1000)
        return one.left == 0

    def took_ms(self, path: str) -> float:
        """How long one answer took, on the first connection, which waits for nothing else."""
        self.path, one = path, self.connections[0]
        self.ask(one)
        while not self.receive(one):
            pass
        return one.took_ms[-1]

    def close(self) -> None:
        for one in self.connections:
            one.sock.close()

    def run(self, seconds: float) -> None:
        waiting = selectors.DefaultSelector()
        for one in self.connections:
            self.ask(one)
            waiting.register(one.sock, selectors.EVENT_READ, one)
        end_s = time.perf_counter() + seconds
        while time.perf_counter() < end_s:
            for key, _ in waiting.select(1):
                one = key.data
                if not self.receive(one):
                    continue
                if one.is_last:
                    waiting.unregister(one.sock)
                self.ask(one)
                if one.is_last:
                    waiting.register(one.sock, selectors.EVENT_READ, one)


def main(port: str, connections: str, seconds: str, path: str, *headers: str) -> int:
    asker = Asker(int(port), int(connections), path, list(headers))
    asker.run(float(seconds))
    took = sorted(ms for one in asker.connections for ms in one.took_ms)
    found = {
        "answers": len(took),
        "per_s": len(took) / float(seconds),
        "bytes": asker.bytes,
        "statuses": dict(asker.statuses),
        "p50_ms": took[len(took) // 2],
        "p99_ms": took[len(took) * 99 // 100],
    }
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
