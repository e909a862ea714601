"""Request weight and bans, shared: never more than the limit in any window, however it is asked.

Never here: the exchange's own counting (`tests/sim`), sending requests.
Invariant: time is an argument; no test waits.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis import Redis

from tests.support.sample_candles import START_MS
from truecandle.store import keys
from truecandle.store.budget import RESERVE, Budget

#: START_MS is the first ms of a minute of the exchange.
MINUTE_MS = 60_000


def test_weight_is_taken_until_the_window_is_full(redis: Redis) -> None:
    budget, other = Budget(redis, 100), Budget(redis, 100)
    assert budget.take(60, START_MS) == 0
    assert other.take(40, START_MS + 1_000) == 0
    assert budget.take(1, START_MS + 2_000) == 59_000
    assert other.take(61, START_MS + 2_000) == 60_000
    assert budget.take(60, START_MS + 61_000) == 0
    assert budget.take(1, START_MS + 61_000) == 1_000


def test_urgent_requests_have_a_share_that_others_leave(redis: Redis) -> None:
    budget = Budget(redis, 100)
    assert budget.take(70, START_MS, reserve=30) == 0
    assert budget.take(1, START_MS, reserve=30) > 0
    assert budget.take(30, START_MS) == 0


def test_an_exchange_that_allows_less_is_asked_for_as_much_less_by_all(redis: Redis) -> None:
    """As Binance.US does: 1,200 a minute in the place of 6,000."""
    fetcher, command = Budget(redis), Budget(redis)
    assert command.limit_in_force() == 4_800
    fetcher.learn(1_200)
    assert command.limit_in_force() == 960
    assert command.take(600, START_MS, reserve=RESERVE) == 0
    assert command.take(1, START_MS, reserve=RESERVE) > 0, "600 of 3,000 are a fifth"
    assert fetcher.take(360, START_MS) == 0
    assert fetcher.take(1, START_MS) > 0
    assert fetcher.take(1, START_MS + 2 * MINUTE_MS) == 0, "the limit outlives its window"
    assert fetcher.take(960, START_MS + 2 * MINUTE_MS) > 0
    fetcher.learn(1)
    assert fetcher.take(20, START_MS + 9 * MINUTE_MS) == 0, "one request always fits"


def test_a_weight_that_never_fits_is_a_mistake(redis: Redis) -> None:
    for weight, reserve in ((101, 0), (0, 0), (-1, 0), (80, 30)):
        with pytest.raises(ValueError, match="does not fit"):
            Budget(redis, 100).take(weight, START_MS, reserve=reserve)


def test_what_the_exchange_counts_beyond_ours_is_taken_in_once(redis: Redis) -> None:
    budget = Budget(redis, 100)
    budget.take(20, START_MS + 10_000)
    assert budget.report(20, START_MS + 10_100) == 0
    assert budget.report(70, START_MS + 11_000) == 50
    assert budget.report(70, START_MS + 11_000) == 0
    assert budget.report(5, START_MS + 12_000) == 0
    assert budget.take(31, START_MS + 12_000) > 0
    assert budget.take(30, START_MS + 12_000) == 0


def test_a_new_minute_of_the_exchange_counts_from_zero(redis: Redis) -> None:
    budget = Budget(redis, 100)
    budget.take(60, START_MS + 50_000)
    assert budget.report(60, START_MS + MINUTE_MS + 500) == 0, "the minute before, arrived late"
    assert budget.report(30, START_MS + MINUTE_MS + 5_000) == 30, "none of these is ours"


def test_a_ban_stops_every_process_and_is_never_shortened(redis: Redis) -> None:
    until_ms = START_MS + 120_000
    assert Budget(redis).banned_until_ms() == 0
    assert Budget(redis).ban(until_ms) == until_ms
    assert Budget(redis).ban(until_ms - 60_000) == until_ms
    assert Budget(redis).banned_until_ms() == until_ms
    assert Budget(redis).take(1, START_MS + 20_000) == 100_000
    assert Budget(redis).take(1, until_ms) == 0
    assert redis.ttl(keys.BAN) > 3 * 86_400


def test_junk_in_the_keys_counts_as_nothing(redis: Redis) -> None:
    redis.set(keys.BAN, "soon")
    redis.hset(keys.WEIGHT, mapping={"abc": 5, str(START_MS): 90, "1": "x"})
    assert Budget(redis).banned_until_ms() == 0
    assert Budget(redis, 100).take(100, START_MS) == 0
    assert redis.hlen(keys.WEIGHT) == 1


def test_a_clock_that_jumps_back_does_not_lock_the_budget(redis: Redis) -> None:
    budget = Budget(redis, 100)
    assert budget.take(100, START_MS + 10 * MINUTE_MS) == 0
    assert budget.take(100, START_MS) == 0


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(1, 60), st.integers(0, 15_000)), max_size=40))
def test_no_window_ever_holds_more_than_the_limit(
    redis: Redis, asked: list[tuple[int, int]]
) -> None:
    redis.flushall()
    budget = Budget(redis, 100)
    now_ms = START_MS
    taken: list[tuple[int, int]] = []
    for weight, pause_ms in asked:
        now_ms += pause_ms
        wait_ms = budget.take(weight, now_ms)
        if wait_ms:
            assert 0 < wait_ms <= 61_000
            now_ms += wait_ms
            assert budget.take(weight, now_ms) == 0, "waiting as told is enough"
        taken.append((now_ms, weight))
    for end_ms, _ in taken:
        assert sum(w for at_ms, w in taken if end_ms - MINUTE_MS <= at_ms <= end_ms) <= 100
