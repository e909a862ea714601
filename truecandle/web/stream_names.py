"""Names of streams as the exchange writes them, and which of them are offered here.

Never here: who listens, markets' candles.
Invariant: what is not offered is refused in words that say what is, never taken and left silent.
"""

from __future__ import annotations

from typing import Final

from truecandle.candles.interval import INTERVALS
from truecandle.candles.series import Series
from truecandle.web.followed_markets import Markets

NAME_CHARS_MAX: Final = 60
OFFERED: Final = "<symbol>@kline_<interval>"
_KLINE: Final = "kline_"


class StreamRefused(Exception):
    """A stream that is not offered; the text says why."""


def parse_stream(name: str, markets: Markets) -> Series:
    """`btcusdt@kline_1m` → the series whose klines it tells. Raises `StreamRefused`."""
    symbol, _, kind = name.partition("@")
    if len(name) > NAME_CHARS_MAX or not symbol or not kind:
        raise StreamRefused(f"not a stream: '{name[:NAME_CHARS_MAX]}'; offered: {OFFERED}")
    if symbol != symbol.lower():
        raise StreamRefused(f"symbols are written in small letters: '{name.lower()}'")
    if not kind.startswith(_KLINE):
        raise StreamRefused(f"'@{kind}' is not offered here; offered: {OFFERED}")
    if symbol.upper() not in markets.symbols:
        raise StreamRefused(f"{symbol.upper()} is not followed here")
    interval = kind.removeprefix(_KLINE)
    if interval not in markets.intervals:
        followed = ", ".join(markets.intervals)
        raise StreamRefused(f"'{interval}' is not followed here; followed: {followed}")
    return Series(symbol.upper(), INTERVALS[interval])
