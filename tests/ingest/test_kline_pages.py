"""Holes with their reasons and corrections, as the fetcher finds them at the simulated exchange.

Never here: the arithmetic of gaps (`tests/candles/test_gap.py`), processes.
Invariant: what the store lacks in the end is what the exchange lacks, and it is known why.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis as redis_py

from tests.support.driven_fetcher import HOURS, MINUTES, NOW_MS, Desk, opens
from truecandle.candles.gap import Gap
from truecandle.candles.instrument import Instrument
from truecandle.candles.interval import DAY_MS, HOUR_MS, INTERVALS, MINUTE_MS
from truecandle.candles.series import Series
from truecandle.errors import AnswerHeld, ExchangeError
from truecandle.ingest.plausibility import DIFFERENCES_MAX
from truecandle.sim.clock import SimulatedClock
from truecandle.sim.server import SimServer
from truecandle.store import gaps, keys, markets, official, quarantine, rereads
from truecandle.store.markets import FollowedMarket

THE_MINUTE_MS = NOW_MS - NOW_MS % MINUTE_MS


@pytest.fixture
def sim() -> Iterator[SimServer]:
    with SimServer(["BTCUSDT", "SOLUSDT"], clock=SimulatedClock(NOW_MS, speed=0)) as server:
        yield server


@pytest.fixture
def desk(sim: SimServer, redis: redis_py.Redis, redis_url: str) -> Desk:
    return Desk(sim, redis, redis_url, history=300)


def known(desk: Desk, series: Series = MINUTES) -> list[Gap]:
    return list(gaps.read(desk.redis, series).all)


def ago(minutes: int) -> int:
    return THE_MINUTE_MS - minutes * MINUTE_MS


def gap(desk: Desk, first: int, last: int) -> None:
    """The exchange has no candles from so many minutes ago to so many."""
    desk.sim.faults.add("gap", start_ms=ago(first), end_ms=ago(last))


def correct(desk: Desk, open_ms: int, volume: str, name: str = "1m") -> None:
    desk.sim.faults.add(
        "correction",
        symbol="BTCUSDT",
        interval=name,
        open_ms=open_ms,
        changes={"volume": volume},
    )


def noticed(desk: Desk, series: Series = MINUTES) -> list[tuple[int, str, str]]:
    found = official.corrections(desk.redis, series, 1_000)
    return [(one.time, one.new.volume, one.by) for one in found]


def test_a_hole_with_both_neighbours_in_one_answer_is_maintenance(desk: Desk) -> None:
    gap(desk, 40, 30)
    desk.sync.refresh(MINUTES)
    (found,) = known(desk)
    assert (found.start_ms, found.end_ms, found.candles) == (ago(40), ago(30), 10)
    assert found.reason == "maintenance"
    assert str(ago(41)) in found.evidence and str(ago(30)) in found.evidence
    assert (found.found_ms, found.asked_ms, found.asks) == (NOW_MS, NOW_MS, 1)
    asked = len(desk.asked())
    assert not desk.sync.fill(MINUTES)
    assert len(desk.asked()) == asked


def test_beside_a_row_that_cannot_be_read_no_hole_is_proven_and_all_else_is(desk: Desk) -> None:
    """The row of a candle is null: that one is missing still, the next answer brings it."""
    gap(desk, 40, 30)
    desk.sim.faults.add("odd_row", path="klines", interval="1m", row=-25)
    desk.sync.refresh(MINUTES)
    found = {gap.start_ms: gap.reason for gap in known(desk)}
    assert found[ago(40)] == "maintenance"
    assert [reason for start, reason in found.items() if start != ago(40)] == ["unproven"]
    (hidden,) = [one for one in known(desk) if one.reason == "unproven"]
    assert hidden.candles == 1
    desk.sim.clock.advance(2 * MINUTE_MS)
    desk.sync.refresh(MINUTES)
    desk.sync.fill(MINUTES)
    assert [(one.start_ms, one.reason) for one in known(desk)] == [(ago(40), "maintenance")]
    desk.check(MINUTES)


def test_a_hole_of_several_pages_is_one_gap_in_the_end(
    sim: SimServer, redis: redis_py.Redis, redis_url: str
) -> None:
    desk = Desk(sim, redis, redis_url, history=5_000)
    gap(desk, 4_000, 1_500)
    desk.sync.fill(MINUTES)
    (found,) = known(desk)
    assert (found.start_ms, found.end_ms, found.candles) == (ago(4_000), ago(1_500), 2_500)
    assert found.reason == "maintenance"
    assert len(desk.asked()) <= 5 + 3


def test_a_proven_hole_is_asked_for_a_few_times_while_young_and_never_after(desk: Desk) -> None:
    gap(desk, 40, 30)
    desk.sync.refresh(MINUTES)
    asked = []
    for _ in range(3 * 24):
        desk.sim.clock.advance(HOUR_MS)
        before = len(desk.asked())
        desk.sync.fill(MINUTES)
        asked.append(len(desk.asked()) - before)
        desk.sync.refresh(MINUTES)
    assert 3 <= sum(asked) <= 12
    assert sum(asked[-24:]) == 0
    assert known(desk)[0].again_ms is None


def test_a_hole_at_the_edge_of_what_is_known_is_unproven_until_asked_again(desk: Desk) -> None:
    gap(desk, 400, 290)
    desk.sync.refresh(MINUTES)
    desk.sync.fill(MINUTES)
    (found,) = known(desk)
    assert found.reason == "unproven"
    assert (found.asks, found.again_ms) == (1, NOW_MS + MINUTE_MS)
    desk.sync.fill(MINUTES)
    assert known(desk)[0].asks == 1
    asks = []
    for _ in range(40):
        desk.sim.clock.advance(MINUTE_MS)
        desk.sync.refresh(MINUTES)
        desk.sync.fill(MINUTES)
        asks.append(len([one for one in known(desk) if one.reason == "unproven" and one.asks > 1]))
    assert any(asks)
    assert known(desk)[0].asks <= 10


def test_a_hole_that_could_not_be_asked_for_is_fetch_failed_and_then_filled(desk: Desk) -> None:
    desk.sync.refresh(MINUTES)
    desk.redis.zremrangebyscore(keys.klines(MINUTES), ago(50), ago(41))
    desk.sim.faults.add("server_error", path="klines")
    with pytest.raises(ExchangeError):
        desk.sync.fill(MINUTES)
    (found,) = known(desk)
    assert (found.reason, found.candles) == ("fetch_failed", 10)
    assert "503" in found.evidence or "50" in found.evidence
    desk.sync.fill(MINUTES)
    assert len(known(desk)) == 1
    desk.sim.clock.advance(2_000)
    desk.sync.fill(MINUTES)
    assert desk.stored(MINUTES) == desk.truth(MINUTES, 300)
    assert known(desk) == []


def test_what_is_older_than_the_listing_is_not_listed(
    sim: SimServer, redis: redis_py.Redis, redis_url: str
) -> None:
    desk = Desk(sim, redis, redis_url, history=100_000)
    days = Series("SOLUSDT", INTERVALS["1d"])
    desk.sync.fill(days)
    (found,) = known(desk, days)
    assert (found.reason, found.again_ms) == ("not_listed", None)
    assert found.end_ms == 18_485 * DAY_MS
    asked = len(desk.asked())
    again = Desk(sim, redis, redis_url, history=100_000)
    again.sync.fill(days)
    assert len(desk.asked()) == asked


def test_a_market_that_trades_no_more_is_delisted_after_its_last_candle(desk: Desk) -> None:
    desk.sync.refresh(MINUTES)
    latest = opens(desk.stored(MINUTES))[-1]
    markets.follow(desk.redis, FollowedMarket(Instrument("BTCUSDT", "BREAK")))
    desk.sim.clock.advance(3 * HOUR_MS)
    desk.sync.fill(MINUTES)
    (found,) = known(desk)
    assert (found.start_ms, found.candles) == (latest + MINUTE_MS, 180)
    assert (found.reason, found.again_ms) == ("delisted", None)
    assert "BREAK" in found.evidence
    desk.sync.fill(MINUTES)
    assert known(desk) == [found]


def test_holes_are_found_over_all_that_is_stored_not_only_in_the_window(desk: Desk) -> None:
    old = [row.row() for row in desk.sim.market.truth("BTCUSDT", "1m", ago(900), ago(301))]
    desk.sync.refresh(MINUTES)
    desk.sync.writer.write(MINUTES, old, "backfill")
    gap(desk, 700, 650)
    desk.redis.zremrangebyscore(keys.klines(MINUTES), ago(700), ago(651))
    desk.redis.zremrangebyscore(keys.klines(MINUTES), ago(500), ago(491))
    desk.sync.fill(MINUTES)
    assert [(one.start_ms, one.reason) for one in known(desk)] == [(ago(700), "maintenance")]
    assert len(opens(desk.stored(MINUTES))) == 900 - 50
    asked = len(desk.asked())
    desk.sync.fill(MINUTES)
    assert len(desk.asked()) == asked


def test_gaps_outlive_the_fetcher(sim: SimServer, redis: redis_py.Redis, redis_url: str) -> None:
    desk = Desk(sim, redis, redis_url, history=300)
    gap(desk, 40, 30)
    desk.sync.refresh(MINUTES)
    asked = len(desk.asked())
    Desk(sim, redis, redis_url, history=300).sync.fill(MINUTES)
    assert len(desk.asked()) == asked


def test_fifty_corrections_are_each_noticed_once_and_told(desk: Desk) -> None:
    desk.sync.refresh(MINUTES)
    desk.events.take()
    volumes = {ago(5 * number): f"{number}.5" for number in range(2, 52)}
    for open_ms, volume in volumes.items():
        correct(desk, open_ms, volume)
    rereads.done(desk.redis, MINUTES, NOW_MS - DAY_MS)
    while desk.sync.reread(MINUTES):
        pass
    assert sorted(noticed(desk)) == sorted((at, text, "daily") for at, text in volumes.items())
    events = desk.events.take()
    assert {event["reason"] for event in events} == {"correction"}
    assert min(event["from"] for event in events) == min(volumes)
    assert max(event["to"] for event in events) == max(volumes)
    assert desk.stored(MINUTES) == desk.truth(MINUTES, 300)
    desk.sync.refresh(MINUTES)
    rereads.done(desk.redis, MINUTES, NOW_MS - DAY_MS)
    while desk.sync.reread(MINUTES):
        pass
    assert len(noticed(desk)) == 50
    assert desk.events.take() == []


def test_a_correction_of_the_last_candles_is_noticed_by_the_next_refresh(desk: Desk) -> None:
    desk.sync.refresh(MINUTES)
    correct(desk, ago(3), "3.5")
    desk.sync.refresh(MINUTES)
    assert noticed(desk) == [(ago(3), "3.5", "refresh")]


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
    rereads.done(redis, HOURS, NOW_MS - DAY_MS)
    desk.sync.reread(HOURS)
    assert noticed(desk, HOURS) == [(hour - 70 * HOUR_MS, "7.5", "daily")]
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


def test_too_many_differences_at_once_are_held_back_and_reported(desk: Desk) -> None:
    desk.sync.refresh(MINUTES)
    before = desk.stored(MINUTES)
    desk.events.take()
    for number in range(5, 5 + DIFFERENCES_MAX + 1):
        correct(desk, ago(number), f"{number}.5")
    for times in (1, 2):
        rereads.done(desk.redis, MINUTES, NOW_MS - DAY_MS)
        desk.sync.reread(MINUTES)
        (found,) = quarantine.read(desk.redis, MINUTES)
        assert (found.reason, found.by, found.times) == ("differences", "daily", times)
        assert found.candles == DIFFERENCES_MAX + 1
    assert desk.stored(MINUTES) == before
    assert noticed(desk) == [] == desk.events.take()
    assert desk.sync.writer.counts["answers held"] == 2
    desk.sim.clock.advance(MINUTE_MS)
    assert desk.sync.refresh(MINUTES).has_arrived


def test_prices_of_another_market_are_held_back(desk: Desk) -> None:
    desk.sync.refresh(MINUTES)
    before = desk.stored(MINUTES)
    rows = [row.row() for row in desk.sim.market.truth("SOLUSDT", "1m", ago(4), ago(0))]
    desk.sim.clock.advance(MINUTE_MS)
    with pytest.raises(AnswerHeld):
        desk.sync.writer.write(MINUTES, rows, "new")
    assert desk.stored(MINUTES) == before
    assert quarantine.read(desk.redis, MINUTES)[0].reason == "foreign"


def test_a_row_that_is_no_candle_is_held_until_a_good_one_comes(desk: Desk) -> None:
    desk.sync.refresh(MINUTES)
    (good,) = [row.row() for row in desk.sim.market.truth("BTCUSDT", "1m", ago(9), ago(8))]
    bad = [*good]
    bad[2] = "0.01"
    desk.redis.zremrangebyscore(keys.klines(MINUTES), ago(9), ago(9))
    desk.sync.writer.write(MINUTES, [bad], "repair", by="fill")
    (found,) = quarantine.read(desk.redis, MINUTES)
    assert (found.reason, found.from_ms, found.by) == ("broken", ago(9), "fill")
    desk.sync.fill(MINUTES)
    assert quarantine.read(desk.redis, MINUTES) == []
    assert desk.stored(MINUTES) == desk.truth(MINUTES, 300)


def test_after_a_clock_jumped_nothing_is_applied_until_it_is_known_again(desk: Desk) -> None:
    desk.sync.refresh(MINUTES)
    desk.sim.clock.advance(MINUTE_MS)
    desk.is_clock_unsure = True
    with pytest.raises(AnswerHeld):
        desk.sync.refresh(MINUTES)
    assert quarantine.read(desk.redis, MINUTES)[0].reason == "clock"
    desk.is_clock_unsure = False
    assert desk.sync.refresh(MINUTES).has_arrived
    assert quarantine.read(desk.redis, MINUTES) == []
