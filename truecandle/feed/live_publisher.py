"""Publishes live candles and prices: stores, then tells browsers; keeps all while Redis fails.

Never here: how candles come to be, their order within a symbol (`symbol_builder`), threads
(`sender` has the one in which all this happens).
Invariant: bounded, and never dies of Redis; a candle is published only when it is stored, and only
by the feed that leads its market.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from redis import Redis

from truecandle.candles.candle import CandleState, LiveCandle
from truecandle.candles.series import Series
from truecandle.errors import StoreError
from truecandle.events import Publisher
from truecandle.feed.lag import LAG_MAX_MS, quantile
from truecandle.feed.symbol_builder import PriceUpdate
from truecandle.feed.tick_traces import Publishing, TickTraces
from truecandle.store import live

#: After Redis failed, it is left alone for this long.
PAUSE_S = 1.0

#: Events that took longer than this were held up by a Redis that hangs.
SLOW_S = 0.5

#: Candles of one series kept while Redis is away: as many as it keeps pending itself.
UNSAVED_MAX = live.PENDING_KEPT

#: Prices kept for the next time when Redis fails; while it is away the markets keep theirs.
UNPUBLISHED_MAX = 1_000

#: Who stands by keeps closed candles for this long: more than the leader's lease lasts, so that
#: what a leader that died has not stored is stored by the next one.
STANDBY_MS = 20_000

SeriesCandle = tuple[Series, LiveCandle]
SymbolPrice = tuple[str, PriceUpdate]
log = logging.getLogger(__name__)


class LivePublisher:
    """Saves and publishes; `is_paused` while Redis is left alone. One thread does it, others may
    look at how it stands. `now_ms` is the exchange's time; `traces` is None without tracing."""

    def __init__(
        self,
        redis: Redis,
        publisher: Publisher,
        now_ms: Callable[[], int],
        traces: TickTraces | None = None,
    ) -> None:
        self._redis = redis
        self._traces = traces
        self._publisher = publisher
        self._now_ms = now_ms
        #: By symbol and series, by open time.
        self._unsaved: dict[str, dict[str, dict[int, SeriesCandle]]] = {}
        self._unpublished: list[SymbolPrice] = []
        self._damaged: set[str] = set()
        self._stored: dict[str, dict[str, tuple[int, int]]] = {}
        self._paused_until_s = 0.0
        self._has_failed = False
        #: How old the newest trade of each price was when Redis had taken it, in ms.
        self._lags: Counter[int] = Counter()
        #: How many were published, and how many refused, as another feed leads their market.
        self.published = 0
        self.fenced = 0

    def publish(
        self,
        prices: Sequence[SymbolPrice],
        candles: Iterable[SeriesCandle],
        fences: Mapping[str, int],
    ) -> frozenset[str]:
        """Of the markets led, by their fencing numbers: stores the candles, then publishes, in one
        round trip, the prices and the candles that are stored. A candle never comes before the
        prices that it is made of.

        What cannot be sent now goes first the next time; of each candle its newest state. Returns
        the names of the series of which a candle was published.
        """
        self._enqueue(candles)
        self._unpublished = [one for one in (*self._unpublished, *prices) if one[0] in fences][
            -UNPUBLISHED_MAX:
        ]
        if self.is_paused():
            return frozenset()
        items = self._items(fences)
        stored = self._save(items, fences, self._now_ms()) if items else []
        if (stored or self._unpublished) and self._publish_waiting(stored):
            return frozenset(series.name for series, _ in stored)
        return frozenset()

    def take_over(
        self,
        series: Collection[Series],
        prices: Sequence[SymbolPrice],
        candles: Iterable[SeriesCandle],
        fences: Mapping[str, int],
    ) -> None:
        """As `publish`; and of these series, which are led since now, publishes the newest candles
        as they are stored where that has told nothing: no browser's candle stands in for it any
        more."""
        told, now_ms = self.publish(prices, candles, fences), self._now_ms()
        untold = [one for one in series if one.name not in told]
        try:
            live.restore(self._redis, untold, now_ms=now_ms, fences=fences)
            newest = live.newest(self._redis, untold, now_ms)
        except StoreError as error:
            self.pause(error)
            return
        self._record_stored(newest)
        self._publish([], newest)

    def drop_stale(self, led: Collection[str]) -> None:
        """Forgets closed candles of markets that another feed leads, some time after."""
        now_ms = self._now_ms()
        for symbol in self._unsaved.keys() - led:
            for kept in self._unsaved[symbol].values():
                for open_ms, (series, _) in list(kept.items()):
                    if series.interval.next_open_ms(open_ms) < now_ms - STANDBY_MS:
                        del kept[open_ms]

    def forget(self, symbols: Iterable[str]) -> None:
        """Markets that are not followed any more."""
        for symbol in symbols:
            self._unsaved.pop(symbol, None)
            self._stored.pop(symbol, None)

    def stored_ms(self, symbol: str) -> dict[str, int]:
        """By interval, when the newest candle that is stored had changed last (exchange ms)."""
        held = dict(self._stored.get(symbol, {}))
        return {name: at_ms for name, (_, at_ms) in held.items()}

    def lags(self) -> dict[str, object]:
        """How late prices were published (ms, from a trade to Redis), since the last time."""
        lags, self._lags = self._lags, Counter()
        return {
            "sent_ms": {"p50": quantile(lags, 0.5), "p99": quantile(lags, 0.99)},
            "sent_max_ms": max(lags, default=0),
        }

    def is_paused(self) -> bool:
        return time.monotonic() < self._paused_until_s

    def has_unsaved(self, led: Iterable[str]) -> bool:
        return any(symbol in self._unsaved for symbol in led)

    def pause(self, problem: object) -> None:
        """Redis failed: nothing is sent for `PAUSE_S`."""
        if not self._has_failed:
            log.warning("feed: %s; candles are kept until it is back", problem)
        self._has_failed = True
        self._paused_until_s = time.monotonic() + PAUSE_S

    def _enqueue(self, candles: Iterable[SeriesCandle]) -> None:
        for series, candle in candles:
            kept = self._unsaved.setdefault(series.symbol, {}).setdefault(series.name, {})
            kept[candle.open_ms] = (series, candle)
            if len(kept) > UNSAVED_MAX:
                del kept[min(kept)]

    def _items(self, led: Iterable[str]) -> list[SeriesCandle]:
        """What is to be stored, oldest first in each series."""
        return [
            kept[open_ms]
            for symbol in led
            for kept in self._unsaved.get(symbol, {}).values()
            for open_ms in sorted(kept)
        ]

    def _save(
        self, items: Sequence[SeriesCandle], fences: Mapping[str, int], now_ms: int
    ) -> list[SeriesCandle]:
        started_ns = time.time_ns()
        try:
            answers = live.save_many(self._redis, items, now_ms=now_ms, fences=fences)
        except StoreError as error:
            self.pause(error)
            return []
        for series, _ in items:
            self._unsaved.pop(series.symbol, None)
        if self._has_failed:
            log.info("feed: Redis is back; %d candles saved", len(items))
        self._has_failed = False
        for (series, _), answer in zip(items, answers, strict=True):
            self._log_damage(series, answer)
        self.fenced += sum(answer.reason == "fenced" for answer in answers)
        stored = [item for item, answer in zip(items, answers, strict=True) if answer.saved]
        self._record_stored(stored)
        if self._traces is not None:
            self._traces.on_stored(stored, started_ns)
        return stored

    def _record_stored(self, stored: Iterable[SeriesCandle]) -> None:
        for series, candle in stored:
            held = self._stored.setdefault(series.symbol, {})
            moment = candle.open_ms, candle.updated_at
            held[series.interval.name] = max(moment, held.get(series.interval.name, moment))

    def _log_damage(self, series: Series, answer: live.Saved) -> None:
        if answer.reason != "damaged":
            self._damaged.discard(series.name)
        elif series.name not in self._damaged:
            self._damaged.add(series.name)
            log.error("feed: %s cannot be saved: a key holds something that is not ours", series)

    def _publish_waiting(self, candles: Sequence[SeriesCandle]) -> bool:
        """Whether Redis has taken the prices that wait, and these; else the prices wait on."""
        prices, self._unpublished = self._unpublished, []
        if not self._publish(prices, candles):
            self._unpublished = prices
            return False
        now_ms = self._now_ms()
        self._lags.update(min(LAG_MAX_MS, max(0, now_ms - one.timestamp)) for _, one in prices)
        return True

    def _publish(self, prices: Sequence[SymbolPrice], candles: Sequence[SeriesCandle]) -> bool:
        started_s, traces, publishing = time.monotonic(), self._traces, Publishing()
        with self._publisher.together() as sent:
            for symbol, update in prices:
                trace = traces.price(symbol, update, publishing) if traces else ""
                self._publisher.live_price(symbol, **update.values, traceparent=trace)  # type: ignore[arg-type]
            for series, candle in candles:
                state: CandleState = "pending" if candle.is_complete else "forming"
                trace = traces.candle(series, candle, publishing) if traces else ""
                self._publisher.live_candle(series, candle, state, trace)
        publishing.end(sent.is_taken)
        if traces is not None and sent.is_taken:
            traces.on_told(candles)
        if not sent.is_taken:
            self.pause("Redis takes no events")
            return False
        self.published += len(prices) + len(candles)
        if time.monotonic() - started_s > SLOW_S:
            self.pause("Redis hangs")
        return True
