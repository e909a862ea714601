"""Official candles: written once per open time, corrected when the exchange does; `pages` reads.

Never here: live candles (`live`), which rows may be stored (`rows`), numbers as floats.
Invariant: after every write each open time has one member, and meta says what both halves hold.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from redis import Redis

from truecandle.candles.candle import OfficialCandle, official_from_member, official_from_row
from truecandle.candles.decimals import moment
from truecandle.candles.series import Series
from truecandle.errors import CandleError, StoreDamaged, StoreUnavailable
from truecandle.exact_json import loads
from truecandle.store import block_writes, keys, map_redis_errors
from truecandle.store.batch import Batch
from truecandle.store.block import BlockSpan, span_of
from truecandle.store.block_writes import TRIES_MAX, Totals, WrittenBy
from truecandle.store.both_halves import Extent, SeriesReader
from truecandle.store.columns import Columns, columns, iso
from truecandle.store.entries import own
from truecandle.store.pages import (
    OPENS_MAX,
    PAGE_CANDLES_MAX,
    Meta,
    Page,
    Query,
    candles,
    latest,
    meta,
    open_times,
    queue,
    read,
    version,
)
from truecandle.store.rows import Checked, RefusedRow, Row, check, with_grid
from truecandle.store.script import Script

__all__ = [
    "BROKEN_CHAIN",
    "CHUNK_ROWS",
    "CORRECTIONS_KEPT",
    "OPENS_MAX",
    "PAGE_CANDLES_MAX",
    "UPSERT",
    "Columns",
    "Correction",
    "Meta",
    "Page",
    "Query",
    "RefusedRow",
    "Row",
    "Written",
    "candles",
    "columns",
    "correction_texts",
    "corrections",
    "decode_corrections",
    "iso",
    "latest",
    "learned",
    "meta",
    "open_times",
    "queue",
    "read",
    "renew",
    "upsert_klines",
    "version",
]

#: Rows of one script call: about 2 ms of Redis' time, so that readers never wait for long.
CHUNK_ROWS = 500
#: Corrections kept per series.
CORRECTIONS_KEPT = 1_000
#: `Written.previous` when another writer came in between two chunks: no reader knows it.
BROKEN_CHAIN = -1
#: Newest members looked at to learn a grid; more junk than this is not skipped.
_LEARN_FROM = 10

UPSERT = Script("upsert_klines", after="official_series")


@dataclass(frozen=True, slots=True)
class Written:
    """The outcome of one `upsert_klines`.

    `corrected`: the exchange changed a candle; `healed`: junk or doubles gave way to what belongs
    there. `changed`: candles added, corrected or healed, oldest first. `previous` and `version`:
    before and after; equal when nothing changed. The rest describes the whole series, as `Meta`;
    `unsealed` of its candles lie in no block.
    """

    added: int
    unchanged: int
    corrected: int
    healed: int
    refused: tuple[RefusedRow, ...]
    version: int
    previous: int
    earliest: int | None
    latest: int | None
    count: int
    unsealed: int
    changed: tuple[OfficialCandle, ...]


@dataclass(frozen=True, slots=True)
class Correction:
    """An official candle that the exchange itself changed, noticed at `at` (ms, Redis' clock)."""

    time: int
    old: OfficialCandle
    new: OfficialCandle
    at: int
    by: str


@map_redis_errors()
def upsert_klines(
    redis: Redis,
    series: Series,
    rows: Iterable[Row | OfficialCandle],
    *,
    now_ms: int,
    settle_ms: int,
    fence: int = 0,
    noticed_by: str = "fetch",
    is_all: bool = False,
) -> Written:
    """Stores the rows that are official by exchange time `now_ms`, in chunks of `CHUNK_ROWS`, or
    those of one block where the series is sealed.

    Rows of a block that cannot be read are refused, unless they are no fewer than it is said to
    hold, or, with `is_all`, all that the exchange has of its span: then they take its place.

    Every chunk is all-or-nothing with meta. Raises `CandleError` when rows contradict each other
    (nothing written), `StaleWriter`, `StoreDamaged`, `StoreUnavailable` (earlier chunks stay; the
    same rows may be given again and count as unchanged where they had arrived: announce a change
    whenever `version` is not the one announced last).
    """
    given = list(rows)
    interval = with_grid(learned(redis, series).interval, given)
    checked = (
        check(interval, given, now_ms=now_ms, settle_ms=settle_ms)
        if interval.has_grid
        else Checked((), _without_grid(given))
    )
    writer = WrittenBy(fence, noticed_by, CORRECTIONS_KEPT)
    written = _write_all(redis, series, checked.candles, writer, is_all=is_all)
    return replace(written, refused=checked.refused + written.refused)


@map_redis_errors()
def renew(redis: Redis, series: Series, *, fence: int, noticed_by: str) -> Written:
    """Writes meta and the sum of all blocks anew from what is there, and forgets what the index of
    the blocks does not say. Raises a `StoreError`."""
    args = (*WrittenBy(fence, noticed_by, CORRECTIONS_KEPT), "anew")
    *counts, _, held = UPSERT.run(redis, block_writes.script_keys(series), args)
    return _written(counts, Totals(*held), ())


@map_redis_errors()
def learned(redis: Redis, series: Series) -> Series:
    """The series with its grid: for 3d learned from a stored candle, as it is with none stored."""
    if series.interval.has_grid:
        return series
    for member in latest(redis, series, _LEARN_FROM):
        try:
            open_ms = official_from_member(member).open_ms
            return replace(series, interval=series.interval.with_phase(open_ms))
        except CandleError:
            continue
    return series


def corrections(redis: Redis, series: Series, limit: int) -> list[Correction]:
    """The newest corrections, newest first; what is none of ours in the list is skipped."""
    return decode_corrections(correction_texts(redis, series, limit))


@map_redis_errors()
def correction_texts(redis: Redis, series: Series, limit: int) -> list[bytes]:
    """The newest corrections as they are kept, for `decode_corrections`."""
    last = min(limit, CORRECTIONS_KEPT) - 1
    texts: Any = redis.lrange(keys.corrections(series), 0, last) if limit > 0 else []
    return list(texts)


def decode_corrections(texts: Iterable[bytes]) -> list[Correction]:
    """The corrections of `texts`; what is none of ours is skipped. 1000 take about 50 ms."""
    return own(texts, _correction)


def _correction(text: bytes) -> Correction:
    try:
        entry = loads(text)
        old, new, at, by = entry["old"], entry["new"], entry["at"], str(entry["by"])
    except (ValueError, RecursionError, LookupError, TypeError) as error:
        raise CandleError("correction", text, "a JSON object of ours") from error
    if not by.isprintable():
        raise CandleError("by", by, "printable text")
    new = official_from_row(new)
    return Correction(new.open_ms, official_from_row(old), new, moment(at, "at"), by)


def _write_all(
    redis: Redis,
    series: Series,
    rows: Sequence[OfficialCandle],
    writer: WrittenBy,
    *,
    is_all: bool,
) -> Written:
    """Writes the rows in parts, a script each, in an order that leaves no hole if the last ones are
    never written: from what is stored outwards, so older ones newest first.
    """
    boundary_ms, is_older = 0, False
    if len(rows) > CHUNK_ROWS:
        extent = _extent(redis, series)
        boundary_ms, earliest_ms = extent.boundary_ms, extent.earliest_ms
        is_older = earliest_ms is not None and rows[0].open_ms < earliest_ms
    written: Written | None = None
    for _ in range(TRIES_MAX):
        left = list[OfficialCandle]()
        parts = _parts(series, rows, boundary_ms)
        for span, part in reversed(parts) if is_older else parts:
            one = _write(redis, series, span, part, writer, is_all=is_all)
            if isinstance(one, Written):
                written = _joined(written, one) if written else one
            else:  # where the halves meet is elsewhere by now
                left += part
                boundary_ms = one
        if not left:
            assert written is not None
            return written
        rows = sorted(left, key=lambda candle: candle.open_ms)
    raise StoreUnavailable(f"{series} was sealed again and again meanwhile; try once more")


def _extent(redis: Redis, series: Series) -> Extent:
    batch = Batch(redis)
    extent = SeriesReader(series).extent(batch)
    batch.run()
    return extent.value


def _parts(
    series: Series, rows: Sequence[OfficialCandle], boundary_ms: int
) -> list[tuple[BlockSpan | None, Sequence[OfficialCandle]]]:
    """The rows (ascending) in parts for one script each: those of one block, whose span is told,
    and chunks of those that belong into none.
    """
    at = bisect_left(rows, boundary_ms, key=lambda candle: candle.open_ms)
    of_blocks = groupby(rows[:at], lambda candle: span_of(series.interval, candle.open_ms))
    parts: list[tuple[BlockSpan | None, Sequence[OfficialCandle]]] = [
        (span, list(some)) for span, some in of_blocks
    ]
    ends = range(at, max(len(rows), at + (not parts)), CHUNK_ROWS)
    return parts + [(None, rows[first : first + CHUNK_ROWS]) for first in ends]


def _write(
    redis: Redis,
    series: Series,
    span: BlockSpan | None,
    rows: Sequence[OfficialCandle],
    writer: WrittenBy,
    *,
    is_all: bool,
) -> Written | int:
    """What came of it; or where the halves meet, if that is elsewhere than these rows were for."""
    if span is None:
        return _write_unsealed(redis, series, rows, writer)
    try:
        found = block_writes.upsert(redis, series, span, rows, writer, is_all=is_all)
    except StoreDamaged as error:  # the rows of other blocks are none the worse for it
        nothing = _write_unsealed(redis, series, (), writer)
        assert isinstance(nothing, Written)
        refused = tuple(RefusedRow(row.open_ms, "unreadable", str(error)) for row in rows)
        return replace(nothing, refused=refused)
    if found is None:
        return _extent(redis, series).boundary_ms
    plan, held = found
    counts = plan.added, plan.unchanged, len(plan.corrected), plan.healed
    return _written(counts, held, plan.changed)


def _write_unsealed(
    redis: Redis, series: Series, chunk: Sequence[OfficialCandle], writer: WrittenBy
) -> Written | int:
    args: list[str | int] = [*writer]
    for candle in chunk:
        args += (candle.open_ms, candle.member())
    answer = UPSERT.run(redis, block_writes.script_keys(series), args)
    if isinstance(answer, int):
        return answer
    *counts, at, held = answer
    is_all_new = len(chunk) > 0 and counts[0] == len(chunk)
    return _written(counts, Totals(*held), chunk if is_all_new else [chunk[i - 1] for i in at])


def _written(counts: Sequence[int], held: Totals, changed: Sequence[OfficialCandle]) -> Written:
    added, unchanged, corrected, healed = counts
    return Written(
        added=added,
        unchanged=unchanged,
        corrected=corrected,
        healed=healed,
        refused=(),
        version=held.version,
        previous=held.previous,
        earliest=None if held.earliest < 0 else held.earliest,
        latest=None if held.latest < 0 else held.latest,
        count=held.candles,
        unsealed=held.unsealed,
        changed=tuple(changed),
    )


def _joined(one: Written, two: Written) -> Written:
    return replace(
        two,
        added=one.added + two.added,
        unchanged=one.unchanged + two.unchanged,
        corrected=one.corrected + two.corrected,
        healed=one.healed + two.healed,
        refused=one.refused + two.refused,
        previous=one.previous if one.version == two.previous else BROKEN_CHAIN,
        changed=tuple(sorted(one.changed + two.changed, key=lambda candle: candle.open_ms)),
    )


def _without_grid(rows: Iterable[Row | OfficialCandle]) -> tuple[RefusedRow, ...]:
    why = "no row shows the grid of 3d candles"
    return tuple(RefusedRow(row, "broken", why) for row in rows)
