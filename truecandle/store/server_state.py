"""What is wrong with the Redis server: found by a look at it, told in a sentence with its remedy.

Never here: what follows from it (each role's affair), accounts (`web/account_loss`), a setting.
Invariant: whether writes are refused is tried with a write, so that it is known of servers, too,
that tell nothing about themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from redis import Redis
from redis.exceptions import ResponseError

from truecandle.errors import StoreDamaged
from truecandle.store import from_reply, keys, map_redis_errors, refusal
from truecandle.store.channel import PREFIX

#: `away`: no answer. `full`, `read_only`, `not_saving`: it takes no writes. `evicting`: it may
#: throw away what never expires, accounts among it; `expiring`: only what expires by itself.
#: `unsaved`: what was written since the last snapshot is lost with it. `accounts_lost`: there were
#: some. `events_lost`: processes cannot tell each other what has changed.
ProblemKind = Literal[
    "away",
    "full",
    "read_only",
    "not_saving",
    "evicting",
    "expiring",
    "unsaved",
    "accounts_lost",
    "events_lost",
]
KINDS: Final[tuple[ProblemKind, ...]] = get_args(ProblemKind)
#: While one of these holds nothing new is stored.
REFUSING: Final = frozenset[ProblemKind]({"away", "full", "read_only", "not_saving"})

#: On which nobody listens: it is only tried whether events may be sent.
PROBE_CHANNEL: Final = f"{PREFIX}:probe"
#: What the server says of its files where all is well with them is `ok`.
_SAVED: Final = ("aof_last_write_status", "aof_last_bgrewrite_status", "rdb_last_bgsave_status")


@dataclass(frozen=True, slots=True)
class ServerProblem:
    """`text` is one sentence or two: what is wrong, and what to do."""

    kind: ProblemKind
    text: str

    @property
    def refuses_writes(self) -> bool:
        return self.kind in REFUSING


@map_redis_errors()
def look(redis: Redis) -> list[ServerProblem]:
    """What is wrong now, the worst first; `StoreUnavailable` if the server does not answer.

    One round trip: what the roles need is tried (a small write that expires, a script, an event
    that nobody waits for), and what the server says about itself, if it lets us ask (managed
    services may not).
    """
    with redis.pipeline(transaction=False) as pipe:
        pipe.set(keys.WRITE_PROBE, 1, px=keys.WRITE_PROBE_TTL_MS)
        pipe.eval("return 1", 0)
        pipe.publish(PROBE_CHANNEL, b"")
        for section in ("memory", "persistence"):
            pipe.info(section)
        written, run, published, *told = pipe.execute(raise_on_error=False)
    about: dict[str, Any] = {}
    for answer in told:
        about |= answer if isinstance(answer, dict) else {}
    refused = [*_refused(written)] or [*_refused(run)]
    return [*refused, *_unheard(published), *_settings(about)]


def _refused(answer: object) -> Iterator[ServerProblem]:
    """What the answer to a write says; errors that no problem of the server's explains are
    raised."""
    if not isinstance(answer, ResponseError):
        return
    found = refusal(answer)
    if found is None:
        error = from_reply(answer)
        if not isinstance(error, StoreDamaged):
            raise error from answer
        return
    kind: ProblemKind
    kind, text = found
    yield ServerProblem(kind, text)


def _unheard(answer: object) -> Iterator[ServerProblem]:
    """What the answer to an event says; what keeps from writing is said already."""
    if isinstance(answer, ResponseError) and refusal(answer) is None:
        yield ServerProblem("events_lost", f"{UNHEARD} {from_reply(answer)}")


def _settings(about: Mapping[str, Any]) -> Iterator[ServerProblem]:
    policy = str(about.get("maxmemory_policy", "noeviction"))
    if policy.startswith("allkeys-"):
        yield ServerProblem("evicting", EVICTING.format(policy))
    elif policy != "noeviction":
        yield ServerProblem("expiring", EXPIRING.format(policy))
    if about.get("aof_enabled") == 0:
        yield ServerProblem("unsaved", UNSAVED)
    for name in _SAVED:
        if about.get(name, "ok") != "ok":
            yield ServerProblem("not_saving", f"Redis: {name} is {about[name]}; {_DISK}")


def worst(problems: Sequence[ServerProblem]) -> ServerProblem | None:
    """The one that refuses writes, if there is one."""
    return next((one for one in problems if one.refuses_writes), None)


EVICTING: Final = (
    "Redis may throw candles and accounts away: maxmemory-policy is {}; set noeviction."
)
EXPIRING: Final = (
    "Redis may throw live candles and sessions away: maxmemory-policy is {}; set noeviction."
)
UNSAVED: Final = "Redis keeps candles in memory only between snapshots: set appendonly yes."
UNHEARD: Final = (
    "Charts learn of new prices and candles late, since events cannot be passed on through Redis."
)
_DISK: Final = "look at its disk and its log."
