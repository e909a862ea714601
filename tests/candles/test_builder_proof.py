"""What a builder knows: a break and how it ends, klines that confirm, restarts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from truecandle.candles.builder import CANDLES_MAX, WITH_TRADES, CandleBuilder
from truecandle.candles.candle import LiveCandle
from truecandle.candles.forming import TRADES_KEPT
from truecandle.candles.interval import INTERVALS
from truecandle.candles.trade_id_ranges import RANGES_MAX, TradeIdRanges
from truecandle.candles.trades import Kline, Trade

START_MS = 1_722_470_400_000
MINUTE_MS = 60_000


def trade(first: int, at_ms: int, last: int | None = None) -> Trade:
    time_ms = START_MS + at_ms
    last = first if last is None else last
    count = last - first + 1
    return Trade("X", first, last, "100", str(count), time_ms, time_ms + 1, True)


def kline(open_ms: int, first: int, last: int, at_ms: int, **changed: Any) -> Kline:
    """The exchange's view of the trades `first`..`last`, each 1 at 100, sent at `at_ms`."""
    count = last - first + 1
    made = Kline(
        symbol="X",
        interval="1m",
        open_ms=START_MS + open_ms,
        open="100",
        high="100",
        low="100",
        close="100",
        volume=str(count),
        quote_volume=str(100 * count),
        taker_volume=str(count),
        taker_quote_volume=str(100 * count),
        trades=count,
        first_id=first,
        last_id=last,
        is_closed=False,
        event_ms=START_MS + at_ms,
    )
    return replace(made, **changed)


def void(open_ms: int, at_ms: int, **changed: Any) -> Kline:
    return replace(kline(open_ms, 0, -1, at_ms, **changed), first_id=-1)


def builder(interval: str = "1m") -> CandleBuilder:
    """One that holds the trades 1..10 of its first minute, and knows it."""
    made = CandleBuilder(INTERVALS[interval])
    made.add_kline(kline(0, 1, 8, 5_000))
    made.add_trade(trade(9, 6_000))
    made.add_trade(trade(10, 7_000))
    return made


def last(made: CandleBuilder) -> LiveCandle:
    """The newest candle that has changed."""
    return made.drain(partial=True)[-1]


