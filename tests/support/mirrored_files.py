"""What lies in the folder of a mirror, read as anybody's program would, and what ought to.

Never here: assertions; the code that writes the files.
Invariant: numbers are compared as the exchange's own text.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq
from redis import Redis

from tests.support.sample_candles import HOURS, MINUTE_MS, row
from truecandle.candles.series import Series
from truecandle.mirror.folder import MirrorFolder
from truecandle.mirror.series_mirror import MirrorOutcome, SeriesMirror
from truecandle.store import official, pages

#: Later than any candle of these tests.
LATE_MS = 1_900_000_000_000
TIMES = ("time", "close_time")


class Placed(NamedTuple):
    """By which a file that was written again is known."""

    inode: int
    mtime_ns: int


def store(redis: Redis, series: Series, *rows: Any) -> None:
    official.upsert_klines(redis, series, rows, now_ms=LATE_MS, settle_ms=0)


def hours(first: int, count: int, close: str = "8.50000000") -> list[Any]:
    return [row(number, close) for number in range(first, first + count)]


def minutes(first: int, count: int) -> list[Any]:
    """Of which each closes elsewhere than its neighbours."""
    return [
        row(number, f"8.{number % 99:02}0{number % 7}0000", MINUTE_MS)
        for number in range(first, first + count)
    ]


def mirror(redis: Redis, root: Path, series: Series = HOURS, **options: Any) -> MirrorOutcome:
    """One run."""
    folder, since_ms = MirrorFolder(root), options.pop("since_ms", 0)
    with folder.held("an instance"):
        return SeriesMirror(redis, folder, "simulated", **options).mirror(series, since_ms)


def placed(root: Path) -> dict[str, Placed]:
    """Every Parquet file, by its path."""
    return {
        str(path.relative_to(root)): Placed(path.lstat().st_ino, path.lstat().st_mtime_ns)
        for path in sorted(root.rglob("*.parquet"))
    }


def content(root: Path) -> dict[str, bytes]:
    """All that is there but what the mirror knows for itself."""
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and ".truecandle" not in path.parts
    }


def lines(path: Path) -> list[str]:
    """The rows of a file as lines of the exchange's own text, times in ms."""
    columns = []
    table = pq.ParquetFile(path).read()
    for name in table.schema.names:
        column = table.column(name)
        values = column.cast("int64") if name in TIMES else column
        columns.append([plain(value) for value in values.to_pylist()])
    return [",".join(fields) for fields in zip(*columns, strict=True)]


def plain(value: Decimal | int) -> str:
    text = f"{value:f}" if isinstance(value, Decimal) else str(value)
    return text.rstrip("0").rstrip(".") if "." in text else text


def stored_lines(redis: Redis, series: Series) -> list[str]:
    """The same of what is stored, whichever half it lies in."""
    found, start_ms = list[str](), 0
    while True:
        page = pages.read(redis, series, pages.Query(pages.PAGE_CANDLES_MAX, start_ms))
        found += [member.decode()[1:-1].rpartition(",")[0] for member in page.members]
        if not page.has_more:
            return found
        start_ms = int(found[-1].partition(",")[0]) + 1
