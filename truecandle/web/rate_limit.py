"""How often somebody may do something: counters in Redis, shared by all web processes.

Never here: who somebody is, what is counted (the callers say).
Invariant: in any stretch of time as long as a limit's, no more than the limit is let through; what
is counted here needs Redis anyway, so while Redis is away nothing is.
"""

from __future__ import annotations

import math
import time
from typing import Final

from limits import RateLimitItem, RateLimitItemPerMinute, RateLimitItemPerSecond
from limits.storage import RedisStorage
from limits.strategies import MovingWindowRateLimiter
from redis import Redis

from truecandle.store import keys, map_redis_errors
from truecandle.web.errors import Problem

#: Attempts to sign in from browsers that are not known: one account from all addresses, one
#: account from one address, and all accounts from one address.
SIGN_IN_PER_ACCOUNT: Final = RateLimitItemPerMinute(20, 15, "sign-in-account")
SIGN_IN_PER_PAIR: Final = RateLimitItemPerMinute(5, 15, "sign-in-pair")
SIGN_IN_PER_ADDRESS: Final = RateLimitItemPerMinute(20, 15, "sign-in-address")
#: Attempts from one browser that has signed in to the account before; and with one recovery code.
SIGN_IN_PER_DEVICE: Final = RateLimitItemPerMinute(10, 15, "sign-in-device")
SIGN_IN_PER_PROOF: Final = RateLimitItemPerMinute(5, 15, "sign-in-proof")
#: One-time codes: one account, after the right password.
CODES: Final = RateLimitItemPerMinute(10, 15, "sign-in-code")
#: A signed-in user's own password, asked for again.
CONFIRMATIONS: Final = RateLimitItemPerMinute(10, 15, "confirm")
#: Posts of a forming candle: one user, one series.
POSTS: Final = RateLimitItemPerSecond(2, 1, "posts")
#: Symbols that the exchange is asked about: one user. Each is a request to it.
FOLLOWS: Final = RateLimitItemPerMinute(20, 1, "follows")
#: Documents that are saved: one user.
SAVES: Final = RateLimitItemPerMinute(60, 1, "saves")


class RateLimiter:
    """Counts in windows that move with time: each hit counts until it is as old as the limit."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._storage = RedisStorage(
            "redis://", connection_pool=redis.connection_pool, key_prefix=keys.COUNTERS
        )
        self._window = MovingWindowRateLimiter(self._storage)

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
        """Takes the newest hit back."""
        self._redis.lpop(self._storage.prefixed_key(item.key_for(*who)))

    @map_redis_errors()
    def clear(self, item: RateLimitItem, *who: str) -> None:
        """Forgets all hits."""
        self._window.clear(item, *who)


def _spoken(seconds: int) -> str:
    return f"{seconds} s" if seconds < 120 else f"{math.ceil(seconds / 60)} minutes"
