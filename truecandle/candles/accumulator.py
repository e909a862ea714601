"""The OHLCV sums of one candle under construction, and which trades are in them.

Never here: which candle an event belongs to (`builder`), what a kline proves (`forming`), a clock.
Invariant: a trade counts once, by its id, whatever the order; sums are exact.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from truecandle.candles.decimals import EXACT, NO_ID
from truecandle.candles.trade_id_ranges import TradeIdRanges
from truecandle.candles.trades import Kline, Trade

_add = EXACT.add

#: Trades kept since the last kline, to put them on top of one that arrives late.
TRADES_KEPT: Final = 20_000


@dataclass(slots=True, eq=False)
class OhlcvAccumulator:
    """The candle that opens at `open_ms` and ends before `next_ms`, as far as it is counted."""

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
    #: Whether the quote volumes are the exchange's, to the last decimal; else they may be too much.
    is_quote_known: bool = True
    is_taker_quote_known: bool = True
    trades: int = 0
    #: The outermost trades known.
    open_id: int = NO_ID
    close_id: int = NO_ID
    #: The trades that are in the sums.
    ids: TradeIdRanges = field(default_factory=TradeIdRanges)
    #: The trades since the kline below them, by their first id; those up to `forgotten_id` are
    #: gone.
    recent_trades: dict[int, Trade] = field(default_factory=dict)
    forgotten_id: int = NO_ID
    #: It holds trades of an epoch whose ids say nothing any more, and no kline has replaced them.
    is_mixed: bool = False
    is_closed: bool = False
    is_changed: bool = True

    def count_next(self, trade: Trade) -> None:
        """The trade right after the newest one: the common case, and nothing in it can overlap."""
        price, quantity, notional, is_notional_known = trade.amounts
        first_id, last_id = trade.first_id, trade.last_id
        if price > self.high:
            self.high = price
        elif price < self.low:
            self.low = price
        self.close, self.close_id = price, last_id
        self.volume = _add(self.volume, quantity)
        self.quote_volume = _add(self.quote_volume, notional)
        if trade.is_taker_buy:
            self.taker_volume = _add(self.taker_volume, quantity)
            self.taker_quote_volume = _add(self.taker_quote_volume, notional)
        if not is_notional_known:
            self._forget_quote(trade)
        self.trades += last_id - first_id + 1
        self.ids.add(first_id, last_id)
        recent_trades = self.recent_trades
        recent_trades[first_id] = trade
        if len(recent_trades) > TRADES_KEPT:
            self._forget_oldest()
        at_ms = trade.event_ms if self.is_closed else trade.time_ms
        if at_ms > self.updated_at:
            self.updated_at = at_ms
        self.is_changed = True

    def count(self, trade: Trade) -> None:
        """Adds the trade unless its ids are in already. A part that is in can't be told from the
        rest: then only the price counts, and the next kline brings the volume."""
        price = trade.amounts.price
        overlap = self.ids.overlap(trade.first_id, trade.last_id)
        if overlap == trade.count:
            return
        if self.trades == 0:
            self.open = self.high = self.low = price
        if self.close_id == NO_ID:
            self.close, self.open_id, self.close_id = price, trade.first_id, trade.last_id
        self.high = max(self.high, price)
        self.low = min(self.low, price)
        if trade.first_id < self.open_id:
            self.open, self.open_id = self.open if self.is_mixed else price, trade.first_id
        if trade.last_id > self.close_id:
            self.close, self.close_id = price, trade.last_id
        if overlap == 0:
            self._sum(trade)
        else:
            self._keep(trade)
        self.change(trade.event_ms if self.is_closed else trade.time_ms)

    def rebase(self, kline: Kline) -> bool:
        """Starts anew from the kline, with the trades after it on top; whether a number changed."""
        before, updated_at, is_changed = self._numbers(), self.updated_at, self.is_changed
        later = [recent for recent in self.recent_trades.values() if recent.last_id > kline.last_id]
        self.open, self.high = Decimal(kline.open), Decimal(kline.high)
        self.low, self.close = Decimal(kline.low), Decimal(kline.close)
        self.volume, self.taker_volume = Decimal(kline.volume), Decimal(kline.taker_volume)
        self.quote_volume = Decimal(kline.quote_volume or 0)
        self.taker_quote_volume = Decimal(kline.taker_quote_volume or 0)
        self.is_quote_known = kline.quote_volume is not None
        self.is_taker_quote_known = kline.taker_quote_volume is not None
        self.trades, self.is_mixed = kline.trades, False
        self.open_id, self.close_id = kline.first_id, kline.last_id
        self.ids, self.recent_trades = TradeIdRanges(), {}
        self.forgotten_id = max(self.forgotten_id, kline.last_id)
        if kline.trades:
            self.ids.add(kline.first_id, kline.last_id)
        for recent in sorted(later, key=lambda one: one.first_id):
            self.count(recent)
        if self._numbers() != before:
            return True
        self.updated_at, self.is_changed = updated_at, is_changed
        return False

    def restart_ids(self) -> None:
        """Ids have begun anew: what is counted stays, and nobody can tell any more which it is."""
        self.is_mixed |= self.trades > 0
        self.open_id = self.close_id = self.forgotten_id = NO_ID
        self.ids, self.recent_trades = TradeIdRanges(), {}

    def forget(self, last_id: int) -> None:
        """Lets go of the trades up to there: no kline that ends before them will count any more."""
        self.forgotten_id = max(self.forgotten_id, last_id)
        later = {at: one for at, one in self.recent_trades.items() if one.last_id > last_id}
        self.recent_trades = later

    def is_cut(self, kline: Kline) -> bool:
        """Whether the trades kept can't stand on top of the kline: one cut, or one forgotten."""
        last_id = kline.last_id
        if last_id < self.forgotten_id:
            return True
        if last_id >= self.close_id or last_id + 1 in self.recent_trades:
            return False
        return any(one.first_id <= last_id < one.last_id for one in self.recent_trades.values())

    def differs(self, kline: Kline) -> bool:
        """Whether a kline says other numbers, or knows a quote volume that is not known here."""
        return self._is_other(kline) or any(
            told is not None and not (is_known and our == Decimal(told))
            for our, is_known, told in self._quotes(kline)
        )

    def contradicts(self, kline: Kline) -> bool:
        """Whether it says other numbers than were called known here."""
        return self._is_other(kline) or any(
            told is not None and is_known and our != Decimal(told)
            for our, is_known, told in self._quotes(kline)
        )

    @property
    def are_quotes_known(self) -> bool:
        return self.is_quote_known and self.is_taker_quote_known

    def change(self, at_ms: int) -> None:
        if at_ms > self.updated_at:
            self.updated_at = at_ms
        self.is_changed = True

    def _sum(self, trade: Trade) -> None:
        quantity, notional = trade.amounts.quantity, trade.amounts.notional
        self.volume = _add(self.volume, quantity)
        self.quote_volume = _add(self.quote_volume, notional)
        if trade.is_taker_buy:
            self.taker_volume = _add(self.taker_volume, quantity)
            self.taker_quote_volume = _add(self.taker_quote_volume, notional)
        if not trade.amounts.is_notional_known:
            self._forget_quote(trade)
        self.trades += trade.last_id - trade.first_id + 1
        self.ids.add(trade.first_id, trade.last_id)
        self._keep(trade)

    def _forget_quote(self, trade: Trade) -> None:
        """An aggregate of which nobody can tell what the exchange has added up."""
        self.is_quote_known = False
        self.is_taker_quote_known &= not trade.is_taker_buy

    def _keep(self, trade: Trade) -> None:
        self.recent_trades[trade.first_id] = trade
        if len(self.recent_trades) > TRADES_KEPT:
            self._forget_oldest()

    def _forget_oldest(self) -> None:
        oldest = self.recent_trades.pop(next(iter(self.recent_trades)))
        self.forgotten_id = max(self.forgotten_id, oldest.last_id)

    def _numbers(self) -> tuple[object, ...]:
        flows = self.volume, self.quote_volume, self.taker_volume, self.taker_quote_volume
        known = self.is_quote_known, self.is_taker_quote_known
        return self.open, self.high, self.low, self.close, *flows, *known, self.trades

    def _is_other(self, kline: Kline) -> bool:
        """Whether it holds other trades, or makes other prices and volumes of them."""
        if (self.trades, self.close_id) != (kline.trades, kline.last_id):
            return True
        if self.trades and self.open_id != kline.first_id:
            return True
        ours = self.open, self.high, self.low, self.close, self.volume, self.taker_volume
        texts = kline.open, kline.high, kline.low, kline.close, kline.volume, kline.taker_volume
        return ours != tuple(map(Decimal, texts))

    def _quotes(self, kline: Kline) -> Iterator[tuple[Decimal, bool, str | None]]:
        yield self.quote_volume, self.is_quote_known, kline.quote_volume
        yield self.taker_quote_volume, self.is_taker_quote_known, kline.taker_quote_volume
