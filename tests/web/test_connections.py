"""Programs on `/ws`, `/stream` and `/events`, over real sockets, in every mode of the web role.

Never here: browsers (`test_sockets`), the order of klines (`test_kline_sequence`), the exchange's
own clients (`tests/e2e/test_programs.py`).
Invariant: candles are stored and published as fetcher and feed do it, outside of the process.
"""

from __future__ import annotations

import contextlib
import itertools
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest
import websocket
from jsonschema import Draft202012Validator
from redis import Redis

from tests.support.redis_server import RedisProc
from tests.support.role_processes import ended
from tests.support.sample_trades import START_MS, aggregate
from tests.support.signs_of_life import spoke
from tests.support.socket_floods import FRAMES, flood, frame, is_ended, repeated, upgraded
from tests.support.stream_programs import MINUTES, Program, SentEvents, Teller
from tests.support.waiting import wait_for
from tests.support.web_process import Web, cookies, signed_in, token_of, wait_for_listener
from truecandle.candles.gap import Missing
from truecandle.candles.series import parse_series
from truecandle.config import Settings
from truecandle.store import agg_trades, keys
from truecandle.store.credentials import CredentialStore
from truecandle.store.shared_settings import told
from truecandle.web.socket_limits import SOCKETS_PER_USER_MAX, STREAMS_PER_SOCKET_MAX
from truecandle.web.stream_schemas import STREAM_PARTS

MODES = ("eventlet", "gevent", "threading")
BTC = "btcusdt@kline_1m"
ETH = "ethusdt@kline_1m"
#: What no exchange's client sends, and the code of the error that answers it.
ODD_MESSAGES: list[tuple[str | bytes, int]] = [
    ("{", 3),
    (b"\x00\xff binary", 3),
    ("[1]", 2),
    ('{"id":1}', 2),
    ('{"method":"SUBSCRIBE","params":["' + BTC + '"],"id":{}}', 2),
    ('{"method":"ORDER","id":1}', 2),
    ('{"method":"SUBSCRIBE","params":"' + BTC + '","id":1}', 2),
    ('{"method":"SUBSCRIBE","params":[1],"id":1}', 2),
    ('{"method":"SET_PROPERTY","params":["combined","yes"],"id":1}', 1),
    ('{"method":"GET_PROPERTY","params":["size"],"id":1}', 0),
]
ODD_STREAMS = [
    "dogeusdt@aggTrade", "btcusdt@trade", "BTCUSDT@kline_1m", "dogeusdt@kline_1m",
    "btcusdt@kline_1w", "btcusdt@kline_1d@+08:00", "btcusdt", "@", "!miniTicker@arr",
]  # fmt: skip


@pytest.fixture(scope="module", params=MODES)
def web(
    request: pytest.FixtureRequest,
    redis_server: RedisProc,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Web]:
    folder = tmp_path_factory.mktemp("web")
    env = {"ASYNC_MODE": request.param, "PUBLIC_READS": "1", "TRADES_KEPT": "100"}
    with ended() as processes:
        yield Web(processes, redis_server.url, folder, **env)


class Silent:
    """A program that says nothing, and reads on: the kinds of frames that it was sent."""

    def __init__(self, web: Web) -> None:
        self.program = Program(web, "/ws")
        self.program.ws.settimeout(120)
        self.opcodes: list[int] = []
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        with contextlib.suppress(OSError, websocket.WebSocketException):
            while websocket.ABNF.OPCODE_CLOSE not in self.opcodes:
                self.opcodes.append(self.program.ws.recv_data(control_frame=True)[0])


@pytest.fixture(scope="module", autouse=True)
def silent(web: Web) -> Iterator[Silent]:
    """It comes first, and is looked at last."""
    found = Silent(web)
    yield found
    found.program.close()


#: Of each test's first candle another number of trades.
STAMPS = itertools.count(1_000)


@pytest.fixture
def teller(web: Web, redis: Redis, redis_url: str, silent: Silent) -> Teller:
    """Candle -1 forms, the one before it is official; the web role listens, and knows the store of
    this test.
    """
    wait_for_listener(redis)
    found, stamp = Teller(redis, redis_url), next(STAMPS)
    known = f"{found.close(-3, -2).version}-{found.at(-2)}-2-0"
    with closing(SentEvents(web, None)) as reader:
        while reader.last_id != known:
            reader.event("official")
        found.form(-1, stamp)
        while reader.event("live_candle")["candle"]["trades"] != stamp:
            pass
    return found


