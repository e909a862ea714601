"""What traded since browsers were last told: one summary for each UTC second, in order.

Never here: candles; when to tell (`market`).
Invariant: a trade is told once, by its id, and never in the summary of another second.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from decimal import Context, Decimal

from truecandle.candles.candle import canonical
from truecandle.candles.interval import SECOND_MS
from truecandle.candles.trade_id_ranges import TradeIdRanges
from truecandle.candles.trades import Trade

_add = Context(prec=60).add

#: Summaries kept while nobody takes them; the oldest go first.
SUMMARIES_MAX = 100


@dataclass(slots=True)
class Summary:
    """The trades of a part of one UTC second: the last price and its time (ms), the extremes.

    `first_id` and `last_id` are the outermost: with a hole between, `trades` is less than their
    span.
    """

    price: str
    timestamp: int
    high: Decimal
    low: Decimal
    volume: Decimal
    trades: int
    first_id: int
    last_id: int

    @property
    def values(self) -> dict[str, str | int]:
        """The fields of a `live_price` event."""
        return {
            "price": self.price,
            "timestamp": self.timestamp,
            "high": canonical(self.high),
            "low": canonical(self.low),
            "volume": canonical(self.volume),
            "trades": self.trades,
            "first_id": self.first_id,
            "last_id": self.last_id,
        }


class Prices:
    """Gathers the trades of one symbol."""

    def __init__(self) -> None:
        self._told = TradeIdRanges()
        self._waiting: deque[Summary] = deque(maxlen=SUMMARIES_MAX)
        self._second = self._newest_id = -1
        #: The next one does not belong into a summary with those before.
        self._is_apart = False

    def add(self, trade: Trade) -> None:
        """Counts a trade once. One of a second already left behind is for the candles alone."""
        second = trade.time_ms // SECOND_MS
        if second < self._second:
            return
        if trade.first_id > self._newest_id:
            self._newest_id = trade.last_id
        elif self._told.overlap(trade.first_id, trade.last_id):
            return
        self._told.add(trade.first_id, trade.last_id)
        if second > self._second or self._is_apart or not self._waiting:
            self._second, self._is_apart = second, False
            self._waiting.append(_summary(trade))
        else:
            _include(self._waiting[-1], trade)

    def begin_epoch(self) -> None:
        """Trade ids have begun anew: what comes next is not told yet, whatever its id."""
        self._told, self._newest_id, self._is_apart = TradeIdRanges(), -1, True

    def take(self) -> list[Summary]:
        """All that was not told yet, oldest first."""
        taken = list(self._waiting)
        self._waiting.clear()
        return taken

    def __len__(self) -> int:
        return len(self._waiting)


def _summary(trade: Trade) -> Summary:
    price, quantity = trade.amounts[:2]
    ids = trade.first_id, trade.last_id
    return Summary(trade.price, trade.time_ms, price, price, quantity, trade.count, *ids)


def _include(summary: Summary, trade: Trade) -> None:
    price, quantity = trade.amounts[:2]
    if price > summary.high:
        summary.high = price
    elif price < summary.low:
        summary.low = price
    summary.volume = _add(summary.volume, quantity)
    summary.trades += trade.last_id - trade.first_id + 1
    if trade.time_ms > summary.timestamp:
        summary.timestamp = trade.time_ms
    if trade.first_id < summary.first_id:
        summary.first_id = trade.first_id
    if trade.last_id > summary.last_id:
        summary.price, summary.last_id = trade.price, trade.last_id
