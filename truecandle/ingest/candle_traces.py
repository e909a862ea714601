"""Official candles that are traced: from their close to the event that tells of them.

Never here: when a candle is read, what becomes of it.
Invariant: of a reading that brings no new candle there is no trace.
"""

from __future__ import annotations

import time
from typing import Final

from truecandle.candles.series import Series
from truecandle.store.official import Written
from truecandle.tracing.spans import Attributes, OpenSpan, Tracing

#: A candle that comes later than this after its close was not waited for.
LATE_NS: Final = 300 * 1_000_000_000


class CandleTrace:
    """One reading of what has closed. `close_ms` is when the newest candle closed and `now_ms` what
    time it is, both by the exchange's clock."""

    def __init__(self, tracing: Tracing, series: Series, close_ms: int, now_ms: int) -> None:
        self._tracing = tracing
        self._series = series
        self._close_ms = close_ms
        self._asked_ns = time.time_ns()
        self._close_ns = self._asked_ns - (now_ms - close_ms) * 1_000_000
        self._answered_ns = 0
        self._root: OpenSpan | None = None
        self._told: OpenSpan | None = None

    def on_answered(self) -> None:
        """The exchange's answer is there."""
        self._answered_ns = time.time_ns()

    def on_stored(self, written: Written) -> str:
        """What is new is stored, and told next: the `traceparent` to tell it with; "" if that is
        not the candle that has closed."""
        stored_ns = time.time_ns()
        interval = self._series.interval
        is_new = written.added and written.changed[-1].open_ms == interval.previous_open_ms(
            self._close_ms
        )
        if not is_new or self._asked_ns - self._close_ns > LATE_NS:
            return ""
        given = {"truecandle.symbol": self._series.symbol, "truecandle.interval": interval.name}
        self._root = self._tracing.begin(
            "official candle", "internal", start_ns=self._close_ns, given=given
        )
        self._note(stored_ns, written)
        self._told = self._tracing.begin(
            "publish data_updated",
            "producer",
            parent=self._root.place,
            given={
                "messaging.system": "redis",
                "messaging.operation.type": "send",
                "messaging.operation.name": "publish",
                "messaging.destination.name": self._series.name,
            },
        )
        return str(self._told.place)

    def on_told(self) -> None:
        """The event was published."""
        if self._told is not None and self._root is not None:
            self._told.end()
            self._root.end()

    def _note(self, stored_ns: int, written: Written) -> None:
        assert self._root is not None
        place, record = self._root.place, self._tracing.record
        record("wait for the close", "internal", self._close_ns, self._asked_ns, place)
        asked = {"http.request.method": "GET", "url.path": "/api/v3/klines"}
        record("GET /api/v3/klines", "client", self._asked_ns, self._answered_ns, place, asked)
        db: Attributes = {
            "db.system.name": "redis",
            "db.operation.name": "upsert_klines",
            "truecandle.candles.added": written.added,
        }
        record("store klines", "client", self._answered_ns, stored_ns, place, db)
