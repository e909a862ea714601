"""Settings of a user: how the page looks and what it last showed, as one JSON object.

Never here: which settings there are (`web/user_settings`), who may change them (`web/auth`).
Invariant: settings live no longer than their user, and their version grows with every change.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from redis import Redis

from truecandle.store import keys, map_redis_errors
from truecandle.store.script import Script

_SAVE = Script("save_settings")


@dataclass(frozen=True, slots=True)
class StoredSettings:
    """The JSON object as it was saved, and its version; an empty one of version 0 before."""

    text: str = "{}"
    version: int = 0


@map_redis_errors()
def read(redis: Redis, user: str) -> StoredSettings:
    found = cast(list[Any], redis.hmget(keys.settings(user), ["text", "version"]))
    text, version = found
    if text is None or version is None or not version.isdigit():
        return StoredSettings()
    return StoredSettings(text.decode(errors="replace"), int(version))


@map_redis_errors()
def save(redis: Redis, user: str, text: str) -> int:
    """Replaces them; the new version, or 0 where there is no such user."""
    return cast(int, _SAVE.run(redis, (keys.user(user), keys.settings(user)), (text,)))
