"""The feed passes trades on: all that the exchange had, in order, once, whatever breaks on the way.

Never here: the order by itself (`test_trade_sequence`), what the store does with them
(`tests/store/test_agg_trades.py`).
Invariant: real feeds on a simulated exchange and a real Redis; what was published is compared with
what traded.
"""

from __future__ import annotations

from contextlib import ExitStack, closing
from functools import partial

import pytest
from redis import Redis
from redis.client import PubSub

from tests.support.loopback_ports import free_port
from tests.support.running_feed import Feeding, feed_alone, stepped
from tests.support.sample_trades import START_MS, aggregate
from tests.support.waiting import wait_for
from truecandle.candles.series import parse_series
from truecandle.config import Settings
from truecandle.feed import trade_publisher, trade_sequence
from truecandle.feed.feed import Feed
from truecandle.feed.live_publisher import PAUSE_S
from truecandle.feed.symbol_builder import SymbolBuilder
from truecandle.feed.trade_publisher import TradePublisher
from truecandle.sim.clock import SimulatedClock
from truecandle.sim.server import SimServer
from truecandle.store import agg_trades, connect, keys
from truecandle.store.agg_trades import TradeRow, rows_of
from truecandle.store.channel import Channel, trades_suffix
from truecandle.store.lease import of_market

BTC = "BTCUSDT"
KEPT = 5_000


class PublishedTrades:
    """All trades that were published, in order."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis
        self.rows: list[TradeRow] = []
        self.pubsub: PubSub = redis.pubsub(ignore_subscribe_messages=True)
        self.pubsub.subscribe(Channel(redis).name() + trades_suffix(BTC))
        self.pubsub.get_message(timeout=20)

    def close(self) -> None:
        self.pubsub.close()

    def more(self, count: int) -> None:
        """Waits for so many more."""
        target = len(self.rows) + count
        wait_for(lambda: len(self.read()) >= target, what=f"{count} more trades")

    def read(self) -> list[TradeRow]:
        while message := self.pubsub.get_message(timeout=0.0):
            self.rows += rows_of(message["data"])
        return self.rows

    def check(self, sim: SimServer, *, is_whole: bool) -> None:
        """Compares all that was published, now that no feed runs, with what traded."""
        newest = agg_trades.newest(self.redis, [BTC])[BTC]
        wait_for(lambda: newest in self.read(), what="the last trade that is kept")
        ids = [row.agg_id for row in self.rows]
        assert ids == sorted(set(ids)), "in order, each once"
        assert not is_whole or len(ids) == ids[-1] - ids[0] + 1, "without a hole"
        course, count = sim.market.course(BTC), ids[-1] - ids[0] + 1
        known = {one.id: one for one in course.prints_from(ids[0], count, sim.clock.now_ms())}
        for row in self.rows:
            one = known[row.agg_id]
            assert (row.first_id, row.last_id) == (one.first_id, one.last_id)
            assert (row.time_ms, row.is_maker) == (one.time_ms, one.sell)


def held_up(feed: Feed) -> bool:
    """Whether it waits for trades that are missing, or has not heard of any."""
    sequence = feed._trade_publisher._sequences[BTC]
    return bool(sequence._held) or not len(sequence) or bool(feed._trade_publisher._unread)


def test_every_trade_is_published_once_through_a_broken_stream_and_a_takeover(
    redis: Redis, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However busy the machine is: no wait ends early, and what a standby keeps lasts."""
    monkeypatch.setattr(trade_publisher, "STANDBY_MS", 3_600_000)
    patience = partial(monkeypatch.setattr, trade_sequence, "HOLD_S")
    with (
        SimServer([BTC], clock=SimulatedClock(speed=5.0)) as sim,
        closing(PublishedTrades(redis)) as told,
        ExitStack() as first,
        ExitStack() as second,
    ):
        patience(120.0)
        leader = first.enter_context(Feeding(sim, redis_url, [BTC], ["1s"], KEPT))
        told.more(15)
        sim.faults.add("drop", code=None)
        wait_for(lambda: leader.streams.counts()["failures"], what="a broken stream")
        told.more(30)
        patience(1.0)  # what traded before it came is no concern of the other
        other = second.enter_context(Feeding(sim, redis_url, [BTC], ["1s"], KEPT))
        wait_for(lambda: not held_up(other.feed), what="trades in the other feed")
        patience(120.0)
        told.more(10)
        first.close()
        told.more(30)
        second.close()
        told.check(sim, is_whole=True)
        counts = leader.feed._trade_publisher.counts()
        assert counts["published"] and counts["dropped"] == counts["holes"] == 0, counts
        patience(1.0)
        with Feeding(sim, redis_url, [BTC], ["1s"], KEPT):  # nobody was there in between
            told.more(10)
        told.check(sim, is_whole=False)
        kept = agg_trades.read_newest(redis, BTC, 10_000).rows
        assert list(kept) == told.rows[-len(kept) :], "one run without a hole"
        assert [row.agg_id for row in kept] == [*range(kept[0].agg_id, kept[-1].agg_id + 1)]


def test_while_redis_is_away_the_newest_wait_and_candles_go_on() -> None:
    away = connect(f"redis://127.0.0.1:{free_port()}/0", retries=0)
    publisher = TradePublisher(away, 5, lambda: 0)
    builder = publisher.builder(BTC, [parse_series(BTC, "1m")])
    publisher._unread.clear()
    for number in range(4):
        builder.add(aggregate(number))
    publisher.step(0.0, {BTC: 1})
    for number in range(4, 8):
        builder.add(aggregate(number))
    publisher.finish()
    publisher.step(1.0, {BTC: 1})
    assert publisher.due_s == 1.0 + PAUSE_S
    assert publisher.counts()["dropped"] == 3 and publisher.counts()["waiting"] == 5
    publisher.close(2.0 + PAUSE_S, {})
    away.close()


def test_who_was_shut_out_publishes_nothing_and_without_the_setting_nobody_does(
    redis: Redis, redis_url: str
) -> None:
    redis.set(keys.fence(of_market(BTC)), 9)
    publisher = TradePublisher(redis, 5, lambda: 0)
    builder = publisher.builder(BTC, [parse_series(BTC, "1m")])
    for now_s in (0.0, 1.0, 2.0):
        builder.add(aggregate(int(now_s)))
        publisher.step(now_s, {BTC: 8})
        publisher.finish()
    redis.set(keys.agg_trades(BTC), "not ours")
    builder.add(aggregate(3))
    for now_s in (3.0, 3.5):  # it is asked first how far the feed before has told
        publisher.step(now_s, {BTC: 9})
        publisher.finish()
    publisher.close(4.0, {})
    assert publisher.counts() == {
        "published": 0, "fenced": 3, "waiting": 0, "dropped": 1, "holes": 0
    }  # fmt: skip
    feed = feed_alone(Settings(redis_url=redis_url, symbols=(BTC,)), redis, lambda: START_MS)
    feed.queue.put(aggregate(1))
    stepped(feed)
    assert type(feed._markets[BTC]) is SymbolBuilder and feed._detail()["passed_on"] == {}
    assert redis.get(keys.agg_trades(BTC)) == b"not ours"
