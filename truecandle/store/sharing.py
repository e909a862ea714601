"""What tells whether a server or a name is ours alone, or shared with other applications.

Never here: judging it (`admin/ownership`), keys as they lie there (`survey`).
Invariant: it only reads, and takes no error of a wrong type for one of the store.
"""

from __future__ import annotations

from typing import Any, Final

from redis import Redis
from redis.exceptions import ResponseError

from truecandle.store import keys, map_redis_errors
from truecandle.store.inspection import SCAN_KEYS, recognised

#: A minute's weight has about as many seconds; a time in ms has as many digits.
WEIGHT_FIELDS_MAX: Final = 1_000
BAN_BYTES_MAX: Final = 15


@map_redis_errors()
def has_others(redis: Redis) -> bool:
    """Whether the server has other databases than this one, or this one keys of no name of ours."""
    try:
        databases: Any = redis.info("keyspace")
    except ResponseError:  # a managed server may not tell
        return True
    own = redis.connection_pool.connection_kwargs.get("db") or 0
    if set(databases) - {f"db{own}"}:
        return True
    return any(not _is_named_by_us(name) for name in redis.scan_iter(count=SCAN_KEYS))


@map_redis_errors()
def count(redis: Redis, name: str) -> int:
    """How many members a hash or set has; 0 of anything else."""
    kind: Any = redis.type(name)
    found: Any = {b"hash": redis.hlen, b"set": redis.scard}.get(kind, lambda _: 0)(name)
    return int(found)


@map_redis_errors()
def users(redis: Redis) -> dict[str, bool]:
    """Each of the users' set, and whether it has an account of ours; {} if that key is no set."""
    if redis.type(keys.USERS) != b"set":
        return {}
    members: Any = redis.smembers(keys.USERS)
    names = [member.decode(errors="replace") for member in members]
    with redis.pipeline(transaction=False) as pipe:
        for name in names:
            pipe.hexists(keys.user(name), "epoch")
        found = pipe.execute(raise_on_error=False)
    return {name: answer == 1 for name, answer in zip(names, found, strict=True)}


@map_redis_errors()
def is_weight(redis: Redis) -> bool:
    """Whether the request weight is unused, or as `budget` keeps it: seconds and a limit, and it
    expires."""
    if redis.type(keys.WEIGHT) != b"hash":
        return not redis.exists(keys.WEIGHT)
    count: Any = redis.hlen(keys.WEIGHT)
    lives_s: Any = redis.ttl(keys.WEIGHT)
    if count > WEIGHT_FIELDS_MAX or not 0 <= lives_s <= keys.WEIGHT_TTL_S:
        return False
    seconds: Any = redis.hkeys(keys.WEIGHT)
    return all(second.isdigit() or second == b"allowed" for second in seconds)


@map_redis_errors()
def is_ban(redis: Redis) -> bool:
    """Whether the ban is unused, or as `budget` keeps it: a time, and it expires."""
    if redis.type(keys.BAN) != b"string":
        return not redis.exists(keys.BAN)
    text: Any = redis.getrange(keys.BAN, 0, BAN_BYTES_MAX)
    lives_s: Any = redis.ttl(keys.BAN)
    return text.isdigit() and len(text) <= BAN_BYTES_MAX and 0 <= lives_s <= keys.BAN_TTL_S


def _is_named_by_us(name: bytes) -> bool:
    begins = (keys.ASIDE.encode(), f"{keys.COUNTERS}:".encode())
    return recognised(name) is not None or name.startswith(begins)
