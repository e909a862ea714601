"""Parameters of the paths that are shaped as Binance's, refused with its codes and in its words.

Never here: what is answered (`binance_api`).
Invariant: as at the exchange, a parameter that cannot be honoured is refused; none is ignored.
Source: Binance's error codes, and its REST documentation ("General information on endpoints").
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, Final

from werkzeug.datastructures import MultiDict

from truecandle.candles.interval import INTERVALS
from truecandle.web.parameters import Parameter

LIMIT_USUAL: Final = 500
#: More are asked for in vain: so many are given, as at the exchange.
LIMIT_MAX: Final = 1_000
#: From here on a time is in µs: the exchange takes both.
_MICROSECONDS_FROM: Final = 10**14
_ZONES_OF_UTC: Final = frozenset({"0", "+0", "-0", "00:00", "0:00", "+00:00", "+0:00"})

_SYMBOL: Final = re.compile(r"(?!.*[a-z])[\w.-]{1,20}")
_SYMBOLS: Final = re.compile(r'\["[^"\\a-z\s]{1,20}"(,"[^"\\a-z\s]{1,20}")*\]')
_NUMBER: Final = re.compile(r"[0-9]{1,20}", re.ASCII)
_WORD: Final = re.compile(r"[A-Za-z0-9]{1,36}", re.ASCII)


class BinanceRefused(Exception):
    """A request refused with one of the exchange's codes."""

    def __init__(self, code: int, message: str, status: int = 400) -> None:
        self.code = code
        self.status = status
        super().__init__(message)


def invalid_symbol() -> BinanceRefused:
    return BinanceRefused(-1121, "Invalid symbol.")


def read(args: MultiDict[str, str], allowed: Sequence[Parameter[Any]]) -> dict[str, str]:
    """The parameters of a request by name, each of them checked."""
    for name, values in args.lists():
        if len(values) != 1:
            raise BinanceRefused(-1101, f"Duplicate values for parameter '{name[:40]}'.")
    known = {one.name for one in allowed}
    count = sum(name in known for name in args)
    if count < len(args):
        raise BinanceRefused(
            -1104,
            f"Not all sent parameters were read; read '{count}' parameter(s) but was sent "
            f"'{len(args)}'.",
        )
    for one in allowed:
        if args.get(one.name) == "":
            raise BinanceRefused(-1105, f"Parameter '{one.name}' was empty.")
        if one.is_required and one.name not in args:
            raise BinanceRefused(
                -1102,
                f"Mandatory parameter '{one.name}' was not sent, was empty/null, or malformed.",
            )
    found = args.to_dict()
    for one in allowed:
        one.read(found)
    return found


def _legal(name: str, text: str, pattern: re.Pattern[str], shown: str) -> str:
    if not pattern.fullmatch(text):
        raise BinanceRefused(
            -1100,
            f"Illegal characters found in parameter '{name}'; legal range is '{shown}'.",
        )
    return text


def _not_valid(name: str) -> BinanceRefused:
    return BinanceRefused(-1130, f"Data sent for parameter '{name}' is not valid.")


def _symbol(text: str) -> str:
    return _legal("symbol", text, _SYMBOL, "^[A-Z0-9-_.]{1,20}$")


def _symbols(text: str) -> tuple[str, ...] | None:
    shown = '^\\[("[A-Z0-9-_.]{1,20}"(,"[A-Z0-9-_.]{1,20}"){0,})?\\]$'
    names: list[str] = json.loads(_legal("symbols", text, _SYMBOLS, shown))
    if len(set(names)) < len(names):
        raise BinanceRefused(-1151, "Symbol is present multiple times in the list.")
    return tuple(names)


def _interval(text: str) -> str:
    _legal("interval", text, _WORD, "^[a-zA-Z0-9]{1,36}$")
    if text not in INTERVALS:
        raise BinanceRefused(-1120, "Invalid interval.")
    return text


def _limit(text: str) -> int:
    limit = int(_legal("limit", text, _NUMBER, "^[0-9]{1,20}$"))
    if limit == 0:
        raise _not_valid("limit")
    return min(limit, LIMIT_MAX)


def _from_id(text: str) -> int:
    return int(_legal("fromId", text, _NUMBER, "^[0-9]{1,20}$"))


