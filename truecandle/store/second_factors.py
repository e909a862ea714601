"""Second factors: the mark a user's one-time codes are made from, and the recovery codes.

Never here: codes of the moment, the secret behind them (`web/second_factor` makes it of the mark
and the server's key), a clock.
Invariant: nothing stored suffices to make a code; each code, and each recovery code, counts once.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any, Final

from redis import Redis

from truecandle.store import keys, map_redis_errors
from truecandle.store.credentials import digest_of

RECOVERY_CODES: Final = 10
#: Of 32 letters and digits that cannot be mistaken for each other: 80 bits.
RECOVERY_CHARS: Final = 16

_ALPHABET: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"


class SecondFactors:
    """The second factors of all users in one Redis. Every method may raise `StoreUnavailable`."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    @map_redis_errors()
    def draft(self, name: str) -> str | None:
        """A new mark that is in force once it is confirmed; None if there is no such user."""
        mark = secrets.token_hex(16)
        if not self._redis.sismember(keys.USERS, name):
            return None
        self._redis.hset(keys.user(name), "factor_draft", mark)
        return mark

    @map_redis_errors()
    def drafted(self, name: str) -> str | None:
        """The mark that waits to be confirmed."""
        mark = self._redis.hget(keys.user(name), "factor_draft")
        return mark.decode() if isinstance(mark, bytes) else None

    @map_redis_errors()
    def confirm(self, name: str, mark: str) -> list[str]:
        """Puts a drafted mark in force; the recovery codes, in place of all earlier ones."""
        codes = [_recovery_code() for _ in range(RECOVERY_CODES)]
        with self._redis.pipeline(transaction=True) as pipe:
            pipe.hset(keys.user(name), "factor", mark)
            pipe.hdel(keys.user(name), "factor_draft")
            pipe.delete(keys.recovery(name))
            pipe.sadd(keys.recovery(name), *map(digest_of, codes))
            pipe.execute()
        return codes

    @map_redis_errors()
    def remove(self, name: str) -> bool:
        """The password alone is enough again; False if there was no second factor."""
        with self._redis.pipeline(transaction=True) as pipe:
            pipe.hdel(keys.user(name), "factor")
            pipe.hdel(keys.user(name), "factor_draft")
            pipe.delete(keys.recovery(name))
            return bool(pipe.execute()[0])

    @map_redis_errors()
    def spend(self, mark: str, step: int) -> bool:
        """Takes the code of one time step; False if it was taken before."""
        key = keys.spent_code(digest_of(f"{mark} {step}"))
        return bool(self._redis.set(key, 1, nx=True, ex=keys.SPENT_CODE_TTL_S))

    @map_redis_errors()
    def unused_recovery(self, name: str, code: str) -> str | None:
        """The digest of an unused recovery code of that user, which it stays; else None."""
        digest = digest_of(_plain(code))
        return digest if self._redis.sismember(keys.recovery(name), digest) else None

    @map_redis_errors()
    def spend_recovery(self, name: str, code: str) -> bool:
        """Takes a recovery code; False if it is none, or was used before."""
        return bool(self._redis.srem(keys.recovery(name), digest_of(_plain(code))))

    @map_redis_errors()
    def recovery_left(self, name: str) -> int:
        """How many recovery codes have not been used."""
        count: Any = self._redis.scard(keys.recovery(name))
        return int(count)


def looks_like_recovery(code: str) -> bool:
    """Whether a text has the length of a recovery code, however it is grouped."""
    return len(_plain(code)) == RECOVERY_CHARS


def grouped(codes: Sequence[str]) -> list[str]:
    """For people to read and type: groups of four."""
    return ["-".join(code[i : i + 4] for i in range(0, len(code), 4)) for code in codes]


def _plain(code: str) -> str:
    return "".join(c for c in code[:100].upper() if c.isalnum())


def _recovery_code() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(RECOVERY_CHARS))
