"""How much one client may ask: request weight a minute, 429 with Retry-After, then a ban.

Never here: what a request weighs (`rest` says it).
Invariant: a client that waits as long as it was told is served; one that does not is banned.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from truecandle.candles.interval import MINUTE_MS
from truecandle.sim.clock import SimulatedClock
from truecandle.sim.wire import RequestRefused

WEIGHT_PER_MINUTE = 6000
RAW_REQUESTS_PER_5_MINUTES = 61_000
CONNECTIONS_PER_5_MINUTES = 300

#: Requests inside a 429's Retry-After that are still answered with 429, before the ban.
PATIENCE = 10

#: Bans scale from two minutes for the first to three days.
BAN_MIN_S = 120
BAN_MAX_S = 3 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Caps:
    """The exchange's limits; a test may lower them."""

    weight: int = WEIGHT_PER_MINUTE
    raw: int = RAW_REQUESTS_PER_5_MINUTES
    connections: int = CONNECTIONS_PER_5_MINUTES


class Limits:
    """Counts by IP address in reality; here all requests come from one. Not thread-safe.

    Windows are minutes of the exchange's clock. Waiting times are real time, since clients
    wait in real time whatever the simulated clock does.
    """

    def __init__(self, clock: SimulatedClock, caps: Caps) -> None:
        self._clock = clock
        self.caps = caps
        self.reset()

    def reset(self) -> None:
        """Forgets all use, waits and bans."""
        self._used: dict[tuple[str, int], int] = {}
        self._wait_until_s = 0.0
        self._ban_until_s = 0.0
        self._ignored = 0
        self._bans = 0

    @property
    def used_weight(self) -> int:
        """The weight used in the current minute."""
        return self._used.get(("weight", self._clock.now_ms() // MINUTE_MS), 0)

    def hold(self, seconds: float) -> RequestRefused:
        """From now on every request is too many, for so long; returns the 429 answer."""
        self._wait_until_s = time.monotonic() + seconds
        self._ignored = 0
        return self._too_many(seconds)

    def ban(self, seconds: float) -> RequestRefused:
        """From now on the address is banned, for so long; returns the 418 answer."""
        self._ban_until_s = time.monotonic() + seconds
        return self._banned(seconds)

    def charge(self, weight: int) -> None:
        """Counts a request; raises `Refused` with 429 or 418 when it is one too many."""
        now_s = time.monotonic()
        if now_s < self._ban_until_s:
            raise self._banned(self._ban_until_s - now_s)
        if now_s < self._wait_until_s:
            self._ignored += 1
            if self._ignored > PATIENCE:
                raise self._ban_next()
            raise self._too_many(self._wait_until_s - now_s)
        over_weight = self._count("weight", MINUTE_MS, weight) > self.caps.weight
        if over_weight or self._count("raw", 5 * MINUTE_MS, 1) > self.caps.raw:
            window_ms = MINUTE_MS if over_weight else 5 * MINUTE_MS
            raise self.hold((window_ms - self._clock.now_ms() % window_ms) / 1000)

    def connect(self) -> bool:
        """Counts a stream connection; False when it is one too many."""
        return self._count("connections", 5 * MINUTE_MS, 1) <= self.caps.connections

    def _too_many(self, seconds: float) -> RequestRefused:
        message = (
            f"Too much request weight used; current limit is {self.caps.weight} request weight "
            "per 1 MINUTE. Please use WebSocket Streams for live updates to avoid polling the API."
        )
        return RequestRefused(-1003, message, 429, {"Retry-After": _whole(seconds)})

    def _ban_next(self) -> RequestRefused:
        seconds = min(BAN_MIN_S * 4**self._bans, BAN_MAX_S)
        self._bans += 1
        return self.ban(seconds)

    def _banned(self, seconds: float) -> RequestRefused:
        until_ms = self._clock.now_ms() + int(seconds * 1000)
        message = (
            f"Way too much request weight used; IP banned until {until_ms}. "
            "Please use WebSocket Streams for live updates to avoid bans."
        )
        return RequestRefused(-1003, message, 418, {"Retry-After": _whole(seconds)})

    def _count(self, what: str, window_ms: int, amount: int) -> int:
        window = (what, self._clock.now_ms() // window_ms)
        for old in [key for key in self._used if key[0] == what and key != window]:
            del self._used[old]
        self._used[window] = self._used.get(window, 0) + amount
        return self._used[window]


def _whole(seconds: float) -> int:
    return max(1, int(seconds) + (seconds % 1 > 0))
