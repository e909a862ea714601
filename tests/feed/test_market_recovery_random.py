"""One market's recovery while this machine's clock is set again and again: it proves nothing."""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.faulty_streams import MINUTE_MS, START_MS, Truth, Values, says, steps
from truecandle.candles.candle import LiveCandle
from truecandle.candles.series import parse_series
from truecandle.candles.trades import Kline, Trade
from truecandle.feed.market_recovery import MarketRecovery, RecoveryCounts, RecoveryRequest
from truecandle.feed.symbol_builder import SymbolBuilder

#: How many histories: with `RANDOM_HISTORIES=10000` in the environment this file takes minutes.
HISTORIES = int(os.environ.get("RANDOM_HISTORIES", "300"))
STEPS_MS = (0, 0, 1_000, -1_000, 55_000, -55_000, 3_600_000, -3_600_000)
#: The exchange's answers may be so much behind its streams.
LAG_MS_MAX = 1_000
LOOK_MS = 500


@given(st.integers(0, 2**63))
@settings(max_examples=HISTORIES, database=None)
def test_however_our_clock_is_set_no_candle_is_closed_early_or_called_exact_falsely(
    seed: int,
) -> None:
    History(random.Random(seed)).live()


class History:
    """The streams of a random market, its recovery, and an exchange that answers."""

    def __init__(self, chance: random.Random) -> None:
        self.truth, self.chance = Truth(chance), chance
        self.trades = [replace(one, symbol="BTCUSDT") for one in self.truth.aggregates]
        self.market = SymbolBuilder("BTCUSDT", [parse_series("BTCUSDT", "1m")])
        self.recovery = MarketRecovery("BTCUSDT", self.market, RecoveryCounts(), 0.0)
        self.recovery.on_stream_change(True, 0.0)
        self.clock_off_ms = 0
        self.now_ms = START_MS

    def live(self) -> None:
        coming = steps(self.truth, self.chance)
        for at_ms in range(START_MS, self.truth.end_ms + 5 * MINUTE_MS, LOOK_MS):
            while coming and coming[0].at_ms < at_ms:
                step = coming.pop(0)
                self.now_ms = max(self.now_ms, step.at_ms)
                self.hear(step.what)
                self.check()
            self.now_ms = max(self.now_ms, at_ms)
            if self.chance.random() < 0.05:
                self.clock_off_ms += self.chance.choice(STEPS_MS)
            self.recover()
            self.check()

    @property
    def now_s(self) -> float:
        return (self.now_ms - START_MS) / 1000

    def hear(self, what: Trade | Kline | str) -> None:
        if what == "break":
            self.recovery.on_stream_change(False, self.now_s)
        elif what in ("fetch", "confirm"):
            self.recovery.on_stream_change(True, self.now_s)
        elif isinstance(what, Trade):
            trade = replace(what, symbol="BTCUSDT")
            self.market.add(trade)
            self.recovery.on_trade(trade, self.now_s)
        elif isinstance(what, Kline):
            self.market.add(replace(what, symbol="BTCUSDT"))

    def recover(self) -> None:
        self.recovery.check(self.now_s, self.now_ms + self.clock_off_ms)
        request = self.recovery.next_request(self.now_s)
        if request is None:
            return
        self.recovery.on_asked(request, self.now_s)
        if self.chance.random() < 0.1:
            self.recovery.on_failure(self.now_s)
            return
        made_ms = self.now_ms - self.now_ms % 1000
        date_ms = self.chance.choice([made_ms, made_ms, None])
        self.recovery.on_result(request, self.told(request), self.now_s, date_ms)

    def told(self, request: RecoveryRequest) -> Sequence[Trade | Kline]:
        """What the exchange has of it, as of a moment ago."""
        known_ms = self.now_ms - self.chance.choice([0, 0, LAG_MS_MAX])
        epoch = self.truth.epoch(known_ms)
        known = [
            one
            for one in self.trades
            if one.time_ms <= known_ms and self.truth.epoch(one.time_ms) == epoch
        ]
        if request.purpose == "candle":
            kline = self.truth.kline(known_ms, self.truth.last_id(known_ms), known_ms)
            return [replace(kline, symbol="BTCUSDT")]
        if request.from_id is not None:
            known = [one for one in known if one.agg_id >= request.from_id]
        elif request.start_ms is not None:
            known = [one for one in known if one.time_ms >= (request.start_ms or 0)]
        else:
            known = known[-request.limit :]
        return known[: request.limit]

    def check(self) -> None:
        for _, candle in self.market.drain(1e9).candles:
            assert not candle.is_complete or candle.open_ms + MINUTE_MS <= self.now_ms
            if candle.is_exact:
                self.check_exact(candle)

    def check_exact(self, candle: LiveCandle) -> None:
        upto = None if candle.is_complete else candle.last_id
        views = [self.truth.values(candle.open_ms, upto, epoch) for epoch in (0, 1)]
        assert any(is_true(candle, view) for view in views), (candle, views)


def is_true(candle: LiveCandle, view: Values | None) -> bool:
    if view is None:
        return (candle.trades, candle.first_id, candle.volume) == (0, -1, "0")
    return says(candle, view) == view
