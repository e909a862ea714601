"""A simulated course: hour after hour plays one of the tapes, as `hours` decided.

Never here: state that a restart would lose; anything that depends on when it was asked.
Invariant: a pure function of (seed, listing, time): the same trades at the same times, for ever.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate
from typing import cast

from truecandle.candles.interval import DAY_MS, HOUR_MS
from truecandle.sim.calendar import Hours, hours_of
from truecandle.sim.hour_pattern import PARTS_MS, Cell, Tape
from truecandle.sim.listing import SimulatedListing
from truecandle.sim.trade_source import TradeSource
from truecandle.sim.trade_sums import DECIMALS, AggTrade, TradeSums, cut_quote, merged


class SyntheticTrades(TradeSource):
    """The trades of one symbol from its listing on. Thread-safe.

    Every sum over an hour, or a minute of it, is known without looking at a trade.
    """

    def __init__(self, seed: int, listing: SimulatedListing, hours: Hours | None = None) -> None:
        super().__init__(listing)
        self._hours = hours or hours_of(seed, listing)
        self._days: dict[int, TradeSums | None] = {}
        #: Of a market whose trades' worth is cut: running totals over an hour's trades.
        self._quotes: dict[int, tuple[list[int], ...]] = {}

    @property
    def first_ms(self) -> int:
        return self.listing.listed_ms + self._tape(0).offsets[0]

    def hour_sums(self, hour: int) -> TradeSums:
        """What the hour of that number trades; every hour has a trade."""
        return cast(TradeSums, self._block(hour, self._tape(hour).hour))

    def _span(self, start_ms: int, end_ms: int) -> TradeSums | None:
        return merged(self._blocks(max(start_ms, self.listing.listed_ms), end_ms))

    def _blocks(self, at_ms: int, end_ms: int) -> Iterator[TradeSums | None]:
        """The largest ready sums that fit, one after the other."""
        while at_ms < end_ms:
            if at_ms % DAY_MS == 0 and at_ms + DAY_MS <= end_ms:
                yield self._day(at_ms)
                at_ms += DAY_MS
                continue
            hour, offset = self._hour(at_ms)
            if offset == 0 and at_ms + HOUR_MS <= end_ms:
                yield self._block(hour, self._tape(hour).hour)
                at_ms += HOUR_MS
                continue
            for part_ms in PARTS_MS:
                if at_ms % part_ms == 0 and at_ms + part_ms <= end_ms:
                    yield self._block(hour, self._tape(hour).parts[part_ms][offset // part_ms])
                    at_ms += part_ms
                    break
            else:
                minute_ms = PARTS_MS[-1]
                until_ms = min(end_ms, at_ms - at_ms % minute_ms + minute_ms)
                yield self._trade_block(hour, offset, offset + until_ms - at_ms)
                at_ms = until_ms

    def _day(self, at_ms: int) -> TradeSums | None:
        if at_ms not in self._days:
            hours = (at_ms + i * HOUR_MS for i in range(DAY_MS // HOUR_MS))
            places = (self._hour(hour_ms)[0] for hour_ms in hours)
            self._days[at_ms] = merged(
                self._block(hour, self._tape(hour).hour) for hour in places if hour >= 0
            )
        return self._days[at_ms]

    def _trade_block(self, hour: int, start: int, end: int) -> TradeSums | None:
        tape = self._tape(hour)
        return self._block(hour, tape.cell(tape.index(start), tape.index(end)))

    def _block(self, hour: int, cell: Cell | None) -> TradeSums | None:
        if cell is None:
            return None
        base, stretch, amount = (
            self._hours.bases[hour],
            self._hours.stretch[hour],
            self._hours.amount[hour],
        )
        highest, lowest = (cell.high, cell.low) if stretch > 0 else (cell.low, cell.high)
        bought, moved_bought = cell.bought, cell.moved_bought
        if stretch < 0:
            bought, moved_bought = cell.quantity - bought, cell.moved - moved_bought
        quote = amount * (base * cell.quantity + stretch * cell.moved)
        bought_quote = amount * (base * bought + stretch * moved_bought)
        if self.listing.quote_decimals > DECIMALS:
            quote, bought_quote = self._cut_quotes(hour, cell)
        first_id = self._hours.trade_ids[hour]
        return TradeSums(
            open=base + stretch * cell.open,
            high=base + stretch * highest,
            low=base + stretch * lowest,
            close=base + stretch * cell.close,
            quantity=amount * cell.quantity,
            quote=quote,
            bought=amount * bought,
            bought_quote=bought_quote,
            trades=cell.last - cell.first + 1,
            first_id=first_id + cell.first,
            last_id=first_id + cell.last,
        )

    def _cut_quotes(self, hour: int, cell: Cell) -> tuple[int, int]:
        """What its trades are worth, each cut by itself: all, and what takers bought."""
        if hour not in self._quotes:
            hour_ms = self.listing.listed_ms + hour * HOUR_MS
            decimals = self.listing.quote_decimals
            trades = list(self._trades(hour_ms, hour_ms + HOUR_MS))
            quotes = [cut_quote(one.price, one.quantity, decimals) for one in trades]
            bought = [0 if one.sell else quote for one, quote in zip(trades, quotes, strict=True)]
            self._quotes[hour] = tuple(list(accumulate(x, initial=0)) for x in (quotes, bought))
        quotes, bought = self._quotes[hour]
        first, end = cell.first, cell.last + 1
        return quotes[end] - quotes[first], bought[end] - bought[first]

    def _prints(self, start_ms: int, end_ms: int) -> Iterator[AggTrade]:
        for hour, hour_ms, tape, first, end in self._slices(start_ms, end_ms):
            print_id, trade_id = self._hours.print_ids[hour], self._hours.trade_ids[hour]
            i = first
            while i < end:
                group = tape.group[i]
                after = tape.starts[group + 1] if group + 1 < len(tape.starts) else len(tape.deltas)
                quantity = self._hours.amount[hour] * (tape.sums[0][after] - tape.sums[0][i])
                ids = (trade_id + i, trade_id + after - 1)
                yield self._print(hour, hour_ms, tape, i, print_id + group, quantity, ids)
                i = after

    def _trades(self, start_ms: int, end_ms: int) -> Iterator[AggTrade]:
        for hour, hour_ms, tape, first, end in self._slices(start_ms, end_ms):
            for i in range(first, end):
                trade_id = self._hours.trade_ids[hour] + i
                quantity = self._hours.amount[hour] * tape.quantities[i]
                yield self._print(hour, hour_ms, tape, i, trade_id, quantity, (trade_id, trade_id))

    def _slices(self, start_ms: int, end_ms: int) -> Iterator[tuple[int, int, Tape, int, int]]:
        at_ms = max(start_ms, self.listing.listed_ms)
        while at_ms < end_ms:
            hour, offset = self._hour(at_ms)
            hour_ms = at_ms - offset
            tape = self._tape(hour)
            last = min(end_ms - hour_ms, HOUR_MS)
            yield hour, hour_ms, tape, tape.index(offset), tape.index(last)
            at_ms = hour_ms + HOUR_MS

    def _print(
        self,
        hour: int,
        hour_ms: int,
        tape: Tape,
        i: int,
        number: int,
        quantity: int,
        ids: tuple[int, int],
    ) -> AggTrade:
        stretch = self._hours.stretch[hour]
        return AggTrade(
            id=number,
            price=self._hours.bases[hour] + stretch * tape.deltas[i],
            quantity=quantity,
            first_id=ids[0],
            last_id=ids[1],
            time_ms=hour_ms + tape.offsets[i],
            sell=bool(tape.sells[i]) == (stretch > 0),
        )

    def _ids(self, t_ms: int) -> tuple[int, int]:
        hour, offset = self._hour(max(t_ms, self.listing.listed_ms))
        tape = self._tape(hour)
        i = tape.index(offset)
        group = tape.group[i] if i < len(tape.group) else len(tape.starts)
        return self._hours.trade_ids[hour] + i, self._hours.print_ids[hour] + group

    def _time_of(self, aggregate_id: int) -> int:
        hour = self._hours.of_print(aggregate_id)
        if hour == len(self._hours.print_ids) - 1:
            return self.listing.listed_ms + hour * HOUR_MS  # later than all that was decided
        tape = self._tape(hour)
        group = max(0, aggregate_id - self._hours.print_ids[hour])
        return self.listing.listed_ms + hour * HOUR_MS + tape.offsets[tape.starts[group]]

    def _price(self, t_ms: int) -> int:
        hour, offset = self._hour(max(t_ms, self.listing.listed_ms))
        tape = self._tape(hour)
        i = tape.index(offset)
        return self._hours.bases[hour] + (
            self._hours.stretch[hour] * tape.deltas[i - 1] if i else 0
        )

    def _hour(self, t_ms: int) -> tuple[int, int]:
        return divmod(t_ms - self.listing.listed_ms, HOUR_MS)

    def _tape(self, hour: int) -> Tape:
        return self._hours.tape(hour)
