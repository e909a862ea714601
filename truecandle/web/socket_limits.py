"""How much may come in at a socket: by one request, one WebSocket, and one address.

Never here: sockets, clocks (times come in as arguments, in s), what is done to whoever exceeds it.
Invariant: every bound has a name here, and what is remembered of strangers is bounded too.
"""

from __future__ import annotations

import ipaddress
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any, Final

#: Silence between two requests of one connection.
IDLE_S: Final = 10.0
#: One request, head and body, from its first byte to its last.
REQUEST_S: Final = 10.0
#: The first line of a request, and each header; the head in all, and how many headers.
LINE_BYTES_MAX: Final = 8_000
HEAD_BYTES_MAX: Final = 32_768
HEADER_LINES_MAX: Final = 90
#: What is read of a body that nobody wants, so that whoever sends it sees the answer; beyond that
#: the connection ends. Larger than any body that is allowed (16 KiB).
REQUEST_BYTES_MAX: Final = 256 << 10
#: How long somebody who was refused may take to see it.
FAREWELL_S: Final = 1.0

#: An answer: so long if nothing of it leaves, and in all so long and as many bytes a second.
UNREAD_S: Final = 10.0
ANSWER_BYTES_PER_S_MIN: Final = 8_192.0
#: Of one connection, so much waits in the system (which takes twice as much for itself); beyond
#: that a writer waits, and finds out.
UNREAD_BYTES_MAX: Final = 131_072
#: And so long, without any sign that it is read, also if nobody here waits for it any more.
UNREAD_LEFT_MS: Final = 20_000

#: Frames of one WebSocket, control frames and fragments included: so many a second on average,
#: and at once. A page with 20 series opens with 21, and answers a ping every 20 s.
FRAMES_PER_S: Final = 20.0
FRAMES_AT_ONCE: Final = 60.0
#: Bytes of one WebSocket. A subscription has about a hundred.
BYTES_PER_S: Final = 16_384.0
BYTES_AT_ONCE: Final = 65_536.0
MESSAGE_BYTES_MAX: Final = 16_384
#: One message, from its first byte to its last.
MESSAGE_S: Final = 10.0
#: How long a connection may take to say who it is, and be let in.
HELLO_S: Final = 10.0
#: How often a browser is asked for a sign of life, and how long it may take to give one.
PING_S: Final = 20
PONG_S: Final = 15
#: How often a reader of Server-Sent Events is told something, be it nothing.
HEARTBEAT_S: Final = 15.0
#: How long one packet may take to leave.
SEND_S: Final = 15.0
#: Events that wait for a slow reader, beside one price of each market, and their bytes; more, and
#: all of them give way to one that tells it to ask again. As many again, and it is cut off.
QUEUE_MAX: Final = 500
QUEUE_BYTES_MAX: Final = 1 << 20
#: All that waits for it, answers to its own questions too.
UNSENT_BYTES_MAX: Final = 8 << 20
#: Series that one WebSocket may follow, and markets that it may watch.
SERIES_PER_SOCKET_MAX: Final = 20
WATCHED_MAX: Final = 200
#: Live candles that a subscription is answered with, the newest ones.
LIVE_MAX: Final = 600

#: Of a program's WebSocket, as at the exchange: messages in a second on average, and at once; and
#: the streams that it hears. A message may name all of them.
STREAM_MESSAGES_PER_S: Final = 5.0
STREAM_MESSAGES_AT_ONCE: Final = 10.0
STREAM_MESSAGE_BYTES_MAX: Final = 32_768
STREAMS_PER_SOCKET_MAX: Final = 1_024

#: Of one address: connections that have not been let in yet (the oldest makes room for the
#: newest), new ones a second and at once, browsers that were let in, and frames of all together.
STRANGERS_PER_ADDRESS_MAX: Final = 50
OPENINGS_PER_S: Final = 20.0
OPENINGS_AT_ONCE: Final = 200.0
SOCKETS_PER_ADDRESS_MAX: Final = 100
ADDRESS_FRAMES_PER_S: Final = 200.0
ADDRESS_FRAMES_AT_ONCE: Final = 4_000.0
#: Browsers of one user.
SOCKETS_PER_USER_MAX: Final = 20
#: Addresses remembered; those without a connection are forgotten first.
ADDRESSES_MAX: Final = 10_000


