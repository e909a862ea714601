"""The merge rule: official, pending and forming candles become one sequence, official first.

Never here: where the candles come from, how they are drawn.
Invariant: one candle per open time, ascending; an official candle is never hidden or moved, and no
live one stands where the exchange has proven that there is none.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from truecandle.candles.candle import CandleState, LiveCandle, OfficialCandle, is_closed
from truecandle.candles.gap import Missing
from truecandle.candles.interval import Interval


class Merged(NamedTuple):
    """A candle with its place in time: `final` (official), `pending` or `forming`."""

    candle: OfficialCandle | LiveCandle
    state: CandleState


class Tail(NamedTuple):
    """A live candle that no official one stands for yet: `pending` or `forming`."""

    candle: LiveCandle
    state: CandleState


def merge(
    interval: Interval,
    official: Sequence[OfficialCandle],
    pending: Iterable[LiveCandle],
    forming: LiveCandle | None,
    now_ms: int,
    missing: Sequence[Missing] = (),
) -> list[Merged]:
    """All three as one ascending sequence at exchange time `now_ms`.

    `official` is sorted and unique. Holes stay holes, above all those proven to be `missing`.
    """
    opens = [candle.open_ms for candle in official]
    merged = [Merged(candle, "final") for candle in official]
    merged += [Merged(*item) for item in tail(interval, opens, pending, forming, now_ms, missing)]
    return sorted(merged, key=lambda item: item.candle.open_ms)


def tail(
    interval: Interval,
    official_opens: Sequence[int],
    pending: Iterable[LiveCandle],
    forming: LiveCandle | None,
    now_ms: int,
    missing: Sequence[Missing] = (),
) -> list[Tail]:
    """The live candles that belong beside official candles opening at `official_opens` (sorted).

    Dropped: whatever an official candle stands for, is proven to be `missing` (sorted, apart), lies
    off the grid, or is older than the first official one. What is older than the last official one
    stays only where official has a hole that nobody has proven.
    """
    known = set(official_opens)
    first_ms = official_opens[0] if official_opens else 0
    newest: dict[int, LiveCandle] = {}
    for candle in (*pending, *([forming] if forming else [])):
        if candle.open_ms in known or candle.open_ms < first_ms:
            continue
        if interval.has_grid and not interval.is_aligned(candle.open_ms):
            continue
        if is_missing(missing, candle.open_ms):
            continue
        rival = newest.get(candle.open_ms)
        if rival is None or candle.updated_at >= rival.updated_at:
            newest[candle.open_ms] = candle
    ordered = [newest[open_ms] for open_ms in sorted(newest)]
    last_ms = (
        max((official_opens[-1] if official_opens else 0), ordered[-1].open_ms) if ordered else 0
    )
    return [Tail(candle, _state(interval, candle, last_ms, now_ms)) for candle in ordered]


def is_missing(missing: Sequence[Missing], open_ms: int) -> bool:
    """Whether an open time lies in one of these, which are sorted and apart."""
    at = bisect_right(missing, open_ms, key=lambda one: one.start_ms)
    return at > 0 and open_ms < missing[at - 1].end_ms


def _state(interval: Interval, candle: LiveCandle, last_ms: int, now_ms: int) -> CandleState:
    is_last = candle.open_ms == last_ms
    if is_last and not candle.is_complete and not is_closed(interval, candle.open_ms, now_ms):
        return "forming"
    return "pending"
