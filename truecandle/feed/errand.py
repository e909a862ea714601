"""One question to the exchange on behalf of a market, and how it is put.

Never here: when a question is due (`case`), threads (`recovery`), what an answer means.
Invariant: an errand is one page: at most `PAGE` trades, or one candle.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from truecandle.binance.rest import TRADES_LIMIT_MAX, RestClient
from truecandle.candles.tick import Kline, Trade

PAGE = TRADES_LIMIT_MAX

#: `holes`: trades known to be missing. `tail`: what came after the newest one known. `newest`: how
#: far the ids are. `since`: what came after a moment, where no id is known. `candle`: the forming
#: candle of an interval.
Purpose = Literal["holes", "tail", "newest", "since", "candle"]


class Reply(NamedTuple):
    """What the exchange told, and its own time when it did; None where it did not tell that."""

    events: Sequence[Trade | Kline]
    date_ms: int | None


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

    def run(self, rest: RestClient) -> Reply:
        """Asks, in the thread of the caller. Raises `ExchangeError` or `StoreError`."""
        if self.purpose == "candle":
            return Reply([rest.forming(self.symbol, self.interval)], None)
        found = rest.agg_trades(
            self.symbol, from_id=self.from_id, start_ms=self.start_ms, limit=self.limit
        )
        return Reply(found.trades, found.date_ms)


@dataclass(slots=True)
class Counts:
    """What recovery has asked and got since the start, over all markets."""

    asked: int = 0
    failed: int = 0
    trades: int = 0
    candles: int = 0
    gave_up: int = 0
