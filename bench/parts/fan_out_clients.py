"""Browsers as raw WebSockets: they count the frames of each round, and tell when each one came.

    python -m bench.parts.fan_out_clients PORT CLIENTS FIRST_ADDRESS WATCHED

Never here: what is told, judging. They speak just enough of Engine.IO 4 and Socket.IO 5.
Invariant: a frame counts once, when its last byte was read; pings are answered. For each round, a
line of stdin that says how many events it has, the times of all of them are written to stdout, as
doubles of the machine's monotonic clock.
"""

from __future__ import annotations

import os
import select
import socket
import sys
import time
from array import array
from contextlib import suppress

#: Clients of one address: fewer than a server lets in.
PER_ADDRESS = 50
READ_BYTES = 1 << 16
#: Of a text that holds an event of a room; and one that asks for a sign of life.
EVENT, PING = b'42["live_price"', b"2"
#: The same back: a masked text frame (with a mask of zeros).
PONG = b"\x81\x81\0\0\0\x003"


class Client:
    """One connection and what has come of it that is no whole frame yet."""

    __slots__ = ("left", "sock")

    def __init__(self, port: int, address: str) -> None:
        self.left = b""
        self.sock = socket.create_connection(
            ("127.0.0.1", port), timeout=60, source_address=(address, 0)
        )
        self.sock.sendall(
            f"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode()
        )
        while b"\r\n\r\n" not in self.left:
            self._receive()
        self.left = self.left.partition(b"\r\n\r\n")[2]

    def say(self, text: str, until: bytes) -> None:
        """Sends a packet, and reads on to the frame that begins like this."""
        data = text.encode()
        self.sock.sendall(b"\x81%c\0\0\0\0" % (0x80 | len(data)) + data)
        while not any(one.startswith(until) for one in self.frames()):
            self._receive()

    def frames(self) -> list[bytes]:
        """The payloads of all whole frames that have come."""
        data, at, found = self.left, 0, []
        while len(data) - at >= 2:
            size = data[at + 1]
            head = {126: 4, 127: 10}.get(size, 2)
            if head > 2:
                size = int.from_bytes(data[at + 2 : at + head], "big")
            if len(data) - at < head + size:
                break
            found.append(data[at + head : at + head + size])
            at += head + size
        self.left = data[at:]
        return found

    def read(self) -> int:
        """How many events have come with what can be read now."""
        self._receive()
        count = 0
        for one in self.frames():
            if one.startswith(EVENT):
                count += 1
            elif one == PING:
                self.sock.sendall(PONG)
        return count

    def _receive(self) -> None:
        data = self.sock.recv(READ_BYTES)
        if not data:
            raise ConnectionError("a client was cut off")
        self.left = self.left + data if self.left else data


def main() -> None:
    port, count, first, watched = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    clients, poll = dict[int, Client](), select.epoll()
    for number in range(count):
        client = Client(port, f"127.0.0.{first + number // PER_ADDRESS}")
        client.say("40", b"40")
        client.say(f'421["watch",{{"symbols":["{watched}"]}}]', b"431")
        client.sock.setblocking(False)
        clients[client.sock.fileno()] = client
        poll.register(client.sock, select.EPOLLIN)
        for descriptor, _ in poll.poll(0):  # who has come before is asked for signs of life
            clients[descriptor].read()
    os.set_blocking(0, False)
    poll.register(0, select.EPOLLIN)
    os.write(1, b"ready\n")
    serve(poll, clients)


def serve(poll: select.epoll, clients: dict[int, Client]) -> None:
    """Round after round, until stdin ends."""
    times, wanted = array("d"), 0
    while True:
        for descriptor, _ in poll.poll():
            if descriptor == 0:
                told = sys.stdin.buffer.readline()
                if not told:
                    return
                wanted += int(told) * len(clients)
                continue
            with suppress(BlockingIOError):
                count = clients[descriptor].read()
                times.extend([time.monotonic()] * count)
        if wanted and len(times) == wanted:
            left = memoryview(times.tobytes())
            while left:
                left = left[os.write(1, left) :]
            times, wanted = array("d"), 0


if __name__ == "__main__":
    main()
