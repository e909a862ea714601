"""What a `/data` request in another form asks for: several series, a format, fields, all there is.

Never here: Redis, how a format is written (`data_formats`, `data_tables`).
Invariant: a combination that cannot be honoured is refused by name; no parameter is ignored.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, get_args

from truecandle.candles.series import Series
from truecandle.errors import CandleError
from truecandle.store.columns import FIELDS
from truecandle.store.pages import PAGE_CANDLES_MAX, Query
from truecandle.web.followed_markets import Markets
from truecandle.web.parameters import (
    BEFORE,
    END,
    INTERVAL,
    START,
    SYMBOL,
    Parameter,
    choice,
    text,
)
from truecandle.web.query import (
    LIMIT,
    LIVE,
    MARKS,
    SERIES,
    TIME,
    followed,
    followed_series,
    time_range,
)

Format = Literal["columns", "rows", "binance", "csv", "ndjson", "arrow", "parquet"]
Decimals = Literal["number", "string", "float"]

#: Series that one request may name.
SERIES_MAX: Final = 50
ALL: Final = "all"
#: What is given without `fields`.
FIELDS_USUAL: Final = FIELDS[:6]
TABLES: Final[tuple[Format, ...]] = ("arrow", "parquet")

FORMAT: Final = choice(
    "format",
    "`columns` or `rows` (as ccxt has them) or `binance` (as its klines) of JSON, `csv`, `ndjson`, "
    "an `arrow` IPC stream, or `parquet`.",
    get_args(Format),
    "columns",
)
DECIMALS: Final = choice(
    "decimals",
    "`number`: exact in the format's own numbers. `string`: exact as text. `float`: rounded to "
    "64 bits, for `arrow` and `parquet`.",
    get_args(Decimals),
    "number",
)
FIELD_NAMES: Final = text(
    "fields",
    f"Which fields, in which order, separated by commas; `{ALL}` or any of {', '.join(FIELDS)}.",
    {"default": ",".join(FIELDS_USUAL)},
    required=False,
)
SERIES_NAMES: Final = text(
    "series",
    f"Several series in one answer, in place of `symbol` and `interval`; {SERIES_MAX} at most.",
    {"examples": ["BTCUSDT:1h,ETHUSDT:1h"]},
    required=False,
)
#: What asks for another form than the usual one.
FORMS: Final = (SERIES_NAMES, FORMAT, FIELD_NAMES, DECIMALS)
#: `symbol` and `interval` where `series` may stand in their place.
_ONE_SERIES: Final = tuple(replace(one, is_required=False) for one in SERIES)
_LIMIT: Final = replace(LIMIT, schema={"anyOf": [LIMIT.schema, {"const": ALL}]})
#: All that `/data` takes.
DATA: Final[tuple[Parameter[Any], ...]] = (
    *_ONE_SERIES,
    _LIMIT,
    START,
    END,
    BEFORE,
    TIME,
    LIVE,
    MARKS,
    *FORMS,
)


@dataclass(frozen=True, slots=True)
class DataRequest:
    """One request. With `is_all` every candle of the range is given, however many there are.

    `key` is the same for requests that mean the same.
    """

    series: tuple[Series, ...]
    query: Query
    is_all: bool
    format: Format
    fields: tuple[str, ...]
    decimals: Decimals
    is_iso: bool

    @property
    def is_page(self) -> bool:
        """Whether it is one page of one series: of one instant, and small enough to be held."""
        return len(self.series) == 1 and not self.is_all

    @property
    def key(self) -> str:
        q = self.query
        names = ",".join(one.name for one in self.series)
        return (
            f"{names} {self.is_all} {q.limit} {q.start_ms} {q.end_ms} {q.before_ms} {self.format} "
            f"{self.fields} {self.decimals} {self.is_iso}"
        )


def is_other(values: Mapping[str, str]) -> bool:
    """Whether more is asked for than columns in their usual form."""
    given = {name for name in (one.name for one in FORMS) if name in values}
    if values.get(FORMAT.name) == "columns":
        given.discard(FORMAT.name)
    return bool(given) or values.get(LIMIT.name) == ALL


def parse_data_request(markets: Markets, values: dict[str, str]) -> DataRequest:
    """A request; `CandleError` or `Problem` 404 for what cannot be answered."""
    form: Any = FORMAT.read(values)
    decimals: Any = DECIMALS.read(values)
    is_all = values.get(LIMIT.name) == ALL
    for one in (LIVE, MARKS):
        _refuse(one, values, "with columns in their usual form", is_refused=one.read(values))
    if is_all:
        _refuse(LIMIT, values, "in every format but columns", is_refused=form == "columns")
        _refuse(BEFORE, values, "with a number as `limit`; `end` ends a range")
    if form == "binance":
        for free in (FIELD_NAMES, TIME, DECIMALS):
            _refuse(free, values, "in every format but binance")
    if form == "csv":
        _refuse(DECIMALS, values, "in every format but csv, which is text")
    elif decimals == "float":
        _refuse(DECIMALS, values, "in arrow and parquet", is_refused=form not in TABLES)
    start_ms, end_ms = time_range(values)
    limit = PAGE_CANDLES_MAX if is_all else LIMIT.read(values)
    is_iso = TIME.read({"time": "ms"} | values if form in ("rows", "binance") else values) == "iso"
    return DataRequest(
        series=_series(markets, values),
        query=Query(limit, start_ms, end_ms, BEFORE.read(values)),
        is_all=is_all,
        format=form,
        fields=FIELDS if form == "binance" else _fields(values),
        decimals=decimals,
        is_iso=is_iso,
    )


def _refuse(
    one: Parameter[Any], values: Mapping[str, str], allowed: str, *, is_refused: bool = True
) -> None:
    if is_refused and one.name in values:
        raise CandleError(one.name, values[one.name], f"it {allowed}")


def _fields(values: Mapping[str, str]) -> tuple[str, ...]:
    given = FIELD_NAMES.read(values)
    if FIELD_NAMES.name not in values:
        return FIELDS_USUAL
    if given == ALL:
        return FIELDS
    names = given.split(",", len(FIELDS))
    if not set(names) <= set(FIELDS) or len(set(names)) < len(names):
        raise CandleError("fields", given, f"{ALL}, or each at most once of {', '.join(FIELDS)}")
    return tuple(names)


def _series(markets: Markets, values: dict[str, str]) -> tuple[Series, ...]:
    if SERIES_NAMES.name not in values:
        return (followed_series(markets, values),)
    for one in (SYMBOL, INTERVAL):
        _refuse(one, values, "without `series`")
    names = values[SERIES_NAMES.name].split(",", SERIES_MAX)
    if len(names) > SERIES_MAX:
        raise CandleError("series", "a longer list", f"{SERIES_MAX} at most")
    found = []
    for name in names:
        symbol, colon, interval = name.partition(":")
        if not colon:
            raise CandleError("series", name, "SYMBOL:INTERVAL, separated by commas")
        found.append(followed(markets, symbol, interval))
    return tuple(dict.fromkeys(found))