class TestDoubt:
    def test_a_break_puts_the_newest_candle_in_doubt_at_once(self) -> None:
        made = builder()
        assert last(made).is_exact
        made.on_stream_break()
        assert not last(made).is_exact

    def test_the_next_trade_in_turn_ends_it(self) -> None:
        made = builder()
        made.on_stream_break()
        made.add_trade(trade(10, 7_000))
        assert not made.is_exact
        made.add_trade(trade(11, 9_000))
        assert last(made).is_exact

    def test_a_trade_further_on_leaves_a_hole_until_the_one_between_is_fetched(self) -> None:
        made = builder()
        made.on_stream_break()
        made.add_trade(trade(13, 9_000))
        assert not made.is_exact
        made.add_trade(trade(11, 8_000, 12))
        candle = last(made)
        assert (candle.is_exact, candle.trades, candle.last_id) == (True, 13, 13)

    def test_a_kline_sent_later_ends_it_and_one_sent_before_does_not(self) -> None:
        made = builder()
        made.on_stream_break()
        made.add_kline(kline(0, 1, 10, 6_900))
        assert not made.is_exact
        made.add_kline(kline(0, 1, 10, 12_000))
        assert last(made).is_exact

    def test_it_ends_when_the_exchange_says_that_nothing_traded_since(self) -> None:
        made = builder()
        made.on_stream_break()
        made.confirm_newest(9)
        made.confirm_newest(11)
        assert not made.is_exact
        made.confirm_newest(10)
        assert last(made).is_exact

    def test_a_candle_whose_end_is_proven_is_never_in_doubt(self) -> None:
        made = builder()
        made.add_trade(trade(11, MINUTE_MS))
        made.on_stream_break()
        assert [one.is_exact for one in made.drain()] == [True, False]

    def test_a_closed_candle_is_exact_once_the_trade_after_it_is_known(self) -> None:
        made = builder()
        made.add_trade(trade(12, MINUTE_MS + 5))
        assert [one.is_exact for one in made.drain(partial=True)] == [False, False]
        made.add_trade(trade(11, MINUTE_MS + 2))
        assert [one.is_exact for one in made.drain()] == [True, True]

    def test_a_silence_proves_the_end_of_what_was_over_by_then_and_of_nothing_else(self) -> None:
        made = builder()
        made.add_kline(void(MINUTE_MS, MINUTE_MS + 900))
        made.confirm_ended(10, START_MS + MINUTE_MS - 1)
        assert [one.is_exact for one in made.drain()] == [False, True]
        made.confirm_ended(10, START_MS + MINUTE_MS)
        assert [(one.is_complete, one.is_exact) for one in made.drain()] == [(True, True)]

    def test_an_end_is_unproven_until_something_shows_it_though_later_candles_are_closed(
        self,
    ) -> None:
        made = builder()
        assert not made.is_unproven(START_MS + MINUTE_MS - 1)
        assert made.is_unproven(START_MS + MINUTE_MS)
        made.add_kline(void(MINUTE_MS, 2 * MINUTE_MS, is_closed=True))
        assert made.is_unproven(START_MS + 2 * MINUTE_MS)
        made.confirm_ended(10, START_MS + MINUTE_MS)
        assert not made.is_unproven(START_MS + 2 * MINUTE_MS)

    def test_a_silence_over_several_intervals_leaves_no_hole(self) -> None:
        made = builder()
        made.on_stream_break()
        made.confirm_ended(10, START_MS + 3 * MINUTE_MS + 500)
        found = [(one.open_ms - START_MS, one.trades, one.is_exact) for one in made.drain()]
        assert found == [(0, 10, True), (MINUTE_MS, 0, True), (2 * MINUTE_MS, 0, True)]
        made.add_trade(trade(11, 4 * MINUTE_MS))
        found = [(one.open_ms - START_MS, one.trades, one.is_exact) for one in made.drain()]
        assert found == [(3 * MINUTE_MS, 0, True), (4 * MINUTE_MS, 1, True)]

    def test_a_silence_after_another_trade_than_the_newest_proves_nothing(self) -> None:
        made = builder()
        made.on_stream_break()
        made.drain()
        made.confirm_ended(9, START_MS + 3 * MINUTE_MS)
        made.confirm_ended(11, START_MS + 3 * MINUTE_MS)
        assert made.drain() == []
        assert not made.is_exact


