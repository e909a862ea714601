"""Trade ids begin anew: what recovery asks then, what it proves, and what is told meanwhile.

Never here: sockets, Redis, a clock.
Invariant: an answer proves something only if it goes on from a trade that is known.
"""

from __future__ import annotations

import pytest

from tests.support.driven_recovery import START_MS, asked, candle, come, recovery, trade, trades
from truecandle.binance.streams.status import StreamHealth
from truecandle.candles.freshness import LIVE_MS
from truecandle.candles.trades import Trade
from truecandle.feed.freshness_reporter import (
    NEW_STREAM_S,
    STALLED_S,
    TRADES_S,
    SilentStreamDetector,
    StalledCandleDetector,
)
from truecandle.feed.market_recovery import QUIET_S, MarketRecovery
from truecandle.feed.recovery_pauses import BACKOFF_MAX_S
from truecandle.feed.trade_gaps import ResumePoint


def anew(number: int, at_ms: int) -> Trade:
    """A trade at another price than those before ids began anew."""
    time_ms = START_MS + at_ms
    return Trade("BTCUSDT", number, number, "6", "1", time_ms, time_ms, True, number)


def broken(*seen: Trade) -> MarketRecovery:
    """A market whose streams broke at 5 s and are back since 6 s."""
    one = recovery(*seen)
    one.on_stream_change(False, 5.0)
    one.on_stream_change(True, 6.0)
    return one


def test_lower_ids_on_the_stream_leave_nothing_to_ask_for() -> None:
    one = recovery(*trades(1, 900))
    come(one, [anew(7, 9_000), anew(8, 9_100)], 9.1)
    found = candle(one)
    assert (found.close, found.trades, found.last_id, found.is_exact) == ("6", 902, 8, False)
    assert one.next_request(20.0) is None
    assert (one.trade_gaps.gaps, one.missing(20.0), one.trade_gaps.next_id) == ([], None, 9)


@pytest.mark.parametrize("number", [10_000, 4_000_000_000])
def test_ids_that_begin_anew_much_higher_are_never_called_missing(number: int) -> None:
    one = recovery(*trades(1, 9))
    come(one, [anew(number, 9_000)], 9.0)
    assert one.missing(20.0) is None
    assert one.next_request(20.0) is None
    assert (one.trade_gaps.gaps, candle(one).close) == ([], "6")


def test_an_answer_that_does_not_know_the_newest_trade_proves_no_silence() -> None:
    one = broken(*trades(1, 900))
    tail = asked(one, 6.0 + QUIET_S)
    assert (tail.purpose, tail.from_id) == ("tail", 900)
    assert not candle(one).is_exact
    one.on_result(tail, [], 7.1)
    assert one.market.intervals_without_exact_candle(START_MS + 1_000) == ["1m"]
    assert one.missing(8.0)
    newest = asked(one, 7.1 + BACKOFF_MAX_S)
    assert newest.purpose == "newest"
    one.on_result(newest, [anew(7, 9_000)], 40.0)
    found = candle(one)
    assert (found.close, found.last_id, found.is_exact) == ("6", 7, False)
    assert one.trade_gaps.next_id == 8
    tail = asked(one, 41.0)
    assert (tail.purpose, tail.from_id) == ("tail", 7)
    one.on_result(tail, [anew(7, 9_000)], 41.1)
    assert one.missing(41.1) is None


def test_an_exchange_that_only_lags_is_asked_again_and_then_believed() -> None:
    one = broken(*trades(1, 9))
    one.on_result(asked(one, 7.5), [], 7.6)
    one.on_result(asked(one, 50.0), [trade(8)], 50.1)
    assert one.market.intervals_without_exact_candle(START_MS + 1_000) == ["1m"]
    tail = asked(one, 100.0)
    assert (tail.purpose, tail.from_id) == ("tail", 9)
    one.on_result(tail, [trade(9)], 100.1)
    assert candle(one).is_exact
    assert one.market.epoch.number == 0


def test_the_same_ids_with_other_trades_are_not_gone_on_from() -> None:
    one = broken(*trades(1, 9))
    one.on_result(asked(one, 7.5), [anew(number, 9_000 + number) for number in range(9, 12)], 7.6)
    found = candle(one)
    assert (found.is_exact, found.close) == (False, "6")
    assert one.market.epoch.number == 1


