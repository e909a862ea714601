"""Streams as Binance's: names, events, control messages, limits, pings, and their faults."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import websocket

from tests.support.sim_time import NOW_MS
from tests.support.waiting import wait_for
from truecandle.candles.interval import MINUTE_MS
from truecandle.sim.clock import SimulatedClock
from truecandle.sim.server import SimServer
from truecandle.sim.stream_publisher import PingPace

Event = dict[str, Any]
Connect = Callable[..., "Listener"]

#: The last second before a minute ends: a closing is near.
CLOSING_MS = NOW_MS // MINUTE_MS * MINUTE_MS + 59_000


class Listener:
    """A stream connection that reads with a deadline."""

    def __init__(self, url: str) -> None:
        self.ws = websocket.create_connection(url, timeout=10)

    def send(self, message: object) -> None:
        self.ws.send(message if isinstance(message, str) else json.dumps(message))

    def next(self) -> Event:
        event: Event = json.loads(self.ws.recv())
        return event

    def until(self, wanted: Callable[[Event], object], most: int = 2000) -> list[Event]:
        """Everything up to and including the first event that is wanted."""
        events: list[Event] = []
        for _ in range(most):
            events.append(self.next())
            if wanted(events[-1]):
                return events
        raise AssertionError(f"{most} events, none as wanted")

    def ask(self, message: object) -> Event:
        self.send(message)
        return self.until(lambda event: "id" in event)[-1]


@pytest.fixture
def connect() -> Iterator[Connect]:
    opened: list[Listener] = []

    def open_one(sim: SimServer, path: str) -> Listener:
        now_ms, before = sim.clock.now_ms(), sim.connections
        wait_for(lambda: sim.streamed_ms >= now_ms, what="the streams to catch up")
        opened.append(Listener(sim.ws_url + path))
        wait_for(lambda: sim.connections == before + 1, what="the connection")
        return opened[-1]

    yield open_one
    for listener in opened:
        listener.ws.shutdown()


def closing(event: Event) -> bool:
    return bool(event.get("k", {}).get("x"))


def test_trades_arrive_complete_in_order_and_once(frozen: SimServer, connect: Connect) -> None:
    listener = connect(frozen, "/ws/btcusdt@aggTrade")
    for _ in range(10):
        frozen.clock.advance(1700)
    truth = list(frozen.market.course("BTCUSDT").prints(NOW_MS, NOW_MS + 17_000))
    events = listener.until(lambda event: event["a"] == truth[-1].id)
    assert [event["a"] for event in events] == [print_.id for print_ in truth]
    assert [(e["T"], e["f"], e["l"], e["m"]) for e in events] == [
        (p.time_ms, p.first_id, p.last_id, p.sell) for p in truth
    ]
    assert list(events[0]) == ["e", "E", "s", "a", "p", "q", "f", "l", "T", "m", "M"]
    assert all(event["E"] >= event["T"] for event in events)


def test_single_trades_arrive_too(frozen: SimServer, connect: Connect) -> None:
    listener = connect(frozen, "/ws/btcusdt@trade")
    frozen.clock.advance(5000)
    truth = list(frozen.market.course("BTCUSDT").trades(NOW_MS, NOW_MS + 5000))
    events = listener.until(lambda event: event["t"] == truth[-1].id)
    assert [event["t"] for event in events] == [trade.id for trade in truth]
    assert list(events[0]) == ["e", "E", "s", "t", "p", "q", "T", "m", "M"]


def test_a_candle_closes_once_with_its_official_figures(
    frozen: SimServer, connect: Connect
) -> None:
    frozen.clock.set(CLOSING_MS)
    listener = connect(frozen, "/ws/btcusdt@kline_1m")
    frozen.clock.advance(4000)
    closed = listener.until(closing)[-1]
    open_ms = CLOSING_MS - 59_000
    truth = frozen.market.truth("BTCUSDT", "1m", open_ms, open_ms + 1)[0]
    k = closed["k"]
    assert [k[key] for key in "tohlcvTqnVQ"] == truth.row()[:-1]
    assert (k["f"], k["L"], k["B"], k["i"]) == (truth.first_id, truth.last_id, "0", "1m")
    assert closed["E"] == CLOSING_MS + 1000
    assert not closing(listener.next())


def test_a_candle_is_pushed_every_two_seconds_and_only_when_it_changed(
    frozen: SimServer, connect: Connect
) -> None:
    start_ms = NOW_MS // MINUTE_MS * MINUTE_MS
    frozen.clock.set(start_ms)
    listener = connect(frozen, "/ws/paxgusdt@kline_1h")
    frozen.clock.advance(2 * MINUTE_MS)
    frozen.clock.advance(1000)
    course = frozen.market.course("PAXGUSDT")
    changes = {
        -(-(trade.time_ms + 1) // 2000) * 2000
        for trade in course.trades(start_ms, start_ms + 2 * MINUTE_MS)
    }
    events = listener.until(lambda event: event["E"] == max(changes))
    assert {event["E"] for event in events} - {events[0]["E"]} <= changes
    assert changes <= {event["E"] for event in events}
    assert len(changes) < 60


def test_second_candles_come_every_second_even_without_trades(
    frozen: SimServer, connect: Connect
) -> None:
    listener = connect(frozen, "/ws/paxgusdt@kline_1s")
    frozen.clock.advance(30_000)
    events = listener.until(lambda event: event["E"] >= NOW_MS + 29_000)
    first = NOW_MS // 1000 * 1000
    assert [e["k"]["t"] for e in events] == [first + i * 1000 for i in range(len(events))]
    assert all(closing(event) for event in events)
    empty = [event["k"] for event in events if event["k"]["n"] == 0]
    assert empty and all((k["f"], k["L"], k["v"]) == (-1, -1, "0.00000000") for k in empty)


def test_all_trades_of_a_candle_leave_before_its_close(frozen: SimServer, connect: Connect) -> None:
    frozen.clock.set(CLOSING_MS)
    listener = connect(frozen, "/stream?streams=btcusdt@aggTrade/btcusdt@kline_1m")
    frozen.clock.advance(5000)
    seen = [event["data"] for event in listener.until(lambda event: closing(event["data"]))]
    last_id = seen[-1]["k"]["L"]
    trades = [event["l"] for event in seen if event["e"] == "aggTrade"]
    assert trades[-1] == last_id


def test_mini_tickers_tell_the_last_day(frozen: SimServer, connect: Connect) -> None:
    listener = connect(frozen, "/ws/btcusdt@miniTicker")
    frozen.clock.advance(1500)
    event = listener.next()
    assert list(event) == ["e", "E", "s", "c", "o", "h", "l", "v", "q"]
    block, _ = frozen.market.day("BTCUSDT", event["E"] - 1)
    assert block and float(event["h"]) == block.high / 100


def test_kline_streams_may_have_a_time_zone(frozen: SimServer, connect: Connect) -> None:
    listener = connect(frozen, "/ws/btcusdt@kline_1d@+08:00")
    frozen.clock.advance(3000)
    assert (listener.next()["k"]["t"] + 8 * 3_600_000) % 86_400_000 == 0


def test_times_may_be_in_microseconds(frozen: SimServer, connect: Connect) -> None:
    listener = connect(frozen, "/stream?streams=btcusdt@kline_1s&timeUnit=MICROSECOND")
    frozen.clock.advance(1500)
    k = listener.next()["data"]["k"]
    assert k["t"] == NOW_MS // 1000 * 1_000_000 and k["T"] == k["t"] + 999_999


def test_combined_streams_are_wrapped_and_raw_ones_are_not(
    frozen: SimServer, connect: Connect
) -> None:
    combined = connect(frozen, "/stream?streams=btcusdt@kline_1s/paxgusdt@kline_1s")
    raw = connect(frozen, "/ws/btcusdt@kline_1s/paxgusdt@kline_1s")
    frozen.clock.advance(1500)
    wrapped = [combined.next() for _ in range(2)]
    assert {event["stream"] for event in wrapped} == {"btcusdt@kline_1s", "paxgusdt@kline_1s"}
    assert {event["data"]["s"] for event in wrapped} == {raw.next()["s"] for _ in range(2)}


def test_control_messages_are_answered_as_binance_does(frozen: SimServer, connect: Connect) -> None:
    ask = connect(frozen, "/ws").ask
    one = ["btcusdt@kline_1s"]
    assert ask({"method": "SUBSCRIBE", "params": one, "id": 1}) == {"result": None, "id": 1}
    assert ask({"method": "LIST_SUBSCRIPTIONS", "id": "a2"}) == {"result": one, "id": "a2"}
    ask = connect(frozen, "/ws").ask
    unsubscribed = ask({"method": "UNSUBSCRIBE", "params": one, "id": None})
    assert unsubscribed == {"result": None, "id": None}
    assert ask({"method": "GET_PROPERTY", "params": ["combined"], "id": 4})["result"] is False
    set_it = {"method": "SET_PROPERTY", "params": ["combined", True], "id": 5}
    assert ask(set_it) == {"result": None, "id": 5}
    assert ask({"method": "GET_PROPERTY", "params": ["combined"], "id": 6})["result"] is True


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("nonsense", 3),
        ("[]", 2),
        ({"params": [], "id": 1}, 2),
        ({"method": "SHOUT", "id": 1}, 2),
        ({"method": "SUBSCRIBE", "params": [], "id": 1}, 2),
        ({"method": "SUBSCRIBE", "params": [1], "id": 1}, 2),
        ({"method": "SUBSCRIBE", "params": "btcusdt@trade", "id": 1}, 2),
        ({"method": "SUBSCRIBE", "params": ["a@trade"], "id": 1.5}, 2),
        ({"method": "SUBSCRIBE", "params": [f"s{i}@trade" for i in range(1025)], "id": 1}, 2),
        ({"method": "GET_PROPERTY", "params": ["colour"], "id": 1}, 0),
        ({"method": "SET_PROPERTY", "params": ["combined", 1], "id": 1}, 1),
        ({"method": "SET_PROPERTY", "params": [1], "id": 1}, 2),
    ],
)
def test_wrong_control_messages_get_their_code(
    frozen: SimServer, connect: Connect, message: object, code: int
) -> None:
    answer = connect(frozen, "/ws").ask(message)
    assert answer["code"] == code and answer["msg"]


def test_an_unknown_stream_is_accepted_and_stays_silent(
    frozen: SimServer, connect: Connect
) -> None:
    listener = connect(frozen, "/ws/BTCUSDT@trade/goneusdt@trade/btcusdt@kline_7m")
    frozen.clock.advance(5000)
    assert listener.ask({"method": "LIST_SUBSCRIPTIONS", "id": 1})["result"]


def test_a_sixth_message_in_a_second_ends_the_connection(
    frozen: SimServer, connect: Connect
) -> None:
    listener = connect(frozen, "/ws")
    for number in range(6):
        listener.send({"method": "LIST_SUBSCRIPTIONS", "id": number})
    wait_for(lambda: frozen.connections == 0, what="the end of the connection")


def test_the_server_pings_and_drops_who_does_not_answer() -> None:
    pace = PingPace(ping_s=0.05, pong_max_s=0.4)
    with SimServer(clock=SimulatedClock(NOW_MS, speed=0), pace=pace) as sim:
        deaf = Listener(sim.ws_url + "/ws/btcusdt@trade")
        frame = deaf.ws.recv_frame()  # read, but not answered
        assert frame.opcode == websocket.ABNF.OPCODE_PING and frame.data
        wait_for(lambda: sim.connections == 0, what="the end of the deaf connection")
        deaf.ws.shutdown()


def test_a_connection_that_answers_pings_lives_until_its_day_is_over() -> None:
    pace = PingPace(ping_s=0.05, pong_max_s=1.0, life_s=2.0)
    with SimServer(clock=SimulatedClock(NOW_MS, speed=0), pace=pace) as sim:
        listener = Listener(sim.ws_url + "/ws/btcusdt@trade")
        while (frame := listener.ws.recv_frame()).opcode == websocket.ABNF.OPCODE_PING:
            listener.ws.pong(frame.data)
        assert frame.opcode == websocket.ABNF.OPCODE_CLOSE
        assert int.from_bytes(frame.data[:2]) == 1001
        listener.ws.shutdown()


def test_after_a_long_jump_only_its_last_minutes_are_streamed(
    frozen: SimServer, connect: Connect
) -> None:
    listener = connect(frozen, "/ws/paxgusdt@kline_1m")
    frozen.clock.advance(3 * 3_600_000)
    assert listener.until(closing)[-1]["E"] >= NOW_MS + 3 * 3_600_000 - 12 * MINUTE_MS


def test_a_gap_streams_nothing(frozen: SimServer, connect: Connect) -> None:
    frozen.faults.add("gap", start_ms=NOW_MS, end_ms=NOW_MS + 30_000)
    listener = connect(frozen, "/ws/btcusdt@aggTrade/btcusdt@kline_1s")
    frozen.clock.advance(40_000)
    event = listener.next()
    traded_ms = event["T"] if event["e"] == "aggTrade" else event["E"]
    assert traded_ms >= NOW_MS + 30_000 or event["k"]["t"] < NOW_MS


def test_dropped_connections_are_told_or_not(frozen: SimServer, connect: Connect) -> None:
    told = connect(frozen, "/ws/btcusdt@trade")
    spared = connect(frozen, "/ws/paxgusdt@trade")
    frozen.faults.add("drop", symbol="BTCUSDT", code=1001)
    frame = told.ws.recv_frame()
    assert frame.opcode == websocket.ABNF.OPCODE_CLOSE
    told.ws.shutdown()
    frozen.faults.add("drop", code=None)
    with pytest.raises((websocket.WebSocketException, ConnectionError)):
        spared.next()


def test_connections_are_refused_so_often(frozen: SimServer, connect: Connect) -> None:
    frozen.faults.add("refuse", count=2)
    for _ in range(2):
        with pytest.raises(websocket.WebSocketBadStatusException):
            websocket.create_connection(frozen.ws_url + "/ws/btcusdt@trade", timeout=5)
    frozen.faults.add("refuse", abort=True)
    with pytest.raises((websocket.WebSocketException, ConnectionError)):
        websocket.create_connection(frozen.ws_url + "/ws/btcusdt@trade", timeout=5)
    connect(frozen, "/ws/btcusdt@trade")


def test_a_mute_connection_gets_nothing_and_a_silence_ends(
    frozen: SimServer, connect: Connect
) -> None:
    frozen.faults.add("mute")
    mute = connect(frozen, "/ws/btcusdt@kline_1s")
    heard = connect(frozen, "/ws/btcusdt@kline_1s")
    frozen.faults.add("silent", for_ms=10_000)
    frozen.clock.advance(5000)
    wait_for(lambda: any(s["kind"] == "silent" for s in frozen.faults.struck), what="the silence")
    frozen.clock.advance(10_000)
    assert heard.next()["E"] > NOW_MS + 4_000
    mute.ws.settimeout(0.2)
    with pytest.raises(websocket.WebSocketTimeoutException):
        mute.next()


def test_a_shutdown_is_announced(frozen: SimServer, connect: Connect) -> None:
    raw, combined = connect(frozen, "/ws"), connect(frozen, "/stream")
    frozen.faults.add("shutdown")
    assert raw.next() == {"e": "serverShutdown", "E": NOW_MS}
    assert combined.next()["stream"] == "!serverShutdown"


def test_messages_can_be_lost_repeated_and_disordered(frozen: SimServer, connect: Connect) -> None:
    listener = connect(frozen, "/ws/btcusdt@aggTrade")
    ids = [p.id for p in frozen.market.course("BTCUSDT").prints(NOW_MS, NOW_MS + 30_000)][:8]
    frozen.faults.add("lose", stream="aggTrade")
    frozen.faults.add("repeated", stream="aggTrade", skip=1)
    frozen.faults.add("disorder", stream="aggTrade", skip=2)
    frozen.clock.advance(30_000)
    seen = [event["a"] for event in listener.until(lambda event: event["a"] == ids[5])]
    assert seen == [ids[1], ids[1], ids[3], ids[2], ids[4], ids[5]]


def test_messages_can_be_damaged(frozen: SimServer, connect: Connect) -> None:
    listener = connect(frozen, "/ws/btcusdt@kline_1s")
    frozen.faults.add("malformed")
    frozen.clock.advance(1000)
    assert listener.ws.recv() == '{"e":"trade",'
    frozen.faults.add("oversized", kb=300)
    frozen.clock.advance(1000)
    assert len(listener.ws.recv()) > 300_000
    assert listener.next()["e"] == "kline"
    frozen.faults.add("foreign", symbol_sent="LUNAUSDT")
    frozen.clock.advance(1000)
    assert [listener.next()["s"] for _ in range(2)] == ["BTCUSDT", "LUNAUSDT"]


def test_the_closing_of_a_candle_can_be_lost(frozen: SimServer, connect: Connect) -> None:
    frozen.clock.set(CLOSING_MS)
    listener = connect(frozen, "/ws/btcusdt@kline_1m")
    frozen.faults.add("unclosed", count=None)
    frozen.clock.advance(5000)
    events = listener.until(lambda event: event["k"]["t"] > CLOSING_MS)
    assert not any(closing(event) for event in events)


def test_the_closing_of_a_candle_can_come_late(frozen: SimServer, connect: Connect) -> None:
    frozen.clock.set(CLOSING_MS)
    listener = connect(frozen, "/ws/btcusdt@kline_1m/btcusdt@kline_1s")
    frozen.faults.add("late", interval="1m", ms=300, from_ms=CLOSING_MS + 1000)
    frozen.clock.advance(1100)
    events = listener.until(lambda event: closing(event) and event["k"]["i"] == "1m")
    assert events[-1]["E"] == CLOSING_MS + 1000
    assert (events[-2]["k"]["i"], events[-2]["E"]) == ("1s", CLOSING_MS + 1000)


def test_in_real_time_the_streams_keep_up(sim: SimServer, connect: Connect) -> None:
    listener = connect(sim, "/ws/btcusdt@kline_1s")
    event = listener.until(closing)[-1]
    assert 0 <= sim.clock.now_ms() - event["E"] < 5_000
