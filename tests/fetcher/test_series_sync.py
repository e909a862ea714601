"""What the fetcher's passes promise, against the simulated exchange and a real Redis."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
import redis as redis_py

from tests.support.driven_fetcher import (
    HOURS,
    MINUTES,
    NOW_MS,
    Desk,
    correct,
    noticed_corrections,
    opens,
)
from truecandle.candles.candle import LiveCandle
from truecandle.candles.interval import DAY_MS, HOUR_MS, INTERVALS, MINUTE_MS
from truecandle.candles.series import Series
from truecandle.sim.server import SimServer
from truecandle.store import keys, live, rereads

TO_THE_MINUTE_MS = NOW_MS - NOW_MS % MINUTE_MS


def pending(open_ms: int) -> LiveCandle:
    return LiveCandle(open_ms, "1", "1", "1", "1", "1", 1, "live", True, open_ms + MINUTE_MS)


def test_an_empty_store_is_filled_with_the_history_that_was_asked_for(desk: Desk) -> None:
    assert desk.sync.refresh(MINUTES).has_arrived
    assert desk.stored(MINUTES) == desk.truth(MINUTES, 100)
    assert len(desk.asked()) == 1
    assert [event["reason"] for event in desk.events.take()] == ["backfill"]


def test_history_of_several_pages_is_filled_newest_first(
    sim: SimServer, redis: redis_py.Redis, redis_url: str
) -> None:
    desk = Desk(sim, redis, redis_url, history=2_500)
    assert not desk.sync.fill(MINUTES)
    assert desk.stored(MINUTES) == desk.truth(MINUTES, 2_500)
    starts = [int(request["params"]["startTime"]) for request in desk.asked()]
    assert len(starts) == 3
    assert starts == sorted(starts, reverse=True)
    assert {event["reason"] for event in desk.events.take()} == {"backfill"}
    desk.check(MINUTES)


def test_what_is_there_is_not_asked_for_again(desk: Desk) -> None:
    desk.sync.refresh(MINUTES)
    asked = len(desk.asked())
    assert not desk.sync.fill(MINUTES)
    assert len(desk.asked()) == asked


def test_a_closed_candle_comes_in_after_it_has_settled_and_not_before(desk: Desk) -> None:
    desk.sync.refresh(MINUTES)
    before = desk.stored(MINUTES)
    desk.events.take()
    desk.sim.clock.set(TO_THE_MINUTE_MS + MINUTE_MS + 2_999)
    desk.sync.refresh(MINUTES)
    assert desk.stored(MINUTES) == before
    assert desk.events.take() == []
    desk.sim.clock.advance(1)
    assert desk.sync.refresh(MINUTES).has_arrived
    assert desk.stored(MINUTES)[-1:] == desk.truth(MINUTES, 1)
    (event,) = desk.events.take()
    assert (event["reason"], len(event["candles"])) == ("new", 1)
    assert event["candles"][0][0] == event["from"] == event["to"] == TO_THE_MINUTE_MS


def test_versions_told_of_follow_each_other_without_a_break(desk: Desk) -> None:
    events = []
    for _ in range(5):
        desk.sync.refresh(MINUTES)
        events += desk.events.take()
        desk.sim.clock.advance(MINUTE_MS)
    assert len(events) == 5
    assert all(a["version"] == b["previous"] for a, b in pairwise(events))


def test_reading_the_same_again_changes_nothing_and_tells_nobody(desk: Desk) -> None:
    desk.sync.refresh(MINUTES)
    desk.events.take()
    before = (desk.stored(MINUTES), desk.redis.get(keys.meta(MINUTES)))
    for _ in range(100):
        desk.sync.refresh(MINUTES)
    assert (desk.stored(MINUTES), desk.redis.get(keys.meta(MINUTES))) == before
    assert desk.events.take() == []


def test_a_candle_that_the_exchange_corrects_is_corrected_with_the_next_pass(desk: Desk) -> None:
    desk.sync.refresh(MINUTES)
    desk.events.take()
    open_ms = opens(desk.stored(MINUTES))[-3]
    changes = {"volume": "77.70000000"}
    desk.sim.faults.add(
        "correction", symbol="BTCUSDT", interval="1m", open_ms=open_ms, changes=changes
    )
    desk.sync.refresh(MINUTES)
    assert desk.stored(MINUTES) == desk.truth(MINUTES, 100)
    (event,) = desk.events.take()
    assert (event["reason"], event["from"], event["to"]) == ("correction", open_ms, open_ms)
    assert desk.redis.llen(keys.corrections(MINUTES)) == 1


def test_seconds_are_read_again_for_long_enough_to_see_late_changes(desk: Desk) -> None:
    seconds = Series("BTCUSDT", INTERVALS["1s"])
    desk.sync.refresh(seconds)
    newest = opens(desk.stored(seconds))[-1]
    changes = {"volume": "5.00000000"}
    desk.sim.faults.add(
        "correction", symbol="BTCUSDT", interval="1s", open_ms=newest, changes=changes
    )
    desk.sim.clock.advance(17_000)
    desk.sync.refresh(seconds)
    assert desk.stored(seconds)[-100:] == desk.truth(seconds, 100)
    assert desk.redis.llen(keys.corrections(seconds)) == 1


def test_a_pending_candle_goes_once_its_official_one_is_stored(desk: Desk) -> None:
    desk.sync.refresh(MINUTES)
    for open_ms in (TO_THE_MINUTE_MS, TO_THE_MINUTE_MS + MINUTE_MS):
        live.save_live(desk.redis, MINUTES, pending(open_ms), now_ms=open_ms + MINUTE_MS)
    desk.sim.clock.advance(MINUTE_MS)
    desk.sync.refresh(MINUTES)
    found = live.read_live(desk.redis, MINUTES, desk.sim.clock.now_ms())
    shown = [*found.pending, *([found.forming] if found.forming else [])]
    assert [candle.open_ms for candle in shown] == [TO_THE_MINUTE_MS + MINUTE_MS]


def test_a_hole_is_repaired_and_told_of_as_repair(desk: Desk) -> None:
    desk.sync.refresh(MINUTES)
    start_ms = opens(desk.stored(MINUTES))[40]
    desk.redis.zremrangebyscore(keys.klines(MINUTES), start_ms, start_ms + 9 * MINUTE_MS)
    desk.events.take()
    desk.sync.fill(MINUTES)
    assert desk.stored(MINUTES) == desk.truth(MINUTES, 100)
    (event,) = desk.events.take()
    assert (event["reason"], len(event["candles"])) == ("repair", 10)


def test_many_small_holes_cost_one_request(desk: Desk) -> None:
    desk.sync.refresh(MINUTES)
    for open_ms in opens(desk.stored(MINUTES))[1:-1:2]:
        desk.redis.zremrangebyscore(keys.klines(MINUTES), open_ms, open_ms)
    asked = len(desk.asked())
    desk.sync.fill(MINUTES)
    assert desk.stored(MINUTES) == desk.truth(MINUTES, 100)
    assert len(desk.asked()) == asked + 1


def test_junk_and_doubles_in_the_store_are_healed(desk: Desk) -> None:
    desk.sync.refresh(MINUTES)
    times = opens(desk.stored(MINUTES))
    desk.redis.zadd(keys.klines(MINUTES), {b"junk": times[10], b"[1,2]": times[20]})
    desk.sync.fill(MINUTES)
    assert desk.stored(MINUTES) == desk.truth(MINUTES, 100)
    desk.check(MINUTES)


def test_a_store_that_was_emptied_is_filled_again(desk: Desk) -> None:
    desk.sync.refresh(MINUTES)
    desk.redis.delete(keys.klines(MINUTES))
    desk.sync.refresh(MINUTES)
    desk.sync.fill(MINUTES)
    assert desk.stored(MINUTES) == desk.truth(MINUTES, 100)
    desk.check(MINUTES)


def test_after_a_long_absence_the_newest_come_first_and_the_rest_is_filled(desk: Desk) -> None:
    desk.sync.refresh(MINUTES)
    desk.sim.clock.advance(1_500 * MINUTE_MS)
    assert desk.sync.refresh(MINUTES).has_arrived
    assert desk.stored(MINUTES)[-1_000:] == desk.truth(MINUTES, 1_000)


@pytest.mark.parametrize(("symbol", "phase"), [("BTCUSDT", 1), ("SOLUSDT", 2)])
def test_the_grid_of_3d_is_learned_from_the_exchange(desk: Desk, symbol: str, phase: int) -> None:
    series = Series(symbol, INTERVALS["3d"])
    refreshed = desk.sync.refresh(series)
    assert refreshed.has_arrived
    assert refreshed.series.interval.phase_ms == phase * 86_400_000
    assert desk.stored(series) == desk.truth(refreshed.series, 100)
    desk.check(series)


@pytest.mark.parametrize("name", INTERVALS)
def test_every_interval_is_filled_to_the_last_candle(desk: Desk, name: str) -> None:
    series = Series("BTCUSDT", INTERVALS[name])
    assert desk.sync.refresh(series).has_arrived
    assert desk.stored(series)
    known = replace(desk.sync.refresh(series).series)
    assert desk.stored(series)[-80:] == desk.truth(known, 80)
    assert not desk.sync.fill(series)


def test_a_market_listed_later_than_asked_costs_one_request_more_and_none_after(
    sim: SimServer, redis: redis_py.Redis, redis_url: str
) -> None:
    desk = Desk(sim, redis, redis_url, history=100_000)
    days = Series("SOLUSDT", INTERVALS["1d"])
    desk.sync.fill(days)
    assert opens(desk.stored(days))[0] == 18_485 * 86_400_000
    assert len(desk.asked()) <= 4
    asked = len(desk.asked())
    desk.sync.fill(days)
    desk.sync.refresh(days)
    assert len(desk.asked()) == asked + 1
    desk.check(days)


def test_a_maintenance_gap_stays_a_gap_and_is_asked_for_ever_more_rarely(
    sim: SimServer, redis: redis_py.Redis, redis_url: str
) -> None:
    desk = Desk(sim, redis, redis_url, history=5_000)
    gap = (TO_THE_MINUTE_MS - 4_000 * MINUTE_MS, TO_THE_MINUTE_MS - 2_020 * MINUTE_MS)
    sim.faults.add("gap", start_ms=gap[0], end_ms=gap[1])
    desk.sync.fill(MINUTES)
    times = opens(desk.stored(MINUTES))
    assert len(times) == 5_000 - 1_980
    assert not [open_ms for open_ms in times if gap[0] <= open_ms < gap[1]]
    assert len(desk.asked()) <= 5 + 3
    asked = len(desk.asked())
    for _ in range(60):
        sim.clock.advance(MINUTE_MS)
        desk.sync.refresh(MINUTES)
        desk.sync.fill(MINUTES)
    assert len(desk.asked()) - asked - 60 <= 6 * 3
    desk.check(MINUTES)


def test_a_gap_that_the_exchange_fills_later_is_healed(desk: Desk) -> None:
    gap = (TO_THE_MINUTE_MS - 40 * MINUTE_MS, TO_THE_MINUTE_MS - 30 * MINUTE_MS)
    desk.sim.faults.add("gap", start_ms=gap[0], end_ms=gap[1])
    desk.sync.refresh(MINUTES)
    desk.sync.fill(MINUTES)
    assert len(desk.stored(MINUTES)) == 90
    desk.sim.faults.clear()
    desk.sync.fill(MINUTES)
    assert len(desk.stored(MINUTES)) == 90
    desk.sim.clock.advance(MINUTE_MS)
    desk.sync.refresh(MINUTES)
    desk.sync.fill(MINUTES)
    assert desk.stored(MINUTES)[-100:] == desk.truth(MINUTES, 100)


def test_a_version_whose_telling_was_lost_is_told_of_with_the_next_pass(desk: Desk) -> None:
    desk.sync.refresh(MINUTES)
    desk.events.take()
    # Given a write that arrived while its answer did not:
    text = desk.redis.get(keys.meta(MINUTES))
    assert isinstance(text, bytes)
    version = int(text.split(b'"version":')[1].strip(b"}"))
    desk.redis.set(
        keys.meta(MINUTES), text.replace(str(version).encode(), str(version + 5).encode())
    )
    desk.sync.refresh(MINUTES)
    (event,) = desk.events.take()
    assert (event["version"], event["previous"]) == (version + 5, version + 5)
    assert event["candles"] == []


def test_two_intervals_of_one_market_do_not_touch_each_other(desk: Desk) -> None:
    desk.sync.refresh(MINUTES)
    before = desk.stored(MINUTES)
    desk.sync.refresh(HOURS)
    assert desk.stored(HOURS) == desk.truth(HOURS, 100)
    assert desk.stored(MINUTES) == before


def test_the_last_days_are_read_again_once_a_day_and_what_lies_further_back_is_not(
    sim: SimServer, redis: redis_py.Redis, redis_url: str
) -> None:
    desk = Desk(sim, redis, redis_url, history=100)
    desk.sync.refresh(HOURS)
    assert not desk.sync.reread(HOURS)
    hour = NOW_MS - NOW_MS % HOUR_MS
    correct(desk, hour - 70 * HOUR_MS, "7.5", "1h")
    correct(desk, hour - 90 * HOUR_MS, "9.5", "1h")
    asked = len(desk.asked())
    desk.sync.reread(HOURS)
    assert len(desk.asked()) == asked
    # Given a fetcher that begins, and whose predecessor last read them a day ago:
    rereads.done(redis, HOURS, NOW_MS - DAY_MS)
    desk = Desk(sim, redis, redis_url, history=100)
    desk.sync.reread(HOURS)
    assert noticed_corrections(desk, HOURS) == [(hour - 70 * HOUR_MS, "7.5", "daily")]
    assert len(desk.asked()) == asked + 1
    desk.sync.reread(HOURS)
    assert len(desk.asked()) == asked + 1


@pytest.mark.parametrize("name", INTERVALS)
def test_every_interval_is_read_again_and_nothing_changes(desk: Desk, name: str) -> None:
    series = Series("SOLUSDT", INTERVALS[name])
    desk.sync.refresh(series)
    before = desk.stored(series)
    rereads.done(desk.redis, series, NOW_MS - DAY_MS)
    asked = len(desk.asked())
    while desk.sync.reread(series):
        pass
    assert len(desk.asked()) == asked + 1
    assert desk.stored(series) == before
    assert not desk.sync.reread(series)
