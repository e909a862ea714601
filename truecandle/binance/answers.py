"""What the bodies of Binance's REST answers mean, as checked values.

Never here: HTTP (`http`), messages of streams (`wire`), whether it was asked for (`rest`).
Invariant: every number that becomes part of a candle is the exchange's own text.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from truecandle.binance.fields import field, moment, shown
from truecandle.binance.wire import aggregate
from truecandle.candles.listing import Listing, listing_from_fields
from truecandle.candles.tick import Trade
from truecandle.errors import CandleError, MalformedAnswer


def parse_klines(body: bytes) -> list[list[object]]:
    """The rows of `GET /api/v3/klines`, unchecked but for their frame: a list of lists.

    Numbers without quotes are kept as text too, so that no decimal becomes a float.
    """
    rows = _parse(body)
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise MalformedAnswer(f"expected an array of klines, got {shown(body)}")
    return rows


def parse_server_time(body: bytes) -> int:
    """`GET /api/v3/time` in ms."""
    answer = _parse(body)
    if not isinstance(answer, dict):
        raise MalformedAnswer(f"expected a server time, got {shown(body)}")
    return field(answer, "serverTime", moment)


def parse_listings(body: bytes) -> list[Listing]:
    """The symbols of `GET /api/v3/exchangeInfo`, with the steps of their filters."""
    answer = _parse(body)
    rows = answer.get("symbols") if isinstance(answer, dict) else None
    if not isinstance(rows, list):
        raise MalformedAnswer(f"expected symbols, got {shown(body)}")
    try:
        return [_listing(row) for row in rows]
    except (CandleError, TypeError, AttributeError, KeyError) as error:
        raise MalformedAnswer(f"symbols of exchangeInfo: {error}") from error


def parse_trades(body: bytes, symbol: str) -> list[Trade]:
    """The rows of `GET /api/v3/aggTrades`; their symbol is not in them."""
    rows = _parse(body)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise MalformedAnswer(f"expected an array of trades, got {shown(body)}")
    return [aggregate({**row, "s": symbol, "E": row.get("T")}) for row in rows]


def parse_error(body: bytes) -> tuple[int, str]:
    """Binance's error code and message; (0, start of the text) where the body is no such thing."""
    try:
        answer = json.loads(body)
        return int(answer["code"]), str(answer["msg"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return 0, shown(body)


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


def _parse(body: bytes) -> Any:
    try:
        return json.loads(body, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError) as error:
        raise MalformedAnswer(f"no JSON: {shown(body)}") from error