def shown(program: Program, teller: Teller, count: int) -> list[str]:
    return [teller.shown(event["k"]) for event in program.events(count)]


def test_each_candle_forms_and_closes_once_with_its_official_version(
    web: Web, teller: Teller
) -> None:
    with closing(Program(web, f"/ws/{BTC}")) as program:
        assert shown(program, teller, 1) == ["-1"], "what forms is told at once"
        teller.form(0)
        teller.close(-1, close="1.25")
        closed, forming = program.events(2)
        assert closed == {
            "e": "kline", "E": closed["E"], "s": "BTCUSDT",
            "k": {
                "t": teller.at(-1), "T": teller.at(0) - 1, "s": "BTCUSDT", "i": "1m",
                "f": None, "L": None, "o": "1.50000000", "c": "1.25000000", "h": "3.00000000",
                "l": "1.00000000", "v": "7.00000000", "n": 5, "x": True, "q": "14.00000000",
                "V": "3.00000000", "Q": "6.00000000", "B": "0",
            },
        }  # fmt: skip
        assert teller.shown(forming["k"]) == "0" and forming["k"]["q"] is None
        teller.close(-1, close="1.75")  # a correction is no second close
        teller.close(0, is_told=False)  # a hint is lost
        teller.close(*range(1, 31))  # too many for one event
        teller.form(31)
        assert shown(program, teller, 32) == [*(f"x{number}" for number in range(31)), "31"]


def test_events_come_in_the_form_that_was_asked_for(web: Web, teller: Teller) -> None:
    with ExitStack() as stack:
        paths = [
            f"/ws/{BTC}",
            f"/stream?streams={ETH}/{BTC}",
            f"/stream?streams={BTC}&timeUnit=MICROSECOND",
        ]
        raw, wrapped, fine = (stack.enter_context(closing(Program(web, path))) for path in paths)
        [event] = raw.events(1)
        assert wrapped.events(1) == [{"stream": BTC, "data": event}]
        kline = fine.events(1)[0]["data"]["k"]
        assert kline["t"] == teller.at(-1) * 1000
        assert kline["T"] == teller.at(0) * 1000 - 1
        assert raw.say("SET_PROPERTY", "combined", True) == {"result": None, "id": 1}
        assert raw.say("GET_PROPERTY", "combined", number="a1") == {"result": True, "id": "a1"}
        teller.form(-1, 5_000)
        assert raw.events(1)[0]["stream"] == BTC


def test_streams_are_subscribed_to_and_left_on_an_open_connection(web: Web, teller: Teller) -> None:
    with closing(Program(web, "/ws/0")) as program:
        assert program.say("LIST_SUBSCRIPTIONS", number=None) == {"result": [], "id": None}
        assert program.say("SUBSCRIBE", ETH, BTC, BTC, number=7) == {"result": None, "id": 7}
        assert shown(program, teller, 1) == ["-1"]
        assert program.say("SUBSCRIBE", BTC) == {"result": None, "id": 1}
        assert program.say("LIST_SUBSCRIPTIONS")["result"] == [ETH, BTC]
        assert program.say("UNSUBSCRIBE", BTC, "btcusdt@trade") == {"result": None, "id": 1}
        teller.form(-1, 9_000)
        assert program.say("LIST_SUBSCRIPTIONS")["result"] == [ETH]
        program.say("SUBSCRIBE", BTC)
        while program.events(1)[0]["k"]["n"] != 9_000:
            pass


