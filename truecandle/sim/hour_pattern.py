"""Hour tapes: an hour of trades without a date, as ticks from its first price, with its sums.

Never here: prices, trade ids, calendar time (`walk` gives a tape its place).
Invariant: a tape depends on seed, symbol and number alone; equal tapes on every machine.
"""

from __future__ import annotations

import random
from array import array
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, pairwise
from typing import NamedTuple

from truecandle.candles.interval import HOUR_MS, MINUTE_MS
from truecandle.sim.listing import SimulatedListing

#: Tapes for each symbol. More would make hours differ more, and the start slower.
TAPES = 12

#: Sums are kept ready for these parts of an hour; longest first.
PARTS_MS = (15 * MINUTE_MS, 5 * MINUTE_MS, MINUTE_MS)

#: Of a hundred taker orders, how many meet 1, 2, 3 … resting orders.
_FILLS = (1,) * 58 + (2,) * 22 + (3,) * 10 + (4,) * 5 + (5,) * 3 + (8,) * 2


_Dice = Callable[[], float]

#: Compact: a market of three symbols holds a million of them.
Numbers = Sequence[int]


class Cell(NamedTuple):
    """Sums over the trades [first, last] of a tape; deltas in ticks, quantities in steps."""

    first: int
    last: int
    open: int
    high: int
    low: int
    close: int
    quantity: int
    moved: int  # sum of delta * quantity
    bought: int  # quantity where the taker bought
    moved_bought: int


@dataclass(frozen=True, slots=True, eq=False)
class Tape:
    """Trade i: `offsets[i]` ms into the hour, `deltas[i]`, `quantities[i]`, taker sells or buys.

    `starts[a]` is the first trade of the aggregate trade a (same ms, price and side); `group[i]`
    the aggregate of trade i. `sums` hold running totals, one longer than the trades.
    """

    offsets: Numbers
    deltas: Numbers
    quantities: Numbers
    sells: bytes
    starts: Numbers
    group: Numbers
    sums: tuple[Numbers, ...]
    hour: Cell
    parts: dict[int, list[Cell | None]]

    def index(self, offset_ms: int) -> int:
        """How many trades lie before `offset_ms`."""
        return bisect_left(self.offsets, offset_ms)

    def cell(self, first: int, end: int) -> Cell | None:
        """The sums of the trades [first, end); None when there is none."""
        return _cell(self.deltas, self.sums, first, end)


@lru_cache(maxsize=64)
def tapes(seed: int, listing: SimulatedListing) -> tuple[Tape, ...]:
    """The `TAPES` tapes of a market."""
    return tuple(_tape(seed, listing, number) for number in range(TAPES))


def _tape(seed: int, listing: SimulatedListing, number: int) -> Tape:
    dice = random.Random(f"{seed}:{listing.symbol}:{number}").random
    offsets, deltas, quantities, sells = _trades(listing, dice, _offsets(listing, dice))
    starts: list[int] = []
    group: list[int] = []
    before: tuple[int, int, bool] | None = None
    for i, now in enumerate(zip(offsets, deltas, sells, strict=True)):
        if now != before:
            starts.append(i)
            before = now
        group.append(len(starts) - 1)
    bought = [0 if s else q for q, s in zip(quantities, sells, strict=True)]
    sums = (
        _running(quantities),
        _running([d * q for d, q in zip(deltas, quantities, strict=True)]),
        _running(bought),
        _running([d * q for d, q in zip(deltas, bought, strict=True)]),
    )
    hour = _cell(deltas, sums, 0, len(deltas))
    if hour is None:
        raise ValueError(f"{listing.symbol}: {listing.orders_per_hour} orders an hour are too few")
    parts: dict[int, list[Cell | None]] = {}
    for part_ms in PARTS_MS:
        edges = [bisect_left(offsets, at) for at in range(0, HOUR_MS + 1, part_ms)]
        parts[part_ms] = [_cell(deltas, sums, *pair) for pair in pairwise(edges)]
    return Tape(
        offsets=array("i", offsets),
        deltas=array("q", deltas),
        quantities=array("q", quantities),
        sells=bytes(sells),
        starts=array("i", starts),
        group=array("i", group),
        sums=sums,
        hour=hour,
        parts=parts,
    )


def _offsets(listing: SimulatedListing, dice: _Dice) -> list[int]:
    """When the taker orders come: a rate that changes every minute, with bursts and lulls."""
    rates = [0.35 + 1.2 * dice() ** 2 + (2.5 if dice() > 0.95 else 0) for _ in range(60)]
    per_minute = listing.orders_per_hour / sum(rates)
    times: set[int] = set()
    for minute, rate in enumerate(rates):
        expected = rate * per_minute
        orders = int(expected) + (1 if dice() < expected % 1 else 0)
        times.update(minute * MINUTE_MS + int(dice() * MINUTE_MS) for _ in range(orders))
    return sorted(times or {int(dice() * HOUR_MS)})


def _trades(
    listing: SimulatedListing, dice: _Dice, offsets: list[int]
) -> tuple[list[int], list[int], list[int], list[bool]]:
    """Each order walks the price, takes a side, and fills against one or more resting orders."""
    times, deltas, quantities, sells = [], [], [], []
    step = listing.swing / len(offsets) ** 0.5 * 1.4
    hop = max(1, listing.swing // 3000)
    price = 0.0
    for offset_ms in offsets:
        price += (dice() + dice() + dice() - 1.5) * step
        side = 1 if dice() < 0.5 else -1
        at = int(price) + (side if dice() < 0.7 else 0)
        for _ in range(_FILLS[int(dice() * 100)]):
            chance = dice()
            times.append(offset_ms)
            deltas.append(at)
            quantities.append(1 + int(listing.lot * chance * chance * chance * chance * 5))
            sells.append(side < 0)
            if dice() < 0.4:
                at += side * hop
    return times, deltas, quantities, sells


def _running(values: list[int]) -> Numbers:
    return array("q", accumulate(values, initial=0))


def _cell(deltas: Sequence[int], sums: tuple[Numbers, ...], first: int, end: int) -> Cell | None:
    if first >= end:
        return None
    part = deltas[first:end]
    totals = [total[end] - total[first] for total in sums]
    return Cell(first, end - 1, part[0], max(part), min(part), part[-1], *totals)
