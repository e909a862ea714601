"""One candle under construction: takes trades and klines, and says what they prove.

Never here: its sums (`accumulator`), what evidence makes exact (`proof`), which candle an event
belongs to (`builder`), a clock.
Invariant: what is called exact lacks no trade; a newer kline is never undone by an older one.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from truecandle.candles.accumulator import OhlcvAccumulator
from truecandle.candles.candle import LiveCandle
from truecandle.candles.decimals import NO_ID, canonical, canonical_or_none
from truecandle.candles.proof import Content, End, Evidence, Proof
from truecandle.candles.trades import Kline, Trade


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
