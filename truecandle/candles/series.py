"""A series: one market at one interval, the identity that every key, room and answer is named by.

Never here: which markets are followed (settings and store know), Redis key names (`store/keys`).
Invariant: a `Series` that exists has a symbol that is safe in a key, a URL and a log line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from truecandle.candles.interval import Interval, parse_interval
from truecandle.errors import CandleError

#: Binance's symbols: upper-case letters and digits, since 2026 also letters of other scripts.
_SYMBOL = re.compile(r"[\w.\-]{1,20}")


@dataclass(frozen=True, slots=True)
class Series:
    """`BTCUSDT` at `1h`, with the grid of its open times."""

    symbol: str
    interval: Interval
    #: `BTCUSDT:1h`: the Socket.IO room and the tail of every key.
    name: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", f"{self.symbol}:{self.interval.name}")

    def __str__(self) -> str:
        return self.name


def parse_series(symbol: object, interval: object) -> Series:
    """The series of that symbol and interval; `CandleError` names the one that is wrong."""
    return Series(parse_symbol(symbol), parse_interval(interval))


def parse_symbol(text: object) -> str:
    """A symbol as Binance writes it: 1 to 20 upper-case letters, digits, `.`, `-` or `_`."""
    if isinstance(text, str) and _SYMBOL.fullmatch(text) and text == text.upper():
        return text
    raise CandleError("symbol", text, "1 to 20 upper-case letters, digits, '.', '-' or '_'")
