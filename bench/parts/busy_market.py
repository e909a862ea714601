"""A market of the busy exchange: its course, its candles, and its messages, all of it exact.

Never here: sockets (`busy_exchange`), decimals: prices and amounts are whole units.
Invariant: a candle holds every trade of its interval, and a trade is stamped with when it was made.
"""

from __future__ import annotations

import random
import time
from collections import deque
from typing import Any

import orjson

from truecandle.candles.interval import Interval

#: Trades whose time is kept for each market, by id.
TIMES_KEPT = 1 << 20
#: Aggregates kept for `GET /api/v3/aggTrades`, per market.
AGGREGATES_KEPT = 20_000
PRICE_UNIT, AMOUNT_UNIT = 10**2, 10**5


class Candle:
    """One candle in whole units: exact without decimals."""

    __slots__ = (
        "close", "first_id", "high", "last_id", "low", "open", "open_ms", "quote", "taker",
        "taker_quote", "trades", "volume",
    )  # fmt: skip

    def __init__(self, open_ms: int, price: int) -> None:
        self.open_ms = open_ms
        self.open = self.high = self.low = self.close = price
        self.volume = self.quote = self.taker = self.taker_quote = self.trades = 0
        self.first_id = self.last_id = -1

    def add(self, price: int, amount: int, first_id: int, last_id: int, is_taker: bool) -> None:
        if self.trades == 0:
            self.open = self.high = self.low = price
            self.first_id = first_id
        self.high, self.low = max(self.high, price), min(self.low, price)
        self.close, self.last_id = price, last_id
        self.volume += amount
        self.quote += price * amount
        self.trades += last_id - first_id + 1
        if is_taker:
            self.taker += amount
            self.taker_quote += price * amount

    def row(self, end_ms: int) -> list[Any]:
        """Binance's twelve fields."""
        prices = [_price(one) for one in (self.open, self.high, self.low, self.close)]
        return [
            self.open_ms, *prices, _amount(self.volume), end_ms - 1, _product(self.quote),
            self.trades, _amount(self.taker), _product(self.taker_quote), "0",
        ]  # fmt: skip


class Market:
    """One symbol: its course, its candles at every interval, and its messages."""

    def __init__(
        self, number: int, symbol: str, intervals: list[Interval], times: memoryview
    ) -> None:
        self.symbol, self.number, self._times = symbol, number, times
        self.price = random.randrange(1_000, 5_000_000)
        self.next_id = self.next_aggregate = 1
        self.stream = f"{symbol.lower()}@aggTrade"
        self.intervals = intervals
        started_ms = now_ms()
        self.candles = {i.name: Candle(i.open_ms(started_ms), self.price) for i in intervals}
        self.closed: dict[str, list[list[Any]]] = {one.name: [] for one in intervals}
        self.pushed: dict[str, int] = {}
        self.aggregates: deque[dict[str, Any]] = deque(maxlen=AGGREGATES_KEPT)

    def trade(self, at_ms: int) -> bytes:
        """The next aggregate trade, as a frame."""
        self.price = max(100, self.price + random.randrange(-3, 4))
        amount, count = random.randrange(1, 500_000), random.choice((1, 1, 1, 2, 3))
        first_id, last_id = self.next_id, self.next_id + count - 1
        self.next_id += count
        is_maker = random.random() < 0.5
        for candle in self.candles.values():
            candle.add(self.price, amount, first_id, last_id, not is_maker)
        for number in range(first_id, last_id + 1):
            self._times[number % TIMES_KEPT] = at_ms
        aggregate = {
            "a": self.next_aggregate, "p": _price(self.price), "q": _amount(amount),
            "f": first_id, "l": last_id, "T": at_ms, "m": is_maker, "M": True,
        }  # fmt: skip
        self.next_aggregate += 1
        self.aggregates.append(aggregate)
        return frame(self.stream, {"e": "aggTrade", "E": at_ms, "s": self.symbol} | aggregate)

    def roll(self, at_ms: int) -> list[tuple[str, bytes]]:
        """Closes what has ended; the closing klines."""
        sent = []
        for interval in self.intervals:
            candle = self.candles[interval.name]
            while (end_ms := interval.next_open_ms(candle.open_ms)) <= at_ms:
                sent.append(self.kline(interval, at_ms, is_closed=True))
                row = [*candle.row(end_ms), candle.first_id, candle.last_id]
                self.closed[interval.name].append(row)
                candle = self.candles[interval.name] = Candle(end_ms, candle.close)
        return sent

    def push(self, at_ms: int, turn: int) -> list[tuple[str, bytes]]:
        """The klines that are due in this second's turn, where something has changed."""
        sent = []
        for interval in self.intervals:
            candle = self.candles[interval.name]
            is_due = interval.name == "1s" or (turn + self.number) % 2 == 0
            if is_due and self.pushed.get(interval.name) != candle.last_id:
                self.pushed[interval.name] = candle.last_id
                sent.append(self.kline(interval, at_ms, is_closed=False))
        return sent

    def kline(self, interval: Interval, at_ms: int, *, is_closed: bool) -> tuple[str, bytes]:
        candle = self.candles[interval.name]
        row = candle.row(interval.next_open_ms(candle.open_ms))
        fields = {
            "t": row[0], "T": row[6], "s": self.symbol, "i": interval.name,
            "f": candle.first_id, "L": candle.last_id, "o": row[1], "c": row[4], "h": row[2],
            "l": row[3], "v": row[5], "n": row[8], "x": is_closed, "q": row[7], "V": row[9],
            "Q": row[10], "B": "0",
        }  # fmt: skip
        name = f"{self.symbol.lower()}@kline_{interval.name}"
        return name, frame(name, {"e": "kline", "E": at_ms, "s": self.symbol, "k": fields})


def frame(stream: str, data: dict[str, Any]) -> bytes:
    """A WebSocket text frame of the combined stream, as a server sends it."""
    text = b'{"stream":"%b","data":%b}' % (stream.encode(), orjson.dumps(data))
    return (
        b"\x81~" + len(text).to_bytes(2, "big") if len(text) > 125 else b"\x81%c" % len(text)
    ) + text


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def _price(units: int) -> str:
    return f"{units // PRICE_UNIT}.{units % PRICE_UNIT:02d}000000"


def _amount(units: int) -> str:
    return f"{units // AMOUNT_UNIT}.{units % AMOUNT_UNIT:05d}000"


def _product(units: int) -> str:
    return f"{units // (PRICE_UNIT * AMOUNT_UNIT)}.{units % (PRICE_UNIT * AMOUNT_UNIT):07d}0"
