"""Versions by which an answer that was made before may be given again: of a series, and of all
credentials; read in one round trip for all who ask at once.

Never here: what is kept under a version, and for how long.
Invariant: what somebody is told was read after they asked. A failed read is told to all who wait.
"""

from __future__ import annotations

import threading
from typing import Any, NamedTuple

from redis import Redis

from truecandle.candles.series import Series
from truecandle.errors import StoreError
from truecandle.store import keys, map_redis_errors
from truecandle.store.pages import version_in


class Versions(NamedTuple):
    """`series` is 0 and `credentials` None where it is not known: nothing is kept under those."""

    series: int
    credentials: bytes | None


class _Round:
    """What is read in one round trip: for all who came while the one before was on its way."""

    __slots__ = ("answers", "error", "is_over", "names")

    def __init__(self) -> None:
        #: Keys of series' meta.
        self.names: set[str] = set()
        self.answers: dict[str, bytes | None] = {}
        self.error: StoreError | None = None
        self.is_over = False

    def end(self, error: StoreError | None = None) -> None:
        self.error, self.is_over = error, True


class VersionReader:
    """Reads versions for a whole process. Safe between threads, real and green.

    One round trip is on its way at a time. Whoever comes meanwhile waits for the next, which asks
    for all of them.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        #: Held by whoever reads; those of a round that is over only pass through.
        self._turn = threading.Lock()
        self._lock = threading.Lock()
        #: The round that nobody has begun.
        self._next = _Round()

    def read(self, series: Series) -> Versions:
        """The versions now; raises a `StoreError`."""
        name = keys.meta(series)
        with self._lock:
            joined = self._next
            joined.names.add(name)
        with self._turn:
            if not joined.is_over:
                self._run(joined)
        if joined.error is not None:
            raise type(joined.error)(str(joined.error)) from joined.error
        return Versions(version_in(joined.answers[name]), joined.answers[keys.CREDENTIALS_VERSION])

    def _run(self, joined: _Round) -> None:
        with self._lock:
            if self._next is joined:
                self._next = _Round()
        names = [*joined.names, keys.CREDENTIALS_VERSION]
        try:
            with map_redis_errors():
                found: Any = self._redis.mget(names)
            joined.answers = dict(zip(names, found, strict=True))
            joined.end()
        except StoreError as error:
            joined.end(error)
            with self._lock:  # they have waited long enough
                waiting, self._next = self._next, _Round()
            waiting.end(error)
