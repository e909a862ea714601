"""`/udf/…`: followed markets by TradingView's Universal Data Feed, for its charts and others.

Never here: drawing, quotes, symbol groups.
Invariant: times are whole seconds (UTC); prices keep the stored decimal text; a bar is never made
up: where there is none, the answer is `no_data`, and says where the next older one is.
Source: TradingView's description of the UDF protocol (charting library, "UDF").
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, Final

from flask import Blueprint, Response, request
from werkzeug.datastructures import MultiDict

from truecandle.candles.candle import live_from_json
from truecandle.candles.decimals import whole_in_text
from truecandle.candles.instrument import Instrument
from truecandle.candles.interval import LAST_MS
from truecandle.candles.series import Series
from truecandle.errors import CandleError
from truecandle.exact_json import Exact
from truecandle.store import marks, official, pages
from truecandle.store.official import CORRECTIONS_KEPT
from truecandle.store.pages import PAGE_CANDLES_MAX, Query
from truecandle.web import data
from truecandle.web.auth import require_read
from truecandle.web.errors import Problem
from truecandle.web.json_response import json_response, private
from truecandle.web.parameters import Parameter, single, text, whole
from truecandle.web.query import DataQuery, followed, reject_parameters
from truecandle.web.services import services

bp = Blueprint("udf", __name__, url_prefix="/udf")

#: The protocol's names of intervals: minutes as a number, and these.
RESOLUTIONS: Final = {
    "1s": "1S",
    "1m": "1",
    "3m": "3",
    "5m": "5",
    "15m": "15",
    "30m": "30",
    "1h": "60",
    "2h": "120",
    "4h": "240",
    "6h": "360",
    "8h": "480",
    "12h": "720",
    "1d": "1D",
    "3d": "3D",
    "1w": "1W",
    "1M": "1M",
}
#: Other ways in which clients write them.
_ALIASES: Final = {"D": "1D", "W": "1W", "M": "1M", "S": "1S"}
_INTERVALS: Final = {resolution: name for name, resolution in RESOLUTIONS.items()}
EXCHANGE: Final = "BINANCE"
TYPE: Final = "crypto"
#: Steps of a price where the exchange has not told any yet.
_TICK_USUAL: Final = "0.01"
MARKS_MAX: Final = CORRECTIONS_KEPT

SYMBOL: Final = text(
    "symbol", f"A followed market, or `{EXCHANGE}:` and it.", {"examples": ["BTCUSDT"]},
    required=True,
)  # fmt: skip
RESOLUTION: Final = text(
    "resolution",
    "An interval by the protocol's name: minutes as a number, or 1S, 1D, 3D, 1W, 1M.",
    {"examples": ["60"]},
    required=True,
)
_SECONDS: Final = {"pattern": "^-?[0-9]{1,15}$", "examples": ["1706724000"]}
FROM: Final = text("from", "The first second (UTC) of the range.", _SECONDS, required=False)
TO: Final = text("to", "The second (UTC) that the range ends before.", _SECONDS, required=True)
COUNTBACK: Final = whole(
    "countback", "So many bars before `to`, whatever `from` says.", 0, 10**9, 0
)
QUERY: Final = text("query", "What the user typed.", {}, required=False)
OF_TYPE: Final = text("type", "Only of this type.", {}, required=False)
OF_EXCHANGE: Final = text("exchange", "Only of this exchange.", {}, required=False)
LIMIT: Final = whole("limit", "How many symbols.", 1, 1_000, 30)

SEARCH: Final = (QUERY, OF_TYPE, OF_EXCHANGE, LIMIT)
HISTORY: Final = (SYMBOL, RESOLUTION, FROM, TO, COUNTBACK)
MARKS: Final = (SYMBOL, RESOLUTION, FROM, TO)
#: What libraries add to every request and means nothing here: currency and unit of a price.
_ADDED: Final = ("currencyCode", "unitId")


@bp.get("/config")
@require_read
def config() -> Response:
    """What this data feed can do."""
    reject_parameters(request.args)
    kinds = [{"name": "All", "value": ""}, {"name": "Crypto", "value": TYPE}]
    return json_response(
        {
            "supports_search": True,
            "supports_group_request": False,
            "supports_marks": True,
            "supports_timescale_marks": False,
            "supports_time": True,
            "exchanges": [
                {"value": "", "name": "All", "desc": ""},
                {"value": EXCHANGE, "name": "Binance", "desc": "Binance spot"},
            ],
            "symbols_types": kinds,
            "supported_resolutions": _resolutions(),
        }
    )


@bp.get("/time")
@require_read
def server_time() -> Response:
    """The exchange's time in seconds, as plain text."""
    reject_parameters(request.args)
    seconds = services().clock.now_ms() // 1000
    return private(Response(str(seconds), mimetype="text/plain"))


