"""What the bodies of Binance's REST answers mean, as checked values.

Never here: HTTP (`http`), messages of streams, whether it was asked for (`client`).
Invariant: every number that becomes part of a candle is the exchange's own text. One odd row spoils
itself only, and what it leaves unknown is said.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

from truecandle.binance.validators import agg_trade, excerpt, field
from truecandle.candles.decimals import canonical, moment
from truecandle.candles.instrument import Instrument, instrument_from_fields
from truecandle.candles.series import parse_symbol
from truecandle.candles.ticker import Ticker
from truecandle.candles.trades import Trade
from truecandle.errors import CandleError, MalformedAnswer

#: A limit below this is no sound one: nothing could be asked.
WEIGHT_MIN = 100
#: Tickers that are remembered as parsed, more than an exchange ever listed: from one reading of all
#: to the next most are the same.
TICKERS_KEPT = 5_000
#: Spans of the exchange's limits, in minutes.
_MINUTES: Mapping[str, float] = {"SECOND": 1 / 60, "MINUTE": 1.0, "HOUR": 60.0, "DAY": 1440.0}


class TradePage(NamedTuple):
    """Aggregate trades of one answer, ids ascending; `odd` says what was wrong with the other rows.

    With odd rows a page proves no more than its trades: not that nothing else traded beside them.
    `date_ms` is the exchange's time when it answered; None where it did not tell that.
    """

    trades: list[Trade]
    odd: list[str]
    date_ms: int | None = None


class InstrumentPage(NamedTuple):
    """What the exchange lists; `odd` says what was wrong with the other symbols' rows. Request
    weight that it allows in a minute; None where it does not say."""

    instruments: list[Instrument]
    odd: list[str]
    weight_per_minute: int | None = None


class TickerPage(NamedTuple):
    """The last 24 hours of markets; `odd` says what was wrong with the other rows."""

    tickers: list[Ticker]
    odd: list[str]


def parse_klines(body: bytes) -> list[list[object]]:
    """The rows of `GET /api/v3/klines`, unchecked: whoever stores them judges each by itself.

    Numbers without quotes are kept as text too, so that no decimal becomes a float. A row that is
    no list comes as one of a single text, which is no candle of any time.
    """
    rows = _parse(body)
    if not isinstance(rows, list) or (rows and not any(isinstance(row, list) for row in rows)):
        raise MalformedAnswer(f"expected an array of klines, got {excerpt(body)}")
    return [row if isinstance(row, list) else [_said(row)] for row in rows]


def parse_server_time(body: bytes) -> int:
    """`GET /api/v3/time` in ms."""
    answer = _parse(body)
    if not isinstance(answer, dict):
        raise MalformedAnswer(f"expected a server time, got {excerpt(body)}")
    return field(answer, "serverTime", moment)


def parse_instruments(body: bytes) -> InstrumentPage:
    """The symbols of `GET /api/v3/exchangeInfo`, with the steps of their filters."""
    answer = _parse(body)
    rows = answer.get("symbols") if isinstance(answer, dict) else None
    if not isinstance(rows, list):
        raise MalformedAnswer(f"expected symbols, got {excerpt(body)}")
    page = InstrumentPage([], [], _weight_per_minute(answer))
    for row in rows:
        try:
            page.instruments.append(_instrument(row))
        except (CandleError, TypeError, AttributeError, KeyError) as error:
            page.odd.append(f"{_said(row)}: {error}")
    return page


def parse_trades(
    body: bytes, symbol: str, *, from_id: int | None = None, start_ms: int | None = None
) -> TradePage:
    """The rows of `GET /api/v3/aggTrades`, asked for from that id or time_ms on.

    Odd is a row that is no trade, is of another symbol, was not asked for, or contradicts its
    neighbour: then both are, as nobody knows which of them is right. Of equal doubles one counts.
    """
    rows = _parse(body)
    if not isinstance(rows, list):
        raise MalformedAnswer(f"expected an array of trades, got {excerpt(body)}")
    found, odd = list[Trade](), list[str]()
    for row in rows:
        try:
            trade = _trade(row, symbol)
        except MalformedAnswer as error:
            odd.append(str(error))
            continue
        if found and trade == found[-1]:
            odd.append(f"trade {trade.agg_id} comes twice")
        elif trade.agg_id < (from_id or 0) or trade.time_ms < (start_ms or 0):
            odd.append(f"trade {trade.agg_id} was not asked for")
        else:
            found.append(trade)
    doubted = set[int]()
    for at, (before, after) in enumerate(pairwise(found)):
        if after.agg_id <= before.agg_id or after.first_id <= before.last_id:
            odd.append(f"trade {after.agg_id} follows {before.agg_id}")
            doubted |= {at, at + 1}
    return TradePage([one for at, one in enumerate(found) if at not in doubted], odd)


def parse_tickers(body: bytes) -> TickerPage:
    """The rows of `GET /api/v3/ticker/24hr`, whether of type FULL or MINI."""
    rows = _parse(body)
    if not isinstance(rows, list) or (rows and not any(isinstance(row, dict) for row in rows)):
        raise MalformedAnswer(f"expected an array of tickers, got {excerpt(body)}")
    page = TickerPage([], [])
    for row in rows:
        try:
            page.tickers.append(_ticker(*(row[name] for name in _TICKER_FIELDS)))
        except (CandleError, TypeError, KeyError) as error:
            page.odd.append(f"{_said(row)}: {error}")
    return page


def parse_error(body: bytes) -> tuple[int, str]:
    """Binance's error code and message; (0, start of the text) where the body is no such thing."""
    try:
        answer = json.loads(body)
        return int(answer["code"]), str(answer["msg"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return 0, excerpt(body)


def _trade(row: object, symbol: str) -> Trade:
    """One row; its symbol is mostly not in it."""
    if not isinstance(row, dict):
        raise MalformedAnswer(f"no trade: {_said(row)}")
    if row.get("s", symbol) != symbol:
        raise MalformedAnswer(f"a trade of {row['s']!r:.40}, not of {symbol}")
    return agg_trade({**row, "s": symbol, "E": row.get("T")})


def _instrument(row: Mapping[str, Any]) -> Instrument:
    filters = {one["filterType"]: one for one in row["filters"]}
    return instrument_from_fields(
        {
            "symbol": row["symbol"],
            "status": row["status"],
            "base": row["baseAsset"],
            "quote": row["quoteAsset"],
            "tick_size": filters.get("PRICE_FILTER", {}).get("tickSize"),
            "step_size": filters.get("LOT_SIZE", {}).get("stepSize"),
        }
    )


def _weight_per_minute(answer: Mapping[str, Any]) -> int | None:
    """The strictest of its limits of request weight, for a minute; None where it has none."""
    limits = answer.get("rateLimits")
    found = []
    for one in limits if isinstance(limits, list) else ():
        if not isinstance(one, dict) or one.get("rateLimitType") != "REQUEST_WEIGHT":
            continue
        minutes = _MINUTES.get(str(one.get("interval")), 0.0)
        span, limit = one.get("intervalNum"), one.get("limit")
        if minutes and type(span) is int and type(limit) is int and span > 0:
            found.append(int(limit / (span * minutes)))
    return min((one for one in found if one >= WEIGHT_MIN), default=None)


_PRICES = ("lastPrice", "openPrice", "highPrice", "lowPrice")
_VOLUMES = ("volume", "quoteVolume")
_TICKER_FIELDS = ("symbol", *_PRICES, *_VOLUMES)


@lru_cache(TICKERS_KEPT, typed=True)
def _ticker(symbol: object, *numbers: object) -> Ticker:
    """From the values of `_TICKER_FIELDS`, as they came."""
    texts = [canonical(one, name) for one, name in zip(numbers, _TICKER_FIELDS[1:], strict=True)]
    # Of a market in which nothing ever traded, the exchange says 0.
    prices = ("" if text == "0" else text for text in texts[: len(_PRICES)])
    return Ticker(parse_symbol(symbol), *prices, *texts[len(_PRICES) :])


def _said(row: object) -> str:
    return f"{row!r:.80}"


def _parse(body: bytes) -> Any:
    try:
        return json.loads(body, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError) as error:
        raise MalformedAnswer(f"no JSON: {excerpt(body)}") from error
