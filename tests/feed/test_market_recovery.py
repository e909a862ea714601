"""What is asked of the exchange after a break, when, and what follows from the answer."""

from __future__ import annotations

from itertools import pairwise

from tests.support.driven_recovery import (
    START_MS,
    asked,
    candle,
    come,
    kline,
    recovery,
    trade,
    trades,
)
from truecandle.candles.series import parse_series
from truecandle.feed.market_recovery import (
    LATE_S,
    ODD_TRIES_MAX,
    OVERDUE_MS,
    PAGE,
    PAGES_MAX,
    QUIET_S,
    MarketRecovery,
    RecoveryCounts,
)
from truecandle.feed.recovery_pauses import (
    KLINE_PATIENCE_S,
    KLINE_PAUSE_S,
    OVERDUE_PAUSE_MAX_S,
    OVERDUE_PAUSE_S,
    TRIES_MAX,
    OverdueCloseCheck,
)
from truecandle.feed.symbol_builder import SymbolBuilder
from truecandle.feed.trade_gaps import MARGINS_MS, ResumePoint


def test_a_hole_is_asked_for_once_what_is_late_is_not_late_any_more() -> None:
    one = recovery(trade(1), trade(2), trade(6))
    assert one.next_request(1.0 + LATE_S - 0.01) is None
    assert one.missing(1.0 + LATE_S - 0.01) is None
    request = asked(one, 1.0 + LATE_S)
    assert (request.purpose, request.from_id, request.limit) == ("gaps", 2, 4)
    assert one.missing(1.0 + LATE_S)
    one.on_result(request, trades(2, 5), 2.0)
    assert one.next_request(2.0) is None
    assert one.missing(9.0) is None
    found = candle(one)
    assert (found.is_exact, found.trades) == (True, 6)
    assert one.counts.trades == 4


def test_many_holes_are_asked_for_on_one_page() -> None:
    one = recovery(trade(1), trade(3), trade(900), trade(2000))
    request = asked(one, 2.0)
    assert (request.from_id, request.limit) == (1, PAGE)
    one.on_result(request, trades(1, 1000), 2.0)
    request = asked(one, 2.1)
    assert (request.from_id, request.limit) == (1001, 999)


def test_what_a_break_has_lost_is_asked_for_at_once() -> None:
    one = recovery(trade(1), trade(2))
    one.on_stream_change(False, 5.0)
    one.on_stream_change(True, 6.0)
    request = asked(one, 6.0)
    assert (request.purpose, request.from_id) == ("tail", 2)
    one.on_result(request, trades(2, 5), 6.1)
    come(one, [trade(9)], 6.2)
    request = asked(one, 6.2)
    assert (request.purpose, request.from_id, request.limit) == ("gaps", 5, 4)


def test_after_a_break_an_answer_without_a_later_trade_lifts_the_doubt_a_moment_later() -> None:
    one = recovery(trade(1), trade(2))
    one.on_stream_change(False, 5.0)
    assert not candle(one).is_exact
    one.on_stream_change(True, 6.0)
    one.on_result(asked(one, 6.0), [trade(2)], 6.1)
    assert one.missing(6.1)
    assert one.next_request(6.0 + QUIET_S - 0.01) is None
    request = asked(one, 6.0 + QUIET_S)
    assert (request.purpose, request.from_id) == ("tail", 2)
    one.on_result(request, [trade(2)], 7.5)
    assert candle(one).is_exact
    assert one.missing(7.5) is None


def test_an_answer_without_a_later_trade_proves_the_end_of_what_was_over_a_moment_before() -> None:
    over_ms = START_MS + 60_000 + int(QUIET_S * 1000)
    for date_ms, is_proven in ((over_ms - 1, False), (None, False), (over_ms, True)):
        one = recovery(trade(1), trade(2))
        one.on_stream_change(False, 5.0)
        one.on_stream_change(True, 6.0)
        one.on_result(asked(one, 7.0), [trade(2)], 7.1, date_ms)
        found = candle(one)
        assert (found.is_complete, found.is_exact) == (is_proven, True)


def test_a_clock_of_ours_that_runs_ahead_proves_no_end() -> None:
    one = recovery(trade(1), trade(2))
    one.check(10.0, START_MS + 10_000 + 3_600_000)
    request = asked(one, 10.0)
    assert request.purpose == "tail"
    one.on_result(request, [trade(2)], 10.1, START_MS + 10_000)
    come(one, [trade(3, 20_000)], 20.0)
    found = candle(one)
    assert (found.trades, found.is_complete, found.is_exact) == (3, False, True)


