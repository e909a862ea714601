"""`/data` as text, piece by piece: JSON in columns, rows and Binance's rows, CSV, JSON lines.

Never here: Redis, Arrow and Parquet (`data_tables`), which candles.
Invariant: every price and volume is the stored decimal text; the pieces of one answer, in order,
are one document, however many pages its candles come in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from truecandle.candles.series import Series
from truecandle.exact_json import dumps
from truecandle.store.columns import FIELDS, TIMES, WHOLE, all_columns, iso
from truecandle.store.pages import Page
from truecandle.web.data_request import DataRequest

_BINANCE: Final = (*FIELDS, "unused")
#: The decimals that the exchange always writes.
_PLACES: Final = 8

MIMETYPES: Final = {
    "columns": "application/json",
    "rows": "application/json",
    "binance": "application/json",
    "csv": "text/csv",
    "ndjson": "application/x-ndjson",
    "arrow": "application/vnd.apache.arrow.stream",
    "parquet": "application/vnd.apache.parquet",
}


class SeriesPages(NamedTuple):
    """A series and its pages, in order."""

    series: Series
    pages: Iterable[Page]


def pieces(asked: DataRequest, found: Iterable[SeriesPages]) -> Iterator[bytes]:
    """The document."""
    return _WRITERS[asked.format](asked, found)


def padded(text: bytes) -> bytes:
    """Decimal text as the exchange writes it: with eight decimals, or more where there are."""
    whole, _, fraction = text.partition(b".")
    return b"%b.%b" % (whole, fraction.ljust(_PLACES, b"0"))


def binance_rows(members: Sequence[bytes], unit: int = 1) -> list[bytes]:
    """Stored members as rows of `klines`; `unit`: 1 for times in ms, 1000 for µs."""
    columns = dict(zip(_BINANCE, all_columns(members), strict=True))
    for name in set(_BINANCE) - WHOLE - {"unused"}:
        columns[name] = [b'"%b"' % padded(text) for text in columns[name]]
    columns["unused"] = [b'"%b"' % text for text in columns["unused"]]
    if unit > 1:
        columns["time"] = [b"%d" % (int(text) * unit) for text in columns["time"]]
        ends = columns["close_time"]
        columns["close_time"] = [b"%d" % ((int(text) + 1) * unit - 1) for text in ends]
    return [b"[%b]" % b",".join(row) for row in zip(*columns.values(), strict=True)]


def _columns(asked: DataRequest, found: Iterable[SeriesPages]) -> Iterator[bytes]:
    """One object; of several series a list of them."""
    is_one = len(asked.series) == 1
    if not is_one:
        yield b'{"series":['
    for place, (series, pages) in enumerate(found):
        for page in pages:
            columns = _chosen(asked, page, quoted=asked.decimals == "string")
            count = len(columns[0])
            lists = [
                b'"%b":[%b]' % (name.encode(), b",".join(column))
                for name, column in zip(asked.fields, columns, strict=True)
            ]
            yield b'%b{%b,"version":%d,"count":%d,%b,"has_more":%b}' % (
                *(b"," if place else b"", _names(series), page.version, count),
                *(b",".join(lists), dumps(page.has_more)),
            )
    if not is_one:
        yield b"]}"


def _rows(asked: DataRequest, found: Iterable[SeriesPages]) -> Iterator[bytes]:
    def row_texts(page: Page) -> list[bytes]:
        columns = _chosen(asked, page, quoted=asked.decimals == "string")
        return [b"[%b]" % b",".join(row) for row in zip(*columns, strict=True)]

    return _arrays(asked, found, row_texts)


def _binance(asked: DataRequest, found: Iterable[SeriesPages]) -> Iterator[bytes]:
    return _arrays(asked, found, lambda page: binance_rows(page.members))


def _arrays(
    asked: DataRequest, found: Iterable[SeriesPages], row_texts: Callable[[Page], list[bytes]]
) -> Iterator[bytes]:
    """One array of rows; of several series an object of them, by their names."""
    is_one = len(asked.series) == 1
    for place, (series, pages) in enumerate(found):
        if not is_one:
            yield b"%b%b:" % (b"," if place else b"{", dumps(series.name))
        yield b"["
        comma = b""
        for page in pages:
            rows = row_texts(page)
            if rows:
                yield comma + b",".join(rows)
                comma = b","
        yield b"]"
    if not is_one:
        yield b"}"


def _csv(asked: DataRequest, found: Iterable[SeriesPages]) -> Iterator[bytes]:
    """A line of names, a line a candle; with several series each line begins with its own."""
    is_one = len(asked.series) == 1
    names = asked.fields if is_one else ("symbol", "interval", *asked.fields)
    yield ",".join(names).encode() + b"\n"
    for series, pages in found:
        first = b"" if is_one else f"{series.symbol},{series.interval.name},".encode()
        for page in pages:
            columns = _chosen(asked, page, quoted=False, is_json=False)
            rows = [first + b",".join(row) for row in zip(*columns, strict=True)]
            if rows:
                yield b"\n".join(rows) + b"\n"


def _ndjson(asked: DataRequest, found: Iterable[SeriesPages]) -> Iterator[bytes]:
    """A JSON object a line; with several series each names its own."""
    is_one = len(asked.series) == 1
    form = b",".join(b'"%b":%%b' % name.encode() for name in asked.fields)
    for series, pages in found:
        line = b"{%b}" % (form if is_one else _names(series).replace(b"%", b"%%") + b"," + form)
        for page in pages:
            columns = _chosen(asked, page, quoted=asked.decimals == "string")
            rows = [line % row for row in zip(*columns, strict=True)]
            if rows:
                yield b"\n".join(rows) + b"\n"


def _names(series: Series) -> bytes:
    return b'"symbol":%b,"interval":%b' % (dumps(series.symbol), dumps(series.interval.name))


def _chosen(
    asked: DataRequest, page: Page, *, quoted: bool, is_json: bool = True
) -> list[list[bytes]]:
    """The columns of a page that are asked for, as text; decimals in quotes if `quoted`."""
    cut = dict(zip(FIELDS, all_columns(page.members), strict=False))
    columns: list[list[bytes]] = []
    for name in asked.fields:
        column = cut[name]
        if name in TIMES and asked.is_iso:
            column = iso(column)
            if not is_json:
                column = [text[1:-1] for text in column]
        elif quoted and name not in WHOLE:
            column = [b'"%b"' % text for text in column]
        columns.append(column)
    return columns


_Writer = Callable[[DataRequest, Iterable[SeriesPages]], Iterator[bytes]]
_WRITERS: Final[dict[str, _Writer]] = {
    "columns": _columns,
    "rows": _rows,
    "binance": _binance,
    "csv": _csv,
    "ndjson": _ndjson,
}
