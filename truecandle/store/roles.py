"""The roles' signs of life: what each last said about itself, for `/readyz`.

Never here: what counts as too long ago (who reads judges).
Invariant: one entry per role; what cannot be read is left out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from redis import Redis

from truecandle.store import keys, translated


class Beat(NamedTuple):
    """A role's last sign of life: when (ms, as the role gave it), and what it said."""

    at_ms: int
    detail: Mapping[str, Any]


@translated()
def beat(redis: Redis, role: str, now_ms: int, detail: Mapping[str, Any]) -> None:
    """Says that `role` (`web`, `fetcher`, `feed`) is alive; `detail` is a small JSON object."""
    text = json.dumps({"at_ms": now_ms, "detail": dict(detail)})
    with redis.pipeline(transaction=True) as pipe:
        pipe.hset(keys.ROLES, role, text)
        pipe.expire(keys.ROLES, keys.ROLES_TTL_S)
        pipe.execute()


@translated()
def beats(redis: Redis) -> dict[str, Beat]:
    """The last sign of life of every role, by name."""
    entries: Any = redis.hgetall(keys.ROLES)
    found = {}
    for role, text in entries.items():
        try:
            entry = json.loads(text)
            found[role.decode()] = Beat(int(entry["at_ms"]), dict(entry["detail"]))
        except (ValueError, TypeError, LookupError, OverflowError):
            continue
    return found
