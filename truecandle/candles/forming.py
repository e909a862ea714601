"""One candle under construction: its OHLCV sums, and what klines, ids and breaks prove of them.

`OhlcvAccumulator` adds up, each trade once, and can start anew from a kline. `FormingCandle` says
what to add up: which kline to believe more than the trades, and what that has shown (`proof`).

Never here: what evidence makes exact (`proof`), which candle an event belongs to (`builder`), a
clock.
Invariant: a trade counts once, by its id, whatever the order, and sums are exact; what is called
exact lacks no trade; a newer kline is never undone by an older one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from truecandle.candles.candle import LiveCandle
from truecandle.candles.decimals import EXACT, NO_ID, canonical, canonical_or_none
from truecandle.candles.proof import Content, End, Evidence, Proof
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


@dataclass(slots=True, eq=False)
class FormingCandle(OhlcvAccumulator):
    """The sums of a candle, and the evidence for them: its `proof` follows from both."""

    #: Which epoch its ids are of.
    epoch: int = 0
    evidence: Evidence = field(default_factory=Evidence)
    #: How often a kline showed that what was called exact was not.
    contradictions: int = 0

    def add_next(self, trade: Trade) -> None:
        """A trade that comes right after the newest one of a candle that still takes trades."""
        self.count_next(trade)
        evidence = self.evidence
        if evidence.is_interrupted:
            evidence.is_interrupted = False
        if evidence.unconfirmed_kline is not None:
            self._use_unconfirmed(evidence.unconfirmed_kline)

    def add_trade(self, trade: Trade) -> None:
        """Any other one."""
        evidence = self.evidence
        if evidence.is_final:
            return
        if trade.last_id > self.close_id:
            evidence.is_interrupted = False
        self.count(trade)
        if evidence.ahead_id is not None and trade.last_id >= evidence.ahead_id:
            evidence.ahead_id = None
        if evidence.unconfirmed_kline is not None:
            self._use_unconfirmed(evidence.unconfirmed_kline)

    def add_kline(self, kline: Kline) -> None:
        """Takes the exchange's own view as far as it proves more than the trades do."""
        if kline.is_closed:
            self._finish(kline)
        elif self.evidence.is_final or self.evidence.is_outdated(kline):
            return
        elif kline.trades == 0:
            self._add_empty(kline)
        else:
            self._add_kline(kline)

    def begin_epoch(self, number: int) -> None:
        """Ids have begun anew: it moves on with the new trades, and only a kline of theirs can show
        what it holds. In the store it is newer than all that was said before."""
        self.epoch = number
        self.evidence.begin_epoch(self.open_id)
        self.restart_ids()
        self.change(self.updated_at + 1)

    def end(self, at_ms: int) -> bool:
        """Marks the interval as ended; False if it was before."""
        if self.is_closed:
            return False
        self.is_closed = True
        self.change(at_ms)
        return True

    def prove_start(self) -> None:
        """The trade before its first one is known to be of an earlier interval."""
        if self.evidence.first_id != self.open_id:
            was_exact, self.evidence.first_id = self.is_exact, self.open_id
            self._on_proven(was_exact)

    def prove_end(self, end_id: int) -> None:
        """The trade after `end_id` is known to be of a later interval."""
        if self.evidence.end_id != end_id:
            was_exact, self.evidence.end_id = self.is_exact, end_id
            self.evidence.is_empty = self.trades == 0
            self._on_proven(was_exact)

    def fill(self, next_id: int) -> None:
        """Takes the kline kept if it reaches as far as `next_id`, which is known to be later."""
        kline = self.evidence.unconfirmed_kline
        if kline is not None and self.close_id < kline.last_id == next_id - 1:
            self._rebase_on(kline)

    @property
    def proof(self) -> Proof:
        """How far it is proven, by what is counted and what has been shown."""
        return Proof(self._content(), self._end())

    @property
    def has_start(self) -> bool:
        """Whether its beginning is known: from a kline, or by the id of its first trade."""
        return self.evidence.has_start(self.open_id)

    @property
    def is_whole(self) -> bool:
        """Whether it holds every trade from the first of its interval to its newest, unbroken."""
        first_id = self.evidence.first_id
        if first_id is None or self.trades == 0 or self.is_mixed:
            return False
        return self.ids.is_single(first_id, self.close_id)

    @property
    def is_exact(self) -> bool:
        """Whether it is proven to lack no trade that it should hold by now."""
        return self.proof.is_exact

    def _content(self) -> Content:
        if self.trades:
            return "whole" if self.is_whole else "incomplete"
        return "empty" if self.evidence.is_empty else "incomplete"

    def _end(self) -> End:
        evidence = self.evidence
        if evidence.is_final:
            return "final"
        if not self.is_closed:
            return "interrupted" if evidence.is_interrupted else "open"
        if self.trades:
            return "proven" if evidence.end_id == self.close_id else "unproven"
        return "unproven" if evidence.end_id is None else "proven"

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
            quote_volume=canonical_or_none(self.quote_volume) if self.is_quote_known else None,
            taker_volume=canonical_or_none(self.taker_volume),
            taker_quote_volume=(
                canonical_or_none(self.taker_quote_volume) if self.is_taker_quote_known else None
            ),
            first_id=self.open_id if self.trades and not self.is_mixed else NO_ID,
            last_id=self.close_id if self.trades else NO_ID,
            is_exact=self.is_exact,
        )

    def _on_proven(self, was_exact: bool) -> None:
        """A candle that is closed and exact needs its single trades no more."""
        self.is_changed |= self.is_exact is not was_exact
        if self.is_closed and self.is_exact:
            self.forget(self.close_id)

    def _add_kline(self, kline: Kline) -> None:
        evidence = self.evidence
        was_interrupted = evidence.is_interrupted
        if kline.last_id >= self.close_id:
            evidence.hear(kline)
        if not self.is_whole:
            if not self.is_cut(kline):
                self._rebase_on(kline)
        elif kline.last_id <= self.close_id:
            self._compare(kline)
        elif evidence.end_id == self.close_id:
            self.contradictions += 1
            self._rebase_on(kline)
        elif was_interrupted or self.close_id == evidence.ahead_id:
            self._rebase_on(kline)
        elif evidence.unconfirmed_kline is None:
            evidence.unconfirmed_kline = kline
        elif kline.event_ms > evidence.unconfirmed_kline.event_ms:
            self._rebase_on(kline)

    def _add_empty(self, kline: Kline) -> None:
        """Nothing traded yet: its price is that of the close before, and no open yet."""
        if self.trades and not self.is_mixed:
            return
        self.evidence.show_empty(kline)
        if self.rebase(kline):
            self.change(kline.sent_by_ms)

    def _use_unconfirmed(self, kline: Kline) -> None:
        """What the kline kept is good for, now that a trade has come."""
        if self.is_whole:
            if self.close_id >= kline.last_id:
                self._compare(kline)
        elif kline.last_id + 1 in self.recent_trades and not self.is_cut(kline):
            self._rebase_on(kline)

    def _compare(self, kline: Kline) -> None:
        """A kline that the trades have come up to: it must say the same, or it is right."""
        self.evidence.unconfirmed_kline = None
        at_end = kline.last_id == self.close_id
        is_same = self.evidence.first_id == kline.first_id and not at_end
        if (at_end and not self.differs(kline)) or (is_same and self.are_quotes_known):
            self.evidence.confirm(kline)
            self.forget(kline.last_id)
        elif not self.is_cut(kline):
            self.contradictions += self.contradicts(kline) if at_end else not is_same
            self._rebase_on(kline)

    def _rebase_on(self, kline: Kline) -> None:
        """The kline as the base, with the trades after it on top."""
        self.evidence.rebase(kline, is_ahead=kline.last_id > self.close_id)
        if self.rebase(kline):
            self.change(kline.sent_by_ms)

    def _finish(self, kline: Kline) -> None:
        """The closing kline: all of the interval, whatever the trades say."""
        evidence = self.evidence
        is_same = not self.differs(kline)
        if evidence.is_final and (is_same or evidence.is_outdated(kline)):
            return
        if not is_same:
            is_short = self.close_id < kline.last_id and evidence.end_id != self.close_id
            self.contradictions += self.is_exact and not is_short and self.contradicts(kline)
            self.recent_trades = {}
            self._rebase_on(kline)
        evidence.finish(kline)
        self.forget(kline.last_id)
        self.is_changed = True
