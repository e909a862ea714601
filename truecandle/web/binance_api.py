"""`/api/v3/…`: followed markets in the shape of Binance's public REST API, for its clients.

Never here: reading parameters (`binance_params`), orders, accounts, markets that are not followed.
Invariant: fields, order and types are the exchange's; a value that nobody knows here is null, never
made up. Each request is one read of our own limit, and that is the weight that is told.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_DOWN, Context, Decimal
from typing import Any, Final

from flask import Blueprint, Response, g, request

from truecandle.candles.candle import LiveCandle, live_from_json
from truecandle.candles.interval import DAY_MS, INTERVALS
from truecandle.candles.series import Series
from truecandle.exact_json import dumps, loads
from truecandle.store import live
from truecandle.store.markets import FollowedMarket
from truecandle.store.pages import Query
from truecandle.web import binance_params, binance_trades, data, problem_forms
from truecandle.web.auth import require_read
from truecandle.web.binance_params import (
    DAY,
    END_TIME,
    INFO,
    INTERVAL,
    KLINES,
    LIMIT,
    PERMISSION_SETS,
    PRICES,
    START_TIME,
    STATUS,
    SYMBOL,
    TIME_ZONE,
    TRADES,
    TYPE,
    BinanceRefused,
)
from truecandle.web.data_formats import binance_rows, padded
from truecandle.web.json_response import private
from truecandle.web.query import DataQuery
from truecandle.web.read_quota import WINDOW_S
from truecandle.web.services import services

bp = Blueprint("binance", __name__, url_prefix="/api/v3")

#: What an answer's times are multiplied with.
_UNITS: Final = {"": 1, "MILLISECOND": 1, "MICROSECOND": 1000}
_ASSET_DIGITS: Final = 8
_LONG: Final = Context(prec=80)
_EIGHTH: Final = Decimal("0.00000001")


@bp.errorhandler(BinanceRefused)
def refused(error: BinanceRefused) -> Response:
    """A request that the exchange would refuse as well."""
    return problem_forms.binance(error.status, str(error), error.code)


@bp.after_request
def tell_weight(response: Response) -> Response:
    """How many reads of this minute are used, as the exchange tells its weight."""
    if "read_quota" in g:
        used = str(g.read_quota.limit - g.read_quota.left)
        response.headers["X-MBX-USED-WEIGHT"] = used
        response.headers["X-MBX-USED-WEIGHT-1M"] = used
    return response


@bp.get("/ping")
@require_read
def ping() -> Response:
    """Whether we are there."""
    binance_params.read(request.args, ())
    return _answer({})


@bp.get("/time")
@require_read
def server_time() -> Response:
    """The exchange's time, as this system keeps it."""
    binance_params.read(request.args, ())
    return _answer({"serverTime": services().clock.now_ms() * _unit()})


@bp.get("/klines")
@require_read
def klines() -> Response:
    """Candles, oldest first; the last may still be forming, and nothing marks it."""
    return _klines()


@bp.get("/uiKlines")
@require_read
def ui_klines() -> Response:
    """The same: there is nothing to be optimised for presentation."""
    return _klines()


@bp.get("/aggTrades")
@require_read
def agg_trades() -> Response:
    """Aggregate trades, oldest first, as far back as they are kept (`TRADES_KEPT`)."""
    return _json(binance_trades.answer(binance_params.read(request.args, TRADES), _unit()))


@bp.get("/exchangeInfo")
@require_read
def exchange_info() -> Response:
    """The followed markets with their steps, and our limit. Those that the exchange has not been
    asked about yet come once it was.
    """
    values = binance_params.read(request.args, INFO)
    found = [market for market in _markets(values) if market.instrument.status]
    has_sets = PERMISSION_SETS.read(values) != "false"
    return _answer(
        {
            "timezone": "UTC",
            "serverTime": services().clock.now_ms() * _unit(),
            "rateLimits": [
                {
                    "rateLimitType": kind,
                    "interval": "MINUTE",
                    "intervalNum": WINDOW_S // 60,
                    "limit": services().settings.reads_per_minute,
                }
                for kind in ("REQUEST_WEIGHT", "RAW_REQUESTS")
            ],
            "exchangeFilters": [],
            "symbols": [_listing(market, has_sets) for market in found],
        }
    )


