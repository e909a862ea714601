"""Out to Redis: live candles are stored, then browsers are told; while it is away, they are kept.

Never here: how candles come to be; the order of prices and candles within a symbol (`market`).
Invariant: bounded, and never dies of Redis; a candle is told only when it is stored.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Sequence

from redis import Redis

from truecandle.candles.candle import LiveCandle, State
from truecandle.candles.series import Series
from truecandle.errors import StoreError
from truecandle.events import Publisher
from truecandle.feed.prices import Summary
from truecandle.store import live

#: After Redis failed, it is left alone for this long.
AWAY_S = 1.0

#: An event that took longer than this was held up by a Redis that hangs.
SLOW_S = 0.5

#: Candles of one series kept while Redis is away: as many as it keeps pending itself.
UNSAVED_MAX = live.PENDING_KEPT

Item = tuple[Series, LiveCandle]
log = logging.getLogger(__name__)


class Outbox:
    """Saves and publishes; `is_away` while Redis is left alone."""

    def __init__(self, redis: Redis, publisher: Publisher) -> None:
        self._redis = redis
        self._publisher = publisher
        self._unsaved: dict[str, dict[int, Item]] = {}
        self._damaged: set[str] = set()
        self._away_until_s = 0.0
        self._has_failed = False

    def send(
        self,
        prices: Sequence[tuple[str, Summary]],
        candles: Iterable[Item],
        now_ms: int,
    ) -> None:
        """Stores the candles, tells the prices, then tells the candles that were stored.

        `now_ms` is the exchange's time. Prices are lost while Redis is away, candles are kept.
        """
        self._keep(candles)
        if self.is_away():
            return
        stored = self._save(now_ms)
        for symbol, summary in prices:
            if self.is_away():
                return
            self._tell_price(symbol, summary)
        for series, candle in stored:
            if self.is_away():
                return
            self._tell_candle(series, candle)

    def is_away(self) -> bool:
        return time.monotonic() < self._away_until_s

    @property
    def has_unsaved(self) -> bool:
        return bool(self._unsaved)

    def leave_alone(self, problem: object) -> None:
        """Redis failed: nothing is sent for `AWAY_S`."""
        if not self._has_failed:
            log.warning("feed: %s; candles are kept until it is back", problem)
        self._has_failed = True
        self._away_until_s = time.monotonic() + AWAY_S

    def _keep(self, candles: Iterable[Item]) -> None:
        for series, candle in candles:
            kept = self._unsaved.setdefault(series.name, {})
            kept[candle.open_ms] = (series, candle)
            if len(kept) > UNSAVED_MAX:
                del kept[min(kept)]

    def _save(self, now_ms: int) -> list[Item]:
        items = [kept[at] for kept in self._unsaved.values() for at in sorted(kept)]
        if not items:
            return []
        try:
            answers = live.save_many(self._redis, items, now_ms=now_ms)
        except StoreError as error:
            self.leave_alone(error)
            return []
        self._unsaved.clear()
        if self._has_failed:
            log.info("feed: Redis is back; %d candles saved", len(items))
        self._has_failed = False
        for (series, _), answer in zip(items, answers, strict=True):
            self._note_damage(series, answer)
        return [item for item, answer in zip(items, answers, strict=True) if answer.saved]

    def _note_damage(self, series: Series, answer: live.Saved) -> None:
        if answer.reason != "damaged":
            self._damaged.discard(series.name)
        elif series.name not in self._damaged:
            self._damaged.add(series.name)
            log.error("feed: %s cannot be saved: a key holds something that is not ours", series)

    def _tell_price(self, symbol: str, summary: Summary) -> None:
        started_s = time.monotonic()
        self._publisher.live_price(symbol, **summary.values)  # type: ignore[arg-type]
        self._check_pace(started_s)

    def _tell_candle(self, series: Series, candle: LiveCandle) -> None:
        started_s = time.monotonic()
        state: State = "pending" if candle.is_complete else "forming"
        self._publisher.live_candle(series, candle, state)
        self._check_pace(started_s)

    def _check_pace(self, started_s: float) -> None:
        if time.monotonic() - started_s > SLOW_S:
            self.leave_alone("Redis hangs")
