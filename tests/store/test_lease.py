"""What a lease promises: one holder, numbers that only grow, nobody touches another's."""

from __future__ import annotations

import json
from typing import Any

import pytest
import redis as redis_py
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.redis_server import RedisProc
from tests.support.waiting import wait_for
from truecandle.candles.interval import INTERVALS
from truecandle.candles.series import Series
from truecandle.errors import StaleWriter, StoreDamaged, StoreUnavailable
from truecandle.store import connect, keys, lease, official
from truecandle.store.lease import Lease, Leases

NAME = "fetcher"
TTL_MS = 60_000


class Hand:
    """A monotonic clock that is moved by hand."""

    def __init__(self) -> None:
        self.ms = 1_000

    def __call__(self) -> int:
        return self.ms


def holder(redis: redis_py.Redis, name: str, ttl_ms: int = TTL_MS, **options: Any) -> Lease:
    return Lease(redis, NAME, name, ttl_ms, **options)


def test_one_holds_it_and_the_others_are_told_how_long_it_lasts(redis: redis_py.Redis) -> None:
    one, two = holder(redis, "one"), holder(redis, "two")
    assert lease.current(redis, NAME) == 0
    assert one.acquire() == 0
    assert 0 < two.acquire() <= TTL_MS
    assert (one.is_held, two.is_held) == (True, False)
    assert one.fence == lease.current(redis, NAME) > 0
    assert two.fence == 0


def test_renewing_keeps_the_number_and_lengthens_the_time(redis: redis_py.Redis) -> None:
    one = holder(redis, "one")
    one.acquire()
    number = one.fence
    redis.pexpire(keys.lease(NAME), 5_000)
    assert one.renew()
    assert one.acquire() == 0
    assert one.fence == number
    assert redis.pttl(keys.lease(NAME)) > 5_000


def test_the_number_grows_with_every_change_of_hands(redis: redis_py.Redis) -> None:
    one, two = holder(redis, "one"), holder(redis, "two")
    numbers = []
    for taker in (one, two, one, one, two):
        assert taker.acquire() == 0
        numbers.append(taker.fence)
        assert taker.release()
        assert not taker.is_held
    assert numbers == sorted(set(numbers))
    assert lease.current(redis, NAME) == numbers[-1]


def test_a_released_lease_is_free_at_once(redis: redis_py.Redis) -> None:
    one, two = holder(redis, "one"), holder(redis, "two")
    one.acquire()
    assert two.acquire() > 0
    one.release()
    assert two.acquire() == 0


def test_it_ends_by_itself_and_is_not_renewed_afterwards(redis: redis_py.Redis) -> None:
    one, two = holder(redis, "one", ttl_ms=50), holder(redis, "two", ttl_ms=50)
    one.acquire()
    first = one.fence
    wait_for(lambda: two.acquire() == 0, what="the lease to end")
    assert not one.is_held
    assert not one.renew()
    assert two.fence > first


def test_nobody_renews_what_has_ended_even_if_nobody_took_it(redis: redis_py.Redis) -> None:
    one = holder(redis, "one")
    one.acquire()
    first = one.fence
    redis.delete(keys.lease(NAME))
    assert not one.renew()
    assert not one.is_held
    assert one.acquire() == 0
    assert one.fence > first


def test_nobody_releases_what_another_holds(redis: redis_py.Redis) -> None:
    one, two = holder(redis, "one"), holder(redis, "two")
    one.acquire()
    redis.delete(keys.lease(NAME))
    two.acquire()
    for _ in range(100):
        assert not one.release()
        assert not one.renew()
    assert two.renew()
    assert two.is_held


def test_a_holder_that_was_frozen_knows_it_before_it_asks(redis: redis_py.Redis) -> None:
    hand = Hand()
    one = holder(redis, "one", monotonic_ms=hand)
    one.acquire()
    hand.ms += TTL_MS - 1
    assert one.fence > 0
    hand.ms += 1
    assert (one.is_held, one.fence) == (False, 0)


def test_a_slow_answer_of_redis_counts_from_the_question(redis: redis_py.Redis) -> None:
    times = iter([0, TTL_MS - 1, TTL_MS])
    one = holder(redis, "one", monotonic_ms=lambda: next(times))
    one.acquire()
    assert [one.is_held, one.is_held] == [True, False]


def test_no_number_returns_after_redis_lost_its_last_seconds(redis: redis_py.Redis) -> None:
    one, two = holder(redis, "one"), holder(redis, "two")
    one.acquire()
    kept = redis.get(keys.fence(NAME)) or b""
    one.release()
    two.acquire()
    lost = two.fence
    two.release()
    redis.set(keys.fence(NAME), kept)
    wait_for(lambda: int(redis.time()[0]) * 1_000 > lost + 1, what="a second to pass")
    three = holder(redis, "three")
    three.acquire()
    assert three.fence > lost