def test_trades_come_each_once_in_the_exchanges_shape(
    web: Web, teller: Teller, redis: Redis
) -> None:
    def trade(*numbers: int) -> None:
        rows = {"BTCUSDT": [agg_trades.row_of(aggregate(number)) for number in numbers]}
        agg_trades.keep(redis, rows, 100, {"BTCUSDT": 1})

    wrapped_name, fine_name = "/stream", "/ws/btcusdt@aggTrade?timeUnit=MICROSECOND"
    trade(1)
    with (
        closing(Program(web, wrapped_name)) as wrapped,
        closing(Program(web, fine_name)) as fine,
    ):
        assert fine.say("LIST_SUBSCRIPTIONS")["result"] == ["btcusdt@aggTrade"]
        assert wrapped.say("SUBSCRIBE", "btcusdt@aggTrade", ETH) == {"result": None, "id": 1}
        trade(1, 2, 3)
        at_ms = START_MS + 2_000
        event = {
            "e": "aggTrade", "E": at_ms + 3, "s": "BTCUSDT", "a": 2, "p": "100.25000000",
            "q": "1.50000000", "f": 20, "l": 21, "T": at_ms, "m": False, "M": True,
        }  # fmt: skip
        told = wrapped.events(2)
        assert told[0] == {"stream": "btcusdt@aggTrade", "data": event}
        assert [one["data"]["a"] for one in told] == [2, 3]
        finer = {"E": (at_ms + 3) * 1000, "T": at_ms * 1000}
        assert fine.events(2)[0] == {**event, **finer}
        assert wrapped.say("UNSUBSCRIBE", "btcusdt@aggTrade")["result"] is None
        trade(4)
        assert fine.events(1)[0]["a"] == 4
        assert wrapped.say("LIST_SUBSCRIPTIONS")["result"] == [ETH]
        assert wrapped.waiting == []


def test_trades_that_no_feed_keeps_are_refused_and_never_taken_and_left_silent(
    web: Web, redis: Redis
) -> None:
    """Given a web role that passes trades on, and feeds that say that they keep none."""
    trades = "btcusdt@aggTrade"
    with closing(Program(web, "/ws")) as program:
        spoke(redis, "feed@one", 0, told(Settings()))
        refused = program.say("SUBSCRIBE", BTC, trades)
        assert (refused["code"], "TRADES_KEPT is 0 for the feed" in refused["msg"]) == (2, True)
        assert program.say("LIST_SUBSCRIPTIONS")["result"] == []
        assert program.say("SUBSCRIBE", BTC)["result"] is None
        with pytest.raises(websocket.WebSocketBadStatusException, match="TRADES_KEPT"):
            Program(web, f"/ws/{trades}")
        spoke(redis, "feed@two", 0, told(Settings(trades_kept=5)))
        assert program.say("SUBSCRIBE", trades)["result"] is None


def test_a_series_that_is_damaged_silences_no_other(web: Web, teller: Teller, redis: Redis) -> None:
    damaged = keys.klines(parse_series("ETHUSDT", "1m"))
    redis.set(damaged, "not ours")
    with closing(Program(web, f"/stream?streams={ETH}/{BTC}")) as program:
        assert program.events(1)[0]["stream"] == BTC
        redis.delete(damaged)
        teller.close(-1)
        assert teller.shown(program.events(1)[0]["data"]["k"]) == "x-1"


def test_what_cannot_be_understood_is_answered_with_the_exchanges_codes(
    web: Web, teller: Teller
) -> None:
    with closing(Program(web, "/ws")) as program:
        for message, code in ODD_MESSAGES:
            answer = program.send(message)
            assert (answer["code"], answer["error"]["code"]) == (code, code), message
            assert answer["error"]["msg"] == answer["msg"]
    with closing(Program(web, "/ws")) as program:
        for name in ODD_STREAMS:
            answer = program.say("SUBSCRIBE", BTC, name, number=3)
            assert (answer["code"], answer["id"]) == (2, 3), name
        assert program.say("LIST_SUBSCRIPTIONS")["result"] == []
    for path in (f"/ws/{name}" for name in ("btcusdt@ticker", "dogeusdt@kline_1m")):
        with pytest.raises(websocket.WebSocketBadStatusException) as refused:
            Program(web, path)
        assert refused.value.status_code == 400
        assert b'"code":-1130' in (refused.value.resp_body or b"")
    assert web.get("/ws").status_code == 426
    assert web.get("/stream?streams=" + BTC).json()["code"] == -1000


