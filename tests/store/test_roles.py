"""The roles' signs of life, as they are kept and read.

Never here: what counts as too old.
Invariant: what cannot be read counts as not said, and no machine's time of day counts at all.
"""

from __future__ import annotations

import pytest
from redis import Redis

from tests.support.signs_of_life import server_ms
from truecandle.store import keys, roles

#: What a test may take between two readings of one clock.
SOON_MS = 5_000


def test_the_last_sign_of_life_of_every_role_is_kept(redis: Redis) -> None:
    assert roles.heartbeats(redis) == {}
    roles.heartbeat(redis, "feed", {"streams": 3})
    roles.heartbeat(redis, "feed", {"streams": 4, "text": "é"})
    roles.heartbeat(redis, "fetcher", {})
    found = roles.heartbeats(redis)
    assert {name: one.detail for name, one in found.items()} == {
        "feed": {"streams": 4, "text": "é"},
        "fetcher": {},
    }
    assert all(0 <= one.age_ms < SOON_MS for one in found.values())
    assert abs(found["feed"].at_ms - server_ms(redis)) < SOON_MS


def test_unreadable_signs_of_life_are_left_out(redis: Redis) -> None:
    roles.heartbeat(redis, "web", {})
    redis.hset(
        keys.ROLES, mapping={"feed": "{", "fetcher": "[]", "x": '{"at_ms":null}', b"\xff": "{}"}
    )
    assert list(roles.heartbeats(redis)) == ["web"]


def test_a_role_that_left_or_never_came_is_missing_since_it_was_first_looked_for() -> None:
    now_ms = 5_000
    ages = roles.Ages(lambda: now_ms)
    ages.look({})
    assert ages.missing_ms("feed") == 0
    now_ms += 70_000
    ages.look({})
    assert ages.missing_ms("feed") == 70_000
    ages.look({"feed": roles.RoleHeartbeat(1_000_000, 0, {})})
    now_ms += 1_000
    ages.look({})
    assert ages.missing_ms("feed") == 0


@pytest.mark.parametrize("by_ms", [-3_600_000, -40_000, 40_000, 3_600_000])
def test_a_servers_clock_that_is_set_makes_no_living_role_look_dead_and_no_dead_one_alive(
    by_ms: int,
) -> None:
    now_ms = 77_000
    ages = roles.Ages(lambda: now_ms)
    dead_ms, alive_ms = 1_000_000, 1_020_000
    first = {
        "feed": roles.RoleHeartbeat(alive_ms, 0, {}),
        "fetcher": roles.RoleHeartbeat(dead_ms, 20_000, {}),
    }
    assert ages.look(first) == {"feed": 0, "fetcher": 20_000}
    now_ms += 15_000
    spoken_ms = alive_ms + 15_000 + by_ms
    again = {
        "feed": roles.RoleHeartbeat(spoken_ms, 0, {}),
        "fetcher": roles.RoleHeartbeat(dead_ms, spoken_ms - dead_ms, {}),
    }
    assert ages.look(again) == {"feed": 0, "fetcher": 35_000}
    now_ms += 5_000
    assert ages.look(again) == {"feed": 5_000, "fetcher": 40_000}
