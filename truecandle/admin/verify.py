"""`flask verify`: stored candles against what the exchange says of them now, over any range.

Never here: how a page is read and stored (`ingest`), candles that only people can judge: those that
the exchange does not have are named, not removed.
Invariant: it may be ended at any moment; what was read until then is corrected.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

import click

from truecandle.admin.context import CommandContext, CommandRun, pass_context, reported
from truecandle.admin.moments import series_of, shown, span_options
from truecandle.admin.plan import ceiling
from truecandle.admin.progress import duration
from truecandle.binance.rest.client import OPENED_MS
from truecandle.candles.series import Series
from truecandle.errors import AnswerHeld, ExchangeRefused, MalformedAnswer
from truecandle.ingest.kline_pages import PAGE_CANDLES, PageResult, Span
from truecandle.store import gaps, official

#: Candles named one by one.
NAMED_MAX: Final = 20


@dataclass(slots=True)
class VerifyOutcome:
    """What was found. `held`: pages that were not believed; `failed`: pages not read."""

    pages: int = 0
    candles: int = 0
    held: int = 0
    failed: int = 0
    unknown: list[int] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def is_clean(self) -> bool:
        return not (self.held or self.failed or self.unknown)


@click.command("verify")
@click.argument("names", nargs=-1, metavar="SYMBOL INTERVAL [SYMBOL INTERVAL]...")
@span_options
@click.option("--accept", is_flag=True, help="Believe the exchange, however much it changes.")
@pass_context
@reported
def verify(
    context: CommandContext,
    names: tuple[str, ...],
    start_ms: int | None,
    end_ms: int | None,
    accept: bool,
) -> None:
    """Read candles again and correct what the exchange has changed; all stored by default.

    Every correction is recorded and reaches open charts. An answer that would change too much at
    once is held back: look at GET /corrections, then use --accept. Ends with 1 if pages were held
    or not read, or if the store has candles that the exchange does not have.
    """
    is_clean = True
    try:
        with context.run() as run:
            verifier = Verifier(run, accept)
            for series in series_of(names):
                is_clean &= verifier.verify(series, start_ms, end_ms)
    except KeyboardInterrupt:
        raise click.ClickException("stopped; what was read is corrected") from None
    if not is_clean:
        sys.exit(1)


class Verifier:
    """Verifies one series after the other."""

    def __init__(self, run: CommandRun, accept: bool) -> None:
        self._run = run
        self._accept = accept
        self._page_reader = run.page_reader()

    def verify(self, series: Series, start_ms: int | None, end_ms: int | None) -> bool:
        """Reads a range again, newest first, and says what came of it; whether all is well."""
        series = self._run.retrying.with_store(lambda: official.learned(self._run.redis, series))
        span = self._span(series, start_ms, end_ms) if series.interval.has_grid else None
        if span is None:
            self._run.progress.say(f"{series}: nothing is stored there")
            return True
        began_s, before, outcome = (
            time.monotonic(),
            Counter(self._run.session.writer.counts),
            VerifyOutcome(),
        )
        self._run.progress.begin(str(series), series.interval.count(*span))
        at_ms = span.end_ms
        while at_ms > span.start_ms:
            page = Span(max(span.start_ms, series.interval.step(at_ms, -PAGE_CANDLES)), at_ms)
            self._take(series, page, outcome)
            self._run.progress.advance(series.interval.count(*page))
            at_ms = page.start_ms
        outcome.counts = self._run.session.writer.counts - before
        title = f"{series} from {shown(span.start_ms)} to {shown(span.end_ms)}"
        self._run.progress.say(f"{title}: {_told(outcome, time.monotonic() - began_s)}")
        self._name(series, span, outcome)
        return outcome.is_clean

    def _span(self, series: Series, start_ms: int | None, end_ms: int | None) -> Span | None:
        interval = series.interval
        meta = self._run.retrying.with_store(lambda: official.meta(self._run.redis, series))
        if meta.earliest is None or meta.latest is None:
            return None
        first_ms = interval.open_ms(meta.earliest)
        last_ms = interval.next_open_ms(interval.open_ms(meta.latest))
        if start_ms is not None:
            first_ms = ceiling(interval, max(start_ms, OPENED_MS))
        if end_ms is not None:
            last_ms = ceiling(interval, end_ms)
        settled_ms = interval.open_ms(self._run.session.clock.now_ms() - self._run.settle_ms)
        last_ms = min(last_ms, settled_ms)
        return Span(first_ms, last_ms) if first_ms < last_ms else None

    def _take(self, series: Series, page: Span, outcome: VerifyOutcome) -> None:
        outcome.pages += 1
        outcome.candles += series.interval.count(*page)
        try:
            found = self._run.retrying(lambda: self._page(series, page))
        except (MalformedAnswer, ExchangeRefused) as error:
            outcome.failed += 1
            self._run.progress.say(f"{series}: a page is left out: {error}")
            return
        if isinstance(found, AnswerHeld):
            outcome.held += 1
            self._run.progress.say(str(found))
        else:
            outcome.unknown += found.unknown

    def _page(self, series: Series, page: Span) -> PageResult | AnswerHeld:
        """What is held back is not asked for again: it would be held back again."""
        rest, accept = self._run.session.rest, self._accept
        try:
            return self._page_reader.read_page(
                rest, series, page, "repair", "verify", accept=accept
            )
        except AnswerHeld as error:
            return error

    def _name(self, series: Series, span: Span, outcome: VerifyOutcome) -> None:
        known = self._run.retrying.with_store(lambda: gaps.read(self._run.redis, series))
        missing: Counter[str] = Counter()
        for gap in known.all:
            if gap.start_ms < span.end_ms and span.start_ms < gap.end_ms:
                missing[gap.reason] += 1
        if missing:
            told = ", ".join(f"{count} {reason}" for reason, count in sorted(missing.items()))
            self._run.progress.say(f"{series}: gaps: {told} (GET /gaps lists them)")
        if outcome.unknown:
            times = [shown(open_ms) for open_ms in outcome.unknown]
            more = f" and {len(times) - NAMED_MAX} more" if len(times) > NAMED_MAX else ""
            self._run.progress.say(
                f"{series}: stored, but not with the exchange: {', '.join(times[:NAMED_MAX])}{more}"
            )


def _told(outcome: VerifyOutcome, seconds: float) -> str:
    counts = outcome.counts
    text = (
        f"{outcome.candles:,} candles read again in {duration(seconds)} ({outcome.pages:,} pages): "
        f"{counts['corrected']:,} corrected, {counts['added']:,} added, {counts['healed']:,} healed"
    )
    for number, what in (
        (counts["rows refused"], "rows refused"),
        (outcome.held, "pages held back"),
        (outcome.failed, "pages left out"),
        (len(outcome.unknown), "candles that the exchange does not have"),
    ):
        if number:
            text += f", {number:,} {what}"
    return text
