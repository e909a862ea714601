"""Names of streams as the exchange writes them, and which of them are offered here.

Never here: who listens, markets' candles.
Invariant: what is not offered is refused in words that say what is, never taken and left silent.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from truecandle.candles.interval import INTERVALS
from truecandle.candles.series import Series
from truecandle.web.followed_markets import Markets

NAME_CHARS_MAX: Final = 60
_KLINE, _AGG_TRADE = "kline_", "aggTrade"


class AggTrades(NamedTuple):
    """The aggregate trades of one market, as a stream."""

    symbol: str


#: What a stream tells: the klines of a series, or the trades of a market.
Stream = Series | AggTrades


class StreamRefused(Exception):
    """A stream that is not offered; the text says why."""


def parse_stream(name: str, markets: Markets, why_no_trades: str) -> Stream:
    """`btcusdt@kline_1m`, `btcusdt@aggTrade` → what it tells. Raises `StreamRefused`.

    `why_no_trades`: why no trades are passed on here; "" if they are.
    """
    symbol, _, kind = name.partition("@")
    offered = f"offered: {', '.join(names_offered(not why_no_trades))}"
    if len(name) > NAME_CHARS_MAX or not symbol or not kind:
        raise StreamRefused(f"not a stream: '{name[:NAME_CHARS_MAX]}'; {offered}")
    if symbol != symbol.lower():
        raise StreamRefused(f"symbols are written in small letters: '{name.lower()}'")
    if kind == _AGG_TRADE and why_no_trades:
        raise StreamRefused(f"no trades are passed on here ({why_no_trades}); {offered}")
    if kind != _AGG_TRADE and not kind.startswith(_KLINE):
        raise StreamRefused(f"'@{kind}' is not offered here; {offered}")
    if symbol.upper() not in markets.symbols:
        raise StreamRefused(f"{symbol.upper()} is not followed here")
    if kind == _AGG_TRADE:
        return AggTrades(symbol.upper())
    interval = kind.removeprefix(_KLINE)
    if interval not in markets.intervals:
        followed = ", ".join(markets.intervals)
        raise StreamRefused(f"'{interval}' is not followed here; followed: {followed}")
    return Series(symbol.upper(), INTERVALS[interval])


def is_of_trades(name: str) -> bool:
    """Whether a name asks for trades, of whichever market."""
    return name.endswith(f"@{_AGG_TRADE}")


def names_offered(has_trades: bool) -> list[str]:
    """The forms of streams that there are."""
    trades = [f"<symbol>@{_AGG_TRADE}"] if has_trades else []
    return [f"<symbol>@{_KLINE}<interval>", *trades]
