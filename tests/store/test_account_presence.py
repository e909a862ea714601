"""Whether anybody is left who could sign in, also where names outlived their accounts.

Never here: what follows from it (`tests/faults/test_redis_states.py`).
Invariant: a server that throws accounts away and keeps their names has none left.
"""

from __future__ import annotations

from redis import Redis

from tests.support.web_app import issue
from truecandle.store import keys
from truecandle.store.account_presence import has_accounts


def test_without_users_there_is_nobody(redis: Redis) -> None:
    assert not has_accounts(redis)


def test_one_account_of_several_is_enough(redis: Redis) -> None:
    for name in ("ann", "bob"):
        issue(redis, user=name)
    redis.delete(keys.user("ann"))
    assert has_accounts(redis)


def test_names_without_accounts_are_nobody(redis: Redis) -> None:
    issue(redis, user="ann")
    redis.delete(keys.user("ann"))
    assert redis.scard(keys.USERS) == 1
    assert not has_accounts(redis)
