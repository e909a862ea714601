"""When a market is silent for longer than it uses to be."""

from __future__ import annotations

import itertools

from truecandle.binance.streams.idle import QUIET_S, SILENCE_MAX_S, SILENCE_S, IdleDetector


def test_a_stream_is_silent_after_10_s_without_a_message() -> None:
    idle = IdleDetector()
    idle.on_connect(100.0)
    for second in range(5):
        idle.on_message(101.0 + second)
    assert not idle.is_idle(105.0 + SILENCE_S)
    assert idle.is_idle(105.1 + SILENCE_S)


def test_the_same_time_counts_from_the_connection_on_before_any_message() -> None:
    idle = IdleDetector()
    idle.on_connect(100.0)
    assert not idle.is_idle(100.0 + SILENCE_S)
    assert idle.is_idle(100.1 + SILENCE_S)


def test_a_slow_market_is_given_three_times_its_usual_pause() -> None:
    idle = IdleDetector()
    idle.on_connect(0.0)
    for at_s in (5.0, 10.0, 15.0):
        idle.on_message(at_s)
    assert not idle.is_idle(15.0 + 15.0)
    assert idle.is_idle(15.0 + 15.1)


def test_even_the_slowest_market_is_looked_after_within_a_minute() -> None:
    idle = IdleDetector()
    idle.on_connect(0.0)
    idle.on_message(1000.0)
    assert idle.limit_s == SILENCE_MAX_S


def test_a_stall_does_not_make_the_rule_lax_for_long() -> None:
    idle = IdleDetector()
    idle.on_connect(0.0)
    idle.on_message(0.1)
    idle.on_connect(11.0)
    idle.on_message(11.1)
    for tenth in range(40):
        idle.on_message(11.2 + tenth / 10)
    assert idle.limit_s == SILENCE_S


def test_a_market_found_quiet_is_let_alone_for_five_minutes() -> None:
    idle, searches, now_s = IdleDetector(), [], 0.0
    idle.on_connect(now_s)
    while now_s < 6 * 3600:
        now_s += 0.2
        if idle.is_idle(now_s):
            searches.append(now_s)
            idle.on_connect(now_s)
            idle.excuse(now_s + QUIET_S)
    assert all(b - a >= QUIET_S for a, b in itertools.pairwise(searches))
    assert 6 * 12 - 5 <= len(searches) <= 6 * 12


def test_a_silence_is_unlike_before_only_where_pauses_are_known_and_short() -> None:
    idle, now_s = IdleDetector(), 0.0
    idle.on_connect(now_s)
    told = [idle.is_unusual]  # nothing is known yet
    for _ in range(40):
        now_s += 1.0
        idle.on_message(now_s)
    told.append(idle.is_unusual)
    idle.on_message(now_s + SILENCE_S / 3)  # a third of it was usual
    assert [*told, idle.is_unusual] == [False, True, False]