def test_whoever_exceeds_a_bound_is_told_which_and_goes(web: Web, teller: Teller) -> None:
    with closing(Program(web, "/ws")) as program:
        message = frame('{"method":"LIST_SUBSCRIPTIONS","id":1}')
        assert program.ws.sock
        program.ws.sock.sendall(message * 55)  # in one piece: it is cut off as they come in
        assert program.end() == (1008, "too many messages; allowed: 5 a second")
    with closing(Program(web, "/ws")) as program:
        with pytest.raises(websocket.WebSocketConnectionClosedException):
            program.say("SUBSCRIBE", *[f"x{number}@kline_1m" for number in range(1_900)])
        assert program.closed == (1009, "exceeded: size")
    with closing(Program(web, f"/ws/{BTC}")) as program:
        names = [f"x{number}@kline_1m" for number in range(STREAMS_PER_SOCKET_MAX)]
        answer = program.say("SUBSCRIBE", *names)
        assert (answer["code"], "1024 streams" in answer["msg"]) == (2, True)


@pytest.mark.parametrize(
    "kind", ["pings", "binary", "no UTF-8", "frames without a mask", "a wide packet"]
)
def test_who_floods_is_cut_off_and_nobody_else_notices(web: Web, teller: Teller, kind: str) -> None:
    with (
        closing(Program(web, f"/ws/{BTC}")) as program,
        closing(upgraded(web.port, f"/ws/{BTC}")) as sock,
    ):
        assert flood(sock, repeated(FRAMES[kind])).is_cut or is_ended(sock)
        program.events(1)
        teller.close(-1)
        assert shown(program, teller, 1) == ["x-1"]


def test_nobody_comes_in_by_a_wrong_token_or_from_another_page(
    web: Web, redis: Redis, teller: Teller
) -> None:
    with pytest.raises(websocket.WebSocketBadStatusException) as refused:
        Program(web, "/ws", "a key of the exchange")
    assert refused.value.status_code == 401 and b'"code":-2015' in (refused.value.resp_body or b"")
    with pytest.raises(websocket.WebSocketBadStatusException) as refused:
        Program(web, "/ws", origin="https://evil.example", cookie=cookies(signed_in(web, redis)))
    assert refused.value.status_code == 403
    assert SentEvents(web, "wrong").answer.status_code == 401
    assert SentEvents(web, None, symbol="DOGEUSDT").answer.status_code == 404


def test_whose_token_or_session_ends_is_cut_off_and_told(
    web: Web, redis: Redis, teller: Teller
) -> None:
    session = signed_in(web, redis)
    token = token_of(redis)
    with ExitStack() as stack:
        by_token = stack.enter_context(closing(Program(web, f"/ws/{BTC}", token)))
        by_session = stack.enter_context(
            closing(Program(web, f"/ws/{BTC}", cookie=cookies(session), origin=web.url))
        )
        events = stack.enter_context(closing(SentEvents(web, token)))
        assert events.event("official")["candles"] == []
        CredentialStore(redis).end_tokens("ann")
        CredentialStore(redis).end_sessions("ann", 0)
        assert by_token.end() == (1008, "signed out")
        assert by_session.end() == (1008, "signed out")
        with pytest.raises(StopIteration):
            events.event("never")


def test_one_user_has_so_many_connections_of_all_kinds(
    web: Web, redis: Redis, teller: Teller
) -> None:
    token = token_of(redis)
    with ExitStack() as stack:
        stack.enter_context(closing(SentEvents(web, token)))
        for _ in range(SOCKETS_PER_USER_MAX - 1):
            last = stack.enter_context(closing(Program(web, "/ws", token)))
        with pytest.raises(websocket.WebSocketBadStatusException) as refused:
            Program(web, "/ws", token)
        assert refused.value.status_code == 429
        assert SentEvents(web, token).answer.status_code == 429
        last.ws.close()
        wait_for(lambda: SentEvents(web, token).answer.status_code == 200, 60, "a free place")


def test_who_comes_back_to_events_is_first_told_what_was_missed(web: Web, teller: Teller) -> None:
    with closing(SentEvents(web, None)) as reader:
        assert reader.answer.headers["Content-Type"].startswith("text/event-stream")
        begun = reader.event("official")
        assert (begun["symbol"], begun["interval"], begun["candles"]) == ("BTCUSDT", "1m", [])
        assert reader.event("live_candle")["candle"]["time"] == teller.at(-1)
        teller.form(0)
        assert reader.event("live_candle")["candle"]["time"] == teller.at(0)
        done = teller.close(-1)
        told = reader.event("official")
        assert [row[0] for row in told["candles"]] == [teller.at(-1)]
        assert told["version"] == done.version
        known = reader.last_id
    teller.close(0, 1, 2)
    teller.close(-1, close="2.75")
    with closing(SentEvents(web, None, known)) as reader:
        missed = reader.event("official")
        opens = [(row[0], str(row[4])) for row in missed["candles"]]
        assert opens == [(teller.at(-1), "2.75"), *((teller.at(n), "2") for n in range(3))]
    teller.close(-9)  # filled in far back
    for odd in (reader.last_id, "nonsense", "7-7-7-7", "99-1-1-1"):
        with closing(SentEvents(web, None, odd)) as again:
            assert again.next()[0] == "resync", odd
            assert again.event("official")["version"] > 0


