"""What there is to tell of a series since a cursor: candles that closed, late ones, corrections.

Never here: sending, what was told of other series.
Invariant: each step brings the cursor with which the next one begins, so that ending at any of them
leaves nothing out; candles that were missing when later ones were told are told when they come.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from redis import Redis

from truecandle.candles.candle import OfficialCandle
from truecandle.candles.interval import DAY_MS, Interval
from truecandle.candles.series import Series
from truecandle.store import official, pages
from truecandle.store.official import CORRECTIONS_KEPT, Correction
from truecandle.store.pages import Query
from truecandle.store.webhooks import HOLES_MAX, Cursor
from truecandle.webhooks import messages
from truecandle.webhooks.messages import WebhookMessage

#: Candles that are read at a time.
PAGE: Final = 200
#: What is still missing then was not there, or is history by now.
HOLE_KEPT_MS: Final = 7 * DAY_MS


@dataclass(frozen=True, slots=True)
class Change:
    """One step: a message, and the cursor once it is told; None where nothing is to be told."""

    message: WebhookMessage | None
    cursor: Cursor


def present(redis: Redis, series: Series) -> Cursor | None:
    """The cursor of who is told only what comes from now on; None while nothing is stored, since
    what is stored first is history."""
    meta = official.meta(redis, series)
    if meta.latest is None:
        return None
    newest = official.corrections(redis, series, 1)
    at = (newest[0].at, newest[0].time) if newest else (0, 0)
    return Cursor(meta.version, meta.latest, (), *at)


def since(redis: Redis, series: Series, cursor: Cursor) -> Iterator[Change]:
    """What there is to tell; the last step says that there is nothing more."""
    version = official.version(redis, series)
    series = official.learned(redis, series)
    if not version or not series.interval.has_grid:
        return
    for steps in (_late, _closed, _corrected):
        for change in steps(redis, series, cursor):
            cursor = change.cursor
            yield change
    yield Change(None, cursor._replace(version=version))


def _late(redis: Redis, series: Series, cursor: Cursor) -> Iterator[Change]:
    """Candles that were missing when later ones were told."""
    oldest_ms = cursor.open_ms - HOLE_KEPT_MS
    for start_ms, end_ms in cursor.holes:
        if end_ms <= oldest_ms:
            cursor = cursor._replace(holes=tuple(one for one in cursor.holes if one[1] > oldest_ms))
            continue
        for candle in _within(redis, series, start_ms, end_ms):
            holes = _without(series.interval, cursor.holes, candle.open_ms)
            cursor = cursor._replace(holes=holes)
            yield Change(messages.closed(series, candle), cursor)


def _within(redis: Redis, series: Series, start_ms: int, end_ms: int) -> Iterator[OfficialCandle]:
    """What is stored there, a page at a time."""
    has_more = True
    while has_more:
        page = pages.read(redis, series, Query(PAGE, start_ms, end_ms))
        found = pages.candles(page.members)
        yield from found
        has_more = page.has_more and bool(found)
        if found:
            start_ms = found[-1].open_ms + 1


def _closed(redis: Redis, series: Series, cursor: Cursor) -> Iterator[Change]:
    """Candles newer than all that were told."""
    has_more = True
    while has_more:
        page = pages.read(redis, series, Query(PAGE, cursor.open_ms + 1))
        has_more, found = page.has_more, pages.candles(page.members)
        for candle in found:
            due_ms = series.interval.next_open_ms(cursor.open_ms)
            missed = ((due_ms, candle.open_ms),) if due_ms < candle.open_ms else ()
            holes = (*cursor.holes, *missed)[-HOLES_MAX:]
            cursor = cursor._replace(open_ms=candle.open_ms, holes=holes)
            yield Change(messages.closed(series, candle), cursor)
        if not found:
            return


def _corrected(redis: Redis, series: Series, cursor: Cursor) -> Iterator[Change]:
    for one in _untold(official.corrections(redis, series, CORRECTIONS_KEPT), cursor):
        cursor = cursor._replace(noticed_ms=one.at, corrected_ms=one.time)
        yield Change(messages.corrected(series, one), cursor)


def _untold(found: list[Correction], cursor: Cursor) -> list[Correction]:
    """Oldest first. They are kept newest first; where the last one that was told is not among them
    any more, or a clock was set back, all that were noticed since then are new."""
    told = cursor.noticed_ms, cursor.corrected_ms
    places = [at for at, one in enumerate(found) if (one.at, one.time) == told]
    new = found[: places[0]] if places else [one for one in found if one.at >= told[0]]
    return new[::-1]


def _without(
    interval: Interval, holes: tuple[tuple[int, int], ...], open_ms: int
) -> tuple[tuple[int, int], ...]:
    """The holes once a candle of theirs has been told."""
    left = list[tuple[int, int]]()
    for start_ms, end_ms in holes:
        if not start_ms <= open_ms < end_ms:
            left.append((start_ms, end_ms))
            continue
        after_ms = interval.next_open_ms(open_ms)
        left += [(a, b) for a, b in ((start_ms, open_ms), (after_ms, end_ms)) if a < b]
    return tuple(left[-HOLES_MAX:])