def test_where_nothing_is_heard_of_a_close_the_exchange_is_asked_and_that_proves_it() -> None:
    one = recovery(trade(1), trade(2))
    due_ms = START_MS + 60_000 + OVERDUE_MS
    one.check(61.0, due_ms - 1)
    assert one.next_request(61.0) is None
    one.check(61.5, due_ms)
    request = one.next_request(61.5)
    assert request
    assert (request.purpose, request.from_id) == ("tail", 2)
    one.on_asked(request, 61.5)
    one.on_result(request, [trade(2), trade(3, 59_000)], 61.6, START_MS + 61_000)
    found = candle(one)
    assert (found.trades, found.is_complete, found.is_exact) == (3, True, True)
    one.check(62.0, due_ms + 500)
    assert one.next_request(63.5) is None


def test_what_closes_while_the_streams_are_away_is_proven_and_what_forms_stays_in_doubt() -> None:
    one = recovery(trade(1), trade(2))
    one.on_stream_change(False, 5.0)
    due_ms = START_MS + 60_000 + OVERDUE_MS
    one.check(70.0, due_ms)
    request = asked(one, 70.0)
    assert request.purpose == "tail"
    one.on_result(request, [trade(2), trade(3, 59_000)], 70.1, START_MS + 70_000)
    found = candle(one)
    assert (found.trades, found.is_complete, found.is_exact) == (3, True, True)
    one.check(132.0, due_ms + 60_000)
    told = [trade(3, 59_000), trade(4, 120_500)]
    one.on_result(asked(one, 132.0), told, 132.1, START_MS + 132_000)
    found = candle(one)
    assert (found.trades, found.is_complete, found.is_exact) == (1, False, False)


def test_a_close_of_which_nothing_can_be_learned_is_asked_about_ever_more_rarely() -> None:
    closing = OverdueCloseCheck()
    asked_s: list[float] = []
    for now_s in range(40_000):
        closing.check(True)
        if closing.is_due(now_s):
            closing.on_asked(now_s)
            asked_s.append(now_s)
    pauses = [later - before for before, later in pairwise(asked_s)]
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[20]) == (OVERDUE_PAUSE_S, OVERDUE_PAUSE_MAX_S)
    assert len(pauses) > 1_100
    closing.on_trade()
    closing.check(True)
    assert closing.is_due(40_000)
    closing.on_asked(40_000)
    closing.check(True)
    assert closing.is_due(40_000 + OVERDUE_PAUSE_S)


def test_an_answer_proves_nothing_if_the_stream_broke_again_meanwhile() -> None:
    one = recovery(trade(1), trade(2))
    one.on_stream_change(False, 5.0)
    one.on_stream_change(True, 6.0)
    request = asked(one, 8.0)
    one.on_stream_change(False, 8.1)
    one.on_result(request, [trade(2)], 8.2)
    assert not candle(one).is_exact
    assert one.missing(8.2)


def test_a_break_of_too_many_trades_is_given_up_at_once() -> None:
    one = recovery(trade(1), trade(2 + PAGES_MAX * PAGE + 1))
    assert one.next_request(2.0) is None
    assert (one.counts.gave_up, one.trade_gaps.gaps) == (1, [])


def test_a_tail_without_end_is_given_up_after_its_pages() -> None:
    one = recovery(trade(1))
    one.on_stream_change(False, 5.0)
    one.on_stream_change(True, 6.0)
    for _ in range(PAGES_MAX):
        request = asked(one, 8.0)
        assert request.from_id
        one.on_result(request, trades(request.from_id, request.from_id + PAGE - 1), 8.0)
    assert (one.counts.gave_up, one.trade_gaps.next_id) == (1, None)
    assert asked(one, 20.0).purpose == "newest"


def test_failures_are_tried_again_later_and_not_for_ever() -> None:
    one = recovery(trade(1), trade(5))
    now_s = 2.0
    for _ in range(TRIES_MAX):
        request = asked(one, now_s)
        one.on_failure(now_s)
        assert one.next_request(now_s + 0.2) is None
        now_s += 60.0
    assert request.purpose == "gaps"
    assert (one.counts.failed, one.counts.gave_up) == (TRIES_MAX, 1)
    assert one.next_request(now_s) is None


def test_without_any_id_it_goes_on_from_what_klines_have_shown() -> None:
    one = recovery()
    one.on_stream_change(False, 5.0)
    one.on_stream_change(True, 6.0)
    request = asked(one, 6.0 + QUIET_S)
    assert (request.purpose, request.start_ms) == ("since", START_MS + 1 - MARGINS_MS[0])
    one.on_result(request, trades(1, 4), 7.5)
    assert one.trade_gaps.next_id == 5
    found = candle(one)
    assert (found.is_exact, found.trades) == (True, 4)


