"""Pauses that double with every failure in a row."""

from __future__ import annotations

import random

from truecandle.backoff import WAKES_MAX, Backoff, OutageWait, ceiling, full_jitter
from truecandle.binance.reachability import SharedOutage


def test_pauses_double_from_the_first_to_the_longest() -> None:
    backoff = Backoff(1_000, 60_000)
    assert [backoff.fail() for _ in range(8)] == [
        1_000,
        2_000,
        4_000,
        8_000,
        16_000,
        32_000,
        60_000,
        60_000,
    ]


def test_when_all_is_well_again_the_next_pause_is_the_first() -> None:
    backoff = Backoff(0.5, 30.0)
    assert [backoff.fail(), backoff.fail()] == [0.5, 1.0]
    backoff.reset()
    assert (backoff.failures, backoff.fail()) == (0, 0.5)


def test_years_of_failures_overflow_nothing() -> None:
    assert ceiling(0.25, 30.0, 1_000_000) == 30.0
    assert ceiling(1, 60_000, 1_000_000) == 60_000


def test_with_full_jitter_a_pause_is_anything_up_to_the_longest() -> None:
    backoff = Backoff(1.0, 8.0, full_jitter, random.Random(3))
    pauses = [backoff.fail() for _ in range(200)][3:]
    assert all(0 <= pause <= 8.0 for pause in pauses)
    assert min(pauses) < 0.5 and max(pauses) > 7.5


def test_a_pause_ends_with_the_outage_that_was_met_and_not_time_and_again() -> None:
    wait = OutageWait(minute=60)
    for second in range(WAKES_MAX + 1):
        outage = SharedOutage(lambda: None)
        assert wait.fail(second, outage) is (second < WAKES_MAX)
        assert not wait.is_over
        outage.is_over = True
        assert wait.is_over is (second < WAKES_MAX)
    assert wait.fail(60, SharedOutage(lambda: None)) is False
    assert wait.fail(61, SharedOutage(lambda: None)) is True


def test_a_pause_of_ones_own_is_not_ended_by_anybody() -> None:
    wait, outage = OutageWait(minute=60_000), SharedOutage(lambda: None)
    assert wait.fail(0, None) is False
    wait.fail(1, outage)
    outage.is_over = True
    wait.forget()
    assert not wait.is_over