@bp.get("/ticker/price")
@require_read
def ticker_price() -> Response:
    """The last price of one market, or of several."""
    values = binance_params.read(request.args, PRICES)
    found = _markets(values)
    prices = _prices([market.symbol for market in found])
    return _one_or_many(
        values, [{"symbol": symbol, "price": price} for symbol, price in prices.items()]
    )


@bp.get("/ticker/24hr")
@require_read
def ticker_day() -> Response:
    """The last 24 hours of one market, or of several."""
    values = binance_params.read(request.args, DAY)
    names = [market.symbol for market in _markets(values)]
    updated_ms, rows = services().exchange.rows(names)
    prices = _prices(names)
    days = [_day(loads(rows[name]), prices.get(name), updated_ms) for name in names if name in rows]
    if TYPE.read(values) == "MINI":
        days = [{name: day[name] for name in _MINI} for day in days]
    return _one_or_many(values, [day for day in days if day["lastPrice"] is not None])


@bp.get("/<path:name>")
@require_read
def elsewhere(name: str) -> Response:
    """What the exchange has and we have not: there is no order, account or book here."""
    raise BinanceRefused(-5000, f"Path /api/v3/{name[:60]}, Method GET is invalid", 404)


def _klines() -> Response:
    values = binance_params.read(request.args, KLINES)
    series = _series(SYMBOL.read(values), INTERVAL.read(values))
    TIME_ZONE.read(values)
    limit, start_ms, end_ms = (one.read(values) for one in (LIMIT, START_TIME, END_TIME))
    query = Query(limit or 1, start_ms, None if end_ms is None else end_ms + 1)
    asked = DataQuery(series, query, is_iso=False, is_live=True)
    snapshot = data.read(services().redis, asked, services().clock.now_ms())
    rows = binance_rows(snapshot.page.members, _unit())
    is_cut = query.is_forward and snapshot.page.has_more
    if not is_cut:
        rows += [_live_row(series, live_from_json(text), _unit()) for text in snapshot.live]
        rows = rows[: query.limit] if query.is_forward else rows[-query.limit :]
    return _json(b"[%b]" % b",".join(rows))


def _live_row(series: Series, candle: LiveCandle, unit: int) -> bytes:
    """A pending or forming candle as a row; volumes that nobody knows are null."""
    close_ms = (series.interval.next_open_ms(candle.open_ms) * unit) - 1
    prices = (candle.open, candle.high, candle.low, candle.close, candle.volume)
    flows = (candle.taker_volume, candle.taker_quote_volume)
    parts = (
        b"%d" % (candle.open_ms * unit),
        *map(_quoted, prices),
        b"%d" % close_ms,
        _quoted(candle.quote_volume),
        b"%d" % candle.trades,
        *map(_quoted, flows),
        b'"0"',
    )
    return b"[%b]" % b",".join(parts)


def _quoted(text: str | None) -> bytes:
    return b"null" if text is None else b'"%b"' % padded(text.encode())


def _series(symbol: str, interval: str) -> Series:
    if symbol not in services().markets.symbols:
        raise binance_params.invalid_symbol()
    if interval not in services().markets.intervals:
        raise BinanceRefused(-1120, "Invalid interval.")
    return Series(symbol, INTERVALS[interval])


def _markets(values: dict[str, str]) -> list[FollowedMarket]:
    """The markets that a request names, those among them that have the status it wants."""
    listed = {market.symbol: market for market in services().markets.all()}
    chosen = binance_params.symbols_of(values, list(listed))
    wanted = STATUS.read(values)
    found = [listed[name] for name in chosen]
    found = [market for market in found if wanted in ("", market.instrument.status)]
    if not found and "symbol" in values:
        raise BinanceRefused(-1220, "The symbol's status does not match the requested status.")
    return found


def _listing(market: FollowedMarket, has_sets: bool) -> dict[str, Any]:
    """A market as the exchange lists it, as far as we know it."""
    one = market.instrument
    sets = {"permissionSets": [["SPOT"]]} if has_sets else {}
    return {
        "symbol": one.symbol,
        "status": one.status,
        "baseAsset": one.base or None,
        "baseAssetPrecision": _ASSET_DIGITS,
        "quoteAsset": one.quote or None,
        "quotePrecision": _ASSET_DIGITS,
        "quoteAssetPrecision": _ASSET_DIGITS,
        "orderTypes": [],
        "icebergAllowed": False,
        "ocoAllowed": False,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": list(_filters(one.tick_size, one.step_size)),
        "permissions": [],
        **sets,
    }


