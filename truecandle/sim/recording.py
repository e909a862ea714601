"""A recorded course: rows and trades of a real market, replayed as they were.

Never here: reading files (`archive`), making anything up where the recording is silent.
Invariant: a recorded row is answered with its own text, and only after its interval's end.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import accumulate, takewhile

from truecandle.sim.kline import Grid, SimulatedKline
from truecandle.sim.listing import SimulatedListing
from truecandle.sim.trade_source import TradeSource
from truecandle.sim.trade_sums import DECIMALS, AggTrade, TradeSums, cut_quote


class Recording(TradeSource):
    """Prices and quantities count in 10^-8. `rows` hold closed candles by interval.

    An interval with rows has exactly those candles, holes included; the one in progress is formed
    from the trades, or flat where there are none. An interval without rows is built from the
    trades. Without recorded single trades, `@trade` sends one for each aggregate trade.
    """

    def __init__(
        self,
        listing: SimulatedListing,
        rows: Mapping[str, Sequence[SimulatedKline]],
        prints: Sequence[AggTrade],
        trades: Sequence[AggTrade] = (),
    ) -> None:
        super().__init__(listing)
        self._rows = {name: {row.open_ms: row for row in found} for name, found in rows.items()}
        self._opens = {name: sorted(found) for name, found in self._rows.items()}
        self._all_prints = list(prints)
        self._print_ids = [print_.id for print_ in prints]
        self._times = [print_.time_ms for print_ in prints]
        self._all_trades = list(trades) or [p._replace(id=p.last_id) for p in prints]
        self._trade_times = [trade.time_ms for trade in self._all_trades]
        self._sums = _sums(self._all_prints, trades, listing.quote_decimals)

    @property
    def first_ms(self) -> int:
        return min([*self._times[:1], *(opens[0] for opens in self._opens.values())])

    @property
    def last_ms(self) -> int:
        """When it ends: its last trade, or the close of its last row."""
        ends = [row.close_ms for rows in self._rows.values() for row in rows.values()]
        return max([*self._times[-1:], *ends])

    @property
    def first_ms_of_trades(self) -> int:
        """When its first trade was."""
        return self._times[0]

    @property
    def has_trades(self) -> bool:
        """Whether there is anything to stream."""
        return bool(self._times)

    def opens(self, grid: Grid, start_ms: int, end_ms: int) -> Iterator[int]:
        found = self._recorded(grid)
        if found is None:
            first_ms = max(start_ms, grid.open_ms(self._times[0])) if self._times else end_ms + 1
            last_ms = self._times[-1] if self._times else 0
            yield from super().opens(grid, first_ms, min(end_ms, last_ms))
            return
        for i in range(bisect_left(found, start_ms), bisect_right(found, end_ms)):
            if not self._in_pause(grid, found[i]):
                yield found[i]

    def opens_back(self, grid: Grid, end_ms: int) -> Iterator[int]:
        found = self._recorded(grid)
        if found is None:
            if self._times:
                first_ms = grid.open_ms(self._times[0])
                opens = super().opens_back(grid, min(end_ms, self._times[-1]))
                yield from takewhile(lambda open_ms: open_ms >= first_ms, opens)
            return
        for i in range(bisect_right(found, end_ms) - 1, -1, -1):
            if not self._in_pause(grid, found[i]):
                yield found[i]

    def kline(self, grid: Grid, open_ms: int, now_ms: int) -> SimulatedKline:
        row = self._rows.get(grid.interval.name, {}).get(open_ms) if not grid.zone_ms else None
        next_ms = grid.next_open_ms(open_ms)
        if row is None or (now_ms < next_ms and self._times):
            return super().kline(grid, open_ms, now_ms)
        if now_ms < next_ms:
            zero, price = "0.00000000", row.open
            return SimulatedKline(
                open_ms, price, price, price, price, zero, next_ms - 1, zero, 0, zero, zero
            )
        block = self.span(open_ms, next_ms)
        if block is None:
            return row
        return replace(row, first_id=block.first_id, last_id=block.last_id)

    def is_paused(self, grid: Grid, open_ms: int) -> bool:
        found = self._recorded(grid)
        if found is None:
            return self._in_pause(grid, open_ms)
        return open_ms not in self._rows[grid.interval.name] or self._in_pause(grid, open_ms)

    def _in_pause(self, grid: Grid, open_ms: int) -> bool:
        return super().is_paused(grid, open_ms)

    def _recorded(self, grid: Grid) -> list[int] | None:
        return None if grid.zone_ms else self._opens.get(grid.interval.name)

    def _span(self, start_ms: int, end_ms: int) -> TradeSums | None:
        first, end = bisect_left(self._times, start_ms), bisect_left(self._times, end_ms)
        if first >= end:
            return None
        part = self._all_prints[first:end]
        quantity, quote, bought, bought_quote, trades = (
            total[end] - total[first] for total in self._sums
        )
        return TradeSums(
            open=part[0].price,
            high=max(print_.price for print_ in part),
            low=min(print_.price for print_ in part),
            close=part[-1].price,
            quantity=quantity,
            quote=quote,
            bought=bought,
            bought_quote=bought_quote,
            trades=trades,
            first_id=part[0].first_id,
            last_id=part[-1].last_id,
        )

    def _prints(self, start_ms: int, end_ms: int) -> Iterator[AggTrade]:
        first, end = bisect_left(self._times, start_ms), bisect_left(self._times, end_ms)
        return iter(self._all_prints[first:end])

    def _trades(self, start_ms: int, end_ms: int) -> Iterator[AggTrade]:
        times = self._trade_times
        first, end = bisect_left(times, start_ms), bisect_left(times, end_ms)
        return iter(self._all_trades[first:end])

    def _ids(self, t_ms: int) -> tuple[int, int]:
        if not self._times:
            return 0, 0
        i = bisect_left(self._times, t_ms)
        if i < len(self._times):
            return self._all_prints[i].first_id, self._all_prints[i].id
        return self._all_prints[-1].last_id + 1, self._all_prints[-1].id + 1

    def _time_of(self, aggregate_id: int) -> int:
        i = bisect_left(self._print_ids, aggregate_id)
        return self._times[i] if i < len(self._times) else self.last_ms + 1

    def _price(self, t_ms: int) -> int:
        if self._times:
            return self._all_prints[max(0, bisect_left(self._times, t_ms) - 1)].price
        rows = next(iter(self._rows.values()))
        row = rows[max((open_ms for open_ms in rows if open_ms < t_ms), default=min(rows))]
        return scaled(row.close)


def scaled(text: str) -> int:
    """Decimal text as a whole number of 10^-8; digits beyond would be lost and are refused."""
    whole, _, fraction = text.partition(".")
    unit: int = 10**DECIMALS
    if len(fraction.rstrip("0")) > DECIMALS:
        raise ValueError(f"{text} has more than {DECIMALS} decimals")
    return int(whole) * unit + int((fraction + "0" * DECIMALS)[:DECIMALS])


def _sums(
    prints: Sequence[AggTrade], singles: Sequence[AggTrade], decimals: int
) -> tuple[list[int], ...]:
    """Running totals of quantity, quote, bought, bought quote and number of trades.

    What an aggregate is worth is told by its single trades, each cut by itself, where they were
    recorded; else it is cut as a whole, which is too much where its parts are cut.
    """
    worths = {one.last_id: cut_quote(one.price, one.quantity, decimals) for one in singles}
    quantities = [p.quantity for p in prints]
    quotes = [_quote(p, worths, decimals) for p in prints]
    bought = [0 if p.sell else p.quantity for p in prints]
    bought_quotes = [0 if p.sell else quote for p, quote in zip(prints, quotes, strict=True)]
    trades = [p.last_id - p.first_id + 1 for p in prints]
    columns = (quantities, quotes, bought, bought_quotes, trades)
    return tuple(list(accumulate(column, initial=0)) for column in columns)


def _quote(print_: AggTrade, worths: Mapping[int, int], decimals: int) -> int:
    parts = [worths.get(one) for one in range(print_.first_id, print_.last_id + 1)]
    known = [part for part in parts if part is not None]
    if len(known) == len(parts):
        return sum(known)
    return cut_quote(print_.price, print_.quantity, decimals)
