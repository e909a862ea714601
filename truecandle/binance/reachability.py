"""Whether the exchange answers, as all requests of a process find out together.

Never here: requests (`http` sends them), how long anybody waits after a failure.
Invariant: an outage is over with the first answer to anybody, and whoever waits for its end can see
that it is.

Two kinds of outage are told apart: nothing answers at all (no connection, no whole answer), and one
path answers with 5xx. An answer of any path ends the first, only one of that path the second.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Final

#: How often it is tried whether an outage is over, by whoever waits: one cheap request.
PROBE_S: Final = 1.0
#: Nothing answers.
EVERYTHING: Final = ""

log = logging.getLogger(__name__)


class SharedOutage:
    """`probe` asks once more, and never raises an error of exchange or store."""

    def __init__(self, probe: Callable[[], object]) -> None:
        self.is_over = False
        self._probe = probe

    def probe(self) -> None:
        """Tries whether it is over."""
        if not self.is_over:
            self._probe()


class Reachability:
    """Shared by all clients of one exchange in a process; any thread may tell it what it met."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._outages: dict[str, SharedOutage] = {}
        self._listeners: list[Callable[[], object]] = []

    @property
    def outages(self) -> tuple[SharedOutage, ...]:
        """Those that last."""
        with self._lock:
            return tuple(self._outages.values())

    def listen(self, resume: Callable[[], object]) -> None:
        """Calls `resume` whenever an outage has ended, in the thread that has got the answer."""
        self._listeners.append(resume)

    def failed(self, path: str, probe: Callable[[], object]) -> SharedOutage:
        """No usable answer from that path, or from `EVERYTHING`: the outage that lasts now."""
        with self._lock:
            return self._outages.setdefault(path, SharedOutage(probe))

    def answered(self, path: str) -> None:
        """That path has answered."""
        if not self._outages:
            return
        with self._lock:
            ended = [self._outages.pop(one, None) for one in (EVERYTHING, path)]
        over = [outage for outage in ended if outage is not None]
        for outage in over:
            outage.is_over = True
        if over:
            log.info("the exchange answers again (%s)", path)
            for resume in self._listeners:
                resume()

    def probe_until(self, stop: threading.Event) -> None:
        """Tries again and again, while an outage lasts, until `stop` is set."""
        while not stop.wait(PROBE_S):
            for outage in self.outages:
                outage.probe()
