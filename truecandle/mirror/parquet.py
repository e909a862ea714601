"""The rows of a period as the bytes of a Parquet file, and back. Needs pyarrow.

Never here: the disk, Redis.
Invariant: the same rows and description are the same bytes; what would have to be rounded is
refused. A file says what it holds: series, period, market, version, rows, and their digest.
"""

from __future__ import annotations

import re
from functools import cache
from types import ModuleType
from typing import Any, Final, NamedTuple

from truecandle.candles.series import Series
from truecandle.errors import MirrorRefused
from truecandle.mirror.period_rows import PeriodRows
from truecandle.mirror.periods import Period
from truecandle.store import tables
from truecandle.store.columns import FIELDS, TIMES, WHOLE
from truecandle.store.tables import PRECISION, SCALE, Table

#: How the names of our own metadata begin, and of which form it is.
HEAD: Final = "truecandle."
FORM: Final = "1"
_TOLD: Final = ("form", "symbol", "interval", "version", "rows", "sha256")

#: More digits than either side of the point has room for: nothing of ours.
_TOO_LONG: Final = re.compile(rb"[0-9]{21}")


class FileContent(NamedTuple):
    """A file of ours that was read: its rows, and what it says of itself."""

    table: Table
    symbol: str
    interval: str
    version: int
    rows: int
    sha256: str


def encode(series: Series, period: Period, rows: PeriodRows, market: str, version: int) -> bytes:
    """The bytes of a file; `MirrorRefused` if a number is none of those that can be stored.

    `market`: of which exchange they are. `version` of the series: the rows are not older.
    """
    about = {
        "form": FORM,
        "symbol": series.symbol,
        "interval": series.interval.name,
        "period": period.name,
        "market": market,
        "version": str(version),
        "rows": str(rows.rows),
        "sha256": rows.digest(),
    }
    arrow = _arrow()
    named = {f"{HEAD}{name}".encode(): value.encode() for name, value in about.items()}
    table = expected(series, period, rows).replace_schema_metadata(named)
    sink = arrow.BufferOutputStream()
    # Hardly a number of a day is there twice: dictionaries would cost a fifth of the size.
    arrow.parquet.write_table(table, sink, compression="zstd", use_dictionary=False)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def expected(series: Series, period: Period, rows: PeriodRows) -> Table:
    """The table that a file has to hold."""
    arrow, wanted = _arrow(), _schema()
    kinds = {name: arrow.int64() if name in WHOLE else wanted.field(name).type for name in FIELDS}
    if not rows.rows:
        return wanted.empty_table()
    try:
        if _TOO_LONG.search(rows.text):
            raise ValueError("a number has more digits than any on the exchange")
        return tables.read_lines(arrow, rows.text, kinds).cast(wanted)
    except ValueError as error:
        raise MirrorRefused(f"{series} {period.name} cannot be written exactly: {error}") from error


def decode(content: bytes) -> FileContent:
    """What is in the bytes of a file; `MirrorRefused` if it is none of ours, or damaged."""
    arrow = _arrow()
    try:
        source = arrow.parquet.ParquetFile(arrow.BufferReader(content))
        table = source.read(use_threads=False)
    except (arrow.ArrowException, OSError, ValueError) as error:
        raise MirrorRefused(f"it cannot be read: {error}") from error
    about = table.schema.metadata or {}
    try:
        told = {name: about[f"{HEAD}{name}".encode()].decode() for name in _TOLD}
        version, count = int(told["version"]), int(told["rows"])
    except (LookupError, ValueError):
        told, version, count = {}, 0, 0
    if told.get("form") != FORM or not table.schema.equals(_schema()):
        raise MirrorRefused("it is no file of a mirror")
    named = (told["symbol"], told["interval"], version, count, told["sha256"])
    return FileContent(table.replace_schema_metadata(None), *named)


def rows_of(table: Table) -> dict[int, tuple[Any, ...]]:
    """The rows by their open times (ms), with all times in ms."""
    whole = _arrow().int64()
    columns = [
        table.column(name).cast(whole) if name in TIMES else table.column(name) for name in FIELDS
    ]
    rows = zip(*(column.to_pylist() for column in columns), strict=True)
    return {row[0]: row for row in rows}


@cache
def _arrow() -> ModuleType:
    return tables.pyarrow()


@cache
def _schema() -> Any:
    arrow = _arrow()
    decimal, moment = arrow.decimal128(PRECISION, SCALE), arrow.timestamp("ms", "UTC")
    kinds = {name: moment if name in TIMES else arrow.int64() for name in WHOLE}
    fields = [arrow.field(name, kinds.get(name, decimal), nullable=False) for name in FIELDS]
    return arrow.schema(fields)
