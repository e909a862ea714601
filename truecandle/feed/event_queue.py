"""Events on their way from the streams' threads to the one that builds candles.

Never here: what an event means for a candle.
Invariant: bounded. When it is full, trades are lost and counted, but every candle's newest kline
is kept, and a candle is right again with its next kline. What the connections tell is never lost.
"""

from __future__ import annotations

import threading
import time
from collections import deque

from truecandle.binance.streams.status import StreamStatusChange
from truecandle.candles.trades import Kline, Trade

#: About 10 s of the busiest markets while Redis holds the other side up.
EVENTS_MAX = 50_000

#: Candles whose newest kline is kept beyond that.
KLINES_MAX = 10_000

#: Events handed over at once, so that a flush is never far.
BATCH_MAX = 500

#: After so many at once, more are near: they are gathered for a moment, so that the threads do not
#: wake each other for every single one.
BUSY = 10
GATHER_S = 0.004

FeedEvent = Trade | Kline | StreamStatusChange


class EventQueue:
    """`put` from any thread, `drain` from one."""

    def __init__(self, events_max: int = EVENTS_MAX) -> None:
        self._events: deque[FeedEvent] = deque()
        self._events_max = events_max
        self._klines: dict[tuple[str, str, int], Kline] = {}
        self._lock = threading.Lock()
        self._filled = threading.Event()
        self._is_busy = False
        self.lost = 0

    def put(self, event: FeedEvent) -> None:
        if len(self._events) < self._events_max or isinstance(event, StreamStatusChange):
            self._events.append(event)
        else:
            self._squeeze(event)
        if not self._filled.is_set():
            self._filled.set()

    def wake(self) -> None:
        """Ends the wait of `drain`, though nothing has come."""
        self._filled.set()

    def drain(self, wait_s: float) -> list[FeedEvent]:
        """Up to `BATCH_MAX` events, oldest first; waits `wait_s` at most for the first one."""
        self._filled.wait(wait_s)
        if self._is_busy:
            time.sleep(min(wait_s, GATHER_S))
        self._filled.clear()
        taken: list[FeedEvent] = []
        while self._events and len(taken) < BATCH_MAX:
            taken.append(self._events.popleft())
        if len(taken) == BATCH_MAX:
            self._filled.set()
        elif self._klines:
            with self._lock:
                taken += self._klines.values()
                self._klines.clear()
        self._is_busy = BUSY <= len(taken) < BATCH_MAX
        return taken

    def __len__(self) -> int:
        return len(self._events)

    def _squeeze(self, event: Trade | Kline) -> None:
        if isinstance(event, Trade):
            self.lost += 1
            return
        key = event.symbol, event.interval, event.open_ms
        with self._lock:
            if key not in self._klines and len(self._klines) >= KLINES_MAX:
                del self._klines[next(iter(self._klines))]
                self.lost += 1
            self._klines[key] = event
