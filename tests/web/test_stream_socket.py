"""What a program that reads too slowly is sent: the newest states, every close, or why not.

Never here: servers (`test_connections`); a pair of real sockets stands for program and server.
Invariant: the program's end is read to the last byte.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from truecandle.web.send_queue import Burst, Frame, pack
from truecandle.web.socket_limits import QUEUE_MAX
from truecandle.web.stream_socket import TOO_SLOW, StreamQueue


class Reader:
    """A program that does not read until `rest` is asked for."""

    def __init__(self) -> None:
        self.end, self.server = socket.socketpair()
        self.server.setblocking(False)
        self.server.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        self.cuts: list[str] = []
        self.queue = StreamQueue(self.server.fileno(), self.cuts.append)
        self.queue.open()

    def close(self) -> None:
        self.end.close()
        self.server.close()

    def offer(self, text: str, *, forms: str | None = None, is_event: bool = True) -> None:
        self.queue.offer(Burst([Frame(pack(text.encode()), is_event, forms)]))

    def fill(self) -> None:
        while not self.queue._waiting:
            self.offer("answer" * 20, is_event=False)

    def rest(self) -> bytes:
        """All that comes until the writer has nothing more to write."""
        self.queue.put(None)
        self.server.setblocking(True)
        writer = threading.Thread(target=self._write)
        writer.start()
        received = b""
        while data := self.end.recv(1 << 20):
            received += data
        writer.join()
        return received

    def _write(self) -> None:
        while (piece := self.queue.get()) is not None:
            self.server.sendall(piece.data)
        self.server.shutdown(socket.SHUT_WR)


@pytest.fixture
def reader() -> Iterator[Reader]:
    with closing(Reader()) as found:
        found.end.settimeout(30)
        yield found


def test_of_what_forms_the_newest_waits_and_no_close_is_lost(reader: Reader) -> None:
    reader.fill()
    for number in range(QUEUE_MAX):
        reader.offer(f"forms {number}.1", forms="BTCUSDT:1m")
        reader.offer(f"forms {number}.2", forms="BTCUSDT:1m")
        reader.offer(f"closed {number}")
    reader.offer("forms last", forms="BTCUSDT:1m")
    received = reader.rest()
    assert received.count(b"forms") == 1 and received.endswith(b"forms last")
    places = [received.index(b"closed %d" % number) for number in range(QUEUE_MAX)]
    assert places == sorted(places)
    assert not reader.cuts


def test_whoever_reads_too_slowly_is_told_so_and_nothing_after_it(reader: Reader) -> None:
    reader.fill()
    for number in range(QUEUE_MAX + 1):
        reader.offer(f"closed {number}")
    reader.offer("closed later")
    reader.offer("answer", is_event=False)
    received = reader.rest()
    assert received.endswith(b"\x03\xf0" + TOO_SLOW.encode()), "the code 1008"
    assert b"closed" not in received
    assert not reader.cuts


def test_a_good_bye_leaves_behind_the_frame_that_has_begun_to(reader: Reader) -> None:
    reader.offer("x" * 100_000, is_event=False)
    reader.queue.finish(1001, "bye")
    reader.queue.finish(1008, "never")
    received = reader.rest()
    assert received.count(b"x") == 100_000 and received.endswith(b"\x03\xe9bye")
