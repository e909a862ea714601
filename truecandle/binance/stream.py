"""Binance's market streams, spread over as few connections as Binance allows.

Never here: sockets, what a trade does to a candle, Redis.
Invariant: every stream asked for is on exactly one connection.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import fields

from truecandle.binance.connection import RENEW_S, Connection, Counts, Deliver
from truecandle.binance.pulse import SILENCE_S, Attempts, Pulse

#: Binance allows 1024 streams on a connection.
STREAMS_MAX = 1_000

#: How long `stop` waits for the threads; they are daemons.
STOP_S = 1.5


class Streams:
    """All streams of the process, on as few connections as Binance allows."""

    def __init__(
        self,
        url: str,
        names: Sequence[str],
        deliver: Deliver,
        *,
        renew_s: float = RENEW_S,
        silence_s: float = SILENCE_S,
    ) -> None:
        attempts = Attempts()
        self.connections = [
            Connection(
                url,
                names[first : first + STREAMS_MAX],
                deliver,
                attempts,
                Pulse(silence_s),
                renew_s,
            )
            for first in range(0, len(names), STREAMS_MAX)
        ]

    def start(self) -> None:
        for connection in self.connections:
            connection.thread.start()

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
        return {
            name: sum(getattr(connection.counts, name) for connection in self.connections)
            for name in (field.name for field in fields(Counts))
        }
