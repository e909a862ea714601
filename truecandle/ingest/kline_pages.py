"""Reads pages of klines, asked for so that the answer explains the gaps that it leaves.

Never here: which page, when, what to do about an error but to note it and raise it.
Invariant: what an answer proves or fails to prove of a hole is kept before the next is asked for.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import NamedTuple

from redis import Redis

from truecandle.binance.rest.client import KLINES_LIMIT_MAX, OPENED_MS, RestClient
from truecandle.candles.gap import GapReason, Hole, Verdict, find_holes, hole_of
from truecandle.candles.interval import LAST_MS, Interval
from truecandle.candles.series import Series
from truecandle.errors import ExchangeError, MalformedAnswer, RateLimited
from truecandle.events import Reason as Why
from truecandle.ingest.candle_traces import CandleTrace
from truecandle.ingest.official_writer import OfficialWriter
from truecandle.ingest.plausibility import FOREIGN_MIN
from truecandle.store import gaps, official

#: Candles of a page with room for both of its neighbours: they are what proves a hole.
PAGE_CANDLES = KLINES_LIMIT_MAX - 2
#: Of a page of older candles so many are known already: by them it shows that it goes on from what
#: is stored, and an answer of another market is told by them (`plausibility.FOREIGN_MIN`).
KNOWN_CANDLES = FOREIGN_MIN
OLDER_CANDLES = KLINES_LIMIT_MAX - KNOWN_CANDLES

Rows = list[list[object]]


class Span(NamedTuple):
    """Open times: [start_ms, end_ms)."""

    start_ms: int
    end_ms: int


class PageResult(NamedTuple):
    """The open times that are stored now of those the exchange has, and of those it has not."""

    stored: set[int]
    unknown: list[int]


class OlderPage(NamedTuple):
    """How many of the older candles told are stored now, and whether the exchange has none."""

    added: int
    is_last: bool


class KlinePageReader:
    """Asks for pages of any series, stores them by `writer` and records what they say of gaps."""

    def __init__(
        self, redis: Redis, writer: OfficialWriter, settle_ms: int, now_ms: Callable[[], int]
    ) -> None:
        self._redis = redis
        self._writer = writer
        self._fence = writer.fence
        self._settle_ms = settle_ms
        self._now_ms = now_ms

    def ask(self, rest: RestClient, series: Series, **span: int) -> tuple[int, Rows]:
        """The exchange's rows, and the number to write them with: that from before it was asked."""
        fence = self._fence()
        return fence, rest.klines(series.symbol, series.interval.name, **span)

    def read_newest(
        self,
        rest: RestClient,
        series: Series,
        span: Span,
        why: Why,
        by: str,
        *,
        seen_version: int | None = None,
        trace: CandleTrace | None = None,
    ) -> set[int]:
        """Reads a span as it is; returns the open times of what the exchange has of it.

        `seen_version`: that of the series when the span was chosen, as `OfficialWriter.write` says.
        """
        fence, answer = self.ask(rest, series, start_ms=span.start_ms, end_ms=span.end_ms)
        if trace is not None:
            trace.on_answered()
        rows = self._asked_for(answer, span)
        stored = self._writer.write(
            series, rows, why, fence=fence, by=by, seen_version=seen_version, trace=trace
        )
        run = _run(series.interval, rows)
        if run and len(stored) != series.interval.count(*run):
            self._record_missing(series, run, rows)
        return stored

    def read_page(
        self,
        rest: RestClient,
        series: Series,
        span: Span,
        why: Why,
        by: str,
        *,
        accept: bool = False,
    ) -> PageResult:
        """Reads a span of at most `PAGE_CANDLES` and whatever the exchange has on both sides."""
        wider = Span(_previous(series.interval, span.start_ms), self._settled_ms(series.interval))
        limit = min(KLINES_LIMIT_MAX, series.interval.count(wider.start_ms, span.end_ms) + 1)
        try:
            fence, answer = self.ask(
                rest, series, start_ms=wider.start_ms, end_ms=wider.end_ms, limit=limit
            )
            rows = self._asked_for(answer, wider)
            wanted = self._wanted(rows, span)
            stored = self._writer.write(series, wanted, why, fence=fence, by=by, accept=accept)
        except RateLimited:
            raise
        except ExchangeError as error:
            self._record_failure(series, span, str(error))
            raise
        run = _run(series.interval, rows) or span
        looked = Span(span.start_ms, max(span.end_ms, run.end_ms))
        opens = self._record_missing(series, looked, rows)
        inner = {open_ms for open_ms in opens if run.start_ms <= open_ms < run.end_ms}
        return PageResult(stored, sorted(inner - stored - set(_times(rows))))

    def read_older(
        self, rest: RestClient, series: Series, before_ms: int, candles: int, by: str
    ) -> OlderPage:
        """Reads the newest candles before the oldest one that is stored: `OLDER_CANDLES` at most.

        Asked for by their end, so that the answer reaches over any hole; what lies between is
        missing. An answer without a candle that is known is refused: it goes on from nothing.
        """
        interval = series.interval
        end_ms = min(interval.step(before_ms, KNOWN_CANDLES), self._settled_ms(interval))
        limit = min(candles, OLDER_CANDLES) + interval.count(before_ms, end_ms)
        fence, answer = self.ask(rest, series, end_ms=end_ms, limit=limit)
        rows = self._asked_for(answer, Span(0, end_ms))
        times = _times(rows)
        if not any(open_ms >= before_ms for open_ms in times):
            raise MalformedAnswer(f"{series}: older candles, and none of those known beside them")
        stored = self._writer.write(series, rows, "backfill", fence=fence, by=by)
        run = _run(interval, rows)
        if run and len(stored) != interval.count(*run):
            self._record_missing(series, run, rows)
        added = sum(open_ms < before_ms for open_ms in stored)
        return OlderPage(added, len(times) == len(rows) and min(times) >= before_ms)

    def read_block(
        self, rest: RestClient, series: Series, span: Span, by: str, *, is_all: bool
    ) -> bool:
        """Reads all candles of a block anew, to the end of its span; whether all told are stored.

        `is_all`: they take the place of a block that cannot be read even if it is said to have held
        more. An answer that may have left out some is refused with `MalformedAnswer`.
        """
        fence, rows = self.ask(rest, series, start_ms=span.start_ms)
        inside, known = [row for row in rows if _is_within(row, span)], _times(rows)
        is_beyond = any(open_ms >= span.end_ms for open_ms in known)
        if len(known) < len(rows) or not (is_beyond or len(rows) == KLINES_LIMIT_MAX):
            raise MalformedAnswer(f"{series}: not all candles from {span.start_ms} ms on")
        stored = self._writer.write(series, inside, "repair", fence=fence, by=by, is_all=is_all)
        return bool(inside) and stored >= set(_times(inside))

    def record_gap(self, series: Series, span: Span, reason: GapReason, evidence: str) -> None:
        """All of a span is a hole, for this reason."""
        verdict = Verdict(hole_of(series.interval, *span), reason, evidence)
        self._record(series, span, [verdict])

    def _record_missing(self, series: Series, span: Span, rows: Rows) -> list[int]:
        """Keeps why candles of the span are missing now; returns the open times of those not."""
        opens = official.open_times(self._redis, series, *span)
        run, answered = _run(series.interval, rows), sorted(_times(rows))
        holes = find_holes(series.interval, opens, *span)
        unreadable = _unreadable(rows)
        self._record(series, span, [_verdict(hole, run, answered, unreadable) for hole in holes])
        return opens

    def _record_failure(self, series: Series, span: Span, why: str) -> None:
        opens = official.open_times(self._redis, series, *span)
        holes = find_holes(series.interval, opens, *span)
        self._record(series, span, [Verdict(hole, "fetch_failed", why) for hole in holes])

    def _record(self, series: Series, span: Span, verdicts: list[Verdict]) -> None:
        known = gaps.read(self._redis, series)
        noted = known.note(series.interval, *span, verdicts, self._now_ms())
        self._writer.record_gaps(series, known, noted)

    def _asked_for(self, answer: Rows, span: Span) -> Rows:
        """Broken rows too: the store refuses and counts them."""
        rows = [row for row in answer if _is_within(row, span)]
        if len(rows) < len(answer):
            self._writer.counts["rows not asked for"] += len(answer) - len(rows)
        return rows

    def _wanted(self, rows: Rows, span: Span) -> Rows:
        """All but the left neighbour: nobody asked for a candle older than the span."""
        later = Span(span.start_ms, LAST_MS)
        return [row for row in rows if _is_within(row, later)]

    def _settled_ms(self, interval: Interval) -> int:
        return interval.open_ms(self._now_ms() - self._settle_ms)


