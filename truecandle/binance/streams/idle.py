"""When a stream's silence is longer than its market's own pauses: then it may be mute.

Never here: sockets, a clock (time comes in as seconds that only grow), what is done about it.
Invariant: a market found quiet is not searched again before the time that it was excused for.
"""

from __future__ import annotations

from collections import deque

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


class IdleDetector:
    """Tells a connection that may be mute from quiet markets."""

    def __init__(self, silence_s: float = SILENCE_S) -> None:
        self._silence_s = silence_s
        #: Between one message and the next, the newest of them.
        self._pauses: deque[float] = deque(maxlen=_PAUSES_KEPT)
        #: When the last message came; before the first, when the first connection opened.
        self._message_s: float | None = None
        #: Since when it has been silent: the last message, or the opening of this connection.
        self._since_s = 0.0
        self._excused_until_s = 0.0

    def on_connect(self, now_s: float) -> None:
        """A connection opened: from now on its silence counts."""
        self._since_s = now_s
        if self._message_s is None:
            self._message_s = now_s

    def on_message(self, now_s: float) -> None:
        """A message of the market came."""
        if self._message_s is not None:
            self._pauses.append(now_s - self._message_s)
        self._message_s = self._since_s = now_s

    def excuse(self, until_s: float) -> None:
        """A second connection has heard nothing either: no other is opened for it before then."""
        self._excused_until_s = until_s

    def is_idle(self, now_s: float) -> bool:
        return now_s >= self._excused_until_s and now_s - self._since_s > self.limit_s

    @property
    def is_unusual(self) -> bool:
        """Whether so long a silence is unlike all that was heard of late."""
        is_known = len(self._pauses) >= _PAUSES_LEAST
        return is_known and 3 * max(self._pauses) < self._silence_s

    @property
    def limit_s(self) -> float:
        usual_s = 3 * max(self._pauses, default=0.0)
        return min(SILENCE_MAX_S, max(self._silence_s, usual_s))
