"""One symbol in the feed, without Redis: price updates, and when it may be published."""

from __future__ import annotations

import math
import random
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.sample_trades import START_MS, kline, trade
from truecandle.candles.series import parse_series
from truecandle.feed.symbol_builder import (
    CANDLE_PAUSE_S,
    PATIENCE_S,
    PRICE_PAUSE_S,
    PriceAggregator,
    SymbolBuilder,
)


def market(*intervals: str) -> SymbolBuilder:
    return SymbolBuilder("BTCUSDT", [parse_series("BTCUSDT", name) for name in intervals])


def after_a_break() -> SymbolBuilder:
    """One candle of 1s told; then the trades 3 to 8 and two candles are lost."""
    one = market("1s")
    one.add(kline(0, 1, at_ms=500, interval="1s"))
    one.drain(10.0)
    one.add(trade(2, 700))
    one.add(trade(9, 3200))
    return one


class TestPriceAggregator:
    def test_a_summary_holds_the_extremes_the_volume_and_the_last_price(self) -> None:
        prices = PriceAggregator()
        for number, price in enumerate(("100", "103", "99", "101"), start=1):
            prices.add(trade(number, number * 10, price, "0.1"))
        (summary,) = prices.drain()
        assert summary.values == {
            "price": "101", "timestamp": START_MS + 40, "high": "103", "low": "99",
            "volume": "0.4", "trades": 4, "first_id": 1, "last_id": 4,
        }  # fmt: skip

    def test_a_trade_told_twice_is_told_once(self) -> None:
        prices = PriceAggregator()
        prices.add(trade(1, 10))
        prices.drain()
        prices.add(trade(1, 10))
        assert not prices.drain()

    def test_a_trade_of_a_second_left_behind_is_for_the_candles_alone(self) -> None:
        prices = PriceAggregator()
        prices.add(trade(2, 1000))
        prices.add(trade(1, 999, "1"))
        assert [summary.values["low"] for summary in prices.drain()] == ["100"]

    @given(
        st.lists(st.tuples(st.integers(0, 3000), st.integers(1, 99)), min_size=1, max_size=30),
        st.lists(st.integers(0, 30), max_size=5),
    )
    @settings(max_examples=150)
    def test_summaries_together_hold_every_trade_once_and_none_spans_a_second(
        self, drawn: list[tuple[int, int]], takes: list[int]
    ) -> None:
        trades = [trade(n, at, str(p)) for n, (at, p) in enumerate(sorted(drawn), start=1)]
        prices, told = PriceAggregator(), []
        for number, one in enumerate(trades):
            prices.add(one)
            if number in takes:
                told += prices.drain()
        told += prices.drain()
        assert sum(one.trades for one in told) == len(trades)
        assert max(one.high for one in told) == max(Decimal(t.price) for t in trades)
        assert min(one.low for one in told) == min(Decimal(t.price) for t in trades)
        seconds = [one.timestamp // 1000 for one in told]
        assert seconds == sorted(seconds)
        for second in set(seconds):
            held = sum(one.trades for one in told if one.timestamp // 1000 == second)
            assert held == sum(1 for t in trades if t.time_ms // 1000 == second)


class TestSymbolBuilder:
    def test_the_first_trade_after_a_pause_is_told_at_once(self) -> None:
        one = market("1m")
        one.add(kline(0, 1, at_ms=500))
        one.drain(10.0)
        one.add(trade(2, 900))
        taken = one.drain(20.0)
        assert (len(taken.prices), len(taken.candles)) == (1, 1)

    def test_prices_wait_their_turn(self) -> None:
        one = market("1m")
        one.add(trade(1, 100))
        one.drain(10.0)
        one.add(trade(2, 200))
        assert not one.drain(10.0 + PRICE_PAUSE_S / 2).prices
        assert one.drain(10.0 + PRICE_PAUSE_S).prices

    def test_whoever_sleeps_until_it_is_due_misses_nothing(self) -> None:
        """What is told, and when, is the same for one that looks every 10 ms, and for one that
        looks when something came or is due."""
        dice = random.Random(3)
        events = {
            at: trade(at + 1, at * 10, str(100 + dice.randrange(9)))
            for at in sorted(dice.sample(range(600), 60))
        }
        eager, sleeper, due_s = market("1s", "1m"), market("1s", "1m"), 0.0
        for at in range(800):
            now_s = 10 + at / 100
            for one in (eager, sleeper):
                if at in events:
                    one.add(events[at])
            told = eager.drain(now_s)
            if at in events or now_s >= due_s:
                assert sleeper.drain(now_s) == told
                due_s = math.inf if sleeper.is_drained else sleeper.due_s()
            assert sleeper.is_drained == eager.is_drained

    def test_a_candle_that_waits_its_turn_holds_up_no_price(self) -> None:
        """Given looks at it in between, then the price after the pause is told at once."""
        one = market("1m")
        one.add(kline(0, 1, at_ms=1))
        one.add(trade(2, 100))
        one.drain(10.0)
        one.add(trade(3, 200))
        one.drain(10.0 + PRICE_PAUSE_S)
        for step in range(10):
            assert not one.drain(10.2 + step / 100).prices
        one.add(trade(4, 300))
        assert one.drain(10.3).prices

    def test_a_forming_candle_is_told_twice_a_second_at_most(self) -> None:
        one, told = market("1m"), 0
        one.add(kline(0, 1, at_ms=1))
        for step in range(200):
            one.add(trade(2 + step, 100 + step * 10))
            told += len(one.drain(10.0 + step / 100).candles)
        assert told == 2 / CANDLE_PAUSE_S

    def test_candles_of_one_market_that_have_changed_leave_in_one_turn(self) -> None:
        """Also where one of them has rolled on out of turn: what leaves together stays together."""
        one = market("1m", "5m")
        one.add(kline(0, 1, at_ms=500))
        one.add(kline(0, 1, at_ms=500, interval="5m"))
        assert len(one.drain(10.0).candles) == 2
        one.add(trade(2, 60_001))
        rolled = one.drain(10.2).candles
        assert {series.interval.name for series, _ in rolled} == {"1m"}
        one.add(trade(3, 60_002))
        one.drain(10.4)
        assert one.due_s() == 10.0 + CANDLE_PAUSE_S
        turn = one.drain(one.due_s()).candles
        assert {series.interval.name for series, _ in turn} == {"1m", "5m"}
        assert one.is_drained

    def test_a_candle_that_opens_is_told_at_once_after_the_one_that_closed(self) -> None:
        one = market("1m")
        one.add(kline(0, 1, at_ms=500))
        one.drain(10.0)
        one.add(trade(2, 60_001))
        taken = one.drain(10.001)
        assert len(taken.prices) == 1
        assert [candle.is_complete for _, candle in taken.candles] == [True, False]

    def test_a_candle_joined_midway_is_not_told_before_its_kline(self) -> None:
        one = market("1m")
        one.add(trade(7, 30_000))
        assert not one.drain(10.0).candles
        one.add(kline(0, 7, at_ms=30_500))
        ((_, candle),) = one.drain(10.5).candles
        assert candle.trades == 7

    def test_patience_with_a_missing_kline_ends(self) -> None:
        one = market("1m")
        one.add(trade(7, 30_000))
        assert not one.drain(10.0).candles
        assert one.drain(10.0 + PATIENCE_S).candles

    def test_what_comes_after_lost_candles_waits_for_them(self) -> None:
        one = after_a_break()
        assert [c.open_ms - START_MS for _, c in one.drain(20.0).candles] == [0]
        for number, at_ms in enumerate((800, 1100, 1900, 2000, 2500, 2999), start=3):
            one.add(trade(number, at_ms))
        told = [c.open_ms - START_MS for _, c in one.drain(21.0).candles]
        assert told == [0, 1000, 2000, 3000]

    def test_patience_with_lost_candles_ends(self) -> None:
        """Then what comes after them is told as ever, gap or not."""
        one = after_a_break()
        one.drain(20.0)
        told = [c.open_ms - START_MS for _, c in one.drain(20.0 + PATIENCE_S).candles]
        assert told == [3000]
        one.add(trade(10, 4100))
        told = [c.open_ms - START_MS for _, c in one.drain(24.0).candles]
        assert told == [4000]

    def test_a_3d_candle_is_told_with_the_grid_that_its_kline_showed(self) -> None:
        one = market("3d")
        one.add(trade(1, 100))
        assert not one.drain(10.0).candles
        one.add(kline(0, 1, at_ms=500, interval="3d"))
        ((series, _),) = one.drain(11.0).candles
        assert series.interval.is_aligned(START_MS)

    def test_a_kline_of_an_interval_not_followed_changes_nothing(self) -> None:
        one = market("1m")
        one.add(kline(0, 1, at_ms=500, interval="5m"))
        assert one.is_drained

    @given(st.lists(st.integers(0, 400), min_size=1, max_size=120), st.randoms())
    @settings(max_examples=60)
    def test_never_more_than_10_prices_a_second_and_no_candle_ahead_of_them(
        self, gaps: list[int], rng: random.Random
    ) -> None:
        one, told_s, at_ms = market("1s", "1m"), list[float](), 0
        announced: dict[int, int] = {}
        one.add(kline(0, 1, at_ms=0, interval="1s"))
        one.add(kline(0, 1, at_ms=0))
        for number, gap_ms in enumerate(gaps, start=2):
            at_ms += gap_ms
            one.add(trade(number, at_ms))
            if rng.random() < 0.7:
                check(one, at_ms / 1000, told_s, announced)
        for step in range(1, 30):
            check(one, at_ms / 1000 + step / 10, told_s, announced)
        assert one.is_drained
        assert sum(announced.values()) == len(gaps)
        for at_s in told_s:
            assert sum(1 for other in told_s if at_s <= other < at_s + 1) <= 10


def check(one: SymbolBuilder, now_s: float, told_s: list[float], announced: dict[int, int]) -> Any:
    taken = one.drain(now_s)
    for summary in taken.prices:
        told_s.append(now_s)
        second = summary.timestamp // 1000 * 1000
        announced[second] = announced.get(second, 0) + summary.trades
    for series, candle in taken.candles:
        if series.interval.name == "1s":
            base = 1 if candle.open_ms == START_MS else 0
            assert candle.trades == base + announced.get(candle.open_ms, 0)
