"""Keeps series in step with the exchange: reads what closed, fills what is missing, reads the last
days again.

Never here: when (`read_schedule`, `fetch_scheduler`), threads, sleeping, what to do about an error
but to raise it.
Invariant: to fill, nothing is asked for that is known to be there, or known not to exist.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from redis import Redis

from truecandle.binance.rest.client import KLINES_LIMIT_MAX, OPENED_MS, RestClient
from truecandle.candles.gap import Hole, before, hole_of, newest_page
from truecandle.candles.instrument import TRADING
from truecandle.candles.interval import DAY_MS, HOUR_MS, Interval
from truecandle.candles.series import Series
from truecandle.config import Settings
from truecandle.errors import AnswerHeld, ExchangeError
from truecandle.events import Reason
from truecandle.fetcher.block_scrub import BlockScrub
from truecandle.ingest.candle_traces import CandleTrace
from truecandle.ingest.kline_pages import PAGE_CANDLES, KlinePageReader, Span
from truecandle.ingest.official_writer import OfficialWriter
from truecandle.store import gaps, markets, official, rereads
from truecandle.store.official import Meta
from truecandle.store.rows import with_grid
from truecandle.tracing.spans import Tracing

#: Closed candles that every refresh reads again, because the exchange may still change them: this
#: many, and as many as cover this time.
REFRESH_CANDLES = 3
REFRESH_MS = 20_000
#: Pages that one `fill` may ask for beyond those that its window would have if it were empty.
PAGES_MORE = 3
#: A market that does not trade and had no candle for so long has none to come.
ENDED_MS = HOUR_MS

#: The last days are read once more every day: the exchange corrects candles long after their close.
REREAD_EVERY_MS = DAY_MS
#: So far back, or as many candles if that is less.
REREAD_BACK_MS = 3 * DAY_MS
REREAD_CANDLES_MAX = 100_000


class Refreshed(NamedTuple):
    """The outcome of a refresh: the series with its grid, and whether the newest candle is in."""

    series: Series
    has_arrived: bool


class SeriesSync:
    """Syncs the series of one exchange with the store. One thread at a time for each series.

    `rest` asks for what closed, `deep` for history (it may be given a smaller share of the request
    weight). `now_ms` is the exchange's clock. `writer` gives the number to write with, or raises
    `StaleWriter`: then nothing is asked for either. `tracing` is None without it.
    """

    def __init__(
        self,
        settings: Settings,
        redis: Redis,
        rest: RestClient,
        deep: RestClient,
        writer: OfficialWriter,
        now_ms: Callable[[], int],
        tracing: Tracing | None = None,
    ) -> None:
        self._tracing = tracing
        self._settle_ms = settings.settle_ms
        self._history = settings.history_candles
        self._redis = redis
        self._rest = rest
        self._deep = deep
        self._now_ms = now_ms
        self.writer = writer
        self._pages = KlinePageReader(redis, self.writer, self._settle_ms, now_ms)
        #: Of each series by name: itself with its grid, once that is known;
        self._grids: dict[str, Series] = {}
        #: ... the open time of the first candle that the exchange has of it;
        self._firsts: dict[str, int] = {}
        #: ... whether all of it was searched for holes since the start;
        self._searched: set[str] = set()
        #: ... and what the last `fill` has left to the next.
        self._holes_left: dict[str, list[Hole]] = {}
        self._daily = DailyReread(redis, self._pages, self.writer, now_ms)
        self._scrub = BlockScrub(redis, self._pages, self.writer, now_ms)

    def refresh(self, series: Series) -> Refreshed:
        """Reads what has closed since the last stored candle, and the last few once more.

        One request for at most 1000 candles; what lies further back is left to `fill`. Raises
        `ExchangeError` or `StoreError`; then nothing is half done.
        """
        series = self._with_grid(series, self._rest)
        if not series.interval.has_grid:
            return Refreshed(series, False)
        meta = official.meta(self._redis, series)
        end_ms = self._settled_ms(series.interval)
        span = Span(self._refresh_from(series.interval, meta, end_ms), end_ms)
        why: Reason = "new" if meta.count else "backfill"
        trace = self._trace(series, end_ms) if meta.count else None
        stored = self._pages.read_newest(
            self._rest, series, span, why, "refresh", seen_version=meta.version, trace=trace
        )
        if not stored:
            self._grids.pop(series.name, None)
        return Refreshed(series, series.interval.previous_open_ms(end_ms) in stored)

    def fill(self, series: Series, pages_max: int | None = None) -> bool:
        """Asks for what is missing among the last `HISTORY_CANDLES` and all that is stored before,
        newest first.

        At most `pages_max` requests for pages; returns whether more is missing and due. What the
        exchange has not got is kept with the reason, and asked for again after growing pauses or
        never.
        """
        series = self._with_grid(series, self._deep)
        if not series.interval.has_grid:
            return False
        holes = self._holes_left.pop(series.name, None) or self._missing(series)
        for _ in range(pages_max or self._history // PAGE_CANDLES + PAGES_MORE):
            if not holes:
                break
            span = Span(*newest_page(series.interval, holes, PAGE_CANDLES))
            has_older = self._fill_page(series, span)
            holes = before(series.interval, holes, span.start_ms) if has_older else []
        self._holes_left[series.name] = holes
        return bool(holes)

    def reread(self, series: Series) -> bool:
        """Once a day: one more page of the last days, newest first; whether there are more."""
        known = self._grids.get(series.name, series)
        return known.interval.has_grid and self._daily.page(self._deep, known)

    def seal(self, series: Series) -> bool:
        """Seals or unseals one more block of older candles; whether there may be more."""
        known = self._grids.get(series.name, series)
        return known.interval.has_grid and self.writer.seal(known)

    def scrub(self, series: Series) -> None:
        """Looks at a few blocks of older candles, and asks for those that cannot be read."""
        self._scrub.turn(self._deep, self._grids.get(series.name, series))

    def _trace(self, series: Series, end_ms: int) -> CandleTrace | None:
        """Of a share of all readings, if anything is traced."""
        if self._tracing is None or not self._tracing.is_due():
            return None
        return CandleTrace(self._tracing, series, end_ms, self._now_ms())

    def _refresh_from(self, interval: Interval, meta: Meta, end_ms: int) -> int:
        if meta.latest is None:
            return _back(interval, end_ms, min(KLINES_LIMIT_MAX, self._history))
        span_ms = end_ms - interval.previous_open_ms(end_ms)
        again = max(REFRESH_CANDLES, -(-REFRESH_MS // span_ms))
        next_ms = min(end_ms, _after(interval, meta.latest))
        oldest_ms = _back(interval, end_ms, KLINES_LIMIT_MAX)
        return max(_back(interval, next_ms, again), oldest_ms)

    def _missing(self, series: Series) -> list[Hole]:
        """The holes that are due, ascending. All among stored candles are kept as gaps."""
        interval, now_ms = series.interval, self._now_ms()
        meta = official.meta(self._redis, series)
        end_ms = self._settled_ms(interval)
        window_ms = start_ms = _back(interval, end_ms, self._history)
        if meta.latest is not None:
            self._record_end(series, meta.latest, end_ms)
        known = gaps.read(self._redis, series)
        if meta.latest is None or meta.earliest is None:
            return known.due(interval, [hole_of(interval, start_ms, end_ms)], now_ms)
        end_ms = min(end_ms, _after(interval, meta.latest))
        start_ms = min(start_ms, interval.open_ms(meta.earliest))
        is_searched = series.name in self._searched
        expected = interval.count(start_ms, end_ms)
        expected -= sum(hole.candles for hole in known.within(interval, start_ms, end_ms))
        if is_searched and meta.count == expected and not known.has_due(end_ms, now_ms):
            return []
        from_ms = end_ms if is_searched else window_ms
        holes = gaps.missing(self._redis, series, start_ms, end_ms, known, from_ms)
        self._searched.add(series.name)
        earliest_ms = interval.open_ms(meta.earliest)
        found = known.found(interval, earliest_ms, end_ms, holes, now_ms)
        self.writer.record_gaps(series, known, found, anew=not is_searched)
        return found.due(interval, holes, now_ms)

    def _record_end(self, series: Series, latest_ms: int, settled_ms: int) -> None:
        """Keeps why a market that does not trade any more has no newer candles."""
        end_ms = _after(series.interval, latest_ms)
        if settled_ms - end_ms < max(ENDED_MS, REFRESH_CANDLES * (end_ms - latest_ms)):
            return
        for market in markets.followed(self._redis):
            status = market.instrument.status
            if market.symbol == series.symbol and status not in ("", TRADING):
                if gaps.read(self._redis, series).is_ended(end_ms, settled_ms - ENDED_MS):
                    return
                told = f"the exchange says {status}, and has no candle since {latest_ms}"
                self._pages.record_gap(series, Span(end_ms, settled_ms), "delisted", told)

    def _fill_page(self, series: Series, span: Span) -> bool:
        """Reads one page of holes; whether the exchange may have older candles."""
        earliest = official.meta(self._redis, series).earliest
        is_older = earliest is None or span.start_ms < earliest
        why: Reason = "backfill" if is_older else "repair"
        stored = self._pages.read_page(self._deep, series, span, why, "fill").stored
        if not is_older or span.start_ms in stored:
            return True
        return not self._is_before_listing(series, min(stored | {span.end_ms}))

    def _is_before_listing(self, series: Series, end_ms: int) -> bool:
        """Nothing before `end_ms` on a page older than all we have: was the market listed later?"""
        interval = series.interval
        start_ms = _back(interval, self._settled_ms(interval), self._history)
        if series.name not in self._firsts:
            _, rows = self._pages.ask(self._deep, series, start_ms=OPENED_MS, limit=1)
            first = rows[0][0] if rows and rows[0] else None
            if not isinstance(first, int):
                told = "asked for its first candle, the exchange answered with none"
                self._pages.record_gap(series, Span(start_ms, end_ms), "unproven", told)
                return True
            self._firsts[series.name] = first
        first_ms = self._firsts[series.name]
        if first_ms < end_ms:
            return False
        told = f"the first candle of the exchange is that of {first_ms}"
        self._pages.record_gap(series, Span(start_ms, end_ms), "not_listed", told)
        return True

    def _with_grid(self, series: Series, rest: RestClient) -> Series:
        """The series with its grid. That of 3d is read off candles: the store's, or new ones."""
        known = self._grids.get(series.name, series)
        if not known.interval.has_grid:
            known = official.learned(self._redis, known)
        if not known.interval.has_grid:
            _, rows = self._pages.ask(rest, series, limit=2)
            known = replace(series, interval=with_grid(series.interval, rows))
        self._grids[series.name] = known
        return known

    def _settled_ms(self, interval: Interval) -> int:
        """Where the newest candle ends that is settled now."""
        return interval.open_ms(self._now_ms() - self._settle_ms)


