"""A block: what a stretch of time traded, as whole numbers of ticks and steps; and their text.

Never here: intervals, open times, rules of the exchange's answers.
Invariant: merging the blocks of adjoining stretches gives the block of the whole, exactly.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

#: Binance writes prices, quantities and volumes with eight decimals, always.
DECIMALS = 8


class TradeSums(NamedTuple):
    """At least one trade. Prices in ticks, quantities in steps, quotes in ticks times steps, each
    single trade's cut to eight decimals."""

    open: int
    high: int
    low: int
    close: int
    quantity: int
    quote: int
    bought: int
    bought_quote: int
    trades: int
    first_id: int
    last_id: int


class AggTrade(NamedTuple):
    """A trade, or an aggregate trade of the ids [first_id, last_id], at one price and ms."""

    id: int
    price: int
    quantity: int
    first_id: int
    last_id: int
    time_ms: int
    sell: bool  # the taker sold: Binance's "buyer is maker"


def merged(blocks: Iterable[TradeSums | None]) -> TradeSums | None:
    """One block of several in order of time; None when nothing traded in any of them."""
    parts = [block for block in blocks if block is not None]
    if len(parts) < 2:
        return parts[0] if parts else None
    return TradeSums(
        open=parts[0].open,
        high=max(part.high for part in parts),
        low=min(part.low for part in parts),
        close=parts[-1].close,
        quantity=sum(part.quantity for part in parts),
        quote=sum(part.quote for part in parts),
        bought=sum(part.bought for part in parts),
        bought_quote=sum(part.bought_quote for part in parts),
        trades=sum(part.trades for part in parts),
        first_id=parts[0].first_id,
        last_id=parts[-1].last_id,
    )


def cut_quote(price: int, quantity: int, decimals: int) -> int:
    """What a single trade is worth: Binance cuts it to eight decimals, before anything is added.
    `decimals`: those of the price and of the quantity together."""
    unit: int = 10 ** max(0, decimals - DECIMALS)
    quote = price * quantity
    return quote - quote % unit


def decimal_text(value: int, decimals: int) -> str:
    """`value` of 10^-decimals as Binance writes it: eight decimals, no exponent.

    Digits beyond the eighth are cut; they are zero wherever Binance's own data is exact.
    """
    if value < 0:
        return "-" + decimal_text(-value, decimals)
    if decimals > DECIMALS:
        value //= 10 ** (decimals - DECIMALS)
    else:
        value *= 10 ** (DECIMALS - decimals)
    whole, fraction = divmod(value, 10**DECIMALS)
    return f"{whole}.{fraction:08d}"