class TestWitness:
    def test_a_kline_ahead_of_whole_trades_costs_nothing_when_an_aggregate_straddles_it(
        self,
    ) -> None:
        made = builder()
        made.add_kline(kline(0, 1, 12, 9_000))
        assert made.is_exact
        made.add_trade(trade(11, 8_900, 14))
        candle = last(made)
        assert (candle.is_exact, candle.trades, candle.volume) == (True, 14, "14")

    def test_it_is_the_base_when_the_next_kline_comes_before_the_trades(self) -> None:
        made = builder()
        made.add_kline(kline(0, 1, 12, 9_000))
        made.add_kline(kline(0, 1, 15, 11_000))
        made.add_kline(kline(0, 1, 19, 13_000))
        candle = last(made)
        assert (candle.is_exact, candle.trades) == (True, 19)

    def test_the_same_kline_once_more_is_no_next_one(self) -> None:
        made = builder()
        made.add_kline(kline(0, 1, 12, 9_000))
        made.add_kline(kline(0, 1, 12, 9_000))
        made.add_trade(trade(11, 8_900, 14))
        assert last(made).is_exact

    def test_it_fills_a_hole_that_shows_behind_it(self) -> None:
        made = builder()
        made.add_kline(kline(0, 1, 12, 9_000))
        made.add_trade(trade(13, 9_500))
        candle = last(made)
        assert (candle.is_exact, candle.trades) == (True, 13)

    def test_it_fills_the_end_of_a_candle_once_the_next_has_begun(self) -> None:
        made = builder()
        made.add_kline(kline(0, 1, 12, 59_900))
        made.add_trade(trade(13, MINUTE_MS + 1))
        assert [(one.is_exact, one.trades) for one in made.drain()] == [(True, 12), (True, 1)]

    def test_a_kline_of_the_same_trades_that_says_otherwise_is_right_and_counted(self) -> None:
        made = builder()
        made.add_kline(kline(0, 1, 10, 9_000, high="101"))
        assert (last(made).high, made.contradictions, made.is_exact) == ("101", 1, True)

    def test_other_digits_of_a_quote_volume_that_was_called_known_are_a_contradiction(self) -> None:
        made = builder()
        made.add_kline(kline(0, 1, 10, 9_000, quote_volume="999.99999990"))
        assert (last(made).quote_volume, made.contradictions) == ("999.9999999", 1)

    def test_a_closing_kline_counts_whatever_the_trades_say(self) -> None:
        made = builder()
        made.add_trade(trade(11, MINUTE_MS))
        made.drain()
        made.add_kline(kline(0, 1, 10, MINUTE_MS + 90, is_closed=True, volume="12"))
        made.add_kline(kline(0, 1, 10, MINUTE_MS + 90, is_closed=True, volume="12"))
        (candle,) = made.drain()
        assert (candle.volume, candle.is_exact, made.contradictions) == ("12", True, 1)

    def test_a_kline_that_knows_more_than_a_proven_end_ends_the_proof(self) -> None:
        made = builder()
        made.add_trade(trade(11, MINUTE_MS))
        made.add_kline(kline(0, 1, 12, MINUTE_MS + 5))
        assert (made.drain()[0].is_exact, made.contradictions) == (False, 1)

    def test_a_closing_kline_ahead_of_the_trades_contradicts_nothing(self) -> None:
        made = builder()
        made.add_kline(kline(0, 1, 12, MINUTE_MS + 90, is_closed=True))
        made.add_trade(trade(11, 59_000, 12))
        candle = last(made)
        assert (candle.trades, candle.is_exact, made.contradictions) == (12, True, 0)

    def test_contradictions_are_remembered_when_their_candle_is_forgotten(self) -> None:
        made = builder("1s")
        made.add_kline(kline(7_000, 10, 10, 9_000, high="101"))
        for number in range(200):
            made.add_trade(trade(11 + number, 8_000 + number * 1_000))
            made.drain()
        assert made.contradictions == 1


class TestRestart:
    def test_a_new_builder_goes_on_from_what_was_stored_but_in_doubt(self) -> None:
        stored = last(builder())
        made = CandleBuilder(INTERVALS["1m"])
        made.resume_from(stored)
        candle = last(made)
        assert candle == replace(stored, is_exact=False)
        made.add_trade(trade(11, 20_000))
        assert (last(made).trades, made.is_exact) == (11, True)

    def test_killed_at_the_close_it_loses_nothing(self) -> None:
        made = CandleBuilder(INTERVALS["1m"])
        made.resume_from(last(builder()))
        for number, at_ms in ((9, 6_000), (10, 7_000), (11, 59_990), (12, MINUTE_MS + 3)):
            made.add_trade(trade(number, at_ms))
        shown = [(one.trades, one.is_complete, one.is_exact) for one in made.drain()]
        assert shown == [(11, True, True), (1, False, True)]

    def test_a_closed_exact_candle_stays_so_and_proves_the_start_of_the_next(self) -> None:
        first = builder()
        first.add_kline(kline(0, 1, 10, MINUTE_MS + 90, is_closed=True))
        made = CandleBuilder(INTERVALS["1m"])
        made.resume_from(last(first))
        made.add_trade(trade(11, MINUTE_MS + 3))
        assert [one.is_exact for one in made.drain()] == [True, True]

    def test_what_was_not_exact_is_not_gone_on_from(self) -> None:
        made = CandleBuilder(INTERVALS["1m"])
        made.resume_from(replace(last(builder()), is_exact=False))
        made.resume_from(replace(last(builder()), taker_volume=None))
        assert made.drain(partial=True) == []


