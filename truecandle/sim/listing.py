"""What is traded: a symbol's assets, tick and step sizes, level, pace, and its listing day.

Never here: trades, candles, a clock.
Invariant: a recorded symbol counts in 10^-8; a simulated one in its own ticks and steps.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from truecandle.candles.interval import DAY_MS, HOUR_MS

_QUOTES = ("FDUSD", "USDT", "USDC", "TUSD", "BUSD", "EUR", "TRY", "BTC", "ETH", "BNB")


@dataclass(frozen=True, slots=True)
class SimulatedListing:
    """One market. Prices count in ticks of 10^-price_decimals, quantities in steps likewise.

    `level` is the price (ticks) that the market keeps coming back to, `swing` the usual range of an
    hour (ticks), `orders_per_hour` the taker orders, `lot` the usual quantity (steps). Trading
    began at `listed_ms`, a full hour; the 3d grid starts on that UTC day.
    """

    symbol: str
    base: str
    quote: str
    price_decimals: int
    quantity_decimals: int
    level: int
    swing: int
    orders_per_hour: int
    lot: int
    listed_ms: int

    @property
    def quote_decimals(self) -> int:
        """Those of a tick times a step; what is beyond the eighth is cut off of each trade."""
        return self.price_decimals + self.quantity_decimals


def listings(symbols: Iterable[str]) -> list[SimulatedListing]:
    """The listings of these symbols; unknown ones are invented from their name, always the same."""
    return [_KNOWN[symbol] if symbol in _KNOWN else _invented(symbol) for symbol in symbols]


def listing_of(symbol: str, level: int, listed_ms: int) -> SimulatedListing:
    """A recorded symbol: counts in 10^-8; its pace is what was recorded."""
    known = any(symbol.endswith(quote) and symbol != quote for quote in _QUOTES)
    base, quote = _assets(symbol) if known else (symbol[:-3], symbol[-3:])
    return SimulatedListing(symbol, base, quote, 8, 8, level, 0, 0, 10**8, listed_ms)


def _invented(symbol: str) -> SimulatedListing:
    base, quote = _assets(symbol)
    dice = hashlib.blake2b(symbol.encode(), digest_size=4).digest()
    level = 20_000 + dice[0] * 700
    listed_ms = 18_000 * DAY_MS + dice[1] * DAY_MS + (dice[2] % 24) * HOUR_MS
    return SimulatedListing(symbol, base, quote, 4, 2, level, level // 160, 1200, 900, listed_ms)


def _assets(symbol: str) -> tuple[str, str]:
    quote = next((q for q in _QUOTES if symbol.endswith(q) and symbol != q), None)
    if quote is None or symbol != symbol.upper():
        raise ValueError(f"symbol {symbol!r}: upper case, ending in one of {', '.join(_QUOTES)}")
    return symbol.removesuffix(quote), quote


def _listed(day: int, hour: int) -> int:
    return day * DAY_MS + hour * HOUR_MS


#: The days are the real first trading days where known: the 3d grid's phase depends on them.
_KNOWN: dict[str, SimulatedListing] = {
    row.symbol: row
    for row in (
        SimulatedListing(
            "BTCUSDT", "BTC", "USDT", 2, 5, 6_100_000, 34_000, 6500, 2200, _listed(17395, 4)
        ),
        SimulatedListing(
            "ETHUSDT", "ETH", "USDT", 2, 4, 310_000, 2_200, 4200, 3100, _listed(17395, 4)
        ),
        SimulatedListing(
            "SOLUSDT", "SOL", "USDT", 2, 3, 15_500, 130, 2800, 4600, _listed(18485, 6)
        ),
        SimulatedListing("BNBUSDT", "BNB", "USDT", 2, 3, 61_000, 340, 2000, 900, _listed(17476, 3)),
        SimulatedListing("XRPUSDT", "XRP", "USDT", 4, 1, 5_600, 42, 1800, 6500, _listed(17655, 8)),
        SimulatedListing("ADAUSDT", "ADA", "USDT", 4, 1, 7_200, 60, 1500, 9000, _listed(17638, 4)),
        SimulatedListing(
            "DOGEUSDT", "DOGE", "USDT", 5, 0, 16_000, 140, 1800, 1200, _listed(18082, 12)
        ),
        # A tiny price: one step of 10^-8 is a tenth of a per cent.
        SimulatedListing(
            "PEPEUSDT", "PEPE", "USDT", 8, 0, 908, 7, 1500, 2_400_000, _listed(19482, 16)
        ),
        # A quiet market: minutes without a single trade come naturally.
        SimulatedListing(
            "PAXGUSDT", "PAXG", "USDT", 2, 4, 265_000, 800, 80, 900, _listed(18502, 3)
        ),
        # Nine decimals together: of nearly every trade's worth something is cut off.
        SimulatedListing("XMRBTC", "XMR", "BTC", 6, 3, 5_773, 45, 120, 1_400, _listed(17550, 8)),
    )
}
