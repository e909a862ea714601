"""Turns at hashing passwords: two lanes of one at a time, each with a short queue.

A hash takes a tenth of a second of a whole core and 64 MiB. Strangers' tries wait in a lane of
their own, so that a flood of them keeps nobody out who is known, and no other work waits for it.

Never here: hashing (`passwords`), how often somebody may try (`rate_limit`).
Invariant: at most one hash a lane is computed, at most `WAITING_MAX` wait for it, and who comes
then is told so at once.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Literal

from truecandle.web.errors import Problem

#: `known`: signed in, or on a device from which somebody signed in before.
Lane = Literal["known", "strangers"]

WAITING_MAX: Final = 8
RETRY_AFTER_S: Final = 2


class HashingQueue:
    """The lanes of this process."""

    def __init__(self) -> None:
        self._places = {lane: threading.BoundedSemaphore(1 + WAITING_MAX) for lane in _LANES}
        self._turns = {lane: threading.BoundedSemaphore(1) for lane in _LANES}

    @contextmanager
    def turn(self, lane: Lane) -> Iterator[None]:
        """Waits for a turn; `Problem` 503 where too many wait already."""
        if not self._places[lane].acquire(blocking=False):
            detail = "Too many are signing in at this moment. Try again in some seconds."
            raise Problem(503, "busy", detail, {"Retry-After": str(RETRY_AFTER_S)})
        try:
            with self._turns[lane]:
                yield
        finally:
            self._places[lane].release()


_LANES: Final[tuple[Lane, ...]] = ("known", "strangers")
