"""Fetcher leadership: of all that run beside each other, one leads and reads, the others stand by.

Never here: candles, when they are read, what the lease is made of (`store/lease`).
Invariant: a fetcher that does not lead, or does not know it any more, has no jobs and no fencing
number.
"""

from __future__ import annotations

import logging
import os
import secrets
import socket
import threading
from typing import Protocol

from redis import Redis

from truecandle.errors import StaleWriter, StoreError
from truecandle.log_once import TroubleLog
from truecandle.store import keys
from truecandle.store.lease import Lease
from truecandle.watchdog import Watchdog

#: A leader that was killed or frozen is replaced after this, and a moment more.
TTL_MS = 3_000
#: Renewals in one such time: two of them may fail.
RENEWALS = 3
#: Who stands by looks this often: a lease that was given up is taken at once.
STANDBY_LOOK_S = 0.2

#: The name of its loop for the watchdog.
LOOP = "leadership"

log = logging.getLogger(__name__)


class Jobs(Protocol):
    """What only a leader has."""

    def start_jobs(self) -> None: ...
    def stop_jobs(self) -> None: ...


class FetcherLeadership:
    """Holds the lease for as long as it can: `run` in a thread of its own."""

    def __init__(self, redis: Redis, *, ttl_ms: int = TTL_MS) -> None:
        #: Who this is, among all fetchers.
        self.holder = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self._lease = Lease(redis, keys.LEADER, self.holder, ttl_ms)
        self._number = 0
        self._is_new = True
        self._troubles = TroubleLog(log)

    def is_leading(self) -> bool:
        """By this process's own clock: false as soon as the lease was not renewed in time."""
        return self._lease.is_held

    def fence(self) -> int:
        """The fencing number; raises `StaleWriter` unless this fetcher leads."""
        number = self._lease.fence
        if not number:
            raise StaleWriter("this fetcher does not lead")
        return number

    def run(self, stop: threading.Event, jobs: Jobs, watchdog: Watchdog) -> None:
        """Takes the lease when it is free, starts the jobs with it, and stops them without it.

        Told to stop, it gives the lease up, and another fetcher leads at once. What is under way
        then is written whole before the other leads, or not at all.
        """
        while not stop.is_set():
            watchdog.report(LOOP)
            self.renew(jobs)
            held_s = self._lease.ttl_ms / 1_000 / RENEWALS
            stop.wait(held_s if self._number else STANDBY_LOOK_S)
        self.release()

    def renew(self, jobs: Jobs) -> None:
        """One look at the lease; no error leaves it."""
        is_known = not self._is_new
        try:
            self._lease.acquire()
            self._troubles.clear("the lease")
            is_known = True
        except StoreError as error:
            self._troubles.report("the lease", error)
        except Exception:
            log.exception("holding the lease failed in a way nobody thought of")
        number = self._lease.fence
        if number != self._number or (is_known and self._is_new):
            self._change(number, jobs)

    def release(self) -> None:
        """Gives the lease up, if it is ours, so that another fetcher leads at once."""
        try:
            self._lease.release()
        except StoreError as error:
            self._troubles.report("the lease", error)

    def _change(self, number: int, jobs: Jobs) -> None:
        was_leading, self._number, self._is_new = self._number > 0, number, False
        if number:
            log.info("this fetcher leads")
            jobs.start_jobs()
        else:
            log.info("this fetcher %s", "leads no more" if was_leading else "stands by")
            jobs.stop_jobs()