def test_what_programs_are_told_is_what_the_description_says(
    web: Web, teller: Teller, redis: Redis
) -> None:
    parts = web.get("/asyncapi.json").json()["components"]["schemas"]
    checked: set[str] = set()

    def check(name: str, *samples: Any) -> None:
        judge = Draft202012Validator({**parts[name], "components": {"schemas": parts}})
        for sample in samples:
            assert [f"{name}: {error.message[:300]}" for error in judge.iter_errors(sample)] == []
        checked.add(name)

    def say(name: str, answer: str, method: str, *params: Any) -> None:
        check(name, {"method": method, "params": list(params), "id": 1})
        check(answer, program.say(method, *params))

    trades = "btcusdt@aggTrade"
    with (
        closing(Program(web, f"/ws/{BTC}")) as program,
        closing(Program(web, f"/stream?streams={BTC}/{trades}&timeUnit=MICROSECOND")) as wrapped,
        closing(SentEvents(web, None)) as reader,
        closing(SentEvents(web, None, "nonsense")) as late,
    ):
        check("KlineEvent", *program.events(1))
        check("WrappedEvent", *wrapped.events(1))
        teller.form(0, 3)
        teller.close(-1)
        check("KlineEvent", *program.events(2))
        say("SubscribeMessage", "DoneAnswer", "SUBSCRIBE", trades)
        rows = {"BTCUSDT": [agg_trades.row_of(aggregate(n)) for n in (1_001, 1_002)]}
        agg_trades.keep(redis, rows, 100, {"BTCUSDT": 1})
        check("AggTradeEvent", *program.events(2))
        check("WrappedEvent", *wrapped.events(4))
        say("ListMessage", "ListAnswer", "LIST_SUBSCRIPTIONS")
        say("SetPropertyMessage", "DoneAnswer", "SET_PROPERTY", "combined", False)
        say("GetPropertyMessage", "PropertyAnswer", "GET_PROPERTY", "combined")
        say("UnsubscribeMessage", "DoneAnswer", "UNSUBSCRIBE", trades)
        check("RefusedAnswer", program.say("SUBSCRIBE", "x"), program.send("{"))
        check("OfficialEvent", *(reader.event("official") for _ in range(2)))
        check("LiveCandleEvent", late.event("live_candle"))
        teller.publisher.gap_proven(MINUTES, [Missing(0, 60_000)])
        check("GapProvenEvent", late.event("gap_proven"))
    told = {name for name in STREAM_PARTS if name.endswith(("Event", "Answer", "Message"))}
    assert told - checked == {"ShutdownEvent"}, "the last test hears of that"


def test_the_server_pings_and_says_good_bye(web: Web, silent: Silent, teller: Teller) -> None:
    """The last test of each mode."""
    ping, close = websocket.ABNF.OPCODE_PING, websocket.ABNF.OPCODE_CLOSE
    wait_for(lambda: ping in silent.opcodes, 60, "a ping")
    with (
        closing(Program(web, f"/stream?streams={BTC}")) as program,
        closing(SentEvents(web, None)) as reader,
    ):
        reader.event("official")
        web.role.send(signal.SIGTERM)
        assert program.end() == (1001, "this server stops; connect again")
        assert program.waiting[-1]["stream"] == "!serverShutdown"
        Draft202012Validator(STREAM_PARTS["ShutdownEvent"]).validate(program.waiting[-1]["data"])
        wait_for(lambda: close in silent.opcodes, 60, "the end of who says nothing")
        with pytest.raises(StopIteration):
            reader.event("never")
    assert web.role.end(timeout_s=60) == 0
