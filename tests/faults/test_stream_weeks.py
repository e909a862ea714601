"""Streams that live for weeks: connections come and go, and nothing is lost or told twice."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.stream_reader import NAMES, Reading
from tests.support.waiting import wait_for
from truecandle.binance.streams import connection, pool, reconnect
from truecandle.binance.streams.messages import kline_stream, trade_stream
from truecandle.sim.clock import SimulatedClock
from truecandle.sim.server import SimServer

#: Twenty seconds of the exchange pass in one.
SPEED = 20.0
SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
TRADES = NAMES[0]


@pytest.fixture
def sim() -> Iterator[SimServer]:
    with SimServer(SYMBOLS, clock=SimulatedClock(speed=SPEED)) as server:
        yield server


def subscribed(sim: SimServer) -> int:
    """How many connections have all that BTCUSDT needs."""
    return sum(set(NAMES) <= client.streams.keys() for client in list(sim.exchange.hub.clients))


def test_renewals_at_full_trading_lose_nothing_and_tell_nothing_twice() -> None:
    names = [
        name
        for symbol in SYMBOLS
        for name in (trade_stream(symbol), kline_stream(symbol, "1s"), kline_stream(symbol, "1m"))
    ]
    with (
        SimServer(SYMBOLS, clock=SimulatedClock(speed=100.0)) as sim,
        Reading(sim.ws_url, names, renew_s=0.5) as reading,
    ):
        reading.wait_for_count("renewals", 2)
        reading.wait_for_more(500)
        for symbol in SYMBOLS:
            assert (reading.missing(symbol), reading.doubled(symbol)) == (0, 0)
        assert [reading.told(name) for name in names] == [[True]] * len(names)
        assert reading.count("failures") == 0
        wait_for(lambda: sim.connections <= 2, what="old connections to end")


def test_an_old_connection_that_is_behind_may_catch_up_before_it_is_left(sim: SimServer) -> None:
    with Reading(sim.ws_url) as reading:
        reading.wait_for_more()
        sim.faults.add("lag", ms=2_000)
        sim.faults.add("shutdown")
        reading.wait_for_count("renewals", 1)
        reading.wait_for_more()
        assert (reading.missing(), reading.doubled()) == (0, 0)
        assert reading.told(TRADES) == [True]


@pytest.mark.parametrize("raw", [False, True], ids=["combined", "raw"])
def test_an_announced_shutdown_is_answered_by_a_new_connection_before_the_old_one_ends(
    sim: SimServer, raw: bool
) -> None:
    with Reading(sim.ws_url) as reading:
        reading.wait_for_more()
        sim.faults.add("shutdown", raw=raw, drop_after_ms=int(8_000 * SPEED))
        reading.wait_for_count("renewals", 1)
        reading.wait_for_more()
        assert (reading.missing(), reading.doubled()) == (0, 0)
        assert reading.told(TRADES) == [True]
        assert reading.count("failures") == 0


def test_a_shutdown_while_streams_are_still_asked_for_leaves_none_behind(sim: SimServer) -> None:
    names = [*NAMES, *(trade_stream(f"X{number}USDT") for number in range(900))]
    with Reading(sim.ws_url, names) as reading:
        wait_for(lambda: subscribed(sim) == 1, what="the first message of several")
        sim.faults.add("shutdown")
        reading.wait_for_count("renewals", 1)
        wait_for(reading.is_all_live, what="all streams")
        reading.wait_for_more()
        assert (reading.missing(), reading.count("failures")) == (0, 0)


def test_a_day_that_ends_before_the_renewal_is_a_loss_told_once_and_healed(sim: SimServer) -> None:
    with Reading(sim.ws_url) as reading:
        reading.wait_for_more()
        age = sim.faults.add("age", life_s=0.3, count=None)
        reading.wait_for_told(TRADES, True, False, True)
        assert "closed by the exchange" in reading.changes[1].reason
        sim.faults.calm()
        assert age.hits == 1
        reading.wait_for_more()


def test_a_renewal_refused_50_times_costs_nothing_and_succeeds_in_the_end(
    sim: SimServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "BACKOFF_MAX_S", 0.01)
    monkeypatch.setattr(reconnect, "ATTEMPTS_S", 0.5)
    with Reading(sim.ws_url, renew_s=1.0) as reading:
        reading.wait_for_more()
        sim.faults.add("refuse", count=50)
        reading.wait_for_count("failures", 50)
        reading.wait_for_count("renewals", 1)
        assert (reading.missing(), reading.doubled()) == (0, 0)
        assert reading.told(TRADES) == [True]


def test_when_the_old_connection_ends_in_the_overlap_the_new_one_takes_over_unnoticed(
    sim: SimServer,
) -> None:
    with Reading(sim.ws_url, renew_s=0.5) as reading:
        reading.wait_for_more()

        def struck() -> bool:
            """Only while two are there; else it is tried at the next renewal."""
            wait_for(lambda: subscribed(sim) == 2, what="an overlap")
            reading.wait_for_more(20)
            sim.faults.add("drop", symbol="BTCUSDT", code=None, most=1, least=2)
            wait_for(lambda: subscribed(sim) <= 1, what="the end of one")
            return reading.count("failures") > 0

        wait_for(struck, what="an old connection that ended too early")
        reading.wait_for_more()
        assert (reading.missing(), reading.doubled()) == (0, 0)
        assert reading.told(TRADES) == [True]


def test_when_both_end_in_the_overlap_the_loss_is_told_and_healed(sim: SimServer) -> None:
    with Reading(sim.ws_url) as reading:
        reading.wait_for_more()
        sim.faults.add("shutdown")
        wait_for(lambda: subscribed(sim) == 2, what="an overlap")
        sim.faults.add("drop", code=None)
        reading.wait_for_told(TRADES, True, False, True)
        reading.wait_for_more()
        assert len(set(reading.told(TRADES)[::2])) == 1, "live and lost take turns"


def test_markets_come_and_go_during_a_renewal_and_no_other_stream_notices(sim: SimServer) -> None:
    eth, sol = trade_stream("ETHUSDT"), trade_stream("SOLUSDT")
    with Reading(sim.ws_url, [*NAMES, eth]) as reading:
        reading.wait_for_more()
        sim.faults.add("shutdown")
        wait_for(lambda: sim.connections == 2, what="an overlap")
        reading.streams.follow([*NAMES, sol])
        wait_for(lambda: sol in {n for c in reading.changes for n in c.names}, what="the new one")
        reading.wait_for_count("renewals", 1)
        wait_for(reading.is_all_live, what="all that is followed")
        wait_for(lambda: eth not in _streams_of(sim), what="the end of the one that was left")
        assert (reading.missing(), reading.told(TRADES), reading.told(sol)) == (0, [True], [True])
        assert not reading.streams.health(eth).is_live


def _streams_of(sim: SimServer) -> set[str]:
    return {name for client in list(sim.exchange.hub.clients) for name in list(client.streams)}


def test_many_connections_share_one_budget_of_attempts(
    sim: SimServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "STREAMS_MAX", 1)
    monkeypatch.setattr(connection, "BACKOFF_MAX_S", 0.01)
    sim.faults.add("refuse", count=None)
    with Reading(sim.ws_url, [trade_stream(f"X{number}USDT") for number in range(12)]) as reading:
        reading.wait_for_count("failures", reconnect.ATTEMPTS_MAX)
        assert len(reading.streams.connections) == 12
        sim.faults.calm()
        before_ms = sim.clock.now_ms()
        wait_for(lambda: sim.clock.now_ms() - before_ms > 500 * SPEED, what="half a second")
        assert (reading.count("failures"), sim.connections) == (reconnect.ATTEMPTS_MAX, 0)
