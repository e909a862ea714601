"""Credentials: what somebody is let in with again after signing in, sessions and API tokens.

Never here: users and passwords (`accounts`), cookies, HTTP, a clock (times come in).
Invariant: no secret is stored, only its SHA-256; a credential holds as long as its user's own mark.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Literal, NamedTuple

from redis import Redis, RedisError

from truecandle.store import keys, map_redis_errors
from truecandle.store.batch import Batch, Queued

Scope = Literal["read", "write"]

#: A session ends after so long without a request, and in any case after `SESSION_MAX_S`.
SESSION_IDLE_S: Final = 12 * 3600
SESSION_MAX_S: Final = 7 * 86_400
#: A session's time to live is renewed only when it has shrunk by this much: few writes.
RENEW_AFTER_S: Final = 60
SECRET_BYTES: Final = 32
TOKENS_PER_USER_MAX: Final = 100
LABEL_CHARS_MAX: Final = 100
#: What a secret of ours can look like; anything else is not looked up.
SECRET: Final = re.compile(r"[A-Za-z0-9_-]{20,100}")

_TOKEN_ID_CHARS = 12


@dataclass(frozen=True, slots=True)
class Token:
    """An API token; its secret is known to its owner only. `id` is for lists and revoking."""

    id: str
    user: str
    label: str
    scope: Scope
    created_ms: int


class Credential(NamedTuple):
    """What somebody was let in with: kept by whoever has to look again later (`valid`)."""

    kind: Literal["session", "token"]
    digest: str
    user: str


class CredentialStore:
    """All sessions and tokens in one Redis. Every method may raise `StoreUnavailable`."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    @map_redis_errors()
    def open(self, name: str, now_ms: int) -> str | None:
        """The secret of a new session, or None if the user was removed meanwhile."""
        epoch = self._redis.hget(keys.user(name), "epoch")
        if not isinstance(epoch, bytes):
            return None
        secret = new_secret()
        key = keys.session(digest_of(secret))
        fields: dict[Any, Any] = {"user": name, "epoch": epoch, "created_ms": now_ms}
        with self._redis.pipeline(transaction=True) as pipe:
            pipe.hset(key, mapping=fields)
            pipe.expire(key, SESSION_IDLE_S)
            pipe.execute()
        return secret

    @map_redis_errors()
    def session(self, secret: str, user: str, now_ms: int) -> Credential | None:
        """The credential of a session that is valid now; using it renews its idle time."""
        if not SECRET.fullmatch(secret):
            return None
        credential = Credential("session", digest_of(secret), user)
        batch = Batch(self._redis, is_one_instant=False)
        holds = _queue(batch, credential, now_ms)
        name = keys.session(credential.digest)
        batch.pipe.ttl(name)
        ttl_s = batch.queued(int)
        batch.run()
        if not holds.value:
            return None
        if ttl_s.value < SESSION_IDLE_S - RENEW_AFTER_S:
            with suppress(RedisError):  # a Redis that takes no writes can still be read
                self._redis.expire(name, SESSION_IDLE_S)
        return credential

    @map_redis_errors()
    def close(self, digest: str) -> None:
        self._redis.delete(keys.session(digest))

    @map_redis_errors()
    def issue(self, user: str, label: str, scope: Scope, now_ms: int) -> str | None:
        """The secret of a new token; None without such a user or with too many tokens."""
        born = self._redis.hget(keys.user(user), "born")
        count: Any = self._redis.scard(keys.tokens(user))
        if not isinstance(born, bytes) or count >= TOKENS_PER_USER_MAX:
            return None
        secret = new_secret()
        digest = digest_of(secret)
        fields: dict[Any, Any] = {
            "user": user,
            "born": born,
            "label": label[:LABEL_CHARS_MAX],
            "scope": scope,
            "created_ms": now_ms,
        }
        with self._redis.pipeline(transaction=True) as pipe:
            pipe.hset(keys.token(digest), mapping=fields)
            pipe.sadd(keys.tokens(user), digest)
            pipe.execute()
        return secret

    @map_redis_errors()
    def token(self, secret: str) -> tuple[Token, Credential] | None:
        """The token with this secret, if it is valid now."""
        if not SECRET.fullmatch(secret):
            return None
        digest = digest_of(secret)
        found = _token(digest, self._redis.hgetall(keys.token(digest)))
        if found is None:
            return None
        credential = Credential("token", digest, found.user)
        return (found, credential) if self.valid([credential], 0) == [True] else None

    @map_redis_errors()
    def tokens(self) -> list[Token]:
        """Every token, by user and age."""
        found = [token for _, token in self._issued()]
        return sorted(found, key=lambda token: (token.user, token.created_ms))

    @map_redis_errors()
    def revoke(self, token_id: str) -> bool:
        """False if no token has that id."""
        for digest, token in self._issued():
            if token.id == token_id:
                self._redis.srem(keys.tokens(token.user), digest)
                return bool(self._redis.delete(keys.token(digest)))
        return False

    def valid(self, credentials: Sequence[Credential], now_ms: int) -> list[bool]:
        """For each credential whether it still holds, in one round trip. Renews nothing."""
        batch = Batch(self._redis, is_one_instant=False)
        asked = [_queue(batch, credential, now_ms) for credential in credentials]
        batch.run()
        return [holds.value for holds in asked]

    def _issued(self) -> Iterator[tuple[str, Token]]:
        for name in sorted(decoded(self._redis.smembers(keys.USERS))):
            for digest in decoded(self._redis.smembers(keys.tokens(name))):
                if token := _token(digest, self._redis.hgetall(keys.token(digest))):
                    yield digest, token


def digest_of(secret: str) -> str:
    """SHA-256, hex. Enough for 256 random bits; passwords need more (`web/passwords`)."""
    return hashlib.sha256(secret.encode()).hexdigest()


def new_secret() -> str:
    return secrets.token_urlsafe(SECRET_BYTES)


def decoded(members: Any) -> list[str]:
    """A SET's members as text."""
    return [member.decode() for member in members]


def _queue(batch: Batch, credential: Credential, now_ms: int) -> Queued[bool]:
    """Asks whether a credential holds at `now_ms`."""
    if credential.kind == "session":
        batch.pipe.hmget(keys.session(credential.digest), "user", "epoch", "created_ms")
        batch.pipe.hget(keys.user(credential.user), "epoch")
    else:
        batch.pipe.hmget(keys.token(credential.digest), "user", "born", "created_ms")
        batch.pipe.hget(keys.user(credential.user), "born")
    return batch.queued(partial(_holds, credential, now_ms))


def _holds(credential: Credential, now_ms: int, fields: Any, current: bytes | None) -> bool:
    user, mark, created = fields
    if user != credential.user.encode() or not mark or mark != current:
        return False
    return credential.kind == "token" or now_ms < int(created or 0) + SESSION_MAX_S * 1000


def _token(digest: str, fields: Any) -> Token | None:
    text = {name.decode(): value.decode(errors="replace") for name, value in fields.items()}
    if "user" not in text:
        return None
    return Token(
        id=digest[:_TOKEN_ID_CHARS],
        user=text["user"],
        label=text.get("label", ""),
        scope="write" if text.get("scope") == "write" else "read",
        created_ms=int(text.get("created_ms", 0)),
    )
