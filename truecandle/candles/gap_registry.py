"""The gap registry: all that is known of the gaps of one series, and which of them to ask for now.

Never here: finding holes (`gap`), asking for them, where gaps are kept (`store/gaps`).
Invariant: gaps are ascending and apart; one that is proven and a day old is never due again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from truecandle.candles.gap import (
    EVIDENCE_MAX,
    PROVEN,
    Gap,
    GapReason,
    Hole,
    Missing,
    Verdict,
    after,
    before,
    hole_of,
)
from truecandle.candles.interval import DAY_MS, Interval

#: Pauses before a hole is asked for again double from the first to the longest.
PAUSE_MS: Final = 60_000
PAUSE_MS_MAX: Final = DAY_MS
FAILED_MS: Final = 1_000
FAILED_MS_MAX: Final = 3_600_000
#: The exchange fills some proven holes within minutes: so long they are asked for again.
YOUNG_MS: Final = DAY_MS
#: Of one series; beyond it the oldest are forgotten, and at worst asked for once more.
GAPS_MAX: Final = 1_000
NOT_ASKED: Final = "found in the store; not asked for yet"


class GapRegistry:
    """All gaps of one series; every change is a new one."""

    def __init__(self, gaps: Iterable[Gap] = ()) -> None:
        self.all = tuple(_apart(gaps))[-GAPS_MAX:]

    @property
    def proven(self) -> list[Missing]:
        """What the exchange has proven to be missing, ascending."""
        return [Missing(gap.start_ms, gap.end_ms) for gap in self.all if gap.reason in PROVEN]

    def note(
        self,
        interval: Interval,
        start_ms: int,
        end_ms: int,
        verdicts: Iterable[Verdict],
        now_ms: int,
    ) -> GapRegistry:
        """[start_ms, end_ms) was asked for; these holes are what it has now, and why."""
        kept = [part for gap in self.all for part in _outside(interval, gap, start_ms, end_ms)]
        for hole, reason, evidence in verdicts:
            past = [gap for gap in self.all if _overlap(gap, hole)]
            asks = 1 + max((gap.asks for gap in past), default=0)
            if reason == "fetch_failed" and any(gap.reason == "maintenance" for gap in past):
                reason, evidence = "maintenance", past[0].evidence
            kept.append(
                Gap(
                    *hole,
                    reason,
                    evidence[:EVIDENCE_MAX],
                    found_ms=min((gap.found_ms for gap in past), default=now_ms),
                    asked_ms=now_ms,
                    asks=asks,
                    again_ms=_again_ms(reason, hole.end_ms, asks, now_ms),
                )
            )
        return GapRegistry(_merged(kept))

    def found(
        self, interval: Interval, start_ms: int, end_ms: int, holes: Iterable[Hole], now_ms: int
    ) -> GapRegistry:
        """The store's holes in [start_ms, end_ms) are these (ascending), whatever was known."""
        kept = [part for gap in self.all for part in _outside(interval, gap, start_ms, end_ms)]
        for hole in before(interval, after(interval, holes, start_ms), end_ms):
            at_ms = hole.start_ms
            for gap in self.all:
                if not _overlap(gap, hole):
                    continue
                if gap.start_ms > at_ms:
                    kept.append(_new(interval, at_ms, gap.start_ms, now_ms))
                end = min(gap.end_ms, hole.end_ms)
                kept.append(_cut(interval, gap, max(gap.start_ms, hole.start_ms), end))
                at_ms = end
            if at_ms < hole.end_ms:
                kept.append(_new(interval, at_ms, hole.end_ms, now_ms))
        return GapRegistry(_merged(kept))

    def due(self, interval: Interval, holes: Iterable[Hole], now_ms: int) -> list[Hole]:
        """What of these holes (ascending) to ask for now. A market that went on trading after it
        was taken for delisted has a hole like any other.
        """
        resting = [gap for gap in self.all if gap.reason != "delisted" and not _is_due(gap, now_ms)]
        due = []
        for hole in holes:
            at_ms = hole.start_ms
            for gap in resting:
                if gap.end_ms <= at_ms or gap.start_ms >= hole.end_ms:
                    continue
                if gap.start_ms > at_ms:
                    due.append(hole_of(interval, at_ms, gap.start_ms))
                at_ms = gap.end_ms
            if at_ms < hole.end_ms:
                due.append(hole_of(interval, at_ms, hole.end_ms))
        return due

    def within(self, interval: Interval, start_ms: int, end_ms: int) -> list[Hole]:
        """What of the gaps lies in [start_ms, end_ms), as holes."""
        return [
            hole_of(interval, max(gap.start_ms, start_ms), min(gap.end_ms, end_ms))
            for gap in self.all
            if gap.start_ms < end_ms and start_ms < gap.end_ms
        ]

    def has_due(self, end_ms: int, now_ms: int) -> bool:
        """Whether a gap that begins before `end_ms` is due."""
        return any(
            gap.start_ms < end_ms and (_is_due(gap, now_ms) or gap.reason == "delisted")
            for gap in self.all
        )

    def is_ended(self, start_ms: int, end_ms: int) -> bool:
        """Whether it is known that the market ended at `start_ms` and still had at `end_ms`."""
        return any(
            gap.reason == "delisted" and gap.start_ms <= start_ms and gap.end_ms > end_ms
            for gap in self.all
        )


