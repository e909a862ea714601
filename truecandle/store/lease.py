"""A lease: of several processes one leads, and its fencing number shuts out all before it.

Never here: threads, how often to renew, what a leader does.
Invariant: a number belongs to one holding only and grows with every change of hands; nobody renews
or releases what another holds.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from redis import Redis

from truecandle.store import keys, translated
from truecandle.store.script import Script

_HOLD = Script("hold_lease")
_RELEASE = Script("release_lease")


class Lease:
    """The lease `name` as the process `holder` sees it. All holders of a name use one `ttl_ms`.

    `fence` and `is_held` are judged by this machine's monotonic clock, counted from before Redis
    was asked: they end no later than the lease in Redis. Everything that asks Redis raises
    `StoreUnavailable` or `StoreDamaged`, and may be called again. One thread may hold the lease
    while others look at it.
    """

    def __init__(
        self,
        redis: Redis,
        name: str,
        holder: str,
        ttl_ms: int,
        *,
        monotonic_ms: Callable[[], int] = lambda: time.monotonic_ns() // 1_000_000,
    ) -> None:
        self.name = name
        self.holder = holder
        self.ttl_ms = ttl_ms
        self._redis = redis
        self._monotonic_ms = monotonic_ms
        self._held = (0, 0)

    @property
    def fence(self) -> int:
        """The fencing number while the lease is held, else 0."""
        number, until_ms = self._held
        return number if self._monotonic_ms() < until_ms else 0

    @property
    def is_held(self) -> bool:
        """Whether this process leads; false as soon as it has not renewed for a whole `ttl_ms`."""
        return self.fence > 0

    def acquire(self) -> int:
        """Takes the lease if it is free, renews it if it is ours; 0 then.

        Else the ms after which the present holder's runs out, unless it renews or releases it.
        """
        return self._hold(may_take=True)

    def renew(self) -> bool:
        """Renews the lease; False if it is not ours any more. Never takes it anew."""
        return self._hold(may_take=False) == 0

    @translated()
    def release(self) -> bool:
        """Gives the lease up, so that another may take it at once; False if it was not ours."""
        self._held = (0, 0)
        return bool(_RELEASE.run(self._redis, (keys.lease(self.name),), (self.holder,)))

    @translated()
    def _hold(self, *, may_take: bool) -> int:
        asked_ms = self._monotonic_ms()
        names = (keys.lease(self.name), keys.fence(self.name))
        args = (self.holder, self.ttl_ms, int(may_take))
        fence, wait_ms = _HOLD.run(self._redis, names, args)
        self._held = (fence, asked_ms + self.ttl_ms) if fence else (0, 0)
        return max(1, wait_ms) if not fence else 0


@translated()
def current(redis: Redis, name: str) -> int:
    """The newest fencing number of a lease, whoever holds it; 0 if it was never taken.

    For a writer that does not lead (a command): read it before the exchange is asked, and write
    with it; after a `StaleWriter`, read it anew.
    """
    text: Any = redis.get(keys.fence(name))
    return int(text) if text and text.isdigit() else 0
