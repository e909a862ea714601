"""How late the feed tells of trades, and whether any is missing or told twice.

Never here: making load, printing.
Invariant: every trade that is told counts once for each kind of event.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

import orjson
from redis import Redis

from bench.parts.busy_market import TIMES_KEPT
from truecandle.events import LIVE_CANDLE, LIVE_PRICE, from_message
from truecandle.store.channel import Channel

#: The interval whose `live_candle` events are measured.
MEASURED = "1m"


class Watch:
    """Hears what the feed tells, in a thread: how late each trade is, and whether ids follow on."""

    def __init__(self, redis: Redis, symbols: list[str], times: list[memoryview]) -> None:
        self._times = dict(zip(symbols, times, strict=True))
        self._next: dict[str, int] = {}
        self.lags = {LIVE_PRICE: Counter[int](), LIVE_CANDLE: Counter[int]()}
        self.events = Counter[str]()
        self.missing = self.doubled = 0
        self.is_measuring = False
        self._pubsub: Any = redis.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]
        self._pubsub.subscribe(Channel(redis).name())
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        for message in self._pubsub.listen():
            now_ms = time.time_ns() // 1_000_000
            for event in from_message(message["data"]):
                self._hear(event.name, orjson.loads(event.payload), now_ms)

    def _hear(self, name: str, payload: Mapping[str, Any], now_ms: int) -> None:
        self.events[name] += self.is_measuring
        if name == LIVE_PRICE:
            symbol = payload["symbol"]
            self._follow(symbol, payload)
            self._count(name, symbol, payload["first_id"], payload["last_id"], now_ms)
        elif name == LIVE_CANDLE and payload["interval"] == MEASURED:
            symbol, last_id = payload["symbol"], payload["candle"]["last_id"]
            first_id = self._next.get(f"{symbol}:", last_id)
            self._next[f"{symbol}:"] = max(first_id, last_id + 1)
            self._count(name, symbol, first_id, last_id, now_ms)

    def _follow(self, symbol: str, price: Mapping[str, Any]) -> None:
        expected = self._next.get(symbol, price["first_id"])
        held = price["last_id"] - price["first_id"] + 1
        self.missing += max(0, price["first_id"] - expected) + held - price["trades"]
        self.doubled += max(0, expected - price["first_id"])
        self._next[symbol] = max(expected, price["last_id"] + 1)

    def _count(self, name: str, symbol: str, first_id: int, last_id: int, now_ms: int) -> None:
        if self.is_measuring:
            times = self._times[symbol]
            lags = (now_ms - times[one % TIMES_KEPT] for one in range(first_id, last_id + 1))
            self.lags[name].update(lags)