class DailyReread:
    """The daily second look at the last days of each series. A day is not over twice: a pass begins
    once the last whole one is a day old. `now_ms` is the exchange's clock.
    """

    def __init__(
        self,
        redis: Redis,
        pages: KlinePageReader,
        writer: OfficialWriter,
        now_ms: Callable[[], int],
    ) -> None:
        self._redis = redis
        self._pages = pages
        self._writer = writer
        self._now_ms = now_ms
        #: Of each series: what is not read again yet in this pass.
        self._left: dict[str, Span] = {}
        #: ... and when the last whole pass was. Redis is only asked again once that is a day ago:
        #: another fetcher may have led meanwhile.
        self._done_ms: dict[str, int] = {}

    def page(self, rest: RestClient, series: Series) -> bool:
        """Reads one more page, newest first; whether there are more. The series has its grid."""
        span = self._left.pop(series.name, None) or self._due(series)
        if span is None:
            return False
        floor_ms = series.interval.step(span.end_ms, -PAGE_CANDLES)
        page = Span(max(span.start_ms, floor_ms), span.end_ms)
        try:
            self._pages.read_page(rest, series, page, "repair", "daily")
        except AnswerHeld:
            self._writer.counts["pages not believed"] += 1
        except ExchangeError:
            self._left[series.name] = span
            raise
        if page.start_ms > span.start_ms:
            self._left[series.name] = Span(span.start_ms, page.start_ms)
            return True
        rereads.done(self._redis, series, self._now_ms())
        return False

    def _due(self, series: Series) -> Span | None:
        """What to read again now; None if that was done within a day, or nothing is stored.

        A series that never was read again is new: it has just been read.
        """
        interval, now_ms = series.interval, self._now_ms()
        if _is_within_a_day(self._done_ms.get(series.name), now_ms):
            return None
        last_ms = rereads.last_ms(self._redis, series)
        if not last_ms:
            last_ms = now_ms
            rereads.done(self._redis, series, now_ms)
        if _is_within_a_day(last_ms, now_ms):
            self._done_ms[series.name] = last_ms
            return None
        meta = official.meta(self._redis, series)
        if meta.earliest is None or meta.latest is None:
            return None
        end_ms = interval.next_open_ms(interval.open_ms(meta.latest))
        first_ms = max(interval.open_ms(end_ms - REREAD_BACK_MS), interval.open_ms(meta.earliest))
        candles = min(REREAD_CANDLES_MAX, interval.count(first_ms, end_ms))
        return Span(interval.step(end_ms, -candles), end_ms)


def _is_within_a_day(last_ms: int | None, now_ms: int) -> bool:
    return last_ms is not None and last_ms <= now_ms < last_ms + REREAD_EVERY_MS


def _back(interval: Interval, end_ms: int, candles: int) -> int:
    """The open time so many candles before; at the earliest the candle in which Binance opened."""
    opened_ms = interval.open_ms(OPENED_MS)
    return interval.step(end_ms, -min(candles, interval.count(opened_ms, end_ms)))


def _after(interval: Interval, open_ms: int) -> int:
    """Where the candle ends that a stored open time belongs to."""
    return interval.next_open_ms(interval.open_ms(open_ms))
