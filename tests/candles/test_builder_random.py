"""Random trades with random mishaps: no candle is called exact that is not, and calm mends all."""

from __future__ import annotations

import os
import random
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.faulty_streams import MINUTE_MS, Truth, Values, says, steps
from truecandle.candles.builder import CandleBuilder
from truecandle.candles.candle import LiveCandle
from truecandle.candles.interval import INTERVALS
from truecandle.candles.trades import Kline, Trade

#: `RANDOM_HISTORIES=10000 .venv/bin/pytest tests/candles/test_builder_random.py` takes minutes.
HISTORIES = int(os.environ.get("RANDOM_HISTORIES", "300"))


@given(st.integers(0, 2**63))
@settings(max_examples=HISTORIES, database=None)
def test_no_candle_is_called_exact_that_is_not_and_after_calm_all_are(seed: int) -> None:
    chance = random.Random(seed)
    truth = Truth(chance)
    desk = Desk(truth, chance)
    for step in steps(truth, chance):
        desk.do(step.at_ms, step.what)
    desk.calm()


class Desk:
    """A builder, what has been told of it, and what of that a store has kept."""

    def __init__(self, truth: Truth, chance: random.Random) -> None:
        self.truth, self.chance = truth, chance
        self.builder = CandleBuilder(INTERVALS["1m"])
        self.told: dict[int, LiveCandle] = {}
        self.stored: dict[int, LiveCandle] = {}
        self.is_interrupted = False
        #: Whether a trade of the newer epoch has come.
        self.epoch = 0
        self.newest: Trade | None = None

    def do(self, now_ms: int, what: Trade | Kline | str) -> None:
        if isinstance(what, Trade):
            self.hear(what)
        elif isinstance(what, Kline):
            self.is_interrupted = False
            self.builder.add_kline(what)
        elif what == "break":
            self.is_interrupted = True
            self.builder.on_stream_break()
        elif what == "confirm":
            self.confirm_newest(now_ms)
        elif what == "fetch":
            self.fetch(now_ms)
        else:
            self.restart()
        self.check()
        if self.chance.random() < 0.5:
            self.stored = dict(self.told)

    def confirm_newest(self, now_ms: int) -> None:
        """An answer, perhaps an old one, about what traded last; the streams may be back or not."""
        known_ms = now_ms - self.chance.choice([0, 100, 3_000])
        if not self.is_joined(known_ms):
            return
        last_id = self.truth.last_id(known_ms)
        self.builder.confirm_ended(last_id, known_ms - self.chance.choice([0, 1_000]))
        if self.chance.random() < 0.7:
            self.is_interrupted = False
            self.builder.confirm_newest(last_id)

    def is_joined(self, now_ms: int) -> bool:
        """Whether the exchange's answer of that time goes on from the trade that is known to be the
        newest: it shows by its content. If not, what it tells instead is of a newer epoch."""
        epoch = self.truth.epoch(now_ms)
        told = [one for one in self.truth.aggregates if one.time_ms <= now_ms]
        if self.newest is None:
            self.epoch = max(self.epoch, epoch)
        elif epoch > self.epoch and told and self.truth.heard(told[-1]) == epoch:
            at_ms, last_id = told[-1].time_ms, told[-1].last_id
            self.builder.begin_epoch(at_ms, last_id, former_ms=self.newest.time_ms)
            self.hear(told[-1])
            return False
        return epoch == self.epoch

    def hear(self, trade: Trade) -> None:
        """One that is known already lifts no doubt."""
        is_new = self.truth.heard(trade) > self.epoch or trade.last_id > self.builder.last_id
        self.is_interrupted = self.is_interrupted and not is_new
        self.epoch = max(self.epoch, self.truth.heard(trade))
        if self.newest is None or trade.time_ms > self.newest.time_ms:
            self.newest = trade
        self.builder.add_trade(trade)
        self.check()

    def check(self) -> None:
        """What is told is the truth where it is called so, and nothing is kept back."""
        for candle in self.builder.drain(partial=True):
            before = self.told.get(candle.open_ms)
            if before is not None and before.is_complete and before.is_exact:
                assert candle.is_exact
            self.told[candle.open_ms] = candle
            if candle.is_exact:
                self.check_exact(candle)
        for forming in self.builder._sequence.candles:
            told = self.told.get(forming.open_ms)
            assert told is None or told.is_exact is forming.is_exact
        if self.is_interrupted and self.told:
            newest = self.told[max(self.told)]
            assert newest.is_complete or not newest.is_exact

    def check_exact(self, candle: LiveCandle) -> None:
        upto = None if candle.is_complete else candle.last_id
        views = [self.truth.values(candle.open_ms, upto, one) for one in self.epochs_of(candle)]
        assert any(self.is_true(candle, view) for view in views), (candle, views)
        if self.truth.is_never_cut:
            assert candle.quote_volume and candle.taker_quote_volume

    def is_true(self, candle: LiveCandle, view: Values | None) -> bool:
        if view is None:
            return (candle.trades, candle.first_id, candle.volume) == (0, -1, "0")
        return says(candle, view) == view

    def epochs_of(self, candle: LiveCandle) -> list[int]:
        """Whose trades it may hold: once a newer one has come, or is in a closed one, only those;
        without any in it the exchange may say that nothing traded."""
        if self.truth.epoch(candle.open_ms + MINUTE_MS - 1) == 0:
            return [0]
        has_newer = self.truth.values(candle.open_ms, None, 1) is not None
        return [1] if has_newer and (candle.is_complete or self.epoch) else [0, 1]

    def check_proofs(self) -> None:
        """What lies between trades of neighbouring ids is exact."""
        number = self.builder._sequence.epoch.number
        candles = [one for one in self.builder._sequence.candles if one.epoch == number]
        traded = [one for one in candles if one.trades and not one.is_mixed]
        for before, candle, after in zip(traded, traded[1:], traded[2:], strict=False):
            if before.close_id + 1 == candle.open_id and candle.close_id + 1 == after.open_id:
                is_cut = not candle.ids.is_single(candle.open_id, candle.close_id)
                assert candle.is_exact or is_cut

    def fetch(self, now_ms: int) -> None:
        """All trades since one that is known, by id, page by page."""
        if self.is_joined(now_ms):
            after = self.builder.last_id - self.chance.choice([0, 2, 20])
            self.deliver([one for one in self.truth.aggregates if one.time_ms <= now_ms], after)

    def deliver(self, trades: list[Trade], after: int = -1) -> None:
        for one in trades:
            if one.last_id > after and self.truth.heard(one) == self.epoch:
                self.hear(one)

    def restart(self) -> None:
        """A new feed knows only what was stored."""
        self.builder = CandleBuilder(INTERVALS["1m"])
        self.told, self.is_interrupted, self.epoch, self.newest = {}, False, 0, None
        newest = max(self.stored, default=0)
        for open_ms in sorted(self.stored):
            candle = self.stored[open_ms]
            if open_ms < newest and not candle.is_complete:  # as the store moves it to pending
                candle = replace(candle, is_complete=True, is_exact=False)
            self.builder.resume_from(candle)
            self.check()

    def calm(self) -> None:
        """Everything is fetched; klines are read again of what still can't be proven."""
        self.is_joined(self.truth.end_ms)
        self.deliver(self.truth.aggregates)
        assert self.builder.contradictions == 0 or self.truth.reset_ms is not None
        self.check_proofs()
        now_ms = self.truth.end_ms + 10_000
        for forming in list(self.builder._sequence.candles):
            if not forming.is_exact:
                last_id = self.truth.last_id(now_ms)
                if self.truth.epoch(now_ms) != self.truth.epoch(forming.next_ms - 1):
                    continue
                closed = self.truth.kline(forming.open_ms, last_id, now_ms, is_closed=True)
                self.builder.add_kline(closed)
        self.check()
        epoch = self.truth.epoch(now_ms)
        known = [o for o in self.told if self.truth.epoch(o + MINUTE_MS - 1) == epoch]
        assert all(self.told[open_ms].is_exact for open_ms in known)
        if known:
            # What happened before the newer ids were noticed is left to official candles.
            begun_ms = self.builder._sequence.epoch.begun_ms
            first_ms = max(min(known), begun_ms - begun_ms % MINUTE_MS)
            opens = range(first_ms, max(known) + 1, MINUTE_MS)
            traded = [o for o in opens if self.truth.values(o, None, epoch)]
            assert set(traded) <= set(self.told)
