"""Fills the holes of a series: from Binance's archives where that spares requests, else by REST.

Never here: how progress is shown, waiting, what an archive's rows are worth (`unpack`).
Invariant: right before anything is asked for, the store is asked whether it is known by now.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import NamedTuple

from redis import Redis

from truecandle.admin.kit import Desk
from truecandle.admin.patience import Patience
from truecandle.admin.plan import Cost, Source, Span, ceiling, cost, days, files, missing, pages
from truecandle.admin.progress import Progress
from truecandle.admin.unpack import Unpacker
from truecandle.binance.rest import OPENED_MS
from truecandle.candles.gaps import Hole
from truecandle.candles.interval import LAST_MS
from truecandle.candles.series import Series
from truecandle.errors import MalformedAnswer
from truecandle.store import official
from truecandle.store.pages import stored
from truecandle.store.rows import with_grid


class Wanted(NamedTuple):
    """A series, and the span asked for: [start_ms, end_ms), None for all there is."""

    series: Series
    start_ms: int | None = None
    end_ms: int | None = None
    source: Source = "auto"


class Scope(NamedTuple):
    """What of it there can be by now, with the series' grid, and the holes in it."""

    series: Series
    span: Span
    source: Source
    holes: list[Hole]

    @property
    def candles(self) -> int:
        return sum(hole.candles for hole in self.holes)


@dataclass(slots=True)
class Outcome:
    """What was done. `absent`: candles that nobody has; `refused`: rows of archives, by reason."""

    pages: int = 0
    files: int = 0
    added: int = 0
    absent: int = 0
    skipped_pages: int = 0
    refused: dict[str, int] = field(default_factory=dict)


class Filler:
    """Fills series, one after the other. `unpacker` is None where there are no archives."""

    def __init__(
        self,
        redis: Redis,
        desk: Desk,
        progress: Progress,
        patience: Patience,
        settle_ms: int,
        unpacker: Unpacker | None,
    ) -> None:
        self._redis = redis
        self._desk = desk
        self._progress = progress
        self._patiently = patience
        self._settle_ms = settle_ms
        self._unpacker = unpacker

    def scope(self, wanted: Wanted) -> Scope:
        """What is missing. At most two requests: for the first candle, and for the grid of 3d."""
        series = self._with_grid(wanted.series)
        interval = series.interval
        end_ms = interval.open_ms(self._desk.clock.now_ms() - self._settle_ms)
        if wanted.end_ms is not None and wanted.end_ms < end_ms:
            end_ms = ceiling(interval, wanted.end_ms)
        start_ms = interval.open_ms(OPENED_MS)
        if wanted.start_ms is not None and wanted.start_ms > start_ms:
            start_ms = ceiling(interval, wanted.start_ms)
        if start_ms < end_ms:
            start_ms = self._listed_ms(series, Span(start_ms, end_ms))
        span = Span(min(start_ms, end_ms), end_ms)
        source = wanted.source if self._unpacker else "rest"
        return Scope(series, span, source, self._missing(series, span))

    def cost(self, scope: Scope) -> Cost:
        """What `fill` would take."""
        return cost(scope.series, scope.holes, scope.source, self._desk.clock.now_ms())

    def fill(self, scope: Scope) -> Outcome:
        """Asks for all holes, archives first; newest first."""
        series, outcome, holes = scope.series, Outcome(), scope.holes
        counts = self._desk.ledger.counts
        added = counts["added"]
        for choose in (files, days):
            taken = outcome.files
            for file in choose(series, holes, scope.source, self._desk.clock.now_ms()):
                if self._unpacker and self._unpacker.take(series, scope.span, file):
                    outcome.files += 1
            if outcome.files > taken:
                holes = self._missing(series, scope.span)
        for span in pages(series.interval, holes):
            self._take_page(series, span, outcome)
        outcome.added = counts["added"] - added
        outcome.absent = self._absent(series, scope.span)
        outcome.refused = self._unpacker.take_refused() if self._unpacker else {}
        return outcome

    def _with_grid(self, series: Series) -> Series:
        known = self._patiently.with_store(lambda: official.learned(self._redis, series))
        if known.interval.has_grid:
            return known
        answer = self._patiently(
            lambda: self._desk.rest.klines(series.symbol, series.interval.name, limit=2)
        )
        interval = with_grid(series.interval, answer)
        if not interval.has_grid:
            raise MalformedAnswer(f"{series}: the exchange has no candle that shows the grid")
        return replace(series, interval=interval)

    def _listed_ms(self, series: Series, span: Span) -> int:
        """Where the span's first candle is; asked for unless the store begins there."""
        meta = self._patiently.with_store(lambda: official.meta(self._redis, series))
        if meta.earliest is not None and meta.earliest <= span.start_ms:
            return span.start_ms
        answer = self._patiently(
            lambda: self._desk.rest.klines(
                series.symbol, series.interval.name, start_ms=span.start_ms, limit=1
            )
        )
        first_ms = answer[0][0] if answer and answer[0] else None
        if not isinstance(first_ms, int) or not 0 <= first_ms < LAST_MS:
            return span.end_ms
        return max(span.start_ms, series.interval.open_ms(first_ms))

    def _take_page(self, series: Series, span: Span, outcome: Outcome) -> None:
        """Asks for what is still missing of a page, and stores it."""
        holes = self._missing(series, span)
        for part in pages(series.interval, holes):
            outcome.pages += 1
            try:
                answer = self._patiently(lambda: self._ask(series, part))  # noqa: B023
                rows = [row for row in answer if _is_asked_for(row, part)]
                self._patiently.with_store(
                    lambda: self._desk.ledger.store(series, rows, "backfill")  # noqa: B023
                )
            except MalformedAnswer as error:
                outcome.skipped_pages += 1
                self._progress.say(f"{series}: a page is left out: {error}")
        self._progress.advance(sum(hole.candles for hole in holes))

    def _ask(self, series: Series, span: Span) -> list[list[object]]:
        return self._desk.rest.klines(
            series.symbol, series.interval.name, start_ms=span.start_ms, end_ms=span.end_ms
        )

    def _missing(self, series: Series, span: Span) -> list[Hole]:
        return self._patiently.with_store(lambda: missing(self._redis, series, span))

    def _absent(self, series: Series, span: Span) -> int:
        held = self._patiently.with_store(lambda: stored(self._redis, series, *span))
        return max(0, series.interval.count(*span) - held)


def _is_asked_for(row: list[object], span: Span) -> bool:
    """Broken rows too: the store refuses and counts them."""
    return not row or not isinstance(row[0], int) or span.start_ms <= row[0] < span.end_ms
