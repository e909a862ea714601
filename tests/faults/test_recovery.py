"""No trade is lost to a break: what the connections missed is in every candle soon after."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from redis import Redis

from tests.support.expected_candles import Truth
from tests.support.judged_feed import Watch, cut
from tests.support.role_processes import Roles
from tests.support.waiting import wait_for
from truecandle.binance.rest.client import TRADES_WEIGHT, RestClient
from truecandle.candles.candle import LiveCandle
from truecandle.candles.decimals import canonical
from truecandle.candles.interval import HOUR_MS, MINUTE_MS
from truecandle.candles.series import Series, parse_series
from truecandle.errors import RateLimited
from truecandle.feed import recovery
from truecandle.feed.market_recovery import PAGES_MAX
from truecandle.sim.clock import SimulatedClock
from truecandle.sim.listing import listings
from truecandle.sim.market import SimulatedMarket
from truecandle.sim.server import SimServer
from truecandle.sim.synthetic import SyntheticTrades
from truecandle.store import live
from truecandle.store.budget import LIMIT_PER_MINUTE, RESERVE, Budget

#: An hour that the simulated market spends trading, and soon a minute ends.
START_MS = 1_795_000_000_000 // HOUR_MS * HOUR_MS + 20 * MINUTE_MS
SPEED = 4.0


@pytest.fixture
def sim() -> Iterator[SimServer]:
    with SimServer(("BTCUSDT",), clock=SimulatedClock(START_MS + 55_000, speed=SPEED)) as server:
        yield server


def is_past(sim: SimServer, at_ms: int) -> bool:
    return sim.clock.now_ms() >= at_ms


def test_breaks_of_any_length_cost_no_trade_not_even_across_a_close(
    sim: SimServer, redis_url: str
) -> None:
    with Watch(sim, redis_url, ["BTCUSDT"], ["1s", "1m"]) as watch:
        watch.wait_until_joined()
        for lost_ms in (500, 5_000, 60_000):
            watch.wait_until_exact(cut(sim, lost_ms))
            assert watch.problems() == []
        counts = watch.recovery.counts()
    assert counts["trades"] > 50
    assert counts["gave_up"] == counts["failed"] == counts["holes"] == 0


def test_ten_disconnects_at_random_moments_cost_no_trade(sim: SimServer, redis_url: str) -> None:
    dice = random.Random(11)
    with Watch(sim, redis_url, ["BTCUSDT"], ["1s", "1m"]) as watch:
        watch.wait_until_joined()
        for _ in range(10):
            until_ms = sim.clock.now_ms() + dice.randrange(100, 2_000)
            wait_for(partial(is_past, sim, until_ms), what="a random moment")
            back_ms = cut(sim, dice.randrange(0, 4_000))
            wait_for(lambda: sim.connections == 1, what="the next connection")
        watch.wait_until_exact(back_ms)
        assert watch.problems() == []
        assert watch.recovery.counts()["gave_up"] == 0


def test_an_exchange_that_answers_badly_delays_what_is_missing_and_nothing_more(
    redis_url: str,
) -> None:
    symbols = ("BTCUSDT", "XRPUSDT", "ADAUSDT", "DOGEUSDT")
    clock = SimulatedClock(START_MS + 55_000, speed=SPEED)
    with SimServer(symbols, clock=clock) as sim, Watch(sim, redis_url, symbols, ["1m"]) as watch:
        watch.wait_until_joined()
        back_ms = cut(sim, 30_000)
        sim.faults.add("delay", path="aggTrades", symbol="BTCUSDT", ms=1_500)
        sim.faults.add("server_error", path="aggTrades", symbol="XRPUSDT", count=2)
        sim.faults.add("truncate", path="aggTrades", symbol="ADAUSDT")
        sim.faults.add("rate_limit", path="aggTrades", symbol="DOGEUSDT", retry_after="1")
        watch.wait_until_exact(back_ms)
        assert watch.problems() == []
        counts = watch.recovery.counts()
    assert counts["failed"] >= 1
    assert counts["gave_up"] == 0
    asked: list[Any] = [one for one in sim.requests() if one["path"] == "/api/v3/aggTrades"]
    assert len(asked) <= counts["asked"]
    assert {one["params"]["symbol"] for one in asked} == set(symbols)


@pytest.mark.parametrize("how", ["double", "void", "earlier", "foreign", "null", "no_list"])
def test_one_odd_row_among_the_missing_trades_costs_nothing_but_itself(
    sim: SimServer, redis_url: str, how: str
) -> None:
    """The exchange's next answer is sound; until then all but what lies beside the row is known."""
    with Watch(sim, redis_url, ["BTCUSDT"], ["1s", "1m"]) as watch:
        watch.wait_until_joined()
        back_ms = cut(sim, 5_000)
        sim.faults.add("odd_trade", path="aggTrades", how=how, count=2)
        watch.wait_until_exact(back_ms)
        assert watch.problems() == []
        counts = watch.recovery.counts()
    assert [one["kind"] for one in sim.faults.struck if one["kind"] == "odd_trade"]
    assert (counts["failed"], counts["gave_up"]) == (0, 0)
    assert counts["odd"] >= 1


