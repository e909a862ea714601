"""Each REST path: its parameters, what it weighs, and its answer from the market.

Never here: HTTP, limits, logging, damage to a finished answer (`rest` and `damage`).
Invariant: an answer is built from one `Asked`: one moment, one market, one set of parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from aiohttp import web

from truecandle.sim import wire
from truecandle.sim.faults import Fault
from truecandle.sim.kline import SimulatedKline
from truecandle.sim.limits import Caps
from truecandle.sim.market import SimulatedMarket
from truecandle.sim.params import Params
from truecandle.sim.response_faults import Row
from truecandle.sim.symbols import TRADING, exchange_info
from truecandle.sim.trade_sums import decimal_text
from truecandle.sim.wire import RequestRefused

#: Without a start, the newest aggregate trades are searched this far back first.
_NEWEST_SEARCH_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, read."""

    market: SimulatedMarket
    caps: Caps
    params: Params
    now_ms: int
    unit: int
    candle_faults: tuple[Fault, ...]
    #: Status of the symbols that do not simply trade; None: no longer listed.
    statuses: Mapping[str, str | None]

    @property
    def listed(self) -> list[str]:
        """The symbols that requests may name."""
        return [one for one in self.market.symbols if self.statuses.get(one, "") is not None]

    def status(self, symbol: str) -> str:
        """Of a listed symbol."""
        return self.statuses.get(symbol) or TRADING


@dataclass(frozen=True, slots=True)
class Path:
    """A REST path: its parameters, its weight for a query, and its answer."""

    allowed: frozenset[str]
    weight: Callable[[web.Request], int]
    answer: Callable[[Asked], object]


def _klines(asked: Asked) -> list[Row]:
    params, now_ms = asked.params, asked.now_ms
    symbol, interval = params.symbol(asked.listed), params.interval()
    for fault in asked.candle_faults:
        if fault.kind == "stale":
            now_ms -= fault.options.get("lag_ms", 3000)
    klines = asked.market.klines(
        symbol,
        interval,
        start_ms=params.time_ms("startTime"),
        end_ms=params.time_ms("endTime"),
        limit=params.limit(),
        now_ms=now_ms,
        zone_ms=params.zone_ms(),
    )
    for fault in asked.candle_faults:
        if fault.kind == "absent":
            klines = _without_fresh(asked, symbol, interval, klines, fault)
    return [wire.kline_row(kline, asked.unit) for kline in klines]


def _without_fresh(
    asked: Asked, symbol: str, interval: str, klines: list[SimulatedKline], fault: Fault
) -> list[SimulatedKline]:
    """Drops candles that closed less than the lag ago, and those after them."""
    grid = asked.market.course(symbol).grid(interval)
    lag_ms = fault.options.get("lag_ms", 3000)
    hidden_from = grid.next_open_ms(grid.open_ms(asked.now_ms))
    closed = grid.previous_open_ms(grid.open_ms(asked.now_ms))
    while grid.next_open_ms(closed) > asked.now_ms - lag_ms:
        hidden_from, closed = closed, grid.previous_open_ms(closed)
    return [kline for kline in klines if kline.open_ms < hidden_from]


def _aggregates(asked: Asked) -> list[wire.Json]:
    params, now_ms = asked.params, asked.now_ms
    course = asked.market.course(params.symbol(asked.listed))
    first, limit = params.number("fromId"), params.limit()
    start_ms, end_ms = params.time_ms("startTime"), params.time_ms("endTime")
    until_ms = min(now_ms, now_ms if end_ms is None else end_ms) + 1
    if first is not None:
        if start_ms is not None or end_ms is not None:
            raise RequestRefused(-1128, "Combination of optional parameters invalid.")
        found = course.prints_from(first, limit, until_ms)
    elif start_ms is not None:
        prints = course.prints(max(start_ms, course.first_ms), until_ms)
        found = [print_ for print_, _ in zip(prints, range(limit), strict=False)]
    else:
        reach_ms = _NEWEST_SEARCH_MS
        found = list(course.prints(until_ms - reach_ms, until_ms))[-limit:]
        while len(found) < limit and until_ms - reach_ms > course.first_ms:
            reach_ms *= 4
            found = list(course.prints(until_ms - reach_ms, until_ms))[-limit:]
    return [wire.aggregate(print_, course.listing, asked.unit) for print_ in found]


def _ticker(asked: Asked, symbol: str) -> wire.Json:
    block, before = asked.market.day(symbol, asked.now_ms)
    listing = asked.market.course(symbol).listing
    is_full = asked.params.choice("type", ("FULL", "MINI")) == "FULL"
    row = wire.ticker if is_full else wire.mini_ticker
    return row(block, before, listing, asked.now_ms, asked.unit)


def _price(asked: Asked, symbol: str) -> wire.Json:
    course = asked.market.course(symbol)
    price = decimal_text(course.price(asked.now_ms + 1), course.listing.price_decimals)
    return {"symbol": symbol, "price": price}


def _per_symbol(row: Callable[[Asked, str], wire.Json]) -> Callable[[Asked], object]:
    """An object for `symbol`, an array for `symbols` or neither."""

    def answer(asked: Asked) -> object:
        chosen = asked.params.symbols(asked.listed) or asked.listed
        wanted = asked.params.choice("symbolStatus", ("", "TRADING", "HALT", "BREAK"))
        found = [one for one in chosen if wanted in ("", asked.status(one))]
        if "symbol" not in asked.params:
            return [row(asked, symbol) for symbol in found]
        if not found:
            raise RequestRefused(-1220, "The symbol's status does not match the requested status.")
        return row(asked, found[0])

    return answer


def _info(asked: Asked) -> wire.Json:
    chosen = asked.params.symbols(asked.listed) or asked.listed
    wanted = asked.params.choice("symbolStatus", ("", "TRADING", "HALT", "BREAK"))
    found = {asked.market.course(one).listing: asked.status(one) for one in chosen}
    rows = {listing: status for listing, status in found.items() if wanted in ("", status)}
    return exchange_info(rows, asked.now_ms * asked.unit, asked.caps)


def _ticker_weight(request: web.Request) -> int:
    if "symbol" in request.query:
        return 2
    many = request.query.get("symbols", "," * 100).count(",") + 1
    return 2 if many <= 20 else 40 if many <= 100 else 80


_KLINES = Path(
    frozenset(("symbol", "interval", "startTime", "endTime", "timeZone", "limit")),
    lambda _: 2,
    _klines,
)

PATHS: dict[str, Path] = {
    "ping": Path(frozenset(), lambda _: 1, lambda _: {}),
    "time": Path(frozenset(), lambda _: 1, lambda asked: {"serverTime": asked.now_ms * asked.unit}),
    "klines": _KLINES,
    "uiKlines": _KLINES,
    "aggTrades": Path(
        frozenset(("symbol", "fromId", "startTime", "endTime", "limit")), lambda _: 4, _aggregates
    ),
    "exchangeInfo": Path(
        frozenset(("symbol", "symbols", "permissions", "symbolStatus", "showPermissionSets")),
        lambda _: 20,
        _info,
    ),
    "ticker/price": Path(
        frozenset(("symbol", "symbols", "symbolStatus")),
        lambda request: 2 if "symbol" in request.query else 4,
        _per_symbol(_price),
    ),
    "ticker/24hr": Path(
        frozenset(("symbol", "symbols", "type", "symbolStatus")),
        _ticker_weight,
        _per_symbol(_ticker),
    ),
}
