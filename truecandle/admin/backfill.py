"""`flask backfill`: deep history, as far back as the exchange has it.

Never here: how holes are filled (`backfiller`).
Invariant: it may be ended at any moment, even by a power cut; the same command goes on from there.
"""

from __future__ import annotations

import sys
import time
from typing import get_args
from urllib.parse import urlsplit

import click

from truecandle.admin.archive_import import ArchiveImport
from truecandle.admin.backfiller import Backfiller, BackfillOutcome, BackfillRequest, Scope
from truecandle.admin.context import CommandContext, pass_context, reported
from truecandle.admin.moments import series_of, shown, span_options
from truecandle.admin.plan import Cost, Source
from truecandle.admin.progress import Progress, duration
from truecandle.binance.archive import Archive
from truecandle.config import Settings
from truecandle.errors import ExchangeRefused

#: Whose candles the archives hold.
_BINANCE = (".binance.com", ".binance.vision")


@click.command("backfill")
@click.argument("names", nargs=-1, metavar="SYMBOL INTERVAL [SYMBOL INTERVAL]...")
@span_options
@click.option(
    "--source",
    type=click.Choice(get_args(Source)),
    default="auto",
    show_default=True,
    help="Archives where they spare requests, wherever there are any, or never.",
)
@click.option("--dry-run", is_flag=True, help="Only say what it would take.")
@pass_context
@reported
def backfill(
    context: CommandContext,
    names: tuple[str, ...],
    start_ms: int | None,
    end_ms: int | None,
    source: Source,
    dry_run: bool,
) -> None:
    """Fetch all official candles that are missing between two days; all there are by default.

    Ended at any moment, the same command goes on where it was. It shares the request weight with
    the running fetcher and leaves it what a candle's close needs.
    """
    wanted = [BackfillRequest(series, start_ms, end_ms, source) for series in series_of(names)]
    archive = _archive(context.settings, source)
    try:
        with context.run() as run:
            folder = context.settings.var_dir / "archive"
            backfiller = Backfiller(run, ArchiveImport(run, archive, folder) if archive else None)
            if dry_run:
                _estimate(backfiller, wanted, run.progress)
            elif not all([_fill(backfiller, one, run.progress) for one in wanted]):
                sys.exit(1)
    except KeyboardInterrupt:
        raise click.ClickException("stopped; the same command goes on from here") from None
    finally:
        if archive:
            archive.close()


def has_archives(settings: Settings) -> bool:
    """Whether the archives hold the candles of the exchange that REST asks."""
    if settings.binance_archive_url != Settings().binance_archive_url:
        return True
    host = urlsplit(settings.binance_rest_url).hostname or ""
    return host.endswith(_BINANCE)


def _archive(settings: Settings, source: Source) -> Archive | None:
    if has_archives(settings):
        url = settings.binance_archive_url
        return Archive(url, settings.egress.route(url))
    if source == "archive":
        raise click.UsageError(
            f"{settings.binance_rest_url} is not Binance; where its archives are says "
            "BINANCE_ARCHIVE_URL"
        )
    return None


def _estimate(backfiller: Backfiller, wanted: list[BackfillRequest], progress: Progress) -> None:
    total = Cost()
    for one in wanted:
        try:
            scope = backfiller.scope(one)
        except ExchangeRefused as error:
            progress.say(f"{one.series}: {error}")
            continue
        cost = backfiller.cost(scope)
        total += cost
        progress.say(f"{_title(scope)}: {_priced(cost)}")
    if len(wanted) > 1:
        progress.say(f"all together: {_priced(total)}")


def _fill(backfiller: Backfiller, wanted: BackfillRequest, progress: Progress) -> bool:
    """Fills one series and says how it went; whether nothing was left out."""
    began_s = time.monotonic()
    try:
        scope = backfiller.scope(wanted)
    except ExchangeRefused as error:
        progress.say(f"{wanted.series}: {error}")
        return False
    if not scope.candles:
        progress.say(f"{_title(scope)}: nothing is missing")
        return True
    progress.begin(str(scope.series), scope.candles)
    outcome = backfiller.fill(scope)
    progress.say(f"{_title(scope)}: {_done(outcome, time.monotonic() - began_s)}")
    return not outcome.skipped_pages


def _title(scope: Scope) -> str:
    return f"{scope.series} from {shown(scope.span.start_ms)} to {shown(scope.span.end_ms)}"


def _priced(cost: Cost) -> str:
    if not cost.candles:
        return "nothing is missing"
    return (
        f"{cost.candles:,} candles missing; {cost.files:,} archives, {cost.pages:,} pages by REST; "
        f"{cost.requests:,} requests, weight {cost.weight:,}, about {cost.minutes:,} min"
    )


def _done(outcome: BackfillOutcome, seconds: float) -> str:
    text = (
        f"{outcome.added:,} candles added in {duration(seconds)} "
        f"({outcome.files:,} archives, {outcome.pages:,} pages by REST)"
    )
    refused = sum(outcome.refused.values())
    if refused:
        text += f"; {refused:,} rows of archives refused"
    if outcome.skipped_pages:
        text += f"; {outcome.skipped_pages:,} pages left out, ask again"
    if outcome.absent:
        text += f"; {outcome.absent:,} candles the exchange does not have"
    return text