def test_a_row_that_stays_odd_leaves_no_market_stale_and_no_candle_called_exact_wrongly(
    sim: SimServer, redis_url: str
) -> None:
    with Watch(sim, redis_url, ["BTCUSDT"], ["1s", "1m"]) as watch:
        watch.wait_until_joined()
        back_ms = cut(sim, 5_000)
        sim.faults.add("odd_trade", path="aggTrades", how="void", row=1, count=None)
        wait_for(lambda: watch.recovery.counts()["gave_up"], what="an odd row that is given up")
        wait_for(lambda: watch.behind("BTCUSDT") is None, 30.0, "a market that is not behind")
        sim.faults.calm()

        def is_right() -> bool:
            newest = [watch.candles(one)[-1] for one in watch.series]
            return all(one.updated_at > back_ms and one.is_exact for one in newest)

        wait_for(is_right, 30.0, "forming candles right again")
        watch.told()
        assert watch.judge.false == []


def test_a_break_of_more_than_a_few_pages_is_left_to_klines(redis_url: str) -> None:
    clock = SimulatedClock(START_MS, speed=SPEED)
    with (
        SimServer(("BTCUSDT",), clock=clock) as sim,
        Watch(sim, redis_url, ["BTCUSDT"], ["1m", "1h"]) as watch,
    ):
        watch.wait_until_exact(sim.clock.now_ms())
        joined_ms = sim.clock.now_ms()
        back_ms = cut(sim, 2 * HOUR_MS)
        minute, hour = watch.series

        def are_right() -> bool:
            newest = [watch.candles(one)[-1] for one in (minute, hour)]
            return all(one.updated_at > back_ms and one.is_exact for one in newest)

        wait_for(are_right, 30.0, "forming candles right again")
        watch.told()
        assert watch.judge.false == []
        assert watch.recovery.counts()["gave_up"] == 1
        broken = {one.open_ms: one.is_exact for one in watch.candles(hour) if one.is_complete}
        assert not broken.get(joined_ms // HOUR_MS * HOUR_MS, False)
    asked = [one for one in sim.requests() if one["path"] != "/api/v3/time"]
    # Two hours of this market are more than a dozen pages. Beside the few that are tried, a request
    # or two may be due for a close of which nothing was heard.
    weight = sum(int(str(one["weight"])) for one in asked)
    assert weight <= (PAGES_MAX + 2) * TRADES_WEIGHT


def quiet_course() -> SyntheticTrades:
    return SyntheticTrades(3, replace(*listings(["PAXGUSDT"]), orders_per_hour=4))


def test_a_quiet_market_shows_its_candle_and_a_break_in_it_is_proven_empty(redis_url: str) -> None:
    """It trades once in a quarter of an hour: no kline and no trade comes to help."""
    course = quiet_course()
    clock = SimulatedClock(START_MS)
    last = list(course.prints(START_MS - HOUR_MS, START_MS))[-1]
    clock.set(last.time_ms + 20_000)
    with (
        SimServer(market=SimulatedMarket([course], clock)) as sim,
        Watch(sim, redis_url, ["PAXGUSDT"], ["1m", "1h"]) as watch,
    ):
        watch.wait_until_exact(sim.clock.now_ms())
        for series in watch.series:
            official = sim.market.klines(series.symbol, series.interval.name, limit=1)[0]
            candle = watch.candles(series)[-1]
            assert (candle.open_ms, candle.trades) == (official.open_ms, official.trades)
            assert candle.open == canonical(official.open)
        cut(sim)
        wait_for(lambda: watch.behind("PAXGUSDT"), what="the doubt")
        watch.wait_until_exact(sim.clock.now_ms())
        hour = watch.series[1]
        doubts: list[bool] = []

        def is_told() -> bool:
            """What is stored is told a moment later."""
            doubts.extend(one.is_exact for one in watch.told() if one.open_ms == candle.open_ms)
            return bool(doubts) and doubts[-1]

        wait_for(is_told, what="the end of the doubt")
        assert False in doubts
        assert watch.candles(hour)[-1].is_exact
        assert watch.problems() == []


@pytest.mark.parametrize("loss", ["a break", "the closing klines"])
def test_a_candle_whose_close_was_not_heard_is_proven_though_nothing_trades_after_it(
    redis_url: str, loss: str
) -> None:
    course = quiet_course()
    clock = SimulatedClock(START_MS)
    last = list(course.prints(START_MS - HOUR_MS, START_MS))[-1]
    clock.set(last.time_ms - 3_000)
    with SimServer(market=SimulatedMarket([course], clock)) as sim:
        if loss == "the closing klines":
            sim.faults.add("unclosed", count=None)
        with Watch(sim, redis_url, ["PAXGUSDT"], ["1s"]) as watch:
            watch.wait_until_joined()
            if loss == "a break":
                cut(sim, 5_000)

            def is_proven() -> bool:
                seconds = {one.open_ms: one for one in watch.candles(watch.series[0])}
                closed = seconds[last.time_ms // 1000 * 1000]
                return closed.is_complete and closed.is_exact

            wait_for(is_proven, what="the proof of its end")
            assert not list(course.prints(last.time_ms + 1, sim.clock.now_ms()))
            assert watch.problems() == []


def test_a_feed_killed_at_the_close_and_started_again_has_lost_nothing(
    redis_url: str, redis: Redis, processes: Roles
) -> None:
    now_ms = SimulatedClock().now_ms()
    clock = SimulatedClock(now_ms - now_ms % MINUTE_MS + MINUTE_MS)
    with SimServer(("BTCUSDT",), clock=clock) as sim:
        env = {
            "REDIS_URL": redis_url, "BINANCE_REST_URL": sim.rest_url, "BINANCE_WS_URL": sim.ws_url,
            "SYMBOLS": "BTCUSDT", "INTERVALS": "1s,1m",
        }  # fmt: skip
        minute, second = parse_series("BTCUSDT", "1m"), parse_series("BTCUSDT", "1s")

        def held(series: Series) -> list[LiveCandle]:
            found = live.read_live(redis, series, clock.now_ms())
            return [*found.pending, *([found.forming] if found.forming else [])]

        feed = processes.start("feed", ["live_candles.py"], env)
        first = wait_for(lambda: [c for c in held(minute) if c.is_exact], what="a candle")[0]
        closes_ms = minute.interval.next_open_ms(first.open_ms)
        clock.advance_to(closes_ms - 1_500)
        wait_for(lambda: clock.now_ms() >= closes_ms, 60, "the close")
        feed.kill()
        before = [one.open_ms for one in held(second)]
        again = processes.start("feed", ["live_candles.py"], env)

        def goes_on() -> bool:
            """Exact from the kill to now: the minute that closed, and every second."""
            after = [one for one in held(second) if one.open_ms >= before[-1]]
            closed = {one.open_ms: one for one in held(minute) if one.is_complete}
            is_right = closes_ms - MINUTE_MS in closed and closed[first.open_ms].is_exact
            is_new = bool(after) and after[-1].open_ms > closes_ms + 2_000
            is_whole = is_new and len(after) == (after[-1].open_ms - before[-1]) // 1_000 + 1
            return is_right and is_whole and all(one.is_exact for one in after)

        try:
            wait_for(goes_on, 40, "exact candles from before the kill to now")
        except AssertionError as problem:
            found = [one for one in held(second) if one.open_ms >= before[-1]]
            raise AssertionError(f"{problem}: {held(minute)}, {found}, {again.output}") from None
        truth = Truth(sim.market.course("BTCUSDT"), closes_ms - HOUR_MS)
        for series in (minute, second):
            found = [one for one in held(series) if one.open_ms >= before[-1] - MINUTE_MS]
            opens = [one.open_ms for one in found]
            assert opens == list(series.interval.opens(opens[0], opens[-1] + 1))
            wrong = [truth.problem(series, one) for one in found if one.is_exact]
            assert not any(wrong)


def test_recovery_leaves_weight_to_closes_and_takes_it_before_history(
    sim: SimServer, redis: Redis
) -> None:
    budget, now_ms = Budget(redis), sim.clock.now_ms()
    budget.take(LIMIT_PER_MINUTE - recovery.RESERVE - TRADES_WEIGHT, now_ms)
    ask, close, history = (
        RestClient(sim.rest_url, budget, reserve=n, now_ms=lambda: now_ms, sleep=lambda _: None)
        for n in (recovery.RESERVE, 0, RESERVE)
    )
    with pytest.raises(RateLimited):
        history.klines("BTCUSDT", "1m", limit=1)
    assert len(ask.agg_trades("BTCUSDT", limit=5).trades) == 5
    with pytest.raises(RateLimited):
        ask.agg_trades("BTCUSDT", limit=5)
    assert len(close.klines("BTCUSDT", "1m", limit=1)) == 1


def test_the_forming_candle_comes_with_its_ids(sim: SimServer, redis: Redis) -> None:
    sim.clock.freeze()
    rest = RestClient(sim.rest_url, Budget(redis), now_ms=sim.clock.now_ms)
    for name in ("1s", "1m", "1h", "1d", "3d", "1w", "1M"):
        kline = rest.forming("BTCUSDT", name)
        (truth,) = sim.market.klines("BTCUSDT", name, limit=1)
        assert (kline.first_id, kline.last_id) == (truth.first_id, truth.last_id)
        assert (kline.open_ms, kline.trades) == (truth.open_ms, truth.trades)
        assert kline.taker_quote_volume == canonical(truth.bought_quote)
