"""Compares what the chart had shown of a candle with the official one that comes: for the audit.

Never here: figures (`candles/audit`), the writing of official candles (`official_writer`).
Invariant: official and live are read in one transaction, and neither is changed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final, NamedTuple

from redis import Redis

from truecandle.candles.audit import AuditEntry, compare
from truecandle.candles.candle import LiveCandle, official_from_row
from truecandle.candles.series import Series
from truecandle.store import audit, live, pages
from truecandle.store.batch import Batch

#: Of candles that nobody was shown, the newest of one answer: as far back as pending ones reach.
#: What is older is history.
UNSEEN_MAX: Final = live.PENDING_KEPT


class ShownCandles(NamedTuple):
    """What a chart shows at one instant: the newest official candle, the live ones by open time."""

    latest_ms: int | None
    live: Mapping[int, LiveCandle]


def read_shown(redis: Redis, series: Series, now_ms: int) -> ShownCandles:
    """What the chart shows now, of one instant."""
    batch = Batch(redis)
    known = pages.queue_meta(batch, series)
    asked = live.queue(batch, series, now_ms)
    batch.run()
    found = asked.value
    shown = [*found.pending, *([found.forming] if found.forming else [])]
    newest: dict[int, LiveCandle] = {}
    for candle in shown:
        rival = newest.get(candle.open_ms)
        if rival is None or candle.updated_at >= rival.updated_at:
            newest[candle.open_ms] = candle
    return ShownCandles(known.value.latest, newest)


def record_differences(
    redis: Redis,
    series: Series,
    before: ShownCandles,
    rows: Sequence[list[object]],
    opens: Collection[int],
    at_ms: int,
) -> list[AuditEntry]:
    """Enters the candles that open at `opens` and came at `at_ms` in `rows`: those that the chart
    showed live, and those newer than all official ones that it did not. Returns them.
    """
    shown = before.live.keys() & opens
    latest_ms = before.latest_ms
    unseen = [] if latest_ms is None else sorted(t for t in opens if t > latest_ms)[-UNSEEN_MAX:]
    wanted = shown.union(unseen)
    entries = {}
    for row in rows:
        if row and isinstance(row[0], int) and row[0] in wanted:
            official = official_from_row(row)
            open_ms = official.open_ms
            end_ms = series.interval.next_open_ms(open_ms)
            seen = before.live.get(open_ms)
            entries[open_ms] = compare(official, seen, end_ms=end_ms, at_ms=at_ms)
    ordered = [entries[open_ms] for open_ms in sorted(entries)]
    audit.record(redis, series, ordered)
    return ordered
