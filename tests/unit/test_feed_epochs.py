"""Trade ids begin anew: what recovery asks then, what it proves, and what is told meanwhile.

Never here: sockets, Redis, a clock.
Invariant: an answer proves something only if it goes on from a trade that is known.
"""

from __future__ import annotations

import pytest

from tests.unit.test_feed_case import START_MS, asked, candle, case, come, trade, trades
from truecandle.binance.streams.status import StreamHealth
from truecandle.candles.freshness import LIVE_MS
from truecandle.candles.trades import Trade
from truecandle.feed.backoff import BACKOFF_MAX_S
from truecandle.feed.case import QUIET_S, Case
from truecandle.feed.mute import SETTLE_S, TRADES_S, Mute
from truecandle.feed.past import Past
from truecandle.feed.standing import STILL_S, Standing


def anew(number: int, at_ms: int) -> Trade:
    """A trade at another price than those before ids began anew."""
    time_ms = START_MS + at_ms
    return Trade("BTCUSDT", number, number, "6", "1", time_ms, time_ms, True, number)


def broken(*seen: Trade) -> Case:
    """A market whose streams broke at 5 s and are back since 6 s."""
    one = case(*seen)
    one.change(False, 5.0)
    one.change(True, 6.0)
    return one


def test_lower_ids_on_the_stream_leave_nothing_to_ask_for() -> None:
    one = case(*trades(1, 900))
    come(one, [anew(7, 9_000), anew(8, 9_100)], 9.1)
    found = candle(one)
    assert (found.close, found.trades, found.last_id, found.is_exact) == ("6", 902, 8, False)
    assert one.next(20.0) is None
    assert (one.trail.holes, one.behind(20.0), one.trail.next_id) == ([], None, 9)


@pytest.mark.parametrize("number", [10_000, 4_000_000_000])
def test_ids_that_begin_anew_much_higher_are_never_called_missing(number: int) -> None:
    one = case(*trades(1, 9))
    come(one, [anew(number, 9_000)], 9.0)
    assert one.behind(20.0) is None
    assert one.next(20.0) is None
    assert (one.trail.holes, candle(one).close) == ([], "6")


def test_an_answer_that_does_not_know_the_newest_trade_proves_no_silence() -> None:
    one = broken(*trades(1, 900))
    tail = asked(one, 6.0 + QUIET_S)
    assert (tail.purpose, tail.from_id) == ("tail", 900)
    assert not candle(one).is_exact
    one.answer(tail, [], 7.1)
    assert one.market.lacking(START_MS + 1_000) == ["1m"]
    assert one.behind(8.0)
    newest = asked(one, 7.1 + BACKOFF_MAX_S)
    assert newest.purpose == "newest"
    one.answer(newest, [anew(7, 9_000)], 40.0)
    found = candle(one)
    assert (found.close, found.last_id, found.is_exact) == ("6", 7, False)
    assert one.trail.next_id == 8
    tail = asked(one, 41.0)
    assert (tail.purpose, tail.from_id) == ("tail", 7)
    one.answer(tail, [anew(7, 9_000)], 41.1)
    assert one.behind(41.1) is None


def test_an_exchange_that_only_lags_is_asked_again_and_then_believed() -> None:
    one = broken(*trades(1, 9))
    one.answer(asked(one, 7.5), [], 7.6)
    one.answer(asked(one, 50.0), [trade(8)], 50.1)
    assert one.market.lacking(START_MS + 1_000) == ["1m"]
    tail = asked(one, 100.0)
    assert (tail.purpose, tail.from_id) == ("tail", 9)
    one.answer(tail, [trade(9)], 100.1)
    assert candle(one).is_exact
    assert one.market.epoch.number == 0


def test_the_same_ids_with_other_trades_are_not_gone_on_from() -> None:
    one = broken(*trades(1, 9))
    one.answer(asked(one, 7.5), [anew(number, 9_000 + number) for number in range(9, 12)], 7.6)
    found = candle(one)
    assert (found.is_exact, found.close) == (False, "6")
    assert one.market.epoch.number == 1


