"""When a market is silent, and how often a connection may be tried again."""

from __future__ import annotations

import itertools
import random

from truecandle.binance.pulse import (
    ATTEMPTS_MAX,
    ATTEMPTS_S,
    BACKOFF_MAX_S,
    QUIET_S,
    SILENCE_MAX_S,
    SILENCE_S,
    SPARED,
    STUBBORN_S,
    Attempts,
    Haste,
    Pulse,
    Wishes,
    ceiling_s,
)


def test_a_stream_is_silent_after_10_s_without_a_message() -> None:
    pulse = Pulse()
    pulse.connect(100.0)
    for second in range(5):
        pulse.beat(101.0 + second)
    assert not pulse.is_silent(105.0 + SILENCE_S)
    assert pulse.is_silent(105.1 + SILENCE_S)


def test_the_same_time_counts_from_the_connection_on_before_any_message() -> None:
    pulse = Pulse()
    pulse.connect(100.0)
    assert not pulse.is_silent(100.0 + SILENCE_S)
    assert pulse.is_silent(100.1 + SILENCE_S)


def test_a_slow_market_is_given_three_times_its_usual_pause() -> None:
    pulse = Pulse()
    pulse.connect(0.0)
    for at_s in (5.0, 10.0, 15.0):
        pulse.beat(at_s)
    assert not pulse.is_silent(15.0 + 15.0)
    assert pulse.is_silent(15.0 + 15.1)


def test_even_the_slowest_market_is_looked_after_within_a_minute() -> None:
    pulse = Pulse()
    pulse.connect(0.0)
    pulse.beat(1000.0)
    assert pulse.limit_s == SILENCE_MAX_S


def test_a_stall_does_not_make_the_rule_lax_for_long() -> None:
    pulse = Pulse()
    pulse.connect(0.0)
    pulse.beat(0.1)
    pulse.connect(11.0)
    pulse.beat(11.1)
    for tenth in range(40):
        pulse.beat(11.2 + tenth / 10)
    assert pulse.limit_s == SILENCE_S


def test_a_market_found_quiet_is_let_alone_for_five_minutes() -> None:
    pulse, searches, now_s = Pulse(), [], 0.0
    pulse.connect(now_s)
    while now_s < 6 * 3600:
        now_s += 0.2
        if pulse.is_silent(now_s):
            searches.append(now_s)
            pulse.connect(now_s)
            pulse.excuse(now_s + QUIET_S)
    assert all(b - a >= QUIET_S for a, b in itertools.pairwise(searches))
    assert 6 * 12 - 5 <= len(searches) <= 6 * 12


def test_a_silence_is_unlike_before_only_where_pauses_are_known_and_short() -> None:
    pulse, now_s = Pulse(), 0.0
    pulse.connect(now_s)
    told = [pulse.is_busy]  # nothing is known yet
    for _ in range(40):
        now_s += 1.0
        pulse.beat(now_s)
    told.append(pulse.is_busy)
    pulse.beat(now_s + SILENCE_S / 3)  # a third of it was usual
    assert [*told, pulse.is_busy] == [False, True, False]


def test_connections_that_live_shortly_are_changed_ever_more_slowly() -> None:
    haste = Haste()
    assert [haste.pause_s(1.0) for _ in range(7)] == [1, 2, 4, 8, 16, 30, 30]
    assert haste.pause_s(23 * 3600.0) == 0
    assert haste.pause_s(1.0) == 1


def test_who_only_wants_a_better_connection_leaves_half_of_the_attempts_to_others() -> None:
    attempts = Attempts()
    taken = [now_s for now_s in range(200) if attempts.take(now_s, SPARED) == 0]
    assert taken == list(range(ATTEMPTS_MAX - SPARED))
    assert attempts.take(200.0, SPARED) == ATTEMPTS_S - 200.0
    assert [attempts.take(200.0) for _ in range(SPARED)] == [0.0] * SPARED
    assert attempts.take(200.0) == ATTEMPTS_S - 200.0


def test_when_the_exchange_asks_to_wait_every_connection_waits() -> None:
    attempts = Attempts()
    attempts.pause(120.0)
    attempts.pause(60.0)
    assert attempts.take(100.0) == 20.0
    assert attempts.take(120.0) == 0.0


def test_an_unwell_stream_is_subscribed_anew_then_gets_a_connection_then_rests() -> None:
    wishes, granted = Wishes(), []
    for now_s in range(int(2 * QUIET_S)):
        fresh, is_stubborn = wishes.grant(["a", "b"], float(now_s))
        if fresh or is_stubborn:
            granted.append((now_s, fresh, is_stubborn))
    step, rest = int(STUBBORN_S), int(QUIET_S)
    assert granted[:2] == [(0, ("a", "b"), False), (step, (), True)]
    assert granted[2] == (step + rest, ("a", "b"), False)
    assert len(granted) == 4


def test_never_more_than_60_attempts_in_5_minutes() -> None:
    attempts, taken, now_s = Attempts(), [], 0.0
    while now_s < 3 * ATTEMPTS_S:
        wait_s = attempts.take(now_s)
        if wait_s == 0:
            taken.append(now_s)
        now_s += wait_s or 0.5
    assert all(
        later - earlier >= ATTEMPTS_S
        for earlier, later in zip(taken, taken[ATTEMPTS_MAX:], strict=False)
    )
    assert len(taken) == 3 * ATTEMPTS_MAX


def test_the_pauses_double_up_to_30_s_and_go_on_for_ever() -> None:
    assert [ceiling_s(failures) for failures in (1, 2, 3, 4, 5, 6)] == [1, 2, 4, 8, 16, 30]
    assert ceiling_s(10_000) == BACKOFF_MAX_S


def test_with_full_jitter_50_refusals_stay_within_the_allowance() -> None:
    dice, attempts, now_s, tried = random.Random(7), Attempts(), 0.0, []
    for failures in range(1, 51):
        now_s += attempts.take(now_s)
        tried.append(now_s)
        now_s += dice.uniform(0, ceiling_s(failures))
    assert max(sum(1 for t in tried if s <= t < s + ATTEMPTS_S) for s in tried) <= ATTEMPTS_MAX
