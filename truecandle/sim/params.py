"""Reading a request's parameters as strictly as Binance does, with its codes and messages.

Never here: what a parameter is used for.
Invariant: a parameter that cannot be honoured is refused; none is ignored.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable

from truecandle.candles.interval import HOUR_MS, INTERVALS, MINUTE_MS
from truecandle.sim.wire import RequestRefused

#: Above this a time parameter is in microseconds: both units are accepted, always.
_MICROSECONDS_FROM = 10**14

#: What is legal, and how Binance says it. Its sentence for symbols is older than the symbols in
#: letters of other scripts that it lists by now.
_SYMBOL = (re.compile(r"(?!.*[a-z])[\w.-]{1,20}"), "^[A-Z0-9-_.]{1,20}$")
_SYMBOLS = (
    re.compile(r'\[("[^"\\a-z\s]{1,20}"(,"[^"\\a-z\s]{1,20}")*)?\]'),
    '^\\[("[A-Z0-9-_.]{1,20}"(,"[A-Z0-9-_.]{1,20}"){0,})?\\]$',
)
_NUMBER = (re.compile(r"[0-9]{1,20}"), "^[0-9]{1,20}$")
_INTERVAL = (re.compile(r"[a-zA-Z0-9]{1,36}"), "^[a-zA-Z0-9]{1,36}$")
_ZONE = re.compile(r"([+-]?)([0-9]{1,2})(?::([0-9]{2}))?")


class Params:
    """The query of one request. Each reader raises `Refused` with Binance's own code."""

    def __init__(self, query: Iterable[tuple[str, str]], allowed: Collection[str]) -> None:
        self._values: dict[str, str] = {}
        for name, value in query:
            if name in self._values:
                raise RequestRefused(-1101, f"Duplicate values for parameter '{name}'.")
            self._values[name] = value
        read = sum(name in allowed for name in self._values)
        if read < len(self._values):
            raise RequestRefused(
                -1104,
                "Not all sent parameters were read; "
                f"read '{read}' parameter(s) but was sent '{len(self._values)}'.",
            )

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def symbol(self, listed: Collection[str]) -> str:
        """The mandatory symbol."""
        symbol = self._mandatory("symbol", _SYMBOL)
        if symbol not in listed:
            raise RequestRefused(-1121, "Invalid symbol.")
        return symbol

    def symbols(self, listed: Collection[str]) -> list[str] | None:
        """`symbol` or `symbols`; None when neither was sent."""
        if "symbol" in self and "symbols" in self:
            raise RequestRefused(
                -1128,
                "Combination of optional parameters invalid. "
                "Recommendation: 'symbol' or 'symbols' should be sent.",
            )
        if "symbol" in self:
            return [self.symbol(listed)]
        if "symbols" not in self:
            return None
        chosen: list[str] = json.loads(self._mandatory("symbols", _SYMBOLS))
        if len(set(chosen)) < len(chosen):
            raise RequestRefused(-1151, "Symbol is present multiple times in the list.")
        if not chosen or not set(chosen) <= set(listed):
            raise RequestRefused(-1121, "Invalid symbol.")
        return chosen

    def interval(self) -> str:
        """The mandatory interval, by Binance's case-sensitive name."""
        interval = self._mandatory("interval", _INTERVAL)
        if interval not in INTERVALS:
            raise RequestRefused(-1120, "Invalid interval.")
        return interval

    def number(self, name: str) -> int | None:
        """An optional whole number."""
        if name not in self:
            return None
        return int(self._mandatory(name, _NUMBER))

    def time_ms(self, name: str) -> int | None:
        """An optional moment, sent in ms or µs."""
        time = self.number(name)
        return time // 1000 if time is not None and time >= _MICROSECONDS_FROM else time

    def limit(self) -> int:
        """How many: 500 unless told, never more than 1000."""
        limit = self.number("limit")
        if limit is None:
            return 500
        if limit == 0:
            raise RequestRefused(-1130, "Data sent for parameter 'limit' is not valid.")
        return min(limit, 1000)

    def zone_ms(self) -> int:
        """`timeZone` (`0`, `-1:00`, `05:45`, `8`), from -12:00 to +14:00, as ms."""
        shift_ms = zone_ms_of(self._values.get("timeZone", "0"))
        if shift_ms is None:
            raise RequestRefused(-1130, "Data sent for parameter 'timeZone' is not valid.")
        return shift_ms

    def choice(self, name: str, allowed: tuple[str, ...]) -> str:
        """One of some words, the first unless told."""
        value = self._values.get(name, allowed[0])
        if value not in allowed:
            raise RequestRefused(-1130, f"Data sent for parameter '{name}' is not valid.")
        return value

    def _mandatory(self, name: str, legal: tuple[re.Pattern[str], str]) -> str:
        if name not in self._values:
            raise RequestRefused(
                -1102,
                f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.",
            )
        value = self._values[name]
        if not value:
            raise RequestRefused(-1105, f"Parameter '{name}' was empty.")
        if not legal[0].fullmatch(value):
            raise RequestRefused(
                -1100,
                f"Illegal characters found in parameter '{name}'; legal range is '{legal[1]}'.",
            )
        return value


def zone_ms_of(text: str) -> int | None:
    """A time zone's shift in ms; None when it is malformed or out of range."""
    match = _ZONE.fullmatch(text)
    if not match:
        return None
    sign, hours, minutes = match.groups()
    shift_ms = int(hours) * HOUR_MS + int(minutes or 0) * MINUTE_MS
    shift_ms = -shift_ms if sign == "-" else shift_ms
    legal = int(minutes or 0) < 60 and -12 * HOUR_MS <= shift_ms <= 14 * HOUR_MS
    return shift_ms if legal else None
