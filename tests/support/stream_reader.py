"""Streams that collect what they deliver, and what a test asks of the collection.

Never here: the exchange (the test's own), assertions about it.
Invariant: when the block ends, no connection and no thread of it is left.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from tests.support.waiting import wait_for
from truecandle.binance.streams.messages import kline_stream, trade_stream
from truecandle.binance.streams.pool import StreamPool
from truecandle.binance.streams.status import StreamStatusChange
from truecandle.candles.trades import Kline, Trade

NAMES = (trade_stream("BTCUSDT"), kline_stream("BTCUSDT", "1s"))


class Reading:
    """with Reading(sim.ws_url, silence_s=1.0) as reading: reading.wait_for_more()"""

    def __init__(self, url: str, names: Sequence[str] = NAMES, **options: Any) -> None:
        self.events: list[Trade | Kline] = []
        self.changes: list[StreamStatusChange] = []
        self.streams = StreamPool(url, names, self._deliver, **options)

    def __enter__(self) -> Reading:
        self.streams.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.streams.stop()
        threads = [one.thread for one in self.streams.connections]
        wait_for(lambda: not any(one.is_alive() for one in threads), what="the threads' end")

    def _deliver(self, event: Trade | Kline | StreamStatusChange) -> None:
        if isinstance(event, StreamStatusChange):
            self.changes.append(event)
        else:
            self.events.append(event)

    def count(self, name: str) -> int:
        return self.streams.counts()[name]

    def wait_for_more(self, count: int = 5) -> None:
        """That many further events."""
        target = len(self.events) + count
        wait_for(lambda: len(self.events) >= target, what=f"{count} more events")

    def wait_for_count(self, name: str, least: int) -> None:
        wait_for(lambda: self.count(name) >= least, what=f"{name} to reach {least}")

    def told(self, name: str) -> list[bool]:
        """Whether it went live or was lost, each time, in order."""
        return [change.is_live for change in list(self.changes) if name in change.names]

    def wait_for_told(self, name: str, *told: bool) -> None:
        """At least this was told of the stream, from the start on."""
        wait_for(lambda: self.told(name)[: len(told)] == list(told), what=f"{told} of {name}")

    def is_all_live(self) -> bool:
        names = [name for one in self.streams.connections for name in one.names]
        return all(self.streams.health(name).is_live for name in names)

    def missing(self, symbol: str = "BTCUSDT") -> int:
        """How many trades lie between the first and the last one, and did not come."""
        ids = self._ids(symbol)
        return max(ids) - min(ids) + 1 - len(ids)

    def doubled(self, symbol: str = "BTCUSDT") -> int:
        """How many trades came more than once."""
        return sum(count - 1 for count in self._ids(symbol).values())

    def _ids(self, symbol: str) -> Counter[int]:
        return Counter(
            number
            for one in list(self.events)
            if isinstance(one, Trade) and one.symbol == symbol
            for number in range(one.first_id, one.last_id + 1)
        )
