"""What leaves a connection: trades and klines of followed streams, and news of these streams.

Never here: sockets, when a stream is lost (`connection` says so).
Invariant: what is not followed does not pass. A change is told once: live after lost, lost after
live.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from truecandle.binance.change import Change, Health
from truecandle.binance.link import Counts, Item
from truecandle.binance.wire import stream_of
from truecandle.candles.tick import Kline, Trade

#: Why a stream is not live that never was.
NEW = "not subscribed yet"

Deliver: TypeAlias = Callable[[Trade | Kline | Change], object]


class Gate:
    """Written by the connection's thread, read by any. `live` are the streams that are live."""

    def __init__(self, names: Sequence[str], deliver: Deliver, counts: Counts) -> None:
        self.live: set[str] = set()
        self._deliver = deliver
        self._counts = counts
        self._heard_s: dict[str, float] = {}
        self._since: dict[str, tuple[float, str]] = {}
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
            self._since[name] = (now_s, NEW)

    def pass_on(self, items: Sequence[Item]) -> int:
        """Hands over what is followed, in order; how many trades and klines that was."""
        if not items:
            return 0
        now_s, heard_s, names, deliver = time.monotonic(), self._heard_s, self._names, self._deliver
        count = 0
        for item in items:
            if isinstance(item, Change):
                self.tell(item.names, item.is_live, item.reason)
                continue
            key = item.symbol if isinstance(item, Trade) else (item.symbol, item.interval)
            name = names.get(key) or self._name(item, key)
            if name is None:
                self._counts.foreign += 1
                continue
            heard_s[name] = now_s
            count += 1
            deliver(item)
        self._counts.messages += count
        return count

    def tell(self, names: Iterable[str], is_live: bool, reason: str) -> None:
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
            self._deliver(Change(news, is_live, reason))

    def health(self, name: str, pong_s: float | None) -> Health:
        since_s, reason = self._since.get(name, (time.monotonic(), NEW))
        return Health(name in self.live, since_s, self._heard_s.get(name), pong_s, reason)

    def _name(self, item: Trade | Kline, key: object) -> str | None:
        """The followed stream that it comes from."""
        name = stream_of(item)
        if name not in self._since:
            return None
        self._names[key] = name
        return name