def _filters(tick_size: str, step_size: str) -> Iterable[dict[str, str]]:
    """Those that we know. Zero is the exchange's own word for a bound that is not set."""
    zero = padded(b"0").decode()
    if tick_size:
        tick = padded(tick_size.encode()).decode()
        yield {"filterType": "PRICE_FILTER", "minPrice": zero, "maxPrice": zero, "tickSize": tick}
    if step_size:
        yield {"filterType": "LOT_SIZE", "stepSize": padded(step_size.encode()).decode()}


def _prices(names: list[str]) -> dict[str, str]:
    """The last price of each market that has one: of its newest live candle, or of the list of the
    exchange where that is younger.
    """
    now_ms = services().clock.now_ms()
    updated_ms, rows = services().exchange.rows(names)
    found = {
        name: price for name in names if name in rows and (price := loads(rows[name])["price"])
    }
    shortest = INTERVALS[services().markets.intervals[0]]
    series = [Series(name, shortest) for name in names]
    for one, candle in live.newest(services().redis, series, now_ms):
        if candle.updated_at > updated_ms or one.symbol not in found:
            found[one.symbol] = candle.close
    return {name: _text(found[name]) or "" for name in names if name in found}


def _day(row: dict[str, Any], price: str | None, updated_ms: int) -> dict[str, Any]:
    """The rolling 24 hours of a market, as the exchange summed them up at `updated_ms`."""
    last = price or _text(row["price"])
    opened, volume, worth = (row[name] for name in ("open", "volume", "quote_volume"))
    moved = (
        None if last is None or opened is None else _LONG.subtract(_number(last), _number(opened))
    )
    percent = None if moved is None or not _number(opened) else _percent(moved, _number(opened))
    average = None
    if volume is not None and worth is not None and _number(volume):
        average = _text(str(_cut(_LONG.divide(_number(worth), _number(volume)))))
    unit = _unit()
    known = {
        "symbol": row["symbol"],
        "priceChange": None if moved is None else f"{moved:.8f}",
        "priceChangePercent": percent,
        "weightedAvgPrice": average,
        "lastPrice": last,
        "openPrice": _text(opened),
        "highPrice": _text(row["high"]),
        "lowPrice": _text(row["low"]),
        "volume": _text(volume),
        "quoteVolume": _text(worth),
        "openTime": (updated_ms - DAY_MS) * unit,
        "closeTime": updated_ms * unit,
    }
    return {name: known.get(name) for name in _FULL}


def _percent(moved: Decimal, opened: Decimal) -> str:
    return f"{_LONG.divide(_LONG.multiply(moved, Decimal(100)), opened):.3f}"


def _cut(number: Decimal) -> Decimal:
    return number.quantize(_EIGHTH, rounding=ROUND_DOWN, context=_LONG)


def _number(value: Any) -> Decimal:
    return Decimal(str(value))


def _text(value: Any) -> str | None:
    """A number of the store as the exchange writes it; None where nobody knows it."""
    return None if value is None else padded(f"{_number(value):f}".encode()).decode()


def _unit() -> int:
    """By the header that the exchange has for it."""
    found = _UNITS.get(request.headers.get("X-MBX-TIME-UNIT", "").upper())
    if found is None:
        raise BinanceRefused(-1194, "Invalid value for time unit.")
    return found


def _one_or_many(values: dict[str, str], rows: list[dict[str, Any]]) -> Response:
    """An object for `symbol`, an array for `symbols` or neither."""
    if "symbol" not in values:
        return _answer(rows)
    if not rows:
        raise BinanceRefused(-1001, "No price of this market is known yet; try again.", 503)
    return _answer(rows[0])


def _answer(value: object) -> Response:
    return _json(dumps(value))


def _json(body: bytes) -> Response:
    return private(Response(body, mimetype="application/json"))


_FULL: Final = (
    *("symbol", "priceChange", "priceChangePercent", "weightedAvgPrice", "prevClosePrice"),
    *("lastPrice", "lastQty", "bidPrice", "bidQty", "askPrice", "askQty"),
    *("openPrice", "highPrice", "lowPrice", "volume", "quoteVolume"),
    *("openTime", "closeTime", "firstId", "lastId", "count"),
)
_MINI: Final = (
    *("symbol", "openPrice", "highPrice", "lowPrice", "lastPrice", "volume", "quoteVolume"),
    *("openTime", "closeTime", "firstId", "lastId", "count"),
)