class TestEmpty:
    def test_a_minute_without_trades_is_exact_if_a_kline_says_so(self) -> None:
        made = CandleBuilder(INTERVALS["1m"])
        made.add_kline(void(0, 900))
        candle = last(made)
        assert (candle.is_exact, candle.trades, candle.last_id) == (True, 0, -1)
        made.add_kline(void(0, MINUTE_MS + 90, is_closed=True))
        assert [one.is_exact for one in made.drain()] == [True]

    def test_its_first_trade_is_known_to_be_that_only_by_an_id_or_a_kline(self) -> None:
        made = CandleBuilder(INTERVALS["1m"])
        made.add_kline(void(0, 900))
        made.add_trade(trade(7, 1_000))
        assert not last(made).is_exact
        made.add_kline(kline(0, 7, 7, 2_000))
        assert last(made).is_exact

    def test_the_very_first_trade_of_a_market_opens_it_at_its_own_price(self) -> None:
        made = CandleBuilder(INTERVALS["1m"])
        made.add_kline(void(0, 900, open="90", high="90", low="90", close="90"))
        made.add_trade(trade(0, 1_000))
        candle = last(made)
        assert (candle.open, candle.low, candle.first_id, candle.trades) == ("100", "100", 0, 1)

    def test_minutes_between_are_proven_when_the_missing_trade_arrives(self) -> None:
        made = builder()
        made.add_trade(trade(12, 4 * MINUTE_MS))
        made.drain(partial=True)
        made.add_trade(trade(11, 59_000))
        shown = [(one.trades, one.is_complete, one.is_exact) for one in made.drain()]
        assert shown == [(11, True, True), *[(0, True, True)] * 3, (1, False, True)]

    def test_a_void_minute_that_ended_is_exact_only_when_ids_follow_on(self) -> None:
        made = builder()
        made.add_kline(void(MINUTE_MS, MINUTE_MS + 900))
        made.add_trade(trade(12, 2 * MINUTE_MS))
        assert [one.is_exact for one in made.drain(partial=True)] == [False, False, False]
        made.add_trade(trade(11, 2 * MINUTE_MS - 1))
        shown = {one.open_ms - START_MS: (one.trades, one.is_exact) for one in made.drain()}
        assert shown == {0: (10, True), MINUTE_MS: (1, True), 2 * MINUTE_MS: (1, True)}