def test_a_hole_across_a_break_is_not_filled_with_trades_of_newer_ids() -> None:
    one = broken(*trades(1, 9))
    come(one, [anew(20, 9_020)], 9.0)
    holes = asked(one, 9.1)
    assert (holes.purpose, holes.from_id) == ("holes", 9)
    one.answer(holes, [anew(number, 9_000 + number) for number in range(9, 20)], 9.2)
    assert not candle(one).is_exact
    assert (one.trail.holes, one.market.epoch.number) == ([], 1)


def test_an_answer_asked_for_before_ids_began_anew_is_about_other_trades() -> None:
    one = broken(*trades(1, 9))
    come(one, [trade(20)], 6.1)
    holes = asked(one, 6.2)
    come(one, [anew(3, 9_000)], 6.3)
    one.answer(holes, trades(9, 19), 6.4)
    found = candle(one)
    assert (found.trades, found.last_id) == (11, 3)
    assert one.trail.next_id == 4


def test_a_silence_since_the_feed_before_is_proven_only_if_its_last_trade_is_still_the_newest() -> (
    None
):
    for newest, is_proven in ((trade(1), True), (anew(7, 9_000), False)):
        one = case(is_live=False)
        one.remember(Past({}, last_id=1, since_ms=START_MS, tries=1))
        one.change(True, 1.0)
        one.answer(asked(one, 3.0), [], 3.1)
        errand = asked(one, 3.2)
        assert errand.purpose == "newest"
        one.answer(errand, [newest], 3.3)
        assert candle(one).is_exact is is_proven


def test_trades_whose_ids_were_told_before_are_told_again_and_never_with_those_before() -> None:
    one = case(*trades(1, 9))
    come(one, [anew(5, 500), anew(5, 500), trade(9)])
    told = one.market.take(1e9).prices
    assert [(one.first_id, one.last_id, one.trades, one.price) for one in told] == [
        (1, 9, 9, "5"),
        (5, 5, 1, "6"),
    ]


def test_silence_is_noticed_by_the_new_ids_as_by_the_old_ones() -> None:
    one = case(*trades(1, 900))
    mute = Mute()

    def health(name: str, at_s: float = 0.0) -> StreamHealth:
        is_trades = "@aggTrade" in name
        return StreamHealth(True, 0.0, 1.0 if is_trades else at_s, 1.0, "")

    mute.look(one.market, health, SETTLE_S + 1)
    come(one, [anew(1, 9_000)])
    mute.look(one.market, health, SETTLE_S + 2)
    one.market.kline_ids["1m"] = 5
    for second in range(4 + int(TRADES_S)):
        at_s = SETTLE_S + 3 + second
        mute.look(one.market, lambda name: health(name, at_s), at_s)  # noqa: B023
    assert mute.reason == "trades are silent while candles move"


def test_a_candle_that_stands_still_while_the_market_trades_is_named_and_what_lags_is_not() -> None:
    standing, trade_ms = Standing(), START_MS
    for second in range(60):
        trade_ms += 1_000
        shown = {"1m": trade_ms - 900, "1h": START_MS if second >= 20 else trade_ms}
        reason = standing.look(trade_ms, shown, float(second))
        is_still = second >= 20 + STILL_S
        assert reason == ("1h stands still while trades arrive" if is_still else None), second
    assert standing.look(trade_ms, {"1m": trade_ms, "1h": trade_ms}, 60.0) is None
    assert LIVE_MS > STILL_S * 1000


def test_the_first_trade_after_a_silence_makes_nothing_stale() -> None:
    standing = Standing()
    shown = {"1h": START_MS}
    assert standing.look(START_MS, shown, 0.0) is None
    assert standing.look(START_MS + 3_600_000, shown, 3_600.0) is None
    assert standing.look(START_MS + 3_600_000, {"1h": START_MS + 3_600_000}, 3_601.0) is None
