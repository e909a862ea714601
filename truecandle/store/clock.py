"""The exchange's clock, as those who measured it share it, and as those go by it who did not.

Never here: measuring (`binance/clock`), this machine's time of day.
Invariant: exchange time = the Redis server's clock + `offset_ms`, when it was published. A process
goes on from there by its monotonic clock: nobody's time of day moves it.
"""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from redis import Redis
from redis.exceptions import ResponseError

from truecandle.store import keys, map_redis_errors
from truecandle.store.script import Script

#: How long a reading is used before the next one.
FRESH_MS: Final = 2_000
#: A server's clock that moved by more against ours was set: what was published before says nothing
#: now. Any other reading that differs by more from the ones before is believed once a later
#: publication agrees.
JUMP_MS: Final = 500
#: Readings of which the furthest ahead counts: each is late by its way, none is early.
READINGS_KEPT: Final = 8

_PUBLISH = Script("publish_clock")


class Reading(NamedTuple):
    """The exchange's time at the moment of reading. `publication` is its number; 0 where there is
    none, and the server's own clock, `server_ms`, is all there is to go by."""

    exchange_ms: int
    publication: int
    server_ms: int


@map_redis_errors()
def publish(redis: Redis, exchange_ms: int) -> None:
    """Shares the exchange's time of this moment, by who has measured it."""
    _PUBLISH.run(redis, (keys.CLOCK,), (exchange_ms, keys.CLOCK_TTL_S))


@map_redis_errors()
def read(redis: Redis) -> Reading:
    """The exchange's time now, once: for who starts, or needs it no second time."""
    with redis.pipeline(transaction=True) as pipe:
        pipe.get(keys.CLOCK)
        pipe.time()
        text, moment = pipe.execute(raise_on_error=False)
    for answer in (text, moment):
        # Another application's value of another type is no word of ours.
        if isinstance(answer, ResponseError) and "WRONGTYPE" not in str(answer):
            raise answer
    second, microsecond = moment
    offset_ms, publication = _parsed(text)
    server_ms = second * 1000 + microsecond // 1000
    return Reading(server_ms + offset_ms, publication, server_ms)


class SharedClock:
    """`now_ms()` in the exchange's time, for a process that does not ask the exchange itself.

    A reading is used for `fresh_ms`. Raises `StoreUnavailable` where one is due and Redis is away:
    whoever can't know the time says so. Thread-safe.
    """

    def __init__(
        self,
        redis: Redis,
        *,
        fresh_ms: int = FRESH_MS,
        monotonic_ms: Callable[[], int] = lambda: time.monotonic_ns() // 1_000_000,
    ) -> None:
        self._redis = redis
        self._fresh_ms = fresh_ms
        self._monotonic_ms = monotonic_ms
        self._lock = threading.Lock()
        #: What to add to the monotonic clock, by the newest readings that agree.
        self._offsets: deque[int] = deque(maxlen=READINGS_KEPT)
        #: Whether they are somebody's word, not only the server's clock.
        self._is_told = False
        #: A reading that does not agree with them, and the number of its publication.
        self._other: tuple[int, int] | None = None
        #: The server's clock less ours, and the publication from before it was last set.
        self._server_ms: int | None = None
        self._void: int | None = None
        self._read_at_ms = 0

    def now_ms(self) -> int:
        """The exchange's time now, in ms since 1970 (UTC)."""
        if not self._offsets or self._monotonic_ms() - self._read_at_ms >= self._fresh_ms:
            reading = read(self._redis)
            with self._lock:
                self._read_at_ms = now_ms = self._monotonic_ms()
                self._look_at_server(reading.server_ms - now_ms, reading.publication)
                if reading.publication != self._void or not self._offsets:
                    self._take(reading.exchange_ms - now_ms, reading.publication)
        return self._monotonic_ms() + max(self._offsets)

    def _look_at_server(self, server_ms: int, publication: int) -> None:
        if self._server_ms is not None and abs(server_ms - self._server_ms) > JUMP_MS:
            self._void = publication
        self._server_ms = server_ms

    def _take(self, offset_ms: int, publication: int) -> None:
        if publication == 0 and self._is_told:
            return
        if publication and not self._is_told:
            self._is_told = True
            self._offsets.clear()
        if not self._offsets or abs(offset_ms - max(self._offsets)) <= JUMP_MS:
            self._offsets.append(offset_ms)
            self._other = None
        elif self._other is None or abs(offset_ms - self._other[0]) > JUMP_MS:
            self._other = offset_ms, publication
        elif publication != self._other[1]:
            self._offsets.clear()
            self._offsets.append(offset_ms)
            self._other = None


def _parsed(text: Any) -> tuple[int, int]:
    """Offset and number of a publication; zeros where there is none of ours."""
    try:
        found = json.loads(text or b"null")
        return int(found["offset_ms"]), int(found["count"])
    except (ValueError, TypeError, LookupError, OverflowError):
        return 0, 0
