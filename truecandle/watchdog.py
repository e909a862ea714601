"""Ends the process when one of its loops hangs, so that whoever runs it starts it again.

The timer is `faulthandler`'s: a thread of C, which needs neither Python's lock nor a hub, so that
it also ends a process that is stuck in a loop of its own.

Never here: which loops there are (the entry files), what a loop does.
Invariant: as long as every loop reports in time, nothing happens; once one does not, the stacks of
all threads are printed and the process ends with 1.
"""

from __future__ import annotations

import faulthandler
import threading
import time
from collections.abc import Iterable
from typing import Final, Self

#: Longer than any bounded wait of a loop: a request's deadline, and a few time-outs of Redis.
HUNG_S: Final = 90.0
#: The timer is not set anew more often than after this part of its time: each setting ends a thread
#: and begins one.
RENEW_PART: Final = 0.1


class Watchdog:
    """In a `with Watchdog(...)` block every loop has to `report`, by its name, time and again."""

    def __init__(self, loops: Iterable[str], hung_s: float = HUNG_S) -> None:
        self._loops = frozenset(loops)
        self._hung_s = hung_s
        self._lock = threading.Lock()
        #: Loops that have not reported since the timer was set.
        self._silent = set(self._loops)
        #: When the timer was set; None outside of the block, where there is none.
        self._set_at_s: float | None = None

    def __enter__(self) -> Self:
        """From now on the loops have `hung_s` for each report, less a tenth at worst."""
        with self._lock:
            self._set()
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._set_at_s = None
            faulthandler.cancel_dump_traceback_later()

    def report(self, loop: str) -> None:
        """This loop goes round. With the last of all the timer starts again; outside of the block
        nothing does."""
        with self._lock:
            self._silent.discard(loop)
            if self._set_at_s is None or self._silent:
                return
            if time.monotonic() - self._set_at_s >= RENEW_PART * self._hung_s:
                self._set()

    def _set(self) -> None:
        self._silent = set(self._loops)
        self._set_at_s = time.monotonic()
        faulthandler.dump_traceback_later(self._hung_s, exit=True)
