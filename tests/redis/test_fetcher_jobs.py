"""The fetcher's jobs by hand: when they fire, what an error means, what a clock's jump does."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis as redis_py
from apscheduler.schedulers.background import BackgroundScheduler

import background_fetcher
from tests.fetching import MINUTES, NOW_MS, Desk, Events, stored
from truecandle.binance.clock import ExchangeClock
from truecandle.candles.interval import INTERVALS, MINUTE_MS
from truecandle.candles.series import Series
from truecandle.config import Settings
from truecandle.errors import StoreDamaged
from truecandle.fetcher import CloseTrigger, FetchScheduler, Heartbeat
from truecandle.fetcher.market_poller import STORE_MS, UNKNOWN_MS, MarketPoller
from truecandle.sim.clock import SimulatedClock
from truecandle.sim.server import SimServer
from truecandle.store import clock as shared
from truecandle.store import keys, roles

NEVER = threading.Event()
#: Round trips take real time, also while the exchange's clock stands still: half of one at most.
TRIP = timedelta(seconds=0.5)
#: What a test may take between two looks at a clock that runs.
SOON_MS = 5_000


@pytest.fixture
def sim() -> Iterator[SimServer]:
    with SimServer(["BTCUSDT"], clock=SimulatedClock(NOW_MS, speed=0)) as server:
        yield server


@pytest.fixture
def desk(sim: SimServer, redis: redis_py.Redis, redis_url: str) -> Desk:
    return Desk(sim, redis, redis_url)


@pytest.fixture
def clock(desk: Desk) -> ExchangeClock:
    """Frozen together with the simulated exchange."""
    found = ExchangeClock(wall_ms=desk.sim.clock.now_ms, monotonic_ms=desk.sim.clock.now_ms)
    found.measure(desk.rest)
    return found


def alone() -> bool:
    """Whether it leads: no other fetcher is there."""
    return True


def market(desk: Desk, clock: ExchangeClock, *names: str, symbol: str = "BTCUSDT") -> MarketPoller:
    intervals = [INTERVALS[name] for name in names or ("1m", "1h")]
    return MarketPoller(symbol, intervals, 3_000, desk.sync, clock, NEVER)


def test_a_visit_reads_what_is_due_and_then_waits_for_the_next_close(
    desk: Desk, clock: ExchangeClock
) -> None:
    one = market(desk, clock, "1m", "1h")
    one.poll()
    assert desk.stored(MINUTES) == desk.truth(MINUTES, 100)
    assert one.next_ms() == NOW_MS - NOW_MS % MINUTE_MS + 18_000
    asked = len(desk.asked())
    one.poll()
    assert len(desk.asked()) == asked


def test_an_outage_is_met_with_a_few_tries_a_minute(desk: Desk, clock: ExchangeClock) -> None:
    one = market(desk, clock, "1s", "1m", "1h")
    desk.sim.faults.add("server_error", path="klines", count=None)
    for _ in range(300):
        one.poll()
        desk.sim.clock.advance(1_000)
    failing = [one.is_failing]
    assert len(desk.asked()) <= 5 * 5
    desk.sim.faults.clear()
    for _ in range(61):
        one.poll()
        desk.sim.clock.advance(1_000)
    assert [*failing, one.is_failing] == [True, False]
    assert desk.stored(MINUTES)[-90:] == desk.truth(MINUTES, 90)


def test_an_unknown_market_is_asked_for_once_an_hour(
    desk: Desk, clock: ExchangeClock, caplog: pytest.LogCaptureFixture
) -> None:
    one = market(desk, clock, symbol="NOPEUSDT")
    for _ in range(2 * UNKNOWN_MS // 60_000):
        one.poll()
        desk.sim.clock.advance(60_000)
    assert one.is_unknown
    assert len(desk.asked()) == 2
    assert [r.levelno for r in caplog.records if "does not know" in r.message] == [
        logging.ERROR
    ] * 2


def test_one_answer_that_denies_a_market_is_not_yet_believed(
    desk: Desk, clock: ExchangeClock
) -> None:
    one = market(desk, clock)
    desk.sim.faults.add("error_200", count=2, path="klines")
    for _ in range(20):
        one.poll()
        desk.sim.clock.advance(1_000)
    assert not one.is_unknown
    assert desk.stored(MINUTES)


def test_one_interval_that_is_always_answered_badly_leaves_the_others_alone(
    desk: Desk, clock: ExchangeClock
) -> None:
    one = market(desk, clock, "1m", "5m", "1h")
    desk.sim.faults.add("html", interval="1m", count=None)
    one.poll()
    assert desk.stored(MINUTES) == []
    for name in ("5m", "1h"):
        series = Series("BTCUSDT", INTERVALS[name])
        assert desk.stored(series) == desk.truth(series, 100)


def test_a_damaged_key_stops_its_own_series_alone(desk: Desk, clock: ExchangeClock) -> None:
    desk.redis.lpush(keys.klines(MINUTES), "not ours")
    one = market(desk, clock)
    one.poll()
    hours = Series("BTCUSDT", INTERVALS["1h"])
    assert desk.stored(hours) == desk.truth(hours, 100)
    assert desk.redis.lrange(keys.klines(MINUTES), 0, -1) == [b"not ours"]
    with pytest.raises(StoreDamaged):
        desk.sync.refresh(MINUTES)


def test_an_error_that_nobody_thought_of_is_logged_and_survived(
    desk: Desk, clock: ExchangeClock, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    one = market(desk, clock)

    def broken(series: Series) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(desk.sync, "refresh", broken)
        for _ in range(100):
            one.poll()
            desk.sim.clock.advance(60_000)
    failing = [one.is_failing]
    assert "ZeroDivisionError" in caplog.text
    one.poll()
    assert [*failing, one.is_failing] == [True, False]
    assert desk.stored(MINUTES)


def test_history_is_filled_page_by_page_and_only_after_the_newest(
    sim: SimServer, redis: redis_py.Redis, redis_url: str
) -> None:
    desk = Desk(sim, redis, redis_url, history=2_500)
    one = market(desk, ExchangeClock(wall_ms=sim.clock.now_ms), "1m")
    assert not one.fill(MINUTES)
    assert desk.stored(MINUTES) == []
    one.poll()
    while one.fill(MINUTES):
        pass
    assert desk.stored(MINUTES)[-1_000:] == desk.truth(MINUTES, 1_000)


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
    heartbeat = Heartbeat(desk.redis, clock, desk.rest, jobs, desk.sync.writer)
    scheduler.start(paused=True)
    heartbeat.beat()
    assert {job.id for job in scheduler.get_jobs()} == {"BTCUSDT", "history"}
    machine.shift_ms = jump_ms
    heartbeat.beat()
    assert abs(shared.read(desk.redis).exchange_ms - NOW_MS) < SOON_MS
    assert abs(clock.now_ms() - NOW_MS) < TRIP.total_seconds() * 1_000
    assert roles.heartbeats(desk.redis)["fetcher"].detail["markets"] == 1
    scheduler.shutdown()


def test_no_job_is_armed_before_the_exchanges_clock_is_known(desk: Desk) -> None:
    clock = ExchangeClock()
    scheduler: Any = BackgroundScheduler(timezone=UTC)
    jobs = FetchScheduler(scheduler, Settings(), desk.sync, clock, NEVER, alone)
    heartbeat = Heartbeat(desk.redis, clock, desk.rest, jobs, desk.sync.writer)
    desk.sim.faults.add("server_error", path="time", count=1)
    heartbeat.beat()
    assert scheduler.get_jobs() == []
    assert "fetcher" not in roles.heartbeats(desk.redis)
    heartbeat.beat()
    assert "fetcher" in roles.heartbeats(desk.redis)


def test_the_names_of_the_first_sketch_do_what_the_fetcher_does(
    desk: Desk, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = desk.rest.klines("BTCUSDT", "1m", limit=5)
    shared.publish(desk.redis, NOW_MS)
    written = background_fetcher.upsert_klines_to_zset("BTCUSDT", "1m", rows, desk.redis)
    assert (written.added, len(written.refused)) == (4, 1)
    assert stored(desk.redis, MINUTES) == desk.truth(MINUTES, 4)
    events = Events(desk.redis)
    monkeypatch.setenv("REDIS_URL", redis_url)
    background_fetcher.notify_data_updated("BTCUSDT", "1m")
    (event,) = events.take()
    assert (event["version"], event["previous"]) == (written.version, written.version)


def test_while_redis_is_away_a_market_rests_briefly_and_asks_nothing(
    desk: Desk, clock: ExchangeClock, redis_server: Any
) -> None:
    one = market(desk, clock)
    desk.redis.config_set("maxmemory", "1")  # every write is refused
    try:
        one.poll()
        assert clock.now_ms() < one.next_ms() <= clock.now_ms() + STORE_MS
        assert desk.asked() == []
    finally:
        desk.redis.config_set("maxmemory", "0")
    desk.sim.clock.advance(STORE_MS)
    one.poll()
    assert desk.stored(MINUTES)
