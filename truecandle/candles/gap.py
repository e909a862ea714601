"""Missing candles of one series: a hole, a hole with its reason (a gap), and the pages of requests
that would fill them.

Never here: asking the exchange, all gaps of a series (`gap_registry`), where they are kept.
Invariant: pages cover every hole and ask for no more candles than a page may hold; a gap has one
reason, and evidence for it in words.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple, get_args

from truecandle.candles.interval import LAST_MS, Interval
from truecandle.errors import CandleError

#: `maintenance`: the exchange answered with both neighbours and nothing between. `not_listed`:
#: older than its first candle. `delisted`: after the last of a market that trades no more.
#: `fetch_failed`: it could not be asked. `unproven`: everything else, such as not asked for yet, or
#: an answer that showed one neighbour only, or a row that is no candle.
GapReason = Literal["maintenance", "not_listed", "delisted", "fetch_failed", "unproven"]

#: Those for which the exchange's own answer is the evidence that there is no candle.
PROVEN: Final[frozenset[GapReason]] = frozenset({"maintenance", "not_listed", "delisted"})

EVIDENCE_MAX: Final = 200


class Hole(NamedTuple):
    """Missing candles: they would open in [start_ms, end_ms), `candles` of them."""

    start_ms: int
    end_ms: int
    candles: int


class Missing(NamedTuple):
    """Open times in [start_ms, end_ms) at which the exchange has proven to have no candle."""

    start_ms: int
    end_ms: int


class Verdict(NamedTuple):
    """A hole as one look at the exchange explains it."""

    hole: Hole
    reason: GapReason
    evidence: str


@dataclass(frozen=True, slots=True)
class Gap:
    """Missing candles that would open in [start_ms, end_ms). `again_ms`: when it is due, or None
    for never; `asked_ms` is 0 while `asks` is.
    """

    start_ms: int
    end_ms: int
    candles: int
    reason: GapReason
    evidence: str
    found_ms: int
    asked_ms: int
    asks: int
    again_ms: int | None

    def to_json(self) -> str:
        """The JSON object of the store and of the REST answer."""
        fields = {
            "start": self.start_ms,
            "end": self.end_ms,
            "candles": self.candles,
            "reason": self.reason,
            "evidence": self.evidence,
            "found_at": self.found_ms,
            "asked_at": self.asked_ms or None,
            "asks": self.asks,
            "again_at": self.again_ms,
        }
        return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))


def gap_from_json(text: bytes | str) -> Gap:
    """A kept gap back; `CandleError` if it is none."""
    try:
        fields: Any = json.loads(text)
        times = [fields[name] for name in ("start", "end", "candles", "found_at", "asks")]
        asked_ms, again_ms = fields["asked_at"] or 0, fields["again_at"]
        reason, evidence = fields["reason"], str(fields["evidence"])
    except (ValueError, RecursionError, LookupError, TypeError) as error:
        raise CandleError("gap", text, "a JSON object of ours") from error
    numbers = [*times, asked_ms, again_ms or 0]
    if not all(isinstance(n, int) and 0 <= n <= LAST_MS for n in numbers) or times[0] >= times[1]:
        raise CandleError("gap", text, "times in ms, the start before the end")
    if reason not in get_args(GapReason):
        raise CandleError("gap", reason, ", ".join(get_args(GapReason)))
    start_ms, end_ms, candles, found_ms, asks = times
    return Gap(start_ms, end_ms, candles, reason, evidence, found_ms, asked_ms, asks, again_ms)


def find_holes(interval: Interval, opens: Iterable[int], start_ms: int, end_ms: int) -> list[Hole]:
    """The holes in [start_ms, end_ms) between candles that open at `opens` (ascending).

    `start_ms` and `end_ms` are open times of the interval's grid; opens off the grid don't count.
    """
    holes = []
    expected_ms = start_ms
    for open_ms in opens:
        if open_ms >= end_ms:
            break
        if open_ms < expected_ms or not interval.is_aligned(open_ms):
            continue
        if open_ms > expected_ms:
            holes.append(Hole(expected_ms, open_ms, interval.count(expected_ms, open_ms)))
        expected_ms = interval.next_open_ms(open_ms)
    if expected_ms < end_ms:
        holes.append(Hole(expected_ms, end_ms, interval.count(expected_ms, end_ms)))
    return holes


def pages(interval: Interval, hole: Hole, size: int) -> Iterator[Hole]:
    """The hole cut into pieces of at most `size` candles, newest first.

    Newest first, because that is what a trader looks at while the rest still loads.
    """
    end_ms = hole.end_ms
    while end_ms > hole.start_ms:
        start_ms = max(hole.start_ms, interval.step(end_ms, -size))
        yield Hole(start_ms, end_ms, interval.count(start_ms, end_ms))
        end_ms = start_ms


def newest_page(interval: Interval, holes: list[Hole], size: int) -> tuple[int, int]:
    """The newest [start_ms, end_ms) of at most `size` candles with as many holes as fit in."""
    end_ms = holes[-1].end_ms
    floor_ms = interval.step(end_ms, -size)
    start_ms = min(hole.start_ms for hole in holes if hole.end_ms > floor_ms)
    return max(start_ms, floor_ms), end_ms


def before(interval: Interval, holes: Iterable[Hole], end_ms: int) -> list[Hole]:
    """What of the holes lies before `end_ms`."""
    return [
        hole_of(interval, hole.start_ms, min(hole.end_ms, end_ms))
        for hole in holes
        if hole.start_ms < end_ms
    ]


def after(interval: Interval, holes: Iterable[Hole], start_ms: int) -> list[Hole]:
    """What of the holes lies at `start_ms` or after."""
    return [
        hole_of(interval, max(hole.start_ms, start_ms), hole.end_ms)
        for hole in holes
        if hole.end_ms > start_ms
    ]


def hole_of(interval: Interval, start_ms: int, end_ms: int) -> Hole:
    """[start_ms, end_ms) as a hole."""
    return Hole(start_ms, end_ms, interval.count(start_ms, end_ms))
