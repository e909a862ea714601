"""Consistency of timeframes: a candle against those of a lower timeframe that cover its span.

Never here: where candles come from, holes and their reasons, floats.
Invariant: sums are exact, and nothing is said of a candle unless all below it are there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Final, NamedTuple

from truecandle.candles.candle import OfficialCandle
from truecandle.candles.decimals import EXACT
from truecandle.candles.interval import DAY_MS, Interval

#: What is added up over all candles of the lower timeframe.
SUMS: Final = ("volume", "quote_volume", "taker_volume", "taker_quote_volume")


class FieldMismatch(NamedTuple):
    """A field of the higher candle, and what the lower ones make of it."""

    field: str
    higher: Decimal
    lower: Decimal


class TimeframeComparison(NamedTuple):
    """A candle that has all its lower ones; equal to them if nothing differs."""

    open_ms: int
    differences: tuple[FieldMismatch, ...]


class LowerTimeframeTotal:
    """What the lower candles of one higher candle add up to, added in the order of their times.

    A candle without trades is a placeholder at the close before: it has no say in open, high, low
    and close, unless none of them traded. (Measured on 221,898 candles of 15 symbols.)
    """

    def __init__(self) -> None:
        self.candles = 0
        self._trades = 0
        self._sums = dict.fromkeys(SUMS, Decimal(0))
        self._prices: tuple[Decimal, Decimal, Decimal, Decimal] | None = None

    def add(self, candle: OfficialCandle) -> None:
        self.candles += 1
        open_, high = Decimal(candle.open), Decimal(candle.high)
        low, close = Decimal(candle.low), Decimal(candle.close)
        if self._prices is None or (candle.trades and not self._trades):
            self._prices = (open_, high, low, close)
        elif candle.trades or not self._trades:
            first, top, bottom, _ = self._prices
            self._prices = (first, max(top, high), min(bottom, low), close)
        self._trades += candle.trades
        for name in SUMS:
            self._sums[name] = EXACT.add(self._sums[name], Decimal(getattr(candle, name)))

    def differences(self, higher: OfficialCandle) -> tuple[FieldMismatch, ...]:
        """The fields in which it is not what the lower candles (at least one) add up to."""
        assert self._prices is not None
        made = dict(zip(("open", "high", "low", "close"), self._prices, strict=True))
        made |= {**self._sums, "trades": Decimal(self._trades)}
        held = {name: Decimal(getattr(higher, name)) for name in made}
        return tuple(
            FieldMismatch(name, held[name], made[name]) for name in made if held[name] != made[name]
        )


def tiles(lower: Interval, higher: Interval) -> bool:
    """Whether candles of `lower` cover those of `higher` exactly, wherever its grid lies.

    All grids meet at midnight UTC, and longer candles than a day begin there: so do those of a
    month, a week and of 3d, which are made of days and never of each other.
    """
    if lower.duration_ms is None or lower.name == higher.name:
        return False
    return (higher.duration_ms or DAY_MS) % lower.duration_ms == 0


def lower_timeframes(higher: Interval, stored: Iterable[Interval]) -> list[Interval]:
    """Which of the stored intervals to compare `higher` with: the longest that tile it.

    None of them tiles another, so that each stored interval has a say, itself or through a
    higher one.
    """
    fitting = [one for one in stored if tiles(one, higher)]
    return [one for one in fitting if not any(tiles(one, other) for other in fitting)]


def compare_timeframes(
    higher: Interval,
    lower: Interval,
    higher_candles: Iterable[OfficialCandle],
    lower_candles: Iterable[OfficialCandle],
) -> Iterator[TimeframeComparison]:
    """Every higher candle whose lower ones are all there. Both come ascending, one per open time,
    on their grids (`higher` has one); one candle of each is looked at at a time.
    """
    waiting = iter(lower_candles)
    one = next(waiting, None)
    for candle in higher_candles:
        end_ms = higher.next_open_ms(candle.open_ms)
        total = LowerTimeframeTotal()
        while one is not None and one.open_ms < end_ms:
            if one.open_ms >= candle.open_ms:
                total.add(one)
            one = next(waiting, None)
        if total.candles and total.candles == lower.count(candle.open_ms, end_ms):
            yield TimeframeComparison(candle.open_ms, total.differences(candle))
