"""The exchange's clock, without an exchange."""

from __future__ import annotations

import pytest

from truecandle.binance.clock import FRESH_MS, ExchangeClock
from truecandle.errors import MalformedAnswer

NOW_MS = 1_723_118_410_000


class World:
    """A machine whose clocks the test moves, and an exchange `ahead_ms` of it, `trips` away."""

    def __init__(self) -> None:
        self.passed_ms = 0
        self.wall_shift_ms = 0
        self.ahead_ms = 0
        self.trips: list[tuple[int, int]] = []

    def wall_ms(self) -> int:
        return NOW_MS + self.passed_ms + self.wall_shift_ms

    def monotonic_ms(self) -> int:
        return 5_000 + self.passed_ms

    def exchange_ms(self) -> int:
        return NOW_MS + self.passed_ms + self.ahead_ms

    def server_time(self) -> tuple[int, int]:
        there_ms, back_ms = self.trips.pop(0) if self.trips else (10, 10)
        self.passed_ms += there_ms
        server_ms = self.exchange_ms()
        self.passed_ms += back_ms
        return server_ms, there_ms + back_ms


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def clock(world: World) -> ExchangeClock:
    return ExchangeClock(wall_ms=world.wall_ms, monotonic_ms=world.monotonic_ms)


@pytest.mark.parametrize("ahead_ms", [0, -7, 300_000, -300_000, 86_400_000, -3_600_000])
def test_the_clock_finds_the_exchanges_time_however_wrong_the_machine_is(
    world: World, clock: ExchangeClock, ahead_ms: int
) -> None:
    world.ahead_ms = ahead_ms
    clock.measure(world)
    assert clock.now_ms() == world.exchange_ms()
    assert clock.offset_ms() == ahead_ms
    world.passed_ms += 30_000
    assert clock.now_ms() == world.exchange_ms()


def test_of_several_round_trips_the_fastest_counts(world: World, clock: ExchangeClock) -> None:
    world.trips = [(900, 10), (5, 5), (20, 800)]
    clock.measure(world)
    assert clock.now_ms() == world.exchange_ms()


def test_a_machine_clock_that_jumps_does_not_move_the_exchanges(
    world: World, clock: ExchangeClock
) -> None:
    clock.measure(world)
    for jump_ms in (3_600_000, -3_600_000, 600):
        world.wall_shift_ms += jump_ms
        assert clock.has_jumped()
        assert clock.is_stale()
        assert clock.now_ms() == world.exchange_ms()
        clock.measure(world)
        assert not clock.has_jumped()
    assert clock.offset_ms() == -world.wall_shift_ms


def test_a_measurement_is_good_for_a_minute_unless_doubted(
    world: World, clock: ExchangeClock
) -> None:
    assert clock.is_stale()
    clock.measure(world)
    assert not clock.is_stale()
    world.passed_ms += FRESH_MS
    assert clock.is_stale()
    clock.measure(world)
    clock.mark_stale()
    assert clock.is_stale()


def test_a_clock_that_leapt_is_sure_of_nothing_until_a_second_measurement_agrees(
    world: World, clock: ExchangeClock
) -> None:
    clock.measure(world)
    assert not clock.is_unsure()
    world.ahead_ms = 3_600_000
    clock.measure(world)
    assert clock.is_unsure() and clock.is_stale()
    world.ahead_ms = 0
    clock.measure(world)
    assert clock.is_unsure() and clock.is_stale()
    clock.measure(world)
    assert not clock.is_unsure() and not clock.is_stale()
    world.wall_shift_ms = 10_000
    assert clock.is_unsure()
    clock.measure(world)
    assert not clock.is_unsure()


def test_times_that_contradict_each_other_are_not_believed(
    world: World, clock: ExchangeClock
) -> None:
    clock.measure(world)
    answers = iter([world.exchange_ms(), world.exchange_ms() + 86_400_000, world.exchange_ms()])
    world.server_time = lambda: (next(answers), 10)  # type: ignore[method-assign]
    with pytest.raises(MalformedAnswer):
        clock.measure(world)
    assert abs(clock.now_ms() - world.exchange_ms()) < 100


def test_until_it_is_measured_the_word_of_another_role_counts(
    world: World, clock: ExchangeClock
) -> None:
    clock.assume(NOW_MS - 40_000)
    assert clock.now_ms() == NOW_MS - 40_000
    world.passed_ms += 500
    clock.assume(NOW_MS - 39_000)
    assert clock.now_ms() == NOW_MS - 39_000
    clock.measure(world)
    clock.assume(NOW_MS + 99_000)
    assert clock.now_ms() == world.exchange_ms()


@pytest.mark.parametrize("shift_ms", [-3_600_000, -55_000, 0, 55_000, 3_600_000])
def test_until_it_is_measured_an_event_of_the_exchange_tells_the_time(
    world: World, clock: ExchangeClock, shift_ms: int
) -> None:
    clock.assume(NOW_MS + shift_ms)
    clock.hear(NOW_MS)
    assert clock.now_ms() == NOW_MS
    clock.assume(NOW_MS + shift_ms)
    assert clock.now_ms() == NOW_MS
    world.passed_ms += 1_000
    assert clock.now_ms() == NOW_MS + 1_000


def test_the_clock_is_never_behind_an_event_that_was_heard(
    world: World, clock: ExchangeClock
) -> None:
    clock.measure(world)
    clock.hear(world.exchange_ms() - 3_000)
    assert clock.now_ms() == world.exchange_ms()
    clock.hear(world.exchange_ms() + 700)
    assert clock.now_ms() == world.exchange_ms() + 700
    assert not clock.is_stale()


@pytest.mark.parametrize("apart_ms", [-3_600_000, 3_600_000])
def test_an_event_far_from_a_measured_clock_has_it_measured_again_and_moves_nothing(
    world: World, clock: ExchangeClock, apart_ms: int
) -> None:
    clock.measure(world)
    clock.hear(world.exchange_ms() + apart_ms)
    assert clock.now_ms() == world.exchange_ms()
    assert clock.is_stale()
    clock.measure(world)
    assert not clock.is_stale()
