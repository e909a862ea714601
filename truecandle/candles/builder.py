"""Builds the candles of one series from the exchange's klines and trades, as they come.

Never here: a clock, a socket, a store. Events come in, changed candles go out (`drain`).
Invariant: every event lands in the candle of its own time, whatever the order.
"""

from __future__ import annotations

from decimal import Decimal

from truecandle.candles.candle import LiveCandle
from truecandle.candles.decimals import NO_ID
from truecandle.candles.forming import FormingCandle
from truecandle.candles.interval import LAST_MS, Interval
from truecandle.candles.sequence import KLINE_LAG_MS, CandleSequence
from truecandle.candles.trades import Kline, Trade

#: Candles kept for late news: closing klines come up to 2.4 s late, but what was missed in a break
#: is fetched trade by trade, candle after candle.
CANDLES_KEPT = 60


class CandleBuilder:
    """One series' forming candle, and those just before it for late news.

    `add_trade` and `add_kline` take events in any order; `drain` gives back what has changed since,
    oldest first. `has_rolled` says that a candle closed or opened since the last `drain`;
    `is_waiting` that one has changed whose beginning, or what is before it, nobody has shown yet.
    """

    def __init__(self, interval: Interval) -> None:
        self.interval = interval
        self._sequence = CandleSequence()
        self._kline_ms = 0
        #: Open time of the newest candle that was told, by this feed or an earlier one.
        self._told_ms: int | None = None
        #: False: nothing can have changed since the last `drain`.
        self._is_touched = False

    def add_trade(self, trade: Trade) -> None:
        """Counts a trade, once, in the candle of its trade time; too old ones are left out."""
        newest, epoch = self._sequence.newest, self._sequence.epoch
        if epoch.is_former(trade):
            return
        if epoch.is_over(trade):
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
        elif self.interval.has_grid:
            candle = self._at(trade.time_ms, trade.amounts.price, trade.time_ms)
            if candle is not None and self._sequence.is_open(candle):
                open_id, close_id = candle.open_id, candle.close_id
                candle.add_trade(trade)
                self._is_touched = True
                is_inner = candle is self._sequence.newest or candle.close_id == close_id
                if candle.open_id != open_id or not is_inner:
                    self._sequence.prove(self.interval, candle)

    def add_kline(self, kline: Kline) -> None:
        """Takes the exchange's view where it proves more than the trades do."""
        if not self.interval.has_grid:
            self.interval = self.interval.with_phase(kline.open_ms)
        if not self.interval.is_aligned(kline.open_ms):
            return
        if self._sequence.shows_epoch(kline):
            self.begin_epoch(kline.event_ms, kline.last_id, lag_ms=KLINE_LAG_MS)
        candle = self._sequence.find(kline.open_ms)
        if not self._sequence.is_former(kline):
            candle = self._at(kline.open_ms, Decimal(kline.open), kline.event_ms)
        if candle is not None and self._sequence.takes(candle, kline):
            was_exact = candle.is_exact
            candle.add_kline(kline)
            if kline.is_closed and candle.end(kline.event_ms):
                self._sequence.has_rolled = True
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
        if self._sequence.end(self.interval, last_id, until_ms):
            self._is_touched = True

    def resume_from(self, candle: LiveCandle) -> None:
        """Goes on from a candle that an earlier feed stored, oldest first. Only an exact one is
        worth anything; whether more has traded since is in doubt."""
        if not candle.is_exact or candle.taker_volume is None:
            return
        self.add_kline(
            Kline(
                symbol="",
                interval=self.interval.name,
                open_ms=candle.open_ms,
                open=candle.open,
                high=candle.high,
                low=candle.low,
                close=candle.close,
                volume=candle.volume,
                quote_volume=candle.quote_volume,
                taker_volume=candle.taker_volume,
                taker_quote_volume=candle.taker_quote_volume,
                trades=candle.trades,
                first_id=candle.first_id,
                last_id=candle.last_id,
                is_closed=candle.is_complete,
                event_ms=candle.updated_at,
            )
        )
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
        self._is_touched = any(candle.is_changed for candle in self._sequence.candles)
        return [candle.live() for candle in taken]

    @property
    def has_rolled(self) -> bool:
        return self._sequence.has_rolled

    @property
    def is_changed(self) -> bool:
        return self._is_touched and any(candle.is_changed for candle in self._sequence.candles)

    @property
    def is_waiting(self) -> bool:
        until_ms = self._hole_ms() if self._is_touched else LAST_MS
        return self._is_touched and any(
            candle.is_changed and (not candle.has_start or candle.open_ms >= until_ms)
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

    def _at(self, time_ms: int, price: Decimal, now_ms: int) -> FormingCandle | None:
        """The candle of that time; if it opens with this, it is flat at the price."""
        candle = self._sequence.find(time_ms)
        return candle or self._sequence.open(
            self.interval, self.interval.open_ms(time_ms), price, now_ms
        )

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

    def _prove(self, candle: FormingCandle, was_exact: bool) -> None:
        """Something has changed inside the candle: what follows for it and its neighbours."""
        self._is_touched = True
        self._sequence.prove(self.interval, candle)
        if candle.is_exact is not was_exact:
            candle.is_changed = True
