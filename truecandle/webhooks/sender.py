"""Tells every receiver what changed: a thread each, beside the fetcher that leads.

Never here: what there is to tell (`changes`), one request (`receiver`).
Invariant: of a series nothing is told before what came first was taken, or given up and kept. Who
refuses one series is told the others; who does not answer at all waits, and nothing is given up.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Final

from redis import Redis

from truecandle.backoff import Backoff
from truecandle.binance.rest.deadline import RequestDeadlines
from truecandle.candles.interval import INTERVALS
from truecandle.candles.series import Series
from truecandle.config import Settings
from truecandle.errors import DeliveryFailed, StoreError
from truecandle.log_once import TroubleLog
from truecandle.store import markets, webhooks
from truecandle.store.pages import version_in
from truecandle.store.webhooks import Cursor, DeadLetter
from truecandle.webhooks import changes
from truecandle.webhooks.changes import Change
from truecandle.webhooks.receiver import Receiver

#: How often it is looked what changed, and which markets are followed.
LOOK_S: Final = 0.5
FOLLOWED_S: Final = 5.0
#: Pauses after a failure, from the first to the longest; after so many refusals a message is kept
#: aside and the next one told.
PAUSE_S: Final = 1.0
PAUSE_S_MAX: Final = 300.0
ATTEMPTS_MAX: Final = 10
#: Steps of one series at a time, so that a long outage of one delays no other.
STEPS_MAX: Final = 200

log = logging.getLogger(__name__)


class WebhookSenders:
    """All receivers of the settings: `loops` run in a thread each; `close` ends their requests."""

    def __init__(
        self,
        settings: Settings,
        redis: Redis,
        is_leading: Callable[[], bool],
        now_ms: Callable[[], int],
    ) -> None:
        self._deadlines = RequestDeadlines()
        self._senders = [
            WebhookSender(
                Receiver(url, settings.webhook_secret, self._deadlines),
                settings, redis, is_leading, now_ms,
            )
            for url in settings.webhook_urls
        ]  # fmt: skip
        self.loops = tuple(sender.run for sender in self._senders)

    def close(self) -> None:
        self._deadlines.abort_all()

    def counts(self) -> dict[str, int]:
        """Since the start: messages taken, refused, given up; and series that wait now."""
        found = Counter({"delivered": 0, "failed": 0, "dead": 0})
        for sender in self._senders:
            found.update(sender.counts)
        return {**found, "waiting": sum(sender.waiting for sender in self._senders)}


class WebhookSender:
    """One receiver. `run` in a thread of its own; it is one `look` after the other.

    `now_ms` is the exchange's clock, `now_s` counts seconds.
    """

    def __init__(
        self,
        receiver: Receiver,
        settings: Settings,
        redis: Redis,
        is_leading: Callable[[], bool],
        now_ms: Callable[[], int],
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.counts: Counter[str] = Counter()
        #: Series that are not told everything, as far as is known.
        self.waiting = 0
        self._receiver = receiver
        self._settings = settings
        self._redis = redis
        self._is_leading = is_leading
        self._now_ms = now_ms
        self._now_s = now_s
        self._series: list[Series] = []
        self._followed_at_s = float("-inf")
        #: By series' name; None while they have to be read, because another fetcher led.
        self._cursors: dict[str, Cursor] | None = None
        #: Of series that were refused: failures in a row, and when to try again.
        self._refused: dict[str, tuple[Backoff[float], float]] = {}
        self._backoff = Backoff(PAUSE_S, PAUSE_S_MAX)
        self._due_s = float("-inf")
        self._troubles = TroubleLog(log)

    def run(self, stop: threading.Event) -> None:
        """Looks until `stop` is set."""
        while not stop.wait(LOOK_S):
            self.look(stop)

    def look(self, stop: threading.Event) -> None:
        """Tells what is due; no error leaves it."""
        if not self._is_leading():
            self._cursors = None
            return
        if self._now_s() < self._due_s:
            return
        try:
            self._tell_all(stop)
        except StoreError as error:
            self._troubles.report("webhooks", error)
        except Exception:
            log.exception("webhooks failed in a way nobody thought of")
        else:
            self._troubles.clear("webhooks")

    def _tell_all(self, stop: threading.Event) -> None:
        if self._cursors is None:
            self._cursors = webhooks.cursors(self._redis, self._receiver.name)
        self._follow()
        found = zip(self._series, webhooks.versions(self._redis, self._series), strict=True)
        versions = {series: version_in(text) for series, text in found}
        told = self._cursors
        changed = [
            series
            for series, version in versions.items()
            if version and (series.name not in told or told[series.name].version != version)
        ]
        self.waiting = len(changed)
        for series in changed:
            _, due_s = self._refused.get(series.name, (None, float("-inf")))
            if self._now_s() < due_s:
                continue
            if stop.is_set() or not self._is_leading() or not self._tell(series, stop):
                return

    def _tell(self, series: Series, stop: threading.Event) -> bool:
        """Tells of one series; whether the receiver is there."""
        assert self._cursors is not None
        known = self._cursors.get(series.name)
        if known is None:
            if (first := changes.present(self._redis, series)) is not None:
                self._move(series, first)
            return True
        for step, change in enumerate(changes.since(self._redis, series, known)):
            if stop.is_set() or step >= STEPS_MAX or not self._is_leading():
                return True
            if not self._take_step(series, change):
                return self._now_s() >= self._due_s
        return True

    def _take_step(self, series: Series, change: Change) -> bool:
        """Whether the next step of this series may follow."""
        if change.message is None:
            self._move(series, change.cursor)
            return True
        try:
            self._receiver.deliver(change.message, self._now_ms() // 1_000)
        except DeliveryFailed as error:
            self.counts["failed"] += 1
            return self._fail(series, change, error)
        self.counts["delivered"] += 1
        self._refused.pop(series.name, None)
        self._backoff.reset()
        self._troubles.clear(f"webhooks to {self._receiver.shown}")
        self._move(series, change.cursor)
        return True

    def _fail(self, series: Series, change: Change, error: DeliveryFailed) -> bool:
        told = DeliveryFailed(f"{series}: {error}", error.status)
        self._troubles.report(f"webhooks to {self._receiver.shown}", told)
        if not error.status:
            self._due_s = self._now_s() + self._backoff.fail()
            return False
        backoff, _ = self._refused.get(series.name, (Backoff(PAUSE_S, PAUSE_S_MAX), 0.0))
        self._refused[series.name] = (backoff, self._now_s() + backoff.fail())
        if backoff.failures < ATTEMPTS_MAX or change.message is None:
            return False
        del self._refused[series.name]
        self.counts["dead"] += 1
        message, now_ms = change.message, self._now_ms()
        dead = DeadLetter(message.id, series.name, message.body, str(error), now_ms)
        self._move(series, change.cursor, dead)
        return True

    def _move(self, series: Series, cursor: Cursor, dead: DeadLetter | None = None) -> None:
        assert self._cursors is not None
        webhooks.move(self._redis, self._receiver.name, series, cursor, dead)
        self._cursors[series.name] = cursor

    def _follow(self) -> None:
        """Every followed market at every interval, as far as the settings want them told."""
        if self._now_s() - self._followed_at_s < FOLLOWED_S:
            return
        wanted = self._settings
        found = markets.followed(self._redis, wanted.symbols)
        self._series = [
            Series(one.symbol, INTERVALS[name])
            for one in found
            if not wanted.webhook_symbols or one.symbol in wanted.webhook_symbols
            for name in wanted.intervals
            if not wanted.webhook_intervals or name in wanted.webhook_intervals
        ]
        self._followed_at_s = self._now_s()
