"""Parameters of the REST paths, checked: which series, which candles, in what form.

Never here: Redis, answers.
Invariant: an unknown, repeated or malformed parameter is refused by name, never ignored.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from werkzeug.datastructures import MultiDict

from truecandle.candles.decimals import whole_in_text
from truecandle.candles.interval import LAST_MS
from truecandle.candles.series import Series, parse_series, parse_symbol
from truecandle.errors import CandleError
from truecandle.store.pages import PAGE_CANDLES_MAX, Query
from truecandle.web.errors import Problem
from truecandle.web.followed_markets import Markets

LIMIT_USUAL: Final = 500
#: Entries of a list, such as an audit.
LISTED_USUAL: Final = 100
SERIES_PARAMETERS: Final = ("symbol", "interval")
LIST_PARAMETERS: Final = (*SERIES_PARAMETERS, "limit", "start", "end")
#: What may be asked of official candles alone.
PLAIN_PARAMETERS: Final = (*LIST_PARAMETERS, "before", "time")
DATA_PARAMETERS: Final = (*PLAIN_PARAMETERS, "live", "marks")

_ISO = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,3}))?Z",
    re.ASCII,
)
_TIME_ALLOWED: Final = f"0 to {LAST_MS} (ms since 1970), or 2024-01-01T18:00:00.000Z"


@dataclass(frozen=True, slots=True)
class DataQuery:
    """What a `/data` request asks for. `key` is the same for requests that mean the same."""

    series: Series
    query: Query
    is_iso: bool
    is_live: bool
    is_marked: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether official candles are all it asks for."""
        return not (self.is_live or self.is_marked)

    @property
    def key(self) -> str:
        q = self.query
        return (
            f"{self.series.name} {q.limit} {q.start_ms} {q.end_ms} {q.before_ms} "
            f"{self.is_iso} {self.is_live} {self.is_marked}"
        )


@dataclass(frozen=True, slots=True)
class ListQuery:
    """Which entries of a series' list: the newest `limit` about candles in [start_ms, end_ms);
    None: without that end.
    """

    series: Series
    limit: int
    start_ms: int | None
    end_ms: int | None
    has_summary: bool = True

    def is_about(self, open_ms: int, end_ms: int | None = None) -> bool:
        """Whether it lies in the range: the candle that opens then, or a part of a longer span."""
        is_after = self.end_ms is not None and open_ms >= self.end_ms
        last_ms = open_ms if end_ms is None else end_ms - 1
        return not is_after and (self.start_ms is None or last_ms >= self.start_ms)


def parse_data_query(markets: Markets, args: MultiDict[str, str]) -> DataQuery:
    """A `/data` request; `CandleError` or `Problem` 404 for what cannot be answered."""
    values = _single(args, DATA_PARAMETERS)
    start_ms, end_ms = _range(values)
    query = Query(
        limit=_limit(values.get("limit")),
        start_ms=start_ms,
        end_ms=end_ms,
        before_ms=_moment("before", values.get("before")),
    )
    return DataQuery(
        series=_followed(markets, values),
        query=query,
        is_iso=_one_of("time", values.get("time", "iso"), ("iso", "ms")) == "iso",
        is_live=_one_of("live", values.get("live", "0"), ("0", "1")) == "1",
        is_marked=_one_of("marks", values.get("marks", "0"), ("0", "1")) == "1",
    )


def series_of(markets: Markets, args: MultiDict[str, str]) -> Series:
    """The series of a request that names nothing else."""
    return _followed(markets, _single(args, SERIES_PARAMETERS))


def parse_list_query(
    markets: Markets, args: MultiDict[str, str], limit_max: int, *more: str
) -> ListQuery:
    """The series whose list is asked for, and which of its entries; `more` parameters are 0 or 1,
    1 if not given.
    """
    values = _single(args, (*LIST_PARAMETERS, *more))
    limit = _limit(values.get("limit"), LISTED_USUAL, limit_max)
    start_ms, end_ms = _range(values)
    has_summary = _one_of("summary", values.get("summary", "1"), ("0", "1")) == "1"
    return ListQuery(_followed(markets, values), limit, start_ms, end_ms, has_summary)


def parse_symbols_query(args: MultiDict[str, str], most: int) -> list[str]:
    """The markets that `symbols=A,B` names, each once; none where it is not given."""
    text = _single(args, ("symbols",)).get("symbols")
    if text is None:
        return []
    names = text.split(",", most)
    if len(names) > most:
        raise CandleError("symbols", f"{text.count(',') + 1} of them", f"{most} at most")
    return list(dict.fromkeys(map(parse_symbol, names)))


def reject_parameters(args: MultiDict[str, str]) -> None:
    """For paths that take no parameters."""
    if args:
        raise CandleError("parameter", next(iter(args)), "none here")


def followed(markets: Markets, symbol: object, interval: object) -> Series:
    """A followed series: `CandleError` if it is none at all, `Problem` 404 if not followed here."""
    series = parse_series(symbol, interval)
    if series.symbol not in markets.symbols:
        detail = f"{series.symbol} is not followed here; followed: {', '.join(markets.symbols)}"
        raise Problem(404, "unknown-market", detail)
    if series.interval.name not in markets.intervals:
        names = ", ".join(markets.intervals)
        detail = f"{series.interval.name} is not followed here; followed: {names}"
        raise Problem(404, "unknown-interval", detail)
    return series


def _followed(markets: Markets, values: dict[str, str]) -> Series:
    for name in SERIES_PARAMETERS:
        if name not in values:
            allowed = markets.symbols if name == "symbol" else markets.intervals
            raise Problem(400, "parameter", f"{name} is missing; followed: {', '.join(allowed)}")
    return followed(markets, values["symbol"], values["interval"])


def _single(args: MultiDict[str, str], allowed: Sequence[str]) -> dict[str, str]:
    for name, values in args.lists():
        if name not in allowed:
            raise CandleError("parameter", name, ", ".join(allowed))
        if len(values) != 1:
            raise CandleError(name, values, "one value, given once")
    return args.to_dict()


def _limit(text: str | None, usual: int = LIMIT_USUAL, most: int = PAGE_CANDLES_MAX) -> int:
    if text is None:
        return usual
    number = whole_in_text(text, 1, most)
    if number is None:
        raise CandleError("limit", text, f"a whole number from 1 to {most}")
    return number


def _range(values: dict[str, str]) -> tuple[int | None, int | None]:
    start_ms = _moment("start", values.get("start"))
    end_ms = _moment("end", values.get("end"))
    if start_ms is not None and end_ms is not None and start_ms > end_ms:
        raise CandleError("start", values["start"], "a time not after `end`")
    return start_ms, end_ms


def _moment(name: str, text: str | None) -> int | None:
    if text is None:
        return None
    ms = whole_in_text(text, 0, LAST_MS)
    if ms is None:
        ms = _from_iso(text)
    if ms is None or not 0 <= ms <= LAST_MS:
        raise CandleError(name, text, _TIME_ALLOWED)
    return ms


def _from_iso(text: str) -> int | None:
    match = _ISO.fullmatch(text)
    if not match:
        return None
    *fields, fraction = match.groups(default="0")
    try:
        moment = datetime(*map(int, fields), tzinfo=UTC)  # type: ignore[misc,arg-type]
    except ValueError:
        return None
    return int(moment.timestamp()) * 1000 + int(fraction.ljust(3, "0"))


def _one_of(name: str, text: str, allowed: tuple[str, ...]) -> str:
    if text in allowed:
        return text
    raise CandleError(name, text, " or ".join(allowed))
