"""What the feed counts about itself, for its sign of life.

Never here: who is told of it (`feed`), how late prices were sent (`live_publisher`).
Invariant: bounded; a candle is counted once, and only after the time that its proof may take.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from truecandle.binance.streams.status import StreamStatusChange
from truecandle.candles.candle import LiveCandle
from truecandle.candles.series import Series
from truecandle.candles.trades import Kline
from truecandle.feed.event_queue import FeedEvent
from truecandle.feed.lag import LAG_MAX_MS, quantile

#: A closed candle has this long to be proven whole; its official version comes about then.
GRACE_S = 3.0


class FeedStats:
    """How much came, how late, how exact candles closed. One thread."""

    def __init__(self) -> None:
        self._trades = self._klines = self._closed = self._inexact = 0
        self._lags: Counter[int] = Counter()
        #: Series -> the candles that closed lately: open time -> until when, whether it is exact.
        self._closing: dict[Series, dict[int, tuple[float, bool]]] = {}
        self._counted: dict[str, int] = {}

    def record_events(self, events: Sequence[FeedEvent], now_ms: int) -> int | None:
        """Events that were built into candles by `now_ms`, the exchange's time; when the newest
        of them was sent, None without any."""
        newest_ms = None
        for event in events:
            if isinstance(event, StreamStatusChange):
                continue
            if isinstance(event, Kline):
                self._klines += 1
            else:
                self._trades += 1
                self._lags[min(LAG_MAX_MS, max(0, now_ms - event.event_ms))] += 1
            if newest_ms is None or event.event_ms > newest_ms:
                newest_ms = event.event_ms
        return newest_ms

    def record_closed(
        self, candles: Iterable[tuple[Series, LiveCandle]], led: Collection[str], now_s: float
    ) -> None:
        """Records the candles that closed, and counts those whose time to become exact is over."""
        for series, candle in candles:
            if candle.is_complete and candle.open_ms > self._counted.get(series.name, -1):
                closing = self._closing.setdefault(series, {})
                until_s, _ = closing.get(candle.open_ms, (now_s + GRACE_S, False))
                closing[candle.open_ms] = (until_s, candle.is_exact)
        for series, closing in list(self._closing.items()):
            for open_ms, (until_s, is_exact) in list(closing.items()):
                if now_s >= until_s:
                    del closing[open_ms]
                    self._counted[series.name] = max(open_ms, self._counted.get(series.name, -1))
                    if series.symbol in led:
                        self._closed += 1
                        self._inexact += not is_exact
            if not closing:
                del self._closing[series]

    def report(self) -> dict[str, object]:
        """The counts since the start; the lags (ms, event to candle) since the last time."""
        lags, self._lags = self._lags, Counter()
        return {
            "trades": self._trades,
            "klines": self._klines,
            "closed": self._closed,
            "inexact": self._inexact,
            "lag_ms": {"p50": quantile(lags, 0.5), "p99": quantile(lags, 0.99)},
            "lag_max_ms": max(lags, default=0),
        }
