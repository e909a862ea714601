"""Fills the holes of a series: from Binance's archives where that spares requests, else by REST.

Never here: how progress is shown, waiting, what an archive's rows are worth (`archive_import`).
Invariant: right before anything is asked for, the store is asked whether it is known by now, be it
as a candle or as a gap that is proven.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import NamedTuple

from truecandle.admin.archive_import import ArchiveImport
from truecandle.admin.context import CommandRun
from truecandle.admin.plan import Cost, Source, ceiling, cost, days, files, pages
from truecandle.binance.rest.client import KLINES_LIMIT_MAX, OPENED_MS
from truecandle.candles.decimals import is_moment
from truecandle.candles.gap import Hole
from truecandle.candles.series import Series
from truecandle.errors import MalformedAnswer
from truecandle.ingest.kline_pages import Span
from truecandle.store import gaps, official
from truecandle.store.rows import with_grid


class BackfillRequest(NamedTuple):
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
class BackfillOutcome:
    """What was done. `absent`: candles that nobody has; `refused`: rows of archives, by reason."""

    pages: int = 0
    files: int = 0
    added: int = 0
    absent: int = 0
    skipped_pages: int = 0
    refused: dict[str, int] = field(default_factory=dict)


class Backfiller:
    """Fills series, one after the other. `archives` is None where there are none."""

    def __init__(self, run: CommandRun, archives: ArchiveImport | None) -> None:
        self._run = run
        self._archives = archives
        self._page_reader = run.page_reader()

    def scope(self, wanted: BackfillRequest) -> Scope:
        """What is missing. At most two requests: for the first candle, and for the grid of 3d."""
        series = self._with_grid(wanted.series)
        interval = series.interval
        end_ms = interval.open_ms(self._run.session.clock.now_ms() - self._run.settle_ms)
        if wanted.end_ms is not None and wanted.end_ms < end_ms:
            end_ms = ceiling(interval, wanted.end_ms)
        start_ms = interval.open_ms(OPENED_MS)
        if wanted.start_ms is not None and wanted.start_ms > start_ms:
            start_ms = ceiling(interval, wanted.start_ms)
        if start_ms < end_ms:
            start_ms = self._listed_ms(series, Span(start_ms, end_ms))
        span = Span(min(start_ms, end_ms), end_ms)
        source = wanted.source if self._archives else "rest"
        return Scope(series, span, source, self._missing(series, span))

    def cost(self, scope: Scope) -> Cost:
        """What `fill` would take."""
        return cost(scope.series, scope.holes, scope.source, self._run.session.clock.now_ms())

    def fill(self, scope: Scope) -> BackfillOutcome:
        """Asks for all holes, archives first; newest first."""
        series, outcome, holes = scope.series, BackfillOutcome(), scope.holes
        counts = self._run.session.writer.counts
        added = counts["added"]
        for choose in (files, days):
            taken = outcome.files
            for file in choose(series, holes, scope.source, self._run.session.clock.now_ms()):
                if self._archives and self._archives.take(series, scope.span, file):
                    outcome.files += 1
            if outcome.files > taken:
                holes = self._missing(series, scope.span)
        for span in pages(series.interval, holes):
            self._take_page(series, span, outcome)
        outcome.added = counts["added"] - added
        outcome.absent = self._absent(series, scope.span)
        outcome.refused = self._archives.take_refused() if self._archives else {}
        return outcome

    def _with_grid(self, series: Series) -> Series:
        known = self._run.retrying.with_store(lambda: official.learned(self._run.redis, series))
        if known.interval.has_grid:
            return known
        _, answer = self._run.retrying(
            lambda: self._page_reader.ask(self._run.session.rest, series, limit=2)
        )
        interval = with_grid(series.interval, answer)
        if not interval.has_grid:
            raise MalformedAnswer(f"{series}: the exchange has no candle that shows the grid")
        return replace(series, interval=interval)

    def _listed_ms(self, series: Series, span: Span) -> int:
        """Where the span's first candle is; asked for unless that is known.

        One answer is not enough to take the time before for not listed: the store has to agree.
        """
        meta = self._run.retrying.with_store(lambda: official.meta(self._run.redis, series))
        if meta.earliest is not None and meta.earliest <= span.start_ms:
            return span.start_ms
        for gap in self._run.retrying.with_store(lambda: gaps.read(self._run.redis, series)).all:
            if gap.reason == "not_listed" and gap.start_ms <= span.start_ms < gap.end_ms:
                return gap.end_ms
        _, answer = self._run.retrying(
            lambda: self._page_reader.ask(
                self._run.session.rest, series, start_ms=OPENED_MS, limit=1
            )
        )
        first_ms = answer[0][0] if answer and answer[0] else None
        if not is_moment(first_ms):
            return span.end_ms
        listed_ms = min(span.end_ms, max(span.start_ms, series.interval.open_ms(first_ms)))
        if listed_ms > span.start_ms and meta.earliest == listed_ms:
            told = f"the first candle of the exchange is that of {first_ms}"
            self._page_reader.record_gap(series, Span(span.start_ms, listed_ms), "not_listed", told)
        return listed_ms

    def _take_page(self, series: Series, span: Span, outcome: BackfillOutcome) -> None:
        """Asks for what is still missing of a page, and stores it.

        What the answer's own candles do not prove missing is asked for once more with both of its
        neighbours.
        """
        holes = self._missing(series, span)
        rest, page_reader = self._run.session.rest, self._page_reader
        try:
            for part in pages(series.interval, holes):
                outcome.pages += 1
                self._run.retrying(
                    lambda: page_reader.read_newest(rest, series, part, "backfill", "backfill")  # noqa: B023
                )
            for part in pages(series.interval, self._missing(series, span)):
                outcome.pages += 1
                self._run.retrying(
                    lambda: page_reader.read_page(rest, series, part, "backfill", "backfill")  # noqa: B023
                )
        except MalformedAnswer as error:
            outcome.skipped_pages += 1
            self._run.progress.say(f"{series}: a page is left out: {error}")
        self._run.progress.advance(sum(hole.candles for hole in holes))

    def _missing(self, series: Series, span: Span) -> list[Hole]:
        """The holes to ask for: all but proven gaps. Of a page every candle is looked at."""
        is_page = series.interval.count(*span) <= KLINES_LIMIT_MAX
        from_ms = span.start_ms if is_page else span.end_ms

        def look() -> list[Hole]:
            known = gaps.read(self._run.redis, series)
            holes = gaps.missing(self._run.redis, series, *span, known, from_ms)
            return known.due(series.interval, holes, self._run.session.clock.now_ms())

        return self._run.retrying.with_store(look)

    def _absent(self, series: Series, span: Span) -> int:
        """Candles that are missing still, whatever the reason."""

        def look() -> int:
            known = gaps.read(self._run.redis, series)
            holes = gaps.missing(self._run.redis, series, *span, known, span.end_ms)
            return sum(hole.candles for hole in holes)

        return self._run.retrying.with_store(look)
