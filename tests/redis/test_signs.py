"""What the roles tell each other: the exchange's clock, and that they are alive.

Never here: what counts as too old.
Invariant: what cannot be read counts as not said.
"""

from __future__ import annotations

import pytest
from redis import Redis

from truecandle.store import clock, keys, roles


def test_the_clocks_offset_is_shared(redis: Redis) -> None:
    assert (clock.offset_ms(redis), clock.measured(redis)) == (0, None)
    clock.publish(redis, -86_400_123, 1_704_067_200_000)
    assert clock.offset_ms(redis) == -86_400_123
    assert clock.measured(redis) == (-86_400_123, 1_704_067_200_000)
    assert redis.ttl(keys.CLOCK) > 0


@pytest.mark.parametrize("junk", ["", "{", "[]", "5", '{"offset_ms":"x","at_ms":1}', "\x00"])
def test_an_unreadable_offset_is_no_offset(redis: Redis, junk: str) -> None:
    redis.set(keys.CLOCK, junk)
    assert clock.offset_ms(redis) == 0


def test_the_last_sign_of_life_of_every_role_is_kept(redis: Redis) -> None:
    assert roles.beats(redis) == {}
    roles.beat(redis, "feed", 1, {"streams": 3})
    roles.beat(redis, "feed", 2, {"streams": 4, "text": "é"})
    roles.beat(redis, "fetcher", 3, {})
    assert roles.beats(redis) == {
        "feed": (2, {"streams": 4, "text": "é"}),
        "fetcher": (3, {}),
    }


def test_unreadable_signs_of_life_are_left_out(redis: Redis) -> None:
    roles.beat(redis, "web", 1, {})
    redis.hset(
        keys.ROLES, mapping={"feed": "{", "fetcher": "[]", "x": '{"at_ms":null}', b"\xff": "{}"}
    )
    assert list(roles.beats(redis)) == ["web"]
