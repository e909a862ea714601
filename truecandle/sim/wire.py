"""Binance's error bodies and the JSON objects of its REST answers and stream events.

Never here: which candle or trade to send; sockets.
Invariant: keys, order and types are Binance's; times are multiplied by `unit` (1 ms, 1000 µs).
"""

from __future__ import annotations

from functools import lru_cache

from truecandle.candles.interval import DAY_MS
from truecandle.sim.kline import SimulatedKline
from truecandle.sim.listing import SimulatedListing
from truecandle.sim.trade_sums import AggTrade, TradeSums, decimal_text

Json = dict[str, object]

#: Days of symbols whose figures are remembered: those of the whole list, which is asked for again
#: before they have changed.
DAYS_KEPT = 2_000


class RequestRefused(Exception):
    """An answer with Binance's error body `{"code", "msg"}`."""

    def __init__(self, code: int, message: str, status: int = 400, headers: Json | None = None):
        super().__init__(message)
        self.status = status
        self.headers = {key: str(value) for key, value in (headers or {}).items()}
        self.body: Json = {"code": code, "msg": message}


def kline_row(kline: SimulatedKline, unit: int) -> list[object]:
    """A row of `klines`."""
    row = kline.row()
    if unit > 1:
        row[0], row[6] = kline.open_ms * unit, (kline.close_ms + 1) * unit - 1
    return row


def kline_event(
    kline: SimulatedKline,
    listing: SimulatedListing,
    interval: str,
    now_ms: int,
    closed: bool,
    unit: int,
) -> Json:
    """An event of `@kline_<interval>`."""
    row = kline_row(kline, unit)
    return {
        "e": "kline",
        "E": now_ms * unit,
        "s": listing.symbol,
        "k": {
            "t": row[0],
            "T": row[6],
            "s": listing.symbol,
            "i": interval,
            "f": kline.first_id,
            "L": kline.last_id,
            "o": kline.open,
            "c": kline.close,
            "h": kline.high,
            "l": kline.low,
            "v": kline.volume,
            "n": kline.trades,
            "x": closed,
            "q": kline.quote,
            "V": kline.bought,
            "Q": kline.bought_quote,
            "B": "0",
        },
    }


def aggregate(print_: AggTrade, listing: SimulatedListing, unit: int) -> Json:
    """An aggregate trade of `GET /api/v3/aggTrades`."""
    return {
        "a": print_.id,
        "p": decimal_text(print_.price, listing.price_decimals),
        "q": decimal_text(print_.quantity, listing.quantity_decimals),
        "f": print_.first_id,
        "l": print_.last_id,
        "T": print_.time_ms * unit,
        "m": print_.sell,
        "M": True,
    }


def aggregate_event(print_: AggTrade, listing: SimulatedListing, now_ms: int, unit: int) -> Json:
    """An event of `@aggTrade`."""
    head: Json = {"e": "aggTrade", "E": now_ms * unit, "s": listing.symbol}
    return head | aggregate(print_, listing, unit)


def trade_event(trade: AggTrade, listing: SimulatedListing, now_ms: int, unit: int) -> Json:
    """An event of `@trade`."""
    return {
        "e": "trade",
        "E": now_ms * unit,
        "s": listing.symbol,
        "t": trade.id,
        "p": decimal_text(trade.price, listing.price_decimals),
        "q": decimal_text(trade.quantity, listing.quantity_decimals),
        "T": trade.time_ms * unit,
        "m": trade.sell,
        "M": True,
    }


def mini_ticker_event(
    block: TradeSums | None, before: int, listing: SimulatedListing, now_ms: int, unit: int
) -> Json:
    """An event of `@miniTicker`: the rolling 24 hours."""
    day = day_figures(block, before, listing)
    return {
        "e": "24hrMiniTicker",
        "E": now_ms * unit,
        "s": listing.symbol,
        "c": day["lastPrice"],
        "o": day["openPrice"],
        "h": day["highPrice"],
        "l": day["lowPrice"],
        "v": day["volume"],
        "q": day["quoteVolume"],
    }


@lru_cache(maxsize=DAYS_KEPT)
def day_figures(block: TradeSums | None, before: int, listing: SimulatedListing) -> Json:
    """The prices, volumes and ids of the rolling 24 hours; never changed by who is given them."""
    price, size = listing.price_decimals, listing.quantity_decimals
    day = block or TradeSums(before, before, before, before, 0, 0, 0, 0, 0, -1, -1)
    return {
        "openPrice": decimal_text(day.open, price),
        "highPrice": decimal_text(day.high, price),
        "lowPrice": decimal_text(day.low, price),
        "lastPrice": decimal_text(day.close, price),
        "volume": decimal_text(day.quantity, size),
        "quoteVolume": decimal_text(day.quote, price + size),
        "firstId": day.first_id,
        "lastId": day.last_id,
        "count": day.trades,
    }


def mini_ticker(
    block: TradeSums | None, before: int, listing: SimulatedListing, now_ms: int, unit: int
) -> Json:
    """A row of `GET /api/v3/ticker/24hr`, type MINI."""
    day = day_figures(block, before, listing)
    times = {"openTime": (now_ms - DAY_MS + 1) * unit, "closeTime": now_ms * unit}
    figures = {"symbol": listing.symbol, **day, **times}
    return {name: figures[name] for name in _MINI_FIELDS}


def ticker(
    block: TradeSums | None, before: int, listing: SimulatedListing, now_ms: int, unit: int
) -> Json:
    """A row of `GET /api/v3/ticker/24hr`, type FULL."""
    price, size = listing.price_decimals, listing.quantity_decimals
    opened, closed = (block.open, block.close) if block else (before, before)
    average = (block.quote // block.quantity) if block else before
    figures = mini_ticker(block, before, listing, now_ms, unit) | {
        "priceChange": decimal_text(closed - opened, price),
        "priceChangePercent": _percent(opened, closed),
        "weightedAvgPrice": decimal_text(average, price),
        "prevClosePrice": decimal_text(before, price),
        "lastQty": decimal_text(listing.lot, size),
        "bidPrice": decimal_text(closed, price),
        "bidQty": decimal_text(listing.lot * 4, size),
        "askPrice": decimal_text(closed + 1, price),
        "askQty": decimal_text(listing.lot * 3, size),
    }
    return {name: figures[name] for name in _FULL_FIELDS}


def _percent(opened: int, closed: int) -> str:
    """The change in per cent, rounded to three decimals."""
    thousandths, opened = abs(closed - opened) * 100_000, max(1, opened)
    percent = (2 * thousandths + opened) // (2 * opened)
    return f"{'-' if closed < opened else ''}{percent // 1000}.{percent % 1000:03d}"


_MINI_FIELDS = (
    *("symbol", "openPrice", "highPrice", "lowPrice", "lastPrice", "volume", "quoteVolume"),
    *("openTime", "closeTime", "firstId", "lastId", "count"),
)
_FULL_FIELDS = (
    *("symbol", "priceChange", "priceChangePercent", "weightedAvgPrice", "prevClosePrice"),
    *("lastPrice", "lastQty", "bidPrice", "bidQty", "askPrice", "askQty"),
    *("openPrice", "highPrice", "lowPrice", "volume", "quoteVolume"),
    *("openTime", "closeTime", "firstId", "lastId", "count"),
)
