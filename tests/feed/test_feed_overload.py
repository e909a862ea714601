"""More than the feed can take: what it holds is exact, what it sheds it says, and it heals."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis import Redis

from tests.support.running_feed import Listener, feed_alone, stepped
from tests.support.waiting import wait_for
from truecandle.candles.candle import LiveCandle
from truecandle.candles.series import parse_series
from truecandle.candles.trades import Kline, Trade
from truecandle.config import Settings
from truecandle.events import LIVE_PRICE
from truecandle.feed.feed import Feed
from truecandle.feed.symbol_builder import PRICES_PER_S, PriceUpdate, SymbolBuilder
from truecandle.store import live

SERIES = parse_series("BTCUSDT", "1m")
START_MS = 1_795_000_020_000


def trade(number: int, at_ms: int, price: int = 100, quantity: int = 1) -> Trade:
    time_ms = START_MS + at_ms
    return Trade("BTCUSDT", number, number, str(price), str(quantity), time_ms, time_ms, True)


def kline(last_id: int, at_ms: int) -> Kline:
    worth = str(last_id), str(100 * last_id)
    texts = "100", "100", "100", "100", *worth, *worth
    return Kline(
        "BTCUSDT", "1m", START_MS - START_MS % 60_000, *texts, last_id, 1, last_id, False,
        START_MS + at_ms,
    )  # fmt: skip


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(1, 999), st.integers(1, 999)), min_size=10,
             max_size=150),
    st.randoms(),
)  # fmt: skip
@settings(max_examples=25)
def test_however_rarely_prices_are_taken_every_extreme_and_the_exact_volume_is_told(
    drawn: list[tuple[int, int, int]], rng: random.Random
) -> None:
    """Also while Redis is away, which is when candles are taken and prices are not."""
    market, told = SymbolBuilder("BTCUSDT", [SERIES]), list[PriceUpdate]()
    at_ms, trades = 0, list[Trade]()
    for number, (gap_ms, price, quantity) in enumerate(drawn, start=1):
        at_ms += gap_ms
        trades.append(trade(number, at_ms, price, quantity))
        market.add(trades[-1])
        if rng.random() < 0.1:
            told += market.drain(at_ms / 1000, with_prices=rng.random() < 0.5).prices
    for step in range(1, 30):
        told += market.drain(at_ms / 1000 + step).prices
    check(told, trades)


def check(told: Sequence[PriceUpdate], trades: Sequence[Trade]) -> None:
    """Ids follow on from the first to the last, and each summary is the sum of its trades."""
    next_id = 1
    for one in told:
        assert one.first_id == next_id
        assert one.last_id - one.first_id + 1 == one.trades
        held = trades[one.first_id - 1 : one.last_id]
        assert one.high == max(each.amounts.price for each in held)
        assert one.low == min(each.amounts.price for each in held)
        assert one.volume == sum(each.amounts.quantity for each in held)
        assert one.price == held[-1].price
        next_id = one.last_id + 1
    assert next_id == len(trades) + 1


@pytest.fixture
def feed(redis: Redis, redis_url: str) -> Feed:
    given = Settings(redis_url=redis_url, symbols=("BTCUSDT",), intervals=("1m",))
    return feed_alone(given, redis, lambda: START_MS + 5_000, events_max=100)


def step_until(feed: Feed, redis: Redis, what: Callable[[LiveCandle], bool]) -> LiveCandle:
    """Steps until the forming candle is as it should be."""

    def found() -> LiveCandle | None:
        stepped(feed)
        held = live.read_live(redis, SERIES, START_MS + 5_000).forming
        return held if held and what(held) else None

    candle = wait_for(found)
    assert candle
    return candle


def test_what_is_shed_is_counted_and_called_incomplete_until_a_kline_heals_it(
    feed: Feed, redis: Redis
) -> None:
    feed.queue.put(kline(1, 100))
    for number in range(2, 400):
        feed.queue.put(trade(number, 1_000))
    assert (len(feed.queue), feed.queue.lost) == (100, 299)
    step_until(feed, redis, lambda held: held.last_id == 100)
    feed.queue.put(trade(400, 2_000))
    step_until(feed, redis, lambda held: not held.is_exact)
    feed.queue.put(kline(400, 2_500))
    healed = step_until(feed, redis, lambda held: held.is_exact)
    assert (healed.trades, healed.volume) == (400, "400")


def test_prices_that_redis_did_not_take_are_told_when_it_is_back(feed: Feed, redis: Redis) -> None:
    feed.queue.put(kline(0, 0))
    with Listener(redis) as listener:
        stepped(feed)
        for number in range(1, 60):
            feed.queue.put(trade(number, number * 20, price=100 + number % 7))
            if number == 20:
                feed._live_publisher.pause("a test")
            stepped(feed)

        def told() -> list[tuple[int, int]]:
            stepped(feed)
            events = [data for name, _, data in listener.read() if name == LIVE_PRICE]
            return [(one["first_id"], one["last_id"]) for one in events]

        wait_for(lambda: told() and told()[-1][1] == 59, what="the last trade")
        ids = told()
    assert ids[0][0] == 1
    assert all(first == before + 1 for (_, before), (first, _) in pairwise(ids))
    assert len(ids) <= 2 * PRICES_PER_S
    volume = sum(Decimal(d["volume"]) for name, _, d in listener.events if name == LIVE_PRICE)
    assert volume == 59
