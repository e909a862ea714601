"""Two feeds at one Redis, step by step: who publishes a market, and what on a change."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from redis import Redis

from tests.support.running_feed import Listener, feed_alone, stepped
from tests.support.signs_of_life import spoke
from tests.support.waiting import wait_for
from truecandle.candles.candle import LiveCandle
from truecandle.candles.series import parse_series
from truecandle.candles.trades import Trade
from truecandle.config import Settings
from truecandle.events import LIVE_CANDLE, LIVE_PRICE, Publisher
from truecandle.feed.feed import Feed
from truecandle.feed.live_publisher import LivePublisher
from truecandle.feed.market_leadership import TTL_MS, MarketLeadership
from truecandle.store import live, roles
from truecandle.store.lease import Leases, of_market

SYMBOLS = ("BTCUSDT", "ETHUSDT")
SERIES = [parse_series(symbol, name) for symbol in SYMBOLS for name in ("1m", "1h")]
#: In the middle of a minute.
NOW_MS = 1_795_000_030_000


class Ticker:
    """The same trades for every feed."""

    def __init__(self, *feeds: Feed) -> None:
        self.feeds = feeds
        self.last_id = 0

    def trade(self, at_ms: int = NOW_MS, *, feeds: tuple[Feed, ...] | None = None) -> None:
        """The next trade of every market, and a step of those feeds."""
        self.last_id += 1
        for symbol in SYMBOLS:
            event = Trade(symbol, self.last_id, self.last_id, "100", "1", at_ms, at_ms, True)
            for feed in self.feeds:
                feed.queue.put(event)
        for feed in feeds or self.feeds:
            stepped(feed)


def feed_on(redis: Redis, redis_url: str) -> Feed:
    settings = Settings(redis_url=redis_url, symbols=SYMBOLS, intervals=("1m", "1h"))
    return feed_alone(settings, redis, lambda: NOW_MS)


@pytest.fixture
def two(redis: Redis, redis_url: str) -> Iterator[tuple[Feed, Feed]]:
    feeds = feed_on(redis, redis_url), feed_on(redis, redis_url)
    for feed in feeds:
        stepped(feed)
    yield feeds


def leads(feed: Feed) -> set[str]:
    return set(feed.leadership.fences(SYMBOLS))


def forming(redis: Redis) -> list[LiveCandle | None]:
    return [live.read_live(redis, series, NOW_MS).forming for series in SERIES]


def step_until(what: Any, *feeds: Feed) -> None:
    """Steps these feeds until it holds: candles joined midway wait, and pauses pass."""

    def holds() -> bool:
        for feed in feeds:
            stepped(feed)
        return bool(what())

    wait_for(holds)


def test_one_feed_leads_all_markets_and_tells_of_them_alone(
    two: tuple[Feed, Feed], redis: Redis
) -> None:
    one, other = two
    assert (leads(one), leads(other)) == (set(SYMBOLS), set())
    with Listener(redis) as listener:
        Ticker(one, other).trade()
        step_until(lambda: all(forming(redis)), one, other)
        prices = [room for event, room, _ in listener.read() if event == LIVE_PRICE]
    assert sorted(prices) == sorted(SYMBOLS)


def test_who_takes_over_stores_what_the_leader_had_not_and_tells_every_candle_at_once(
    two: tuple[Feed, Feed], redis: Redis
) -> None:
    one, other = two
    ticker = Ticker(one, other)
    ticker.trade()
    step_until(lambda: all(forming(redis)), one, other)
    ticker.trade(feeds=(other,))  # the leader has died with this trade in its queue
    assert {candle.trades for candle in forming(redis) if candle} == {1}
    one.leadership.release()
    with Listener(redis) as listener:
        step_until(lambda: leads(other) == set(SYMBOLS), other)
        step_until(lambda: {c.trades for c in forming(redis) if c} == {2}, other)

        def told() -> bool:
            events = [data for event, _, data in listener.read() if event == LIVE_CANDLE]
            newest = {(one["symbol"], one["interval"]): one["candle"]["trades"] for one in events}
            return newest == dict.fromkeys(((s.symbol, s.interval.name) for s in SERIES), 2)

        step_until(told, other)


def test_a_new_leader_tells_every_candle_though_nothing_has_traded_since(
    two: tuple[Feed, Feed], redis: Redis
) -> None:
    one, other = two
    Ticker(one, other).trade()
    step_until(lambda: all(forming(redis)), one, other)
    stored = forming(redis)
    one.leadership.release()
    with Listener(redis) as listener:
        step_until(lambda: leads(other) == set(SYMBOLS), other)
        told = [(data["symbol"], data["interval"]) for event, _, data in listener.read()
                if event == LIVE_CANDLE]  # fmt: skip
    assert {parse_series(*names) for names in told} == set(SERIES)
    assert forming(redis) == stored


def test_what_an_old_leader_has_in_hand_is_refused(redis: Redis, redis_url: str) -> None:
    old, new = (Leases(redis, holder, TTL_MS) for holder in ("old", "new"))
    name, series = of_market("BTCUSDT"), SERIES[0]
    old.hold([name])
    fences = {"BTCUSDT": old.fence(name)}
    old.release()
    new.hold([name])
    publisher = LivePublisher(redis, Publisher(redis_url), lambda: NOW_MS)
    open_ms = series.interval.open_ms(NOW_MS)
    candle, later = (
        LiveCandle(open_ms, "1", "2", "1", "2", str(n), n, "live", False, NOW_MS + n)
        for n in (1, 2)
    )
    publisher.publish([], [(series, candle)], {"BTCUSDT": new.fence(name)})
    publisher.publish([], [(series, later)], fences)
    assert publisher.fenced == 1
    assert live.read_live(redis, series, NOW_MS).forming == candle


def test_who_has_not_renewed_for_a_whole_lease_leads_no_more(redis: Redis) -> None:
    lead = MarketLeadership(redis, ttl_ms=50)
    assert lead.renew(SYMBOLS, 0.0) == set(SYMBOLS)
    assert lead.fences(SYMBOLS)
    time.sleep(0.06)
    assert not lead.fences(SYMBOLS)


def test_a_market_left_is_given_up(redis: Redis) -> None:
    one, other = MarketLeadership(redis), MarketLeadership(redis)
    one.renew(SYMBOLS, 0.0)
    assert not other.renew(SYMBOLS, 0.0)
    one.renew(SYMBOLS[:1], 1.0)
    assert other.renew(SYMBOLS, 1.0) == {SYMBOLS[1]}


def test_both_give_signs_of_life_beside_each_other(two: tuple[Feed, Feed], redis: Redis) -> None:
    def led() -> list[int]:
        return sorted(beat.detail["leads"] for beat in roles.each(redis, "feed").values())

    step_until(lambda: led() == [0, len(SYMBOLS)], *two)
    assert roles.each(redis, "feed").keys() == {feed.leadership.holder for feed in two}
    assert "feed" in roles.heartbeats(redis)
    roles.leave(redis, "feed", two[0].leadership.holder)
    assert roles.each(redis, "feed").keys() == {two[1].leadership.holder}


def test_who_was_silent_for_long_is_forgotten_when_another_gives_a_sign(redis: Redis) -> None:
    spoke(redis, "feed@gone", roles.FORGOTTEN_MS + 1_000)
    spoke(redis, "feed@away", roles.FORGOTTEN_MS - 60_000)
    roles.heartbeat(redis, "feed", {}, "here")
    assert roles.each(redis, "feed").keys() == {"away", "here"}
