"""Mends what was found: asks the exchange, and stores what it says.

Never here: deciding what is wrong.
Invariant: nothing is taken away before the exchange has answered, but what can never be right;
official candles are stored by their writer alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import islice
from typing import Final, assert_never

from redis import Redis

from truecandle.admin import plan
from truecandle.admin.context import ExchangeSession
from truecandle.admin.finding import (
    Configure,
    Cure,
    Reask,
    Rebuild,
    Refill,
    Renew,
    SetAside,
    Share,
)
from truecandle.admin.plan import Span
from truecandle.admin.retry import RetryPolicy
from truecandle.candles.gap import Hole
from truecandle.candles.interval import LAST_MS, Interval
from truecandle.candles.series import Series
from truecandle.errors import AnswerHeld, MalformedAnswer
from truecandle.ingest.kline_pages import KlinePageReader
from truecandle.store import clock as shared
from truecandle.store import inspection
from truecandle.store.pages import OPENS_MAX
from truecandle.store.rows import with_grid

#: Requests of one cure; what is left is seen to in the next round.
PAGES_MAX: Final = 2_000

#: Who noticed, in the record of corrections.
BY: Final = "doctor"

Rows = list[list[object]]


class Repair:
    """Applies cures. `history` candles of a series are fetched where nobody knows what it had."""

    def __init__(
        self,
        redis: Redis,
        session: ExchangeSession,
        settle_ms: int,
        history: int,
        say: Callable[[str], None],
    ) -> None:
        self._redis = redis
        self._session = session
        self._settle_ms = settle_ms
        self._history = history
        self._retrying = RetryPolicy(say)
        self._pages = KlinePageReader(redis, session.writer, settle_ms, session.clock.now_ms)

    def apply(self, cure: Cure) -> None:
        """Raises a `TrueCandleError` where it cannot; doing it twice does no harm."""
        match cure:
            case SetAside(name, found):
                inspection.set_aside(self._redis, name, found)
            case Refill(series):
                self._refill(series)
            case Reask(series, spans, scores):
                self._reask(series, spans, scores)
            case Rebuild(series, spans):
                self._rebuild(series, spans)
            case Renew(series):
                self._retrying.with_store(lambda: self._session.writer.renew(series, BY))
            case Configure(name, value):
                inspection.configure(self._redis, name, value)
            case Share():
                shared.publish(self._redis, self._session.clock.now_ms())
            case _:
                assert_never(cure)

    def _refill(self, series: Series) -> None:
        """What its meta says it had, if that can be; else the newest candles."""
        claimed = inspection.claim(self._redis, series).claimed
        series = self._with_grid(series)
        interval = series.interval
        end_ms = interval.open_ms(self._session.clock.now_ms() - self._settle_ms)
        start_ms = interval.step(end_ms, -min(self._history, interval.count(0, end_ms)))
        if claimed and claimed.earliest is not None and 0 <= claimed.earliest < end_ms:
            first_ms = interval.open_ms(claimed.earliest)
            if interval.count(first_ms, end_ms) <= OPENS_MAX:
                start_ms = first_ms
        self._reask(series, [Span(max(start_ms, 0), end_ms)], ())

    def _with_grid(self, series: Series) -> Series:
        if series.interval.has_grid:
            return series
        rows = self._retrying(
            lambda: self._session.rest.klines(series.symbol, series.interval.name, limit=2)
        )
        grown = with_grid(series.interval, rows)
        if not grown.has_grid:
            raise MalformedAnswer(f"{series}: the exchange has no candle that shows the grid")
        return replace(series, interval=grown)

    def _reask(self, series: Series, spans: Iterable[Span], scores: Iterable[float]) -> None:
        """A page that is not believed keeps no other from being stored."""
        is_clean, held = False, None
        for span in islice(plan.pages(series.interval, _joined(series.interval, spans)), PAGES_MAX):
            rows = self._ask(series, span)
            if not is_clean:
                inspection.remove(self._redis, series, scores)
                is_clean = True
            try:
                self._store(series, rows)
            except (AnswerHeld, MalformedAnswer) as error:
                held = error
        if not is_clean:
            inspection.remove(self._redis, series, scores)
            self._store(series, [])
        if held is not None:
            raise held

    def _rebuild(self, series: Series, spans: Iterable[Span]) -> None:
        """A block that is not believed keeps no other from being stored."""
        held = None
        for span in spans:
            try:
                self._retrying(
                    lambda: self._pages.read_block(
                        self._session.rest,
                        series,
                        span,  # noqa: B023
                        BY,
                        is_all=True,
                    )
                )
            except (AnswerHeld, MalformedAnswer) as error:
                held = error
        if held is not None:
            raise held

    def _ask(self, series: Series, span: Span) -> Rows:
        rows = self._retrying(
            lambda: self._session.rest.klines(
                series.symbol, series.interval.name, start_ms=span.start_ms, end_ms=span.end_ms
            )
        )
        return [row for row in rows if row and _is_in(row[0], span)]

    def _store(self, series: Series, rows: Rows) -> None:
        self._retrying.with_store(lambda: self._session.writer.write(series, rows, "repair", by=BY))


def _joined(interval: Interval, spans: Iterable[Span]) -> list[Hole]:
    """Spans, ascending, as holes that are apart from each other."""
    joined: list[Span] = []
    for span in sorted(spans):
        if joined and span.start_ms <= joined[-1].end_ms:
            joined[-1] = Span(joined[-1].start_ms, max(joined[-1].end_ms, span.end_ms))
        else:
            joined.append(span)
    return [Hole(*span, interval.count(*span)) for span in joined if span.end_ms < LAST_MS]


def _is_in(open_ms: object, span: Span) -> bool:
    return isinstance(open_ms, int) and span.start_ms <= open_ms < span.end_ms
