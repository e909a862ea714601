"""A kline as the exchange writes it: twelve fields, decimal text with its trailing zeros.

Never here: how it came about (`course`), what a script made of it (`market`, `damage`).
Invariant: a kline without trades is flat at the previous close and has the ids -1.
"""

from __future__ import annotations

from dataclasses import dataclass

from truecandle.candles.interval import INTERVALS, Interval
from truecandle.sim.listing import SimulatedListing
from truecandle.sim.trade_sums import TradeSums, decimal_text

NO_ID = -1


@dataclass(frozen=True, slots=True)
class SimulatedKline:
    """Times in ms; `trades` is their number; `bought…` is what takers bought."""

    open_ms: int
    open: str
    high: str
    low: str
    close: str
    volume: str
    close_ms: int
    quote: str
    trades: int
    bought: str
    bought_quote: str
    first_id: int = NO_ID
    last_id: int = NO_ID
    unused: str = "0"

    def row(self) -> list[object]:
        """The twelve fields in Binance's order."""
        return [
            self.open_ms,
            self.open,
            self.high,
            self.low,
            self.close,
            self.volume,
            self.close_ms,
            self.quote,
            self.trades,
            self.bought,
            self.bought_quote,
            self.unused,
        ]


@dataclass(frozen=True, slots=True)
class Grid:
    """An interval's open times as they lie for one symbol, moved by a time zone."""

    interval: Interval
    zone_ms: int = 0

    def open_ms(self, t_ms: int) -> int:
        return self.interval.open_ms(t_ms + self.zone_ms) - self.zone_ms

    def next_open_ms(self, open_ms: int) -> int:
        return self.interval.next_open_ms(open_ms + self.zone_ms) - self.zone_ms

    def previous_open_ms(self, open_ms: int) -> int:
        return self.interval.previous_open_ms(open_ms + self.zone_ms) - self.zone_ms


def grid_of(interval: str, first_day_ms: int, zone_ms: int = 0) -> Grid:
    """The grid of a symbol: 3d counts from the UTC day of its listing, the rest is common."""
    found = INTERVALS[interval]
    return Grid(found.with_phase(found_day(first_day_ms)) if interval == "3d" else found, zone_ms)


def found_day(t_ms: int) -> int:
    """Midnight UTC of the day that `t_ms` lies in."""
    return INTERVALS["1d"].open_ms(t_ms)


def kline_of(
    listing: SimulatedListing, open_ms: int, close_ms: int, block: TradeSums | None, before: int
) -> SimulatedKline:
    """The kline of what traded, or a flat one at the price `before`."""
    price, size = listing.price_decimals, listing.quantity_decimals
    if block is None:
        flat, zero = decimal_text(before, price), decimal_text(0, 0)
        return SimulatedKline(open_ms, flat, flat, flat, flat, zero, close_ms, zero, 0, zero, zero)
    return SimulatedKline(
        open_ms=open_ms,
        open=decimal_text(block.open, price),
        high=decimal_text(block.high, price),
        low=decimal_text(block.low, price),
        close=decimal_text(block.close, price),
        volume=decimal_text(block.quantity, size),
        close_ms=close_ms,
        quote=decimal_text(block.quote, listing.quote_decimals),
        trades=block.trades,
        bought=decimal_text(block.bought, size),
        bought_quote=decimal_text(block.bought_quote, listing.quote_decimals),
        first_id=block.first_id,
        last_id=block.last_id,
    )