@bp.get("/symbols")
@require_read
def symbol_info() -> Response:
    """All about one market."""
    wanted = _symbol(_values(request.args, (SYMBOL,)))
    for market in services().markets.all():
        if market.symbol == wanted:
            return json_response(_info(market.instrument))
    raise Problem(404, "unknown-market", "unknown_symbol")


@bp.get("/search")
@require_read
def search() -> Response:
    """The followed markets whose name holds what was typed; those that begin with it first."""
    values = _values(request.args, SEARCH)
    typed = QUERY.read(values).upper().removeprefix(f"{EXCHANGE}:").replace("/", "")
    if OF_TYPE.read(values) not in ("", TYPE):
        return json_response([])
    if OF_EXCHANGE.read(values) not in ("", EXCHANGE):
        return json_response([])
    names = [market.symbol for market in services().markets.all() if typed in market.symbol]
    names.sort(key=lambda name: (not name.startswith(typed), name))
    known = {market.symbol: market.instrument for market in services().markets.all()}
    return json_response([_found(known[name]) for name in names[: LIMIT.read(values)]])


@bp.get("/history")
@require_read
def history() -> Response:
    """Bars before `to`, oldest first: all from `from` on, or the last `countback`; 5,000 at most.
    The newest may be pending or forming.
    """
    values = _values(request.args, HISTORY)
    series = _series(values)
    start_ms, end_ms = _range(values)
    back = COUNTBACK.read(values)
    limit = min(back, PAGE_CANDLES_MAX) if back else PAGE_CANDLES_MAX
    # The newest before `to`: who wants more of a long range asks for what is older.
    query = Query(limit, None if back else start_ms, end_ms, before_ms=end_ms)
    asked = DataQuery(series, query, is_iso=False, is_live=True)
    snapshot = data.read(services().redis, asked, services().clock.now_ms())
    bars = _bars(snapshot, limit)
    if not bars["t"]:
        return json_response({"s": "no_data", **_next_older(series, start_ms or end_ms)})
    return json_response({"s": "ok", **{name: Exact(_list(bars[name])) for name in bars}})


