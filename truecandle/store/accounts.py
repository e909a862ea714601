"""Accounts: users, their sessions and API tokens, and one-time sign-in links.

Never here: how a password is hashed (`web/passwords`), cookies, HTTP, a clock (times come in).
Invariant: no secret is stored, only its SHA-256; a session or token is worth what its user is now.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

from redis import Redis, WatchError
from redis.client import Pipeline

from truecandle.store import keys, translated

Scope = Literal["read", "write"]

#: A session ends after so long without a request, and in any case after `SESSION_MAX_S`.
SESSION_IDLE_S: Final = 12 * 3600
SESSION_MAX_S: Final = 7 * 86_400
#: A session's time to live is renewed only when it has shrunk by this much: few writes.
RENEW_AFTER_S: Final = 60
LINK_TTL_S: Final = 3600
SECRET_BYTES: Final = 32
USERS_MAX: Final = 10_000
TOKENS_PER_USER_MAX: Final = 100
LABEL_CHARS_MAX: Final = 100

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SECRET = re.compile(r"[A-Za-z0-9_-]{20,100}")
_TOKEN_ID_CHARS = 12


@dataclass(frozen=True, slots=True)
class Account:
    """A user. `password` is a hash, or empty for one who signs in by link only."""

    name: str
    password: str
    created_ms: int


@dataclass(frozen=True, slots=True)
class Token:
    """An API token; its secret is known to its owner only. `id` is for lists and revoking."""

    id: str
    user: str
    label: str
    scope: Scope
    created_ms: int


class Ticket(NamedTuple):
    """What somebody was let in with: kept by whoever has to look again later (`valid`)."""

    kind: Literal["session", "token"]
    digest: str
    user: str


class Accounts:
    """All accounts in one Redis. Every method may raise `StoreUnavailable`."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    @translated()
    def add(self, name: str, password: str, now_ms: int) -> bool:
        """A new user; False if that name is taken or `USERS_MAX` is reached."""
        if self._count() >= USERS_MAX:
            return False
        fields: dict[Any, Any] = {"password": password, "created_ms": now_ms}
        fields |= {"born": _secret(), "epoch": _secret()}
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

    @translated()
    def get(self, name: str) -> Account | None:
        if not is_name(name):
            return None
        return _account(name, _text(self._redis.hgetall(keys.user(name))))

    @translated()
    def all(self) -> list[Account]:
        """Every user, by name."""
        names = sorted(_decoded(self._redis.smembers(keys.USERS)))
        with self._redis.pipeline(transaction=False) as pipe:
            for name in names:
                pipe.hgetall(keys.user(name))
            found = [_account(n, _text(r)) for n, r in zip(names, pipe.execute(), strict=True)]
        return [account for account in found if account]

    @translated()
    def is_empty(self) -> bool:
        return self._count() == 0

    @translated()
    def remove(self, name: str) -> bool:
        """The user, the tokens and every session end at once."""
        digests = _decoded(self._redis.smembers(keys.tokens(name)))
        with self._redis.pipeline(transaction=True) as pipe:
            pipe.delete(keys.user(name), keys.tokens(name), *map(keys.token, digests))
            pipe.srem(keys.USERS, name)
            return bool(pipe.execute()[1])

    @translated()
    def set_password(self, name: str, password: str) -> bool:
        """All sessions of the user end; tokens stay. False if there is no such user."""
        if not self._redis.sismember(keys.USERS, name):
            return False
        self._redis.hset(keys.user(name), mapping={"password": password, "epoch": _secret()})
        return True

    @translated()
    def rehash(self, name: str, old: str, new: str) -> None:
        """The same password under a stronger hash: sessions go on."""
        if self._redis.hget(keys.user(name), "password") == old.encode():
            self._redis.hset(keys.user(name), "password", new)

    @translated()
    def open_session(self, name: str, now_ms: int) -> str | None:
        """The secret of a new session, or None if the user was removed meanwhile."""
        epoch = self._redis.hget(keys.user(name), "epoch")
        if not isinstance(epoch, bytes):
            return None
        secret = _secret()
        key = keys.session(digest_of(secret))
        fields: dict[Any, Any] = {"user": name, "epoch": epoch, "created_ms": now_ms}
        with self._redis.pipeline(transaction=True) as pipe:
            pipe.hset(key, mapping=fields)
            pipe.expire(key, SESSION_IDLE_S)
            pipe.execute()
        return secret

    @translated()
    def session(self, secret: str, name: str, now_ms: int) -> Ticket | None:
        """The ticket of a session that is valid now; using it renews its idle time."""
        if not (_SECRET.fullmatch(secret) and is_name(name)):
            return None
        ticket = Ticket("session", digest_of(secret), name)
        with self._redis.pipeline(transaction=False) as pipe:
            _queue(pipe, ticket)
            pipe.ttl(keys.session(ticket.digest))
            *answers, ttl_s = pipe.execute()
        if not _holds(ticket, answers, now_ms):
            return None
        if ttl_s < SESSION_IDLE_S - RENEW_AFTER_S:
            self._redis.expire(keys.session(ticket.digest), SESSION_IDLE_S)
        return ticket

    @translated()
    def close_session(self, digest: str) -> None:
        self._redis.delete(keys.session(digest))

    @translated()
    def add_token(self, user: str, label: str, scope: Scope, now_ms: int) -> str | None:
        """The secret of a new token; None without such a user or with too many tokens."""
        born = self._redis.hget(keys.user(user), "born")
        count: Any = self._redis.scard(keys.tokens(user))
        if not isinstance(born, bytes) or count >= TOKENS_PER_USER_MAX:
            return None
        secret = _secret()
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

    @translated()
    def token(self, secret: str) -> tuple[Token, Ticket] | None:
        """The token with this secret, if it is valid now."""
        if not _SECRET.fullmatch(secret):
            return None
        digest = digest_of(secret)
        found = _token(digest, _text(self._redis.hgetall(keys.token(digest))))
        if found is None:
            return None
        ticket = Ticket("token", digest, found.user)
        return (found, ticket) if self.valid([ticket], 0) == [True] else None

    @translated()
    def tokens(self) -> list[Token]:
        """Every token, by user and age."""
        found = []
        for account in self.all():
            for digest in _decoded(self._redis.smembers(keys.tokens(account.name))):
                token = _token(digest, _text(self._redis.hgetall(keys.token(digest))))
                found += [token] if token else []
        return sorted(found, key=lambda token: (token.user, token.created_ms))

    @translated()
    def revoke(self, token_id: str) -> bool:
        """False if no token has that id."""
        for account in self.all():
            for digest in _decoded(self._redis.smembers(keys.tokens(account.name))):
                if digest[:_TOKEN_ID_CHARS] == token_id:
                    self._redis.srem(keys.tokens(account.name), digest)
                    return bool(self._redis.delete(keys.token(digest)))
        return False

    @translated()
    def valid(self, tickets: Sequence[Ticket], now_ms: int) -> list[bool]:
        """For each ticket whether it still holds, in one round trip. Renews nothing."""
        with self._redis.pipeline(transaction=False) as pipe:
            for ticket in tickets:
                _queue(pipe, ticket)
            answers = pipe.execute()
        return [_holds(t, answers[2 * i : 2 * i + 2], now_ms) for i, t in enumerate(tickets)]

    @translated()
    def add_link(self, user: str) -> str:
        """The secret of a sign-in link: works once, for `LINK_TTL_S`."""
        secret = _secret()
        self._redis.set(keys.link(digest_of(secret)), user, ex=LINK_TTL_S)
        return secret

    @translated()
    def take_link(self, secret: str) -> str | None:
        """The user a link stands for; the link is spent with this."""
        if not _SECRET.fullmatch(secret):
            return None
        name = self._redis.getdel(keys.link(digest_of(secret)))
        return name.decode() if isinstance(name, bytes) else None

    def _count(self) -> int:
        count: Any = self._redis.scard(keys.USERS)
        return int(count)


