"""The trades that are kept of a market: one run without a hole, written by who leads alone.

Never here: which trades come when (`tests/feed/test_trade_publisher.py`).
Invariant: a real Redis, and a listener on the market's channel.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from redis import Redis
from redis.client import PubSub

from tests.support.sample_trades import START_MS, aggregate
from truecandle.candles.trades import Trade
from truecandle.errors import StoreError
from truecandle.store import agg_trades, keys, lease
from truecandle.store.agg_trades import FENCED, TradeRow, row_of, rows_of
from truecandle.store.channel import Channel, trades_suffix

BTC = "BTCUSDT"
KEY = keys.agg_trades(BTC)


@pytest.fixture
def heard(redis: Redis) -> Iterator[PubSub]:
    name = Channel(redis).name()
    pubsub = redis.pubsub(ignore_subscribe_messages=True)
    pubsub.subscribe(name + trades_suffix(BTC))
    pubsub.get_message(timeout=20)
    yield pubsub
    pubsub.close()


def told(heard: PubSub) -> list[list[int]]:
    """The ids of each message."""
    found = []
    while message := heard.get_message(timeout=0.2):
        found.append([row.agg_id for row in rows_of(message["data"])])
    return found


def keep(redis: Redis, *trades: Trade, kept: int = 100, fence: int = 5, symbol: str = BTC) -> int:
    rows = {symbol: [row_of(trade) for trade in trades]}
    return agg_trades.keep(redis, rows, kept, {symbol: fence})[symbol]


def ids(redis: Redis) -> list[int]:
    return [row.agg_id for row in agg_trades.read_newest(redis, BTC, 10_000).rows]


def numbers(*numbers: int) -> list[Trade]:
    return [aggregate(number) for number in numbers]


def test_each_trade_is_kept_and_published_once_and_the_newest_stay(
    redis: Redis, heard: PubSub
) -> None:
    assert keep(redis, *numbers(0, 1, 2)) == 3
    assert keep(redis, *numbers(0, 1, 2)) == 0, "said again, as after a lost answer"
    assert keep(redis, *numbers(1, 2, 3, 4)) == 2
    assert told(heard) == [[0, 1, 2], [3, 4]]
    assert 0 < redis.ttl(KEY) <= keys.TRADES_TTL_S
    assert keep(redis, *numbers(*range(5, 40)), kept=10) == 35
    assert ids(redis) == list(range(30, 40))
    first = agg_trades.read_from(redis, BTC, 0, 1).rows[0]
    assert first == TradeRow(
        30, "100.25", "1.5", 300, 301, START_MS + 30_000, START_MS + 30_003, False
    )


def test_behind_a_hole_and_where_ids_begin_anew_what_is_kept_begins_anew(
    redis: Redis, heard: PubSub
) -> None:
    keep(redis, *numbers(1, 2, 3))
    assert keep(redis, *numbers(3, 4, 7, 8)) == 3
    assert ids(redis) == [7, 8]
    assert keep(redis, aggregate(2, 10**7), aggregate(3, 10**7)) == 2
    assert ids(redis) == [2, 3]
    assert told(heard) == [[1, 2, 3], [4, 7, 8], [2, 3]]


def test_who_leads_no_more_writes_nothing_and_one_damaged_market_spoils_no_other(
    redis: Redis, heard: PubSub
) -> None:
    redis.set(keys.fence(lease.of_market(BTC)), 9)
    assert keep(redis, aggregate(1), fence=8) == FENCED
    assert keep(redis, aggregate(1), fence=9) == 1
    redis.set(keys.agg_trades("ETHUSDT"), "not ours")
    rows = {"ETHUSDT": [row_of(aggregate(1))], BTC: [row_of(aggregate(2))]}
    assert agg_trades.keep(redis, rows, 10, {BTC: 9, "ETHUSDT": 9}) == {BTC: 1}
    assert set(agg_trades.newest(redis, [BTC, "ETHUSDT", "SOLUSDT"])) == {BTC}
    redis.xadd(KEY, {"other": "thing"})
    assert keep(redis, aggregate(3), fence=9) == 1, "what is none of ours gives way"
    assert ids(redis) == [3]
    with pytest.raises(StoreError):
        agg_trades.read_newest(redis, "ETHUSDT", 5)
    assert told(heard) == [[1], [2], [3]]
    for odd in (b"{}", b"[[1]]", b'[[1,"1","1",1,1,"x",1,true]]', b"no"):
        with pytest.raises(ValueError):
            rows_of(odd)


def test_trades_are_found_by_id_and_by_time(redis: Redis) -> None:
    trades = [aggregate(n, at_ms=(n // 3) * 1_000) for n in range(200, 300)]
    for first in range(0, 100, 30):
        keep(redis, *trades[first : first + 30])

    def since(at_ms: int, limit: int = 500, until_ms: int | None = None) -> list[int]:
        until = None if until_ms is None else START_MS + until_ms
        found = agg_trades.read_since(redis, BTC, START_MS + at_ms, limit, until)
        assert found.oldest and found.oldest.agg_id == 200
        return [row.agg_id for row in found.rows]

    def until(at_ms: int, limit: int = 500) -> list[int]:
        found = agg_trades.read_newest(redis, BTC, limit, START_MS + at_ms)
        return [row.agg_id for row in found.rows]

    for at_ms in range(65_000, 101_000, 500):
        expected = [one.agg_id for one in trades if one.time_ms - START_MS >= at_ms]
        assert since(at_ms) == expected, at_ms
        assert (
            since(at_ms, 4, at_ms + 1_000)
            == [one.agg_id for one in trades if at_ms <= one.time_ms - START_MS <= at_ms + 1_000][
                :4
            ]
        )
        before = [one.agg_id for one in trades if one.time_ms - START_MS <= at_ms]
        assert until(at_ms, 7) == before[-7:]
    assert agg_trades.read_from(redis, BTC, 10**19, 5).rows == []
    assert [one.agg_id for one in agg_trades.read_from(redis, BTC, 297, 5).rows] == [297, 298, 299]
    nothing = agg_trades.read_since(redis, "ETHUSDT", 5, 5)
    assert (list(nothing.rows), nothing.oldest) == ([], None)
