"""When a market counts as silent, how often a stream is renewed, and when to connect again.

Never here: sockets, a clock (time comes in as seconds that only grow).
Invariant: at most `ATTEMPTS_MAX` connections in `ATTEMPTS_S`, however often they fail; at most one
search for a mute connection in `QUIET_S` where it turns out that the markets are only quiet.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence

#: No message for this long means that the stream may be mute, unless its market is slower than
#: that. No sign of life at all for this long means that the connection is dead.
SILENCE_S = 10.0

#: Two pings fit into it.
PING_S = SILENCE_S / 2

#: A slow market gets three times its longest usual pause, up to this.
SILENCE_MAX_S = 60.0

#: A market found quiet is let alone for so long.
QUIET_S = 300.0

#: Pauses remembered to know what is usual; with fewer nothing is.
_PAUSES_KEPT = 32
_PAUSES_LEAST = 8

#: Binance allows 300 attempts in 5 minutes per address; other programs may share ours. Who has a
#: connection still, and only wants a better one, leaves half of it to those who have none.
ATTEMPTS_MAX = 60
ATTEMPTS_S = 300.0
SPARED = ATTEMPTS_MAX // 2

#: Full jitter: the pause is drawn between 0 and a ceiling that doubles with every failure.
BACKOFF_S = 1.0
BACKOFF_MAX_S = 30.0

#: A connection that lived shorter than this was replaced in haste.
HASTY_S = 60.0

#: A stream still unwell so long after it was subscribed anew gets a new connection.
STUBBORN_S = 5.0


class Pulse:
    """Tells a connection that may be mute from quiet markets."""

    def __init__(self, silence_s: float = SILENCE_S) -> None:
        self._silence_s = silence_s
        self._pauses: deque[float] = deque(maxlen=_PAUSES_KEPT)
        self._beat_s: float | None = None
        self._since_s = 0.0
        self._excused_s = 0.0

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

    def excuse(self, until_s: float) -> None:
        """A second connection has heard nothing either: no other is opened for it before then."""
        self._excused_s = until_s

    def is_silent(self, now_s: float) -> bool:
        return now_s >= self._excused_s and now_s - self._since_s > self.limit_s

    @property
    def is_busy(self) -> bool:
        """Whether so long a silence is unlike all that was heard of late."""
        is_known = len(self._pauses) >= _PAUSES_LEAST
        return is_known and 3 * max(self._pauses) < self._silence_s

    @property
    def limit_s(self) -> float:
        usual_s = 3 * max(self._pauses, default=0.0)
        return min(SILENCE_MAX_S, max(self._silence_s, usual_s))


class Attempts:
    """Counts connection attempts of the whole process. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._times_s: deque[float] = deque(maxlen=ATTEMPTS_MAX)
        self._paused_s = 0.0

    def take(self, now_s: float, spare: int = 0) -> float:
        """0 if an attempt may start now (it is counted then), else how long to wait, in s.

        `spare` attempts are left to others.
        """
        with self._lock:
            wait_s = self._paused_s - now_s
            most = ATTEMPTS_MAX - spare
            if len(self._times_s) >= most:
                wait_s = max(wait_s, self._times_s[-most] + ATTEMPTS_S - now_s)
            if wait_s > 0:
                return wait_s
            self._times_s.append(now_s)
            return 0.0

    def pause(self, until_s: float) -> None:
        """The exchange asked this address to wait."""
        with self._lock:
            self._paused_s = max(self._paused_s, until_s)


class Haste:
    """Lets the next change of connections wait, the more so the shorter the last ones lived: an
    exchange that sends everybody away at once is not stormed."""

    def __init__(self) -> None:
        self._times = 0

    def pause_s(self, lived_s: float) -> float:
        """After a connection that lived so long."""
        self._times = self._times + 1 if lived_s < HASTY_S else 0
        return ceiling_s(self._times) if self._times else 0.0


class Wishes:
    """Streams that somebody finds unwell: how far to go for each, and how often."""

    def __init__(self) -> None:
        self._granted_s: dict[str, tuple[float, bool]] = {}

    def grant(self, names: Sequence[str], now_s: float) -> tuple[tuple[str, ...], bool]:
        """Those to subscribe anew, and whether a new connection is due; then `QUIET_S` of rest."""
        fresh, is_stubborn = [], False
        for name in names:
            since_s, is_over = self._granted_s.get(name, (-QUIET_S, True))
            if now_s - since_s >= QUIET_S:
                self._granted_s[name] = (now_s, False)
                fresh.append(name)
            elif not is_over and now_s - since_s >= STUBBORN_S:
                self._granted_s[name] = (now_s, True)
                is_stubborn = True
        return tuple(fresh), is_stubborn

    def keep(self, names: frozenset[str]) -> None:
        """Forgets all but these."""
        self._granted_s = {name: of for name, of in self._granted_s.items() if name in names}


def ceiling_s(failures: int) -> float:
    """The longest pause after so many failures in a row."""
    return min(BACKOFF_MAX_S, BACKOFF_S * 2.0 ** min(failures - 1, 10))
