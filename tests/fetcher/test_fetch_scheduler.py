"""The fetcher's jobs: when they fire, by whose clock, and what a jump of a clock does to them."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from apscheduler.schedulers.background import BackgroundScheduler

from tests.support.driven_fetcher import NOW_MS, Desk
from truecandle.binance.clock import ExchangeClock
from truecandle.config import Settings
from truecandle.fetcher import CloseTrigger, FetchScheduler, Heartbeat
from truecandle.sim.server import SimServer
from truecandle.store import clock as shared
from truecandle.store import roles
from truecandle.webhooks.sender import WebhookSenders

NEVER = threading.Event()


#: Round trips take real time, also while the exchange's clock stands still: half of one at most.
TRIP = timedelta(seconds=2)


#: What a test may take between two looks at a clock that runs.
SOON_MS = 5_000


def alone() -> bool:
    """Whether it leads: no other fetcher is there."""
    return True


def test_a_trigger_fires_by_the_exchanges_clock_on_a_machine_that_is_wrong(desk: Desk) -> None:
    ahead_ms = 3_600_000
    clock = ExchangeClock(
        wall_ms=lambda: desk.sim.clock.now_ms() + ahead_ms,
        monotonic_ms=desk.sim.clock.now_ms,
    )
    clock.measure(desk.rest)
    trigger = CloseTrigger(lambda: NOW_MS + 5_000, clock)
    machine = datetime.fromtimestamp((NOW_MS + ahead_ms) / 1000, UTC)
    fires = trigger.get_next_fire_time(None, machine)
    assert abs(fires - machine - timedelta(seconds=5)) < TRIP
    # While a run is under way it is not fired over and over, whatever is due:
    late = machine + timedelta(seconds=10)
    assert trigger.get_next_fire_time(machine, late) > late + timedelta(seconds=1)


class Jumping:
    """This machine's time of day and what it is shifted by."""

    def __init__(self, sim: SimServer) -> None:
        self._sim = sim
        self.shift_ms = 0

    def wall_ms(self) -> int:
        return self._sim.clock.now_ms() + self.shift_ms


@pytest.mark.parametrize("jump_ms", [3_600_000, -3_600_000])
def test_a_clock_that_jumps_moves_every_job_and_the_shared_offset(desk: Desk, jump_ms: int) -> None:
    machine = Jumping(desk.sim)
    clock = ExchangeClock(wall_ms=machine.wall_ms, monotonic_ms=desk.sim.clock.now_ms)
    scheduler: Any = BackgroundScheduler(
        timezone=UTC,
        executors={"default": {"type": "threadpool"}, "history": {"type": "threadpool"}},
    )
    settings = Settings(symbols=("BTCUSDT",), intervals=("1m",))
    jobs = FetchScheduler(scheduler, settings, desk.sync, clock, NEVER, alone)
    webhooks = WebhookSenders(Settings(), desk.redis, alone, clock.now_ms)
    heartbeat = Heartbeat(
        desk.redis, clock, desk.rest, jobs, desk.sync.writer, webhooks, "me", settings
    )
    scheduler.start(paused=True)
    heartbeat.beat()
    assert {job.id for job in scheduler.get_jobs()} == {"BTCUSDT", "history"}
    machine.shift_ms = jump_ms
    heartbeat.beat()
    assert abs(shared.read(desk.redis).exchange_ms - NOW_MS) < SOON_MS
    assert abs(clock.now_ms() - NOW_MS) < TRIP.total_seconds() * 1_000
    said = roles.heartbeats(desk.redis)["fetcher"].detail
    assert (said["markets"], said["settings"]["INTERVALS"]) == (1, ["1m"])
    scheduler.shutdown()


def test_no_job_is_armed_before_the_exchanges_clock_is_known(desk: Desk) -> None:
    clock = ExchangeClock()
    scheduler: Any = BackgroundScheduler(timezone=UTC)
    jobs = FetchScheduler(scheduler, Settings(), desk.sync, clock, NEVER, alone)
    webhooks = WebhookSenders(Settings(), desk.redis, alone, clock.now_ms)
    heartbeat = Heartbeat(
        desk.redis, clock, desk.rest, jobs, desk.sync.writer, webhooks, "me", Settings()
    )
    desk.sim.faults.add("server_error", path="time", count=1)
    heartbeat.beat()
    assert scheduler.get_jobs() == []
    assert "fetcher" not in roles.heartbeats(desk.redis)
    heartbeat.beat()
    assert "fetcher" in roles.heartbeats(desk.redis)
