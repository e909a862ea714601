"""`flask import`: takes in what `flask export` wrote, through the script that the fetcher uses.

Never here: another way into the store; files that no manifest vouches for.
Invariant: nothing is stored before every file has proved to be what the manifest says; importing
twice changes nothing the second time.
"""

from __future__ import annotations

import gzip
import time
import zlib
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final

import click
from redis import Redis

from truecandle.admin import manifest
from truecandle.admin.context import CommandContext, pass_context, reported
from truecandle.admin.export import members
from truecandle.admin.manifest import ManifestEntry
from truecandle.admin.progress import Progress
from truecandle.candles.candle import official_from_row
from truecandle.candles.decimals import is_moment
from truecandle.candles.series import Series, parse_series
from truecandle.errors import CandleError
from truecandle.exact_json import loads
from truecandle.ingest.official_writer import OfficialWriter
from truecandle.store.official import PAGE_CANDLES_MAX, Query

Row = list[object]

#: Rows that are stored, and told of, at once.
BATCH_ROWS: Final = 5_000
LINE_BYTES_MAX: Final = 1_000


@click.command("import")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--replace", is_flag=True, help="Let the files win where the store has it otherwise.")
@pass_context
@reported
def intake(context: CommandContext, folder: Path, replace: bool) -> None:
    """Take in the candles of an export. What is stored already stays as it is."""
    entries = manifest.read(folder)
    for entry in entries:
        _verify(folder, entry)
    writer = context.writer()
    with Progress() as progress:
        for entry in entries:
            began_s = time.monotonic()
            progress.begin(entry.file, entry.candles)
            counts = take(context.redis, writer, folder, entry, progress, replace=replace)
            seconds = time.monotonic() - began_s
            progress.say(f"{entry.file}: {_told(counts)} in {seconds:.1f} s")


def take(
    redis: Redis,
    writer: OfficialWriter,
    folder: Path,
    entry: ManifestEntry,
    progress: Progress,
    *,
    replace: bool,
) -> Counter[str]:
    """Stores one file; counts of candles by what became of them."""
    series = parse_series(entry.symbol, entry.interval)
    told: Counter[str] = Counter()
    lines = _lines(folder / entry.file, entry)
    while batch := list(islice(lines, BATCH_ROWS)):
        stored = {} if replace else _stored(redis, series, batch)
        rows = [row for row in batch if row[0] not in stored]
        differing = [row for row in batch if row[0] in stored and stored[row[0]] != _member(row)]
        before = Counter(writer.counts)
        opens = writer.write(series, rows, "backfill", by="import", accept=True) if rows else set()
        for name in ("added", "corrected", "healed"):
            told[name] += writer.counts[name] - before[name]
        told["refused"] += len(rows) - len(opens)
        told["kept although the file differs"] += len(differing)
        progress.advance(len(batch))
    told["known"] = max(0, entry.candles - sum(told.values()))
    return told


def _verify(folder: Path, entry: ManifestEntry) -> None:
    path = folder / entry.file
    if not path.is_file():
        raise CandleError("file", entry.file, "there, as the manifest says")
    if (found := manifest.digest(path)) != entry.sha256:
        raise CandleError("sha256", found, f"{entry.sha256} for {entry.file}")


def _lines(path: Path, entry: ManifestEntry) -> Iterator[Row]:
    """The file's rows, as REST has them."""
    try:
        with gzip.open(path, "rb") as file:
            for number in range(entry.candles + (entry.form == "csv")):
                line = file.readline(LINE_BYTES_MAX)
                if number or entry.form != "csv":
                    yield _row(line, entry)
            if file.read(1):
                raise CandleError("file", entry.file, f"{entry.candles} candles")
    except (EOFError, OSError, zlib.error) as error:
        raise CandleError("file", entry.file, "a gzip file") from error


def _row(line: bytes, entry: ManifestEntry) -> Row:
    try:
        row = loads(b"[" + line + b"]" if entry.form == "csv" else line)
    except (ValueError, RecursionError) as error:
        raise CandleError("line", line, f"a candle of {entry.candles} in {entry.file}") from error
    if not isinstance(row, list) or not row:
        raise CandleError("line", line, "12 fields")
    return row


def _stored(redis: Redis, series: Series, batch: list[Row]) -> dict[object, bytes]:
    """What is stored at the open times of a batch, and between them."""
    times = [row[0] for row in batch if is_moment(row[0])]
    if not times:
        return {}
    span = Query(PAGE_CANDLES_MAX, min(times), max(times) + 1)
    return dict(members(redis, series, span))


def _member(row: Row) -> bytes:
    try:
        return official_from_row(row).member().encode()
    except CandleError:
        return b""


def _told(counts: Counter[str]) -> str:
    named = [f"{count:,} {name}" for name, count in counts.items() if count or name == "added"]
    return ", ".join(named)
