"""A course: one symbol's whole sequence of trades, with the pauses that a script cuts into it.

Never here: how the trades came about (`walk` makes them, `recording` replays them); answers.
Invariant: trades in a pause do not exist; the ids around it stay contiguous.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from itertools import islice

from truecandle.candles.interval import DAY_MS
from truecandle.sim.kline import Grid, SimulatedKline, grid_of, kline_of
from truecandle.sim.listing import SimulatedListing
from truecandle.sim.trade_sums import AggTrade, TradeSums, merged

#: A stretch [start, end), and how much to take off the trade and aggregate ids in it.
Piece = tuple[int, int, int, int]


class TradeSource(ABC):
    """What traded when. Stretches are [start_ms, end_ms) of exchange time."""

    def __init__(self, listing: SimulatedListing) -> None:
        self.listing = listing
        self._pauses: list[tuple[int, int]] = []

    @property
    @abstractmethod
    def first_ms(self) -> int:
        """When its first trade or row was."""

    @abstractmethod
    def _span(self, start_ms: int, end_ms: int) -> TradeSums | None: ...

    @abstractmethod
    def _prints(self, start_ms: int, end_ms: int) -> Iterator[AggTrade]: ...

    @abstractmethod
    def _trades(self, start_ms: int, end_ms: int) -> Iterator[AggTrade]: ...

    @abstractmethod
    def _ids(self, t_ms: int) -> tuple[int, int]:
        """The ids that the first trade and the first aggregate at or after `t_ms` have."""

    @abstractmethod
    def _time_of(self, aggregate_id: int) -> int:
        """The time of an aggregate trade, or of the first one when the id is lower."""

    @abstractmethod
    def _price(self, t_ms: int) -> int:
        """The last price (ticks) before `t_ms`; the first one when nothing traded before."""

    def pause(self, start_ms: int, end_ms: int) -> None:
        """From `start_ms` to `end_ms` trading was, or will be, suspended."""
        stretches = sorted([*self._pauses, (start_ms, max(start_ms, end_ms))])
        joined: list[tuple[int, int]] = []
        for start, end in stretches:
            if joined and start <= joined[-1][1]:
                joined[-1] = (joined[-1][0], max(joined[-1][1], end))
            else:
                joined.append((start, end))
        self._pauses = joined

    def resume(self) -> None:
        """Takes all pauses back."""
        self._pauses = []

    def span(self, start_ms: int, end_ms: int) -> TradeSums | None:
        """What traded in the stretch; None when nothing did."""
        return merged(
            _shifted(self._span(start, end), trades)
            for start, end, trades, _ in self._pieces(start_ms, end_ms)
        )

    def day(self, now_ms: int) -> tuple[TradeSums | None, int]:
        """What traded in the last 24 hours, and the last price (ticks) before them."""
        start_ms = now_ms - DAY_MS + 1
        return self.span(start_ms, now_ms + 1), self.price(start_ms)

    def prints(self, start_ms: int, end_ms: int) -> Iterator[AggTrade]:
        """The aggregate trades of the stretch, in order."""
        for start, end, trades, aggregates in self._pieces(start_ms, end_ms):
            yield from _renumbered(self._prints(start, end), trades, aggregates)

    def trades(self, start_ms: int, end_ms: int) -> Iterator[AggTrade]:
        """The trades of the stretch, in order; `id` is the trade's."""
        for start, end, trades, _ in self._pieces(start_ms, end_ms):
            yield from _renumbered(self._trades(start, end), trades, trades)

    def prints_from(self, aggregate_id: int, limit: int, end_ms: int) -> list[AggTrade]:
        """At most `limit` aggregate trades from that id on, before `end_ms`."""
        self._ids(end_ms)  # decides all that lies before
        start_ms = end_ms
        for start, end, _, aggregates in self._pieces(self.first_ms, end_ms):
            time_ms = max(start, self._time_of(aggregate_id + aggregates))
            if time_ms < end:
                start_ms = time_ms
                break
        found = (p for p in self.prints(start_ms, end_ms) if p.id >= aggregate_id)
        return list(islice(found, limit))

    def price(self, t_ms: int) -> int:
        """The last price (ticks) before `t_ms`."""
        for start, end in reversed(self._pauses):
            if start < t_ms and self._ids(max(t_ms, end)) == self._ids(end):
                t_ms = start
        return self._price(t_ms)

    def grid(self, interval: str, zone_ms: int = 0) -> Grid:
        """Where this symbol's candles of an interval open."""
        return grid_of(interval, self.listing.listed_ms, zone_ms)

    def opens(self, grid: Grid, start_ms: int, end_ms: int) -> Iterator[int]:
        """The open times in [start_ms, end_ms] that a candle exists for, in order."""
        open_ms = grid.open_ms(max(start_ms, self.first_ms))
        while open_ms <= end_ms:
            if open_ms >= start_ms and not self.is_paused(grid, open_ms):
                yield open_ms
            open_ms = grid.next_open_ms(open_ms)

    def opens_back(self, grid: Grid, end_ms: int) -> Iterator[int]:
        """The open times up to `end_ms`, the latest first."""
        if end_ms < self.first_ms - self.first_ms % 1000:
            return
        first = grid.open_ms(self.first_ms)
        open_ms = grid.open_ms(end_ms)
        while open_ms >= first:
            if not self.is_paused(grid, open_ms):
                yield open_ms
            open_ms = grid.previous_open_ms(open_ms)

    def kline(self, grid: Grid, open_ms: int, now_ms: int) -> SimulatedKline:
        """The candle that opens then, with the trades up to and including `now_ms`."""
        next_ms = grid.next_open_ms(open_ms)
        end_ms = min(next_ms, now_ms + 1)
        block = self.span(open_ms, end_ms)
        close_ms = self._cut(open_ms, next_ms, now_ms) - 1
        return kline_of(self.listing, open_ms, close_ms, block, self.price(open_ms))

    def _cut(self, open_ms: int, next_ms: int, now_ms: int) -> int:
        """Binance cuts a close time short where an outage ran to the end of the candle."""
        for start, end in self._pauses:
            if open_ms < start < next_ms <= end and now_ms >= start:
                return start
        return next_ms

    def is_paused(self, grid: Grid, open_ms: int) -> bool:
        """Whether the whole candle lies in a pause, so that it does not exist."""
        if not self._pauses:
            return False
        next_ms = grid.next_open_ms(open_ms)
        return any(start <= open_ms and next_ms <= end for start, end in self._pauses)

    def _pieces(self, start_ms: int, end_ms: int) -> Iterable[Piece]:
        """The stretch without its pauses, and how many trades earlier pauses removed."""
        trades = aggregates = 0
        for start, end in self._pauses:
            if start_ms < start:
                yield start_ms, min(start, end_ms), trades, aggregates
            if end_ms <= end:
                return
            first, last = self._ids(start), self._ids(end)
            trades += last[0] - first[0]
            aggregates += last[1] - first[1]
            start_ms = max(start_ms, end)
        if start_ms < end_ms:
            yield start_ms, end_ms, trades, aggregates


def _shifted(block: TradeSums | None, trades: int) -> TradeSums | None:
    if block is None or not trades:
        return block
    return block._replace(first_id=block.first_id - trades, last_id=block.last_id - trades)


def _renumbered(prints: Iterator[AggTrade], trades: int, ids: int) -> Iterator[AggTrade]:
    if not trades:
        return prints
    return (
        p._replace(id=p.id - ids, first_id=p.first_id - trades, last_id=p.last_id - trades)
        for p in prints
    )
