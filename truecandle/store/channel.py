"""The pub/sub channel of the instance that a database belongs to: its name, and publishing on it.

Redis pub/sub knows no databases: what is published is heard on the whole server. So the channel's
name carries the database's number and the identity that its instance has in the store.

Never here: what a message means (`events`), subscribing (`web/event_subscriber`).
Invariant: the identity is read in the same script that publishes, so that a publisher never goes by
one that is gone. Whoever finds the database emptied puts back the identity that it knew, or makes
one if it knew none; the first one holds for all.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any, Final

from redis import Redis

from truecandle.store import keys, map_redis_errors
from truecandle.store.script import Argument, Script

#: How the names of our channels begin; a Redis user needs the permission `&truecandle:*`.
PREFIX: Final = "truecandle"
IDENTITY_BYTES: Final = 16

_PUBLISH: Final = Script("publish")


class Channel:
    """The channel `truecandle:DATABASE:IDENTITY`; both methods may raise a `StoreError`.

    `known` is what an earlier connection of this process knew as the identity.
    """

    def __init__(self, redis: Redis, known: str = "") -> None:
        self._redis = redis
        self._prefix = prefix_of(redis)
        #: The identity as it was last read; before that, one that is put there if there is none.
        self.identity = known or secrets.token_hex(IDENTITY_BYTES)

    def name(self) -> str:
        """Its present name. The identity is put there if there is none."""
        return self.publish(())

    @map_redis_errors()
    def publish(self, messages: Sequence[bytes]) -> str:
        """Publishes in this order, all or none, and returns the channel's name."""
        args: tuple[Argument, ...] = (self._prefix, self.identity, *messages)
        answer: Any = _PUBLISH.run(self._redis, (keys.INSTANCE,), args)
        name = bytes(answer).decode(errors="surrogateescape")
        self.identity = name.removeprefix(self._prefix)
        return name


@map_redis_errors()
def identity(redis: Redis) -> str:
    """The identity that this database holds; "" while no role has run with it."""
    text: Any = redis.get(keys.INSTANCE)
    return bytes(text or b"").decode(errors="replace")


def prefix_of(redis: Redis) -> str:
    """How the names of the channels of this database begin: all of them before the identity."""
    database = redis.connection_pool.connection_kwargs.get("db") or 0
    return f"{PREFIX}:{database}:"


def trades_suffix(symbol: str) -> str:
    """What a channel's name has behind the identity where it carries the trades of one market."""
    return f":trades:{symbol}"
