"""What was read of one symbol so far: rows by interval, trades, aggregate trades.

Never here: files, prices as text.
Invariant: what it hands out is in order and free of exact doubles.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from truecandle.sim.kline import SimulatedKline
from truecandle.sim.trade_sums import AggTrade


class SideTally:
    """Collects in any order. Rows with the same open time: the one read first stands."""

    def __init__(self) -> None:
        self.rows: dict[str, list[SimulatedKline]] = {}
        self._trades: dict[int, AggTrade] = {}
        self._prints: dict[int, AggTrade] = {}

    def add_rows(self, interval: str, rows: Sequence[SimulatedKline]) -> None:
        """Closed candles."""
        if not rows:
            return
        known = {row.open_ms: row for row in [*rows, *self.rows.get(interval, [])]}
        self.rows[interval] = [known[open_ms] for open_ms in sorted(known)]

    def add_trades(self, trades: Iterable[AggTrade]) -> None:
        """Single trades, by id."""
        self._trades.update((trade.id, trade) for trade in trades)

    def add_prints(self, prints: Iterable[AggTrade]) -> None:
        """Aggregate trades, by id."""
        self._prints.update((print_.id, print_) for print_ in prints)

    def trades(self) -> list[AggTrade]:
        """The single trades in order of time."""
        return _ordered(self._trades)

    def prints(self) -> list[AggTrade]:
        """The aggregate trades in order; made from the single ones where none were recorded."""
        return _ordered(self._prints) or _aggregated(self.trades())


def _aggregated(trades: Sequence[AggTrade]) -> list[AggTrade]:
    """Neighbours of one ms, price and side are one aggregate trade; numbered from 1."""
    groups = groupby(trades, key=lambda trade: (trade.time_ms, trade.price, trade.sell))
    found: list[AggTrade] = []
    for _, group in groups:
        same = list(group)
        found.append(
            same[0]._replace(
                id=len(found) + 1,
                quantity=sum(trade.quantity for trade in same),
                last_id=same[-1].last_id,
            )
        )
    return found


def _ordered(by_id: dict[int, AggTrade]) -> list[AggTrade]:
    return sorted(by_id.values(), key=lambda print_: (print_.time_ms, print_.id))
