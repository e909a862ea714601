"""Parents and children: a candle against the shorter candles that cover its span exactly.

Never here: where candles come from, holes and their reasons, floats.
Invariant: sums are exact, and nothing is said of a parent unless all its children are there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Context, Decimal
from typing import Final, NamedTuple

from truecandle.candles.candle import OfficialCandle
from truecandle.candles.interval import DAY_MS, Interval

#: What is added up over all children.
SUMS: Final = ("volume", "quote_volume", "taker_volume", "taker_quote_volume")

#: 38 digits are the most that a stored number has; a day of seconds adds five.
_EXACT = Context(prec=60)


class Difference(NamedTuple):
    """A field of a parent, and what its children make of it."""

    field: str
    parent: Decimal
    children: Decimal


class Judged(NamedTuple):
    """A parent that has all its children; equal to them if nothing differs."""

    open_ms: int
    differences: tuple[Difference, ...]


class Total:
    """What the children of one parent add up to. They are added in the order of their times.

    A child without trades is a placeholder at the close before: it has no say in open, high, low
    and close, unless none of them traded. (Measured on 221,898 candles of 15 symbols.)
    """

    def __init__(self) -> None:
        self.candles = 0
        self._trades = 0
        self._sums = dict.fromkeys(SUMS, Decimal(0))
        self._prices: tuple[Decimal, Decimal, Decimal, Decimal] | None = None

    def add(self, child: OfficialCandle) -> None:
        self.candles += 1
        open_, high = Decimal(child.open), Decimal(child.high)
        low, close = Decimal(child.low), Decimal(child.close)
        if self._prices is None or (child.trades and not self._trades):
            self._prices = (open_, high, low, close)
        elif child.trades or not self._trades:
            first, top, bottom, _ = self._prices
            self._prices = (first, max(top, high), min(bottom, low), close)
        self._trades += child.trades
        for name in SUMS:
            self._sums[name] = _EXACT.add(self._sums[name], Decimal(getattr(child, name)))

    def differences(self, parent: OfficialCandle) -> tuple[Difference, ...]:
        """The fields in which the parent is not what its children (at least one) add up to."""
        assert self._prices is not None
        made = dict(zip(("open", "high", "low", "close"), self._prices, strict=True))
        made |= {**self._sums, "trades": Decimal(self._trades)}
        held = {name: Decimal(getattr(parent, name)) for name in made}
        return tuple(
            Difference(name, held[name], made[name]) for name in made if held[name] != made[name]
        )


def tiles(child: Interval, parent: Interval) -> bool:
    """Whether candles of `child` cover those of `parent` exactly, wherever its grid lies.

    All grids meet at midnight UTC, and longer candles than a day begin there: so do those of a
    month, a week and of 3d, which are made of days and never of each other.
    """
    if child.duration_ms is None or child.name == parent.name:
        return False
    return (parent.duration_ms or DAY_MS) % child.duration_ms == 0


def children(parent: Interval, stored: Iterable[Interval]) -> list[Interval]:
    """Whom of the stored intervals to compare a parent with: the longest that tile it.

    None of them tiles another, so that each stored interval has a say, itself or through a parent.
    """
    fitting = [one for one in stored if tiles(one, parent)]
    return [one for one in fitting if not any(tiles(one, other) for other in fitting)]


def judge(
    parent: Interval,
    child: Interval,
    parents: Iterable[OfficialCandle],
    offspring: Iterable[OfficialCandle],
) -> Iterator[Judged]:
    """Every parent whose children are all there. Both come ascending, one per open time, on their
    grids (`parent` has one); one candle of each is looked at at a time.
    """
    coming = iter(offspring)
    one = next(coming, None)
    for candle in parents:
        end_ms = parent.next_open_ms(candle.open_ms)
        total = Total()
        while one is not None and one.open_ms < end_ms:
            if one.open_ms >= candle.open_ms:
                total.add(one)
            one = next(coming, None)
        if total.candles and total.candles == child.count(candle.open_ms, end_ms):
            yield Judged(candle.open_ms, total.differences(candle))
