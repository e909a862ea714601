"""Builds the candles of one series from the exchange's klines and trades, as they come.

Never here: a clock, a socket, a store. Events come in, changed candles go out (`take`).
Invariant: every event lands in the candle of its own time, whatever the order.
"""

from __future__ import annotations

from decimal import Decimal

from truecandle.candles.candle import LiveCandle
from truecandle.candles.forming import Forming
from truecandle.candles.interval import Interval
from truecandle.candles.tick import Kline, Trade

#: Candles kept for late news: closing klines come up to 2.4 s late, late trades rarely later.
CANDLES_KEPT = 5

#: Empty candles made between two trades whose ids prove that nothing traded; a longer silence
#: stays a hole until the official candles arrive.
EMPTY_CANDLES_MAX = 120


class CandleBuilder:
    """One series' forming candle, and those just before it for late news.

    `add_trade` and `add_kline` take events in any order; `take` gives back what has changed since,
    oldest first. `has_rolled` says that a candle closed or opened since the last `take`;
    `is_waiting` that one has changed whose beginning nobody has shown yet.
    """

    def __init__(self, interval: Interval) -> None:
        self.interval = interval
        self.has_rolled = False
        self._candles: list[Forming] = []

    def add_trade(self, trade: Trade) -> None:
        """Counts a trade, once, in the candle of its trade time; too old ones are left out."""
        if not self.interval.has_grid:
            return
        candle = self._find(trade.time_ms) or self._open_by_trade(trade)
        if candle is not None:
            candle.add_trade(trade)
            self._link(candle)

    def add_kline(self, kline: Kline) -> None:
        """Takes the exchange's view as the base, with the later trades known on top of it."""
        if not self.interval.has_grid:
            self.interval = self.interval.with_phase(kline.open_ms)
        if not self.interval.is_aligned(kline.open_ms):
            return
        candle = self._find(kline.open_ms)
        if candle is None:
            candle = self._open(kline.open_ms, Decimal(kline.open), kline.event_ms)
        if candle is not None:
            candle.add_kline(kline)
            self._link(candle)
            if kline.is_closed and candle.end(kline.event_ms):
                self.has_rolled = True

    def take(self, *, partial: bool = False) -> list[LiveCandle]:
        """The candles that changed since the last call, oldest first; all but the last closed.

        A candle that was joined midway waits for its first kline. With `partial` the newest one
        is given without; a closed one never is, for its official version is near.
        """
        taken = [
            candle
            for candle in self._candles
            if candle.is_changed and (candle.has_start or (partial and not candle.is_closed))
        ]
        for candle in taken:
            candle.is_changed = False
        self._candles = self._candles[-CANDLES_KEPT:]
        self.has_rolled = False
        return [candle.live() for candle in taken]

    @property
    def is_changed(self) -> bool:
        return any(candle.is_changed for candle in self._candles)

    @property
    def is_waiting(self) -> bool:
        return any(candle.is_changed and not candle.has_start for candle in self._candles)

    def is_exact(self) -> bool:
        """Whether the newest candle holds every trade from the first of its interval, unbroken."""
        return bool(self._candles) and self._candles[-1].is_exact

    def _find(self, time_ms: int) -> Forming | None:
        for candle in reversed(self._candles):
            if candle.open_ms <= time_ms < candle.next_ms:
                return candle
        return None

    def _open_by_trade(self, trade: Trade) -> Forming | None:
        open_ms = self.interval.open_ms(trade.time_ms)
        before = self._candles[-1] if self._candles else None
        if before is not None and trade.first_id == before.next_id:
            self._open_empty(before, open_ms, trade)
        return self._open(open_ms, Decimal(trade.price), trade.time_ms)

    def _open_empty(self, before: Forming, open_ms: int, trade: Trade) -> None:
        """Candles without a trade, proven by ids that follow on: flat at the close before."""
        if self.interval.count(before.next_ms, open_ms) > EMPTY_CANDLES_MAX:
            return
        for empty_ms in self.interval.opens(before.next_ms, open_ms):
            self._open(empty_ms, before.close, trade.time_ms)

    def _open(self, open_ms: int, price: Decimal, time_ms: int) -> Forming | None:
        """A new candle in its place among those kept; None if it is older than all of them."""
        if self._candles and open_ms < self._candles[0].open_ms:
            return None
        next_ms = self.interval.next_open_ms(open_ms)
        candle = Forming(open_ms, next_ms, price, price, price, price, time_ms)
        at = sum(1 for known in self._candles if known.open_ms < open_ms)
        self._candles.insert(at, candle)
        if at:
            self._link(self._candles[at - 1])
        for known in self._candles[:-1]:
            known.end(known.updated_at)
        self.has_rolled = True
        return candle

    def _link(self, candle: Forming) -> None:
        """Tells the candle after this one which trade is its first, until a kline does."""
        if candle is self._candles[-1]:
            return
        after = self._candles[self._candles.index(candle) + 1]
        if after.kline_id is None or after.kline_id < 0:
            after.first_id = candle.next_id
