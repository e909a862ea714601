"""The roles' signs of life: what each last said about itself, for `/readyz`.

Never here: what follows from a role's silence (who reads judges), any machine's time of day.
Invariant: one entry per role and holder; what cannot be read is left out. When it was said and how
long ago that is are both told by the Redis server's clock.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from redis import Redis

from truecandle.store import keys, map_redis_errors
from truecandle.store.script import Script

#: The role of a fetcher that does not lead: alive, and its clock measured.
STANDBY: Final = "standby"
#: Between a role and who of several has it.
HOLDER: Final = "@"
#: Without a sign of life for so long, a role counts as away.
AWAY_MS: Final = 30_000
#: A holder that has been silent for so long has ended without a word.
FORGOTTEN_MS: Final = 600_000


_BEAT = Script("beat_role")


class RoleHeartbeat(NamedTuple):
    """A role's last sign of life: when (ms, the Redis server's clock), how long ago that was by the
    same clock (negative if it was set back since), and what the role said."""

    at_ms: int
    age_ms: int
    detail: Mapping[str, Any]


@map_redis_errors()
def heartbeat(redis: Redis, role: str, detail: Mapping[str, Any], holder: str = "") -> None:
    """Says that `role` (`web`, `fetcher`, `feed`) is alive; `detail` is a small JSON object.

    Where several processes have the role beside each other, each has an entry by its `holder`.
    """
    others = f"{role}{HOLDER}" if holder else ""
    args = (_name(role, holder), json.dumps(dict(detail)), keys.ROLES_TTL_S, others, FORGOTTEN_MS)
    _BEAT.run(redis, (keys.ROLES,), args)


@map_redis_errors()
def leave(redis: Redis, role: str, holder: str) -> None:
    """A process that has ended in good order gives no sign of life any more."""
    redis.hdel(keys.ROLES, _name(role, holder))


@map_redis_errors()
def heartbeats(redis: Redis) -> dict[str, RoleHeartbeat]:
    """The last sign of life of every role, by name; of several holders the newest."""
    newest: dict[str, RoleHeartbeat] = {}
    for name, found in _entries(redis).items():
        role = name.partition(HOLDER)[0]
        if role not in newest or abs(found.age_ms) <= abs(newest[role].age_ms):
            newest[role] = found
    return newest


@map_redis_errors()
def each(redis: Redis, role: str) -> dict[str, RoleHeartbeat]:
    """The last signs of life of all that have this role, by holder."""
    found = {name.partition(HOLDER): one for name, one in _entries(redis).items()}
    return {holder: one for (name, _, holder), one in found.items() if name == role}


class Ages:
    """How long each role has been silent, for a process that looks again and again.

    The first look goes by the Redis server's clock, the next ones by our own monotonic clock and by
    whether a role has spoken since: a server whose clock is set makes no living role look dead.
    """

    def __init__(
        self, monotonic_ms: Callable[[], int] = lambda: time.monotonic_ns() // 1_000_000
    ) -> None:
        self._monotonic_ms = monotonic_ms
        #: By name: when the role spoke last (the server's clock), and when that was by ours.
        self._seen: dict[str, tuple[int, int]] = {}
        #: By name: since when (ours) there is no sign of life of it at all.
        self._missing: dict[str, int] = {}

    def look(self, found: Mapping[str, RoleHeartbeat]) -> dict[str, int]:
        """The silence in ms of every role in what `heartbeats` or `each` gave, by the same name."""
        now_ms, seen = self._monotonic_ms(), dict[str, tuple[int, int]]()
        for name, one in found.items():
            known = self._seen.get(name)
            if known is None:
                seen[name] = one.at_ms, now_ms - abs(one.age_ms)
            else:
                seen[name] = known if known[0] == one.at_ms else (one.at_ms, now_ms)
        self._seen = seen
        self._missing = {name: at for name, at in self._missing.items() if name not in found}
        return {name: now_ms - at_ms for name, (_, at_ms) in seen.items()}

    def missing_ms(self, name: str) -> int:
        """For how long `look` has not found this name: it left in good order, or never came."""
        now_ms = self._monotonic_ms()
        return now_ms - self._missing.setdefault(name, now_ms)


def _entries(redis: Redis) -> dict[str, RoleHeartbeat]:
    with redis.pipeline(transaction=True) as pipe:
        pipe.hgetall(keys.ROLES)
        pipe.time()
        entries, (second, microsecond) = pipe.execute()
    now_ms = second * 1000 + microsecond // 1000
    found = {}
    for name, text in entries.items():
        try:
            entry = json.loads(text)
            at_ms = int(entry["at_ms"])
            found[name.decode()] = RoleHeartbeat(at_ms, now_ms - at_ms, dict(entry["detail"]))
        except (ValueError, TypeError, LookupError, OverflowError):
            continue
    return found


def _name(role: str, holder: str) -> str:
    return f"{role}{HOLDER}{holder}" if holder else role
