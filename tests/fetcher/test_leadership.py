"""What leading means for the fetcher: its jobs, its requests, its writes."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
import redis as redis_py

from tests.support.driven_fetcher import MINUTES, NOW_MS, Desk
from tests.support.loopback_ports import free_port
from tests.support.redis_server import RedisProc
from tests.support.waiting import wait_for
from truecandle.candles.interval import MINUTE_MS
from truecandle.config import Settings
from truecandle.errors import StaleWriter
from truecandle.events import Publisher
from truecandle.fetcher import FetcherLeadership, SeriesSync
from truecandle.ingest.official_writer import OfficialWriter
from truecandle.store import connect, keys, lease, official
from truecandle.watchdog import Watchdog

LAST_MS = NOW_MS - NOW_MS % MINUTE_MS - MINUTE_MS


class Jobs:
    """What happened to the jobs, in order."""

    def __init__(self) -> None:
        self.did: list[str] = []

    def start_jobs(self) -> None:
        self.did.append("start")

    def stop_jobs(self) -> None:
        self.did.append("stop")


def fetcher(desk: Desk, redis_url: str, fence: Callable[[], int]) -> SeriesSync:
    settings = Settings(redis_url=redis_url, history_candles=100)
    publisher = Publisher(redis_url)
    now_ms = desk.sim.clock.now_ms
    writer = OfficialWriter(desk.redis, publisher, settings.settle_ms, now_ms, fence, seal_after=0)
    return SeriesSync(settings, desk.redis, desk.rest, desk.rest, writer, now_ms)


def hand_over(one: FetcherLeadership, two: FetcherLeadership) -> None:
    """What happens when the first is frozen for longer than its lease lasts."""
    one.release()
    two.renew(Jobs())


def test_jobs_start_with_the_lease_and_stop_without_it(redis: redis_py.Redis) -> None:
    one, two = FetcherLeadership(redis), FetcherLeadership(redis)
    ones, twos = Jobs(), Jobs()
    for _ in range(3):
        one.renew(ones)
        two.renew(twos)
    assert (ones.did, twos.did) == (["start"], ["stop"])
    redis.delete(keys.lease(keys.LEADER))
    for _ in range(3):
        two.renew(twos)
        one.renew(ones)
    assert (ones.did, twos.did) == (["start", "stop"], ["stop", "start"])


def test_a_lease_that_was_lost_and_taken_again_arms_the_jobs_anew(redis: redis_py.Redis) -> None:
    one, jobs = FetcherLeadership(redis), Jobs()
    one.renew(jobs)
    first = one.fence()
    redis.delete(keys.lease(keys.LEADER))
    one.renew(jobs)
    assert one.fence() > first
    assert jobs.did == ["start", "start"]


def test_without_redis_a_leader_leads_to_the_end_of_its_lease_and_no_longer(
    redis_server: RedisProc, redis: redis_py.Redis
) -> None:
    jobs = Jobs()
    one = FetcherLeadership(connect(redis_server.url, timeout_s=0.1), ttl_ms=1_000)
    one.renew(jobs)
    redis_server.freeze()
    try:
        one.renew(jobs)
        assert jobs.did == ["start"]
        wait_for(lambda: not one.is_leading(), what="the lease to end")
        one.renew(jobs)
        assert jobs.did == ["start", "stop"]
        with pytest.raises(StaleWriter):
            one.fence()
    finally:
        redis_server.thaw()
    one.renew(jobs)
    assert jobs.did == ["start", "stop", "start"]


def test_before_redis_was_ever_there_nothing_is_said_or_done(
    caplog: pytest.LogCaptureFixture,
) -> None:
    jobs, one = Jobs(), FetcherLeadership(connect(f"redis://127.0.0.1:{free_port()}/0"))
    for _ in range(3):
        one.renew(jobs)
    assert jobs.did == []
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_told_to_stop_it_gives_the_lease_up(redis: redis_py.Redis) -> None:
    stop, one = threading.Event(), FetcherLeadership(redis)
    thread = threading.Thread(target=one.run, args=(stop, Jobs(), Watchdog([])))
    thread.start()
    wait_for(one.is_leading, what="the lease")
    stop.set()
    thread.join(5)
    assert not redis.exists(keys.lease(keys.LEADER))


def test_whoever_does_not_lead_asks_and_writes_nothing(
    desk: Desk, redis: redis_py.Redis, redis_url: str
) -> None:
    one, two = FetcherLeadership(redis), FetcherLeadership(redis)
    one.renew(Jobs())
    two.renew(Jobs())
    standby = fetcher(desk, redis_url, two.fence)
    for act in (standby.refresh, standby.fill):
        with pytest.raises(StaleWriter):
            act(MINUTES)
    assert desk.asked() == []
    assert desk.stored(MINUTES) == []
    hand_over(one, two)
    assert standby.refresh(MINUTES).has_arrived
    assert desk.stored(MINUTES) == desk.truth(MINUTES, 100)


@pytest.mark.parametrize("is_back", [False, True], ids=["gone for good", "leads again"])
def test_an_answer_from_before_the_change_of_hands_is_never_written(
    desk: Desk, redis: redis_py.Redis, redis_url: str, is_back: bool
) -> None:
    one, two = FetcherLeadership(redis), FetcherLeadership(redis)
    one.renew(Jobs())
    first, second = fetcher(desk, redis_url, one.fence), fetcher(desk, redis_url, two.fence)
    first.refresh(MINUTES)
    number = first.writer.fence()
    in_hand = desk.rest.klines("BTCUSDT", "1m", start_ms=LAST_MS, end_ms=LAST_MS + 1)
    hand_over(one, two)
    desk.sim.market.correct("BTCUSDT", "1m", LAST_MS, {"trades": 777})
    second.refresh(MINUTES)
    corrected = desk.truth(MINUTES, 100)
    assert desk.stored(MINUTES) == corrected
    if is_back:
        hand_over(two, one)
        assert one.is_leading()
    desk.events.take()

    with pytest.raises(StaleWriter):
        first.writer.write(MINUTES, in_hand, "new", fence=number)

    assert desk.stored(MINUTES) == corrected
    assert desk.events.take() == []
    assert len(official.corrections(redis, MINUTES, 10)) == 1
    assert first.writer.counts["answers that came too late"] == 1


def test_the_first_write_after_a_change_of_hands_need_not_be_the_new_leaders(
    desk: Desk, redis: redis_py.Redis, redis_url: str
) -> None:
    one, two = FetcherLeadership(redis), FetcherLeadership(redis)
    one.renew(Jobs())
    first = fetcher(desk, redis_url, one.fence)
    number = first.writer.fence()
    rows = desk.rest.klines("BTCUSDT", "1m", limit=5)
    hand_over(one, two)  # and the new leader has not written anything yet
    with pytest.raises(StaleWriter):
        first.writer.write(MINUTES, rows, "new", fence=number)
    assert desk.stored(MINUTES) == []


def test_a_tool_beside_the_fetcher_writes_with_the_number_in_force(
    desk: Desk, redis: redis_py.Redis, redis_url: str
) -> None:
    tool = OfficialWriter(redis, Publisher(redis_url), 3_000, desk.sim.clock.now_ms, seal_after=0)
    rows = desk.rest.klines("BTCUSDT", "1m", limit=5)
    assert len(tool.write(MINUTES, rows[:1], "backfill")) == 1
    one, two = FetcherLeadership(redis), FetcherLeadership(redis)
    one.renew(Jobs())
    before = tool.fence()
    assert before == one.fence() == lease.current(redis, keys.LEADER)
    hand_over(one, two)
    assert len(tool.write(MINUTES, rows[:3], "backfill", fence=before)) == 3
    assert desk.stored(MINUTES) == desk.truth(MINUTES, 4)[:3]
    assert two.is_leading()


def test_two_that_both_take_themselves_for_the_leader_leave_the_truth(
    desk: Desk, redis: redis_py.Redis, redis_url: str
) -> None:
    """Without any lease: the write script alone keeps one candle per open time."""
    both = [fetcher(desk, redis_url, lambda: lease.current(redis, keys.LEADER)) for _ in range(2)]
    for _ in range(10):
        threads = [threading.Thread(target=one.refresh, args=(MINUTES,)) for one in both]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        desk.check(MINUTES)
        desk.sim.clock.advance(MINUTE_MS)
    for one in both:
        one.refresh(MINUTES)
    assert desk.stored(MINUTES)[-100:] == desk.truth(MINUTES, 100)
    assert official.corrections(redis, MINUTES, 10) == []
