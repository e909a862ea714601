"""What leaves one WebSocket: each frame at once while it takes them, else from a bounded queue.

It is also the queue that python-engineio keeps a browser's packets in, so that all that one browser
is told has one order, whoever tells it.

Never here: what events mean, who is told (`fan_out`), what comes in (`websocket`).
Invariant: nobody who tells waits for the browser. What it does not read in time stays bounded: of a
market's prices the newest one waits, and other events give way, all of them, to the request to ask
again for everything.
"""

from __future__ import annotations

import posix
import queue
import struct
import threading
from _thread import RLock
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any, Final, NamedTuple

from truecandle import metrics
from truecandle.events import RESYNC
from truecandle.web.socket_limits import QUEUE_BYTES_MAX, QUEUE_MAX, UNSENT_BYTES_MAX

#: So much of what waits is written in one piece.
PIECE_BYTES: Final = 16 << 10
#: As the system has it: what is called so in `os` eventlet has replaced by one that waits.
_write: Final = posix.write
#: Kinds of frames, of RFC 6455.
TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA


class Frame(NamedTuple):
    """One WebSocket frame, packed once for all whom it is sent to.

    An event may give way where others may not; `price_of` is the market whose price it tells.
    """

    data: bytes
    is_event: bool = False
    price_of: str | None = None

    def encode(self) -> bytes:
        """As python-engineio asks its packets for what they send."""
        return self.data


class Burst:
    """Frames that leave together, in one write for each who is sent them."""

    __slots__ = ("data", "frames", "size")

    def __init__(self, frames: Sequence[Frame]) -> None:
        self.frames = frames
        self.data = b"".join([frame.data for frame in frames])
        self.size = len(self.data)


def pack(payload: bytes, kind: int = TEXT) -> bytes:
    """A whole frame, as a server sends it: not masked."""
    size = len(payload)
    if size < 126:
        return struct.pack("!BB", 0x80 | kind, size) + payload
    if size < 1 << 16:
        return struct.pack("!BBH", 0x80 | kind, 126, size) + payload
    return struct.pack("!BBQ", 0x80 | kind, 127, size) + payload


def goodbye(code: int, reason: str = "") -> bytes:
    """A frame after which nothing comes."""
    return pack(struct.pack("!H", code) + reason.encode(), CLOSE)


def event_frame(name: str, payload: bytes, price_of: str | None = None) -> Frame:
    """An event of Socket.IO 5 in a message of Engine.IO 4; `payload` is its JSON."""
    return Frame(pack(b'42["%b",%b]' % (name.encode(), payload)), True, price_of)


_RESYNC: Final = event_frame(RESYNC, b"{}")


