"""Mirrors whatever changes, until it is told to stop: the store is asked for versions, again and
again, as for webhooks.

Never here: how a series is mirrored (`series_mirror`), signals.
Invariant: a series is mirrored at most once in `every_s`, and whole once in `SWEEP_S` although its
version says that nothing has changed. No error ends it; each is told once, and tried again later:
what the disk would not take, after `every_s`.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

from truecandle.backoff import Backoff
from truecandle.candles.series import Series
from truecandle.errors import MirrorRefused, TrueCandleError
from truecandle.log_once import TroubleLog
from truecandle.mirror.series_mirror import MirrorOutcome

#: How often versions are asked for, and how often it is asked which markets are followed.
LOOK_S: Final = 1.0
FOLLOWED_S: Final = 5.0
#: How often files are looked at that nothing in the store gives a reason to look at: somebody may
#: have touched them.
SWEEP_S: Final = 600.0
#: In the place of a version: the series has to be mirrored again, whatever its version is.
NO_VERSION: Final = -1
#: Pauses after a failure, from the first to the longest.
PAUSE_S: Final = 1.0
PAUSE_S_MAX: Final = 60.0

log = logging.getLogger(__name__)


class MirrorWatcher:
    """`run` is one `look` after the other.

    `followed` says which series are mirrored, `versions` tells theirs, `mirror` mirrors one;
    `now_s` counts seconds.
    """

    def __init__(
        self,
        followed: Callable[[], Sequence[Series]],
        versions: Callable[[list[Series]], list[int]],
        mirror: Callable[[Series], MirrorOutcome],
        every_s: float,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._followed = followed
        self._versions = versions
        self._mirror = mirror
        self._every_s = every_s
        self._now_s = now_s
        self._series: list[Series] = []
        self._followed_at_s = float("-inf")
        #: Of each series: its version before it was mirrored last, and when that was.
        self._done: dict[Series, tuple[int, float]] = {}
        self._backoff = Backoff(PAUSE_S, PAUSE_S_MAX)
        self._due_s = float("-inf")
        self._troubles = TroubleLog(log)

    def run(self, stop: threading.Event) -> None:
        """Looks until `stop` is set."""
        while not stop.is_set():
            self.look(stop)
            stop.wait(LOOK_S)

    def look(self, stop: threading.Event) -> None:
        """Mirrors what is due; no error of ours leaves it."""
        if self._now_s() < self._due_s:
            return
        try:
            self._look(stop)
        except TrueCandleError as error:
            self._due_s = self._now_s() + self._backoff.fail()
            self._troubles.report("mirror", error)
        else:
            self._backoff.reset()
            self._troubles.clear("mirror")

    def _look(self, stop: threading.Event) -> None:
        if self._now_s() - self._followed_at_s >= FOLLOWED_S:
            self._series = list(self._followed())
            self._followed_at_s = self._now_s()
        for series, version in zip(self._series, self._versions(self._series), strict=True):
            if stop.is_set():
                return
            if self._is_due(series, version):
                outcome = self._mirror(series)
                known = NO_VERSION if outcome.is_broken_off else version
                self._done[series] = (known, self._now_s())
                self._tell(series, outcome)

    def _is_due(self, series: Series, version: int) -> bool:
        known, at_s = self._done.get(series, (0, float("-inf")))
        passed_s = self._now_s() - at_s
        return passed_s >= (SWEEP_S if version == known else self._every_s)

    def _tell(self, series: Series, outcome: MirrorOutcome) -> None:
        if outcome.removed:
            log.info("%s: %d files removed, of which nothing is stored", series, outcome.removed)
        subject = str(series)
        if outcome.refused:
            self._troubles.report(subject, MirrorRefused("; ".join(outcome.refused)))
        else:
            self._troubles.clear(subject)
