"""What the exchange's streams tell: trades and klines.

Never here: bytes (`binance/streams/messages`), what a candle makes of them (`forming`).
Invariant: decimals are canonical text, times are ms (UTC); a quote quantity is the exchange's own,
or is not called known.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import ROUND_DOWN, Decimal
from typing import Final, NamedTuple

from truecandle.candles.candle import LiveCandle, OfficialCandle
from truecandle.candles.decimals import EXACT
from truecandle.errors import CandleError

#: The exchange cuts what a single trade is worth after this decimal, before it adds up. The asset
#: precision of the quote, which is 8 for every asset that trades.
QUOTE_DECIMALS: Final = 8
QUOTE_STEP: Final = Decimal(1).scaleb(-QUOTE_DECIMALS)
#: No quantity on the exchange has more decimals.
QUANTITY_DECIMALS_MAX: Final = 8

_multiply = EXACT.multiply


class TradeAmounts(NamedTuple):
    """A trade as numbers: worked out once, for the candles of every interval.

    `notional`, price times quantity, is cut as the exchange cuts it. Of an aggregate of `n` trades
    it may be too much, by less than `n` steps of the last decimal, as each of them is cut by
    itself: then it is not known.
    """

    price: Decimal
    quantity: Decimal
    notional: Decimal
    is_notional_known: bool


@dataclass(frozen=True, slots=True)
class Trade:
    """One trade, or an aggregate of trades `first_id`..`last_id` at one price. Times in ms.

    `is_taker_buy`: the buyer took what a seller had offered. `agg_id` counts the aggregates of a
    symbol without a break; -1 for a single trade. `quantity_decimals`: how many decimals the
    quantity of a single trade of this market can have.
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
    quantity_decimals: int = field(default=QUANTITY_DECIMALS_MAX, repr=False, compare=False)
    amounts: TradeAmounts = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        price, quantity = Decimal(self.price), Decimal(self.quantity)
        notional = _multiply(price, quantity).quantize(QUOTE_STEP, ROUND_DOWN, EXACT)
        is_known = self.first_id == self.last_id or self._is_never_cut
        object.__setattr__(self, "amounts", TradeAmounts(price, quantity, notional, is_known))

    def with_steps(self, quantity_decimals: int) -> Trade:
        """The same, of a market whose single trades have so many decimals at most."""
        if self.amounts.is_notional_known or quantity_decimals >= self.quantity_decimals:
            return self
        return replace(self, quantity_decimals=quantity_decimals)

    @property
    def count(self) -> int:
        return self.last_id - self.first_id + 1

    @property
    def _is_never_cut(self) -> bool:
        """Whether no part of it can be worth a fraction of the last decimal."""
        return decimal_places(self.price) + self.quantity_decimals <= QUOTE_DECIMALS


#: An answer of the exchange tells the whole second in which it was made.
DATE_SPREAD_MS: Final = 999


@dataclass(frozen=True, slots=True)
class Kline:
    """The exchange's own view of a candle. `first_id` and `last_id` are -1 without any trade.

    The quote volumes are None where a stored candle stands in for the exchange's word, and nobody
    knew them. It was sent at `event_ms`, or up to `spread_ms` later where that is not told exactly.
    """

    symbol: str
    interval: str
    open_ms: int
    open: str
    high: str
    low: str
    close: str
    volume: str
    quote_volume: str | None
    taker_volume: str
    taker_quote_volume: str | None
    trades: int
    first_id: int
    last_id: int
    is_closed: bool
    event_ms: int
    spread_ms: int = 0

    @property
    def sent_by_ms(self) -> int:
        """When it had been sent at the latest: all its trades had happened by then."""
        return self.event_ms + self.spread_ms


def kline_of_candle(
    candle: OfficialCandle | LiveCandle,
    *,
    symbol: str,
    interval: str,
    first_id: int,
    last_id: int,
    is_closed: bool,
    event_ms: int,
    spread_ms: int = 0,
) -> Kline:
    """A candle as the exchange would have told it at `event_ms`, with these trades first and last.

    Raises `CandleError` if nobody knows what takers bought in it: each kline says that.
    """
    if candle.taker_volume is None:
        raise CandleError("taker volume", None, "a number that is known")
    return Kline(
        symbol=symbol,
        interval=interval,
        open_ms=candle.open_ms,
        open=candle.open,
        high=candle.high,
        low=candle.low,
        close=candle.close,
        volume=candle.volume,
        quote_volume=candle.quote_volume,
        taker_volume=candle.taker_volume,
        taker_quote_volume=candle.taker_quote_volume,
        trades=candle.trades,
        first_id=first_id,
        last_id=last_id,
        is_closed=is_closed,
        event_ms=event_ms,
        spread_ms=spread_ms,
    )


def decimal_places(text: str) -> int:
    """How many digits a decimal text has after its point: `0.042` has 3, `7` has none."""
    return len(text.partition(".")[2])
