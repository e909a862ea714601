"""Connections that are dead, mute, or only quiet; streams that are refused or forgotten."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.support.stream_reader import NAMES, Reading
from tests.support.waiting import wait_for
from truecandle.binance.streams import idle, reconnect
from truecandle.binance.streams.messages import kline_stream, trade_stream
from truecandle.binance.streams.websocket import ClientSocket
from truecandle.errors import ExchangeUnreachable
from truecandle.sim.clock import SimulatedClock
from truecandle.sim.server import SimServer

#: Twenty seconds of the exchange pass in one.
SPEED = 20.0
TRADES, KLINES = NAMES


@pytest.fixture
def sim() -> Iterator[SimServer]:
    with SimServer(["BTCUSDT", "ETHUSDT"], clock=SimulatedClock(speed=SPEED)) as server:
        yield server


def test_a_mute_connection_that_answers_pings_is_told_by_what_a_new_one_brings(
    sim: SimServer,
) -> None:
    with Reading(sim.ws_url, silence_s=1.5, ping_s=1.5) as reading:
        reading.wait_for_more()
        sim.faults.add("stall")
        reading.wait_for_told(TRADES, True, False, True)
        reading.wait_for_more()
        assert reading.count("stalls") == 1
        assert (reading.count("failures"), reading.doubled()) == (0, 0)


def test_a_connection_mute_from_the_start_is_found_by_the_same_rule(sim: SimServer) -> None:
    sim.faults.add("mute")
    with Reading(sim.ws_url, silence_s=0.5) as reading:
        reading.wait_for_more()
        assert reading.count("stalls") == 1


def test_a_connection_without_any_sign_of_life_is_dead_after_two_pings(sim: SimServer) -> None:
    with Reading(sim.ws_url, ping_s=0.4) as reading:
        reading.wait_for_more()
        sim.faults.add("stall", pongs=False)
        reading.wait_for_told(TRADES, True, False, True)
        assert "no sign of life" in reading.changes[1].reason
        reading.wait_for_more()


def test_who_sends_data_lives_even_if_it_never_answers_a_ping(sim: SimServer) -> None:
    sim.faults.add("no_pong", count=None)
    with Reading(sim.ws_url, ping_s=0.8) as reading:
        wait_for(lambda: sim.faults.struck, what="a ping without its answer")
        started_s = time.monotonic()
        wait_for(lambda: time.monotonic() - started_s > 3, what="several pings' time")
        assert (reading.count("connects"), reading.count("failures")) == (1, 0)
        assert reading.told(TRADES) == [True]


def test_a_quiet_market_is_proven_alive_by_pings_and_looked_after_once(
    sim: SimServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idle, "SILENCE_MAX_S", 1.0)
    quiet = trade_stream("QUIETUSDT")
    with Reading(sim.ws_url, [quiet], silence_s=1.0, ping_s=1.0) as reading:
        reading.wait_for_count("renewals", 1)
        health = wait_for(lambda: reading.streams.health(quiet), what="its health")
        wait_for(
            lambda: (reading.streams.health(quiet).pong_s or 0) > (health.pong_s or 0) + 2.0,
            what="two more pings",
        )
        counts = reading.streams.counts()
        assert (counts["connects"], counts["renewals"], counts["stalls"]) == (2, 1, 0)
        assert reading.told(quiet) == [True]
        assert reading.streams.health(quiet).heard_s is None


def test_a_busy_exchange_silent_to_all_is_called_lost_until_it_is_heard_again(
    sim: SimServer,
) -> None:
    with Reading(sim.ws_url, silence_s=3.0) as reading:
        reading.wait_for_more(50)
        silence = sim.faults.add("silent", for_ms=60_000 * int(SPEED))
        reading.wait_for_told(TRADES, True, False)
        assert "unlike before" in reading.changes[1].reason
        assert not reading.streams.is_connected
        silence.until_ms = sim.clock.now_ms()
        reading.wait_for_told(TRADES, True, False, True)
        assert reading.count("stalls") == 0
        reading.wait_for_more()


def test_a_mute_stream_is_subscribed_anew_on_the_connection_that_others_use(
    sim: SimServer,
) -> None:
    with Reading(sim.ws_url) as reading:
        reading.wait_for_more()
        sim.faults.add("hush", stream="kline")
        wait_for(lambda: sim.faults.struck, what="the silence of one stream")
        reading.streams.renew([KLINES, "other@aggTrade"])
        reading.wait_for_told(KLINES, True, False, True)
        heard_s = reading.streams.health(KLINES).since_s
        wait_for(lambda: (reading.streams.health(KLINES).heard_s or 0) > heard_s, what="klines")
        assert reading.told(TRADES) == [True]
        assert (reading.missing(), reading.count("connects")) == (0, 1)


def test_a_stream_that_stays_mute_gets_a_new_connection(
    sim: SimServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconnect, "RESUBSCRIBE_FAILED_S", 0.2)
    with Reading(sim.ws_url) as reading:
        reading.wait_for_more()
        sim.faults.add("hush", stream="aggTrade", heals=False)

        def is_renewed() -> bool:
            reading.streams.renew([TRADES])
            return reading.count("renewals") > 0

        wait_for(is_renewed, what="another connection")
        reading.wait_for_told(TRADES, True, False, True)
        before = sum(hasattr(one, "price") for one in reading.events)
        wait_for(
            lambda: sum(hasattr(one, "price") for one in reading.events) > before, what="trades"
        )
        assert (reading.count("connects"), reading.told(KLINES)) == (2, [True])


def test_a_subscription_that_the_exchange_has_lost_is_missed_and_made_again(
    sim: SimServer,
) -> None:
    with Reading(sim.ws_url, check_s=0.3) as reading:
        reading.wait_for_more()
        sim.faults.add("forget", stream="aggTrade")
        reading.wait_for_told(TRADES, True, False, True)
        assert "lost the subscription" in reading.changes[1].reason
        assert (reading.told(KLINES), reading.count("connects")) == ([True], 1)


@pytest.mark.parametrize("code", [2, 3])
def test_a_refused_stream_spoils_no_other_and_is_asked_for_again(sim: SimServer, code: int) -> None:
    eth = [trade_stream("ETHUSDT"), kline_stream("ETHUSDT", "1m")]
    fault = sim.faults.add("refuse_request", stream="kline", interval="1m", code=code, count=3)
    with Reading(sim.ws_url, [*NAMES, *eth]) as reading:
        wait_for(reading.is_all_live, what="all streams, the refused one too")
        assert reading.count("refused") == fault.hits == 3
        assert [reading.told(name) for name in (*NAMES, *eth)] == [[True]] * 4
        assert reading.count("connects") == 1


def test_a_handshake_that_drips_is_ended_by_a_deadline(sim: SimServer) -> None:
    sim.faults.add("drip_open", bytes_per_s=20)
    started_s = time.monotonic()
    with pytest.raises(ExchangeUnreachable, match="not open within"):
        ClientSocket(f"{sim.ws_url}/stream", open_s=0.3)
    assert time.monotonic() - started_s < 20, "the handshake alone would take 50 s"


def test_who_opens_slowly_holds_up_nobody(sim: SimServer) -> None:
    with Reading(sim.ws_url) as reading:
        reading.wait_for_more()
        sim.faults.add("drip_open", bytes_per_s=5)
        sim.faults.add("shutdown")
        wait_for(lambda: len(sim.faults.struck) == 2, what="an opening that drips")
        reading.wait_for_more(50)
        assert (reading.count("renewals"), reading.missing()) == (0, 0)
