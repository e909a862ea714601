"""Builds the candles of one series from the exchange's klines and trades, as they come.

`CandleBuilder` takes an event, finds the candle that it belongs to in its `CandleSequence`, and
hands it over (`forming`). What that has shown is told to the candles beside it, if it says anything
about them, and the candles that have changed are given out by `drain`.

Never here: what is inside a candle (`forming`), when one is exact (`proof`), a clock, a socket, a
store.
Invariant: every event lands in the candle of its own time, whatever the order; open times ascend,
and all candles but the newest have ended.
"""

from __future__ import annotations

from bisect import bisect_left
from decimal import Decimal
from operator import attrgetter

from truecandle.candles.candle import LiveCandle
from truecandle.candles.decimals import NO_ID
from truecandle.candles.epoch import Epoch
from truecandle.candles.forming import FormingCandle
from truecandle.candles.interval import LAST_MS, Interval
from truecandle.candles.trades import Kline, Trade, kline_of_candle

#: Candles kept for late news: closing klines come up to 2.4 s late, but what was missed in a break
#: is fetched trade by trade, candle after candle.
CANDLES_KEPT = 60

#: Candles kept while nobody takes what changed.
CANDLES_MAX = 300

#: Empty candles made between two trades whose ids prove that nothing traded; a longer silence
#: stays a hole until the official candles arrive.
EMPTY_CANDLES_MAX = 120

#: The newest candles keep their single trades, to put them on top of a kline that comes late.
WITH_TRADES = 5

#: A kline holds all trades up to this much before it was sent: recorded ones lack 4 ms at most.
KLINE_LAG_MS = 1_000

_open_time = attrgetter("open_ms")


