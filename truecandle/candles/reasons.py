"""A hole with its reason: why candles are missing, how that is known, when to ask again.

Never here: asking the exchange, all gaps of a series together (`absence`), where they are kept.
Invariant: a gap has one reason, and evidence for it in words.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple, get_args

from truecandle.candles.gaps import Hole
from truecandle.candles.interval import LAST_MS
from truecandle.errors import CandleError

#: `maintenance`: the exchange answered with both neighbours and nothing between. `not_listed`:
#: older than its first candle. `delisted`: after the last of a market that trades no more.
#: `fetch_failed`: it could not be asked. `unproven`: everything else, such as not asked for yet, or
#: an answer that showed one neighbour only, or a row that is no candle.
Reason = Literal["maintenance", "not_listed", "delisted", "fetch_failed", "unproven"]

#: Those for which the exchange's own answer is the evidence that there is no candle.
PROVEN: Final[frozenset[Reason]] = frozenset({"maintenance", "not_listed", "delisted"})

EVIDENCE_MAX: Final = 200


class Missing(NamedTuple):
    """Open times in [start_ms, end_ms) at which the exchange has proven to have no candle."""

    start_ms: int
    end_ms: int


class Verdict(NamedTuple):
    """A hole as one look at the exchange explains it."""

    hole: Hole
    reason: Reason
    evidence: str


@dataclass(frozen=True, slots=True)
class Gap:
    """Missing candles that would open in [start_ms, end_ms). `again_ms`: when it is due, or None
    for never; `asked_ms` is 0 while `asks` is.
    """

    start_ms: int
    end_ms: int
    candles: int
    reason: Reason
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
    if reason not in get_args(Reason):
        raise CandleError("gap", reason, ", ".join(get_args(Reason)))
    start_ms, end_ms, candles, found_ms, asks = times
    return Gap(start_ms, end_ms, candles, reason, evidence, found_ms, asked_ms, asks, again_ms)