def test_what_was_stored_goes_on_only_from_trades_that_join_it() -> None:
    one = recovery(is_live=False)
    one.resume(ResumePoint({}, last_id=1, since_ms=START_MS))
    one.on_stream_change(True, 1.0)
    request = asked(one, 3.0)
    one.on_result(request, trades(5, 6), 3.1)
    again = asked(one, 3.2)
    assert again.start_ms == START_MS - MARGINS_MS[1]
    one.on_result(again, trades(5, 6), 3.3)
    assert one.counts.gave_up == 1
    assert one.market.trade_id == -1


def test_a_series_without_an_exact_candle_is_read_again_but_not_often() -> None:
    market = SymbolBuilder("BTCUSDT", [parse_series("BTCUSDT", "1m")])
    one = MarketRecovery("BTCUSDT", market, RecoveryCounts(), 0.0)
    one.on_stream_change(True, 0.0)
    one.on_trade(trade(1), 0.0)
    one.check(0.0, START_MS)
    assert one.next_request(KLINE_PATIENCE_S - 0.1) is None
    request = asked(one, KLINE_PATIENCE_S)
    assert (request.purpose, request.interval) == ("candle", "1m")
    one.on_result(request, [], KLINE_PATIENCE_S)
    one.check(KLINE_PATIENCE_S, START_MS)
    assert one.next_request(KLINE_PATIENCE_S + KLINE_PAUSE_S - 0.1) is None
    one.check(KLINE_PATIENCE_S + KLINE_PAUSE_S, START_MS)
    one.on_result(asked(one, KLINE_PATIENCE_S + KLINE_PAUSE_S), [kline(7, 7)], 40.0)
    one.check(41.0, START_MS)
    assert one.next_request(100.0) is None


def test_a_page_with_an_odd_row_gives_its_trades_and_leaves_the_rest_open() -> None:
    """The row of trade 4 cannot be read: 2, 3, 5 and 6 are known, 4 is asked for once more."""
    one = recovery(trade(1), trade(7))
    request = asked(one, 2.0)
    assert (request.from_id, request.limit) == (1, 6)
    one.on_partial_result(request, [*trades(1, 3), *trades(5, 6)], 2.0)
    assert [(gap.first, gap.last) for gap in one.trade_gaps.gaps] == [(4, 4)]
    assert one.next_request(2.1) is None
    again = asked(one, 4.0)
    assert (again.purpose, again.from_id, again.limit) == ("gaps", 3, 2)
    one.on_result(again, trades(3, 4), 4.0)
    assert one.missing(5.0) is None
    found = candle(one)
    assert (found.is_exact, found.trades) == (True, 7)


def test_a_row_that_stays_odd_is_given_up_after_a_few_tries_and_nothing_is_called_exact() -> None:
    one = recovery(trade(1), trade(3))
    now_s = 2.0
    for _ in range(ODD_TRIES_MAX):
        one.on_partial_result(asked(one, now_s), [], now_s)
        now_s += 5.0
    assert one.missing(now_s) is None
    assert not candle(one).is_exact
    assert one.counts.gave_up == 1


def test_an_odd_row_at_the_end_never_proves_that_nothing_else_traded() -> None:
    one = recovery(trade(1))
    one.on_stream_change(False, 5.0)
    one.on_stream_change(True, 6.0)
    now_s, asks = 8.0, 0
    for step in range(600):
        if request := one.next_request(now_s + step / 10):
            one.on_asked(request, now_s + step / 10)
            one.on_partial_result(request, trades(2, 2), now_s + step / 10)
            asks += 1
    assert one.is_tail_uncertain and not candle(one).is_exact
    assert 3 <= asks <= 10
    come(one, [trade(3)], 70.0)
    assert one.missing(70.0) is None


def test_what_was_stored_goes_on_from_a_page_with_an_odd_row_only_if_it_joins() -> None:
    for first_id, is_joined in ((3, True), (9, False)):
        one = recovery(is_live=False)
        one.resume(ResumePoint({}, last_id=2, since_ms=START_MS))
        one.on_stream_change(True, 0.0)
        request = asked(one, 5.0)
        assert request.purpose == "since"
        one.on_partial_result(request, trades(first_id, first_id + 1), 5.0)
        assert (one.trade_gaps.next_id == first_id + 2) == is_joined
