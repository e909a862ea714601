"""The roles' signs of life: what each last said about itself, for `/readyz`.

Never here: what counts as too long ago (who reads judges).
Invariant: one entry per role and holder; what cannot be read is left out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from redis import Redis

from truecandle.store import keys, translated

#: Between a role and who of several has it.
HOLDER: Final = "@"
#: A holder that has been silent for so long has ended without a word.
FORGOTTEN_MS: Final = 600_000


class Beat(NamedTuple):
    """A role's last sign of life: when (ms, as the role gave it), and what it said."""

    at_ms: int
    detail: Mapping[str, Any]


@translated()
def beat(redis: Redis, role: str, now_ms: int, detail: Mapping[str, Any], holder: str = "") -> None:
    """Says that `role` (`web`, `fetcher`, `feed`) is alive; `detail` is a small JSON object.

    Where several processes have the role beside each other, each has an entry by its `holder`.
    """
    text = json.dumps({"at_ms": now_ms, "detail": dict(detail)})
    gone = [
        _name(role, one)
        for one, beat in (each(redis, role) if holder else {}).items()
        if one and beat.at_ms < now_ms - FORGOTTEN_MS
    ]
    with redis.pipeline(transaction=True) as pipe:
        pipe.hset(keys.ROLES, _name(role, holder), text)
        if gone:
            pipe.hdel(keys.ROLES, *gone)
        pipe.expire(keys.ROLES, keys.ROLES_TTL_S)
        pipe.execute()


@translated()
def leave(redis: Redis, role: str, holder: str) -> None:
    """A process that has ended in good order gives no sign of life any more."""
    redis.hdel(keys.ROLES, _name(role, holder))


@translated()
def beats(redis: Redis) -> dict[str, Beat]:
    """The last sign of life of every role, by name; of several holders the newest."""
    newest: dict[str, Beat] = {}
    for name, found in _entries(redis).items():
        role = name.partition(HOLDER)[0]
        if role not in newest or found.at_ms >= newest[role].at_ms:
            newest[role] = found
    return newest


@translated()
def each(redis: Redis, role: str) -> dict[str, Beat]:
    """The last signs of life of all that have this role, by holder."""
    found = {name.partition(HOLDER): one for name, one in _entries(redis).items()}
    return {holder: one for (name, _, holder), one in found.items() if name == role}


def _entries(redis: Redis) -> dict[str, Beat]:
    entries: Any = redis.hgetall(keys.ROLES)
    found = {}
    for name, text in entries.items():
        try:
            entry = json.loads(text)
            found[name.decode()] = Beat(int(entry["at_ms"]), dict(entry["detail"]))
        except (ValueError, TypeError, LookupError, OverflowError):
            continue
    return found


def _name(role: str, holder: str) -> str:
    return f"{role}{HOLDER}{holder}" if holder else role
