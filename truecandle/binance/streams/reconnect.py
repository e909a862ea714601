"""When a new connection is due, and why; how often one may be tried, and a stream renewed.

Never here: sockets, a clock (seconds that only grow come in), how the change is made (`handover`).
Invariant: at most `ATTEMPTS_MAX` connections in `ATTEMPTS_S`, however often they fail; whatever the
cause, changes are a pause apart that grows while they come in haste; a stream is renewed at most
once in `QUIET_S`.
"""

from __future__ import annotations

import random
import threading
from collections import deque
from collections.abc import Sequence

from truecandle.backoff import Backoff
from truecandle.binance.streams.handover import MUTE
from truecandle.binance.streams.idle import QUIET_S, IdleDetector
from truecandle.binance.streams.session import RENEW_JITTER_S, ConnectionTimes, StreamSession

#: Binance allows 300 attempts in 5 minutes per address; other programs may share ours. Who has a
#: connection still, and only wants a better one, leaves half of it to those who have none.
ATTEMPTS_MAX = 60
ATTEMPTS_S = 300.0
ATTEMPTS_RESERVED = ATTEMPTS_MAX // 2

#: After a failed attempt: drawn between 0 and a ceiling that doubles with every failure.
BACKOFF_S = 1.0
BACKOFF_MAX_S = 30.0

#: A connection that lived shorter than this was replaced in haste.
FLAP_S = 60.0

#: A stream still unwell so long after it was subscribed anew gets a new connection.
RESUBSCRIBE_FAILED_S = 5.0


class ReconnectPolicy:
    """When the present connection is to be replaced by a new one beside it, and why."""

    def __init__(self, times: ConnectionTimes) -> None:
        #: Markets that are never silent for long are silent, and called lost, until one is heard.
        self.is_missed = False
        self._times = times
        self._idle = IdleDetector(times.silence_s)
        self._resubscribe = ResubscribePolicy()
        self._flaps = FlapBackoff()
        self._renew_at_s = 0.0
        #: No new connection before then.
        self._again_s = 0.0
        #: Subscribing anew has not helped on the present connection.
        self._is_unwell = False

    def on_connect(self, now_s: float) -> None:
        """A connection begins to be the one that counts."""
        jitter_s = random.uniform(0, min(RENEW_JITTER_S, self._times.renew_s / 4))
        self._renew_at_s = now_s + self._times.renew_s - jitter_s
        self._is_unwell = False
        self._idle.on_connect(now_s)

    def on_message(self, now_s: float) -> None:
        """A market was heard."""
        self._idle.on_message(now_s)

    def on_handover(self, now_s: float, lived_s: float, *, is_quiet: bool) -> None:
        """One has taken over from one that lived so long. Quiet: neither heard anything."""
        self._again_s = now_s + self._flaps.pause_s(lived_s)
        if is_quiet:
            self._idle.excuse(now_s + (BACKOFF_MAX_S if self.is_missed else QUIET_S))

    def wait(self, until_s: float) -> None:
        """No new connection before then."""
        self._again_s = until_s

    def renew(
        self, names: Sequence[str], followed: frozenset[str], now_s: float
    ) -> tuple[str, ...]:
        """Somebody finds these unwell: which of them are to be subscribed anew."""
        self._resubscribe.keep(followed)
        some = [name for name in names if name in followed]
        fresh, is_unwell = self._resubscribe.choose(some, now_s)
        self._is_unwell = self._is_unwell or is_unwell
        return fresh

    def due(self, session: StreamSession, now_s: float) -> str | None:
        """Why a new connection is due now, if one is."""
        if now_s < self._again_s:
            return None
        if session.is_leaving:
            return "shutdown"
        if now_s >= self._renew_at_s:
            return "planned"
        if self._is_unwell or session.subscriptions.is_unresponsive:
            return "unwell"
        return MUTE if self._idle.is_idle(now_s) else None

    def report_missed(self) -> str | None:
        """What to say where so long a silence is unlike before: a loss, whoever is to blame. Of
        other markets it is not known."""
        if not self._idle.is_unusual:
            return None
        self.is_missed = True
        return f"silent for {self._idle.limit_s:.0f} s, unlike before"


class ConnectRateLimiter:
    """Counts connection attempts of the whole process. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._times_s: deque[float] = deque(maxlen=ATTEMPTS_MAX)
        self._paused_s = 0.0

    def acquire(self, now_s: float, reserve: int = 0) -> float:
        """0 if an attempt may start now (it is counted then), else how long to wait, in s.

        `reserve` attempts are left to others.
        """
        with self._lock:
            wait_s = self._paused_s - now_s
            most = ATTEMPTS_MAX - reserve
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


class FlapBackoff:
    """Lets the next change of connections wait, the more so the shorter the last ones lived: an
    exchange that sends everybody away at once is not stormed."""

    def __init__(self) -> None:
        self._backoff = Backoff(BACKOFF_S, BACKOFF_MAX_S)

    def pause_s(self, lived_s: float) -> float:
        """After a connection that lived so long."""
        if lived_s < FLAP_S:
            return self._backoff.fail()
        self._backoff.reset()
        return 0.0


class ResubscribePolicy:
    """Streams that somebody finds unwell: how far to go for each, and how often."""

    def __init__(self) -> None:
        #: When a stream was last subscribed anew, and whether a new connection came of it, too.
        self._renewed_s: dict[str, tuple[float, bool]] = {}

    def choose(self, names: Sequence[str], now_s: float) -> tuple[tuple[str, ...], bool]:
        """Those to subscribe anew, and whether a new connection is due; then `QUIET_S` of rest."""
        fresh, is_unwell = [], False
        for name in names:
            since_s, is_over = self._renewed_s.get(name, (-QUIET_S, True))
            if now_s - since_s >= QUIET_S:
                self._renewed_s[name] = (now_s, False)
                fresh.append(name)
            elif not is_over and now_s - since_s >= RESUBSCRIBE_FAILED_S:
                self._renewed_s[name] = (now_s, True)
                is_unwell = True
        return tuple(fresh), is_unwell

    def keep(self, names: frozenset[str]) -> None:
        """Forgets all but these."""
        self._renewed_s = {name: of for name, of in self._renewed_s.items() if name in names}
