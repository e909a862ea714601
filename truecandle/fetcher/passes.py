"""What the fetcher does for one series at a time: read what closed, fill what is missing.

Never here: when (`plan`, `rota`), threads, sleeping, what to do about an error but to raise it.
Invariant: nothing is asked for that is known to be there, or known not to exist.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from redis import Redis

from truecandle.binance.rest import KLINES_LIMIT_MAX, OPENED_MS, RestClient
from truecandle.candles.gaps import Hole, find_holes
from truecandle.candles.interval import Interval
from truecandle.candles.series import Series
from truecandle.config import Settings
from truecandle.events import Publisher, Reason
from truecandle.fetcher.ledger import Ledger
from truecandle.fetcher.voids import Voids, before, newest_page
from truecandle.store import official
from truecandle.store.official import Meta
from truecandle.store.rows import with_grid

#: Closed candles that every refresh reads again, because the exchange may still change them: this
#: many, and as many as cover this time.
TRAIL_CANDLES = 3
TRAIL_MS = 20_000
#: Pages that one `fill` may ask for beyond those that its window would have if it were empty.
PAGES_MORE = 3


Rows = list[list[object]]


class Refreshed(NamedTuple):
    """The outcome of a refresh: the series with its grid, and whether the newest candle is in."""

    series: Series
    has_arrived: bool


class _Span(NamedTuple):
    """Open times asked for: [start_ms, end_ms)."""

    start_ms: int
    end_ms: int


class Fetcher:
    """Passes over the series of one exchange. One thread at a time for each series.

    `rest` asks for what closed, `deep` for history (it may be given a smaller share of the request
    weight). `now_ms` is the exchange's clock. `fence` gives the number to write with, or raises
    `StaleWriter`: then nothing is asked for either.
    """

    def __init__(
        self,
        settings: Settings,
        redis: Redis,
        rest: RestClient,
        publisher: Publisher,
        *,
        now_ms: Callable[[], int],
        deep: RestClient | None = None,
        fence: Callable[[], int] | None = None,
    ) -> None:
        self._settle_ms = settings.settle_ms
        self._history = settings.history_candles
        self._redis = redis
        self._rest = rest
        self._deep = deep or rest
        self._now_ms = now_ms
        self.ledger = Ledger(redis, publisher, self._settle_ms, now_ms, fence)
        self._grids: dict[str, Series] = {}
        self._voids: dict[str, Voids] = {}
        self._firsts: dict[str, int] = {}
        self._looked: set[str] = set()
        self._todo: dict[str, list[Hole]] = {}

    def refresh(self, series: Series) -> Refreshed:
        """Reads what has closed since the last stored candle, and the last few once more.

        One request for at most 1000 candles; what lies further back is left to `fill`. Raises
        `ExchangeError` or `StoreError`; then nothing is half done.
        """
        series = self._with_grid(series, self._rest)
        if not series.interval.has_grid:
            return Refreshed(series, False)
        meta = official.meta(self._redis, series)
        self.ledger.remember(series, meta.version)
        end_ms = self._settled_ms(series.interval)
        span = _Span(self._refresh_from(series.interval, meta, end_ms), end_ms)
        stored = self._read(series, span, self._rest, "new" if meta.count else "backfill")
        if not stored:
            self._grids.pop(series.name, None)
        return Refreshed(series, series.interval.previous_open_ms(end_ms) in stored)

    def fill(self, series: Series, pages_max: int | None = None) -> bool:
        """Asks for what is missing among the last `HISTORY_CANDLES`, newest first.

        At most `pages_max` requests for pages; returns whether more is missing and due. What the
        exchange has not got is asked for again after growing pauses.
        """
        series = self._with_grid(series, self._deep)
        if not series.interval.has_grid:
            return False
        holes = self._todo.get(series.name) or self._missing(series)
        for _ in range(pages_max or self._history // KLINES_LIMIT_MAX + PAGES_MORE):
            if not holes:
                break
            span = _Span(*newest_page(series.interval, holes, KLINES_LIMIT_MAX))
            self._todo[series.name] = holes
            has_older = self._fill_page(series, span)
            holes = before(series.interval, holes, span.start_ms) if has_older else []
        self._todo[series.name] = holes
        return bool(holes)

    def _refresh_from(self, interval: Interval, meta: Meta, end_ms: int) -> int:
        if meta.latest is None:
            return _back(interval, end_ms, min(KLINES_LIMIT_MAX, self._history))
        span_ms = end_ms - interval.previous_open_ms(end_ms)
        trail = max(TRAIL_CANDLES, -(-TRAIL_MS // span_ms))
        next_ms = min(end_ms, interval.next_open_ms(interval.open_ms(meta.latest)))
        oldest_ms = _back(interval, end_ms, KLINES_LIMIT_MAX)
        return max(_back(interval, next_ms, trail), oldest_ms)

    def _missing(self, series: Series) -> list[Hole]:
        """The holes that are due, ascending."""
        interval, voids, now_ms = series.interval, self._voids_of(series), self._now_ms()
        meta = official.meta(self._redis, series)
        end_ms = self._settled_ms(interval)
        start_ms = _back(interval, end_ms, self._history)
        if meta.latest is not None:
            end_ms = min(end_ms, interval.next_open_ms(interval.open_ms(meta.latest)))
        if series.name in self._looked and meta.earliest is not None and meta.earliest <= start_ms:
            expected = interval.count(meta.earliest, end_ms)
            expected -= voids.candles(interval, meta.earliest, end_ms, now_ms)
            if meta.count == expected:
                return []
        opens = official.opens(self._redis, series, start_ms, end_ms)
        self._looked.add(series.name)
        return voids.due(interval, find_holes(interval, opens, start_ms, end_ms), now_ms)

    def _fill_page(self, series: Series, span: _Span) -> bool:
        """Reads one page of holes; whether the exchange may have older candles."""
        interval, voids = series.interval, self._voids_of(series)
        earliest = official.meta(self._redis, series).earliest
        is_older = earliest is None or span.start_ms < earliest
        stored = self._read(series, span, self._deep, "backfill" if is_older else "repair")
        opens = official.opens(self._redis, series, *span)
        voids.note(*span, find_holes(interval, opens, *span), self._now_ms())
        return not (is_older and not stored and self._is_before_listing(series, span))

    def _is_before_listing(self, series: Series, span: _Span) -> bool:
        """An empty page older than all we have: was the market listed later than we ask?"""
        interval = series.interval
        start_ms = _back(interval, self._settled_ms(interval), self._history)
        if series.name not in self._firsts:
            _, rows = self._ask(self._deep, series, start_ms=start_ms, limit=1)
            first = rows[0][0] if rows and rows[0] else None
            self._firsts[series.name] = first if isinstance(first, int) else span.end_ms
        if self._firsts[series.name] < span.end_ms:
            return False
        holes = find_holes(interval, (), start_ms, span.end_ms)
        self._voids_of(series).note(start_ms, span.end_ms, holes, self._now_ms())
        return True

    def _read(self, series: Series, span: _Span, rest: RestClient, reason: Reason) -> set[int]:
        """Asks for a span, stores it and tells; returns the open times that the exchange has."""
        fence, answer = self._ask(rest, series, start_ms=span.start_ms, end_ms=span.end_ms)
        rows = [row for row in answer if _is_asked_for(row, span)]
        if len(rows) < len(answer):
            self.ledger.counts["rows not asked for"] += len(answer) - len(rows)
        return self.ledger.store(series, rows, reason, fence=fence)

    def _ask(self, rest: RestClient, series: Series, **span: int) -> tuple[int, Rows]:
        """The exchange's rows, and the number to write them with: that from before it was asked."""
        fence = self.ledger.fence()
        return fence, rest.klines(series.symbol, series.interval.name, **span)

    def _with_grid(self, series: Series, rest: RestClient) -> Series:
        """The series with its grid. That of 3d is read off candles: the store's, or new ones."""
        known = self._grids.get(series.name, series)
        if not known.interval.has_grid:
            known = official.learned(self._redis, known)
        if not known.interval.has_grid:
            _, rows = self._ask(rest, series, limit=2)
            known = replace(series, interval=with_grid(series.interval, rows))
        self._grids[series.name] = known
        return known

    def _settled_ms(self, interval: Interval) -> int:
        """Where the newest candle ends that is settled now."""
        return interval.open_ms(self._now_ms() - self._settle_ms)

    def _voids_of(self, series: Series) -> Voids:
        return self._voids.setdefault(series.name, Voids())


def _back(interval: Interval, end_ms: int, candles: int) -> int:
    """The open time so many candles before; at the earliest the candle in which Binance opened."""
    opened_ms = interval.open_ms(OPENED_MS)
    return interval.step(end_ms, -min(candles, interval.count(opened_ms, end_ms)))


def _is_asked_for(row: list[object], span: _Span) -> bool:
    """Broken rows too: the store refuses and counts them."""
    return not row or not isinstance(row[0], int) or span.start_ms <= row[0] < span.end_ms
