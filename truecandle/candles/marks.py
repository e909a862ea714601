"""The marks of a page of candles: which of them the exchange corrected, and the gaps among them.

Never here: both versions of a corrected candle, why a gap is known, where either is kept.
Invariant: ascending; what is marked as corrected is a candle of the page, and a gap lacks a candle.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from truecandle.candles.gap import Gap
from truecandle.candles.interval import Interval


class Marks(NamedTuple):
    """Open times (ms) of the corrected candles, and the gaps that lie among them or touch them."""

    corrected: list[int]
    gaps: list[Gap]


def marks_of(
    interval: Interval,
    opens: Sequence[int],
    corrected: Iterable[int],
    gaps: Iterable[Gap],
    *,
    is_newest: bool,
) -> Marks:
    """The marks of candles that open at `opens` (ascending), of all that is known.

    `is_newest`: no candle is stored after them, so that what is missing since then is theirs too.
    """
    if not opens:
        return Marks([], [])
    end_ms = interval.next_open_ms(opens[-1])
    near = [
        gap
        for gap in gaps
        if gap.end_ms >= opens[0]
        and (is_newest or gap.start_ms <= end_ms)
        and not _is_filled(gap, opens, end_ms)
    ]
    return Marks(
        corrected=sorted(set(corrected).intersection(opens)),
        gaps=sorted(near, key=lambda gap: gap.start_ms),
    )


def _is_filled(gap: Gap, opens: Sequence[int], end_ms: int) -> bool:
    """Whether all its candles have come since. Of one that reaches beyond the page nobody knows."""
    if gap.start_ms < opens[0] or gap.end_ms > end_ms:
        return False
    return bisect_left(opens, gap.end_ms) - bisect_left(opens, gap.start_ms) >= gap.candles