def _time(name: str, about: str) -> Parameter[int | None]:
    def parse(text: str) -> int | None:
        time = int(_legal(name, text, _NUMBER, "^[0-9]{1,20}$"))
        return time // 1000 if time >= _MICROSECONDS_FROM else time

    return Parameter(name, about, {"type": "integer", "minimum": 0}, parse, None)


def _zone(text: str) -> str:
    if text not in _ZONES_OF_UTC:
        raise _not_valid("timeZone")
    return text


def _choice(name: str, about: str, allowed: tuple[str, ...]) -> Parameter[str]:
    def parse(text: str) -> str:
        if text not in allowed:
            raise _not_valid(name)
        return text

    schema = {"type": "string", "enum": list(allowed)}
    return Parameter(name, about, schema, parse, "")


_NAME: Final = {"type": "string", "minLength": 1, "maxLength": 20, "examples": ["BTCUSDT"]}

SYMBOL: Final = Parameter("symbol", "A followed market.", _NAME, _symbol, "", is_required=True)
ONE_SYMBOL: Final = Parameter("symbol", "One followed market.", _NAME, _symbol, "")
SYMBOLS: Final = Parameter(
    "symbols",
    "Several followed markets, as a JSON array.",
    {"type": "string", "examples": ['["BTCUSDT","ETHUSDT"]']},
    _symbols,
    None,
)
INTERVAL: Final = Parameter(
    "interval",
    "A followed interval.",
    {"type": "string", "enum": list(INTERVALS)},
    _interval,
    "",
    is_required=True,
)
LIMIT: Final = Parameter(
    "limit",
    f"How many; no more than {LIMIT_MAX} are given.",
    {"type": "integer", "minimum": 1, "default": LIMIT_USUAL},
    _limit,
    LIMIT_USUAL,
)
START_TIME: Final = _time("startTime", "Candles that open then (ms or µs) or later.")
END_TIME: Final = _time("endTime", "Candles that open then (ms or µs) or before.")
FROM_ID: Final[Parameter[int | None]] = Parameter(
    "fromId",
    "The first aggregate id that is wanted; without `startTime` and `endTime`.",
    {"type": "integer", "minimum": 0},
    _from_id,
    None,
)
TRADES_START: Final = _time("startTime", "Trades then (ms or µs) or later, the oldest first.")
TRADES_END: Final = _time("endTime", "Trades then (ms or µs) or before.")
TIME_ZONE: Final = Parameter(
    "timeZone",
    "UTC alone: candles are stored as they lie in it.",
    {"type": "string", "enum": sorted(_ZONES_OF_UTC), "default": "0"},
    _zone,
    "0",
)
STATUS: Final = _choice(
    "symbolStatus", "Only markets of this status.", ("TRADING", "HALT", "BREAK")
)
TYPE: Final = _choice("type", "`MINI` leaves some fields out.", ("FULL", "MINI"))
PERMISSIONS: Final = _choice("permissions", "`SPOT`: all there is.", ("SPOT", '["SPOT"]'))
PERMISSION_SETS: Final = _choice(
    "showPermissionSets", "`false` leaves them out.", ("true", "false")
)
KLINES: Final = (SYMBOL, INTERVAL, START_TIME, END_TIME, TIME_ZONE, LIMIT)
TRADES: Final = (SYMBOL, FROM_ID, TRADES_START, TRADES_END, LIMIT)
INFO: Final = (ONE_SYMBOL, SYMBOLS, PERMISSIONS, STATUS, PERMISSION_SETS)
PRICES: Final = (ONE_SYMBOL, SYMBOLS, STATUS)
DAY: Final = (ONE_SYMBOL, SYMBOLS, TYPE, STATUS)


def symbols_of(values: dict[str, str], listed: Sequence[str]) -> tuple[str, ...]:
    """The markets that `symbol` or `symbols` name; all that are listed where neither was sent."""
    if "symbol" in values and "symbols" in values:
        raise BinanceRefused(
            -1128,
            "Combination of optional parameters invalid. Recommendation: 'symbol' or 'symbols' "
            "should be sent.",
        )
    one = ONE_SYMBOL.read(values)
    chosen = (one,) if one else SYMBOLS.read(values)
    if chosen is None:
        return tuple(listed)
    if not set(chosen) <= set(listed):
        raise invalid_symbol()
    return tuple(chosen)
