"""The fetcher's heartbeat: keeps the exchange's clock, shares it, gives signs of life.

Never here: candles.
Invariant: no job is started before the exchange's clock is known, and all are started anew when a
clock jumped; until it is measured again nothing is written by it.
"""

from __future__ import annotations

import logging
import threading
import time
from contextlib import suppress
from typing import Any

from redis import Redis

from truecandle.backoff import Backoff
from truecandle.binance.clock import JUMP_MS, ExchangeClock, TimeSource
from truecandle.config import Settings
from truecandle.errors import ExchangeError, ExchangeUnreachable, Outage, StoreError
from truecandle.fetcher.fetch_scheduler import FetchScheduler
from truecandle.ingest.official_writer import OfficialWriter
from truecandle.log_once import TroubleLog
from truecandle.store import clock as shared
from truecandle.store import roles, shared_settings
from truecandle.store.budget import Budget
from truecandle.tracing.spans import Tracing
from truecandle.watchdog import Watchdog
from truecandle.webhooks.sender import WebhookSenders

TICK_S = 1.0
BEAT_S = 5.0
#: Pauses after failed measurements, from the first to the longest.
PAUSE_S = 1.0
PAUSE_S_MAX = 30.0
#: The name of its loop for the watchdog.
LOOP = "heartbeat"
#: Names of markets in one sign of life.
NAMES_MAX = 20
#: What of official candles is told although it may never happen.
COUNTED = ("added", "corrected", "healed", "rows refused", "answers held")

log = logging.getLogger(__name__)


class Heartbeat:
    """`run` until told to stop; it is one `beat` a second."""

    def __init__(
        self,
        redis: Redis,
        clock: ExchangeClock,
        source: TimeSource,
        scheduler: FetchScheduler,
        writer: OfficialWriter,
        webhooks: WebhookSenders,
        holder: str,
        settings: Settings,
        tracing: Tracing | None = None,
    ) -> None:
        self._redis = redis
        self._budget = Budget(redis)
        self._clock = clock
        #: Who asks the exchange for its time.
        self._source = source
        self._scheduler = scheduler
        self._writer = writer
        self._webhooks = webhooks
        self._tracing = tracing
        self._told_settings = shared_settings.told(settings)
        #: Who this is, among all fetchers, and the role of its last sign of life.
        self._holder = holder
        self._role = roles.STANDBY
        self._backoff = Backoff(PAUSE_S, PAUSE_S_MAX)
        #: After a failed measurement: not before then, unless the outage that it met is over.
        self._measure_at_s = 0.0
        self._outage: Outage | None = None
        #: When the next sign of life is due.
        self._beat_at_s = 0.0
        #: The time that others shared has been taken over, once at the start.
        self._has_assumed = False
        self._troubles = TroubleLog(log)

    def run(self, stop: threading.Event, watchdog: Watchdog) -> None:
        """Beats until `stop` is set, and then gives no sign of life any more."""
        while not stop.is_set():
            watchdog.report(LOOP)
            self.beat()
            stop.wait(TICK_S)
        with suppress(StoreError):
            roles.leave(self._redis, self._role, self._holder)

    def beat(self) -> None:
        """Whatever is due now; no error leaves it."""
        now_s = time.monotonic()
        try:
            self._assume()
            if self._clock.is_stale() and (now_s >= self._measure_at_s or self._is_over()):
                self._measure()
            if self._clock.is_measured and not self._clock.is_unsure():
                shared.publish(self._redis, self._clock.now_ms())
            if now_s >= self._beat_at_s:
                self._beat_at_s = now_s + BEAT_S
                self._give_sign()
        except (ExchangeError, StoreError) as error:
            self._fail(error, now_s)
        except Exception:
            log.exception("the heartbeat failed in a way nobody thought of")
        else:
            self._troubles.clear("")

    def _assume(self) -> None:
        if not self._has_assumed:
            self._clock.assume(shared.read(self._redis).exchange_ms)
            self._has_assumed = True

    def _give_sign(self) -> None:
        role = "fetcher" if self._scheduler.is_leading() else roles.STANDBY
        if role != self._role:
            roles.leave(self._redis, self._role, self._holder)
            self._role = role
        roles.heartbeat(self._redis, role, self._detail(), self._holder)

    def _measure(self) -> None:
        is_first = not self._clock.is_measured
        has_jumped = self._clock.has_jumped()
        moved_ms = self._clock.measure(self._source)
        self._backoff.reset()
        self._outage = None
        if is_first:
            log.info("the exchange's clock is %+d ms from this machine's", self._clock.offset_ms())
        elif has_jumped or abs(moved_ms) > JUMP_MS:
            log.warning("a clock jumped; the exchange's is now %+d ms", self._clock.offset_ms())
        if is_first or has_jumped or abs(moved_ms) > JUMP_MS:
            self._scheduler.start_jobs()

    def _detail(self) -> dict[str, Any]:
        pollers, now_ms = self._scheduler.pollers, self._clock.now_ms()
        failing = [m.symbol for m in pollers if m.is_failing]
        lateness = self._writer.lateness
        return {
            "markets": len(pollers),
            "read_ms": max((one.read_ms for one in pollers), default=0),
            "unknown": [m.symbol for m in pollers if m.is_unknown][:NAMES_MAX],
            "failing": failing[:NAMES_MAX],
            "failing_count": len(failing),
            "silent": [m.symbol for m in pollers if m.schedule.silent()][:NAMES_MAX],
            "clock_offset_ms": self._clock.offset_ms(),
            "counts": dict.fromkeys(COUNTED, 0) | self._writer.counts,
            "lateness": {name: one.fields() for name, one in list(lateness.items())},
            "gaps": self._writer.gap_counts({one.symbol for one in pollers}),
            "webhooks": self._webhooks.counts(),
            "weight_used": self._budget.used(now_ms),
            "weight_limit": self._budget.limit_in_force(),
            "ban_ms": max(0, self._budget.banned_until_ms() - now_ms),
            **self._told_settings,
            **({"spans": self._tracing.counts()} if self._tracing else {}),
        }

    def _is_over(self) -> bool:
        """Whether the outage that the last measurement met is over by now."""
        return self._outage is not None and self._outage.is_over

    def _fail(self, error: Exception, now_s: float) -> None:
        self._outage = error.outage if isinstance(error, ExchangeUnreachable) else None
        if self._clock.is_stale():
            self._measure_at_s = now_s + self._backoff.fail()
        self._troubles.report("", error)
