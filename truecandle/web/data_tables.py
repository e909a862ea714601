"""`/data` as tables: an Arrow IPC stream or a Parquet file, piece by piece. Needs pyarrow.

Never here: Redis, formats that are text (`data_formats`).
Invariant: decimals are exact (decimal128 or text) unless `decimals=float` asked for floats; what is
held in memory is one page, or one group of rows of a Parquet file.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from types import ModuleType
from typing import Any, Final

from truecandle.errors import LibraryMissing
from truecandle.store.columns import TIMES, WHOLE, lines
from truecandle.store.tables import PRECISION, SCALE, Table, read_lines
from truecandle.store.tables import pyarrow as load_pyarrow
from truecandle.web.data_formats import SeriesPages
from truecandle.web.data_request import DataRequest
from truecandle.web.errors import Problem

#: Rows of one group of a Parquet file: what a reader takes in at once.
GROUP_ROWS: Final = 20_000

Beside = Callable[..., Any]


def pyarrow() -> ModuleType:
    """The library; `Problem` 501 where it is not installed."""
    try:
        return load_pyarrow()
    except LibraryMissing:
        detail = (
            "Arrow and Parquet need pyarrow, which this server has not installed "
            "(pip install -r requirements-tables.txt). csv and ndjson are always there."
        )
        raise Problem(501, "not-installed", detail) from None


def pieces(asked: DataRequest, found: Iterable[SeriesPages], beside: Beside) -> Iterator[bytes]:
    """The document. `beside(work, *args)` does what takes long to compute."""
    arrow = pyarrow()
    sink = _Sink()
    if asked.format == "arrow":
        writer, rows_min = arrow.ipc.new_stream(sink, schema(arrow, asked)), 0
    else:
        writer = arrow.parquet.ParquetWriter(sink, schema(arrow, asked), compression="zstd")
        rows_min = GROUP_ROWS
    tables = _grouped(arrow, _tables(arrow, asked, found, beside), rows_min)
    for table in tables:
        beside(writer.write_table, table)
        yield sink.taken()
    writer.close()
    yield sink.taken()


def schema(arrow: Any, asked: DataRequest) -> Any:
    """Names and types of the columns."""
    names = () if len(asked.series) == 1 else ("symbol", "interval")
    fields = [(name, arrow.string()) for name in names]
    fields += [(name, _type(arrow, asked, name)) for name in asked.fields]
    return arrow.schema([arrow.field(name, kind, nullable=False) for name, kind in fields])


def _type(arrow: Any, asked: DataRequest, name: str) -> Any:
    if name in WHOLE:
        is_moment = name in TIMES and asked.is_iso
        return arrow.timestamp("ms", "UTC") if is_moment else arrow.int64()
    kinds: dict[str, Callable[[], Any]] = {
        "number": lambda: arrow.decimal128(PRECISION, SCALE),
        "string": arrow.string,
        "float": arrow.float64,
    }
    return kinds[asked.decimals]()


def _tables(
    arrow: Any, asked: DataRequest, found: Iterable[SeriesPages], beside: Beside
) -> Iterator[Table]:
    """A table a page."""
    wanted = schema(arrow, asked)
    for series, pages in found:
        names = () if len(asked.series) == 1 else (series.symbol, series.interval.name)
        for page in pages:
            yield beside(_table, arrow, wanted, names, lines(page.members))


def _table(arrow: Any, wanted: Any, names: tuple[str, ...], text: bytes) -> Table:
    if not text:
        return wanted.empty_table()
    columns = wanted.names[len(names) :]
    kinds = {name: arrow.int64() if name in WHOLE else wanted.field(name).type for name in columns}
    table = read_lines(arrow, text, kinds)
    for place, name in enumerate(names):
        column = arrow.repeat(arrow.scalar(name), table.num_rows)
        table = table.add_column(place, wanted.field(place), column)
    return table.cast(wanted)


def _grouped(arrow: Any, tables: Iterable[Table], rows_min: int) -> Iterator[Table]:
    """Tables put together until they have `rows_min` rows."""
    held: list[Table] = []
    for table in tables:
        held.append(table)
        if sum(one.num_rows for one in held) >= rows_min:
            yield arrow.concat_tables(held)
            held = []
    if held:
        yield arrow.concat_tables(held)


class _Sink(io.RawIOBase):
    """Where a writer of pyarrow writes to; what it wrote is taken away after every table."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[bytes] = []
        self._written = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._written

    def write(self, data: Any) -> int:
        self._parts.append(bytes(data))
        self._written += len(data)
        return len(data)

    def taken(self) -> bytes:
        parts, self._parts = self._parts, []
        return b"".join(parts)