def _apart(gaps: Iterable[Gap]) -> Iterator[Gap]:
    end_ms = 0
    for gap in sorted(gaps, key=lambda gap: (gap.start_ms, gap.end_ms)):
        if gap.start_ms >= end_ms:
            end_ms = gap.end_ms
            yield gap


def _merged(gaps: list[Gap]) -> list[Gap]:
    """Neighbours with the same reason are one gap, explained by what was asked last."""
    merged: list[Gap] = []
    for gap in sorted(gaps, key=lambda gap: gap.start_ms):
        last = merged[-1] if merged else None
        if last is None or last.end_ms != gap.start_ms or last.reason != gap.reason:
            merged.append(gap)
            continue
        newer = max(last, gap, key=lambda one: one.asked_ms)
        merged[-1] = replace(
            newer,
            start_ms=last.start_ms,
            end_ms=gap.end_ms,
            candles=last.candles + gap.candles,
            found_ms=min(last.found_ms, gap.found_ms),
        )
    return merged


def _outside(interval: Interval, gap: Gap, start_ms: int, end_ms: int) -> list[Gap]:
    parts = []
    if gap.start_ms < start_ms:
        parts.append(_cut(interval, gap, gap.start_ms, min(gap.end_ms, start_ms)))
    if gap.end_ms > end_ms:
        parts.append(_cut(interval, gap, max(gap.start_ms, end_ms), gap.end_ms))
    return parts


def _cut(interval: Interval, gap: Gap, start_ms: int, end_ms: int) -> Gap:
    if (start_ms, end_ms) == (gap.start_ms, gap.end_ms):
        return gap
    candles = interval.count(start_ms, end_ms)
    return replace(gap, start_ms=start_ms, end_ms=end_ms, candles=candles)


def _new(interval: Interval, start_ms: int, end_ms: int, now_ms: int) -> Gap:
    candles = interval.count(start_ms, end_ms)
    return Gap(start_ms, end_ms, candles, "unproven", NOT_ASKED, now_ms, 0, 0, now_ms)


def _again_ms(reason: GapReason, end_ms: int, asks: int, now_ms: int) -> int | None:
    if reason in ("not_listed", "delisted"):
        return None
    if reason == "maintenance" and now_ms - end_ms >= YOUNG_MS:
        return None
    failed = reason == "fetch_failed"
    base_ms, most_ms = (FAILED_MS, FAILED_MS_MAX) if failed else (PAUSE_MS, PAUSE_MS_MAX)
    return now_ms + min(most_ms, base_ms << min(asks - 1, 20))


def _is_due(gap: Gap, now_ms: int) -> bool:
    return gap.again_ms is not None and gap.again_ms <= now_ms


def _overlap(gap: Gap, hole: Hole) -> bool:
    return gap.start_ms < hole.end_ms and hole.start_ms < gap.end_ms
