"""Request weight and bans of the exchange, shared by every process at this address.

Never here: sending requests, what one weighs, a process's own idea of what is left.
Invariant: what all processes together took in any `WINDOW_S` stays within the limit.
"""

from __future__ import annotations

from typing import Any, cast

from redis import Redis

from truecandle.candles.decimals import whole_or_zero
from truecandle.store import keys, map_redis_errors
from truecandle.store.script import Script

#: What an exchange allows in a minute unless it says otherwise, and eighty per cent of that, which
#: we take.
ALLOWED_PER_MINUTE = 6_000
LIMIT_PER_MINUTE = 4_800
#: What of it history leaves to candles that have just closed.
RESERVE = 1_800
#: The exchange counts by its own minutes; a sliding window of the same length holds any of them.
WINDOW_S = 60
#: An answer that arrives this early in a minute may count the minute before.
MINUTE_EDGE_MS = 2_000

_TAKE = Script("take_weight")
_REPORT = Script("report_weight")
_BAN = Script("ban")


class Budget:
    """The shared window, at most `limit_per_minute` weight. Times are the exchange's, in ms.

    An exchange that allows another weight than usual (`learn`) is asked for as much less or more.

    Everything raises `StoreUnavailable` while Redis is away: then nobody knows what is left.
    """

    def __init__(self, redis: Redis, limit_per_minute: int = LIMIT_PER_MINUTE) -> None:
        self._redis = redis
        self.limit_per_minute = limit_per_minute

    @map_redis_errors()
    def take(self, weight: int, now_ms: int, *, reserve: int = 0) -> int:
        """0 if `weight` was taken, else ms to wait before asking again (nothing was taken).

        `reserve` is left over for more urgent requests than this one. During a ban: its rest.
        """
        limit = self.limit_per_minute - reserve
        if not 0 < weight <= limit:
            raise ValueError(f"weight {weight} does not fit into {limit} a minute")
        args = (weight, now_ms, limit, WINDOW_S, keys.WEIGHT_TTL_S, ALLOWED_PER_MINUTE)
        return cast(int, _TAKE.run(self._redis, (keys.WEIGHT, keys.BAN), args))

    @map_redis_errors()
    def learn(self, allowed_per_minute: int) -> None:
        """What the exchange allows in a minute, by its own word: for all processes, for as long as
        anything is asked for."""
        with self._redis.pipeline(transaction=True) as pipe:
            pipe.hset(keys.WEIGHT, "allowed", allowed_per_minute)
            pipe.expire(keys.WEIGHT, keys.WEIGHT_TTL_S)
            pipe.execute()

    @map_redis_errors()
    def report(self, used_weight: int, now_ms: int) -> int:
        """Takes in what the exchange counted in its current minute (`X-MBX-USED-WEIGHT-1M`).

        Returns the weight that nobody here had taken: somebody else at this address.
        """
        args = (used_weight, now_ms, WINDOW_S, MINUTE_EDGE_MS, keys.WEIGHT_TTL_S)
        return cast(int, _REPORT.run(self._redis, (keys.WEIGHT,), args))

    @map_redis_errors()
    def ban(self, until_ms: int) -> int:
        """No request until then, for all processes, also after a restart; the time in force."""
        return cast(int, _BAN.run(self._redis, (keys.BAN,), (until_ms, keys.BAN_TTL_S)))

    @map_redis_errors()
    def used(self, now_ms: int) -> int:
        """The weight that all processes took in the last `WINDOW_S`."""
        spent: Any = self._redis.hgetall(keys.WEIGHT)
        from_s = now_ms // 1_000 - WINDOW_S
        return sum(
            whole_or_zero(n) for second, n in spent.items() if whole_or_zero(second) > from_s
        )

    @map_redis_errors()
    def limit_in_force(self) -> int:
        """The most that is taken in `WINDOW_S`, by what the exchange says that it allows."""
        told: Any = self._redis.hget(keys.WEIGHT, "allowed")
        allowed = whole_or_zero(told) or ALLOWED_PER_MINUTE
        return self.limit_per_minute * allowed // ALLOWED_PER_MINUTE

    @map_redis_errors()
    def banned_until_ms(self) -> int:
        """Exchange time in ms until which no request may leave; 0 or a past time: none holds."""
        text: Any = self._redis.get(keys.BAN)
        return whole_or_zero(text)