class TestQuotes:
    """The exchange cuts what each single trade is worth to eight decimals before it adds up."""

    #: XMRBTC, 1m, 14 August 2021 14:46 UTC: a price and a quantity, and the kline's `q` after it.
    #: After the first one no kline was recorded.
    RECORDED = (
        ("0.005773", "0.042", None),
        ("0.00578", "0.07", "0.00064706"),
        ("0.005773", "0.228", "0.0019633"),
        ("0.005773", "0.045", "0.00222308"),
    )

    def test_each_trade_is_cut_before_it_is_added(self) -> None:
        made = CandleBuilder(INTERVALS["1m"])
        made.add_kline(void(0, 0))
        for number, (price, quantity, told) in enumerate(self.RECORDED):
            time_ms = START_MS + 1_000 + number
            one = Trade("XMRBTC", number, number, price, quantity, time_ms, time_ms, True)
            made.add_trade(one)
            candle = last(made)
            assert told in (None, candle.quote_volume)
            assert candle.taker_quote_volume == candle.quote_volume

    def test_of_an_aggregate_that_may_be_cut_the_quote_volume_is_unknown_until_a_kline_tells(
        self,
    ) -> None:
        made = builder()
        made.add_trade(self.aggregate(11, 13, "0.005773", "0.315"))
        candle = last(made)
        assert (candle.is_exact, candle.trades, candle.volume) == (True, 13, "10.315")
        assert (candle.quote_volume, candle.taker_quote_volume) == (None, None)
        told = "1000.00181848"  # one step less than the whole would be worth
        known = {"low": "0.005773", "close": "0.005773", "volume": "10.315"}
        known |= {"quote_volume": told, "taker_volume": "10.315", "taker_quote_volume": told}
        made.add_kline(kline(0, 1, 13, 9_000, **known))
        candle = last(made)
        assert (candle.quote_volume, candle.taker_quote_volume) == (told, told)
        assert (candle.is_exact, made.contradictions) == (True, 0)

    def test_a_kline_that_ends_before_it_makes_known_what_is_before_and_one_after_it_all(
        self,
    ) -> None:
        made = builder()
        made.add_trade(self.aggregate(11, 12, "0.005773", "0.315"))
        made.add_trade(trade(13, 9_000))
        known = {"low": "0.005773", "volume": "10.315", "taker_volume": "10.315"}
        known |= {"quote_volume": "1000.00181849", "taker_quote_volume": "1000.00181849"}
        made.add_kline(kline(0, 1, 12, 8_990, close="0.005773", **known))
        candle = last(made)
        assert (candle.quote_volume, candle.trades, candle.is_exact) == ("1100.00181849", 13, True)

    def test_an_aggregate_that_a_seller_took_leaves_the_takers_volume_known(self) -> None:
        made = builder()
        made.add_trade(replace(self.aggregate(11, 12, "0.005773", "0.315"), is_taker_buy=False))
        candle = last(made)
        assert (candle.quote_volume, candle.taker_quote_volume) == (None, "1000")

    def test_where_steps_are_so_large_that_nothing_is_cut_an_aggregate_is_known(self) -> None:
        made = builder()
        made.add_trade(self.aggregate(11, 13, "100.25", "0.315").with_steps(5))
        assert last(made).quote_volume == "1031.57875"

    def test_a_feed_that_goes_on_from_it_knows_no_more(self) -> None:
        made = builder()
        made.add_trade(self.aggregate(11, 13, "0.005773", "0.315"))
        after = CandleBuilder(INTERVALS["1m"])
        after.resume_from(last(made))
        after.add_trade(trade(14, 9_500))
        candle = last(after)
        assert (candle.is_exact, candle.trades, candle.quote_volume) == (True, 14, None)

    @staticmethod
    def aggregate(first: int, last_id: int, price: str, quantity: str) -> Trade:
        at_ms = START_MS + 8_900
        return Trade("X", first, last_id, price, quantity, at_ms, at_ms, True)


class TestBounds:
    def test_candles_that_nobody_takes_are_let_go_of(self) -> None:
        made = CandleBuilder(INTERVALS["1s"])
        for number in range(CANDLES_MAX * 2):
            made.add_trade(trade(number, number * 1_000))
        assert len(made.drain(partial=True)) <= CANDLES_MAX

    def test_only_the_newest_candles_keep_single_trades_and_none_that_are_proven(self) -> None:
        for step in (1, 2):  # without and with a hole behind every trade
            made = CandleBuilder(INTERVALS["1s"])
            for number in range(100):
                made.add_trade(trade(number * step, number * 500))
            kept = [len(one.recent_trades) for one in made._sequence.candles]
            assert sum(kept) <= (2 * WITH_TRADES if step == 2 else 4)

    def test_a_kline_older_than_the_trades_kept_takes_none_away(self) -> None:
        made = CandleBuilder(INTERVALS["1h"])
        for number in range(TRADES_KEPT + 10):
            made.add_trade(trade(20 + number, 1_000 + number))
        made.add_kline(kline(0, 1, 21, 900))
        candle = last(made)
        assert (candle.trades, candle.is_exact) == (TRADES_KEPT + 10, False)

    def test_more_holes_than_are_kept_never_look_whole(self) -> None:
        ranges = TradeIdRanges()
        for number in range(RANGES_MAX + 1):
            ranges.add(2 * number, 2 * number)
        for number in range(2, RANGES_MAX + 1):
            ranges.add(2 * number - 1, 2 * number - 1)
        assert ranges.overlap(0, 2 * RANGES_MAX) == 2 * RANGES_MAX + 1
        assert not ranges.is_single(0, 2 * RANGES_MAX)
