"""Binance's market streams, spread over as few connections as Binance allows.

Never here: sockets, what a trade does to a candle, Redis.
Invariant: every stream asked for is on exactly one connection, and stays there while it is.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields

from truecandle.binance.streams.connection import ReconnectingConnection
from truecandle.binance.streams.dispatch import Deliver
from truecandle.binance.streams.idle import PING_S, SILENCE_S
from truecandle.binance.streams.reconnect import ConnectRateLimiter
from truecandle.binance.streams.session import RENEW_S, ConnectionTimes
from truecandle.binance.streams.status import ConnectionCounts, StreamHealth
from truecandle.binance.streams.subscriptions import CHECK_S
from truecandle.egress import DIRECTLY, EgressRoute

#: Binance allows 1024 streams on a connection.
STREAMS_MAX = 1_000

#: How long `stop` waits for the threads; they are daemons.
STOP_S = 1.5

#: Why a stream that is not among ours is not live.
UNKNOWN = "not followed"

_NAMES = tuple(field.name for field in fields(ConnectionCounts))


class StreamPool:
    """All streams of the process, on as few connections as Binance allows.

    `deliver` gets trades and klines, and between them, in order, a `StreamStatusChange` for
    streams that go live or are lost. It is called by the connections' threads. `route` is the way
    to the exchange.
    """

    def __init__(
        self,
        url: str,
        names: Sequence[str],
        deliver: Deliver,
        *,
        route: EgressRoute = DIRECTLY,
        renew_s: float = RENEW_S,
        silence_s: float = SILENCE_S,
        ping_s: float = PING_S,
        check_s: float = CHECK_S,
    ) -> None:
        limiter, times = ConnectRateLimiter(), ConnectionTimes(renew_s, silence_s, ping_s, check_s)
        self._new_connection: Callable[[Sequence[str]], ReconnectingConnection] = lambda some: (
            ReconnectingConnection(f"{url}/stream", some, deliver, limiter, route, times)
        )
        self._connection_of: dict[str, ReconnectingConnection] = {}
        #: Of connections that have ended.
        self._ended_counts: Counter[str] = Counter()
        self._is_started = False
        self.connections: list[ReconnectingConnection] = []
        self.follow(names)

    def start(self) -> None:
        self._is_started = True
        for connection in self.connections:
            connection.thread.start()

    def follow(self, names: Sequence[str]) -> None:
        """From now on these streams: new ones where there is room, all others stay where they are.

        A connection left without streams ends; what comes on others is not interrupted. One thread
        at a time.
        """
        wanted = dict.fromkeys(names)
        kept = {id(one): [name for name in one.names if name in wanted] for one in self.connections}
        known = {name for some in kept.values() for name in some}
        new = [name for name in wanted if name not in known]
        for connection in list(self.connections):
            some = kept[id(connection)]
            room = STREAMS_MAX - len(some)
            some, new = some + new[:room], new[room:]
            if not some:
                self._end(connection)
            elif some != connection.names:
                connection.follow(some)
        for first in range(0, len(new), STREAMS_MAX):
            self._begin(new[first : first + STREAMS_MAX])
        self._connection_of = {name: one for one in self.connections for name in one.names}

    def renew(self, names: Iterable[str]) -> None:
        """These seem unwell, says any thread. Each is subscribed anew on its connection, and lost
        until that is confirmed; said again later, a new connection takes over from that one. Then
        they are let alone for `idle.QUIET_S`."""
        for connection, some in self._by_connection(names).items():
            connection.renew(some)

    def health(self, name: str) -> StreamHealth:
        """How this stream is. By any thread."""
        connection = self._connection_of.get(name)
        if connection is None:
            return StreamHealth(False, time.monotonic(), None, None, UNKNOWN)
        return connection.health(name)

    def _by_connection(self, names: Iterable[str]) -> dict[ReconnectingConnection, list[str]]:
        found: dict[ReconnectingConnection, list[str]] = {}
        for name in names:
            if connection := self._connection_of.get(name):
                found.setdefault(connection, []).append(name)
        return found

    def _begin(self, names: Sequence[str]) -> None:
        connection = self._new_connection(names)
        self.connections.append(connection)
        if self._is_started:
            connection.thread.start()

    def _end(self, connection: ReconnectingConnection) -> None:
        connection.stopping.set()
        self.connections.remove(connection)
        self._ended_counts += _counts(connection)

    def stop(self) -> None:
        """Ends all connections; returns within about `STOP_S`."""
        for connection in self.connections:
            connection.stopping.set()
        deadline_s = time.monotonic() + STOP_S
        for connection in self.connections:
            if connection.thread.is_alive():
                connection.thread.join(max(0.0, deadline_s - time.monotonic()))

    @property
    def is_connected(self) -> bool:
        """Whether every connection delivers."""
        return all(connection.is_live for connection in self.connections)

    def counts(self) -> dict[str, int]:
        """What came and what went wrong since the start, summed over all connections."""
        total = Counter(self._ended_counts)
        for connection in self.connections:
            total.update(_counts(connection))
        return {name: total[name] for name in _NAMES}


def _counts(connection: ReconnectingConnection) -> Counter[str]:
    return Counter({name: getattr(connection.counts, name) for name in _NAMES})
