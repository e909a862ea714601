"""What the bytes of REST answers mean. Bodies are quoted from public reports of the exchange."""

from __future__ import annotations

import pytest

from truecandle.binance.answers import parse_error, parse_klines, parse_server_time, parse_trades
from truecandle.errors import MalformedAnswer

ROW = (
    b'[1499040000000,"0.01634790","0.80000000","0.01575800","0.01577100","148976.11427815",'
    b'1499644799999,"2434.19055334",308,"1756.87402397","28.46694368","0"]'
)


def test_rows_come_out_as_the_exchange_wrote_them() -> None:
    (row,) = parse_klines(b"[" + ROW + b"]")
    assert row[:3] == [1499040000000, "0.01634790", "0.80000000"]
    assert (row[8], row[11]) == (308, "0")
    assert parse_klines(b"[]") == []


def test_a_number_without_quotes_never_becomes_a_float() -> None:
    assert parse_klines(b"[[0.1, 1e-7, NaN]]") == [["0.1", "1e-7", "NaN"]]


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[1]", b'"text"', b"[[1,2]", b"<!DOCTYPE HTML>", b"[" * 100_000, b"\xff"]
)
def test_what_is_no_list_of_rows_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedAnswer):
        parse_klines(body)


TRADE = (
    b'{"a":26129,"p":"0.01633102","q":"4.70443515","f":27781,"l":27783,"T":1498793709153,'
    b'"m":true,"M":true}'
)


def test_aggregate_trades_are_read_with_their_ids_and_side_and_sent_when_they_happened() -> None:
    (trade,) = parse_trades(b"[" + TRADE + b"]", "ETHBTC")
    assert (trade.symbol, trade.agg_id) == ("ETHBTC", 26129)
    assert (trade.first_id, trade.last_id, trade.count) == (27781, 27783, 3)
    assert (trade.price, trade.quantity) == ("0.01633102", "4.70443515")
    assert trade.event_ms == trade.time_ms == 1498793709153
    assert not trade.is_taker_buy
    assert parse_trades(b"[]", "ETHBTC") == []


@pytest.mark.parametrize(
    "body",
    [
        b"{}", b"[1]", b"[[]]", b"[" + TRADE, b"[" + TRADE.replace(b'"a":26129,', b"") + b"]",
        b"[" + TRADE.replace(b'"T":1498793709153,', b"") + b"]",
        b"[" + TRADE.replace(b"27783", b"27780") + b"]",
        b"[" + TRADE.replace(b'"0.01633102"', b'"0.00000000"') + b"]",
        b"[" + TRADE.replace(b'"4.70443515"', b'"NaN"') + b"]",
    ],
)  # fmt: skip
def test_what_is_no_list_of_trades_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedAnswer):
        parse_trades(body, "ETHBTC")


def test_the_server_time_is_read_in_milliseconds() -> None:
    assert parse_server_time(b'{"serverTime":1499827319559}') == 1499827319559


@pytest.mark.parametrize(
    "body",
    [
        b"{}", b"[]", b'{"serverTime":"1499827319559"}', b'{"serverTime":-1}',
        b'{"serverTime":1.5}', b'{"serverTime":1499827319559000}', b'{"serverTime":null}',
    ],
)  # fmt: skip
def test_a_server_time_that_cannot_be_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedAnswer):
        parse_server_time(body)


@pytest.mark.parametrize(
    ("body", "code", "start"),
    [
        (b'{"code":-1121,"msg":"Invalid symbol."}', -1121, "Invalid symbol."),
        (b'{"code":-1003,"msg":"Way too much request weight used; IP banned until 1660090423228."}',
         -1003, "Way too much"),
        (b'{\n  "code": 0,\n  "msg": "Service unavailable from a restricted location"\n}',
         0, "Service unavailable"),
        (b"<!DOCTYPE HTML PUBLIC>", 0, "b'<!DOCTYPE"),
        (b"", 0, "b''"),
        (b"[1,2]", 0, "b'[1,2]'"),
    ],
)  # fmt: skip
def test_an_error_body_gives_its_code_or_at_least_its_beginning(
    body: bytes, code: int, start: str
) -> None:
    found, message = parse_error(body)
    assert found == code
    assert message.startswith(start)
