"""The Redis server's clock, and signs of life as roles left them some time ago.

Never here: assertions.
Invariant: what is written here is what a role itself would have written then.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from redis import Redis

from truecandle.store import keys


def server_ms(redis: Redis) -> int:
    """The server's clock, by which roles and the exchange's time are compared."""
    second, microsecond = redis.time()
    return int(second) * 1000 + int(microsecond) // 1000


def spoke(redis: Redis, name: str, age_ms: int, detail: Mapping[str, Any] | None = None) -> None:
    """A role (`fetcher`, or `feed@holder`) said this so long ago, and nothing since."""
    entry = {"at_ms": server_ms(redis) - age_ms, "detail": dict(detail or {})}
    redis.hset(keys.ROLES, name, json.dumps(entry))