class CandleBuilder:
    """One series' forming candle, and those just before it for late news.

    `add_trade` and `add_kline` take events in any order; `drain` gives back what has changed since,
    oldest first. `has_rolled` says that a candle closed or opened since the last `drain`;
    `is_waiting` that one has changed whose beginning, or what is before it, nobody has shown yet.
    """

    def __init__(self, interval: Interval) -> None:
        self._sequence = CandleSequence(interval)
        self._kline_ms = 0
        #: Open time of the newest candle that was told, by this feed or an earlier one.
        self._told_ms: int | None = None
        #: False: nothing can have changed since the last `drain`.
        self._is_touched = False

    @property
    def interval(self) -> Interval:
        """With the grid that the first kline has shown, where its name alone does not tell it."""
        return self._sequence.interval

    def add_trade(self, trade: Trade) -> None:
        """Counts a trade, once, in the candle of its trade time; too old ones are left out."""
        sequence = self._sequence
        newest, epoch = sequence.newest, sequence.epoch
        which = epoch.take(trade)
        if which == "former":
            return
        if which == "next":
            self.begin_epoch(trade.time_ms, trade.last_id)
            epoch.reach(trade.last_id, trade.time_ms)
        if (
            newest is not None
            and trade.first_id == newest.close_id + 1
            and newest.open_ms <= trade.time_ms < newest.next_ms
            and newest.trades
            and not newest.evidence.is_final
            and newest.epoch == epoch.number
        ):
            self._is_touched = True
            newest.add_next(trade)
        elif sequence.interval.has_grid:
            self._add_other_trade(trade)

    def add_kline(self, kline: Kline) -> None:
        """Takes the exchange's view where it proves more than the trades do."""
        sequence = self._sequence
        if not sequence.interval.has_grid:
            sequence.interval = sequence.interval.with_phase(kline.open_ms)
        if not sequence.interval.is_aligned(kline.open_ms):
            return
        if self._shows_epoch(kline):
            self.begin_epoch(kline.event_ms, kline.last_id, lag_ms=KLINE_LAG_MS)
        candle = sequence.find(kline.open_ms)
        if not self._is_former(kline):
            candle = self._at(kline.open_ms, Decimal(kline.open), kline.event_ms)
        if candle is not None and self._takes(candle, kline):
            was_exact = candle.is_exact
            candle.add_kline(kline)
            if kline.is_closed and candle.end(kline.event_ms):
                sequence.has_rolled = True
            self._prove(candle, was_exact)
        self._kline_ms = max(self._kline_ms, kline.event_ms)

    def begin_epoch(self, at_ms: int, last_id: int, former_ms: int = -1, lag_ms: int = 0) -> None:
        """Trade ids have begun anew, as something of `at_ms` shows that ends with this id. What was
        counted stays, but no id proves it any more.

        `former_ms`: how far the ids before had come; nothing happens if a later beginning is known.
        """
        epoch, newest = self._sequence.epoch, self._sequence.newest
        if epoch.begun_ms > former_ms >= 0:
            return
        epoch.begin(at_ms, last_id, lag_ms)
        if newest is not None and not (newest.is_closed and newest.is_exact):
            was_exact = newest.is_exact
            newest.begin_epoch(epoch.number)
            self._prove(newest, was_exact)

    def on_stream_break(self) -> None:
        """The streams broke: what comes after the newest trade may be lost, until ids, a kline sent
        later, or `confirm_newest` show that it is not."""
        newest = self._sequence.newest
        if newest is not None:
            was_exact = newest.is_exact
            newest.evidence.interrupt(max(self._kline_ms, newest.updated_at))
            self._prove(newest, was_exact)

    def confirm_newest(self, last_id: int) -> None:
        """The streams are back, and the exchange has said that nothing traded after the trade
        `last_id`: that ends what a break has put in doubt."""
        newest = self._sequence.newest
        if newest is not None and last_id == self.last_id > NO_ID:
            was_exact = newest.is_exact
            newest.evidence.is_interrupted = False
            self._prove(newest, was_exact)

    def confirm_ended(self, last_id: int, until_ms: int) -> None:
        """The exchange has said that nothing traded after the trade `last_id` up to `until_ms`:
        that proves the end of what was over by then."""
        if self._sequence.end(last_id, until_ms):
            self._is_touched = True

    def resume_from(self, candle: LiveCandle) -> None:
        """Goes on from a candle that an earlier feed stored, oldest first. Only an exact one is
        worth anything; whether more has traded since is in doubt."""
        if not candle.is_exact or candle.taker_volume is None:
            return
        kline = kline_of_candle(
            candle,
            symbol="",
            interval=self.interval.name,
            first_id=candle.first_id,
            last_id=candle.last_id,
            is_closed=candle.is_complete,
            event_ms=candle.updated_at,
        )
        self.add_kline(kline)
        self._told_ms = max(candle.open_ms, self._told_ms or 0)
        self.on_stream_break()

    def drain(self, *, partial: bool = False) -> list[LiveCandle]:
        """The candles that changed since the last call, oldest first; all but the last closed.

        A candle that was joined midway waits for its first kline, and with it all that come after:
        they would leave a hole behind them. So does what comes after candles that a break has lost.
        With `partial` none waits; but a closed candle is never given without its beginning, for
        its official version is near.
        """
        until_ms = LAST_MS if partial else self._hole_ms()
        taken = [
            candle
            for candle in self._sequence.candles
            if candle.is_changed
            and candle.open_ms < until_ms
            and (candle.has_start or (partial and not candle.is_closed))
        ]
        for candle in taken:
            candle.is_changed = False
            self._told_ms = max(candle.open_ms, self._told_ms or 0)
        self._sequence.keep(CANDLES_KEPT)
        self._sequence.has_rolled = False
        self._is_touched = any(map(self._is_due, self._sequence.candles))
        return [candle.live() for candle in taken]

    @property
    def has_rolled(self) -> bool:
        return self._sequence.has_rolled

    @property
    def is_changed(self) -> bool:
        return self._is_touched and any(map(self._is_due, self._sequence.candles))

    @property
    def is_waiting(self) -> bool:
        until_ms = self._hole_ms() if self._is_touched else LAST_MS
        return self._is_touched and any(
            self._is_due(candle) and (not candle.has_start or candle.open_ms >= until_ms)
            for candle in self._sequence.candles
        )

    @property
    def is_exact(self) -> bool:
        """Whether the newest candle holds every trade from the first of its interval, unbroken."""
        return self._sequence.newest is not None and self._sequence.newest.is_exact

    def covers(self, now_ms: int) -> bool:
        """Whether the candle of the interval that `now_ms` lies in is there, and exact."""
        newest = self._sequence.newest
        return newest is not None and now_ms < newest.next_ms and newest.is_exact

    def is_unproven(self, at_ms: int) -> bool:
        """Whether some candle from the last one that traded on was over at `at_ms`, and nothing has
        shown its end."""
        return self._sequence.is_unproven(at_ms)

    @property
    def last_id(self) -> int:
        """The newest trade known of this epoch, -1 without any."""
        return self._sequence.last_id

    @property
    def contradictions(self) -> int:
        """How often a kline showed that a candle called exact was not."""
        return self._sequence.contradictions

    def _add_other_trade(self, trade: Trade) -> None:
        """One that does not come right after the newest one of a candle that still takes trades."""
        candle = self._at(trade.time_ms, trade.amounts.price, trade.time_ms)
        if candle is None or not self._is_open(candle):
            return
        open_id, close_id = candle.open_id, candle.close_id
        candle.add_trade(trade)
        self._is_touched = True
        is_inner = candle is self._sequence.newest or candle.close_id == close_id
        if candle.open_id != open_id or not is_inner:
            self._sequence.prove(candle)

    def _at(self, time_ms: int, price: Decimal, now_ms: int) -> FormingCandle | None:
        """The candle of that time; if it opens with this, it is flat at the price."""
        sequence = self._sequence
        return sequence.find(time_ms) or sequence.open(
            sequence.interval.open_ms(time_ms), price, now_ms
        )

    def _is_former(self, kline: Kline) -> bool:
        """Whether it may have been sent before ids began anew."""
        return kline.event_ms < self._sequence.epoch.begun_ms

    def _is_open(self, candle: FormingCandle) -> bool:
        """Whether it takes an event of this epoch; it is of this one then."""
        if candle.epoch == self._sequence.epoch.number:
            return True
        if candle.is_closed and candle.is_exact:
            return False
        candle.begin_epoch(self._sequence.epoch.number)
        return True

    def _takes(self, candle: FormingCandle, kline: Kline) -> bool:
        """Whether the candle takes a kline, which is of the same epoch, and shows how far ids have
        come."""
        if self._is_former(kline):
            return candle.epoch != self._sequence.epoch.number
        if not self._is_open(candle):
            return False
        if kline.trades:
            self._sequence.epoch.reach(kline.last_id, min(kline.sent_by_ms, candle.next_ms - 1))
        return True

    def _shows_epoch(self, kline: Kline) -> bool:
        """Whether the kline shows that ids have begun anew: its first trade is later than one with
        its id; or it was sent long after a trade of its interval that is not in it."""
        epoch, candle = self._sequence.epoch, self._sequence.find(kline.open_ms)
        if self._is_former(kline):
            return False
        if kline.trades and kline.first_id <= epoch.last_id and kline.open_ms > epoch.last_ms:
            return True
        if candle is None or candle.epoch != epoch.number or candle.evidence.is_final:
            return False
        is_newest = candle.trades > 0 and candle.close_id == epoch.last_id
        is_same = kline.trades > 0 and kline.first_id == candle.evidence.first_id
        is_late = kline.event_ms - KLINE_LAG_MS > epoch.last_ms
        return is_newest and kline.last_id < epoch.last_id and is_late and not is_same

    def _hole_ms(self) -> int:
        """Where candles are missing, or not to be told yet, after the newest one that was told."""
        newest = self._sequence.newest
        if newest is None or self._told_ms is None or newest.open_ms <= self._told_ms:
            return LAST_MS
        next_ms = self.interval.next_open_ms(self._told_ms)
        for candle in self._sequence.candles:
            if candle.open_ms > self._told_ms:
                if candle.open_ms != next_ms or not candle.has_start:
                    return next_ms
                next_ms = candle.next_ms
        return LAST_MS

    def _is_due(self, candle: FormingCandle) -> bool:
        """Whether it has changed and is to be told. A closed one without its beginning keeps nobody
        waiting once a later one was told; if its beginning is found after all, it is due again."""
        is_passed = candle.is_closed and candle.open_ms < (self._told_ms or 0)
        return candle.is_changed and (candle.has_start or not is_passed)

    def _prove(self, candle: FormingCandle, was_exact: bool) -> None:
        """Something has changed inside the candle: what follows for it and its neighbours."""
        self._is_touched = True
        self._sequence.prove(candle)
        if candle.is_exact is not was_exact:
            candle.is_changed = True


