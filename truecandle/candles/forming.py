"""One candle under construction: its values, and which trades are in them.

Never here: which candle an event belongs to (`builder`), a clock.
Invariant: a trade counts once, by its id; a newer kline is never undone by an older one.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from decimal import Context, Decimal

from truecandle.candles.candle import LiveCandle, canonical
from truecandle.candles.ranges import Ranges
from truecandle.candles.tick import Kline, Trade

#: Sums are exact: no volume on Binance has 60 digits.
_EXACT = Context(prec=60)

#: Trades kept since the last kline, to put them on top of one that arrives late.
TRADES_KEPT = 20_000


@dataclass(slots=True, eq=False)
class Forming:
    """The candle that opens at `open_ms` and ends before `next_ms`. `ids` are its trades."""

    open_ms: int
    next_ms: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    updated_at: int
    volume: Decimal = Decimal(0)
    quote_volume: Decimal = Decimal(0)
    taker_volume: Decimal = Decimal(0)
    taker_quote_volume: Decimal = Decimal(0)
    trades: int = 0
    open_id: int = -1
    close_id: int = -1
    #: The id that the interval's first trade has or will have, once a kline or the last trade of
    #: the candle before has shown it.
    first_id: int | None = None
    #: The last trade of the newest kline, None before the first one.
    kline_id: int | None = None
    ids: Ranges = field(default_factory=Ranges)
    is_closed: bool = False
    is_changed: bool = True
    since_kline: deque[Trade] = field(default_factory=lambda: deque(maxlen=TRADES_KEPT))

    def add_trade(self, trade: Trade) -> None:
        self.since_kline.append(trade)
        self._count(trade)

    def add_kline(self, kline: Kline) -> None:
        """Starts anew from the kline, with the trades after it on top, if that adds news."""
        if self.kline_id is not None and kline.last_id < self.kline_id:
            return
        if kline.last_id < 0 and self.trades > 0:
            return
        later = [trade for trade in self.since_kline if trade.last_id > kline.last_id]
        is_older = kline.last_id < self.close_id
        is_known = is_older and self.is_exact and self.first_id == kline.first_id
        if is_older and not is_known and not self._joins(kline, later):
            return
        self.kline_id = kline.last_id
        self.since_kline = deque(later, maxlen=TRADES_KEPT)
        if not is_known:
            before = self._values()
            self._rebase(kline, later)
            if self._values() != before:
                self._change(kline.event_ms)

    def end(self, at_ms: int) -> bool:
        """Marks the interval as ended; False if it was before."""
        if self.is_closed:
            return False
        self.is_closed = True
        self._change(at_ms)
        return True

    @property
    def has_start(self) -> bool:
        """Whether its beginning is known: from a kline, or by the id of its first trade."""
        if self.kline_id is not None:
            return True
        if self.first_id is None or self.trades == 0:
            return self.first_id is not None
        return self.ids.overlap(self.first_id, self.first_id) == 1

    @property
    def is_exact(self) -> bool:
        """Whether it holds every trade from the first of its interval to its last, unbroken."""
        if self.first_id is None or self.trades == 0:
            return self.first_id is not None
        return self.ids.is_single(self.first_id, self.close_id)

    @property
    def next_id(self) -> int | None:
        """The id that the first trade after this candle has, unless that one is lost."""
        return self.close_id + 1 if self.trades else self.first_id

    def live(self) -> LiveCandle:
        return LiveCandle(
            open_ms=self.open_ms,
            open=canonical(self.open),
            high=canonical(self.high),
            low=canonical(self.low),
            close=canonical(self.close),
            volume=canonical(self.volume),
            trades=self.trades,
            source="live",
            is_complete=self.is_closed,
            updated_at=self.updated_at,
            quote_volume=canonical(self.quote_volume),
            taker_volume=canonical(self.taker_volume),
            taker_quote_volume=canonical(self.taker_quote_volume),
            first_id=self.open_id if self.trades else -1,
            last_id=self.close_id if self.trades else -1,
            is_exact=self.is_exact and not self.is_closed,
        )

    def _count(self, trade: Trade) -> None:
        """Adds the trade unless its ids are in already. A part that is in can't be told from the
        rest: then only the price counts, and the next kline brings the volume."""
        price = Decimal(trade.price)
        overlap = self.ids.overlap(trade.first_id, trade.last_id)
        if overlap == trade.count:
            return
        if self.trades == 0 and overlap == 0:
            self.open = self.high = self.low = self.close = price
            self.open_id, self.close_id = trade.first_id, trade.last_id
        self.high = max(self.high, price)
        self.low = min(self.low, price)
        if trade.first_id < self.open_id:
            self.open, self.open_id = price, trade.first_id
        if trade.last_id > self.close_id:
            self.close, self.close_id = price, trade.last_id
        if overlap == 0:
            quantity = Decimal(trade.quantity)
            quote = _EXACT.multiply(price, quantity)
            self.volume = _EXACT.add(self.volume, quantity)
            self.quote_volume = _EXACT.add(self.quote_volume, quote)
            if trade.is_taker_buy:
                self.taker_volume = _EXACT.add(self.taker_volume, quantity)
                self.taker_quote_volume = _EXACT.add(self.taker_quote_volume, quote)
            self.trades += trade.count
            self.ids.add(trade.first_id, trade.last_id)
        self._change(trade.event_ms if self.is_closed else trade.time_ms)

    def _joins(self, kline: Kline, later: list[Trade]) -> bool:
        """Whether the trades kept can stand on top of the kline: none cut, none forgotten."""
        if any(trade.first_id <= kline.last_id for trade in later):
            return False
        kept = self.since_kline
        return len(kept) < TRADES_KEPT or kept[0].first_id <= kline.last_id

    def _rebase(self, kline: Kline, later: list[Trade]) -> None:
        self.open, self.high = Decimal(kline.open), Decimal(kline.high)
        self.low, self.close = Decimal(kline.low), Decimal(kline.close)
        self.volume, self.trades = Decimal(kline.volume), kline.trades
        self.quote_volume = Decimal(kline.quote_volume)
        self.taker_volume = Decimal(kline.taker_volume)
        self.taker_quote_volume = Decimal(kline.taker_quote_volume)
        self.open_id, self.close_id = kline.first_id, kline.last_id
        self.ids = Ranges()
        if kline.last_id >= 0:
            self.first_id = kline.first_id
            self.ids.add(kline.first_id, kline.last_id)
        for trade in later:
            self._count(trade)

    def _values(self) -> tuple[object, ...]:
        flows = self.volume, self.quote_volume, self.taker_volume, self.taker_quote_volume
        return self.open, self.high, self.low, self.close, *flows, self.trades

    def _change(self, at_ms: int) -> None:
        self.updated_at = max(self.updated_at, at_ms)
        self.is_changed = True
