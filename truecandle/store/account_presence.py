"""Whether anybody is left who could sign in.

Never here: accounts themselves (`accounts`), what it means if there is nobody (`web/account_loss`).
Invariant: it only reads, and costs the same however many users there are.
"""

from __future__ import annotations

from typing import Any, Final

from redis import Redis

from truecandle.store import keys, map_redis_errors

#: Of more users than this a random part is looked at.
LOOKED_AT: Final = 200


@map_redis_errors()
def has_accounts(redis: Redis) -> bool:
    """False without users, and where of those that are looked at none has an account any more: an
    evicting server may keep their names and throw the accounts away."""
    names: Any = redis.srandmember(keys.USERS, LOOKED_AT)
    if not names:
        return False
    found: Any = redis.exists(*(keys.user(name.decode(errors="replace")) for name in names))
    return bool(found)
