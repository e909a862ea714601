"""What one browser is sent: at once where it reads, in order always, and bounded where it does not.

Never here: Socket.IO, servers; a pair of real sockets stands for browser and server.
Invariant: the browser's end is read to the last byte, so that nothing extra goes unnoticed.
"""

from __future__ import annotations

import random
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from engineio.packet import MESSAGE, Packet

from truecandle.events import DATA_UPDATED, LIVE_PRICE, RESYNC
from truecandle.web.send_queue import Burst, Frame, SendQueue, event_frame, pack
from truecandle.web.socket_limits import QUEUE_BYTES_MAX, QUEUE_MAX, UNSENT_BYTES_MAX

SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")


class Browser:
    """One connection: its queue, why it was cut off, and what has come out at the other end."""

    def __init__(self) -> None:
        self.end, self.server = socket.socketpair()
        self.server.setblocking(False)
        self.server.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        self.cuts: list[str] = []
        self.queue = SendQueue(self.server.fileno(), self.cuts.append)

    def close(self) -> None:
        self.end.close()
        self.server.close()

    def offer(self, frames: list[Frame]) -> None:
        self.queue.offer(Burst(frames))

    def fill(self) -> int:
        """Sends answers until no more leave; how many that were."""
        for count in range(1, 1_000):
            self.offer([answer(count)])
            if self.queue._waiting:
                return count
        raise AssertionError("it never fills")

    def read(self, pieces: int = 1_000_000) -> list[str]:
        """Has the writer write what waits, so many pieces at most, and all be read; the texts."""
        self.server.setblocking(True)
        for _ in range(pieces):
            if not self.queue._waiting or (piece := self.queue.get()) is None:
                break
            writing = threading.Thread(target=self.server.sendall, args=(piece.encode(),))
            writing.start()
            self._receive(writing)
        self.queue.put(None)
        assert self.queue._waiting or self.queue.get() is None
        self.server.setblocking(False)
        self.server.shutdown(socket.SHUT_WR)
        self._receive(None)
        return texts(self._received)

    _received = b""

    def _receive(self, writing: threading.Thread | None) -> None:
        self.end.settimeout(0.02 if writing else 5)
        while writing is None or writing.is_alive():
            try:
                data = self.end.recv(1 << 20)
            except TimeoutError:
                continue
            if not data:
                return
            self._received += data
        writing.join()


def texts(data: bytes) -> list[str]:
    """The payloads of whole frames, which a server never masks."""
    found = []
    while data:
        assert data[0] == 0x81
        size, at = data[1], 2
        if size == 126:
            size, at = int.from_bytes(data[2:4], "big"), 4
        elif size == 127:
            size, at = int.from_bytes(data[2:10], "big"), 10
        assert len(data) >= at + size
        found.append(data[at : at + size].decode())
        data = data[at + size :]
    return found


def answer(number: int, size: int = 200) -> Frame:
    return Frame(pack(f"43{number}{'x' * size}".encode()))


def price(symbol: str, number: int) -> Frame:
    return event_frame(LIVE_PRICE, b'"%b",%d' % (symbol.encode(), number), symbol)


def update(number: int, size: int = 0) -> Frame:
    return event_frame(DATA_UPDATED, b'%d,"%b"' % (number, b"x" * size))


@pytest.fixture
def browser() -> Iterator[Browser]:
    with closing(Browser()) as one:
        one.queue.open()
        yield one


def test_what_a_browser_reads_leaves_at_once_in_one_order_whoever_tells_it(
    browser: Browser,
) -> None:
    browser.offer([price("BTCUSDT", 1), update(2)])
    browser.queue.put(Packet(MESSAGE, "30[3]"))
    browser.offer([price("BTCUSDT", 4)])
    assert not browser.queue._waiting
    assert browser.read() == [
        '42["live_price","BTCUSDT",1]', '42["data_updated",2,""]', "430[3]",
        '42["live_price","BTCUSDT",4]',
    ]  # fmt: skip


def test_nothing_leaves_before_the_upgrade_was_answered() -> None:
    browser = Browser()
    browser.queue.put(Packet(MESSAGE, "0{}"))
    browser.end.setblocking(False)
    with pytest.raises(BlockingIOError):
        browser.end.recv(1)
    browser.queue.open()
    browser.offer([update(1)])
    assert browser.read() == ["40{}", '42["data_updated",1,""]']
    browser.close()


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536])
def test_frames_of_every_length_are_sound(size: int) -> None:
    assert texts(pack(b"x" * size)) == ["x" * size]


