"""A sequence: the candles of one series side by side, and what their ids prove of each other.

Never here: what is inside a candle (`forming`, `accumulator`), a clock.
Invariant: open times ascend; all but the newest have ended.
"""

from __future__ import annotations

from bisect import bisect_left
from decimal import Decimal
from operator import attrgetter

from truecandle.candles.decimals import NO_ID
from truecandle.candles.epoch import Epoch
from truecandle.candles.forming import FormingCandle
from truecandle.candles.interval import Interval
from truecandle.candles.trades import Kline

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


class CandleSequence:
    """Candles, oldest first. `has_rolled`: one has opened since somebody set it back."""

    def __init__(self) -> None:
        self.candles: list[FormingCandle] = []
        self.newest: FormingCandle | None = None
        self.epoch = Epoch()
        self.has_rolled = False
        self._contradictions = 0

    def find(self, time_ms: int) -> FormingCandle | None:
        for candle in reversed(self.candles):
            if candle.open_ms <= time_ms:
                return candle if time_ms < candle.next_ms else None
        return None

    def is_former(self, kline: Kline) -> bool:
        """Whether it may have been sent before ids began anew."""
        return kline.event_ms < self.epoch.begun_ms

    def is_open(self, candle: FormingCandle) -> bool:
        """Whether it takes an event of this epoch; it is of this one then."""
        if candle.epoch == self.epoch.number:
            return True
        if candle.is_closed and candle.is_exact:
            return False
        candle.begin_epoch(self.epoch.number)
        return True

    def takes(self, candle: FormingCandle, kline: Kline) -> bool:
        """Whether the candle takes a kline, which is of the same epoch, and shows how far ids have
        come."""
        if self.is_former(kline):
            return candle.epoch != self.epoch.number
        if not self.is_open(candle):
            return False
        if kline.trades:
            self.epoch.reach(kline.last_id, min(kline.sent_by_ms, candle.next_ms - 1))
        return True

    def shows_epoch(self, kline: Kline) -> bool:
        """Whether the kline shows that ids have begun anew: its first trade is later than one with
        its id; or it was sent long after a trade of its interval that is not in it."""
        epoch, candle = self.epoch, self.find(kline.open_ms)
        if self.is_former(kline):
            return False
        if kline.trades and kline.first_id <= epoch.last_id and kline.open_ms > epoch.last_ms:
            return True
        if candle is None or candle.epoch != epoch.number or candle.evidence.is_final:
            return False
        is_newest = candle.trades > 0 and candle.close_id == epoch.last_id
        is_same = kline.trades > 0 and kline.first_id == candle.evidence.first_id
        is_late = kline.event_ms - KLINE_LAG_MS > epoch.last_ms
        return is_newest and kline.last_id < epoch.last_id and is_late and not is_same

    def open(
        self, interval: Interval, open_ms: int, price: Decimal, time_ms: int
    ) -> FormingCandle | None:
        """A new candle in its place among those kept; None if it is older than all of them."""
        candles = self.candles
        if candles and open_ms < candles[0].open_ms:
            return None
        next_ms = interval.next_open_ms(open_ms)
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
        return candle

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

    @property
    def contradictions(self) -> int:
        return self._contradictions + sum(one.contradictions for one in self.candles)

    def prove(self, interval: Interval, candle: FormingCandle) -> None:
        """Joins the candle with those that traded before and after it, where ids follow on.

        Ids of an epoch grow with time, without a break: between two trades of neighbouring ids lies
        nothing.
        """
        at = bisect_left(self.candles, candle.open_ms, key=_open_time)
        before = next((one for one in self.candles[:at][::-1] if one.close_id > NO_ID), None)
        after = next((one for one in self.candles[at + 1 :] if one.close_id > NO_ID), None)
        if candle.close_id == NO_ID:
            self._join(interval, before, after)
            return
        self._join(interval, before, candle)
        self._join(interval, candle, after)

    def end(self, interval: Interval, last_id: int, until_ms: int) -> bool:
        """Nothing traded between the newest trade and `until_ms`: what was over by then has ended
        as it is. False if `last_id` is not the newest trade."""
        last = next((one for one in reversed(self.candles) if one.trades), None)
        if last is None or last_id == NO_ID or last_id != last.close_id:
            return False
        if last.epoch != self.epoch.number:
            return False
        self.epoch.silent(last_id, until_ms - 1)
        self._open_between(interval, last, interval.open_ms(until_ms), until_ms)
        for candle in self.candles[self.candles.index(last) :]:
            if candle.next_ms <= until_ms:
                candle.end(candle.updated_at)
                candle.prove_end(last_id)
        return True

    def _join(
        self, interval: Interval, one: FormingCandle | None, other: FormingCandle | None
    ) -> None:
        if one is None or other is None or one.epoch != other.epoch:
            return
        one.fill(other.open_id)
        if one.close_id + 1 != other.open_id:
            return
        other.prove_start()
        self._open_between(interval, one, other.open_ms, other.updated_at)
        first = bisect_left(self.candles, one.open_ms, key=_open_time)
        for candle in self.candles[first : self.candles.index(other)]:
            candle.prove_end(one.close_id)

    def _open_between(
        self, interval: Interval, one: FormingCandle, end_ms: int, time_ms: int
    ) -> None:
        """The candles after it that nobody has opened, flat at its close, before `end_ms`."""
        if not 0 < interval.count(one.next_ms, end_ms) <= EMPTY_CANDLES_MAX:
            return
        for open_ms in interval.opens(one.next_ms, end_ms):
            if self.find(open_ms) is None:
                self.open(interval, open_ms, one.close, time_ms)
