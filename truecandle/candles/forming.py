"""One candle under construction: what trades and klines prove about it.

Never here: its sums (`accumulator`), which candle an event belongs to (`builder`), a clock.
Invariant: what is called exact lacks no trade; a newer kline is never undone by an older one.
"""

from __future__ import annotations

from dataclasses import dataclass

from truecandle.candles.accumulator import OhlcvAccumulator
from truecandle.candles.candle import LiveCandle
from truecandle.candles.decimals import NO_ID, canonical, canonical_or_none
from truecandle.candles.trades import Kline, Trade


@dataclass(slots=True, eq=False)
class FormingCandle(OhlcvAccumulator):
    """A candle, and how far its beginning and its end are proven."""

    #: Which epoch its ids are of.
    epoch: int = 0
    #: Its beginning was known when ids began anew.
    had_start: bool = False
    #: The proven first trade of its interval: a kline has shown it, or it follows on from a trade
    #: of an earlier interval.
    first_id: int | None = None
    #: The proven last one; of a candle without trades, the last one before it.
    end_id: int | None = None
    #: The last trade of the newest kline that counted, None before the first one.
    kline_id: int | None = None
    #: The same, while the trades have not come as far as that kline.
    ahead_id: int | None = None
    #: A kline further than the trades. While they are whole it is only kept: an aggregate may
    #: still come that lies in it by a part, and nobody could tell what to add.
    unconfirmed_kline: Kline | None = None
    #: The exchange has said, or ids have shown, that nothing traded.
    is_empty: bool = False
    #: The exchange has closed it: nothing changes it any more but another closing kline.
    is_final: bool = False
    #: Since a break nobody knows whether the newest trades are in. Klines sent until `doubt_ms`
    #: can't tell.
    is_doubted: bool = False
    doubt_ms: int = 0
    #: How often a kline showed that what was called exact was not.
    contradictions: int = 0

    def add_next(self, trade: Trade) -> None:
        """A trade that comes right after the newest one of a candle that still takes trades."""
        self.count_next(trade)
        if self.is_doubted:
            self.is_doubted = False
        if self.unconfirmed_kline is not None:
            self._ask(self.unconfirmed_kline)

    def add_trade(self, trade: Trade) -> None:
        """Any other one."""
        if self.is_final:
            return
        if trade.last_id > self.close_id:
            self.is_doubted = False
        self.count(trade)
        if self.ahead_id is not None and trade.last_id >= self.ahead_id:
            self.ahead_id = None
        if self.unconfirmed_kline is not None:
            self._ask(self.unconfirmed_kline)

    def add_kline(self, kline: Kline) -> None:
        """Takes the exchange's own view as far as it proves more than the trades do."""
        if kline.is_closed:
            self._finish(kline)
        elif self.is_final or self._is_older(kline):
            return
        elif kline.trades == 0:
            self._add_empty(kline)
        else:
            self._add_kline(kline)

    def begin_epoch(self, number: int) -> None:
        """Ids have begun anew: it moves on with the new trades, and only a kline of theirs can show
        what it holds. In the store it is newer than all that was said before."""
        self.epoch, self.had_start = number, self.has_start
        self.restart_ids()
        self.first_id = self.end_id = self.kline_id = self.ahead_id = self.unconfirmed_kline = None
        self.is_empty = False
        self.change(self.updated_at + 1)

    def end(self, at_ms: int) -> bool:
        """Marks the interval as ended; False if it was before."""
        if self.is_closed:
            return False
        self.is_closed = True
        self.change(at_ms)
        return True

    def doubt(self, at_ms: int) -> None:
        """A break: trades may be missing after the newest one, and klines sent until `at_ms`."""
        self.is_doubted, self.doubt_ms = True, max(self.doubt_ms, at_ms)

    def prove_start(self) -> None:
        """The trade before its first one is known to be of an earlier interval."""
        if self.first_id != self.open_id:
            was_exact, self.first_id = self.is_exact, self.open_id
            self._settle(was_exact)

    def prove_end(self, end_id: int) -> None:
        """The trade after `end_id` is known to be of a later interval."""
        if self.end_id != end_id:
            was_exact, self.end_id = self.is_exact, end_id
            self.is_empty = self.trades == 0
            self._settle(was_exact)

    def fill(self, next_id: int) -> None:
        """Takes the kline kept if it reaches as far as `next_id`, which is known to be later."""
        kline = self.unconfirmed_kline
        if kline is not None and self.close_id < kline.last_id == next_id - 1:
            self._take(kline)

    @property
    def has_start(self) -> bool:
        """Whether its beginning is known: from a kline, or by the id of its first trade."""
        if self.kline_id is not None or self.is_empty or self.had_start:
            return True
        return self.first_id is not None and self.first_id == self.open_id

    @property
    def is_whole(self) -> bool:
        """Whether it holds every trade from the first of its interval to its last, unbroken."""
        if self.first_id is None or self.trades == 0 or self.is_mixed:
            return False
        return self.ids.is_single(self.first_id, self.close_id)

    @property
    def is_exact(self) -> bool:
        """While it forms: whole and not in doubt; once closed: whole, and its end is proven."""
        if self.is_final:
            return True
        if not self.is_closed:
            return not self.is_doubted and (self.is_whole if self.trades else self.is_empty)
        if self.trades == 0:
            return self.end_id is not None
        return self.end_id == self.close_id and self.is_whole

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

    def _settle(self, was_exact: bool) -> None:
        """A candle that is closed and exact needs its single trades no more."""
        self.is_changed |= self.is_exact is not was_exact
        if self.is_closed and self.is_exact:
            self.forget(self.close_id)

    def _is_older(self, kline: Kline) -> bool:
        return self.kline_id is not None and kline.last_id < self.kline_id

    def _add_kline(self, kline: Kline) -> None:
        was_doubted = self.is_doubted
        if kline.event_ms > self.doubt_ms and kline.last_id >= self.close_id:
            self.is_doubted = False
        if not self.is_whole:
            if not self.is_cut(kline):
                self._take(kline)
        elif kline.last_id <= self.close_id:
            self._check(kline)
        elif self.end_id == self.close_id:
            self.contradictions += 1
            self._take(kline)
        elif was_doubted or self.close_id == self.ahead_id:
            self._take(kline)
        elif self.unconfirmed_kline is None:
            self.unconfirmed_kline = kline
        elif kline.event_ms > self.unconfirmed_kline.event_ms:
            self._take(kline)

    def _add_empty(self, kline: Kline) -> None:
        """Nothing traded yet: its price is that of the close before, and no open yet."""
        if self.trades and not self.is_mixed:
            return
        self.is_empty, self.kline_id = True, NO_ID
        if kline.event_ms > self.doubt_ms:
            self.is_doubted = False
        if self.rebase(kline):
            self.change(kline.sent_by_ms)

    def _ask(self, kline: Kline) -> None:
        """What the kline kept is good for, now that a trade has come."""
        if self.is_whole:
            if self.close_id >= kline.last_id:
                self._check(kline)
        elif kline.last_id + 1 in self.recent_trades and not self.is_cut(kline):
            self._take(kline)

    def _check(self, kline: Kline) -> None:
        """A kline that the trades have come up to: it must say the same, or it is right."""
        self.unconfirmed_kline = None
        at_end = kline.last_id == self.close_id
        is_same = self.first_id == kline.first_id and not at_end
        if (at_end and not self.differs(kline)) or (is_same and self.are_quotes_known):
            self.kline_id = kline.last_id
            self.forget(kline.last_id)
        elif not self.is_cut(kline):
            self.contradictions += self.contradicts(kline) if at_end else not is_same
            self._take(kline)

    def _take(self, kline: Kline) -> None:
        """The kline as the base, with the trades after it on top."""
        is_ahead = kline.last_id > self.close_id
        self.unconfirmed_kline, self.is_empty = None, False
        self.kline_id = kline.last_id
        self.first_id = kline.first_id if kline.trades else None
        self.ahead_id = kline.last_id if is_ahead else None
        if self.rebase(kline):
            self.change(kline.sent_by_ms)

    def _finish(self, kline: Kline) -> None:
        """The closing kline: all of the interval, whatever the trades say."""
        is_same = not self.differs(kline)
        if self.is_final and (is_same or self._is_older(kline)):
            return
        if not is_same:
            is_short = self.close_id < kline.last_id and self.end_id != self.close_id
            self.contradictions += self.is_exact and not is_short and self.contradicts(kline)
            self.recent_trades = {}
            self._take(kline)
        self.first_id = kline.first_id if kline.trades else None
        self.end_id = kline.last_id
        self.is_final, self.is_empty = True, kline.trades == 0
        self.kline_id, self.unconfirmed_kline, self.is_doubted = kline.last_id, None, False
        self.forget(kline.last_id)
        self.is_changed = True
