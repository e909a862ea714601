"""Credentials: what somebody is let in with again after signing in, sessions and API tokens.

Never here: users and passwords (`accounts`), cookies, HTTP, a clock (times come in).
Invariant: no secret is stored, only its SHA-256; a credential holds as long as its user's own mark;
whatever ends one changes the version of all (`keys.CREDENTIALS_VERSION`) in the same transaction.
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
from redis.client import Pipeline

from truecandle.store import keys, map_redis_errors
from truecandle.store.batch import Batch, Queued
from truecandle.store.user_roles import UserRole, stored_role

Scope = Literal["read", "write"]

#: A session ends after so long without a request, and in any case after `SESSION_MAX_S`.
SESSION_IDLE_S: Final = 12 * 3600
SESSION_MAX_S: Final = 7 * 86_400
#: A session's time to live is renewed only when it has shrunk by this much: few writes.
RENEW_AFTER_S: Final = 60
SECRET_BYTES: Final = 32
TOKENS_PER_USER_MAX: Final = 100
#: One more ends the oldest.
SESSIONS_PER_USER_MAX: Final = 100
BROWSER_CHARS_MAX: Final = 200
LABEL_CHARS_MAX: Final = 100
#: What a secret of ours can look like; anything else is not looked up.
SECRET: Final = re.compile(r"[A-Za-z0-9_-]{20,100}")

_ID_CHARS = 12


@dataclass(frozen=True, slots=True)
class Token:
    """An API token; its secret is known to its owner only. `id` is for lists and revoking."""

    id: str
    user: str
    label: str
    scope: Scope
    created_ms: int


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in browser. `id` is for lists and ending it; `address` and `browser` as they were
    when it signed in.
    """

    id: str
    user: str
    created_ms: int
    address: str
    browser: str


class Credential(NamedTuple):
    """What somebody was let in with: kept by whoever has to look again later (`valid`)."""

    kind: Literal["session", "token"]
    digest: str
    user: str


class Admission(NamedTuple):
    """A credential that holds, and what its user may do."""

    credential: Credential
    role: UserRole


class CredentialStore:
    """All sessions and tokens in one Redis. Every method may raise `StoreUnavailable`."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    @map_redis_errors()
    def open(self, name: str, now_ms: int, address: str, browser: str) -> str | None:
        """The secret of a new session, or None if the user was removed meanwhile."""
        epoch = self._redis.hget(keys.user(name), "epoch")
        if not isinstance(epoch, bytes):
            return None
        for oldest in self.sessions(name, now_ms)[SESSIONS_PER_USER_MAX - 1 :]:
            self.end_session(oldest.id, name)
        secret = new_secret()
        digest = digest_of(secret)
        fields: dict[Any, Any] = {"user": name, "epoch": epoch, "created_ms": now_ms}
        fields |= {"address": address, "browser": browser[:BROWSER_CHARS_MAX]}
        with self._redis.pipeline(transaction=True) as pipe:
            pipe.hset(keys.session(digest), mapping=fields)
            pipe.expire(keys.session(digest), SESSION_IDLE_S)
            _list(pipe, name, digest)
            pipe.execute()
        return secret

    @map_redis_errors()
    def session(self, secret: str, user: str, now_ms: int) -> Admission | None:
        """A session that is valid now; using it renews its idle time."""
        if not SECRET.fullmatch(secret):
            return None
        credential = Credential("session", digest_of(secret), user)
        batch = Batch(self._redis, is_one_instant=False)
        role = _queue(batch, credential, now_ms)
        name = keys.session(credential.digest)
        batch.pipe.ttl(name)
        ttl_s = batch.queued(int)
        batch.run()
        if role.value is None:
            return None
        if ttl_s.value < SESSION_IDLE_S - RENEW_AFTER_S:
            with suppress(RedisError), self._redis.pipeline(transaction=True) as pipe:
                # a Redis that takes no writes can still be read
                pipe.expire(name, SESSION_IDLE_S)
                _list(pipe, user, credential.digest)
                pipe.execute()
        return Admission(credential, role.value)

    @map_redis_errors()
    def sessions(self, user: str, now_ms: int) -> list[Session]:
        """The sessions of a user that hold now, the newest first."""
        return [session for _, session in self._opened(user, now_ms)]

    @map_redis_errors()
    def end_session(self, session_id: str, user: str) -> bool:
        """False if that user has no session of that id; its sockets follow within a second."""
        for digest in decoded(self._redis.smembers(keys.sessions(user))):
            if digest.startswith(session_id) and len(session_id) == _ID_CHARS:
                return self.close(digest, user)
        return False

    @map_redis_errors()
    def end_sessions(self, user: str, now_ms: int, keep: str = "") -> int:
        """Ends all sessions of a user but the one with the digest `keep`; how many there were."""
        ended = [digest for digest, _ in self._opened(user, now_ms) if digest != keep]
        return sum(self.close(digest, user) for digest in ended)

    @map_redis_errors()
    def close(self, digest: str, user: str) -> bool:
        with self._redis.pipeline(transaction=True) as pipe:
            pipe.delete(keys.session(digest))
            pipe.srem(keys.sessions(user), digest)
            outdate_checks(pipe)
            return bool(pipe.execute()[0])

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
    def token(self, secret: str) -> tuple[Token, Admission] | None:
        """The token with this secret, if it is valid now."""
        if not SECRET.fullmatch(secret):
            return None
        digest = digest_of(secret)
        found = _token(digest, self._redis.hgetall(keys.token(digest)))
        if found is None:
            return None
        credential = Credential("token", digest, found.user)
        batch = Batch(self._redis, is_one_instant=False)
        role = _queue(batch, credential, 0)
        batch.run()
        return None if role.value is None else (found, Admission(credential, role.value))

    @map_redis_errors()
    def tokens(self) -> list[Token]:
        """Every token, by user and age."""
        found = [token for _, token in self._issued()]
        return sorted(found, key=lambda token: (token.user, token.created_ms))

    @map_redis_errors()
    def revoke(self, token_id: str, user: str | None = None) -> bool:
        """False if no token, or with `user` none of that user's, has that id."""
        for digest, token in self._issued():
            if token.id == token_id and user in (None, token.user):
                return self._end_tokens(token.user, [digest]) == 1
        return False

    @map_redis_errors()
    def end_tokens(self, user: str) -> int:
        """Ends all tokens of a user; how many there were."""
        return self._end_tokens(user, decoded(self._redis.smembers(keys.tokens(user))))

    def begin_version(self) -> None:
        """Has the credentials a version if they have none; a Redis that takes no writes leaves it
        at that.
        """
        with suppress(RedisError):
            self._redis.set(keys.CREDENTIALS_VERSION, _new_version(), nx=True)

    def valid(self, credentials: Sequence[Credential], now_ms: int) -> list[bool]:
        """For each credential whether it still holds, in one round trip. Renews nothing."""
        batch = Batch(self._redis, is_one_instant=False)
        asked = [_queue(batch, credential, now_ms) for credential in credentials]
        batch.run()
        return [role.value is not None for role in asked]

    def _opened(self, user: str, now_ms: int) -> list[tuple[str, Session]]:
        """With their digests; what has ended since is taken out of the list."""
        digests = decoded(self._redis.smembers(keys.sessions(user)))
        with self._redis.pipeline(transaction=False) as pipe:
            for digest in digests:
                pipe.hgetall(keys.session(digest))
            rows = pipe.execute()
        holds = self.valid([Credential("session", digest, user) for digest in digests], now_ms)
        found, gone = [], []
        for digest, fields, is_held in zip(digests, rows, holds, strict=True):
            if is_held:
                found.append((digest, _session(digest, user, fields)))
            else:
                gone.append(digest)
        if gone:
            self._redis.srem(keys.sessions(user), *gone)
        return sorted(found, key=lambda pair: pair[1].created_ms, reverse=True)

    def _end_tokens(self, user: str, digests: Sequence[str]) -> int:
        if not digests:
            return 0
        with self._redis.pipeline(transaction=True) as pipe:
            pipe.delete(*map(keys.token, digests))
            pipe.srem(keys.tokens(user), *digests)
            outdate_checks(pipe)
            return int(pipe.execute()[0])

    def _issued(self) -> Iterator[tuple[str, Token]]:
        for name in sorted(decoded(self._redis.smembers(keys.USERS))):
            for digest in decoded(self._redis.smembers(keys.tokens(name))):
                if token := _token(digest, self._redis.hgetall(keys.token(digest))):
                    yield digest, token


