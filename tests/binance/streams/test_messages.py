"""Stream messages: what is understood, what is passed over, what is refused."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest

from truecandle.binance.streams.messages import kline_stream, parse_message, stream_of, trade_stream
from truecandle.candles.trades import Kline, Trade
from truecandle.errors import MalformedAnswer

TRADE = {
    "e": "aggTrade", "E": 1723161601438, "s": "BTCUSDT", "a": 26129, "p": "61685.99000000",
    "q": "0.00017000", "f": 100, "l": 105, "T": 1723161601437, "m": True, "M": True,
}  # fmt: skip
FIELDS = {
    "t": 1723161600000, "T": 1723161659999, "s": "BTCUSDT", "i": "1m", "f": 100, "L": 105,
    "o": "61685.99000000", "c": "61686.00000000", "h": "61690.00000000", "l": "61680.00000000",
    "v": "1.50000000", "n": 6, "x": False, "q": "92529.0", "V": "1", "Q": "61686", "B": "0",
}  # fmt: skip
KLINE = {"e": "kline", "E": 1723161602000, "s": "BTCUSDT", "k": FIELDS}


def test_an_aggregate_trade_keeps_its_ids_times_and_exact_text() -> None:
    message = parse_message(json.dumps(TRADE))
    assert message.value == Trade(
        "BTCUSDT", 100, 105, "61685.99", "0.00017", 1723161601437, 1723161601438, False, 26129
    )


def test_a_single_trade_is_an_aggregate_of_one() -> None:
    single = {**TRADE, "e": "trade", "t": 7}
    message = parse_message(json.dumps(single))
    assert isinstance(message.value, Trade)
    assert (message.value.first_id, message.value.last_id, message.value.count) == (7, 7, 1)
    assert (message.value.agg_id, message.value.is_taker_buy) == (-1, False)


def test_a_taker_buys_where_the_buyer_is_no_maker() -> None:
    value = parse_message(json.dumps({**TRADE, "m": False})).value
    assert isinstance(value, Trade)
    assert value.is_taker_buy


def test_a_kline_keeps_its_ids_and_whether_it_closed() -> None:
    value = parse_message(json.dumps({**KLINE, "k": {**FIELDS, "x": True}})).value
    assert isinstance(value, Kline)
    assert (value.first_id, value.last_id, value.trades, value.is_closed) == (100, 105, 6, True)
    assert (value.open, value.high, value.low, value.close) == (
        "61685.99",
        "61690",
        "61680",
        "61686",
    )
    assert (value.volume, value.quote_volume) == ("1.5", "92529")
    assert (value.taker_volume, value.taker_quote_volume) == ("1", "61686")


def test_a_kline_without_trades_has_no_ids() -> None:
    empty = {**FIELDS, "n": 0, "f": -1, "L": -1, "v": "0", "q": "0", "V": "0", "Q": "0"}
    value = parse_message(json.dumps({**KLINE, "k": empty})).value
    assert isinstance(value, Kline)
    assert (value.trades, value.first_id, value.volume) == (0, -1, "0")


def test_combined_and_raw_streams_mean_the_same() -> None:
    wrapped = {"stream": "btcusdt@aggTrade", "data": TRADE}
    assert parse_message(json.dumps(wrapped)) == parse_message(json.dumps(TRADE))


@pytest.mark.parametrize(
    "message",
    [
        {"e": "serverShutdown", "E": 1},
        {"stream": "!serverShutdown", "data": {"e": "serverShutdown", "E": 1}},
    ],
)
def test_a_shutdown_is_understood_raw_and_combined(message: dict[str, Any]) -> None:
    assert parse_message(json.dumps(message)).kind == "shutdown"


@pytest.mark.parametrize("answer", [{"result": None, "id": 1}, {"code": 2, "msg": "Invalid"}])
def test_answers_to_control_messages_are_told_apart(answer: dict[str, Any]) -> None:
    assert parse_message(json.dumps(answer)).kind == "reply"


def test_events_of_other_streams_are_passed_over() -> None:
    assert parse_message('{"e":"24hrMiniTicker","s":"BTCUSDT"}').kind == "other"


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"[]", b"null", b"7", b'"text"', b"\xff\xfe", b'{"e":"trade",', b"<html></html>"],
)
def test_what_is_no_message_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedAnswer):
        parse_message(data)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("p", "0"), ("p", "-1"), ("p", "NaN"), ("p", "1e5"), ("p", 61685.99), ("p", None),
        ("q", "-0.1"), ("q", ""), ("T", 1723161601437000), ("T", "1723161601437"), ("T", -1),
        ("E", None), ("s", ""), ("s", 5), ("f", "100"), ("l", 99), ("f", 2**63), ("a", "1"),
        ("a", -2), ("m", 1), ("m", None),
    ],
)  # fmt: skip
def test_a_trade_with_an_impossible_field_is_refused(field: str, value: object) -> None:
    with pytest.raises(MalformedAnswer):
        parse_message(json.dumps({**TRADE, field: value}))


@pytest.mark.parametrize("field", ["p", "q", "T", "E", "s", "f", "l", "a", "m"])
def test_a_trade_without_a_field_is_refused(field: str) -> None:
    with pytest.raises(MalformedAnswer):
        parse_message(json.dumps({key: TRADE[key] for key in TRADE if key != field}))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("o", None), ("h", "x"), ("l", "0"), ("c", "-5"), ("v", "NaN"), ("t", 1723161600000000),
        ("n", -1), ("n", 1.5), ("x", "true"), ("x", 1), ("L", None), ("i", None),
        ("h", "1"), ("l", "99999"), ("f", -1), ("f", 106), ("q", None), ("V", "x"), ("Q", "-1"),
        ("V", "1.50000001"), ("Q", "92529.1"),
    ],
)  # fmt: skip
def test_a_kline_with_an_impossible_field_is_refused(field: str, value: object) -> None:
    with pytest.raises(MalformedAnswer):
        parse_message(json.dumps({**KLINE, "k": {**FIELDS, field: value}}))


def test_streams_are_named_in_lower_case_but_intervals_keep_theirs() -> None:
    assert trade_stream("BTCUSDT") == "btcusdt@aggTrade"
    assert kline_stream("BTCUSDT", "1M") == "btcusdt@kline_1M"


def test_an_event_knows_the_stream_that_it_comes_from() -> None:
    trade, kline = (parse_message(json.dumps(one)).value for one in (TRADE, KLINE))
    assert isinstance(trade, Trade)
    assert isinstance(kline, Kline)
    assert (stream_of(trade), stream_of(kline)) == ("btcusdt@aggTrade", "btcusdt@kline_1m")


JUNK = [None, True, -1, 0, 10**30, 1.5, "", "x", "1e5", "9" * 30, [], [1], {}, {"e": "kline"}]


@pytest.mark.parametrize(
    "field", ["e", "E", "s", "a", "p", "q", "f", "l", "T", "m", "k", "stream", "data"]
)
def test_junk_is_refused_or_harmless_but_never_another_error(field: str) -> None:
    for junk in JUNK:
        for event in (TRADE, KLINE, {"stream": "x", "data": TRADE}):
            with suppress(MalformedAnswer):
                parse_message(json.dumps({**event, field: junk}))


@pytest.mark.parametrize("field", sorted(FIELDS))
def test_junk_inside_a_kline_is_refused_or_harmless_too(field: str) -> None:
    for junk in JUNK:
        with suppress(MalformedAnswer):
            parse_message(json.dumps({**KLINE, "k": {**FIELDS, field: junk}}))
