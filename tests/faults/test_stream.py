"""What can go wrong between the exchange and the forming candle, and what happens then."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from redis import Redis

from tests.support.loopback_ports import free_port
from tests.support.redis_server import RedisProc
from tests.support.running_feed import Feeding, values
from tests.support.stream_reader import NAMES, Reading
from tests.support.waiting import wait_for
from truecandle.binance.streams.messages import kline_stream, trade_stream
from truecandle.candles.candle import LiveCandle
from truecandle.candles.trades import Trade
from truecandle.sim.clock import SimulatedClock
from truecandle.sim.server import SimServer
from truecandle.sim.stream_publisher import PingPace

#: Twenty seconds of the exchange pass in one.
SPEED = 20.0


@pytest.fixture
def sim() -> Iterator[SimServer]:
    with SimServer(["BTCUSDT"], clock=SimulatedClock(speed=SPEED)) as server:
        yield server


@pytest.mark.parametrize("code", [1001, 1008, None], ids=["closed", "refused", "reset"])
def test_a_lost_connection_is_made_again(sim: SimServer, code: int | None) -> None:
    with Reading(sim.ws_url) as reading:
        reading.wait_for_more()
        sim.faults.add("drop", code=code)
        reading.wait_for_count("connects", 2)
        reading.wait_for_more()


def test_a_market_beyond_ascii_goes_live_and_stays_so() -> None:
    """Through the exchange's own list of what is subscribed, too, which is asked for meanwhile."""
    symbol = "币安人生USDT"
    names = (trade_stream(symbol), kline_stream(symbol, "1s"))
    with (
        SimServer([symbol], clock=SimulatedClock(speed=SPEED)) as sim,
        Reading(sim.ws_url, names, check_s=0.3) as reading,
    ):
        reading.wait_for_more(40)
        assert [reading.told(name) for name in names] == [[True], [True]]
        assert reading.is_all_live()


def test_pings_are_answered() -> None:
    pace = PingPace(ping_s=0.3, pong_max_s=2.0)
    with (
        SimServer(["BTCUSDT"], clock=SimulatedClock(speed=SPEED), pace=pace) as sim,
        Reading(sim.ws_url) as reading,
    ):
        reading.wait_for_more()
        started_s = time.monotonic()
        wait_for(lambda: time.monotonic() - started_s > 4, what="four seconds of pings")
        assert (reading.count("connects"), reading.count("failures")) == (1, 0)


@pytest.mark.parametrize("abort", [False, True], ids=["with an answer", "without one"])
def test_refused_connections_are_tried_again_until_one_is_accepted(
    sim: SimServer, abort: bool
) -> None:
    sim.faults.add("refuse", count=2, abort=abort)
    with Reading(sim.ws_url) as reading:
        reading.wait_for_more()
        assert (reading.count("failures"), reading.count("connects")) == (2, 1)


def test_an_exchange_that_is_down_at_the_start_is_found_when_it_comes() -> None:
    port = free_port()
    with Reading(f"ws://127.0.0.1:{port}") as reading:
        reading.wait_for_count("failures", 1)
        with SimServer(["BTCUSDT"], clock=SimulatedClock(speed=SPEED), port=port):
            reading.wait_for_more()


def test_broken_messages_are_dropped_and_counted_and_the_connection_is_kept(
    sim: SimServer,
) -> None:
    with Reading(sim.ws_url) as reading:
        reading.wait_for_more()
        for number, text in enumerate(('{"e":"aggTrade"}', "[]", '{"e":"trade",'), start=1):
            sim.faults.add("malformed", text=text)
            reading.wait_for_count("malformed", number)
        reading.wait_for_more()
        assert reading.count("connects") == 1


def test_a_message_of_more_than_a_megabyte_is_refused_and_the_connection_made_again(
    sim: SimServer,
) -> None:
    with Reading(sim.ws_url) as reading:
        reading.wait_for_more()
        sim.faults.add("oversized", kb=1100)
        reading.wait_for_count("connects", 2)
        reading.wait_for_more()
        assert reading.count("malformed") == 1


def test_messages_of_a_market_not_asked_for_are_dropped_and_counted(sim: SimServer) -> None:
    with Reading(sim.ws_url) as reading:
        sim.faults.add("foreign", count=5, symbol_sent="OTHERUSDT")
        reading.wait_for_count("foreign", 5)
        assert {event.symbol for event in reading.events} <= {"BTCUSDT"}


def test_two_thousand_streams_are_spread_over_two_connections_within_the_limits() -> None:
    """The simulated exchange ends a connection that sends more than 5 messages a second."""
    names = [*NAMES, *(trade_stream(f"X{number}USDT") for number in range(1_998))]
    with (
        SimServer(["BTCUSDT"], clock=SimulatedClock(speed=SPEED)) as sim,
        Reading(sim.ws_url, names, ping_s=0.5) as reading,
    ):
        wait_for(reading.is_all_live, what="all subscriptions")
        held = [len(client.streams) for client in list(sim.exchange.hub.clients)]
        assert held == [1_000, 1_000]
        assert (reading.count("connects"), reading.count("failures")) == (2, 0)
        reading.wait_for_more()


