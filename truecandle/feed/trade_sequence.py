"""The trades of one market on their way to those who want each of them: by id, each once.

Never here: a clock (seconds that only grow come in), Redis, candles (`symbol_builder`).
Invariant: bounded; what is taken ascends by aggregate id, and an id comes once. What is missing is
waited for `HOLD_S` at most, then the ids show the hole; ids that begin anew are gone on with.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Final

from truecandle.candles.series import Series
from truecandle.candles.trades import Trade
from truecandle.feed.symbol_builder import SymbolBuilder

#: Later trades wait so long for those before them, which recovery asks the exchange for.
HOLD_S: Final = 5.0
#: So many wait for that; with one more the hole is passed over at once.
HELD_MAX: Final = 10_000


class TradeSequence:
    """`add` what has come, in any order and as often as one likes; `take` what is next.

    `kept`: so many wait to be taken, of more the newest.
    """

    def __init__(self, kept: int) -> None:
        self._kept = kept
        #: In order, without a hole but where one was passed over.
        self._ready = deque[Trade]()
        #: Those beyond a hole, by id.
        self._held: dict[int, Trade] = {}
        #: Since when there is a hole.
        self._held_s: float | None = None
        #: The id that comes next, None before the first; and how far those before it had come.
        self._next_id: int | None = None
        self._newest_ms = -1
        #: How many were not taken in time; and how many holes were passed over.
        self.dropped = self.holes = 0

    def add(self, trade: Trade) -> None:
        """A trade of the present epoch, of whichever connection or answer."""
        agg_id = trade.agg_id
        if agg_id == self._next_id or self._next_id is None:
            self._append(trade)
            if self._held:
                self._join()
        elif agg_id > self._next_id:
            self._held[agg_id] = trade
            if len(self._held) > HELD_MAX:
                self._pass_hole()
        elif trade.time_ms > self._newest_ms:  # an id that has been, but a later trade
            self.begin_epoch()
            self._append(trade)

    def begin_epoch(self) -> None:
        """Ids have begun anew: those that wait are the last of before."""
        while self._held:
            self._pass_hole()
        self._next_id, self._held_s = None, None

    def resume(self, agg_id: int, time_ms: int) -> None:
        """A feed before this one has told all up to this trade: it goes on from there. To be said
        before any is taken."""
        waiting = [*self._ready, *self._held.values()]
        self._ready.clear()
        self._held.clear()
        self._next_id, self._newest_ms = agg_id + 1, time_ms
        for trade in waiting:
            self.add(trade)

    def look(self, now_s: float) -> None:
        """Passes over a hole that nothing has filled in time."""
        if not self._held:
            self._held_s = None
        elif self._held_s is None:
            self._held_s = now_s
        elif now_s - self._held_s >= HOLD_S:
            self._pass_hole()
            self._held_s = now_s if self._held else None

    def take(self, most: int) -> list[Trade]:
        """The oldest that wait, so many at most, taken out."""
        return [self._ready.popleft() for _ in range(min(most, len(self._ready)))]

    def put_back(self, trades: Sequence[Trade]) -> None:
        """They were taken, and could not be passed on; of too many the newest are kept."""
        room = max(0, self._kept - len(self._ready))
        self.dropped += max(0, len(trades) - room)
        self._ready.extendleft(reversed(trades[len(trades) - room :] if room else ()))

    def drop_before(self, time_ms: int) -> None:
        """Those that are older somebody else has told."""
        while self._ready and self._ready[0].time_ms < time_ms:
            self._ready.popleft()

    def __len__(self) -> int:
        return len(self._ready)

    def _append(self, trade: Trade) -> None:
        self._next_id = trade.agg_id + 1
        if trade.time_ms > self._newest_ms:
            self._newest_ms = trade.time_ms
        self._ready.append(trade)
        if len(self._ready) > self._kept:
            self._ready.popleft()
            self.dropped += 1

    def _join(self) -> None:
        """What was held and follows without a hole now."""
        while (found := self._held.pop(self._next_id or 0, None)) is not None:
            self._append(found)

    def _pass_hole(self) -> None:
        self.holes += 1
        self._append(self._held.pop(min(self._held)))
        self._join()


class TellingBuilder(SymbolBuilder):
    """A builder whose trades go into a sequence too: those that it counts, once they are of its
    epoch."""

    def __init__(self, symbol: str, series: Sequence[Series], trades: TradeSequence) -> None:
        super().__init__(symbol, series)
        self._trades = trades

    def begin_epoch(self, trade: Trade) -> None:
        super().begin_epoch(trade)
        self._trades.begin_epoch()

    def _record(self, trade: Trade) -> None:
        super()._record(trade)
        if trade.agg_id >= 0:
            self._trades.add(trade)