@dataclass(slots=True)
class TokenBucket:
    """`rate` tokens come in every second, and at most `size` are kept. `now_s` never goes back."""

    rate: float
    size: float
    #: What is left as of `at_s`; below zero after `borrow`.
    tokens: float
    at_s: float

    @classmethod
    def full(cls, rate: float, size: float, now_s: float) -> TokenBucket:
        return cls(rate, size, size, now_s)

    def take(self, count: float, now_s: float) -> bool:
        """Takes so many; False, and nothing is taken, if there are not as many."""
        self._fill(now_s)
        if self.tokens < count:
            return False
        self.tokens -= count
        return True

    def borrow(self, count: float, now_s: float) -> float:
        """Takes so many, whether they are there or not; how long until they are, in s."""
        self._fill(now_s)
        self.tokens -= count
        return max(0.0, -self.tokens / self.rate)

    def _fill(self, now_s: float) -> None:
        self.tokens = min(self.size, self.tokens + (now_s - self.at_s) * self.rate)
        self.at_s = now_s


@dataclass(slots=True)
class Address:
    """What comes from one address. `strangers` are not let in yet, the oldest first."""

    openings: TokenBucket
    frames: TokenBucket
    strangers: dict[Any, None] = field(default_factory=dict)
    members: set[Any] = field(default_factory=set)


class Addresses:
    """All addresses that connections come from; the connections themselves are only keys here.

    An IPv6 address counts as its /64, which one customer has all to themselves. Safe between
    threads.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[str, Address] = OrderedDict()

    def enter(self, address: str, connection: Any, now_s: float) -> tuple[bool, Any]:
        """Whether `connection` may come in, as a stranger; and who has to go for it, or None."""
        with self._lock:
            found = self._of(address, now_s)
            if not found.openings.take(1, now_s):
                return False, None
            is_full = len(found.strangers) >= STRANGERS_PER_ADDRESS_MAX
            oldest = next(iter(found.strangers)) if is_full else None
            if is_full:
                del found.strangers[oldest]
            found.strangers[connection] = None
            return True, oldest

    def admit(self, address: str, connection: Any, now_s: float) -> bool:
        """Makes a stranger a member; False while the address has as many as it may."""
        with self._lock:
            found = self._of(address, now_s)
            if len(found.members) >= SOCKETS_PER_ADDRESS_MAX:
                return False
            found.strangers.pop(connection, None)
            found.members.add(connection)
            return True

    def leave(self, address: str, connection: Any) -> None:
        """Forgets a connection; as often as one likes."""
        with self._lock:
            if found := self._known.get(group_of(address)):
                found.strangers.pop(connection, None)
                found.members.discard(connection)

    def frame(self, address: str, now_s: float) -> float:
        """Counts one frame; how long its reader has to wait, in s.

        Every connection waits before it reads on, so that this never exceeds
        (`STRANGERS_PER_ADDRESS_MAX` + `SOCKETS_PER_ADDRESS_MAX`) / `ADDRESS_FRAMES_PER_S`.
        """
        with self._lock:
            return self._of(address, now_s).frames.borrow(1, now_s)

    def _of(self, address: str, now_s: float) -> Address:
        name = group_of(address)
        if (found := self._known.get(name)) is None:
            found = self._known[name] = Address(
                TokenBucket.full(OPENINGS_PER_S, OPENINGS_AT_ONCE, now_s),
                TokenBucket.full(ADDRESS_FRAMES_PER_S, ADDRESS_FRAMES_AT_ONCE, now_s),
            )
            self._forget_some()
        self._known.move_to_end(name)
        return found

    def _forget_some(self) -> None:
        if len(self._known) <= ADDRESSES_MAX:
            return
        unused = (n for n, one in self._known.items() if not one.strangers and not one.members)
        if (oldest := next(unused, None)) is not None:
            del self._known[oldest]


def group_of(address: str) -> str:
    """The address, or the /64 network of an IPv6 address; any other text as it is."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return address
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(found) >> 64 << 64, 64)))
