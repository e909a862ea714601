"""How often a connection may be tried again, and a stream subscribed anew."""

from __future__ import annotations

import random

from truecandle.backoff import Backoff, ceiling, full_jitter
from truecandle.binance.streams.idle import QUIET_S
from truecandle.binance.streams.reconnect import (
    ATTEMPTS_MAX,
    ATTEMPTS_RESERVED,
    ATTEMPTS_S,
    BACKOFF_MAX_S,
    BACKOFF_S,
    RESUBSCRIBE_FAILED_S,
    ConnectRateLimiter,
    FlapBackoff,
    ResubscribePolicy,
)


def test_connections_that_live_shortly_are_changed_ever_more_slowly() -> None:
    flaps = FlapBackoff()
    assert [flaps.pause_s(1.0) for _ in range(7)] == [1, 2, 4, 8, 16, 30, 30]
    assert flaps.pause_s(23 * 3600.0) == 0
    assert flaps.pause_s(1.0) == 1


def test_who_only_wants_a_better_connection_leaves_half_of_the_attempts_to_others() -> None:
    limiter = ConnectRateLimiter()
    taken = [now_s for now_s in range(200) if limiter.acquire(now_s, ATTEMPTS_RESERVED) == 0]
    assert taken == list(range(ATTEMPTS_MAX - ATTEMPTS_RESERVED))
    assert limiter.acquire(200.0, ATTEMPTS_RESERVED) == ATTEMPTS_S - 200.0
    assert [limiter.acquire(200.0) for _ in range(ATTEMPTS_RESERVED)] == [0.0] * ATTEMPTS_RESERVED
    assert limiter.acquire(200.0) == ATTEMPTS_S - 200.0


def test_when_the_exchange_asks_to_wait_every_connection_waits() -> None:
    limiter = ConnectRateLimiter()
    limiter.pause(120.0)
    limiter.pause(60.0)
    assert limiter.acquire(100.0) == 20.0
    assert limiter.acquire(120.0) == 0.0


def test_an_unwell_stream_is_subscribed_anew_then_gets_a_connection_then_rests() -> None:
    policy, chosen = ResubscribePolicy(), []
    for now_s in range(int(2 * QUIET_S)):
        fresh, is_unwell = policy.choose(["a", "b"], float(now_s))
        if fresh or is_unwell:
            chosen.append((now_s, fresh, is_unwell))
    step, rest = int(RESUBSCRIBE_FAILED_S), int(QUIET_S)
    assert chosen[:2] == [(0, ("a", "b"), False), (step, (), True)]
    assert chosen[2] == (step + rest, ("a", "b"), False)
    assert len(chosen) == 4


def test_never_more_than_60_attempts_in_5_minutes() -> None:
    limiter, taken, now_s = ConnectRateLimiter(), [], 0.0
    while now_s < 3 * ATTEMPTS_S:
        wait_s = limiter.acquire(now_s)
        if wait_s == 0:
            taken.append(now_s)
        now_s += wait_s or 0.5
    assert all(
        later - earlier >= ATTEMPTS_S
        for earlier, later in zip(taken, taken[ATTEMPTS_MAX:], strict=False)
    )
    assert len(taken) == 3 * ATTEMPTS_MAX


def test_the_pauses_double_up_to_30_s_and_go_on_for_ever() -> None:
    pauses = [ceiling(BACKOFF_S, BACKOFF_MAX_S, failures) for failures in range(1, 7)]
    assert pauses == [1, 2, 4, 8, 16, 30]
    assert ceiling(BACKOFF_S, BACKOFF_MAX_S, 10_000) == BACKOFF_MAX_S


def test_with_full_jitter_50_refusals_stay_within_the_allowance() -> None:
    backoff, limiter, now_s, tried = (
        Backoff(BACKOFF_S, BACKOFF_MAX_S, full_jitter, random.Random(7)),
        ConnectRateLimiter(),
        0.0,
        [],
    )
    for _ in range(50):
        now_s += limiter.acquire(now_s)
        tried.append(now_s)
        now_s += backoff.fail()
    assert max(sum(1 for t in tried if s <= t < s + ATTEMPTS_S) for s in tried) <= ATTEMPTS_MAX
