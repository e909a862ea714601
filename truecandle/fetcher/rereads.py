"""The daily second look at the last days: the exchange corrects candles long after their close.

Never here: when to look (`rota` asks often), the look right after a close (`passes`).
Invariant: a day is not over twice: a pass begins once the last whole one is a day old.
"""

from __future__ import annotations

from collections.abc import Callable

from redis import Redis

from truecandle.binance.rest.client import RestClient
from truecandle.candles.interval import DAY_MS
from truecandle.candles.series import Series
from truecandle.errors import AnswerHeld, ExchangeError
from truecandle.ingest.kline_pages import PAGE_CANDLES, KlinePageReader, Span
from truecandle.ingest.official_writer import OfficialWriter
from truecandle.store import official, rereads

EVERY_MS = DAY_MS
#: So far back, or as many candles if that is less.
BACK_MS = 3 * DAY_MS
BACK_CANDLES = 100_000


class Rereads:
    """What is left of the pass of each series; `now_ms` is the exchange's clock."""

    def __init__(
        self,
        redis: Redis,
        inquiry: KlinePageReader,
        ledger: OfficialWriter,
        now_ms: Callable[[], int],
    ) -> None:
        self._redis = redis
        self._inquiry = inquiry
        self._ledger = ledger
        self._now_ms = now_ms
        self._left: dict[str, Span] = {}

    def page(self, rest: RestClient, series: Series) -> bool:
        """Reads one more page, newest first; whether there are more. The series has its grid."""
        span = self._left.pop(series.name, None) or self._due(series)
        if span is None:
            return False
        floor_ms = series.interval.step(span.end_ms, -PAGE_CANDLES)
        page = Span(max(span.start_ms, floor_ms), span.end_ms)
        try:
            self._inquiry.read_page(rest, series, page, "repair", "daily")
        except AnswerHeld:
            self._ledger.counts["pages not believed"] += 1
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
        last_ms = rereads.last_ms(self._redis, series)
        if not last_ms:
            rereads.done(self._redis, series, now_ms)
        if not last_ms or last_ms <= now_ms < last_ms + EVERY_MS:
            return None
        meta = official.meta(self._redis, series)
        if meta.earliest is None or meta.latest is None:
            return None
        end_ms = interval.next_open_ms(interval.open_ms(meta.latest))
        first_ms = max(interval.open_ms(end_ms - BACK_MS), interval.open_ms(meta.earliest))
        candles = min(BACK_CANDLES, interval.count(first_ms, end_ms))
        return Span(interval.step(end_ms, -candles), end_ms)