def test_a_hole_across_a_break_is_not_filled_with_trades_of_newer_ids() -> None:
    one = broken(*trades(1, 9))
    come(one, [anew(20, 9_020)], 9.0)
    gaps = asked(one, 9.1)
    assert (gaps.purpose, gaps.from_id) == ("gaps", 9)
    one.on_result(gaps, [anew(number, 9_000 + number) for number in range(9, 20)], 9.2)
    assert not candle(one).is_exact
    assert (one.trade_gaps.gaps, one.market.epoch.number) == ([], 1)


def test_an_answer_asked_for_before_ids_began_anew_is_about_other_trades() -> None:
    one = broken(*trades(1, 9))
    come(one, [trade(20)], 6.1)
    gaps = asked(one, 6.2)
    come(one, [anew(3, 9_000)], 6.3)
    one.on_result(gaps, trades(9, 19), 6.4)
    found = candle(one)
    assert (found.trades, found.last_id) == (11, 3)
    assert one.trade_gaps.next_id == 4


def test_a_silence_since_the_feed_before_is_proven_only_if_its_last_trade_is_still_the_newest() -> (
    None
):
    for newest, is_proven in ((trade(1), True), (anew(7, 9_000), False)):
        one = recovery(is_live=False)
        one.resume(ResumePoint({}, last_id=1, since_ms=START_MS, tries=1))
        one.on_stream_change(True, 1.0)
        one.on_result(asked(one, 3.0), [], 3.1)
        request = asked(one, 3.2)
        assert request.purpose == "newest"
        one.on_result(request, [newest], 3.3)
        assert candle(one).is_exact is is_proven


def test_trades_whose_ids_were_told_before_are_told_again_and_never_with_those_before() -> None:
    one = recovery(*trades(1, 9))
    come(one, [anew(5, 500), anew(5, 500), trade(9)])
    told = one.market.drain(1e9).prices
    assert [(one.first_id, one.last_id, one.trades, one.price) for one in told] == [
        (1, 9, 9, "5"),
        (5, 5, 1, "6"),
    ]


def test_silence_is_noticed_by_the_new_ids_as_by_the_old_ones() -> None:
    one = recovery(*trades(1, 900))
    detector = SilentStreamDetector()

    def health(name: str, at_s: float = 0.0) -> StreamHealth:
        is_trades = "@aggTrade" in name
        return StreamHealth(True, 0.0, 1.0 if is_trades else at_s, 1.0, "")

    detector.check(one.market, health, NEW_STREAM_S + 1)
    come(one, [anew(1, 9_000)])
    detector.check(one.market, health, NEW_STREAM_S + 2)
    one.market.kline_ids["1m"] = 5
    for second in range(4 + int(TRADES_S)):
        at_s = NEW_STREAM_S + 3 + second
        detector.check(one.market, lambda name: health(name, at_s), at_s)  # noqa: B023
    assert detector.reason == "trades are silent while candles move"


def test_a_candle_that_stands_still_while_the_market_trades_is_named_and_what_lags_is_not() -> None:
    standing, trade_ms = StalledCandleDetector(), START_MS
    for second in range(60):
        trade_ms += 1_000
        shown = {"1m": trade_ms - 900, "1h": START_MS if second >= 20 else trade_ms}
        reason = standing.check(trade_ms, shown, float(second))
        is_still = second >= 20 + STALLED_S
        assert reason == ("1h stands still while trades arrive" if is_still else None), second
    assert standing.check(trade_ms, {"1m": trade_ms, "1h": trade_ms}, 60.0) is None
    assert LIVE_MS > STALLED_S * 1000


def test_the_first_trade_after_a_silence_makes_nothing_stale() -> None:
    standing = StalledCandleDetector()
    shown = {"1h": START_MS}
    assert standing.check(START_MS, shown, 0.0) is None
    assert standing.check(START_MS + 3_600_000, shown, 3_600.0) is None
    assert standing.check(START_MS + 3_600_000, {"1h": START_MS + 3_600_000}, 3_601.0) is None
