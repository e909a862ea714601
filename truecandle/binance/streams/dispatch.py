"""Dispatches trades and klines of followed streams, and changes of these streams' status.

Never here: sockets, when a stream is lost (`connection` says so).
Invariant: what is not followed does not pass. A change is told once: live after lost, lost after
live.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from truecandle.binance.streams.messages import stream_of
from truecandle.binance.streams.status import (
    ConnectionCounts,
    StreamEvent,
    StreamHealth,
    StreamStatusChange,
)
from truecandle.candles.trades import Kline, Trade

#: Why a stream is not live that never was.
NEVER_LIVE = "not subscribed yet"

Deliver: TypeAlias = Callable[[Trade | Kline | StreamStatusChange], object]


class Dispatcher:
    """Written by the connection's thread, read by any. `live` are the streams that are live."""

    def __init__(self, names: Sequence[str], deliver: Deliver, counts: ConnectionCounts) -> None:
        self.live: set[str] = set()
        self._deliver = deliver
        self._counts = counts
        #: When each stream's own last event came.
        self._heard_s: dict[str, float] = {}
        #: Of each followed stream: since when it is live or lost, and why.
        self._since: dict[str, tuple[float, str]] = {}
        #: The followed stream of a symbol's trades, or of a symbol's klines at an interval.
        self._names: dict[object, str] = {}
        self.follow(names)

    def follow(self, names: Iterable[str]) -> None:
        """From now on these streams; the others are forgotten without a word."""
        now_s, wanted = time.monotonic(), frozenset(names)
        self.live &= wanted
        self._names = {}
        for gone in self._since.keys() - wanted:
            del self._since[gone]
            self._heard_s.pop(gone, None)
        for name in wanted - self._since.keys():
            self._since[name] = (now_s, NEVER_LIVE)

    def dispatch(self, events: Sequence[StreamEvent]) -> int:
        """Hands over what is followed, in order; how many trades and klines that was."""
        if not events:
            return 0
        now_s, heard_s, names, deliver = time.monotonic(), self._heard_s, self._names, self._deliver
        count = 0
        for event in events:
            if isinstance(event, StreamStatusChange):
                self.report(event.names, event.is_live, event.reason)
                continue
            key = event.symbol if isinstance(event, Trade) else (event.symbol, event.interval)
            name = names.get(key) or self._stream_of(event, key)
            if name is None:
                self._counts.foreign += 1
                continue
            heard_s[name] = now_s
            count += 1
            deliver(event)
        self._counts.messages += count
        return count

    def report(self, names: Iterable[str], is_live: bool, reason: str) -> None:
        """Tells of those streams for which this is news."""
        now_s = time.monotonic()
        known = [name for name in names if name in self._since]
        news = tuple(name for name in known if (name in self.live) != is_live)
        for name in known:
            self._since[name] = (self._since[name][0], reason)
        for name in news:
            self._since[name] = (now_s, reason)
        if is_live:
            self.live.update(news)
        else:
            self.live.difference_update(news)
        if news:
            self._deliver(StreamStatusChange(news, is_live, reason))

    def health(self, name: str, pong_s: float | None) -> StreamHealth:
        since_s, reason = self._since.get(name, (time.monotonic(), NEVER_LIVE))
        return StreamHealth(name in self.live, since_s, self._heard_s.get(name), pong_s, reason)

    def _stream_of(self, event: Trade | Kline, key: object) -> str | None:
        """The followed stream that it comes from."""
        name = stream_of(event)
        if name not in self._since:
            return None
        self._names[key] = name
        return name
