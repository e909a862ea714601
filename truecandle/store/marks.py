"""What the store knows about single candles of a series: which were corrected, which are missing.

Never here: both versions of a candle (`official`), which of it belongs to a page (`candles/marks`).
Invariant: all of it is read in two commands that stand in the caller's transaction, and is bounded:
1000 corrections (0.3 ms, of which 0.05 ms Redis' own) and 1000 gaps.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Final, NamedTuple

from truecandle.candles.gap import Gap, gap_from_json
from truecandle.candles.gap_registry import GAPS_MAX
from truecandle.candles.series import Series
from truecandle.errors import CandleError
from truecandle.store import keys
from truecandle.store.batch import Batch, Queued

#: Corrections looked at: all that are kept.
CORRECTIONS_MAX: Final = 1_000
#: Gaps remembered as parsed: each is read with every page of its series, unchanged.
_PARSED_KEPT: Final = 4 * GAPS_MAX

#: How an entry of corrections or audit begins.
_HEAD: Final = b'{"time":'


class Known(NamedTuple):
    """Open times (ms) of corrected candles and all known gaps, in no order."""

    corrected: list[int]
    gaps: list[Gap]


def queue(batch: Batch, series: Series) -> Queued[Known]:
    """Adds the reading to a batch of one instant; junk is skipped."""
    batch.pipe.lrange(keys.corrections(series), 0, CORRECTIONS_MAX - 1)
    batch.pipe.hvals(keys.gaps(series))
    return batch.queued(_known)


def time_of(entry: bytes) -> int | None:
    """The open time that an entry of corrections or audit tells first; None if it is not ours."""
    text = entry[len(_HEAD) : entry.find(b",")]
    return int(text) if entry.startswith(_HEAD) and text.isdigit() else None


def between(entries: Iterable[bytes], start_ms: int | None, end_ms: int | None) -> list[bytes]:
    """The entries of candles that open in [start_ms, end_ms); None: without that end."""
    if start_ms is None and end_ms is None:
        return list(entries)
    return [
        entry
        for entry in entries
        if (ms := time_of(entry)) is not None
        and (start_ms is None or start_ms <= ms)
        and (end_ms is None or ms < end_ms)
    ]


def _known(entries: list[bytes], texts: list[bytes]) -> Known:
    times = (time_of(entry) for entry in entries)
    found = (_gap(text) for text in texts)
    return Known(
        corrected=[ms for ms in times if ms is not None],
        gaps=[gap for gap in found if gap is not None],
    )


@lru_cache(_PARSED_KEPT)
def _gap(text: bytes) -> Gap | None:
    try:
        return gap_from_json(text)
    except CandleError:
        return None
