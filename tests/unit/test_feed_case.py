"""What is asked of the exchange after a break, when, and what follows from the answer."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from truecandle.candles.candle import LiveCandle
from truecandle.candles.series import parse_series
from truecandle.candles.trades import Kline, Trade
from truecandle.feed import reread
from truecandle.feed.backoff import ODD_TRIES_MAX, TRIES_MAX
from truecandle.feed.case import LATE_S, PAGES_MAX, QUIET_S, Case
from truecandle.feed.closing import OVERDUE_MS, PAUSE_MAX_S, PAUSE_S, Closing
from truecandle.feed.errand import PAGE, Counts, Errand
from truecandle.feed.market import Market
from truecandle.feed.past import MARGINS_MS, Past
from truecandle.feed.reread import PATIENCE_S

START_MS = 1_795_000_020_000


def trade(number: int, at_ms: int = 0) -> Trade:
    time_ms = START_MS + (at_ms or number)
    return Trade("BTCUSDT", number, number, "5", "1", time_ms, time_ms, True, number)


def trades(first: int, last: int) -> list[Trade]:
    return [trade(number) for number in range(first, last + 1)]


def kline(last_id: int, count: int = 1) -> Kline:
    first_id = last_id - count + 1 if count else -1
    return Kline(
        "BTCUSDT", "1m", START_MS, "5", "5", "5", "5", f"{count}", f"{5 * count}", f"{count}",
        f"{5 * count}", count, first_id, last_id if count else -1, False, START_MS + 1,
    )  # fmt: skip


def case(*seen: Trade, is_live: bool = True) -> Case:
    """A market of 1m whose first trade is 1, as a kline has shown; since 0 s."""
    market = Market("BTCUSDT", [parse_series("BTCUSDT", "1m")])
    one = Case("BTCUSDT", market, Counts(), 0.0)
    if is_live:
        one.change(True, 0.0)
    market.add(kline(1))
    come(one, seen)
    return one


def come(one: Case, seen: Sequence[Trade], now_s: float = 1.0) -> None:
    for event in seen:
        one.market.add(event)
        one.see(event, now_s)


def candle(one: Case) -> LiveCandle:
    """The newest candle as it would be told now."""
    ((_, found),) = one.market.take(1e9).candles[-1:]
    return found


def asked(one: Case, now_s: float) -> Errand:
    errand = one.next(now_s)
    assert errand
    one.ask(errand, now_s)
    return errand


def test_a_hole_is_asked_for_once_what_is_late_is_not_late_any_more() -> None:
    one = case(trade(1), trade(2), trade(6))
    assert one.next(1.0 + LATE_S - 0.01) is None
    assert one.behind(1.0 + LATE_S - 0.01) is None
    errand = asked(one, 1.0 + LATE_S)
    assert (errand.purpose, errand.from_id, errand.limit) == ("holes", 2, 4)
    assert one.behind(1.0 + LATE_S)
    one.answer(errand, trades(2, 5), 2.0)
    assert one.next(2.0) is None
    assert one.behind(9.0) is None
    found = candle(one)
    assert (found.is_exact, found.trades) == (True, 6)
    assert one.counts.trades == 4


def test_many_holes_are_asked_for_on_one_page() -> None:
    one = case(trade(1), trade(3), trade(900), trade(2000))
    errand = asked(one, 2.0)
    assert (errand.from_id, errand.limit) == (1, PAGE)
    one.answer(errand, trades(1, 1000), 2.0)
    errand = asked(one, 2.1)
    assert (errand.from_id, errand.limit) == (1001, 999)


def test_what_a_break_has_lost_is_asked_for_at_once() -> None:
    one = case(trade(1), trade(2))
    one.change(False, 5.0)
    one.change(True, 6.0)
    errand = asked(one, 6.0)
    assert (errand.purpose, errand.from_id) == ("tail", 2)
    one.answer(errand, trades(2, 5), 6.1)
    come(one, [trade(9)], 6.2)
    errand = asked(one, 6.2)
    assert (errand.purpose, errand.from_id, errand.limit) == ("holes", 5, 4)


def test_after_a_break_an_answer_without_a_later_trade_lifts_the_doubt_a_moment_later() -> None:
    one = case(trade(1), trade(2))
    one.change(False, 5.0)
    assert not candle(one).is_exact
    one.change(True, 6.0)
    one.answer(asked(one, 6.0), [trade(2)], 6.1)
    assert one.behind(6.1)
    assert one.next(6.0 + QUIET_S - 0.01) is None
    errand = asked(one, 6.0 + QUIET_S)
    assert (errand.purpose, errand.from_id) == ("tail", 2)
    one.answer(errand, [trade(2)], 7.5)
    assert candle(one).is_exact
    assert one.behind(7.5) is None


def test_an_answer_without_a_later_trade_proves_the_end_of_what_was_over_a_moment_before() -> None:
    over_ms = START_MS + 60_000 + int(QUIET_S * 1000)
    for date_ms, is_proven in ((over_ms - 1, False), (None, False), (over_ms, True)):
        one = case(trade(1), trade(2))
        one.change(False, 5.0)
        one.change(True, 6.0)
        one.answer(asked(one, 7.0), [trade(2)], 7.1, date_ms)
        found = candle(one)
        assert (found.is_complete, found.is_exact) == (is_proven, True)


def test_a_clock_of_ours_that_runs_ahead_proves_no_end() -> None:
    one = case(trade(1), trade(2))
    one.look(10.0, START_MS + 10_000 + 3_600_000)
    errand = asked(one, 10.0)
    assert errand.purpose == "tail"
    one.answer(errand, [trade(2)], 10.1, START_MS + 10_000)
    come(one, [trade(3, 20_000)], 20.0)
    found = candle(one)
    assert (found.trades, found.is_complete, found.is_exact) == (3, False, True)


def test_where_nothing_is_heard_of_a_close_the_exchange_is_asked_and_that_proves_it() -> None:
    one = case(trade(1), trade(2))
    due_ms = START_MS + 60_000 + OVERDUE_MS
    one.look(61.0, due_ms - 1)
    assert one.next(61.0) is None
    one.look(61.5, due_ms)
    errand = one.next(61.5)
    assert errand
    assert (errand.purpose, errand.from_id) == ("tail", 2)
    one.ask(errand, 61.5)
    one.answer(errand, [trade(2), trade(3, 59_000)], 61.6, START_MS + 61_000)
    found = candle(one)
    assert (found.trades, found.is_complete, found.is_exact) == (3, True, True)
    one.look(62.0, due_ms + 500)
    assert one.next(63.5) is None


def test_what_closes_while_the_streams_are_away_is_proven_and_what_forms_stays_in_doubt() -> None:
    one = case(trade(1), trade(2))
    one.change(False, 5.0)
    due_ms = START_MS + 60_000 + OVERDUE_MS
    one.look(70.0, due_ms)
    errand = asked(one, 70.0)
    assert errand.purpose == "tail"
    one.answer(errand, [trade(2), trade(3, 59_000)], 70.1, START_MS + 70_000)
    found = candle(one)
    assert (found.trades, found.is_complete, found.is_exact) == (3, True, True)
    one.look(132.0, due_ms + 60_000)
    told = [trade(3, 59_000), trade(4, 120_500)]
    one.answer(asked(one, 132.0), told, 132.1, START_MS + 132_000)
    found = candle(one)
    assert (found.trades, found.is_complete, found.is_exact) == (1, False, False)


def test_a_close_of_which_nothing_can_be_learned_is_asked_about_ever_more_rarely() -> None:
    closing = Closing()
    asked_s: list[float] = []
    for now_s in range(40_000):
        closing.look(True)
        if closing.is_due(now_s):
            closing.asked(now_s)
            asked_s.append(now_s)
    pauses = [later - before for before, later in pairwise(asked_s)]
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[20]) == (PAUSE_S, PAUSE_MAX_S)
    assert len(pauses) > 1_100
    closing.traded()
    closing.look(True)
    assert closing.is_due(40_000)
    closing.asked(40_000)
    closing.look(True)
    assert closing.is_due(40_000 + PAUSE_S)


def test_an_answer_proves_nothing_if_the_stream_broke_again_meanwhile() -> None:
    one = case(trade(1), trade(2))
    one.change(False, 5.0)
    one.change(True, 6.0)
    errand = asked(one, 8.0)
    one.change(False, 8.1)
    one.answer(errand, [trade(2)], 8.2)
    assert not candle(one).is_exact
    assert one.behind(8.2)


def test_a_break_of_too_many_trades_is_given_up_at_once() -> None:
    one = case(trade(1), trade(2 + PAGES_MAX * PAGE + 1))
    assert one.next(2.0) is None
    assert (one.counts.gave_up, one.trail.holes) == (1, [])


def test_a_tail_without_end_is_given_up_after_its_pages() -> None:
    one = case(trade(1))
    one.change(False, 5.0)
    one.change(True, 6.0)
    for _ in range(PAGES_MAX):
        errand = asked(one, 8.0)
        assert errand.from_id
        one.answer(errand, trades(errand.from_id, errand.from_id + PAGE - 1), 8.0)
    assert (one.counts.gave_up, one.trail.next_id) == (1, None)
    assert asked(one, 20.0).purpose == "newest"


def test_failures_are_tried_again_later_and_not_for_ever() -> None:
    one = case(trade(1), trade(5))
    now_s = 2.0
    for _ in range(TRIES_MAX):
        errand = asked(one, now_s)
        one.fail(now_s)
        assert one.next(now_s + 0.2) is None
        now_s += 60.0
    assert errand.purpose == "holes"
    assert (one.counts.failed, one.counts.gave_up) == (TRIES_MAX, 1)
    assert one.next(now_s) is None


def test_without_any_id_it_goes_on_from_what_klines_have_shown() -> None:
    one = case()
    one.change(False, 5.0)
    one.change(True, 6.0)
    errand = asked(one, 6.0 + QUIET_S)
    assert (errand.purpose, errand.start_ms) == ("since", START_MS + 1 - MARGINS_MS[0])
    one.answer(errand, trades(1, 4), 7.5)
    assert one.trail.next_id == 5
    found = candle(one)
    assert (found.is_exact, found.trades) == (True, 4)


def test_what_was_stored_goes_on_only_from_trades_that_join_it() -> None:
    one = case(is_live=False)
    one.remember(Past({}, last_id=1, since_ms=START_MS))
    one.change(True, 1.0)
    errand = asked(one, 3.0)
    one.answer(errand, trades(5, 6), 3.1)
    again = asked(one, 3.2)
    assert again.start_ms == START_MS - MARGINS_MS[1]
    one.answer(again, trades(5, 6), 3.3)
    assert one.counts.gave_up == 1
    assert one.market.trade_id == -1


def test_a_series_without_an_exact_candle_is_read_again_but_not_often() -> None:
    market = Market("BTCUSDT", [parse_series("BTCUSDT", "1m")])
    one = Case("BTCUSDT", market, Counts(), 0.0)
    one.change(True, 0.0)
    one.see(trade(1), 0.0)
    one.look(0.0, START_MS)
    assert one.next(PATIENCE_S - 0.1) is None
    errand = asked(one, PATIENCE_S)
    assert (errand.purpose, errand.interval) == ("candle", "1m")
    one.answer(errand, [], PATIENCE_S)
    one.look(PATIENCE_S, START_MS)
    assert one.next(PATIENCE_S + reread.PAUSE_S - 0.1) is None
    one.look(PATIENCE_S + reread.PAUSE_S, START_MS)
    one.answer(asked(one, PATIENCE_S + reread.PAUSE_S), [kline(7, 7)], 40.0)
    one.look(41.0, START_MS)
    assert one.next(100.0) is None


def test_a_page_with_an_odd_row_gives_its_trades_and_leaves_the_rest_open() -> None:
    """The row of trade 4 cannot be read: 2, 3, 5 and 6 are known, 4 is asked for once more."""
    one = case(trade(1), trade(7))
    errand = asked(one, 2.0)
    assert (errand.from_id, errand.limit) == (1, 6)
    one.answer_in_part(errand, [*trades(1, 3), *trades(5, 6)], 2.0)
    assert [(hole.first, hole.last) for hole in one.trail.holes] == [(4, 4)]
    assert one.next(2.1) is None
    again = asked(one, 4.0)
    assert (again.purpose, again.from_id, again.limit) == ("holes", 3, 2)
    one.answer(again, trades(3, 4), 4.0)
    assert one.behind(5.0) is None
    found = candle(one)
    assert (found.is_exact, found.trades) == (True, 7)


def test_a_row_that_stays_odd_is_given_up_after_a_few_tries_and_nothing_is_called_exact() -> None:
    one = case(trade(1), trade(3))
    now_s = 2.0
    for _ in range(ODD_TRIES_MAX):
        one.answer_in_part(asked(one, now_s), [], now_s)
        now_s += 5.0
    assert one.behind(now_s) is None
    assert not candle(one).is_exact
    assert one.counts.gave_up == 1


def test_an_odd_row_at_the_end_never_proves_that_nothing_else_traded() -> None:
    one = case(trade(1))
    one.change(False, 5.0)
    one.change(True, 6.0)
    now_s, asks = 8.0, 0
    for step in range(600):
        if errand := one.next(now_s + step / 10):
            one.ask(errand, now_s + step / 10)
            one.answer_in_part(errand, trades(2, 2), now_s + step / 10)
            asks += 1
    assert one.is_open and not candle(one).is_exact
    assert 3 <= asks <= 10
    come(one, [trade(3)], 70.0)
    assert one.behind(70.0) is None


def test_what_was_stored_goes_on_from_a_page_with_an_odd_row_only_if_it_joins() -> None:
    for first_id, is_joined in ((3, True), (9, False)):
        one = case(is_live=False)
        one.remember(Past({}, last_id=2, since_ms=START_MS))
        one.change(True, 0.0)
        errand = asked(one, 5.0)
        assert errand.purpose == "since"
        one.answer_in_part(errand, trades(first_id, first_id + 1), 5.0)
        assert (one.trail.next_id == first_id + 2) == is_joined
