"""`aggTrades` in the shape of Binance's: the newest aggregate trades of a followed market, as kept.

Never here: the route (`binance_api`), reading parameters (`binance_params`).
Invariant: an answer has no hole and begins where it was asked to: what is older than the trades
that are kept is refused in words, never left out.
"""

from __future__ import annotations

from typing import Final

from truecandle.store import agg_trades
from truecandle.store.agg_trades import KeptTrades, TradeRow
from truecandle.web import binance_params
from truecandle.web.binance_params import (
    FROM_ID,
    LIMIT,
    SYMBOL,
    TRADES_END,
    TRADES_START,
    BinanceRefused,
)
from truecandle.web.services import services
from truecandle.web.trade_offer import why_none
from truecandle.web.trade_text import row_text

_NOT_VALID: Final = -1130


def answer(values: dict[str, str], unit: int) -> bytes:
    """The answer to a checked request; `unit`: 1 for times in ms, 1000 for µs. `BinanceRefused`
    where it cannot be given whole; raises a `StoreError`.
    """
    symbol = SYMBOL.read(values)
    if symbol not in services().markets.symbols:
        raise binance_params.invalid_symbol()
    if not services().settings.trades_kept:
        raise _not_kept(why_none(services()))
    found = _found(symbol, values)
    return b"[%b]" % b",".join(row_text(row, unit) for row in found.rows)


def _found(symbol: str, values: dict[str, str]) -> KeptTrades:
    redis, limit = services().redis, LIMIT.read(values)
    from_id, start_ms, end_ms = (one.read(values) for one in (FROM_ID, TRADES_START, TRADES_END))
    if from_id is not None:
        if start_ms is not None or end_ms is not None:
            raise BinanceRefused(-1128, "Combination of optional parameters invalid.")
        found = agg_trades.read_from(redis, symbol, from_id, limit)
    elif start_ms is not None:
        found = agg_trades.read_since(redis, symbol, start_ms, limit, end_ms)
    else:
        found = agg_trades.read_newest(redis, symbol, limit, end_ms)
    oldest = found.oldest
    if oldest is None:
        if why := why_none(services()):
            raise _not_kept(why)
        detail = "No trades of this market are kept yet; try again."
        raise BinanceRefused(-1001, detail, 503)
    if oldest.agg_id > 0:
        if from_id is not None and from_id < oldest.agg_id:
            raise _too_old("fromId", symbol, oldest)
        if start_ms is not None and start_ms <= oldest.time_ms:
            raise _too_old("startTime", symbol, oldest)
        if end_ms is not None and end_ms < oldest.time_ms:
            raise _too_old("endTime", symbol, oldest)
    return found


def _not_kept(why: str) -> BinanceRefused:
    return BinanceRefused(-5000, f"No trades are kept here ({why}).", 404)


def _too_old(name: str, symbol: str, oldest: TradeRow) -> BinanceRefused:
    """Of trades at the same ms as the oldest one, some may be gone already."""
    return BinanceRefused(
        _NOT_VALID,
        f"Data sent for parameter '{name}' is not valid: trades of {symbol} are kept here from id "
        f"{oldest.agg_id} on, after {oldest.time_ms} ms; those before are not.",
    )