def test_ended_streams_leave_no_connection_behind(sim: SimServer) -> None:
    with Reading(sim.ws_url) as reading:
        reading.wait_for_more()
    wait_for(lambda: sim.connections == 0, what="the connection to end")


def closed_seconds(feeding: Feeding, count: int) -> list[LiveCandle]:
    return feeding.wait_for_closed("BTCUSDT", "1s", count)


def equals_truth(sim: SimServer, candle: LiveCandle) -> bool:
    found = sim.market.truth("BTCUSDT", "1s", candle.open_ms, candle.open_ms + 1)
    return [values(truth) for truth in found] == [values(candle)]


DAMAGE: list[tuple[str, Callable[[SimServer], object]]] = [
    ("trades told twice", lambda s: s.faults.add("repeated", chance=0.3, count=None)),
    (
        "trades out of order",
        lambda s: s.faults.add("disorder", stream="aggTrade", chance=0.3, count=None),
    ),
    ("lost trades", lambda s: s.faults.add("lose", stream="aggTrade", chance=0.3, count=None)),
    ("all trades lost", lambda s: s.faults.add("lose", stream="aggTrade", count=None)),
    ("closing klines lost", lambda s: s.faults.add("unclosed", count=None)),
    ("lost klines", lambda s: s.faults.add("lose", stream="kline", chance=0.5, count=None)),
]


@pytest.mark.parametrize("damage", [one for _, one in DAMAGE], ids=[name for name, _ in DAMAGE])
def test_closed_candles_are_right_in_spite_of(
    sim: SimServer, redis_url: str, damage: Callable[[SimServer], object]
) -> None:
    with Feeding(sim, redis_url, ["BTCUSDT"], ["1s"]) as feeding:
        closed_seconds(feeding, 2)
        damage(sim)
        candles = closed_seconds(feeding, 24)[:-2]
    assert [one for one in candles if not equals_truth(sim, one)] == []


def test_a_price_far_from_the_last_one_is_taken_as_the_exchange_says_it(
    sim: SimServer, redis_url: str
) -> None:
    """Said while the exchange is silent: what it traded meanwhile would belong to other ids."""
    with Feeding(sim, redis_url, ["BTCUSDT"], ["1h"]) as feeding:
        wait_for(lambda: feeding.candles("BTCUSDT", "1h"), what="a candle")
        sim.faults.add("silent", for_ms=60_000)

        def is_in() -> bool:
            newest = feeding.candles("BTCUSDT", "1h")[-1]
            next_id = newest.last_id + 1
            feeding.feed.queue.put(
                Trade("BTCUSDT", next_id, next_id, "999999", "1", *(newest.updated_at,) * 2, True)
            )
            return newest.high == "999999"

        wait_for(is_in, what="the outlier in the candle")


def test_no_key_is_made_for_a_market_not_followed(
    sim: SimServer, redis_url: str, redis: Redis
) -> None:
    with Feeding(sim, redis_url, ["BTCUSDT"], ["1s"]) as feeding:
        sim.faults.add("foreign", count=20, symbol_sent="OTHERUSDT")
        closed_seconds(feeding, 4)
    assert list(redis.scan_iter(match="*OTHER*")) == []


def test_candles_built_while_redis_is_away_are_stored_when_it_is_back(
    sim: SimServer, tmp_path: Path
) -> None:
    with (
        RedisProc(tmp_path, aof=True, fsync="always") as server,
        Feeding(sim, server.url, ["BTCUSDT"], ["1s"]) as feeding,
    ):
        closed_seconds(feeding, 3)
        server.kill()
        before_ms = sim.clock.now_ms()
        wait_for(lambda: sim.clock.now_ms() - before_ms > 15_000, what="15 s of the exchange")
        server.start()
        candles = closed_seconds(feeding, 30)
        opens = [one.open_ms for one in candles]
        assert opens == list(range(opens[0], opens[-1] + 1, 1000))
        assert opens[0] < before_ms
        assert [one for one in candles[:-2] if not equals_truth(sim, one)] == []


def test_a_redis_that_hangs_holds_the_feed_up_but_loses_no_candle(
    sim: SimServer, tmp_path: Path
) -> None:
    with RedisProc(tmp_path) as server, Feeding(sim, server.url, ["BTCUSDT"], ["1s"]) as feeding:
        closed_seconds(feeding, 3)
        server.freeze()
        before_ms = sim.clock.now_ms()
        wait_for(lambda: sim.clock.now_ms() - before_ms > 20_000, what="20 s of the exchange")
        server.thaw()
        candles = closed_seconds(feeding, 35)
        opens = [one.open_ms for one in candles]
        assert opens == list(range(opens[0], opens[-1] + 1, 1000))
        assert feeding.feed.queue.lost == 0
