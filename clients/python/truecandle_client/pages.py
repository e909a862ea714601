"""A page of official candles, and the request that it answers.

Never here: sending requests (`client`, `async_client`), trying again (`reading`).
Invariant: a page is of one instant of its series: `version` says which.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from truecandle_client.candle import Candle, Moment, moment_text, official_from_row
from truecandle_client.errors import Malformed, Problem, problem_of
from truecandle_client.frames import to_pandas, to_polars

if TYPE_CHECKING:
    import pandas
    import polars

#: Candles of a page: what is asked for unless something else is, and the server's maximum.
LIMIT: Final = 1_000
LIMIT_MAX: Final = 5_000

_NEXT: Final = re.compile(r'rel="?next"?')


@dataclass(frozen=True, slots=True)
class Question:
    """One GET."""

    path: str
    params: Mapping[str, str]
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of it; names of headers are small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @classmethod
    def of(cls, status: int, headers: Mapping[str, str], body: bytes) -> Reply:
        """From headers that are spelt in any way."""
        return cls(status, {name.lower(): value for name, value in headers.items()}, body)


@dataclass(frozen=True, slots=True)
class Query:
    """Which candles: from `start` on (the newest ones where it is None), before `end`."""

    symbol: str
    interval: str
    start: str | None
    end: str | None
    limit: int

    @classmethod
    def of(
        cls,
        symbol: str,
        interval: str,
        start: Moment | None,
        end: Moment | None,
        limit: int,
    ) -> Query:
        """As people give it; `ValueError` names what is wrong."""
        if not 1 <= limit <= LIMIT_MAX:
            raise ValueError(f"limit is {limit}; allowed: 1 to {LIMIT_MAX}")
        begin = None if start is None else moment_text("start", start)
        return cls(symbol, interval, begin, None if end is None else moment_text("end", end), limit)

    def question(self, etag: str = "") -> Question:
        params = {"symbol": self.symbol, "interval": self.interval, "limit": str(self.limit)}
        params |= {"format": "rows", "fields": "all", "decimals": "string"}
        params |= {} if self.start is None else {"start": self.start}
        params |= {} if self.end is None else {"end": self.end}
        return Question("/data", params, {"If-None-Match": etag} if etag else {})


@dataclass(frozen=True, slots=True)
class Page:
    """Official candles of one instant, oldest first. `version` grows with every change of the
    series; `etag` is for asking whether this page is still the same (`Client.refresh`).
    """

    query: Query
    candles: tuple[Candle, ...]
    version: int
    etag: str
    has_more: bool

    def __iter__(self) -> Iterator[Candle]:
        return iter(self.candles)

    def __len__(self) -> int:
        return len(self.candles)

    @property
    def following(self) -> Query | None:
        """Asks for the candles after this page; None where there are none yet."""
        if not self.has_more or not self.candles:
            return None
        return replace(self.query, start=str(self.candles[-1].open_ms + 1))

    def to_pandas(self, *, floats: bool = False) -> pandas.DataFrame:
        return to_pandas(self.candles, floats=floats)

    def to_polars(self, *, floats: bool = False) -> polars.DataFrame:
        return to_polars(self.candles, floats=floats)


def page_of(query: Query, reply: Reply) -> Page:
    """The page that a reply holds; a `ClientError` where it holds none."""
    if reply.status != 200:
        raise refusal_of(reply)
    try:
        rows = json.loads(reply.body)
        version = int(reply.headers["truecandle-version"])
    except (ValueError, KeyError):
        raise Malformed("the answer of /data was not readable") from None
    if not isinstance(rows, list):
        raise Malformed("the answer of /data was no list of candles")
    return Page(
        query=query,
        candles=tuple(map(official_from_row, rows)),
        version=version,
        etag=reply.headers.get("etag", ""),
        has_more=query.start is not None and bool(_NEXT.search(reply.headers.get("link", ""))),
    )


def refusal_of(reply: Reply) -> Problem:
    """A refusal in the server's words, or by its status where it has none."""
    try:
        told: Any = json.loads(reply.body)
    except ValueError:
        told = None
    fields = told if isinstance(told, dict) else {}
    detail = str(fields.get("detail") or f"the server answered with status {reply.status}")
    return problem_of(
        reply.status, str(fields.get("code", reply.status)), detail, retry_after_s(reply)
    )


def retry_after_s(reply: Reply) -> float | None:
    """What `Retry-After` says, in s; None where it says nothing that is understood."""
    text = reply.headers.get("retry-after", "")
    return float(text) if text.isdigit() else None
