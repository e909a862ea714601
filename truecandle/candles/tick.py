"""What the exchange's streams tell: trades and klines.

Never here: bytes (`binance/wire`), what a candle makes of them (`forming`).
Invariant: decimals are canonical text, times are ms (UTC).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Context, Decimal
from typing import NamedTuple

_multiply = Context(prec=60).multiply


class Worth(NamedTuple):
    """What a trade is worth, as numbers: worked out once, for the candles of every interval."""

    price: Decimal
    quantity: Decimal
    quote: Decimal


@dataclass(frozen=True, slots=True)
class Trade:
    """One trade, or an aggregate of trades `first_id`..`last_id` at one price. Times in ms.

    `is_taker_buy`: the buyer took what a seller had offered. `agg_id` counts the aggregates of a
    symbol without a break; -1 for a single trade.
    """

    symbol: str
    first_id: int
    last_id: int
    price: str
    quantity: str
    time_ms: int
    event_ms: int
    is_taker_buy: bool
    agg_id: int = -1
    worth: Worth = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        price, quantity = Decimal(self.price), Decimal(self.quantity)
        worth = Worth(price, quantity, _multiply(price, quantity))
        object.__setattr__(self, "worth", worth)

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
    quote_volume: str
    taker_volume: str
    taker_quote_volume: str
    trades: int
    first_id: int
    last_id: int
    is_closed: bool
    event_ms: int