def is_name(text: str) -> bool:
    """1 to 64 letters, digits, `.`, `_` or `-`, beginning with a letter or digit."""
    return bool(_NAME.fullmatch(text))


def digest_of(secret: str) -> str:
    """SHA-256, hex. Enough for 256 random bits; passwords need more (`web/passwords`)."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _secret() -> str:
    return secrets.token_urlsafe(SECRET_BYTES)


def _queue(pipe: Pipeline, ticket: Ticket) -> None:
    if ticket.kind == "session":
        pipe.hmget(keys.session(ticket.digest), "user", "epoch", "created_ms")
        pipe.hget(keys.user(ticket.user), "epoch")
    else:
        pipe.hmget(keys.token(ticket.digest), "user", "born", "created_ms")
        pipe.hget(keys.user(ticket.user), "born")


def _holds(ticket: Ticket, answers: Sequence[Any], now_ms: int) -> bool:
    (user, mark, created), current = answers
    if user != ticket.user.encode() or not mark or mark != current:
        return False
    return ticket.kind == "token" or now_ms < int(created or 0) + SESSION_MAX_S * 1000


def _account(name: str, fields: Mapping[str, str]) -> Account | None:
    if "epoch" not in fields:
        return None
    return Account(name, fields.get("password", ""), int(fields.get("created_ms", 0)))


def _token(digest: str, fields: Mapping[str, str]) -> Token | None:
    if "user" not in fields:
        return None
    return Token(
        id=digest[:_TOKEN_ID_CHARS],
        user=fields["user"],
        label=fields.get("label", ""),
        scope="write" if fields.get("scope") == "write" else "read",
        created_ms=int(fields.get("created_ms", 0)),
    )


def _text(fields: Any) -> dict[str, str]:
    return {name.decode(): value.decode(errors="replace") for name, value in fields.items()}


def _decoded(members: Any) -> list[str]:
    return [member.decode() for member in members]