@bp.get("/marks")
@require_read
def corrected() -> Response:
    """The candles in the range that the exchange corrected after their close, as marks."""
    values = _values(request.args, MARKS)
    series = _series(values)
    start_ms, end_ms = _range(values)
    kept = official.correction_texts(services().redis, series, CORRECTIONS_KEPT)
    newest = {marks.time_of(entry) for entry in marks.between(kept, start_ms, end_ms + 1)}
    opens = sorted(ms for ms in newest if ms is not None)[:MARKS_MAX]
    count = len(opens)
    return json_response(
        {
            "id": [ms // 1000 for ms in opens],
            "time": [ms // 1000 for ms in opens],
            "color": ["blue"] * count,
            "text": ["The exchange corrected this candle after its close."] * count,
            "label": ["C"] * count,
            "labelFontColor": ["white"] * count,
            "minSize": [14] * count,
        }
    )


def _values(args: MultiDict[str, str], allowed: tuple[Parameter[Any], ...]) -> dict[str, str]:
    given: MultiDict[str, str] = MultiDict(
        [(name, value) for name, value in args.items(multi=True) if name not in _ADDED]
    )
    values = single(given, allowed)
    for one in allowed:
        if one.is_required and one.name not in values:
            raise CandleError(one.name, "missing", one.about)
        one.read(values)
    return values


def _symbol(values: dict[str, str]) -> str:
    return SYMBOL.read(values).removeprefix(f"{EXCHANGE}:")


def _series(values: dict[str, str]) -> Series:
    given = RESOLUTION.read(values)
    name = _INTERVALS.get(_ALIASES.get(given, given))
    if name is None or name not in services().markets.intervals:
        raise CandleError("resolution", given, ", ".join(_resolutions()))
    try:
        return followed(services().markets, _symbol(values), name)
    except Problem as unknown:
        raise Problem(unknown.status, unknown.code, "unknown_symbol") from unknown


def _range(values: dict[str, str]) -> tuple[int | None, int]:
    start_ms = _seconds("from", FROM.read(values)) if FROM.name in values else None
    return start_ms, _seconds("to", TO.read(values)) or 0


def _seconds(name: str, given: str) -> int | None:
    """In ms. Libraries ask far into the past and the future: both end where our times end."""
    found = re.fullmatch(r"(-?)([0-9]{1,15})", given, re.ASCII)
    if found is None:
        raise CandleError(name, given, "whole seconds since 1970 (UTC)")
    number = whole_in_text(found[2], 0, 10**15) or 0
    return 0 if found[1] else min(number * 1000, LAST_MS)


def _bars(snapshot: data.Snapshot, limit: int) -> dict[str, list[bytes]]:
    cut = snapshot.columns or official.columns(snapshot.page.members)
    columns = {
        "t": [b"%d" % (int(ms) // 1000) for ms in cut.time],
        "o": cut.open,
        "h": cut.high,
        "l": cut.low,
        "c": cut.close,
        "v": cut.volume,
    }
    for candle in map(live_from_json, snapshot.live):
        values = (candle.open, candle.high, candle.low, candle.close, candle.volume)
        row = (str(candle.open_ms // 1000), *values)
        for name, value in zip(columns, row, strict=True):
            columns[name].append(value.encode())
    return {name: column[-limit:] for name, column in columns.items()}


def _list(values: list[bytes]) -> bytes:
    return b"[%b]" % b",".join(values)


def _next_older(series: Series, before_ms: int) -> dict[str, Any]:
    """Where the newest bar before the range is, if there is one."""
    page = pages.read(services().redis, series, Query(1, before_ms=before_ms))
    opens = official.columns(page.members).time
    return {"nextTime": int(opens[-1]) // 1000} if opens else {}


def _resolutions() -> list[str]:
    return [RESOLUTIONS[name] for name in services().markets.intervals]


def _info(one: Instrument) -> dict[str, Any]:
    """As the library resolves a symbol."""
    scale, step = _steps(one.tick_size or _TICK_USUAL)
    return {
        "name": one.symbol,
        "ticker": one.symbol,
        "description": _described(one),
        "type": TYPE,
        "session": "24x7",
        "timezone": "Etc/UTC",
        "exchange": EXCHANGE,
        "listed_exchange": EXCHANGE,
        "format": "price",
        "minmov": step,
        "pricescale": scale,
        "has_intraday": True,
        "has_seconds": "1s" in services().markets.intervals,
        "seconds_multipliers": ["1"] if "1s" in services().markets.intervals else [],
        "intraday_multipliers": [name for name in _resolutions() if name.isdigit()],
        "has_daily": "1d" in services().markets.intervals,
        "has_weekly_and_monthly": bool({"1w", "1M"} & set(services().markets.intervals)),
        "supported_resolutions": _resolutions(),
        "volume_precision": max(0, -_exponent(one.step_size or "0.00000001")),
        "currency_code": one.quote or None,
        "data_status": "streaming",
    }


def _found(one: Instrument) -> dict[str, Any]:
    return {
        "symbol": one.symbol,
        "full_name": f"{EXCHANGE}:{one.symbol}",
        "description": _described(one),
        "exchange": EXCHANGE,
        "ticker": one.symbol,
        "type": TYPE,
    }


def _described(one: Instrument) -> str:
    return f"{one.base} / {one.quote}" if one.base else one.symbol


def _steps(tick_size: str) -> tuple[int, int]:
    """A tick as `minmov / pricescale`: 0.05 is 5 / 100."""
    places = max(0, -_exponent(tick_size))
    return 10**places, int(Decimal(tick_size).scaleb(places))


def _exponent(number: str) -> int:
    exponent = Decimal(number).normalize().as_tuple().exponent
    return exponent if isinstance(exponent, int) else 0
