"""Parameters of the REST paths, checked: which series, which candles, in what form.

Never here: Redis, answers.
Invariant: an unknown, repeated or malformed parameter is refused by name, never ignored.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from werkzeug.datastructures import MultiDict

from truecandle.candles.series import Series, parse_series, parse_symbol
from truecandle.errors import CandleError
from truecandle.store.pages import PAGE_CANDLES_MAX, Query
from truecandle.web.errors import Problem
from truecandle.web.followed_markets import Markets
from truecandle.web.parameters import (
    BEFORE,
    END,
    INTERVAL,
    START,
    SYMBOL,
    Parameter,
    choice,
    flag,
    single,
    text,
    whole,
)

#: Entries of a list, such as an audit.
LISTED_USUAL: Final = 100
#: Of what is kept of a series, so many are listed at most.
LISTED_MAX: Final = 1_000
#: Symbols that one request may name.
NAMED_MAX: Final = 200

LIMIT: Final = whole(
    "limit",
    "How many candles; `all` (in other formats than columns) streams every one of the range.",
    1,
    PAGE_CANDLES_MAX,
    500,
)
LISTED: Final = whole("limit", "How many entries.", 1, LISTED_MAX, LISTED_USUAL)
TIME: Final = choice("time", "How open times are written.", ("iso", "ms"), "iso")
LIVE: Final = flag("live", "Adds the pending and forming candles of the same instant.")
MARKS: Final = flag("marks", "Adds which candles were corrected, and the gaps among them.")
SUMMARY: Final = flag("summary", "Whether the figures over all that is known come too.", usual=True)
SYMBOLS: Final = text(
    "symbols",
    f"Up to {NAMED_MAX} markets, separated by commas.",
    {"examples": ["BTCUSDT,DOGEUSDT"]},
    required=False,
)
SERIES: Final = (SYMBOL, INTERVAL)
LIST: Final = (*SERIES, LISTED, START, END)


@dataclass(frozen=True, slots=True)
class DataQuery:
    """What a `/data` request asks for. `key` is the same for requests that mean the same."""

    series: Series
    query: Query
    is_iso: bool
    is_live: bool
    is_marked: bool = False

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


def parse_data_query(markets: Markets, values: dict[str, str]) -> DataQuery:
    """A `/data` request; `CandleError` or `Problem` 404 for what cannot be answered."""
    start_ms, end_ms = time_range(values)
    query = Query(
        limit=LIMIT.read(values), start_ms=start_ms, end_ms=end_ms, before_ms=BEFORE.read(values)
    )
    return DataQuery(
        series=followed_series(markets, values),
        query=query,
        is_iso=TIME.read(values) == "iso",
        is_live=LIVE.read(values),
        is_marked=MARKS.read(values),
    )


def series_of(markets: Markets, args: MultiDict[str, str]) -> Series:
    """The series of a request that names nothing else."""
    return followed_series(markets, single(args, SERIES))


def parse_list_query(
    markets: Markets, args: MultiDict[str, str], *more: Parameter[Any]
) -> ListQuery:
    """The series whose list is asked for, and which of its entries; `more`: what else it takes."""
    values = single(args, (*LIST, *more))
    start_ms, end_ms = time_range(values)
    has_summary = SUMMARY.read(values)
    return ListQuery(
        followed_series(markets, values), LISTED.read(values), start_ms, end_ms, has_summary
    )


def parse_symbols_query(args: MultiDict[str, str], most: int = NAMED_MAX) -> list[str]:
    """The markets that `symbols=A,B` names, each once; none where it is not given."""
    text = single(args, (SYMBOLS,)).get("symbols")
    if text is None:
        return []
    names = text.split(",", most)
    if len(names) > most:
        raise CandleError("symbols", f"{text.count(',') + 1} of them", f"{most} at most")
    return list(dict.fromkeys(map(parse_symbol, names)))


def reject_parameters(args: MultiDict[str, str]) -> None:
    """For paths that take no parameters."""
    single(args, ())


def time_range(values: dict[str, str]) -> tuple[int | None, int | None]:
    """`start` and `end`, of which `end` may not come first."""
    start_ms, end_ms = START.read(values), END.read(values)
    if start_ms is not None and end_ms is not None and start_ms > end_ms:
        raise CandleError("start", values["start"], "a time not after `end`")
    return start_ms, end_ms


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


def followed_series(markets: Markets, values: dict[str, str]) -> Series:
    """The series that `symbol` and `interval` name, both of which have to be there."""
    for name in (SYMBOL.name, INTERVAL.name):
        if name not in values:
            allowed = markets.symbols if name == "symbol" else markets.intervals
            raise Problem(400, "parameter", f"{name} is missing; followed: {', '.join(allowed)}")
    return followed(markets, values["symbol"], values["interval"])