def _verdict(
    hole: Hole, run: Span | None, answered: list[int], unreadable: Sequence[Span]
) -> Verdict:
    if any(span.start_ms < hole.end_ms and hole.start_ms < span.end_ms for span in unreadable):
        return Verdict(hole, "unproven", "a row of the exchange's answer there cannot be read")
    at = bisect_left(answered, hole.start_ms)
    if at < len(answered) and answered[at] < hole.end_ms:
        return Verdict(hole, "unproven", "the exchange's row for it is no candle")
    if run is None:
        return Verdict(hole, "unproven", "the exchange answered with no candle")
    if not (run.start_ms < hole.start_ms and hole.end_ms < run.end_ms):
        return Verdict(hole, "unproven", "the exchange's answer does not reach both sides of it")
    told = f"one answer has the candles of {answered[at - 1]} and {answered[at]}, none between"
    return Verdict(hole, "maintenance", told)


def _unreadable(rows: Rows) -> list[Span]:
    """Between which open times rows stand that do not say theirs: of any candle there."""
    found, before_ms, is_open = list[Span](), 0, False
    for open_ms in [*(row[0] if row else None for row in rows), LAST_MS]:
        if not isinstance(open_ms, int):
            is_open = True
            continue
        if is_open:
            found.append(Span(before_ms, max(before_ms, open_ms)))
        before_ms, is_open = open_ms, False
    return found


def _run(interval: Interval, rows: Rows) -> Span | None:
    """From the first to the last candle of an answer: the exchange leaves nothing out between."""
    times = [open_ms for open_ms in _times(rows) if interval.is_aligned(open_ms)]
    return Span(min(times), interval.next_open_ms(max(times))) if times else None


def _times(rows: Rows) -> list[int]:
    return [row[0] for row in rows if row and isinstance(row[0], int)]


def _previous(interval: Interval, open_ms: int) -> int:
    first_ms = interval.open_ms(OPENED_MS)
    return max(first_ms, interval.previous_open_ms(open_ms)) if open_ms > first_ms else open_ms


def _is_within(row: Sequence[object], span: Span) -> bool:
    return not row or not isinstance(row[0], int) or span.start_ms <= row[0] < span.end_ms
