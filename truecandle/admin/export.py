"""`flask export`: official candles of any range as gzipped CSV or JSON lines, with a manifest.

Never here: live candles, floats.
Invariant: what is exported twice from the same candles is the same bytes; junk never leaves.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, get_args

import click
from redis import Redis

from truecandle.admin import manifest
from truecandle.admin.context import CommandContext, pass_context, reported
from truecandle.admin.manifest import Form, ManifestEntry
from truecandle.admin.moments import series_of, shown, span_options
from truecandle.binance.archive import folder as unfolded
from truecandle.candles.candle import FIELDS
from truecandle.candles.interval import LAST_MS
from truecandle.candles.series import Series
from truecandle.store import official
from truecandle.store.columns import own_time
from truecandle.store.official import PAGE_CANDLES_MAX, Query

GZIP_LEVEL: Final = 6
#: Nobody wants an archive of nothing; a span in a wrong unit looks like this.
EMPTY: Final = (
    "none of these candles is stored, so nothing was written; flask backfill fetches them"
)


@click.command("export")
@click.argument("names", nargs=-1, metavar="SYMBOL INTERVAL [SYMBOL INTERVAL]...")
@click.option("--into", required=True, type=click.Path(path_type=Path), help="A new folder.")
@span_options
@click.option(
    "--form", type=click.Choice(get_args(Form)), default="csv", show_default=True, help="Of a file."
)
@pass_context
@reported
def export(
    context: CommandContext,
    names: tuple[str, ...],
    into: Path,
    start_ms: int | None,
    end_ms: int | None,
    form: Form,
) -> None:
    """Write official candles into a new folder, for `flask import` or for anything else."""
    series = series_of(names)
    if (into / manifest.NAME).exists():
        raise click.ClickException(f"there is an export in {into} already; name another folder")
    into.mkdir(parents=True, exist_ok=True)
    entries = []
    for one in series:
        span = Query(PAGE_CANDLES_MAX, start_ms or 0, LAST_MS if end_ms is None else end_ms)
        entry = write(context.redis, one, span, into, form)
        entries.append(entry)
        click.echo(f"{entry.file}: {entry.candles:,} candles{_range(entry)}")
    if not any(entry.candles for entry in entries):
        for entry in entries:
            (into / entry.file).unlink()
        raise click.ClickException(EMPTY)
    made_at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    click.echo(manifest.write(into, entries, made_at))


def write(redis: Redis, series: Series, span: Query, folder: Path, form: Form) -> ManifestEntry:
    """One file with the candles of a series in [start_ms, end_ms)."""
    name = f"{series.symbol}-{unfolded(series.interval.name)}.{form}.gz"
    part = folder / f"{name}.part"
    candles, first, last = 0, None, None
    with part.open("wb") as out, gzip.GzipFile("", "wb", GZIP_LEVEL, out, mtime=0) as packed:
        if form == "csv":
            packed.write(",".join(field.replace(" ", "_") for field in FIELDS).encode() + b"\n")
        for open_ms, member in members(redis, series, span):
            packed.write((member[1:-1] if form == "csv" else member) + b"\n")
            first, last, candles = open_ms if first is None else first, open_ms, candles + 1
    path = part.replace(folder / name)
    return ManifestEntry(
        file=name,
        symbol=series.symbol,
        interval=series.interval.name,
        form=form,
        candles=candles,
        first=first,
        last=last,
        bytes=path.stat().st_size,
        sha256=manifest.digest(path),
    )


def members(redis: Redis, series: Series, span: Query) -> Iterator[tuple[int, bytes]]:
    """Open times and members, ascending, each open time once; what is not ours is left out."""
    last_ms, start_ms = -1, span.start_ms
    while True:
        query = Query(PAGE_CANDLES_MAX, start_ms, span.end_ms)
        page = official.read(redis, series, query)
        for member in page.members:
            open_ms = own_time(member)
            if open_ms is not None and open_ms > last_ms:
                last_ms = open_ms
                yield open_ms, member
        if not page.has_more or start_ms == last_ms + 1:
            return
        start_ms = last_ms + 1


def _range(entry: ManifestEntry) -> str:
    return "" if entry.first is None else f", {shown(entry.first)} to {shown(entry.last)}"