def test_a_clock_set_back_does_not_keep_a_dead_holders_lease_alive(redis: redis_py.Redis) -> None:
    one, two = holder(redis, "one"), holder(redis, "two")
    one.acquire()
    for spoil in (
        lambda: redis.persist(keys.lease(NAME)),
        lambda: redis.pexpire(keys.lease(NAME), 3_600_000),
    ):
        spoil()
        assert two.acquire() == TTL_MS
        assert 0 < redis.pttl(keys.lease(NAME)) <= TTL_MS


@pytest.mark.parametrize("junk", [b"", b"junk", b"[]", b"{}", b'{"holder":7}', b"[" * 5_000])
def test_junk_is_no_lease(redis: redis_py.Redis, junk: bytes) -> None:
    redis.set(keys.lease(NAME), junk)
    redis.set(keys.fence(NAME), junk)
    assert lease.current(redis, NAME) == 0
    one = holder(redis, "one")
    assert not one.release()
    assert one.acquire() == 0
    assert one.renew()
    assert json.loads(redis.get(keys.lease(NAME)) or b"")["holder"] == "one"


@pytest.mark.parametrize("key", [keys.lease(NAME), keys.fence(NAME)])
def test_a_key_of_another_type_is_a_clear_error(redis: redis_py.Redis, key: str) -> None:
    redis.lpush(key, "x")
    with pytest.raises(StoreDamaged):
        holder(redis, "one").acquire()
    assert redis.keys() == [key.encode()]


ACTS = st.tuples(st.sampled_from(["take", "end", "release", "ask", "write"]), st.integers(0, 2))


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(acts=st.lists(ACTS, max_size=40))
def test_whatever_happens_only_the_newest_number_writes(
    redis: redis_py.Redis, acts: list[tuple[str, int]]
) -> None:
    """Three processes take, lose and release the lease; each may write long after it has asked."""
    redis.flushall()
    all_ = [holder(redis, f"holder {n}") for n in range(3)]
    leader: int | None = None
    newest = 0
    asked = [0, 0, 0]
    for act, n in acts:
        if act == "take":
            assert (all_[n].acquire() == 0) == (leader in (None, n))
            if leader is None:
                assert all_[n].fence > newest
                leader, newest = n, all_[n].fence
        elif act == "end":
            redis.delete(keys.lease(NAME))
            leader = None
        elif act == "release":
            assert all_[n].release() == (leader == n)
            leader = None if leader == n else leader
        elif act == "ask":
            asked[n] = all_[n].fence
        else:
            assert writes(redis, asked[n]) == (asked[n] == newest)
        assert lease.current(redis, NAME) == newest


def writes(redis: redis_py.Redis, fence: int) -> bool:
    series = Series("BTCUSDT", INTERVALS["1m"])
    try:
        official.upsert_klines(redis, series, [], now_ms=0, settle_ms=0, fence=fence)
    except StaleWriter:
        return False
    return True


def test_the_number_of_official_candles_is_that_of_the_leading_fetcher() -> None:
    assert keys.fence(keys.LEADER) == keys.FENCE


MARKETS = frozenset(lease.of_market(symbol) for symbol in ("BTCUSDT", "ETHUSDT", "SOLUSDT"))


def many(redis: redis_py.Redis, name: str, ttl_ms: int = TTL_MS, **options: Any) -> Leases:
    return Leases(redis, name, ttl_ms, **options)


def test_the_lease_of_a_market_is_named_after_it(redis: redis_py.Redis) -> None:
    many(redis, "one").hold([lease.of_market("BTCUSDT")])
    assert sorted(redis.keys()) == [b"fence:feed:BTCUSDT", b"lease:feed:BTCUSDT"]


def test_each_of_many_leases_has_one_holder(redis: redis_py.Redis) -> None:
    one, two = many(redis, "one"), many(redis, "two")
    btc, *others = sorted(MARKETS)
    assert one.hold([btc]) == {btc}
    assert two.hold(MARKETS) == set(others)
    assert one.hold(MARKETS) == {btc}
    for name in MARKETS:
        assert sorted([one.fence(name) > 0, two.fence(name) > 0]) == [False, True]
        assert one.fence(name) + two.fence(name) == lease.current(redis, name)


def test_renewing_many_keeps_their_numbers_and_lengthens_their_time(
    redis: redis_py.Redis,
) -> None:
    one = many(redis, "one")
    one.hold(MARKETS)
    numbers = {name: one.fence(name) for name in MARKETS}
    for name in MARKETS:
        redis.pexpire(keys.lease(name), 5_000)
    assert one.hold(MARKETS) == MARKETS
    assert {name: one.fence(name) for name in MARKETS} == numbers
    assert all(redis.pttl(keys.lease(name)) > 5_000 for name in MARKETS)


