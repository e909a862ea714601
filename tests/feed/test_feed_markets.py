"""The feed while markets come and go: on the streams that run, without a new connection."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from redis import Redis

from tests.support.running_feed import Feeding
from tests.support.waiting import wait_for
from truecandle.binance.streams import pool
from truecandle.binance.streams.pool import StreamPool
from truecandle.binance.streams.status import StreamStatusChange
from truecandle.candles.instrument import Instrument
from truecandle.candles.trades import Kline, Trade
from truecandle.sim.server import SimServer
from truecandle.store import markets
from truecandle.store.markets import FollowedMarket

START = ("BTCUSDT", "ETHUSDT")


@pytest.fixture(scope="module")
def sim() -> Iterator[SimServer]:
    with SimServer((*START, "SOLUSDT", "DOGEUSDT")) as server:
        yield server


def is_moving(feeding: Feeding, symbol: str) -> bool:
    return bool(feeding.candles(symbol, "1s"))


def is_sent(sim: SimServer, symbol: str) -> bool:
    names = [name for client in list(sim.exchange.hub.clients) for name in list(client.streams)]
    return any(name.startswith(symbol) for name in names)


def wait_for_more(feeding: Feeding, count: int = 20) -> None:
    seen = feeding.streams.counts()["messages"]
    wait_for(lambda: feeding.streams.counts()["messages"] > seen + count, what="more messages")


def test_a_market_is_followed_within_seconds_and_the_others_stay_connected(
    sim: SimServer, redis: Redis, redis_url: str
) -> None:
    with Feeding(sim, redis_url, START, ("1s", "1m")) as feeding:
        wait_for(lambda: all(is_moving(feeding, one) for one in START), 15, "the first candles")
        markets.follow(redis, FollowedMarket(Instrument("SOLUSDT", "TRADING"), 10, 10))
        wait_for(lambda: is_moving(feeding, "SOLUSDT"), 10, "the new market's candle")
        markets.unfollow(redis, "ETHUSDT")

        def is_left() -> bool:
            names = feeding.streams.connections[0].names
            return not any(name.startswith("ethusdt") for name in names)

        wait_for(is_left, 10, "the end of the market that was left")
        wait_for(lambda: not is_sent(sim, "ethusdt"), 10, "the exchange to leave it too")
        wait_for_more(feeding)  # among them the last ones that were under way
        before = feeding.streams.counts()["foreign"]
        wait_for_more(feeding)
        counts = feeding.streams.counts()
        assert (counts["connects"], counts["failures"], counts["refused"]) == (1, 0, 0)
        assert counts["foreign"] == before, "what was left is not sent any more"
        assert is_moving(feeding, "BTCUSDT")


def test_the_feed_starts_with_what_redis_says_and_not_with_the_settings(
    sim: SimServer, redis: Redis, redis_url: str
) -> None:
    markets.followed(redis, ("SOLUSDT",))
    with Feeding(sim, redis_url, START, ("1s",)) as feeding:
        wait_for(lambda: is_moving(feeding, "SOLUSDT"), 15, "the followed market's candle")
        assert [market.symbol for market in markets.followed(redis)] == ["SOLUSDT"]
        names = {name for one in feeding.streams.connections for name in one.names}
        assert names == {"solusdt@aggTrade", "solusdt@kline_1s"}


def test_streams_beyond_one_connection_get_another_and_leave_it_again(
    sim: SimServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "STREAMS_MAX", 2)
    got: list[Trade | Kline | StreamStatusChange] = []

    def symbols() -> set[str]:
        return {one.symbol for one in got if not isinstance(one, StreamStatusChange)}

    names = [f"{one}@kline_1s" for one in ("btcusdt", "ethusdt", "solusdt", "dogeusdt")]
    streams = StreamPool(sim.ws_url, names[:2], got.append)
    streams.start()
    try:
        streams.follow(names[:3])
        wait_for(lambda: symbols() >= {"BTCUSDT", "SOLUSDT"}, 15, "both")
        assert [list(one.names) for one in streams.connections] == [names[:2], names[2:3]]
        streams.follow([names[3], names[2], names[0]])
        assert [list(one.names) for one in streams.connections] == [
            [names[0], names[3]], [names[2]],
        ]  # fmt: skip
        streams.follow([names[0], names[3]])
        assert [list(one.names) for one in streams.connections] == [[names[0], names[3]]]
        wait_for(lambda: "DOGEUSDT" in symbols(), 15, "the one that took room")
        assert streams.counts()["connects"] == 2
        assert streams.is_connected
    finally:
        streams.stop()
