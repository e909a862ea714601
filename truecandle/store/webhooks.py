"""How far each receiver of webhooks is with each series, and what it would not take.

Never here: sending, what a message says.
Invariant: a cursor moves in the same transaction in which a message that was given up is kept;
what is kept is bounded.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from redis import Redis

from truecandle.candles.series import Series
from truecandle.store import keys, map_redis_errors

#: Messages of one receiver that are kept to be sent again; the oldest gives way.
DEAD_MAX: Final = 1_000
#: Spans of open times that were missing when later candles were told.
HOLES_MAX: Final = 100


class Cursor(NamedTuple):
    """What was told of a series: all official candles up to `open_ms` but those in `holes` (pairs
    of first and end), and all corrections up to the one of `corrected_ms` noticed at `noticed_ms`.

    `version` is that of the series when there was nothing more to tell.
    """

    version: int
    open_ms: int
    holes: tuple[tuple[int, int], ...] = ()
    noticed_ms: int = 0
    corrected_ms: int = 0


class DeadLetter(NamedTuple):
    """A message that was given up at `at_ms` (exchange time), and why."""

    id: str
    series: str
    body: str
    reason: str
    at_ms: int


@map_redis_errors()
def cursors(redis: Redis, receiver: str) -> dict[str, Cursor]:
    """By series' name; what cannot be read is left out."""
    found: dict[str, Cursor] = {}
    kept: Any = redis.hgetall(keys.webhook_cursors(receiver))
    for name, text in kept.items():
        try:
            version, open_ms, holes, noticed_ms, corrected_ms = json.loads(text)
            spans = tuple((int(start), int(end)) for start, end in holes)
            times = int(noticed_ms), int(corrected_ms)
            found[name.decode()] = Cursor(int(version), int(open_ms), spans, *times)
        except (ValueError, TypeError):
            continue
    return found


@map_redis_errors()
def move(
    redis: Redis, receiver: str, series: Series, cursor: Cursor, dead: DeadLetter | None = None
) -> None:
    """A message was taken, or given up (`dead`), or there was nothing to tell."""
    with redis.pipeline(transaction=True) as pipe:
        if dead is not None:
            pipe.lpush(keys.webhook_dead(receiver), json.dumps(dead))
            pipe.ltrim(keys.webhook_dead(receiver), 0, DEAD_MAX - 1)
        pipe.hset(keys.webhook_cursors(receiver), series.name, json.dumps(cursor))
        pipe.execute()


@map_redis_errors()
def dead_letters(redis: Redis, receiver: str) -> list[DeadLetter]:
    """What was given up, oldest first."""
    texts: Any = redis.lrange(keys.webhook_dead(receiver), 0, DEAD_MAX - 1)
    found = []
    for text in reversed(texts):
        try:
            letter = DeadLetter(*json.loads(text))
        except (ValueError, TypeError):
            continue
        found.append(letter)
    return found


@map_redis_errors()
def forget(redis: Redis, receiver: str, letters: Sequence[DeadLetter]) -> None:
    """These are not to be sent again."""
    with redis.pipeline(transaction=False) as pipe:
        for letter in letters:
            pipe.lrem(keys.webhook_dead(receiver), 0, json.dumps(letter))
        pipe.execute()


@map_redis_errors()
def versions(redis: Redis, series: Sequence[Series]) -> list[bytes | None]:
    """The meta of each series, for `pages.version_in`."""
    if not series:
        return []
    found: Any = redis.mget([keys.meta(one) for one in series])
    return list(found)
