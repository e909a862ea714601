"""Turns at hashing passwords: two lanes of one at a time, each with a short queue.

A hash takes a tenth of a second of a whole core and 64 MiB. Strangers' tries wait in a lane of
their own, so that a flood of them keeps nobody out who is known, and no other work waits for it.

Never here: hashing (`passwords`), how often somebody may try (`rate_limit`).
Invariant: at most one hash a lane is computed, at most `WAITING_MAX` wait for it, in the order in
which they came and for `WAIT_S`; who gets no turn is told so.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Literal, get_args

from truecandle.web.errors import Problem

#: `known`: signed in, or on a device from which somebody signed in before.
Lane = Literal["known", "strangers"]

WAITING_MAX: Final = 8
WAIT_S: Final = 5.0
RETRY_AFTER_S: Final = 2


class HashingQueue:
    """The lanes of this process."""

    def __init__(self) -> None:
        self._lanes: dict[Lane, _Turns] = {lane: _Turns() for lane in get_args(Lane)}

    def waiting(self) -> int:
        """How many wait for a turn."""
        return sum(lane.length for lane in self._lanes.values())

    @contextmanager
    def turn(self, lane: Lane) -> Iterator[None]:
        """Waits for a turn; `Problem` 503 where too many wait already, or it takes too long."""
        if not self._lanes[lane].take():
            raise _busy()
        try:
            yield
        finally:
            self._lanes[lane].give()

    def check(self, lane: Lane) -> None:
        """Goes on if there may be a turn, else `Problem` 503: before anything else is done."""
        if self._lanes[lane].is_full:
            raise _busy()


class _Turns:
    """One turn, and those who wait for it: it is handed on, so that nobody can get in between."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_taken = False
        #: Set once it is theirs, the first who came first.
        self._waiting: deque[threading.Event] = deque()

    @property
    def length(self) -> int:
        return len(self._waiting)

    @property
    def is_full(self) -> bool:
        return len(self._waiting) >= WAITING_MAX

    def take(self) -> bool:
        """False if there was no turn; True has to be followed by `give`."""
        with self._lock:
            if not self._is_taken:
                self._is_taken = True
                return True
            if self.is_full:
                return False
            mine = threading.Event()
            self._waiting.append(mine)
        if mine.wait(WAIT_S):
            return True
        with self._lock:
            if mine.is_set():  # handed on at the last moment
                return True
            self._waiting.remove(mine)
            return False

    def give(self) -> None:
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._is_taken = False


def _busy() -> Problem:
    detail = "Too many are signing in at this moment. Try again in some seconds."
    return Problem(503, "busy", detail, {"Retry-After": str(RETRY_AFTER_S)})
