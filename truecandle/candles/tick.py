"""What the exchange's streams tell: trades and klines.

Never here: bytes (`binance/wire`), what a candle makes of them (`forming`).
Invariant: decimals are canonical text, times are ms (UTC).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Trade:
    """One trade, or an aggregate of trades `first_id`..`last_id` at one price. Times in ms."""

    symbol: str
    first_id: int
    last_id: int
    price: str
    quantity: str
    time_ms: int
    event_ms: int

    @property
    def count(self) -> int:
        return self.last_id - self.first_id + 1


@dataclass(frozen=True, slots=True)
class Kline:
    """The exchange's own view of a candle. `first_id` and `last_id` are -1 without any trade."""

    symbol: str
    interval: str
    open_ms: int
    open: str
    high: str
    low: str
    close: str
    volume: str
    trades: int
    first_id: int
    last_id: int
    is_closed: bool
    event_ms: int