def test_many_leases_cost_one_round_trip(redis: redis_py.Redis) -> None:
    one = many(redis, "one")
    names = [lease.of_market(f"COIN{n}") for n in range(100)]
    one.hold(names)
    before = questions(redis)
    assert one.hold(names) == set(names)
    assert questions(redis) - before < 20


def questions(redis: redis_py.Redis) -> int:
    """How often the server has read from its connections."""
    stats: dict[str, int] = dict(redis.info("stats"))
    return stats["total_reads_processed"]


def test_what_is_not_wanted_any_more_is_free_at_once(redis: redis_py.Redis) -> None:
    one, two = many(redis, "one"), many(redis, "two")
    one.hold(MARKETS)
    gone, *kept = sorted(MARKETS)
    assert one.hold(kept) == set(kept)
    assert one.fence(gone) == 0
    assert two.hold(MARKETS) == {gone}
    assert one.hold([]) == frozenset()
    assert two.hold(MARKETS) == MARKETS


def test_released_leases_are_free_at_once_and_a_standby_takes_them(redis: redis_py.Redis) -> None:
    one, two = many(redis, "one"), many(redis, "two")
    one.hold(MARKETS)
    first = {name: one.fence(name) for name in MARKETS}
    assert two.hold(MARKETS) == frozenset()
    one.release()
    one.release()
    assert not any(one.fence(name) for name in MARKETS)
    assert two.hold(MARKETS) == MARKETS
    assert all(two.fence(name) > first[name] for name in MARKETS)
    one.release()
    assert two.hold(MARKETS) == MARKETS


def test_leases_of_a_holder_that_died_end_by_themselves(redis: redis_py.Redis) -> None:
    one, two = many(redis, "one", ttl_ms=50), many(redis, "two", ttl_ms=50)
    one.hold(MARKETS)
    first = {name: one.fence(name) for name in MARKETS}
    wait_for(lambda: two.hold(MARKETS) == MARKETS, what="the leases to end")
    assert not any(one.fence(name) for name in MARKETS)
    assert all(lease.current(redis, name) > first[name] for name in MARKETS)


def test_a_holder_of_many_that_was_frozen_knows_it_before_it_asks(redis: redis_py.Redis) -> None:
    hand = Hand()
    one, two = many(redis, "one", monotonic_ms=hand), many(redis, "two")
    one.hold(MARKETS)
    hand.ms += TTL_MS - 1
    assert all(one.fence(name) for name in MARKETS)
    hand.ms += 1
    assert not any(one.fence(name) for name in MARKETS)
    redis.delete(*(keys.lease(name) for name in MARKETS))
    assert two.hold(MARKETS) == MARKETS
    assert one.hold(MARKETS) == frozenset()


def test_a_slow_answer_to_many_counts_from_the_question(redis: redis_py.Redis) -> None:
    times = iter([0, TTL_MS, TTL_MS, TTL_MS])
    one = many(redis, "one", monotonic_ms=lambda: next(times))
    assert one.hold(MARKETS) == frozenset()


def test_without_redis_many_leases_are_held_to_their_end_and_no_longer(
    redis_server: RedisProc, redis: redis_py.Redis
) -> None:
    hand = Hand()
    one = many(connect(redis_server.url, timeout_s=0.1), "one", monotonic_ms=hand)
    one.hold(MARKETS)
    redis_server.freeze()
    try:
        with pytest.raises(StoreUnavailable):
            one.hold(MARKETS)
    finally:
        redis_server.thaw()
    assert all(one.fence(name) for name in MARKETS)
    hand.ms += TTL_MS
    assert not any(one.fence(name) for name in MARKETS)


def test_a_damaged_lease_spoils_no_other(redis: redis_py.Redis) -> None:
    spoiled, *others = sorted(MARKETS)
    redis.lpush(keys.lease(spoiled), "x")
    one = many(redis, "one")
    assert one.hold(MARKETS) == set(others)
    assert one.hold(MARKETS) == set(others)
    one.release()
    assert many(redis, "two").hold(MARKETS) == set(others)
    assert redis.type(keys.lease(spoiled)) == b"list"


def test_more_leases_than_fit_one_batch_are_held_all_the_same(redis: redis_py.Redis) -> None:
    names = {lease.of_market(f"COIN{n}") for n in range(lease.BATCH_MAX + 1)}
    assert many(redis, "one").hold(names) == names


def test_a_flushed_script_cache_goes_unnoticed_by_many(redis: redis_py.Redis) -> None:
    one = many(redis, "one")
    redis.script_flush()
    assert one.hold(MARKETS) == MARKETS
    redis.script_flush()
    one.release()
    assert many(redis, "two").hold(MARKETS) == MARKETS