class SendQueue:
    """`offer` and `put` from any thread; one thread, python-engineio's writer, takes with `get`
    what could not leave at once, and writes it before it takes more.

    `fd` is the connection's, and does not block. `cut` is called with the bound that was exceeded.
    """

    #: Of all queues: none holds it for longer than a system call that never waits. Between real
    #: threads, and not one of the hub's, which costs more than all else here but that call; green
    #: threads have no need of it, as nothing that it guards gives way.
    _lock: Final = RLock()

    def __init__(self, fd: int, cut: Callable[[str], None]) -> None:
        self._fd = fd
        self._cut = cut
        #: Set while the writer has something to do.
        self._filled = threading.Event()
        #: In the order in which they leave: prices by their market, the rest by numbers.
        self._waiting: OrderedDict[object, Frame] = OrderedDict()
        self._next = 0
        #: Bytes that wait; how many of them, and of the frames, are events without a price.
        self._bytes = self._event_bytes = self._events = 0
        #: Events that gave way since the browser is to be told to ask again.
        self._dropped = 0
        #: The upgrade was answered; nothing more may leave; nothing more will come.
        self._is_open = self._is_over = self._is_finished = False
        #: The writer is writing what it has taken.
        self._is_taken = False
        #: What is offered may leave at once: it is open, not over, and nothing is before it.
        self._is_free = False

    def waiting(self) -> int:
        """How many frames wait."""
        return len(self._waiting)

    def open(self) -> None:
        """The upgrade was answered: from now on frames may leave."""
        with self._lock:
            self._is_open = True
            self._is_free = not self._waiting and not self._is_over

    def offer(self, burst: Burst) -> None:
        """Sends frames in their order, behind all that waits."""
        self.offer_to([self], burst)

    @classmethod
    def offer_to(cls, queues: Iterable[SendQueue], burst: Burst) -> None:
        """`offer` for each of these.

        One loop for all of them: a call for each costs as much as all else here but the system's.
        """
        data, size, lock = burst.data, burst.size, cls._lock
        for one in queues:
            sent = 0
            with lock:
                if one._is_free:
                    try:
                        sent = _write(one._fd, data)
                    except BlockingIOError:
                        pass
                    except OSError:  # it is gone, as its reader will find out
                        continue
                    if sent == size:
                        continue
                elif one._is_over:
                    continue
                fits = one._keep_rest(burst, sent)
            if not fits:
                one._cut("unread")

    def put(self, packet: Any) -> None:
        """A packet of python-engineio; with None, nothing will come after it."""
        if packet is not None:
            self.offer(Burst([Frame(pack(packet.encode().encode()))]))
            return
        with self._lock:
            self._is_finished = True
            self._filled.set()

    def get(self, block: bool = True, timeout: float | None = None) -> Frame | None:
        """What is to be written next; None once there is nothing and nothing will come.

        It is waited for however long it takes: a browser that is gone is noticed by its reader.
        Only one piece at a time is handed out: what is left here can still give way.
        """
        if not block:
            raise queue.Empty
        while True:
            with self._lock:
                self._is_taken = bool(self._waiting)
                if self._waiting:
                    return self._piece()
                self._is_free = self._is_open and not self._is_over
                if self._is_finished or self._is_over:
                    return None
                self._filled.clear()
            self._filled.wait()

    def task_done(self) -> None:
        """What python-engineio says of each that it has taken; `get` tells as much."""

    def join(self) -> None:
        """Nobody waits for a browser."""

    def end(self, last: bytes = b"") -> None:
        """Nothing more leaves; before that `last`, if it can now."""
        with self._lock:
            if last and self._is_free:
                with suppress(OSError):
                    _write(self._fd, last)
            self._is_over, self._is_free = True, False
            self._waiting.clear()
            self._filled.set()

    def _keep_rest(self, burst: Burst, sent: int) -> bool:
        """Has wait what did not leave with the first bytes; False if that is too much."""
        self._is_free = False
        fits = all([self._keep(frame) for frame in _rest(burst.frames, sent)])
        self._filled.set()
        return fits and self._bytes <= UNSENT_BYTES_MAX

    def _keep(self, frame: Frame) -> bool:
        """Has it wait; False if too many have given way."""
        if frame.price_of is not None:
            self._drop(frame.price_of, "newer")
            self._add(frame.price_of, frame)
            return True
        if not frame.is_event:
            self._add(self._number(), frame)
            return True
        if RESYNC in self._waiting:
            metrics.EVENTS_DROPPED.labels("resync").inc()
            self._dropped += 1
            return self._dropped <= QUEUE_MAX
        self._add(self._number(), frame)
        if self._events > QUEUE_MAX or self._event_bytes > QUEUE_BYTES_MAX:
            self._overflow()
        return True

    def _overflow(self) -> None:
        """All events but prices give way to a request to ask again."""
        for key in [key for key, one in self._waiting.items() if one.is_event and not one.price_of]:
            self._drop(key, "resync")
        self._dropped = 0
        self._add(RESYNC, _RESYNC)

    def _number(self) -> int:
        self._next += 1
        return self._next

    def _add(self, key: object, frame: Frame) -> None:
        self._waiting[key] = frame
        self._count(frame, 1)

    def _drop(self, key: object, why: str) -> None:
        if (frame := self._waiting.pop(key, None)) is not None:
            self._count(frame, -1)
            metrics.EVENTS_DROPPED.labels(why).inc()

    def _count(self, frame: Frame, sign: int) -> None:
        self._bytes += sign * len(frame.data)
        if frame.is_event and frame.price_of is None:
            self._events += sign
            self._event_bytes += sign * len(frame.data)

    def _piece(self) -> Frame:
        """Frames from the front, taken out, as one."""
        taken, size = [], 0
        while self._waiting and size < PIECE_BYTES:
            _, frame = self._waiting.popitem(last=False)
            self._count(frame, -1)
            taken.append(frame.data)
            size += len(frame.data)
        return Frame(b"".join(taken))


def _rest(frames: Sequence[Frame], sent: int) -> Sequence[Frame]:
    """What has not left yet when so many bytes have; of a frame that has begun to leave, its end,
    which gives way to nothing."""
    for at, frame in enumerate(frames):
        if sent < len(frame.data):
            first = Frame(frame.data[sent:]) if sent else frame
            return [first, *frames[at + 1 :]]
        sent -= len(frame.data)
    return ()
