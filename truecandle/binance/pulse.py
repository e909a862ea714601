"""When a connection counts as silent, and when the next one may be tried.

Never here: sockets, a clock (time comes in as seconds that only grow).
Invariant: at most `ATTEMPTS_MAX` connections in `ATTEMPTS_S`, however often they fail.
"""

from __future__ import annotations

import threading
from collections import deque

#: No message for this long means that the stream is dead, unless its market is slower than that.
SILENCE_S = 10.0

#: A slow market gets three times its longest usual pause, up to this.
SILENCE_MAX_S = 60.0

#: Pauses remembered to know what is usual.
_PAUSES_KEPT = 32

#: Binance allows 300 attempts in 5 minutes per address; other programs may share ours.
ATTEMPTS_MAX = 60
ATTEMPTS_S = 300.0

#: Full jitter: the pause is drawn between 0 and a ceiling that doubles with every failure.
BACKOFF_S = 1.0
BACKOFF_MAX_S = 30.0


class Pulse:
    """Tells a dead stream from a quiet market."""

    def __init__(self, silence_s: float = SILENCE_S) -> None:
        self._silence_s = silence_s
        self._pauses: deque[float] = deque(maxlen=_PAUSES_KEPT)
        self._beat_s: float | None = None
        self._since_s = 0.0

    def connect(self, now_s: float) -> None:
        """A connection opened: from now on its silence counts."""
        self._since_s = now_s
        if self._beat_s is None:
            self._beat_s = now_s

    def beat(self, now_s: float) -> None:
        """A message of the market came."""
        if self._beat_s is not None:
            self._pauses.append(now_s - self._beat_s)
        self._beat_s = self._since_s = now_s

    def is_silent(self, now_s: float) -> bool:
        return now_s - self._since_s > self.limit_s

    @property
    def limit_s(self) -> float:
        usual_s = 3 * max(self._pauses, default=0.0)
        return min(SILENCE_MAX_S, max(self._silence_s, usual_s))


class Attempts:
    """Counts connection attempts of the whole process. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._times_s: deque[float] = deque(maxlen=ATTEMPTS_MAX)

    def take(self, now_s: float) -> float:
        """0 if an attempt may start now (it is counted then), else how long to wait, in s."""
        with self._lock:
            if len(self._times_s) == ATTEMPTS_MAX:
                wait_s = self._times_s[0] + ATTEMPTS_S - now_s
                if wait_s > 0:
                    return wait_s
            self._times_s.append(now_s)
            return 0.0


def ceiling_s(failures: int) -> float:
    """The longest pause after so many failures in a row."""
    return min(BACKOFF_MAX_S, BACKOFF_S * 2.0 ** min(failures - 1, 10))
