"""What cannot be fetched again: accounts, tokens, settings and documents of users, followed
markets; read and put back.

Which keys these are: all of ours but those of a series and `keys.NOT_BACKED_UP`. A database may be
shared with other applications, so of those that are not single ones a key is ours if its name goes
on with the name of one of our users, or with a digest.

Never here: files (`admin/backup`), candles, what a value means.
Invariant: putting back is one transaction, after which exactly the keys of the backup are there;
done twice, it changes nothing more.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from redis import Redis

from truecandle.store import inspection, keys, map_redis_errors

#: Values are read so many keys at a time.
READ_KEYS: Final = 500
#: An installation has 10,000 users at most, each with some keys and up to 100 tokens.
KEYS_MAX: Final = 2_000_000

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class SavedKey:
    """One key: its type as Redis says it, when it expires (Unix ms of the server; None: never), and
    its value: bytes (string), a dict (hash), a sorted list (set), a list, or pairs (zset).
    """

    name: bytes
    kind: str
    expires_ms: int | None
    value: Any


@map_redis_errors()
def read(redis: Redis) -> list[SavedKey]:
    """Every key that belongs into a backup, by name."""
    names = sorted(_names(redis))
    found = []
    for first in range(0, len(names), READ_KEYS):
        found += _read(redis, names[first : first + READ_KEYS])
    return found


@map_redis_errors()
def put_back(redis: Redis, saved: Sequence[SavedKey]) -> None:
    """Replaces all that belongs into a backup by these keys, all or nothing. What has expired since
    is left out."""
    now_ms = _now_ms(redis)
    replaced = _names(redis) | {key.name for key in saved}
    with redis.pipeline(transaction=True) as pipe:
        if replaced:
            pipe.delete(*replaced)
        for key in saved:
            if key.expires_ms is not None and key.expires_ms <= now_ms:
                continue
            _WRITE[key.kind](pipe, key.name, key.value)
            if key.expires_ms is not None:
                pipe.pexpireat(key.name, key.expires_ms)
        pipe.execute()


def is_backed_up(name: bytes) -> bool:
    """Whether a key of this name belongs into a backup."""
    key = inspection.recognised(name)
    return key is not None and not key.is_series and key.head not in keys.NOT_BACKED_UP


def expected_kind(name: bytes) -> str:
    """What Redis calls the value of a key of this name; "" if it does not belong into a backup."""
    key = inspection.recognised(name)
    return key.expected if key is not None and is_backed_up(name) else ""


def _names(redis: Redis) -> set[bytes]:
    members: Any = redis.smembers(keys.USERS)
    users = {name.decode(errors="replace") for name in members}
    return {
        key.name
        for key in inspection.found_keys(redis)
        if is_backed_up(key.name)
        if not key.tail or _DIGEST.fullmatch(key.tail) or key.tail.partition(":")[0] in users
    }


def _read(redis: Redis, names: Sequence[bytes]) -> list[SavedKey]:
    kinds = [expected_kind(name) for name in names]
    with redis.pipeline(transaction=True) as pipe:
        for name, kind in zip(names, kinds, strict=True):
            pipe.pttl(name)
            _READ[kind](pipe, name)
        pipe.time()
        *answers, (second, microsecond) = pipe.execute()
    now_ms = second * 1000 + microsecond // 1000
    found = []
    for name, kind, ttl_ms, value in zip(names, kinds, answers[::2], answers[1::2], strict=True):
        if ttl_ms == -2 or not value:  # gone since it was found
            continue
        expires_ms = now_ms + ttl_ms if ttl_ms >= 0 else None
        found.append(SavedKey(name, kind, expires_ms, _ORDERED.get(kind, _same)(value)))
    return found


def _now_ms(redis: Redis) -> int:
    answer: Any = redis.time()
    second, microsecond = answer
    return int(second) * 1000 + int(microsecond) // 1000


def _same(value: Any) -> Any:
    return value


_READ: Final[dict[str, Any]] = {
    "string": lambda pipe, name: pipe.get(name),
    "hash": lambda pipe, name: pipe.hgetall(name),
    "set": lambda pipe, name: pipe.smembers(name),
    "list": lambda pipe, name: pipe.lrange(name, 0, -1),
    "zset": lambda pipe, name: pipe.zrange(name, 0, -1, withscores=True),
}
_WRITE: Final[dict[str, Any]] = {
    "string": lambda pipe, name, value: pipe.set(name, value),
    "hash": lambda pipe, name, value: pipe.hset(name, mapping=value),
    "set": lambda pipe, name, value: pipe.sadd(name, *value),
    "list": lambda pipe, name, value: pipe.rpush(name, *value),
    "zset": lambda pipe, name, value: pipe.zadd(name, dict(value)),
}
#: So that the same store makes the same backup.
_ORDERED: Final[dict[str, Any]] = {
    "hash": lambda value: dict(sorted(value.items())),
    "set": sorted,
    "zset": lambda value: [(member, float(score)) for member, score in value],
}
