"""When a new connection is due beside the one there is, and why.

Never here: sockets, a clock (seconds that only grow come in), how the change is made (`handover`).
Invariant: whatever the cause, changes are a pause apart that grows while they come in haste.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from truecandle.binance.handover import MUTE
from truecandle.binance.link import RENEW_JITTER_S, Link, Times
from truecandle.binance.pulse import BACKOFF_MAX_S, QUIET_S, Haste, Pulse, Wishes


class Plan:
    """Of one connection after the other. `is_missed`: markets that are never silent for long are
    silent, and called lost, until anything is heard. `failures`: new connections that came to
    nothing, in a row."""

    def __init__(self, times: Times) -> None:
        self.is_missed = False
        self.failures = 0
        self._times = times
        self._pulse = Pulse(times.silence_s)
        self._wishes = Wishes()
        self._haste = Haste()
        self._renew_at_s = 0.0
        self._again_s = 0.0
        self._is_stubborn = False

    def adopt(self, now_s: float) -> None:
        """A connection begins to be the one that counts."""
        jitter_s = random.uniform(0, min(RENEW_JITTER_S, self._times.renew_s / 4))
        self._renew_at_s = now_s + self._times.renew_s - jitter_s
        self._is_stubborn = False
        self._pulse.connect(now_s)

    def beat(self, now_s: float) -> None:
        """A market was heard."""
        self._pulse.beat(now_s)

    def wait(self, until_s: float) -> None:
        """No new connection before then."""
        self._again_s = until_s

    def change(self, now_s: float, lived_s: float, *, is_quiet: bool) -> None:
        """One has taken over from one that lived so long. Quiet: neither heard anything."""
        self.failures = 0
        self._again_s = now_s + self._haste.pause_s(lived_s)
        if is_quiet:
            self._pulse.excuse(now_s + (BACKOFF_MAX_S if self.is_missed else QUIET_S))

    def wish(self, names: Sequence[str], followed: frozenset[str], now_s: float) -> tuple[str, ...]:
        """Somebody finds these unwell: which of them are to be subscribed anew."""
        self._wishes.keep(followed)
        fresh, is_stubborn = self._wishes.grant([n for n in names if n in followed], now_s)
        self._is_stubborn = self._is_stubborn or is_stubborn
        return fresh

    def due(self, link: Link, now_s: float) -> str | None:
        """Why a new connection is due now, if one is."""
        if now_s < self._again_s:
            return None
        if link.is_leaving:
            return "shutdown"
        if now_s >= self._renew_at_s:
            return "planned"
        if self._is_stubborn or link.subscriptions.is_deaf:
            return "unwell"
        return MUTE if self._pulse.is_silent(now_s) else None

    def suspicion(self) -> str | None:
        """What to say where so long a silence is unlike before: a loss, whoever is to blame. Of
        other markets it is not known."""
        if not self._pulse.is_busy:
            return None
        self.is_missed = True
        return f"silent for {self._pulse.limit_s:.0f} s, unlike before"
