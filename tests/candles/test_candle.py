"""Candles and their text: shared vectors, and that nothing is lost on the way through the store."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truecandle.candles.candle import (
    is_closed,
    live_from_fields,
    live_from_json,
    live_from_official,
    official_from_member,
    official_from_row,
)
from truecandle.candles.decimals import canonical
from truecandle.candles.interval import INTERVALS
from truecandle.candles.series import parse_series, parse_symbol
from truecandle.errors import CandleError

VECTORS = json.loads(
    (Path(__file__).parent.parent / "vectors" / "candle.json").read_text(), parse_float=str
)
ROW = [
    *(1499040000000, "0.01634790", "0.80000000", "0.01575800", "0.01577100", "148976.11427815"),
    *(1499644799999, "2434.19055334", 308, "1756.87402397", "28.46694368", "0"),
]
MEMBER = (
    "[1499040000000,0.0163479,0.8,0.015758,0.015771,148976.11427815,1499644799999,"
    "2434.19055334,308,1756.87402397,28.46694368,0]"
)


def name_of(case: dict[str, Any]) -> str:
    name: str = case["name"]
    return name


@pytest.mark.parametrize("case", VECTORS["canonical"], ids=name_of)
def test_decimal_text_is_canonical_or_refused(case: dict[str, Any]) -> None:
    if case["canonical"] is None:
        with pytest.raises(CandleError):
            canonical(case["text"])
    else:
        assert canonical(case["text"]) == case["canonical"]


@pytest.mark.parametrize("case", VECTORS["rows"], ids=name_of)
def test_an_official_row_is_a_candle_or_names_what_is_wrong(case: dict[str, Any]) -> None:
    assert wrong(lambda: official_from_row(case["row"])) == case["wrong"]


@pytest.mark.parametrize("case", VECTORS["live"], ids=name_of)
def test_a_live_candle_is_one_or_names_what_is_wrong(case: dict[str, Any]) -> None:
    candle = case["candle"]
    if isinstance(candle, dict):
        assert wrong(lambda: live_from_fields(candle)) == case["wrong"]
    assert wrong(lambda: live_from_json(json.dumps(candle))) in (case["wrong"], "number")


def test_a_row_of_binance_becomes_the_member_that_the_design_names() -> None:
    assert official_from_row(ROW).member() == MEMBER


def test_a_member_read_back_is_the_same_candle() -> None:
    assert official_from_member(MEMBER) == official_from_row(ROW)
    assert official_from_member(MEMBER).member() == MEMBER


@pytest.mark.parametrize("junk", [b"", b"{}", b"[1]", b"nonsense", b"\xff", b"[" * 5000])
def test_junk_is_no_member_and_no_live_candle(junk: bytes) -> None:
    for read in (official_from_member, live_from_json):
        with pytest.raises(CandleError):
            read(junk)


@given(st.decimals(min_value=0, max_value=10**19, places=8))
@settings(max_examples=300)
def test_canonical_text_keeps_the_value_and_is_its_own_canonical_text(number: Decimal) -> None:
    text = canonical(number)
    assert Decimal(text) == number
    assert canonical(text) == text
    assert "e" not in text.lower()


@pytest.mark.parametrize("value", [0.1, 1e300, float("nan"), True, None, [], b"1", 10**20])
def test_a_number_that_is_no_exact_decimal_is_refused(value: object) -> None:
    with pytest.raises(CandleError):
        canonical(value)


def test_a_live_candle_survives_its_json() -> None:
    candle = live_from_fields(next(c for c in VECTORS["live"] if c["wrong"] is None)["candle"])
    assert live_from_json(candle.to_json()) == candle
    assert json.loads(candle.to_json("forming"))["state"] == "forming"
    exact = replace(
        candle, quote_volume="150.5", taker_volume="0", first_id=7, last_id=9, is_exact=True
    )
    assert live_from_json(exact.to_json()) == exact


def test_the_fields_of_a_live_candle_have_the_order_that_readers_know() -> None:
    fields = next(c for c in VECTORS["live"] if c["wrong"] is None)["candle"]
    candle = replace(live_from_fields(fields), first_id=7, last_id=9, is_exact=True)
    shown = json.loads(candle.to_json("pending"))
    assert " ".join(shown) == (
        "time open high low close volume quote_volume taker_volume taker_quote_volume trades "
        "first_id last_id source is_complete exact updated_at state"
    )
    assert (shown["quote_volume"], shown["exact"], shown["last_id"]) == (None, True, 9)


@pytest.mark.parametrize(
    ("field", "value"),
    [("first_id", -2), ("last_id", "7"), ("quote_volume", "-1"), ("taker_volume", 0.5)],
)
def test_a_live_candle_with_an_impossible_id_or_volume_is_none(field: str, value: object) -> None:
    fields = next(c for c in VECTORS["live"] if c["wrong"] is None)["candle"]
    assert wrong(lambda: live_from_fields({**fields, field: value})) == field


def test_a_forming_row_of_the_exchange_becomes_a_live_candle() -> None:
    row = official_from_row(ROW)
    live = live_from_official(row, updated_at=row.open_ms + 5)
    assert (live.open, live.volume, live.trades, live.is_complete) == (
        "0.0163479",
        "148976.11427815",
        308,
        False,
    )


def test_a_candle_is_closed_by_its_intervals_end_and_the_settling_time() -> None:
    hour, open_ms = INTERVALS["1h"], 1_722_470_400_000
    end_ms = open_ms + 3_600_000
    assert not is_closed(hour, open_ms, end_ms - 1)
    assert is_closed(hour, open_ms, end_ms)
    assert not is_closed(hour, open_ms, end_ms + 2_999, settle_ms=3_000)
    assert is_closed(hour, open_ms, end_ms + 3_000, settle_ms=3_000)


@pytest.mark.parametrize("symbol", ["BTCUSDT", "1INCHUSDT", "币安人生USDT", "A-B_C.D"])
def test_symbols_of_binance_are_accepted(symbol: str) -> None:
    assert parse_series(symbol, "1h").name == f"{symbol}:1h"


@pytest.mark.parametrize(
    "text",
    ["btcusdt", "", "A" * 21, "A B", "A:B", "A/B", "A\n", "../X", "A*", None, 1, ["BTCUSDT"]],
)
def test_what_is_unsafe_in_a_key_is_no_symbol(text: object) -> None:
    with pytest.raises(CandleError, match="symbol"):
        parse_symbol(text)


def wrong(read: Callable[[], object]) -> str | None:
    """The field that breaks a rule, by the name that both languages use."""
    try:
        read()
    except CandleError as error:
        return "time" if error.field == "open time" else error.field
    return None
