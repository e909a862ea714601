"""Holes and their reasons, as the answers of the simulated exchange prove them.

Never here: the arithmetic of gaps (`tests/candles/test_gap.py`), processes.
Invariant: what the store lacks in the end is what the exchange lacks, and it is known why.
"""

from __future__ import annotations

import pytest
import redis as redis_py

from tests.support.driven_fetcher import (
    MINUTES,
    NOW_MS,
    Desk,
    known_gaps,
    make_gap,
    minutes_ago,
    opens,
)
from truecandle.candles.instrument import Instrument
from truecandle.candles.interval import DAY_MS, HOUR_MS, INTERVALS, MINUTE_MS
from truecandle.candles.series import Series
from truecandle.errors import ExchangeError
from truecandle.sim.server import SimServer
from truecandle.store import keys, markets
from truecandle.store.markets import FollowedMarket


def test_a_hole_with_both_neighbours_in_one_answer_is_maintenance(desk: Desk) -> None:
    make_gap(desk, 40, 30)
    desk.sync.refresh(MINUTES)
    (found,) = known_gaps(desk)
    assert (found.start_ms, found.end_ms, found.candles) == (minutes_ago(40), minutes_ago(30), 10)
    assert found.reason == "maintenance"
    assert str(minutes_ago(41)) in found.evidence and str(minutes_ago(30)) in found.evidence
    assert (found.found_ms, found.asked_ms, found.asks) == (NOW_MS, NOW_MS, 1)
    asked = len(desk.asked())
    assert not desk.sync.fill(MINUTES)
    assert len(desk.asked()) == asked


def test_beside_a_row_that_cannot_be_read_no_hole_is_proven_and_all_else_is(desk: Desk) -> None:
    """The row of a candle is null: that one is missing still, the next answer brings it."""
    make_gap(desk, 40, 30)
    desk.sim.faults.add("odd_row", path="klines", interval="1m", row=-25)
    desk.sync.refresh(MINUTES)
    found = {gap.start_ms: gap.reason for gap in known_gaps(desk)}
    assert found[minutes_ago(40)] == "maintenance"
    assert [reason for start, reason in found.items() if start != minutes_ago(40)] == ["unproven"]
    (hidden,) = [one for one in known_gaps(desk) if one.reason == "unproven"]
    assert hidden.candles == 1
    desk.sim.clock.advance(2 * MINUTE_MS)
    desk.sync.refresh(MINUTES)
    desk.sync.fill(MINUTES)
    assert [(one.start_ms, one.reason) for one in known_gaps(desk)] == [
        (minutes_ago(40), "maintenance")
    ]
    desk.check(MINUTES)


def test_a_hole_of_several_pages_is_one_gap_in_the_end(
    sim: SimServer, redis: redis_py.Redis, redis_url: str
) -> None:
    desk = Desk(sim, redis, redis_url, history=5_000)
    make_gap(desk, 4_000, 1_500)
    desk.sync.fill(MINUTES)
    (found,) = known_gaps(desk)
    assert (found.start_ms, found.end_ms, found.candles) == (
        minutes_ago(4_000),
        minutes_ago(1_500),
        2_500,
    )
    assert found.reason == "maintenance"
    assert len(desk.asked()) <= 5 + 3


def test_a_proven_hole_is_asked_for_a_few_times_while_young_and_never_after(desk: Desk) -> None:
    make_gap(desk, 40, 30)
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
    assert known_gaps(desk)[0].again_ms is None


def test_a_hole_at_the_edge_of_what_is_known_is_unproven_until_asked_again(desk: Desk) -> None:
    make_gap(desk, 400, 290)
    desk.sync.refresh(MINUTES)
    desk.sync.fill(MINUTES)
    (found,) = known_gaps(desk)
    assert found.reason == "unproven"
    assert (found.asks, found.again_ms) == (1, NOW_MS + MINUTE_MS)
    desk.sync.fill(MINUTES)
    assert known_gaps(desk)[0].asks == 1
    asks = []
    for _ in range(40):
        desk.sim.clock.advance(MINUTE_MS)
        desk.sync.refresh(MINUTES)
        desk.sync.fill(MINUTES)
        asks.append(
            len([one for one in known_gaps(desk) if one.reason == "unproven" and one.asks > 1])
        )
    assert any(asks)
    assert known_gaps(desk)[0].asks <= 10


def test_a_hole_that_could_not_be_asked_for_is_fetch_failed_and_then_filled(desk: Desk) -> None:
    desk.sync.refresh(MINUTES)
    desk.redis.zremrangebyscore(keys.klines(MINUTES), minutes_ago(50), minutes_ago(41))
    desk.sim.faults.add("server_error", path="klines")
    with pytest.raises(ExchangeError):
        desk.sync.fill(MINUTES)
    (found,) = known_gaps(desk)
    assert (found.reason, found.candles) == ("fetch_failed", 10)
    assert "503" in found.evidence or "50" in found.evidence
    desk.sync.fill(MINUTES)
    assert len(known_gaps(desk)) == 1
    desk.sim.clock.advance(2_000)
    desk.sync.fill(MINUTES)
    assert desk.stored(MINUTES) == desk.truth(MINUTES, 300)
    assert known_gaps(desk) == []


def test_what_is_older_than_the_listing_is_not_listed(
    sim: SimServer, redis: redis_py.Redis, redis_url: str
) -> None:
    desk = Desk(sim, redis, redis_url, history=100_000)
    days = Series("SOLUSDT", INTERVALS["1d"])
    desk.sync.fill(days)
    (found,) = known_gaps(desk, days)
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
    (found,) = known_gaps(desk)
    assert (found.start_ms, found.candles) == (latest + MINUTE_MS, 180)
    assert (found.reason, found.again_ms) == ("delisted", None)
    assert "BREAK" in found.evidence
    desk.sync.fill(MINUTES)
    assert known_gaps(desk) == [found]


def test_holes_are_found_over_all_that_is_stored_not_only_in_the_window(desk: Desk) -> None:
    old = [
        row.row()
        for row in desk.sim.market.truth("BTCUSDT", "1m", minutes_ago(900), minutes_ago(301))
    ]
    desk.sync.refresh(MINUTES)
    desk.sync.writer.write(MINUTES, old, "backfill")
    make_gap(desk, 700, 650)
    desk.redis.zremrangebyscore(keys.klines(MINUTES), minutes_ago(700), minutes_ago(651))
    desk.redis.zremrangebyscore(keys.klines(MINUTES), minutes_ago(500), minutes_ago(491))
    desk.sync.fill(MINUTES)
    assert [(one.start_ms, one.reason) for one in known_gaps(desk)] == [
        (minutes_ago(700), "maintenance")
    ]
    assert len(opens(desk.stored(MINUTES))) == 900 - 50
    asked = len(desk.asked())
    desk.sync.fill(MINUTES)
    assert len(desk.asked()) == asked


def test_gaps_outlive_the_fetcher(sim: SimServer, redis: redis_py.Redis, redis_url: str) -> None:
    desk = Desk(sim, redis, redis_url, history=300)
    make_gap(desk, 40, 30)
    desk.sync.refresh(MINUTES)
    asked = len(desk.asked())
    Desk(sim, redis, redis_url, history=300).sync.fill(MINUTES)
    assert len(desk.asked()) == asked