def test_a_frame_of_which_a_part_has_left_leaves_whole(browser: Browser) -> None:
    big = answer(1, 1_000_000)
    browser.offer([big, update(2)])
    assert 0 < browser.queue._bytes < len(big.data)
    assert [len(text) for text in browser.read()] == [1_000_003, 23]


def test_of_a_markets_prices_the_newest_waits_in_its_place_and_no_other_event_is_overtaken(
    browser: Browser,
) -> None:
    count = browser.fill()
    for number in range(100):
        browser.offer([price(symbol, number) for symbol in SYMBOLS])
        browser.offer([update(number)] if number in (0, 50, 99) else [])
    told = browser.read()[count:]
    assert told == [
        '42["data_updated",0,""]', '42["data_updated",50,""]',
        *(f'42["live_price","{symbol}",99]' for symbol in SYMBOLS), '42["data_updated",99,""]',
    ]  # fmt: skip
    assert not browser.cuts


@pytest.mark.parametrize(("count", "size"), [(QUEUE_MAX + 1, 0), (3, QUEUE_BYTES_MAX // 2)])
def test_more_events_than_may_wait_give_way_to_a_resync_and_nothing_goes_silently(
    browser: Browser, count: int, size: int
) -> None:
    answers = browser.fill()
    browser.offer([price("BTCUSDT", 1)])
    for number in range(count):
        browser.offer([update(number, size)])
    browser.queue.put(Packet(MESSAGE, "31[]"))
    browser.offer([update(count + 1)])
    told = browser.read()[answers:]
    assert told == ['42["live_price","BTCUSDT",1]', f'42["{RESYNC}",{{}}]', "431[]"]
    assert not browser.cuts


def test_what_comes_after_the_resync_has_left_is_told_again(browser: Browser) -> None:
    answers = browser.fill()
    for number in range(QUEUE_MAX + 1):
        browser.offer([update(number)])
    while browser.queue._waiting:
        piece: Any = browser.queue.get()
        browser._received += piece.encode()
    browser.offer([update(7)])
    assert browser.queue._waiting, "the writer has not said that it is done"
    assert texts(browser._received[browser._received.index(b"\x81\x0f42") :])
    assert browser.read()[-1] == '42["data_updated",7,""]'
    assert answers and not browser.cuts


def test_who_reads_nothing_is_cut_off_and_what_waits_stays_bounded(browser: Browser) -> None:
    browser.fill()
    most = 0
    for number in range(3 * QUEUE_MAX):
        browser.offer([update(number, 1_000), price("BTCUSDT", number)])
        most = max(most, browser.queue._bytes)
    assert set(browser.cuts) == {"unread"}
    assert most < QUEUE_BYTES_MAX


def test_who_asks_and_does_not_read_the_answers_is_cut_off(browser: Browser) -> None:
    browser.fill()
    for number in range(20):
        assert not browser.cuts or browser.queue._bytes > UNSENT_BYTES_MAX
        browser.offer([answer(number, UNSENT_BYTES_MAX // 16)])
    assert browser.cuts


def test_after_the_end_nothing_leaves_and_nobody_waits(browser: Browser) -> None:
    browser.offer([update(1)])
    browser.queue.end(pack(b"bye"))
    browser.offer([update(2)])
    browser.queue.join()
    assert browser.queue.get() is None
    assert browser.read() == ['42["data_updated",1,""]', "bye"]


def test_from_many_threads_each_ones_order_holds_while_the_browser_reads_by_fits_and_starts(
    browser: Browser,
) -> None:
    chance, received, is_done = random.Random(4), bytearray(), threading.Event()

    def tell(name: int) -> None:
        for number in range(400):
            browser.offer([answer(name * 1_000 + number, number % 50)])

    def write() -> None:
        while (piece := browser.queue.get()) is not None:
            data = memoryview(piece.encode())
            while data:
                try:
                    data = data[browser.server.send(data) :]
                except BlockingIOError:
                    is_done.wait(0.001)

    def read() -> None:
        while data := browser.end.recv(chance.choice((1, 100, 10_000))):
            received.extend(data)

    tellers = [threading.Thread(target=tell, args=(name,)) for name in range(1, 4)]
    writer, reader = threading.Thread(target=write), threading.Thread(target=read)
    for thread in (*tellers, writer, reader):
        thread.start()
    for thread in tellers:
        thread.join()
    browser.queue.put(None)
    writer.join(20)
    browser.server.shutdown(socket.SHUT_WR)
    reader.join(20)
    numbers = [int(text[2:].rstrip("x")) for text in texts(bytes(received))]
    for name in range(1, 4):
        mine = [number % 1_000 for number in numbers if number // 1_000 == name]
        assert mine == list(range(400))
