"""How often somebody may do something: counters in Redis, shared by all web processes.

Never here: who somebody is, what is counted (the callers say).
Invariant: what is counted here needs Redis anyway, so while Redis is away nothing is let through.
"""

from __future__ import annotations

import math
import time
from typing import Final

from limits import RateLimitItem, RateLimitItemPerMinute, RateLimitItemPerSecond
from limits.storage import RedisStorage
from limits.strategies import FixedWindowRateLimiter
from redis import Redis

from truecandle.store import keys, map_redis_errors
from truecandle.web.errors import Problem

#: Attempts to sign in: one account from one address, and all accounts from one address.
SIGN_IN_PER_USER: Final = RateLimitItemPerMinute(5, 15, "sign-in-user")
SIGN_IN_PER_ADDRESS: Final = RateLimitItemPerMinute(20, 15, "sign-in-address")
#: Posts of a forming candle: one user, one series.
POSTS: Final = RateLimitItemPerSecond(2, 1, "post")
#: Symbols that the exchange is asked about: one user. Each is a request to it.
FOLLOWS: Final = RateLimitItemPerMinute(20, 1, "follow")


class RateLimiter:
    """Counts in fixed windows that begin with the first hit."""

    def __init__(self, redis: Redis) -> None:
        self._storage = RedisStorage(
            "redis://", connection_pool=redis.connection_pool, key_prefix=keys.COUNTERS
        )
        self._window = FixedWindowRateLimiter(self._storage)

    @map_redis_errors()
    def hit(self, item: RateLimitItem, what: str, *who: str) -> None:
        """Counts one; once the window is full raises `Problem` 429, which begins with `what`."""
        if self._window.hit(item, *who):
            return
        reset_s = self._window.get_window_stats(item, *who).reset_time
        wait_s = max(1, math.ceil(reset_s - time.time()))
        detail = f"{what} Try again in {_spoken(wait_s)}."
        raise Problem(429, "too-many", detail, {"Retry-After": str(wait_s)})

    @map_redis_errors()
    def forgive(self, item: RateLimitItem, *who: str) -> None:
        """Takes one hit back."""
        self._storage.incr(item.key_for(*who), item.get_expiry(), amount=-1)

    @map_redis_errors()
    def clear(self, item: RateLimitItem, *who: str) -> None:
        """Forgets all hits."""
        self._window.clear(item, *who)


def _spoken(seconds: int) -> str:
    return f"{seconds} s" if seconds < 120 else f"{math.ceil(seconds / 60)} minutes"
