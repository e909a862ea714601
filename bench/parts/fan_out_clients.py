"""Browsers as raw WebSockets: they say of every event when each of them has had it.

    python -m bench.parts.fan_out_clients PORT CLIENTS FIRST_ADDRESS WATCHED

Each line of stdin begins a round: how many events it has; 0 ends a round of which not all has come.
At its end the time of each delivery (doubles of the machine's monotonic clock, 0 where there was
none), browser by browser and event by event, and how many came in another order than they were
published in are written to stdout.

Never here: what is told, judging. They speak just enough of Engine.IO 4 and Socket.IO 5.
Invariant: an event counts once, when its last byte was read, and only if it is, byte for byte, the
one that follows; pings are answered. What is expected was made before, so that a browser costs
little more than its system call.
"""

from __future__ import annotations

import os
import re
import select
import socket
import sys
import time
from array import array

#: Clients of one address: fewer than a server lets in.
PER_ADDRESS = 50
READ_BYTES = 1 << 16
#: The number of the first event; each has the next one.
FIRST_ID = 4_000_000_000
#: Of a text that holds an event of a room; its number; and what asks for a sign of life.
EVENT, ID, PING = b'42["live_price"', re.compile(rb'"last_id":(\d+)'), b"2"
#: The same back: a masked text frame (with a mask of zeros).
PONG = b"\x81\x81\0\0\0\x003"


class Client:
    """One connection, what has come of it that is no whole frame yet, and which event is next."""

    __slots__ = ("left", "next", "number", "sock")

    def __init__(self, port: int, address: str, number: int) -> None:
        self.left = b""
        self.next = 0
        self.number = number
        self.sock = socket.create_connection(
            ("127.0.0.1", port), timeout=60, source_address=(address, 0)
        )
        self.sock.sendall(
            f"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode()
        )
        while b"\r\n\r\n" not in self.left:
            self.left += self.sock.recv(READ_BYTES)
        self.left = self.left.partition(b"\r\n\r\n")[2]

    def say(self, text: str, until: bytes) -> None:
        """Sends a packet, and reads on to the frame that begins like this."""
        data = text.encode()
        self.sock.sendall(b"\x81%c\0\0\0\0" % (0x80 | len(data)) + data)
        while not any(text.startswith(until) for text, _ in self.frames(b"")):
            self.left += self.sock.recv(READ_BYTES)

    def frames(self, data: bytes) -> list[tuple[bytes, bytes]]:
        """The payloads of all frames that are whole with what has come now, and the frames."""
        data, at, found = self.left + data, 0, []
        while len(data) - at >= 2:
            size = data[at + 1]
            head = {126: 4, 127: 10}.get(size, 2)
            if head > 2:
                size = int.from_bytes(data[at + 2 : at + head], "big")
            end = at + head + size
            if len(data) < end:
                break
            found.append((data[at + head : end], data[at:end]))
            at = end
        self.left = data[at:]
        return found


class Round:
    """Which events are awaited, as which frames, and when each client has had each of them."""

    def __init__(self, clients: int) -> None:
        self._clients = clients
        #: What stands around the number in a frame; known from the first event on.
        self._around: list[bytes] = []
        #: The first event of this round, counted from 0 over all rounds, and how many it has.
        self.first = self.events = 0
        #: Of each event the whole frame, all of one length.
        self.frames: list[bytes] = []
        self.frame_bytes = 0
        self.times = array("d")
        #: Deliveries that may still come; those that came in another order.
        self.open = self._odd = 0
        self._is_running = False

    def obey(self) -> bool:
        """Reads what stdin says; False once it has ended."""
        told = os.read(0, 100)
        for line in told.split():
            if int(line):
                self._begin(int(line))
            else:
                self.open = 0
                self.end()
        return bool(told)

    def take(self, client: Client, data: bytes, now_s: float) -> None:
        """What came for one client that was not just the frame of the next event."""
        count, rest = divmod(len(data), self.frame_bytes or READ_BYTES + 1)
        at = client.next - self.first
        fits = count and not rest and not client.left and 0 <= at <= self.events - count
        if fits and data == b"".join(self.frames[at : at + count]):
            for number in range(client.next, client.next + count):
                self.count(client, number, now_s)
            return
        for text, frame in client.frames(data):
            if text == PING:
                client.sock.sendall(PONG)
            elif text.startswith(EVENT) and (found := ID.search(text)) is not None:
                if not self._around:
                    self._around = frame.split(found[1])
                    self._expect()
                self.count(client, int(found[1]) - FIRST_ID, now_s)

    def count(self, client: Client, number: int, now_s: float) -> None:
        """A client has had this event. Those before it that it has not had gave way to this one,
        and do not come any more."""
        while number >= self.first + self.events:
            self.obey()
        if number >= self.first:
            self.times[client.number * self.events + number - self.first] = now_s
            self.open -= max(number + 1 - max(client.next, self.first), 0)
        self._odd += number < client.next
        client.next = max(client.next, number + 1)

    def end(self) -> None:
        """Says what has come, once nothing more is awaited."""
        if self._is_running and not self.open:
            self._is_running = False
            left = memoryview(self.times.tobytes() + array("d", [self._odd]).tobytes())
            while left:
                left = left[os.write(1, left) :]

    def _begin(self, events: int) -> None:
        self.first += self.events
        self.events, self._is_running = events, True
        self.times = array("d", bytes(8 * events * self._clients))
        self.open, self._odd = events * self._clients, 0
        self._expect()

    def _expect(self) -> None:
        if self._around:
            numbers = range(FIRST_ID + self.first, FIRST_ID + self.first + self.events)
            self.frames = [(b"%d" % number).join(self._around) for number in numbers]
            self.frame_bytes = len(self.frames[0])


def main() -> None:
    port, count, first, watched = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    clients, poll, now = dict[int, Client](), select.epoll(), Round(count)
    for number in range(count):
        client = Client(port, f"127.0.0.{first + number // PER_ADDRESS}", number)
        client.say("40", b"40")
        client.say(f'421["watch",{{"symbols":["{watched}"]}}]', b"431")
        client.sock.setblocking(False)
        clients[client.sock.fileno()] = client
        poll.register(client.sock, select.EPOLLIN)
        for descriptor, _ in poll.poll(0):  # who has come before is asked for signs of life
            now.take(clients[descriptor], clients[descriptor].sock.recv(READ_BYTES), 0.0)
    poll.register(0, select.EPOLLIN)
    os.write(1, b"ready\n")
    serve(poll, clients, now)


def serve(poll: select.epoll, clients: dict[int, Client], now: Round) -> None:
    """Round after round, until stdin ends."""
    buffer, monotonic = bytearray(READ_BYTES), time.monotonic
    while True:
        for descriptor, _ in poll.poll():
            if descriptor == 0:
                # It may have been read already, by who had an event that was not announced yet.
                if select.select([0], [], [], 0)[0] and not now.obey():
                    return
                continue
            client = clients[descriptor]
            size = client.sock.recv_into(buffer)
            if not size:
                raise ConnectionError("a client was cut off")
            at = client.next - now.first
            if (
                size == now.frame_bytes and not client.left and 0 <= at < now.events
                and buffer.startswith(now.frames[at])
            ):  # fmt: skip
                now.times[client.number * now.events + at] = monotonic()
                client.next += 1
                now.open -= 1
            else:
                now.take(client, bytes(buffer[:size]), monotonic())
        now.end()


if __name__ == "__main__":
    main()
