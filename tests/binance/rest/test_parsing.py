"""What the bytes of REST answers mean. Bodies are quoted from public reports of the exchange."""

from __future__ import annotations

import json

import pytest

from truecandle.binance.rest.parsing import (
    parse_error,
    parse_instruments,
    parse_klines,
    parse_server_time,
    parse_trades,
)
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
    page = parse_trades(b"[" + TRADE + b"]", "ETHBTC")
    (trade,) = page.trades
    assert page.odd == []
    assert (trade.symbol, trade.agg_id) == ("ETHBTC", 26129)
    assert (trade.first_id, trade.last_id, trade.count) == (27781, 27783, 3)
    assert (trade.price, trade.quantity) == ("0.01633102", "4.70443515")
    assert trade.event_ms == trade.time_ms == 1498793709153
    assert not trade.is_taker_buy
    assert parse_trades(b"[]", "ETHBTC") == ([], [], None)


@pytest.mark.parametrize("body", [b"", b"{}", b"null", b"[" + TRADE])
def test_what_is_no_list_of_trades_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedAnswer):
        parse_trades(body, "ETHBTC")


def row(agg_id: int, **changed: object) -> dict[str, object]:
    """An aggregate of two trades."""
    fields = {"a": agg_id, "p": "5.10", "q": "1", "f": 2 * agg_id, "l": 2 * agg_id + 1}
    return {**fields, "T": 1_700_000_000_000 + agg_id, "m": True, "M": True, **changed}


VOID = {"p": "0.00000000", "q": "0.00000000", "f": -1, "l": -1}
ODD: dict[str, tuple[object, ...]] = {
    "null": (None,),
    "a number": (7,),
    "a list": ([],),
    "without an id": ({"p": "1"},),
    "no time": (row(12, T=None),),
    "no trade ids": (row(12, f=-1, l=-1),),
    "void": (row(12, **VOID),),
    "price 0": (row(12, p="0.00000000"),),
    "not a number": (row(12, q="NaN"),),
    "ids the wrong way round": (row(12, f=25, l=24),),
    "another symbol": (row(12, s="XXXUSDT"),),
    "the same once more": (row(11),),
    "older than asked for": (row(3),),
}


@pytest.mark.parametrize("rows", ODD.values(), ids=ODD)
def test_an_odd_row_spoils_itself_only(rows: tuple[object, ...]) -> None:
    body = json.dumps([row(10), row(11), *rows, row(13), row(14)]).encode()
    found, odd, _ = parse_trades(body, "ETHBTC", from_id=10)
    assert [trade.agg_id for trade in found] == [10, 11, 13, 14]
    assert len(odd) == 1 and odd[0]


@pytest.mark.parametrize(
    ("rows", "kept"),
    [
        ([row(10), row(11), row(10, p="6"), row(13)], [10, 13]),
        ([row(10), row(99), row(12), row(13)], [10, 13]),
        ([row(10), row(11, l=30), row(12), row(14)], [10, 14]),
        ([row(10), row(11), row(11, p="6"), row(13)], [10, 13]),
    ],
    ids=["an id that goes back", "one that leaps", "trades twice", "doubles that differ"],
)
def test_of_two_rows_that_contradict_each_other_neither_is_believed(
    rows: list[object], kept: list[int]
) -> None:
    found, odd, _ = parse_trades(json.dumps(rows).encode(), "ETHBTC")
    assert [trade.agg_id for trade in found] == kept
    assert odd


def test_a_kline_that_is_no_row_is_left_for_the_store_to_refuse() -> None:
    first, odd, last = parse_klines(b'[[1, "2"], null, [3, "4"]]')
    assert (first, last) == ([1, "2"], [3, "4"])
    assert odd == ["None"]


def test_an_odd_symbol_spoils_itself_only() -> None:
    sound = {"symbol": "ABUSDT", "status": "BREAK", "baseAsset": "AB", "quoteAsset": "USDT"}
    rows = [None, {"symbol": "X"}, {**sound, "filters": [{}]}, {**sound, "filters": []}]
    found, odd, _ = parse_instruments(json.dumps({"symbols": rows}).encode())
    assert [one.symbol for one in found] == ["ABUSDT"]
    assert len(odd) == 3


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


def test_the_limit_of_request_weight_is_the_strictest_one_that_the_exchange_tells() -> None:
    def limit(kind: str, interval: str, number: object, most: object) -> dict[str, object]:
        names = ("rateLimitType", "interval", "intervalNum", "limit")
        return dict(zip(names, (kind, interval, number, most), strict=True))

    weight = "REQUEST_WEIGHT"
    for limits, expected in (
        ([limit(weight, "MINUTE", 1, 1_200), limit("ORDERS", "SECOND", 10, 50)], 1_200),
        ([limit(weight, "MINUTE", 5, 6_000), limit(weight, "MINUTE", 1, 6_000)], 1_200),
        ([limit(weight, "SECOND", 10, 200)], 1_200),
        ([limit(weight, "MINUTE", 0, 9), limit(weight, "YEAR", 1, 9), "odd"], None),
        ([limit(weight, "MINUTE", 1, "many"), limit(weight, "MINUTE", 1, 0)], None),
        (None, None),
    ):
        body = json.dumps({"symbols": [], "rateLimits": limits}).encode()
        assert parse_instruments(body).weight_per_minute == expected
