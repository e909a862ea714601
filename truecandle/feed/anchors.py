"""Trades by which an answer of the exchange shows that it goes on from what is known.

Ids that begin anew can pass those of before: an answer from the next id on would look as if it
joined. So what is missing is asked for from a trade that is known, and the answer has to begin with
the same one.

Never here: asking (`case`), which ids are missing (`trail`).
Invariant: bounded; all trades are of one epoch.
"""

from __future__ import annotations

from collections.abc import Sequence

from truecandle.candles.trades import Trade
from truecandle.feed.trail import HOLES_MAX


class Anchors:
    """`newest` is the trade with the highest aggregate id known."""

    def __init__(self) -> None:
        self.newest: Trade | None = None
        #: The trades right before a hole, by aggregate id.
        self._before: dict[int, Trade] = {}

    def see(self, trade: Trade) -> None:
        """This trade is known; what lies between it and the newest one is missing."""
        newest = self.newest
        if newest is not None and trade.agg_id <= newest.agg_id:
            return
        if newest is not None and trade.agg_id > newest.agg_id + 1:
            self.hold(newest)
        self.newest = trade

    def hold(self, trade: Trade) -> None:
        """This trade is right before a hole."""
        self._before[trade.agg_id] = trade
        if len(self._before) > HOLES_MAX:
            del self._before[next(iter(self._before))]

    def begins_anew(self, trade: Trade) -> bool:
        """Whether aggregate ids have begun anew though trade ids go on."""
        newest = self.newest
        if newest is None or trade.agg_id > newest.agg_id:
            return False
        return trade.first_id > newest.last_id and trade.time_ms > newest.time_ms

    def start(self, first: int) -> int:
        """Where to ask from for what is missing from that aggregate id on."""
        return first - 1 if self._known(first - 1) else first

    def is_missing(self, from_id: int | None, trades: Sequence[Trade]) -> bool:
        """Whether the answer lacks the known trade that it was asked for from, and all after it."""
        return from_id is not None and not trades and self._known(from_id) is not None

    def stranger(self, from_id: int | None, trades: Sequence[Trade]) -> Trade | None:
        """A trade of the answer that shows that known ones are of another epoch."""
        for trade in trades:
            known = self._known(trade.agg_id)
            if known is not None and not _is_same(known, trade):
                return trade
        has_lost = from_id is not None and self._known(from_id) is not None
        return trades[0] if has_lost and trades and trades[0].agg_id != from_id else None

    def is_later(self, trade: Trade) -> bool:
        """Whether the exchange's newest trade is of a later epoch than the newest one known."""
        newest = self.newest
        if newest is None or trade.agg_id > newest.agg_id or trade.time_ms <= newest.time_ms:
            return False
        return not _is_same(newest, trade)

    def _known(self, agg_id: int) -> Trade | None:
        if self.newest is not None and self.newest.agg_id == agg_id:
            return self.newest
        return self._before.get(agg_id)


def _is_same(one: Trade, other: Trade) -> bool:
    ids = one.first_id == other.first_id and one.last_id == other.last_id
    return ids and one.agg_id == other.agg_id and one.time_ms == other.time_ms
