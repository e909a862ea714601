"""The feed passes trades on: all that the exchange had, in order, once, whatever breaks on the way.

Never here: the order by itself (`test_trade_sequence`), what the store does with them
(`tests/store/test_agg_trades.py`).
Invariant: real feeds on a simulated exchange and a real Redis; what was published is compared with
what traded.
"""

from __future__ import annotations

from contextlib import ExitStack

import pytest
from redis import Redis
from redis.client import PubSub

from tests.support.loopback_ports import free_port
from tests.support.running_feed import Feeding, feed_alone, stepped
from tests.support.sample_trades import START_MS, aggregate
from tests.support.waiting import wait_for
from truecandle.candles.series import parse_series
from truecandle.config import Settings
from truecandle.feed import trade_sequence
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
KEPT = 300


class PublishedTrades:
    """All trades that were published, in order."""

    def __init__(self, redis: Redis) -> None:
        self.rows: list[TradeRow] = []
        self.pubsub: PubSub = redis.pubsub(ignore_subscribe_messages=True)
        self.pubsub.subscribe(Channel(redis).name() + trades_suffix(BTC))
        self.pubsub.get_message(timeout=20)

    def more(self, count: int) -> None:
        """Waits for so many more."""
        target = len(self.rows) + count
        wait_for(lambda: len(self.read()) >= target, what=f"{count} more trades")

    def read(self) -> list[TradeRow]:
        while message := self.pubsub.get_message(timeout=0.0):
            self.rows += rows_of(message["data"])
        return self.rows


def test_every_trade_is_published_once_through_a_broken_stream_and_a_takeover(
    redis: Redis, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trade_sequence, "HOLD_S", 120.0)  # however busy the machine is
    with (
        SimServer([BTC], clock=SimulatedClock(speed=10.0)) as sim,
        ExitStack() as first,
        ExitStack() as second,
    ):
        tape = PublishedTrades(redis)
        leader = first.enter_context(Feeding(sim, redis_url, [BTC], ["1s"], KEPT))
        tape.more(20)
        sim.faults.add("drop", code=None)
        wait_for(lambda: leader.streams.counts()["failures"], what="a broken stream")
        tape.more(40)
        other = second.enter_context(Feeding(sim, redis_url, [BTC], ["1s"], KEPT))
        wait_for(lambda: other.feed._markets[BTC].trade_ms, what="trades in the other feed")
        tape.more(20)
        first.close()
        tape.more(40)
        second.close()
        with Feeding(sim, redis_url, [BTC], ["1s"], KEPT):  # nobody was there in between
            tape.more(20)
        found = tape.read()
        course = sim.market.course(BTC)
        ids = [row.agg_id for row in found]
        assert ids == list(range(ids[0], ids[0] + len(ids))), "in order, each once, without a hole"
        expected = course.prints_from(ids[0], len(ids), sim.clock.now_ms())
        told = [(row.agg_id, row.first_id, row.last_id, row.time_ms, row.is_maker) for row in found]
        assert told == [
            (one.id, one.first_id, one.last_id, one.time_ms, one.sell) for one in expected
        ]
        kept = agg_trades.read_newest(redis, BTC, 10_000).rows
        assert list(kept) == found[-KEPT:]
        assert leader.feed._detail()["passed_on"] == {
            "published": leader.feed._trade_publisher._published,
            "fenced": 0, "waiting": 0, "dropped": 0, "holes": 0,
        }  # fmt: skip
    tape.pubsub.close()


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
    assert not publisher.is_due(1.0 + PAUSE_S - 0.01) and publisher.is_due(1.0 + PAUSE_S)
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
    publisher.step(3.0, {BTC: 9})
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
