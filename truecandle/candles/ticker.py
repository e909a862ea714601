"""A ticker: what a market did in the last 24 hours, as the exchange sums it up at one moment.

Never here: the exchange's JSON (`binance/rest`), candles: the 24 hours end now, not at midnight.
Invariant: prices and volumes are the exchange's decimal text; a price that there is none of is "".
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Final

#: As the exchange rounds a change in per cent; in as many digits as the longest prices need.
_THOUSANDTH: Final = Decimal("0.001")
_LONG: Final = Context(prec=80, rounding=ROUND_HALF_UP)


@dataclass(frozen=True, slots=True)
class Ticker:
    """The rolling 24 hours of one market. Where nothing ever traded, prices are "".

    `price` is that of the last trade. Source: Binance spot API, GET /api/v3/ticker/24hr.
    """

    symbol: str
    price: str
    open: str
    high: str
    low: str
    volume: str
    quote_volume: str

    @property
    def change(self) -> str:
        """How far the price has moved since 24 hours ago, in per cent; "" where nobody knows."""
        if not self.price or not self.open:
            return ""
        price, opened = Decimal(self.price), Decimal(self.open)
        moved = _LONG.divide(_LONG.multiply(_LONG.subtract(price, opened), Decimal(100)), opened)
        rounded = moved.quantize(_THOUSANDTH, context=_LONG)
        return f"{rounded if rounded else abs(rounded):f}"
