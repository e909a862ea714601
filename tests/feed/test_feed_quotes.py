"""What trades were worth, in a market where the exchange cuts digits off: never told wrongly.

Never here: the arithmetic alone (`tests/candles/test_builder_proof.py`).
Invariant: the exchange cuts each single trade by itself, and tells its sums in klines.
"""

from __future__ import annotations

from dataclasses import replace

from tests.support.expected_candles import Truth
from tests.support.judged_feed import Watch
from tests.support.waiting import wait_for
from truecandle.candles.candle import LiveCandle
from truecandle.candles.instrument import Instrument
from truecandle.candles.interval import HOUR_MS, MINUTE_MS
from truecandle.sim.clock import SimulatedClock
from truecandle.sim.listing import listings
from truecandle.sim.market import SimulatedMarket
from truecandle.sim.server import SimServer
from truecandle.sim.synthetic import SyntheticTrades
from truecandle.store import markets

#: In the middle of an hour, and soon a minute ends.
START_MS = 1_795_000_000_000 // HOUR_MS * HOUR_MS + 20 * MINUTE_MS + 50_000
SPEED = 4.0


def busy(symbol: str) -> SyntheticTrades:
    return SyntheticTrades(5, replace(*listings([symbol]), orders_per_hour=9_000))


def test_quote_volumes_are_the_exchanges_own_or_called_unknown_and_known_once_it_is_closed(
    redis_url: str,
) -> None:
    clock = SimulatedClock(START_MS, speed=SPEED)
    course = busy("XMRBTC")
    with (
        SimServer(market=SimulatedMarket([course], clock)) as sim,
        Watch(sim, redis_url, ["XMRBTC"], ["1s", "1m"]) as watch,
    ):
        watch.wait_until_joined()
        minute, were_known = watch.series[1], set[bool]()

        def closed() -> list[LiveCandle]:
            found = [one for one in watch.candles(minute) if one.is_complete and one.is_exact]
            told = [one for one in watch.told() if one.is_exact and one.trades]
            were_known.update(one.quote_volume is not None for one in told)
            is_known = all(one.quote_volume is not None for one in found)
            return found if is_known and were_known == {True, False} else []

        found = wait_for(closed, what="a closed minute, told with and without what it was worth")
        assert watch.problems() == []
        truth = Truth(course, START_MS // HOUR_MS * HOUR_MS)
    wanted = [truth.closed(minute.interval, one.open_ms) or {} for one in found]
    assert [one.quote_volume for one in found] == [w["quote_volume"] for w in wanted]


def test_where_the_exchange_lists_steps_so_large_that_nothing_is_cut_they_are_always_known(
    redis_url: str,
) -> None:
    clock = SimulatedClock(START_MS, speed=SPEED)
    with (
        SimServer(market=SimulatedMarket([busy("ETHUSDT")], clock)) as sim,
        Watch(sim, redis_url, ["ETHUSDT"], ["1s"]) as watch,
    ):
        listing = Instrument("ETHUSDT", "TRADING", tick_size="0.01", step_size="0.0001")
        redis = watch.feeding.redis
        wait_for(lambda: markets.followed(redis), what="the market to be followed")
        markets.update(redis, [markets.FollowedMarket(listing)])
        market = next(iter(watch.feeding.feed._markets.values()))
        wait_for(lambda: market.quantity_decimals == 4, what="the listed step")
        watch.wait_until_joined()
        watch.told()
        back_ms = sim.clock.now_ms() + 10_000
        wait_for(lambda: sim.clock.now_ms() > back_ms, what="ten seconds")
        told = [one for one in watch.told() if one.is_exact]
        assert watch.problems() == []
    assert sum(one.trades for one in told) > 20
    assert all(one.quote_volume for one in told)
