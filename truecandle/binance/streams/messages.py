"""What the messages of Binance's streams mean, as checked values; and what the streams are called.

Never here: sockets, waiting, retries. Bytes come in, values or a `MalformedAnswer` go out.
Invariant: every number that becomes part of a candle is the exchange's own text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, NamedTuple

import orjson

from truecandle.binance.validators import (
    agg_trade,
    boolean,
    excerpt,
    field,
    text,
    trade,
)
from truecandle.candles.decimals import canonical, count, moment, trade_id
from truecandle.candles.trades import Kline, Trade
from truecandle.errors import MalformedAnswer


class Message(NamedTuple):
    """One stream message: `kind` is `trade`, `kline`, `shutdown`, `reply` or `other`."""

    kind: str
    value: Trade | Kline | Mapping[str, Any] | None


def parse_message(data: bytes | str) -> Message:
    """One message of a raw or combined stream. Raises `MalformedAnswer` for a broken one."""
    try:
        message = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise MalformedAnswer(f"no JSON: {excerpt(data)}") from error
    if not isinstance(message, dict):
        raise MalformedAnswer(f"expected an object, got {excerpt(data)}")
    if "stream" in message and "data" in message:
        message = message["data"]
        if not isinstance(message, dict):
            raise MalformedAnswer(f"expected an event, got {excerpt(data)}")
    if "e" not in message:
        return Message("reply" if "id" in message or "code" in message else "other", message)
    parse = _PARSERS.get(message["e"]) if isinstance(message["e"], str) else None
    return parse(message) if parse else Message("other", message)


def trade_stream(symbol: str) -> str:
    """`btcusdt@aggTrade`: aggregated trades in real time."""
    return f"{symbol.lower()}@aggTrade"


def kline_stream(symbol: str, interval: str) -> str:
    """`btcusdt@kline_1m`: the candle as it forms, at most once in 2 s (1 s for `1s`)."""
    return f"{symbol.lower()}@kline_{interval}"


def stream_of(value: Trade | Kline) -> str:
    """The stream that such an event comes from."""
    if isinstance(value, Trade):
        return trade_stream(value.symbol)
    return kline_stream(value.symbol, value.interval)


def _parse_agg_trade(message: Mapping[str, Any]) -> Message:
    return Message("trade", agg_trade(message))


def _parse_trade(message: Mapping[str, Any]) -> Message:
    return Message("trade", trade(message, "t", "t", -1))


def _parse_kline(message: Mapping[str, Any]) -> Message:
    fields = message.get("k")
    if not isinstance(fields, dict):
        raise MalformedAnswer("kline event without k")
    kline = Kline(
        symbol=field(fields, "s", text),
        interval=field(fields, "i", text),
        open_ms=field(fields, "t", moment),
        open=field(fields, "o", canonical),
        high=field(fields, "h", canonical),
        low=field(fields, "l", canonical),
        close=field(fields, "c", canonical),
        volume=field(fields, "v", canonical),
        quote_volume=field(fields, "q", canonical),
        taker_volume=field(fields, "V", canonical),
        taker_quote_volume=field(fields, "Q", canonical),
        trades=field(fields, "n", count),
        first_id=field(fields, "f", trade_id),
        last_id=field(fields, "L", trade_id),
        is_closed=field(fields, "x", boolean),
        event_ms=field(message, "E", moment),
    )
    if not _is_possible(kline):
        raise MalformedAnswer(f"impossible kline {kline}")
    if kline.trades == 0:
        kline = replace(kline, first_id=-1, last_id=-1)
    return Message("kline", kline)


def _is_possible(kline: Kline) -> bool:
    low, high = Decimal(kline.low), Decimal(kline.high)
    are_prices = 0 < low <= Decimal(kline.open) <= high and low <= Decimal(kline.close) <= high
    is_flow = Decimal(kline.taker_volume) <= Decimal(kline.volume)
    is_quote_flow = Decimal(kline.taker_quote_volume or 0) <= Decimal(kline.quote_volume or 0)
    are_ids = kline.trades == 0 or 0 <= kline.first_id <= kline.last_id
    return are_prices and is_flow and is_quote_flow and are_ids


def _parse_shutdown(message: Mapping[str, Any]) -> Message:
    return Message("shutdown", message)


_PARSERS: Mapping[str, Callable[[Mapping[str, Any]], Message]] = {
    "aggTrade": _parse_agg_trade,
    "trade": _parse_trade,
    "kline": _parse_kline,
    "serverShutdown": _parse_shutdown,
}
