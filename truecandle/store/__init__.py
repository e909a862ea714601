"""All of Redis: the connection, its bounds, and the translation of its errors into ours.

Never here: key names (`keys`), what is stored (`official`, `live`, ...), a connection at import.
Invariant: whatever Redis does, a call ends within seconds, by an answer or by a `StoreError`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Literal

import redis as redis_py
from redis import BlockingConnectionPool, Redis
from redis import exceptions as redis_errors
from redis.backoff import ExponentialBackoff
from redis.maint_notifications import MaintNotificationsConfig
from redis.retry import Retry

from truecandle.errors import StaleWriter, StoreDamaged, StoreError, StoreUnavailable
from truecandle.store.dialed import dialed
from truecandle.store.discretion import discreet
from truecandle.store.reused import reused
from truecandle.urls import password_of

#: Why a server that answers takes no writes (`server_state` tells of it).
Refusal = Literal["full", "read_only", "not_saving"]

#: Connections of one process; who finds none free waits `POOL_WAIT_S` at most.
POOL_SIZE = 50
POOL_WAIT_S = 1.0

#: What is read of a connection at once: a page of 1,000 candles is no more.
READ_BYTES = 128 << 10

#: A connection idle for longer is tried with a PING before it is used.
HEALTH_CHECK_S = 30

#: Again only after a broken connection, never after a time-out: a hung server stays hung. Every
#: script here may run twice (see each file), so a lost reply does no harm.
RETRIES = 2
RETRY_BASE_S = 0.02
RETRY_CAP_S = 0.1

#: Why a Redis that is there takes no writes, by the error's class or words (from within a script it
#: comes without its class), and a sentence for it with the remedy.
_REFUSALS: Final[tuple[tuple[re.Pattern[str], Refusal, str], ...]] = (
    (
        re.compile(r"OutOfMemoryError|\bOOM\b|used memory > 'maxmemory'"),
        "full",
        "Redis is full and takes nothing new: raise its maxmemory, or unfollow markets.",
    ),
    (
        re.compile(r"ReadOnlyError|\bREADONLY\b|read only replica"),
        "read_only",
        "Redis is a read-only replica: let REDIS_URL name the primary, or promote it.",
    ),
    (
        re.compile(r"\bMISCONF\b"),
        "not_saving",
        "Redis cannot save and takes nothing new: look at its disk and its log.",
    ),
    (
        re.compile(r"\bNOREPLICAS\b|NoReplicasError"),
        "not_saving",
        "Redis has too few replicas and takes nothing new: bring them back.",
    ),
)
#: What else Redis says when it is there and does not do what was asked, by its words (redis-py has
#: classes for some, and takes the word off their texts), and what to do.
_STATES: Final[tuple[tuple[re.Pattern[str], str], ...]] = (
    (
        re.compile(
            r"\b(MOVED|ASK|CROSSSLOT|CLUSTERDOWN)\b|in cluster mode|Cluster(Down|CrossSlot)"
        ),
        "REDIS_URL names a Redis Cluster; allowed: a single server",
    ),
    (
        re.compile(r"DB index is out of range|invalid DB index"),
        "Redis has no database of the number that REDIS_URL names",
    ),
    (
        re.compile(r"protected mode"),
        "Redis is in protected mode and takes nobody in from another machine: set a password there"
        " (requirepass) and in REDIS_URL",
    ),
    (
        re.compile(r"\bNOPERM\b|NoPermission|no permissions"),
        "Redis does not let the user of REDIS_URL do that: give it the rights that"
        " `python -m tools.redis_users` writes, channels (&truecandle:*) among them",
    ),
    (
        re.compile(r"[Uu]nknown (Redis )?command|This Redis command is not allowed"),
        "what answers at REDIS_URL lacks a command; needed: Redis 6.2 or newer, or Valkey",
    ),
)
#: What only a key of ours can be the cause of: it holds another type, or what is no number, or our
#: own script could not read it. All else says nothing about what is stored.
_DAMAGED: Final = re.compile(
    r"\b(WRONGTYPE|MALFORMED|BROKENINDEX)\b|is not an? (valid )?(integer|float)"
    r"|[Ee]rror running script|user_script"
)


def connect(
    url: str,
    *,
    timeout_s: float = 1.0,
    retries: int = RETRIES,
    health_check_s: int = HEALTH_CHECK_S,
) -> Redis:
    """A client for `url` (see `urls`) that answers in bytes; connects on first use.

    Every command ends within `timeout_s`, plus `POOL_WAIT_S` when all connections are taken.
    Its errors never show the password.
    """
    pool = BlockingConnectionPool.from_url(
        url,
        protocol=2,  # of all servers and proxies: HELLO, which starts RESP3, is not
        driver_info=None,  # CLIENT SETINFO, of which a Redis before 7.2 and its users know nothing
        max_connections=POOL_SIZE,
        timeout=POOL_WAIT_S,
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        health_check_interval=health_check_s,
        socket_read_size=READ_BYTES,
        retry=Retry(
            ExponentialBackoff(cap=RETRY_CAP_S, base=RETRY_BASE_S),
            retries,
            supported_errors=(redis_py.ConnectionError,),
        ),
        maint_notifications_config=MaintNotificationsConfig(enabled=False),
    )
    pool.connection_class = discreet(reused(dialed(pool.connection_class)), password_of(url))
    return Redis.from_pool(pool)


@contextmanager
def map_redis_errors() -> Iterator[None]:
    """For a `with` block, or a function whole: errors of redis-py leave as a `StoreError`."""
    try:
        yield
    except redis_errors.AuthenticationError as error:
        what = "Redis wants another user or password than REDIS_URL has"
        raise StoreUnavailable(f"{what}: {error}") from error
    except (redis_py.ConnectionError, redis_py.TimeoutError) as error:
        raise StoreUnavailable(f"Redis is away (REDIS_URL says where it is): {error}") from error
    except redis_py.ResponseError as error:
        raise from_reply(error) from error


def from_reply(error: redis_py.ResponseError) -> StoreError:
    """The `StoreError` that an error reply of Redis, or of one of our scripts, stands for."""
    # redis-py quotes the command of a pipeline, and with it perhaps a hash of a password.
    text = str(error).rpartition(" of pipeline caused error: ")[2]
    if "STALEWRITER" in text:
        return StaleWriter(text)
    if refused := refusal(error):
        return StoreUnavailable(f"{refused[1]} It says: {text}")
    if isinstance(error, redis_errors.AskError):  # MOVED is one; their texts are slots alone
        return StoreUnavailable(_STATES[0][1])
    said = f"{type(error).__name__} {text}"
    for sign, sentence in _STATES:
        if sign.search(said):
            return StoreUnavailable(f"{sentence}. It says: {text}")
    if _DAMAGED.search(text):
        return StoreDamaged(text)
    return StoreUnavailable(f"Redis cannot do it now: {text}")


def refusal(error: redis_py.ResponseError) -> tuple[Refusal, str] | None:
    """Why a server that answers takes no writes, and a sentence for it; None if it is not that."""
    said = f"{type(error).__name__} {error}"
    return next(((kind, text) for sign, kind, text in _REFUSALS if sign.search(said)), None)