def digest_of(secret: str) -> str:
    """SHA-256, hex. Enough for 256 random bits; passwords need more (`web/passwords`)."""
    return hashlib.sha256(secret.encode()).hexdigest()


def outdate_checks(pipe: Pipeline) -> None:
    """Has every process look again at credentials that it has checked before: belongs into the
    transaction that ends one, or changes what it is worth.
    """
    pipe.set(keys.CREDENTIALS_VERSION, _new_version())


def new_secret() -> str:
    return secrets.token_urlsafe(SECRET_BYTES)


def decoded(members: Any) -> list[str]:
    """A SET's members as text."""
    return [member.decode() for member in members]


def _new_version() -> str:
    """Drawn, not counted: none comes back after the store was put back to an earlier state."""
    return secrets.token_hex(8)


def _list(pipe: Pipeline, user: str, digest: str) -> None:
    """Puts a session on its user's list, which lives as long as the last session on it may."""
    pipe.sadd(keys.sessions(user), digest)
    pipe.expire(keys.sessions(user), SESSION_MAX_S)


def _queue(batch: Batch, credential: Credential, now_ms: int) -> Queued[UserRole | None]:
    """Asks whether a credential holds at `now_ms`: its user's role, or None."""
    if credential.kind == "session":
        batch.pipe.hmget(keys.session(credential.digest), "user", "epoch", "created_ms")
        batch.pipe.hmget(keys.user(credential.user), "epoch", "role")
    else:
        batch.pipe.hmget(keys.token(credential.digest), "user", "born", "created_ms")
        batch.pipe.hmget(keys.user(credential.user), "born", "role")
    return batch.queued(partial(_role, credential, now_ms))


def _role(credential: Credential, now_ms: int, fields: Any, account: Any) -> UserRole | None:
    (user, mark, created), (current, role) = fields, account
    if user != credential.user.encode() or not mark or mark != current:
        return None
    if credential.kind == "session" and now_ms >= int(created or 0) + SESSION_MAX_S * 1000:
        return None
    return stored_role(None if role is None else role.decode(errors="replace"))


def _session(digest: str, user: str, fields: Any) -> Session:
    text = _text(fields)
    return Session(
        id=digest[:_ID_CHARS],
        user=user,
        created_ms=int(text.get("created_ms", 0)),
        address=text.get("address", ""),
        browser=text.get("browser", ""),
    )


def _text(fields: Any) -> dict[str, str]:
    return {name.decode(): value.decode(errors="replace") for name, value in fields.items()}


def _token(digest: str, fields: Any) -> Token | None:
    text = _text(fields)
    if "user" not in text:
        return None
    return Token(
        id=digest[:_ID_CHARS],
        user=text["user"],
        label=text.get("label", ""),
        scope="write" if text.get("scope") == "write" else "read",
        created_ms=int(text.get("created_ms", 0)),
    )
