"""The exchange's clock, as one role shares it with the others.

Never here: what counts as too old.
Invariant: what cannot be read counts as not said, and no machine's time of day counts at all.
"""

from __future__ import annotations

import time

import pytest
from redis import Redis

from tests.support.signs_of_life import server_ms
from truecandle.store import clock, keys
from truecandle.store.clock import SharedClock

DAY_MS = 86_400_000
#: What a test may take between two readings of one clock.
SOON_MS = 5_000
#: Less than a step that counts as one.
NEAR_MS = 400
AT_MS = 1_704_067_200_000


class Monotonic:
    """A clock of this process, which runs, and which a test may put apart from the server's."""

    shift_ms = 0

    def __call__(self) -> int:
        return time.monotonic_ns() // 1_000_000 + self.shift_ms


@pytest.fixture
def monotonic() -> Monotonic:
    return Monotonic()


@pytest.fixture
def shared(redis: Redis, monotonic: Monotonic) -> SharedClock:
    """Reads again whenever it is asked."""
    return SharedClock(redis, fresh_ms=0, monotonic_ms=monotonic)


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
@pytest.mark.parametrize("is_first", [True, False])
def test_a_servers_clock_that_is_set_moves_nobodys_exchange_time(
    redis: Redis, shared: SharedClock, monotonic: Monotonic, by_ms: int, is_first: bool
) -> None:
    """Set against ours by so much, right after the first word of the time, or before it."""
    if not is_first:
        clock.publish(redis, AT_MS)
    offset_ms = shared.now_ms() - monotonic()
    if is_first:
        clock.publish(redis, monotonic() + offset_ms)
    monotonic.shift_ms -= by_ms
    for _ in range(5):  # and nobody is there to publish anew
        assert abs(shared.now_ms() - monotonic() - offset_ms) < NEAR_MS
    for _ in range(5):  # somebody is
        clock.publish(redis, monotonic() + offset_ms)
        assert abs(shared.now_ms() - monotonic() - offset_ms) < NEAR_MS


def test_an_exchange_whose_clock_was_set_is_followed_once_it_was_said_twice(
    redis: Redis, shared: SharedClock
) -> None:
    clock.publish(redis, AT_MS)
    shared.now_ms()
    for is_believed in (False, True):
        clock.publish(redis, AT_MS - DAY_MS)
        assert (abs(shared.now_ms() - AT_MS + DAY_MS) < SOON_MS) is is_believed


def test_the_first_word_is_believed_at_once_and_a_word_lost_changes_nothing(
    redis: Redis, shared: SharedClock
) -> None:
    assert abs(shared.now_ms() - server_ms(redis)) < SOON_MS
    clock.publish(redis, AT_MS)
    assert abs(shared.now_ms() - AT_MS) < SOON_MS
    redis.delete(keys.CLOCK)
    for _ in range(3):
        assert abs(shared.now_ms() - AT_MS) < SOON_MS


def test_a_reading_is_used_for_a_while(redis: Redis) -> None:
    shared = SharedClock(redis)
    clock.publish(redis, AT_MS)
    shared.now_ms()
    redis.set(keys.CLOCK, '{"offset_ms": "junk"')
    assert abs(shared.now_ms() - AT_MS) < SOON_MS
