"""Which series are listened to by programs, and what those are told: one look at Redis for all.

Socket.IO's browsers are told events as they were published, and find holes by asking again. Here
each hint leads to a look at the store, so that what is told of official candles has no hole.

Never here: connections, text of events; who may listen.
Invariant: all that one listener hears of a series has one order; whoever has joined misses no
official candle that is stored from then on. Nobody who tells waits for a listener, or for Redis.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeVar

from truecandle import exact_json
from truecandle.candles.candle import LiveCandle, live_from_fields
from truecandle.candles.series import Series
from truecandle.errors import CandleError, StoreDamaged, StoreError
from truecandle.events import DATA_UPDATED, GAP_PROVEN, LIVE_CANDLE, RESYNC, Event
from truecandle.store import changes, live
from truecandle.store.batch import Batch
from truecandle.store.changes import Changes, Position
from truecandle.store.live import Live
from truecandle.web.kline_sequence import KlineSequence, Told
from truecandle.web.services import Services

T = TypeVar("T")

#: How often what waits is looked at, and listeners are asked whether they are due for something.
TICK_S: Final = 1.0
#: What is hinted at soon after another hint is read with it.
GATHER_S: Final = 0.02
#: How often versions are compared: a hint may have been lost on its way.
POLL_S: Final = 15.0
#: How long a series is watched on that nobody listens to: who comes and goes costs no look.
LINGER_S: Final = 10.0
#: Series of one round trip to Redis.
READ_AT_ONCE: Final = 50
#: Of the live candles, so many closed ones are read for who begins to listen.
PENDING_READ: Final = 20
#: Live candles that are kept of a series that is being read for the first time.
EARLY_MAX: Final = 100
#: After so many listeners the others of this process have their turn.
TURN: Final = 100

_log = logging.getLogger("truecandle.web.series_watch")


class Forms:
    """Each form in which listeners send the same is made once, for all of them."""

    def __init__(self) -> None:
        self._forms: dict[object, Any] = {}

    def form(self, key: object, make: Callable[[], T]) -> T:
        """The form of that name."""
        if key not in self._forms:
            self._forms[key] = make()
        found: T = self._forms[key]
        return found


class News(Forms):
    """What has happened to a series: `told`, in the order of a stream of klines; what has changed
    of its official candles; or an event as it was published.
    """

    def __init__(
        self,
        series: Series,
        told: Sequence[Told] = (),
        changes: Changes | None = None,
        event: Event | None = None,
        at_ms: int = 0,
    ) -> None:
        super().__init__()
        self.series = series
        #: When the store was asked what has changed (exchange ms).
        self.at_ms = at_ms
        self.told = told
        self.changes = changes
        self.event = event


class Listener(Protocol):
    """Who is told. None of these may wait for anything."""

    def hear(self, news: News) -> None: ...

    def tick(self, now_s: float) -> None: ...

    def good_bye(self) -> None: ...


@dataclass(slots=True)
class WatchedSeries:
    """A series that somebody listens to. Before the first look at the store `sequence` and
    `position` are None; `early` is what the feed has told until then.
    """

    series: Series
    listeners: dict[Listener, None] = field(default_factory=dict)
    sequence: KlineSequence | None = None
    position: Position | None = None
    early: list[LiveCandle] = field(default_factory=list)
    #: How often something was said to have changed, and of how many of that the store was asked.
    hints: int = 0
    heeded: int = 0
    #: Since when nobody listens.
    left_s: float = 0.0


class SeriesWatch:
    """All listeners of this process."""

    def __init__(self, services: Services) -> None:
        self._services = services
        #: Held while somebody is told, so that there is one order.
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._watched: dict[str, WatchedSeries] = {}
        self._listeners: dict[Listener, None] = {}
        self._has_begun = False
        self._ticked_s = self._polled_s = time.monotonic()

    def enter(self, listener: Listener) -> None:
        """Asks it from now on whether it is due for something."""
        with self._lock:
            self._listeners[listener] = None
            has_begun, self._has_begun = self._has_begun, True
        if not has_begun:
            threading.Thread(target=self._run, name="series-watch", daemon=True).start()

    def join(self, listener: Listener, wanted: Iterable[Series]) -> None:
        """Tells it of these series from now on, and first what forms. Raises a `StoreError`."""
        new = []
        with self._lock:
            for series in wanted:
                found = self._watched.setdefault(series.name, WatchedSeries(series))
                found.listeners[listener] = None
                if found.sequence is None or found.position is None:
                    new.append(found)
                else:
                    told = filter(None, [found.sequence.forming])
                    listener.hear(News(series, list(told), Changes(found.position)))
        self._read(new)

    def part(self, listener: Listener, left: Iterable[Series]) -> None:
        """Tells it nothing more of these series."""
        with self._lock:
            for series in left:
                found = self._watched.get(series.name)
                if found is not None:
                    found.listeners.pop(listener, None)
                    found.left_s = time.monotonic()

    def leave(self, listener: Listener) -> None:
        """Tells it nothing more at all."""
        with self._lock:
            self._listeners.pop(listener, None)
            names = [one.series for one in self._watched.values() if listener in one.listeners]
        self.part(listener, names)

    def close_all(self) -> None:
        """Says good-bye to every listener."""
        for listener in list(self._listeners):
            listener.good_bye()

    def hear(self, events: Sequence[Event]) -> None:
        """What was published; a `RESYNC` says that some of it may have been lost."""
        if not self._watched:
            return
        with self._lock:
            for event in events:
                if event.name == RESYNC:
                    for found in self._watched.values():
                        found.hints += 1
                    self._wake.set()
                elif (one := self._watched.get(event.room)) is not None:
                    try:
                        self._heed(one, event)
                    except (CandleError, LookupError, TypeError, ValueError) as error:
                        _log.warning("not an event of ours: %.200s", error)

    def _heed(self, one: WatchedSeries, event: Event) -> None:
        if event.name == DATA_UPDATED:
            one.hints += 1
            self._wake.set()
        elif event.name == LIVE_CANDLE:
            candle = live_from_fields(exact_json.loads(event.payload)["candle"])
            if one.sequence is None or one.position is None:
                one.early = [*one.early[1 - EARLY_MAX :], candle]
            elif candle.open_ms > one.position.latest_ms:
                told = one.sequence.add_live(candle, time.monotonic())
                self._tell(one, News(one.series, told, event=event))
        elif event.name == GAP_PROVEN and one.sequence is not None:
            spans = [(start, end) for start, end in exact_json.loads(event.payload)["missing"]]
            told = one.sequence.add_missing(spans, time.monotonic())
            self._tell(one, News(one.series, told, event=event))

    def _run(self) -> None:
        """For as long as the process lives; while Redis is away nobody knows what is official."""
        while True:
            if self._wake.wait(TICK_S):
                time.sleep(GATHER_S)
            self._wake.clear()
            try:
                self._look()
            except StoreError as error:
                _log.debug("streams not looked at: %s", error)
                time.sleep(TICK_S)
            except Exception:
                _log.exception("looking at the streams failed")
                time.sleep(TICK_S)

    def _look(self) -> None:
        now_s = time.monotonic()
        if now_s - self._ticked_s >= TICK_S:
            self._ticked_s = now_s
            self._tick(now_s)
        if now_s - self._polled_s >= POLL_S:
            self._polled_s = now_s
            self._compare()
        self._read([one for one in list(self._watched.values()) if one.hints != one.heeded])

    def _tick(self, now_s: float) -> None:
        with self._lock:
            for name, one in list(self._watched.items()):
                if not one.listeners and now_s - one.left_s >= LINGER_S:
                    del self._watched[name]
                elif one.sequence is not None and (told := one.sequence.look(now_s)):
                    self._tell(one, News(one.series, told))
            listeners = list(self._listeners)
        for listener in listeners:
            listener.tick(now_s)

    def _compare(self) -> None:
        """Has those be read whose version is another than is known."""
        known = [(one, one.position) for one in list(self._watched.values())]
        found = changes.versions(self._services.redis, [one.series for one, _ in known])
        for (one, position), version in zip(known, found, strict=True):
            if position is None or position.version != version:
                one.hints += 1

    def _read(self, wanted: Sequence[WatchedSeries]) -> None:
        """Asks the store what has changed of these, and tells it. Where a key of one holds what is
        not ours, nothing is told of that one until it is mended.
        """
        for first in range(0, len(wanted), READ_AT_ONCE):
            some = wanted[first : first + READ_AT_ONCE]
            try:
                self._read_some(some)
            except StoreDamaged as error:
                if len(some) == 1:
                    _log.debug("%s is not told of: %s", some[0].series, error)
                    continue
                for one in some:
                    self._read([one])

    def _read_some(self, wanted: Sequence[WatchedSeries]) -> None:
        batch, now_ms = Batch(self._services.redis), self._services.clock.now_ms()
        asked = []
        for one in wanted:
            from_ms = one.sequence.from_ms if one.sequence else None
            of_official = changes.queue(batch, one.series, one.position, from_ms)
            of_live = live.queue(batch, one.series, now_ms, PENDING_READ)
            asked.append((one, one.hints, one.position, of_official, of_live))
        batch.run()
        with self._lock:
            for one, hints, position, of_official, of_live in asked:
                if one.position is not position:
                    one.hints += 1  # somebody else was faster
                    continue
                one.heeded = hints
                self._apply(one, of_official.value, of_live.value, now_ms)

    def _apply(self, one: WatchedSeries, found: Changes, beside: Live, now_ms: int) -> None:
        now_s, former = time.monotonic(), one.position
        one.position = found.position
        is_first = one.sequence is None or found.is_anew
        if one.sequence is None or found.is_anew:
            one.sequence = KlineSequence(one.series.interval, found.position.latest_ms or None)
        told = one.sequence.add_official(found.added, now_s)
        forming = [beside.forming] if beside.forming else []
        for candle in (*beside.pending, *forming, *one.early):
            told += one.sequence.add_live(candle, now_s)
        if is_first:
            one.early, told = [], told[-1:]
        if found.has_more:
            one.hints += 1
            self._wake.set()
        if told or found.position != former:
            self._tell(one, News(one.series, told, found, at_ms=now_ms))

    def _tell(self, one: WatchedSeries, news: News) -> None:
        left = TURN
        for listener in list(one.listeners):
            listener.hear(news)
            left -= 1
            if not left:
                left = TURN
                time.sleep(0)
