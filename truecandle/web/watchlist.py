"""What a browser watches beside its charts: the last prices of many markets, as they trade.

Never here: rooms and sockets (`sockets`), prices of markets that are not followed: nobody hears
their trades.
Invariant: one round trip to Redis, however many markets are watched; a price is the exchange's
decimal text, and never a browser's word.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from truecandle import exact_json
from truecandle.candles.candle import LiveCandle
from truecandle.candles.interval import INTERVALS
from truecandle.candles.series import Series, parse_symbol
from truecandle.errors import CandleError
from truecandle.store import live
from truecandle.web.followed_markets import Markets
from truecandle.web.services import Services
from truecandle.web.socket_limits import WATCHED_MAX

_ALLOWED = f"an array of at most {WATCHED_MAX} symbols"


def wanted(markets: Markets, given: tuple[object, ...]) -> list[str]:
    """The followed markets of a `watch` message, each once; `CandleError` names what is wrong."""
    if len(given) != 1 or not isinstance(given[0], dict):
        raise CandleError("message", given, '{"symbols": [...]}')
    symbols = given[0].get("symbols")
    if not isinstance(symbols, list):
        raise CandleError("symbols", symbols, _ALLOWED)
    if len(symbols) > WATCHED_MAX:
        raise CandleError("symbols", f"{len(symbols)} of them", _ALLOWED)
    named = dict.fromkeys(map(parse_symbol, symbols))
    followed = set(markets.symbols)
    return [symbol for symbol in named if symbol in followed]


def prices(services: Services, symbols: Sequence[str]) -> dict[str, Any]:
    """The last price of each, null where none is known: of our feed, or of the exchange's list
    where that is newer, as while no feed runs.
    """
    shortest = INTERVALS[services.markets.intervals[0]]
    series = [Series(symbol, shortest) for symbol in symbols]
    found = live.newest(services.redis, series, services.clock.now_ms())
    ours = {one.symbol: candle for one, candle in found if candle.source == "live"}
    listed_ms, rows = services.exchange.rows(symbols)
    return {
        symbol: _latest(ours.get(symbol), listed_ms, rows.get(symbol, b"{}")) for symbol in symbols
    }


def _latest(ours: LiveCandle | None, listed_ms: int, row: bytes) -> object:
    listed = exact_json.loads(row).get("price")
    if ours is not None and (listed is None or ours.updated_at >= listed_ms):
        return exact_json.Exact(ours.close)
    return None if listed is None else exact_json.Exact(str(listed))
