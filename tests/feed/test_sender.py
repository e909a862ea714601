"""What goes to Redis goes in its order, by a thread of its own, while candles are built on.

Never here: Redis that fails (`test_feed_overload`), who leads (`test_market_leadership`).
Invariant: no time is waited for; what is under way is held by an event of the test.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
from redis import Redis

from tests.support.running_feed import Listener, feed_alone, stepped
from tests.support.waiting import wait_for
from truecandle.candles.trades import Trade
from truecandle.config import Settings
from truecandle.events import LIVE_CANDLE, LIVE_PRICE
from truecandle.feed.feed import Feed
from truecandle.feed.sender import Sender

START_MS = 1_795_000_020_000
#: Nobody waits for so long.
LONG_S = 60.0


@pytest.fixture
def sender() -> Iterator[Sender]:
    one = Sender()
    yield one
    one.close()


def test_one_thing_is_done_after_the_other_and_nobody_waits(sender: Sender) -> None:
    go, done = threading.Event(), list[int]()
    sender.send(go.wait)
    results = [sender.send(done.append, number) for number in range(5)]
    assert not sender.is_idle() and not done
    go.set()
    assert [one.result(20) for one in results] == [None] * 5
    assert done == [0, 1, 2, 3, 4]
    wait_for(sender.is_idle)


def test_what_nobody_expected_is_raised_where_the_end_is_looked_at(sender: Sender) -> None:
    sender.send(lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        wait_for(sender.is_idle)
    sender.send(lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        sender.finish()


@pytest.fixture
def feed(redis: Redis, redis_url: str) -> Feed:
    given = Settings(redis_url=redis_url, symbols=("BTCUSDT",), intervals=("1m",))
    return feed_alone(given, redis, lambda: START_MS + 5_000)


@pytest.fixture
def go(feed: Feed) -> threading.Event:
    """Until this is set Redis has not answered what the feed has sent."""
    stepped(feed)
    held = threading.Event()
    feed._sender.send(held.wait)
    return held


def test_while_redis_is_slow_candles_are_built_on_and_what_is_due_is_told_together(
    feed: Feed, go: threading.Event, redis: Redis
) -> None:
    with Listener(redis) as listener:
        for number in range(1, 21):
            time_ms = START_MS + 50 * number
            feed.queue.put(Trade("BTCUSDT", number, number, "100", "1", time_ms, time_ms, True))
            feed.step(0)
        assert not len(feed.queue) and not listener.read()
        go.set()

        def told() -> list[tuple[str, int, int]]:
            stepped(feed)
            return [
                (name, data["first_id"], data["last_id"]) if name == LIVE_PRICE
                else (name, data["candle"]["first_id"], data["candle"]["last_id"])
                for name, _, data in listener.read()
            ]  # fmt: skip

        wait_for(lambda: told()[-1:] == [(LIVE_CANDLE, 1, 20)], what="the candle")
        assert told() == [(LIVE_PRICE, 1, 19), (LIVE_PRICE, 20, 20), (LIVE_CANDLE, 1, 20)]


def test_a_price_that_comes_while_redis_has_not_answered_is_told_as_soon_as_it_has(
    feed: Feed, go: threading.Event, redis: Redis
) -> None:
    with Listener(redis) as listener:
        at_ms = START_MS + 50
        feed.queue.put(Trade("BTCUSDT", 1, 1, "100", "1", at_ms, at_ms, True))
        feed._flush_s = 0.0
        feed.step(0)
        go.set()
        began_s = time.monotonic()
        while not listener.read():
            feed.step(LONG_S)
            assert time.monotonic() - began_s < LONG_S / 2, "each answer ends the wait"
            feed._sender.finish()
        assert listener.read()[0][0] == LIVE_PRICE


def test_whoever_waits_for_an_end_is_called_once_and_after_all_that_was_given(
    sender: Sender,
) -> None:
    go, called = threading.Event(), list[str]()
    sender.send(go.wait)
    last = sender.send(called.append, "done")
    sender.call_when_idle(lambda: called.append("called"))
    go.set()
    last.result(20)
    wait_for(lambda: len(called) == 2)
    sender.finish()
    assert called == ["done", "called"]
