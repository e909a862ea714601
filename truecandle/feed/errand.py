"""One question to the exchange on behalf of a market, and how it is put.

Never here: when a question is due (`case`), threads (`recovery`), what an answer means.
Invariant: an errand is one page: at most `PAGE` trades, or one candle.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from truecandle.binance.rest.client import TRADES_LIMIT_MAX, RestClient
from truecandle.candles.trades import Kline, Trade

PAGE = TRADES_LIMIT_MAX

#: `holes`: trades known to be missing. `tail`: what came after the newest one known. `newest`: how
#: far the ids are. `since`: what came after a moment, where no id is known. `candle`: the forming
#: candle of an interval.
Purpose = Literal["holes", "tail", "newest", "since", "candle"]


class Found(NamedTuple):
    """What an errand has brought; `odd` says what was wrong with the rows that were left out.
    `date_ms` is the exchange's own time when it answered; None where it did not tell that."""

    events: Sequence[Trade | Kline]
    odd: Sequence[str] = ()
    date_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Errand:
    """`pages`: what is still to come."""

    symbol: str
    purpose: Purpose
    from_id: int | None = None
    start_ms: int | None = None
    limit: int = PAGE
    interval: str = ""
    pages: int = 1

    def run(self, rest: RestClient) -> Found:
        """Asks, in the thread of the caller. Raises `ExchangeError` or `StoreError`."""
        if self.purpose == "candle":
            return Found([rest.forming(self.symbol, self.interval)])
        page = rest.agg_trades(
            self.symbol, from_id=self.from_id, start_ms=self.start_ms, limit=self.limit
        )
        return Found(page.trades, page.odd, page.date_ms)


@dataclass(slots=True)
class Counts:
    """What recovery has asked and got since the start, over all markets."""

    asked: int = 0
    failed: int = 0
    trades: int = 0
    candles: int = 0
    #: Rows that were no trades, or contradicted each other.
    odd: int = 0
    gave_up: int = 0
