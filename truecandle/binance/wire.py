"""What Binance's bytes mean: REST bodies and stream messages as checked values.

Never here: sockets, waiting, retries. Bytes come in, values or a `MalformedAnswer` go out.
Invariant: every number that becomes part of a candle is the exchange's own text.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, NamedTuple, TypeVar

import orjson

from truecandle.candles.candle import canonical
from truecandle.candles.interval import LAST_MS
from truecandle.candles.listing import Listing, listing_from_fields
from truecandle.candles.tick import Kline, Trade
from truecandle.errors import CandleError, MalformedAnswer

T = TypeVar("T")


class Message(NamedTuple):
    """One stream message: `kind` is `trade`, `kline`, `shutdown`, `reply` or `other`."""

    kind: str
    value: Trade | Kline | Mapping[str, Any] | None


def parse_klines(body: bytes) -> list[list[object]]:
    """The rows of `GET /api/v3/klines`, unchecked but for their frame: a list of lists.

    Numbers without quotes are kept as text too, so that no decimal becomes a float.
    """
    rows = _parse(body)
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise MalformedAnswer(f"expected an array of klines, got {_shown(body)}")
    return rows


def parse_server_time(body: bytes) -> int:
    """`GET /api/v3/time` in ms."""
    answer = _parse(body)
    if not isinstance(answer, dict):
        raise MalformedAnswer(f"expected a server time, got {_shown(body)}")
    return _field(answer, "serverTime", _moment)


def parse_listings(body: bytes) -> list[Listing]:
    """The symbols of `GET /api/v3/exchangeInfo`, with the steps of their filters."""
    answer = _parse(body)
    rows = answer.get("symbols") if isinstance(answer, dict) else None
    if not isinstance(rows, list):
        raise MalformedAnswer(f"expected symbols, got {_shown(body)}")
    try:
        return [_listing(row) for row in rows]
    except (CandleError, TypeError, AttributeError, KeyError) as error:
        raise MalformedAnswer(f"symbols of exchangeInfo: {error}") from error


def parse_error(body: bytes) -> tuple[int, str]:
    """Binance's error code and message; (0, start of the text) where the body is no such thing."""
    try:
        answer = json.loads(body)
        return int(answer["code"]), str(answer["msg"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return 0, _shown(body)


def parse_message(data: bytes | str) -> Message:
    """One message of a raw or combined stream. Raises `MalformedAnswer` for a broken one."""
    try:
        message = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise MalformedAnswer(f"no JSON: {_shown(data)}") from error
    if not isinstance(message, dict):
        raise MalformedAnswer(f"expected an object, got {_shown(data)}")
    if "stream" in message and "data" in message:
        message = message["data"]
        if not isinstance(message, dict):
            raise MalformedAnswer(f"expected an event, got {_shown(data)}")
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


def _listing(row: Mapping[str, Any]) -> Listing:
    filters = {one["filterType"]: one for one in row["filters"]}
    return listing_from_fields(
        {
            "symbol": row["symbol"],
            "status": row["status"],
            "base": row["baseAsset"],
            "quote": row["quoteAsset"],
            "tickSize": filters.get("PRICE_FILTER", {}).get("tickSize"),
            "stepSize": filters.get("LOT_SIZE", {}).get("stepSize"),
        }
    )


def _parse_aggregate(message: Mapping[str, Any]) -> Message:
    return Message("trade", _trade(message, "f", "l", _field(message, "a", _id)))


def _parse_trade(message: Mapping[str, Any]) -> Message:
    return Message("trade", _trade(message, "t", "t", -1))


def _trade(message: Mapping[str, Any], first: str, last: str, agg_id: int) -> Trade:
    trade = Trade(
        symbol=_field(message, "s", _text),
        first_id=_field(message, first, _id),
        last_id=_field(message, last, _id),
        price=_field(message, "p", _decimal),
        quantity=_field(message, "q", _decimal),
        time_ms=_field(message, "T", _moment),
        event_ms=_field(message, "E", _moment),
        is_taker_buy=not _field(message, "m", _flag),
        agg_id=agg_id,
    )
    if trade.price == "0" or trade.last_id < trade.first_id:
        raise MalformedAnswer(f"impossible trade {trade}")
    return trade


def _parse_kline(message: Mapping[str, Any]) -> Message:
    fields = message.get("k")
    if not isinstance(fields, dict):
        raise MalformedAnswer("kline event without k")
    kline = Kline(
        symbol=_field(fields, "s", _text),
        interval=_field(fields, "i", _text),
        open_ms=_field(fields, "t", _moment),
        open=_field(fields, "o", _decimal),
        high=_field(fields, "h", _decimal),
        low=_field(fields, "l", _decimal),
        close=_field(fields, "c", _decimal),
        volume=_field(fields, "v", _decimal),
        quote_volume=_field(fields, "q", _decimal),
        taker_volume=_field(fields, "V", _decimal),
        taker_quote_volume=_field(fields, "Q", _decimal),
        trades=_field(fields, "n", _count),
        first_id=_field(fields, "f", _id),
        last_id=_field(fields, "L", _id),
        is_closed=_field(fields, "x", _flag),
        event_ms=_field(message, "E", _moment),
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
    is_quote_flow = Decimal(kline.taker_quote_volume) <= Decimal(kline.quote_volume)
    are_ids = kline.trades == 0 or 0 <= kline.first_id <= kline.last_id
    return are_prices and is_flow and is_quote_flow and are_ids


def _parse_shutdown(message: Mapping[str, Any]) -> Message:
    return Message("shutdown", message)


_PARSERS: Mapping[str, Callable[[Mapping[str, Any]], Message]] = {
    "aggTrade": _parse_aggregate,
    "trade": _parse_trade,
    "kline": _parse_kline,
    "serverShutdown": _parse_shutdown,
}


def _parse(body: bytes) -> Any:
    try:
        return json.loads(body, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError) as error:
        raise MalformedAnswer(f"no JSON: {_shown(body)}") from error


def _field(fields: Mapping[str, Any], name: str, parse: Callable[[Any], T]) -> T:
    try:
        return parse(fields[name])
    except (KeyError, ValueError, CandleError) as error:
        raise MalformedAnswer(f"field {name}: {fields.get(name, 'missing')!r:.40}") from error


def _text(value: Any) -> str:
    if isinstance(value, str) and 0 < len(value) <= 40:
        return value
    raise ValueError


def _decimal(value: Any) -> str:
    return canonical(value)


def _moment(value: Any) -> int:
    if isinstance(value, int) and 0 <= value < LAST_MS:
        return value
    raise ValueError


def _id(value: Any) -> int:
    if isinstance(value, int) and -1 <= value < 2**63:
        return value
    raise ValueError


def _count(value: Any) -> int:
    if isinstance(value, int) and 0 <= value < 2**53:
        return value
    raise ValueError


def _flag(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise ValueError


def _shown(data: bytes | str) -> str:
    return repr(data[:80])