class CandleSequence:
    """The candles of one series side by side, oldest first, and what ids prove of neighbours.

    `has_rolled`: one has opened since somebody set it back.
    """

    def __init__(self, interval: Interval) -> None:
        self.interval = interval
        self.candles: list[FormingCandle] = []
        self.newest: FormingCandle | None = None
        self.epoch = Epoch()
        self.has_rolled = False
        self._contradictions = 0
        #: Candles that open before this have been let go of.
        self._first_ms = 0

    def find(self, time_ms: int) -> FormingCandle | None:
        for candle in reversed(self.candles):
            if candle.open_ms <= time_ms:
                return candle if time_ms < candle.next_ms else None
        return None

    def open(self, open_ms: int, price: Decimal, time_ms: int) -> FormingCandle | None:
        """A new candle in its place among those kept; None if one as old has been let go of."""
        candles = self.candles
        if open_ms < self._first_ms:
            return None
        next_ms = self.interval.next_open_ms(open_ms)
        candle = FormingCandle(open_ms, next_ms, price, price, price, price, time_ms)
        candle.epoch = self.epoch.number
        candles.insert(bisect_left(candles, open_ms, key=_open_time), candle)
        self.newest = candles[-1]
        for known in candles[:-1]:
            known.end(known.updated_at)
        if len(candles) > WITH_TRADES:
            old = candles[-WITH_TRADES - 1]
            old.forget(old.close_id)
        self.has_rolled = True
        self.keep(CANDLES_MAX)
        return candle if open_ms >= self._first_ms else None

    @property
    def last_id(self) -> int:
        """The newest trade counted of this epoch."""
        number = self.epoch.number
        return max((one.close_id for one in self.candles if one.epoch == number), default=NO_ID)

    def is_unproven(self, at_ms: int) -> bool:
        """Whether a candle from the last that traded on was over then, and may be proven yet."""
        for candle in reversed(self.candles):
            is_decided = candle.is_mixed or (candle.is_closed and candle.is_exact)
            if candle.next_ms <= at_ms and not is_decided:
                return True
            if candle.trades:
                break
        return False

    def keep(self, count: int) -> None:
        """Lets go of all but the newest ones."""
        if len(self.candles) > count:
            self._contradictions += sum(one.contradictions for one in self.candles[:-count])
            del self.candles[:-count]
            self._first_ms = self.candles[0].open_ms

    @property
    def contradictions(self) -> int:
        return self._contradictions + sum(one.contradictions for one in self.candles)

    def prove(self, candle: FormingCandle) -> None:
        """Joins the candle with those that traded before and after it, where ids follow on.

        Ids of an epoch grow with time, without a break: between two trades of neighbouring ids lies
        nothing.
        """
        at = bisect_left(self.candles, candle.open_ms, key=_open_time)
        before = next((one for one in self.candles[:at][::-1] if one.close_id > NO_ID), None)
        after = next((one for one in self.candles[at + 1 :] if one.close_id > NO_ID), None)
        if candle.close_id == NO_ID:
            self._join(before, after)
            return
        self._join(before, candle)
        self._join(candle, after)

    def end(self, last_id: int, until_ms: int) -> bool:
        """Nothing traded between the newest trade and `until_ms`: what was over by then has ended
        as it is. False if `last_id` is not the newest trade."""
        last = next((one for one in reversed(self.candles) if one.trades), None)
        if last is None or last_id == NO_ID or last_id != last.close_id:
            return False
        if last.epoch != self.epoch.number:
            return False
        self.epoch.silent(last_id, until_ms - 1)
        self._open_between(last, self.interval.open_ms(until_ms), until_ms)
        for candle in self.candles[self.candles.index(last) :]:
            if candle.next_ms <= until_ms:
                candle.end(candle.updated_at)
                candle.prove_end(last_id)
        return True

    def _join(self, one: FormingCandle | None, other: FormingCandle | None) -> None:
        if one is None or other is None or one.epoch != other.epoch:
            return
        one.fill(other.open_id)
        if one.close_id + 1 != other.open_id:
            return
        other.prove_start()
        self._open_between(one, other.open_ms, other.updated_at)
        first = bisect_left(self.candles, one.open_ms, key=_open_time)
        for candle in self.candles[first : self.candles.index(other)]:
            candle.prove_end(one.close_id)

    def _open_between(self, one: FormingCandle, end_ms: int, time_ms: int) -> None:
        """The candles after it that nobody has opened, flat at its close, before `end_ms`."""
        if not 0 < self.interval.count(one.next_ms, end_ms) <= EMPTY_CANDLES_MAX:
            return
        for open_ms in self.interval.opens(one.next_ms, end_ms):
            if self.find(open_ms) is None:
                self.open(open_ms, one.close, time_ms)
