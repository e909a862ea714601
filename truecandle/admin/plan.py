"""What is missing of a series and how it is best asked for: archives, pages, and their cost.

Never here: asking the exchange.
Invariant: pages and files cover every hole; no page and no file is without one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

from truecandle.binance.archive import MONTHLY_ONLY, File
from truecandle.binance.rest.client import KLINES_LIMIT_MAX, KLINES_WEIGHT
from truecandle.candles.gap import Hole, hole_of
from truecandle.candles.interval import DAY_MS, INTERVALS, Interval
from truecandle.candles.series import Series
from truecandle.ingest.kline_pages import Span as Span
from truecandle.store.budget import LIMIT_PER_MINUTE, RESERVE

#: `auto`: an archive where it spares more than one page. `archive`: wherever there is one.
Source = Literal["auto", "archive", "rest"]

#: For the estimate of time, as measured on a small machine: pages a second and seconds of an
#: archive, and candles stored a second.
PAGES_PER_S: Final = 5
ARCHIVE_S: Final = 2
CANDLES_PER_S: Final = 10_000
#: A zip and its checksum.
REQUESTS_PER_FILE: Final = 2

_MONTH: Final = INTERVALS["1M"]
_DAY: Final = INTERVALS["1d"]


@dataclass(frozen=True, slots=True)
class Cost:
    """What filling would take: `candles` that are missing, of them by `files` and by `pages`."""

    candles: int = 0
    files: int = 0
    pages: int = 0

    @property
    def requests(self) -> int:
        return self.pages + self.files * REQUESTS_PER_FILE

    @property
    def weight(self) -> int:
        """Archives have none."""
        return self.pages * KLINES_WEIGHT

    @property
    def minutes(self) -> int:
        """About; at least one."""
        paging_s = max(self.pages / PAGES_PER_S, 60 * self.weight / (LIMIT_PER_MINUTE - RESERVE))
        seconds = paging_s + self.files * ARCHIVE_S + self.candles / CANDLES_PER_S
        return max(1, math.ceil(seconds / 60))

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            self.candles + other.candles, self.files + other.files, self.pages + other.pages
        )


def pages(interval: Interval, holes: Iterable[Hole]) -> Iterator[Span]:
    """Spans of at most a page's candles that begin and end with a hole's, newest first.

    What is known is asked for again only between small holes that fit into one page together.
    """
    left = [Span(hole.start_ms, hole.end_ms) for hole in holes]
    while left:
        start_ms, end_ms = left.pop()
        floor_ms = interval.step(end_ms, -KLINES_LIMIT_MAX)
        if start_ms < floor_ms:
            left.append(Span(start_ms, floor_ms))
            start_ms = floor_ms
        else:
            while left and left[-1].start_ms >= floor_ms:
                start_ms = left.pop().start_ms
        yield Span(start_ms, end_ms)


def files(
    series: Series, holes: Iterable[Hole], source: Source, now_ms: int, kind: Interval = _MONTH
) -> list[File]:
    """The archives worth fetching for these holes, newest first: of months, or of days."""
    if source == "rest" or (kind is _DAY and series.interval.name in MONTHLY_ONLY):
        return []
    wanted: dict[int, int] = {}
    for hole in holes:
        start_ms = kind.open_ms(hole.start_ms)
        while start_ms < hole.end_ms and kind.next_open_ms(start_ms) <= now_ms:
            end_ms = kind.next_open_ms(start_ms)
            candles = _count(series.interval, hole, start_ms, end_ms)
            wanted[start_ms] = wanted.get(start_ms, 0) + candles
            start_ms = end_ms
    spared = 0 if source == "archive" else KLINES_LIMIT_MAX
    found = [start_ms for start_ms, candles in wanted.items() if candles > spared]
    return [_file(series, kind, start_ms) for start_ms in sorted(found, reverse=True)]


def days(series: Series, holes: Iterable[Hole], source: Source, now_ms: int) -> list[File]:
    """The daily archives worth fetching, newest first."""
    return files(series, holes, source, now_ms, _DAY)


def cost(series: Series, holes: list[Hole], source: Source, now_ms: int) -> Cost:
    """What filling these holes would take if every archive is there."""
    months = files(series, holes, source, now_ms)
    left = outside(series.interval, holes, months)
    daily = days(series, left, source, now_ms)
    left = outside(series.interval, left, daily)
    return Cost(
        candles=sum(hole.candles for hole in holes),
        files=len(months) + len(daily),
        pages=sum(1 for _ in pages(series.interval, left)),
    )


def outside(interval: Interval, holes: Iterable[Hole], spans: Iterable[File | Hole]) -> list[Hole]:
    """What of the holes lies in none of the spans; both are in order, spans either way."""
    ordered = sorted((span.start_ms, span.end_ms) for span in spans)
    left, first = [], 0
    for hole in holes:
        at_ms = hole.start_ms
        while first < len(ordered) and ordered[first][1] <= at_ms:
            first += 1
        for start_ms, end_ms in ordered[first:]:
            if start_ms >= hole.end_ms:
                break
            if start_ms > at_ms:
                left.append(hole_of(interval, at_ms, start_ms))
            at_ms = max(at_ms, ceiling(interval, end_ms))
        if at_ms < hole.end_ms:
            left.append(hole_of(interval, at_ms, hole.end_ms))
    return left


def ceiling(interval: Interval, t_ms: int) -> int:
    """The first open time at or after a moment."""
    open_ms = interval.open_ms(t_ms)
    return open_ms if open_ms == t_ms else interval.next_open_ms(open_ms)


def _count(interval: Interval, hole: Hole, start_ms: int, end_ms: int) -> int:
    first_ms = ceiling(interval, max(start_ms, hole.start_ms))
    return interval.count(first_ms, min(end_ms, hole.end_ms))


def _file(series: Series, kind: Interval, start_ms: int) -> File:
    shape = "%Y-%m-%d" if kind.duration_ms == DAY_MS else "%Y-%m"
    day = datetime.fromtimestamp(start_ms // 1000, UTC).strftime(shape)
    return File(series.symbol, series.interval.name, day, start_ms, kind.next_open_ms(start_ms))
