"""Accounts: users and the one-time links they may sign in with.

Never here: sessions and tokens (`credentials`), hashing of passwords (`web/passwords`), a clock.
Invariant: removing a user takes everything along that was let in under that name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from redis import Redis, WatchError

from truecandle.store import keys, map_redis_errors
from truecandle.store.credentials import SECRET, decoded, digest_of, new_secret
from truecandle.store.user_roles import UserRole, stored_role

LINK_TTL_S: Final = 3600
USERS_MAX: Final = 10_000

#: The keys of a user's own.
_OWN: Final = (
    *(keys.user, keys.tokens, keys.sessions, keys.recovery, keys.settings),
    *(keys.drawings, keys.layouts, keys.study_templates),
)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class Account:
    """A user. `password` is a hash, or empty for one who signs in by link only.

    `factor` is the mark of the second factor, or empty without one (`second_factors`); `epoch` is
    another one after each change of password.
    """

    name: str
    password: str
    created_ms: int
    role: UserRole
    factor: str
    epoch: str


class Accounts:
    """All users in one Redis. Every method may raise `StoreUnavailable`."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    @map_redis_errors()
    def add(self, name: str, password: str, now_ms: int, role: UserRole) -> bool:
        """A new user; False if that name is taken or `USERS_MAX` is reached."""
        if self._count() >= USERS_MAX:
            return False
        fields: dict[Any, Any] = {"password": password, "created_ms": now_ms, "role": role}
        fields |= {"born": new_secret(), "epoch": new_secret()}
        with self._redis.pipeline(transaction=True) as pipe:
            pipe.watch(keys.user(name))  # type: ignore[no-untyped-call]
            if pipe.exists(keys.user(name)):
                return False
            pipe.multi()
            pipe.hset(keys.user(name), mapping=fields)
            pipe.sadd(keys.USERS, name)
            try:
                pipe.execute()
            except WatchError:
                return False
        return True

    @map_redis_errors()
    def get(self, name: str) -> Account | None:
        if not is_name(name):
            return None
        return _account(name, _text(self._redis.hgetall(keys.user(name))))

    @map_redis_errors()
    def all(self) -> list[Account]:
        """Every user, by name."""
        names = sorted(decoded(self._redis.smembers(keys.USERS)))
        with self._redis.pipeline(transaction=False) as pipe:
            for name in names:
                pipe.hgetall(keys.user(name))
            found = [_account(n, _text(r)) for n, r in zip(names, pipe.execute(), strict=True)]
        return [account for account in found if account]

    @map_redis_errors()
    def is_empty(self) -> bool:
        return self._count() == 0

    @map_redis_errors()
    def remove(self, name: str) -> bool:
        """The user, the settings and documents, the tokens and every session end at once. False if
        there is no such user.

        The markets that the user followed stay followed, as nobody's. What is called like a user,
        and is none of ours, stays.
        """
        if not self._redis.sismember(keys.USERS, name):
            return False
        tokens = map(keys.token, decoded(self._redis.smembers(keys.tokens(name))))
        sessions = map(keys.session, decoded(self._redis.smembers(keys.sessions(name))))
        followed: Any = self._redis.hgetall(keys.FOLLOWERS)
        with self._redis.pipeline(transaction=True) as pipe:
            pipe.srem(keys.USERS, name)
            pipe.delete(*(own(name) for own in _OWN), *tokens, *sessions)
            for symbol in (s for s, follower in followed.items() if follower == name.encode()):
                pipe.hdel(keys.FOLLOWERS, symbol)
            return bool(pipe.execute()[0])

    @map_redis_errors()
    def set_role(self, name: str, role: UserRole) -> bool:
        """In force with the next request. False if there is no such user."""
        if not self._redis.sismember(keys.USERS, name):
            return False
        self._redis.hset(keys.user(name), "role", role)
        return True

    @map_redis_errors()
    def set_password(self, name: str, password: str) -> bool:
        """All sessions of the user end, tokens stay (`CredentialStore.end_tokens`); False if there
        is no such user.
        """
        if not self._redis.sismember(keys.USERS, name):
            return False
        self._redis.hset(keys.user(name), mapping={"password": password, "epoch": new_secret()})
        return True

    @map_redis_errors()
    def rehash(self, name: str, old: str, new: str) -> None:
        """The same password under a stronger hash: sessions go on."""
        if self._redis.hget(keys.user(name), "password") == old.encode():
            self._redis.hset(keys.user(name), "password", new)

    @map_redis_errors()
    def add_link(self, user: str) -> str:
        """The secret of a sign-in link: works once, for `LINK_TTL_S`."""
        secret = new_secret()
        self._redis.set(keys.link(digest_of(secret)), user, ex=LINK_TTL_S)
        return secret

    @map_redis_errors()
    def take_link(self, secret: str) -> str | None:
        """The user a link stands for; the link is spent with this."""
        if not SECRET.fullmatch(secret):
            return None
        name = self._redis.getdel(keys.link(digest_of(secret)))
        return name.decode() if isinstance(name, bytes) else None

    def _count(self) -> int:
        count: Any = self._redis.scard(keys.USERS)
        return int(count)


def is_name(text: str) -> bool:
    """1 to 64 letters, digits, `.`, `_` or `-`, beginning with a letter or digit."""
    return bool(_NAME.fullmatch(text))


def _account(name: str, fields: Mapping[str, str]) -> Account | None:
    if "epoch" not in fields:
        return None
    return Account(
        name=name,
        password=fields.get("password", ""),
        created_ms=int(fields.get("created_ms", 0)),
        role=stored_role(fields.get("role")),
        factor=fields.get("factor", ""),
        epoch=fields["epoch"],
    )


def _text(fields: Any) -> dict[str, str]:
    return {name.decode(): value.decode(errors="replace") for name, value in fields.items()}
