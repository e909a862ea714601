"""Out to Redis: live candles are stored, then browsers are told; while it is away, they are kept.

Never here: how candles come to be; the order of prices and candles within a symbol (`market`).
Invariant: bounded, and never dies of Redis; a candle is told only when it is stored, and only by
the feed that leads its market.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Iterable, Mapping, Sequence

from redis import Redis

from truecandle.candles.candle import CandleState, LiveCandle
from truecandle.candles.series import Series
from truecandle.errors import StoreError
from truecandle.events import Publisher
from truecandle.feed.prices import Summary
from truecandle.store import live

#: After Redis failed, it is left alone for this long.
AWAY_S = 1.0

#: Events that took longer than this were held up by a Redis that hangs.
SLOW_S = 0.5

#: Candles of one series kept while Redis is away: as many as it keeps pending itself.
UNSAVED_MAX = live.PENDING_KEPT

#: Prices kept for the next time when Redis fails; while it is away the markets keep theirs.
UNTOLD_MAX = 1_000

#: Who stands by keeps closed candles for this long: more than the leader's lease lasts, so that
#: what a leader that died has not stored is stored by the next one.
STANDBY_MS = 20_000

Item = tuple[Series, LiveCandle]
Price = tuple[str, Summary]
log = logging.getLogger(__name__)


class Outbox:
    """Saves and publishes; `is_away` while Redis is left alone."""

    def __init__(self, redis: Redis, publisher: Publisher) -> None:
        self._redis = redis
        self._publisher = publisher
        #: By symbol and series, by open time.
        self._unsaved: dict[str, dict[str, dict[int, Item]]] = {}
        self._untold: list[Price] = []
        self._damaged: set[str] = set()
        self._shown: dict[str, dict[str, tuple[int, int]]] = {}
        self._away_until_s = 0.0
        self._has_failed = False
        #: What was told, and candles that were refused as another feed leads their market.
        self.told = 0
        self.fenced = 0

    def keep(self, candles: Iterable[Item]) -> None:
        """Candles to be stored by whoever leads; the newest state of each."""
        for series, candle in candles:
            kept = self._unsaved.setdefault(series.symbol, {}).setdefault(series.name, {})
            kept[candle.open_ms] = (series, candle)
            if len(kept) > UNSAVED_MAX:
                del kept[min(kept)]

    def send(self, prices: Sequence[Price], fences: Mapping[str, int], now_ms: int) -> None:
        """Of the markets led, by their fencing numbers: stores what is kept, tells the prices,
        then tells the candles that were stored.

        `now_ms` is the exchange's time. What cannot be told now goes first the next time.
        """
        self._untold = [one for one in (*self._untold, *prices) if one[0] in fences][-UNTOLD_MAX:]
        if self.is_away():
            return
        items = self._items(fences)
        if items or self._untold:
            stored = self._save(items, fences, now_ms) if items else []
            if not self.is_away():
                untold, self._untold = self._untold, []
                self._tell(untold, stored)

    def announce(self, series: Collection[Series], fences: Mapping[str, int], now_ms: int) -> None:
        """Tells the newest candles of these series as they are stored: a new feed leads them, and
        no browser's candle stands in for it any more."""
        try:
            live.restore(self._redis, series, now_ms=now_ms, fences=fences)
            newest = live.newest(self._redis, series, now_ms)
        except StoreError as error:
            self.leave_alone(error)
            return
        self._show(newest)
        self._tell([], newest)

    def prune(self, led: Collection[str], now_ms: int) -> None:
        """Forgets closed candles of markets that another feed leads, some time after."""
        for symbol in self._unsaved.keys() - led:
            for kept in self._unsaved[symbol].values():
                for open_ms, (series, _) in list(kept.items()):
                    if series.interval.next_open_ms(open_ms) < now_ms - STANDBY_MS:
                        del kept[open_ms]

    def forget(self, symbols: Iterable[str]) -> None:
        """Markets that are not followed any more."""
        for symbol in symbols:
            self._unsaved.pop(symbol, None)
            self._shown.pop(symbol, None)

    def shown(self, symbol: str) -> dict[str, int]:
        """By interval, when the newest candle that is stored had changed last (exchange ms)."""
        return {name: at_ms for name, (_, at_ms) in self._shown.get(symbol, {}).items()}

    def is_away(self) -> bool:
        return time.monotonic() < self._away_until_s

    def has_unsaved(self, led: Iterable[str]) -> bool:
        return any(symbol in self._unsaved for symbol in led)

    def leave_alone(self, problem: object) -> None:
        """Redis failed: nothing is sent for `AWAY_S`."""
        if not self._has_failed:
            log.warning("feed: %s; candles are kept until it is back", problem)
        self._has_failed = True
        self._away_until_s = time.monotonic() + AWAY_S

    def _items(self, led: Iterable[str]) -> list[Item]:
        """What is to be stored, oldest first in each series."""
        return [
            kept[open_ms]
            for symbol in led
            for kept in self._unsaved.get(symbol, {}).values()
            for open_ms in sorted(kept)
        ]

    def _save(self, items: Sequence[Item], fences: Mapping[str, int], now_ms: int) -> list[Item]:
        try:
            answers = live.save_many(self._redis, items, now_ms=now_ms, fences=fences)
        except StoreError as error:
            self.leave_alone(error)
            return []
        for series, _ in items:
            self._unsaved.pop(series.symbol, None)
        if self._has_failed:
            log.info("feed: Redis is back; %d candles saved", len(items))
        self._has_failed = False
        for (series, _), answer in zip(items, answers, strict=True):
            self._note_damage(series, answer)
        self.fenced += sum(answer.reason == "fenced" for answer in answers)
        stored = [item for item, answer in zip(items, answers, strict=True) if answer.saved]
        self._show(stored)
        return stored

    def _show(self, stored: Iterable[Item]) -> None:
        for series, candle in stored:
            held = self._shown.setdefault(series.symbol, {})
            moment = candle.open_ms, candle.updated_at
            held[series.interval.name] = max(moment, held.get(series.interval.name, moment))

    def _note_damage(self, series: Series, answer: live.Saved) -> None:
        if answer.reason != "damaged":
            self._damaged.discard(series.name)
        elif series.name not in self._damaged:
            self._damaged.add(series.name)
            log.error("feed: %s cannot be saved: a key holds something that is not ours", series)

    def _tell(self, prices: Sequence[Price], candles: Sequence[Item]) -> None:
        started_s = time.monotonic()
        with self._publisher.together():
            for symbol, summary in prices:
                self._publisher.live_price(symbol, **summary.values)  # type: ignore[arg-type]
            for series, candle in candles:
                state: CandleState = "pending" if candle.is_complete else "forming"
                self._publisher.live_candle(series, candle, state)
        self.told += len(prices) + len(candles)
        if time.monotonic() - started_s > SLOW_S:
            self.leave_alone("Redis hangs")
