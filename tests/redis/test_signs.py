"""What the roles tell each other: the exchange's clock, and that they are alive.

Never here: what counts as too old.
Invariant: what cannot be read counts as not said, and no machine's time of day counts at all.
"""

from __future__ import annotations

import json

import pytest
from redis import Redis

from tests.signs import server_ms
from truecandle.store import clock, keys, roles
from truecandle.store.clock import FRESH_MS, SharedClock

DAY_MS = 86_400_000
#: What a test may take between two readings of one clock.
SOON_MS = 5_000


class Monotonic:
    """A clock of this process that stands still until it is moved."""

    ms = 77_000

    def __call__(self) -> int:
        return self.ms


@pytest.fixture
def monotonic() -> Monotonic:
    return Monotonic()


@pytest.fixture
def shared(redis: Redis, monotonic: Monotonic) -> SharedClock:
    return SharedClock(redis, monotonic_ms=monotonic)


def set_server_clock(redis: Redis, by_ms: int) -> None:
    """As if the Redis server's clock had been set: what was published is now off by so much."""
    told = json.loads(redis.get(keys.CLOCK) or b"")
    told["offset_ms"] += by_ms
    redis.set(keys.CLOCK, json.dumps(told, separators=(",", ":")))


def later(monotonic: Monotonic) -> None:
    monotonic.ms += FRESH_MS + 1


def test_the_exchanges_time_is_shared_beside_the_servers_clock(redis: Redis) -> None:
    assert clock.read(redis).publication == 0
    assert abs(clock.read(redis).exchange_ms - server_ms(redis)) < SOON_MS
    clock.publish(redis, server_ms(redis) - DAY_MS)
    found = clock.read(redis)
    assert (found.publication, redis.ttl(keys.CLOCK) > 0) == (1, True)
    assert abs(found.exchange_ms - (server_ms(redis) - DAY_MS)) < SOON_MS
    clock.publish(redis, server_ms(redis) - DAY_MS)
    assert clock.read(redis).publication == 2


@pytest.mark.parametrize("junk", ["", "{", "[]", "5", '{"offset_ms":"x","count":1}', "\x00"])
def test_an_unreadable_publication_is_none(redis: Redis, junk: str) -> None:
    redis.set(keys.CLOCK, junk)
    assert clock.read(redis).publication == 0
    assert abs(clock.read(redis).exchange_ms - server_ms(redis)) < SOON_MS
    clock.publish(redis, 1_704_067_200_000)
    assert clock.read(redis).publication > 0


@pytest.mark.parametrize("by_ms", [-3_600_000, -55_000, -1_000, 1_000, 55_000, 3_600_000])
def test_a_servers_clock_that_is_set_moves_nobodys_exchange_time(
    redis: Redis, shared: SharedClock, monotonic: Monotonic, by_ms: int
) -> None:
    at_ms = 1_704_067_200_000
    clock.publish(redis, at_ms)
    assert abs(shared.now_ms() - at_ms) < SOON_MS
    before_ms = shared.now_ms() - monotonic.ms
    set_server_clock(redis, by_ms)
    for _ in range(5):  # and nobody is there to publish anew
        later(monotonic)
        assert shared.now_ms() - monotonic.ms - before_ms < 500
    clock.publish(redis, before_ms + monotonic.ms)  # somebody is
    later(monotonic)
    assert abs(shared.now_ms() - monotonic.ms - before_ms) < SOON_MS


def test_an_exchange_whose_clock_was_set_is_followed_once_it_was_said_twice(
    redis: Redis, shared: SharedClock, monotonic: Monotonic
) -> None:
    at_ms = 1_704_067_200_000
    clock.publish(redis, at_ms)
    shared.now_ms()
    for said, is_believed in ((1, False), (2, True)):
        later(monotonic)
        now_ms = at_ms - DAY_MS + said * FRESH_MS
        clock.publish(redis, now_ms)
        assert (abs(shared.now_ms() - now_ms) < SOON_MS) is is_believed


def test_the_first_word_is_believed_at_once_and_a_word_lost_changes_nothing(
    redis: Redis, shared: SharedClock, monotonic: Monotonic
) -> None:
    assert abs(shared.now_ms() - server_ms(redis)) < SOON_MS
    clock.publish(redis, 1_704_067_200_000)
    later(monotonic)
    assert abs(shared.now_ms() - 1_704_067_200_000) < SOON_MS
    redis.delete(keys.CLOCK)
    for _ in range(3):
        later(monotonic)
        shared.now_ms()
    assert abs(shared.now_ms() - 1_704_067_200_000) < SOON_MS + 4 * FRESH_MS


def test_the_last_sign_of_life_of_every_role_is_kept(redis: Redis) -> None:
    assert roles.beats(redis) == {}
    roles.beat(redis, "feed", {"streams": 3})
    roles.beat(redis, "feed", {"streams": 4, "text": "é"})
    roles.beat(redis, "fetcher", {})
    found = roles.beats(redis)
    assert {name: one.detail for name, one in found.items()} == {
        "feed": {"streams": 4, "text": "é"},
        "fetcher": {},
    }
    assert all(0 <= one.age_ms < SOON_MS for one in found.values())
    assert abs(found["feed"].at_ms - server_ms(redis)) < SOON_MS


def test_unreadable_signs_of_life_are_left_out(redis: Redis) -> None:
    roles.beat(redis, "web", {})
    redis.hset(
        keys.ROLES, mapping={"feed": "{", "fetcher": "[]", "x": '{"at_ms":null}', b"\xff": "{}"}
    )
    assert list(roles.beats(redis)) == ["web"]


@pytest.mark.parametrize("by_ms", [-3_600_000, -40_000, 40_000, 3_600_000])
def test_a_servers_clock_that_is_set_makes_no_living_role_look_dead_and_no_dead_one_alive(
    monotonic: Monotonic, by_ms: int
) -> None:
    ages = roles.Ages(monotonic)
    dead_ms, alive_ms = 1_000_000, 1_020_000
    first = {"feed": roles.Beat(alive_ms, 0, {}), "fetcher": roles.Beat(dead_ms, 20_000, {})}
    assert ages.look(first) == {"feed": 0, "fetcher": 20_000}
    monotonic.ms += 15_000
    spoken_ms = alive_ms + 15_000 + by_ms
    again = {
        "feed": roles.Beat(spoken_ms, 0, {}),
        "fetcher": roles.Beat(dead_ms, spoken_ms - dead_ms, {}),
    }
    assert ages.look(again) == {"feed": 0, "fetcher": 35_000}
    monotonic.ms += 5_000
    assert ages.look(again) == {"feed": 5_000, "fetcher": 40_000}
