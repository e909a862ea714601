"""The exchange's clock, as the role that measured it last shares it with the others.

Never here: measuring, reading this machine's clock.
Invariant: exchange time = this machine's time + `offset_ms`.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from redis import Redis

from truecandle.store import keys, translated


class Clock(NamedTuple):
    """`offset_ms`: exchange time less this machine's, measured at `at_ms` (this machine's)."""

    offset_ms: int
    at_ms: int


@translated()
def publish(redis: Redis, offset_ms: int, at_ms: int) -> None:
    """Shares an offset measured at `at_ms`."""
    text = json.dumps({"offset_ms": offset_ms, "at_ms": at_ms})
    redis.set(keys.CLOCK, text, ex=keys.CLOCK_TTL_S)


@translated()
def measured(redis: Redis) -> Clock | None:
    """The offset measured last, None if nobody has within `CLOCK_TTL_S`."""
    text: Any = redis.get(keys.CLOCK)
    try:
        found = json.loads(text or b"null")
        return Clock(int(found["offset_ms"]), int(found["at_ms"]))
    except (ValueError, TypeError, LookupError, OverflowError):
        return None


def offset_ms(redis: Redis) -> int:
    """What to add to this machine's time; 0 while not known."""
    clock = measured(redis)
    return clock.offset_ms if clock else 0
