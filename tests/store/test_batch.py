"""A batch reads for several at once; whoever has to ask again has all of them read once more.

Never here: what the store's own readers ask with (`test_pages`, `test_sealing`).
Invariant: real commands on a real Redis.
"""

from __future__ import annotations

from typing import Any

import pytest
from redis import Redis

from truecandle.errors import StoreUnavailable
from truecandle.store.batch import ROUNDS_MAX, AskAgain, Batch


def test_what_is_read_in_the_end_is_of_one_round_for_all(redis: Redis) -> None:
    """Given three readers, when the second asks again with another key, then each has the results
    of its own commands, all of the last round."""
    redis.set("one", 1)
    redis.set("two", 2)

    def second(value: Any) -> Any:
        if not isinstance(value, list):
            redis.incr("one")  # somebody else writes between the rounds
            raise AskAgain(lambda pipe: pipe.mget("one", "two"))
        return value

    batch = Batch(redis)
    batch.pipe.get("one")
    before = batch.queued(int)
    batch.pipe.get("one")
    asked = batch.queued(second)
    batch.pipe.zadd("three", {b"a": 1.5})
    batch.pipe.zrange("three", 0, -1, withscores=True)
    after = batch.queued(lambda added, pairs: [(bytes(a), float(b)) for a, b in pairs])
    batch.run()
    assert (before.value, asked.value, after.value) == (2, [b"2", b"2"], [(b"a", 1.5)])


def test_who_asks_for_ever_is_told_to_come_back(redis: Redis) -> None:
    rounds = list[int]()

    def never(value: Any) -> Any:
        rounds.append(1)
        raise AskAgain(lambda pipe: pipe.get("one"))

    batch = Batch(redis)
    batch.pipe.get("one")
    batch.queued(never)
    with pytest.raises(StoreUnavailable, match="try once more"):
        batch.run()
    assert len(rounds) == ROUNDS_MAX
