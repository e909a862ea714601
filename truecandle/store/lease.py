"""Leases: of several processes one leads, and its fencing number shuts out all before it.

Never here: threads, how often to renew, what a leader does.
Invariant: a number belongs to one holding only and grows with every change of hands; nobody renews
or releases what another holds.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

from redis import Redis
from redis.client import Pipeline
from redis.exceptions import ResponseError

from truecandle.candles.decimals import whole_or_zero
from truecandle.errors import StoreDamaged
from truecandle.store import from_reply, keys, map_redis_errors
from truecandle.store.script import Script

#: Leases that one round trip asks for; more take more of them.
BATCH_MAX = 1_000

_HOLD = Script("hold_lease")
_RELEASE = Script("release_lease")


def _monotonic_ms() -> int:
    return time.monotonic_ns() // 1_000_000


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
        monotonic_ms: Callable[[], int] = _monotonic_ms,
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

    @map_redis_errors()
    def release(self) -> bool:
        """Gives the lease up, so that another may take it at once; False if it was not ours."""
        self._held = (0, 0)
        return bool(_RELEASE.run(self._redis, (keys.lease(self.name),), (self.holder,)))

    @map_redis_errors()
    def _hold(self, *, may_take: bool) -> int:
        asked_ms = self._monotonic_ms()
        names = (keys.lease(self.name), keys.fence(self.name))
        args = (self.holder, self.ttl_ms, int(may_take))
        fence, wait_ms = _HOLD.run(self._redis, names, args)
        self._held = (fence, asked_ms + self.ttl_ms) if fence else (0, 0)
        return max(1, wait_ms) if not fence else 0


class Leases:
    """Many leases as the process `holder` sees them: what `Lease` promises, for each by itself.

    One thread may hold them while others look at them.
    """

    def __init__(
        self,
        redis: Redis,
        holder: str,
        ttl_ms: int,
        *,
        monotonic_ms: Callable[[], int] = _monotonic_ms,
    ) -> None:
        self.holder = holder
        self.ttl_ms = ttl_ms
        self._redis = redis
        self._monotonic_ms = monotonic_ms
        #: Name -> fencing number, and until when; replaced whole, never changed.
        self._held: dict[str, tuple[int, int]] = {}

    def hold(self, names: Iterable[str]) -> frozenset[str]:
        """Renews the leases that are ours, takes those that are free, and says which are held.

        Held leases that are not among `names` are given up. A lease whose keys hold something
        else is not held, and spoils no other.
        """
        wanted = list(dict.fromkeys(names))
        self._give_up(self._held.keys() - wanted)
        for first in range(0, len(wanted), BATCH_MAX):
            self._hold(wanted[first : first + BATCH_MAX])
        return frozenset(name for name in wanted if self.fence(name))

    def fence(self, name: str) -> int:
        """The fencing number of a lease while it is held, else 0."""
        number, until_ms = self._held.get(name, (0, 0))
        return number if self._monotonic_ms() < until_ms else 0

    def release(self) -> None:
        """Gives up all that is held, so that others may take it at once."""
        self._give_up(self._held.keys())

    @map_redis_errors()
    def _hold(self, names: list[str]) -> None:
        asked_ms = self._monotonic_ms()

        def fill(pipe: Pipeline) -> None:
            for name in names:
                _HOLD.queue(
                    pipe, (keys.lease(name), keys.fence(name)), (self.holder, self.ttl_ms, 1)
                )

        until_ms, held = asked_ms + self.ttl_ms, dict(self._held)
        for name, answer in zip(names, _HOLD.run_all(self._redis, fill), strict=True):
            held[name] = (_number(answer), until_ms)
        self._held = {name: hold for name, hold in held.items() if hold[0]}

    @map_redis_errors()
    def _give_up(self, names: Iterable[str]) -> None:
        leaving = set(names)
        self._held = {name: hold for name, hold in self._held.items() if name not in leaving}

        def fill(pipe: Pipeline) -> None:
            for name in leaving:
                _RELEASE.queue(pipe, (keys.lease(name),), (self.holder,))

        if leaving:
            _RELEASE.run_all(self._redis, fill)


def of_market(symbol: str) -> str:
    """The name of the lease of the feed that leads a market."""
    return f"{keys.FEEDS}{symbol}"


def _number(answer: Any) -> int:
    """The fencing number in an answer of the script, 0 for none."""
    if isinstance(answer, ResponseError):
        error = from_reply(answer)
        if not isinstance(error, StoreDamaged):
            raise error from answer
        return 0
    return int(answer[0])


@map_redis_errors()
def current(redis: Redis, name: str) -> int:
    """The newest fencing number of a lease, whoever holds it; 0 if it was never taken.

    For a writer that does not lead (a command): read it before the exchange is asked, and write
    with it; after a `StaleWriter`, read it anew.
    """
    text: Any = redis.get(keys.fence(name))
    return whole_or_zero(text)
