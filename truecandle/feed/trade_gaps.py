"""Which trades of one market are missing, and by which known ones an answer is seen to join them.

`TradeGapTracker` knows how far aggregate ids have come, and which of them are missing;
`ResumePoint` from when on all may be, where nothing is known but the candles of before;
`KnownTrades` what an answer has to show.

Ids that begin anew can pass those of before: an answer from the next id on would look as if it
joined. So what is missing is asked for from a trade that is known, and the answer has to begin with
the same one.

Never here: a clock (seconds that only grow come in), asking for it (`market_recovery`).
Invariant: bounded; every id below `next_id` and from the first one on has come or is in a gap; all
known trades are of one epoch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from truecandle.candles.candle import LiveCandle
from truecandle.candles.trades import Trade

#: Gaps of one market kept apart; beyond that the two oldest are asked for as one.
TRADE_GAPS_MAX = 100

#: Trades are asked for from this much before the last change that was stored, as what was sent
#: together need not have happened together; then from earlier still.
MARGINS_MS = (5_000, 60_000)


@dataclass(slots=True)
class TradeIdGap:
    """The ids first..last are missing since then."""

    first: int
    last: int
    since_s: float

    @property
    def size(self) -> int:
        return self.last - self.first + 1


class TradeGapTracker:
    """`next_id` is the one after the newest, None before the first. `gaps` ascend."""

    def __init__(self) -> None:
        self.first_id: int | None = None
        self.next_id: int | None = None
        self.gaps: list[TradeIdGap] = []
        #: How long the longest gap took that has been filled, in s.
        self.longest_s = 0.0

    def on_trade_id(self, agg_id: int, now_s: float) -> None:
        """This id has come by the stream."""
        if agg_id == self.next_id:
            self.next_id = agg_id + 1
        elif self.next_id is None:
            self.first_id, self.next_id = agg_id, agg_id + 1
        elif agg_id > self.next_id:
            self._miss(self.next_id, agg_id - 1, now_s)
            self.next_id = agg_id + 1
        elif self.gaps:
            self.fill(agg_id, agg_id, now_s)

    def start(self, agg_id: int, now_s: float) -> None:
        """From this id on all are to come, though a later one may have come before."""
        if self.first_id is None or self.next_id is None:
            self.first_id = self.next_id = agg_id
        elif agg_id < self.first_id:
            self._miss(agg_id, self.first_id - 1, now_s)
            self.first_id = agg_id

    def join(self, trade: Trade, known_id: int, now_s: float) -> None:
        """From this trade on all are to come. If it only follows the trade `known_id`, so is the
        one before it: not every series has that, and only its time shows where a candle begins."""
        self.start(trade.agg_id, now_s)
        if trade.first_id > known_id:
            self.start(trade.agg_id - 1, now_s)

    def fill(self, first: int, last: int, now_s: float) -> None:
        """The exchange has told all that it has of first..last."""
        if self.next_id is not None and first <= self.next_id <= last:
            self.next_id = last + 1
        kept: list[TradeIdGap] = []
        for gap in self.gaps:
            if gap.last < first or gap.first > last:
                kept.append(gap)
                continue
            if gap.first < first:
                kept.append(TradeIdGap(gap.first, first - 1, gap.since_s))
            if gap.last > last:
                kept.append(TradeIdGap(last + 1, gap.last, gap.since_s))
            if first <= gap.first and gap.last <= last:
                self.longest_s = max(self.longest_s, now_s - gap.since_s)
        self.gaps = kept
        self._bound()

    def drop(self, gaps: Sequence[TradeIdGap]) -> None:
        """These are not asked for any more."""
        self.gaps = [gap for gap in self.gaps if gap not in gaps]

    def forget(self) -> None:
        """Nothing is known of what came and what did not."""
        self.first_id = self.next_id = None
        self.gaps = []

    def known_since(self, until_s: float) -> list[TradeIdGap]:
        """The gaps known since `until_s` or before: what was late is not late any more."""
        return [gap for gap in self.gaps if gap.since_s <= until_s]

    def page(self, most: int, until_s: float) -> tuple[int, int, int] | None:
        """The first and last id to ask for next, at most so many, and how many such pages there
        are: the oldest of the gaps known since `until_s` or before, as many as fit."""
        gaps = self.known_since(until_s)
        if not gaps:
            return None
        first = gaps[0].first
        near = [gap for gap in gaps if gap.first < first + most]
        last = max(min(gap.last, first + most - 1) for gap in near)
        return first, last, 1 + sum(gap.size for gap in gaps) // most

    def _miss(self, first: int, last: int, now_s: float) -> None:
        self.gaps.append(TradeIdGap(first, last, now_s))
        self.gaps.sort(key=lambda gap: gap.first)
        self._bound()

    def _bound(self) -> None:
        if len(self.gaps) > TRADE_GAPS_MAX:
            one, other = self.gaps[:2]
            since_s = min(one.since_s, other.since_s)
            self.gaps[:2] = [TradeIdGap(one.first, other.last, since_s)]


@dataclass(slots=True)
class ResumePoint:
    """Every trade up to `last_id` is in `candles`, by interval, which last changed at `since_ms`:
    what came after that is missing, and its ids are not known yet."""

    candles: Mapping[str, LiveCandle]
    last_id: int
    since_ms: int
    tries: int = 0

    @property
    def start_ms(self) -> int:
        return max(0, self.since_ms - MARGINS_MS[self.tries])

    @property
    def has_earlier(self) -> bool:
        """Whether it is worth asking from earlier on."""
        return self.tries + 1 < len(MARGINS_MS)


class KnownTrades:
    """Those that an answer has to show. `newest` is the one with the highest aggregate id known."""

    def __init__(self) -> None:
        self.newest: Trade | None = None
        #: The trades right before a gap, by aggregate id.
        self._before: dict[int, Trade] = {}

    def on_trade(self, trade: Trade) -> None:
        """This trade is known; what lies between it and the newest one is missing."""
        newest = self.newest
        if newest is not None and trade.agg_id <= newest.agg_id:
            return
        if newest is not None and trade.agg_id > newest.agg_id + 1:
            self.hold_before_gap(newest)
        self.newest = trade

    def hold_before_gap(self, trade: Trade) -> None:
        """This trade is right before a gap."""
        self._before[trade.agg_id] = trade
        if len(self._before) > TRADE_GAPS_MAX:
            del self._before[next(iter(self._before))]

    def ids_begin_anew(self, trade: Trade) -> bool:
        """Whether aggregate ids have begun anew though trade ids go on."""
        newest = self.newest
        if newest is None or trade.agg_id > newest.agg_id:
            return False
        return trade.first_id > newest.last_id and trade.time_ms > newest.time_ms

    def request_from(self, first: int) -> int:
        """Where to ask from for what is missing from that aggregate id on."""
        return first - 1 if self._known(first - 1) else first

    def is_missing(self, from_id: int | None, trades: Sequence[Trade]) -> bool:
        """Whether the answer lacks the known trade that it was asked for from, and all after it."""
        return from_id is not None and not trades and self._known(from_id) is not None

    def contradicting_trade(self, from_id: int | None, trades: Sequence[Trade]) -> Trade | None:
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
