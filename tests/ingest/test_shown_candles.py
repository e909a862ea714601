"""What the chart had shown is compared with what comes in: once, and before the live candle is
settled away.

Never here: the arithmetic (`tests/candles/test_audit.py`), the REST answer (`tests/web`).
Invariant: what the chart showed is saved as the feed saves it, and read as an operator reads it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import redis as redis_py

from tests.support.audit_entries import MINUTE
from tests.support.driven_fetcher import MINUTES, NOW_MS, Desk
from truecandle.candles.audit import AuditEntry
from truecandle.candles.candle import (
    LiveCandle,
    OfficialCandle,
    live_from_official,
    official_from_row,
)
from truecandle.candles.interval import MINUTE_MS
from truecandle.sim.clock import SimulatedClock
from truecandle.sim.server import SimServer
from truecandle.store import audit, keys, live


@pytest.fixture
def clock() -> SimulatedClock:
    return SimulatedClock(NOW_MS, speed=0)


@pytest.fixture
def sim(clock: SimulatedClock) -> Iterator[SimServer]:
    with SimServer(["BTCUSDT"], clock=clock) as server:
        yield server


@pytest.fixture
def desk(sim: SimServer, redis: redis_py.Redis, redis_url: str) -> Desk:
    """A fetcher that has read all up to the minute before the one at `NOW_MS`."""
    desk = Desk(sim, redis, redis_url)
    desk.sync.refresh(MINUTES)
    return desk


def official(desk: Desk, open_ms: int) -> OfficialCandle:
    """The candle as the exchange will publish it."""
    (row,) = desk.sim.market.truth("BTCUSDT", "1m", open_ms, open_ms + MINUTE_MS)
    return official_from_row(row.row())


def show(desk: Desk, open_ms: int, **fields: Any) -> LiveCandle:
    """Puts a candle on the chart, as it will become official but for `fields`."""
    true = live_from_official(official(desk, open_ms), open_ms + MINUTE_MS - 100)
    candle = replace(true, **fields)
    live.save_live(desk.redis, MINUTES, candle, now_ms=desk.sim.clock.now_ms())
    return candle


def entries(desk: Desk) -> list[AuditEntry]:
    return audit.read(desk.redis, MINUTES)


def shift(clock: SimulatedClock, minutes: int) -> None:
    clock.shift(minutes * MINUTE_MS)


def test_history_is_not_audited(desk: Desk) -> None:
    assert len(desk.stored(MINUTES)) == 100
    assert entries(desk) == []


def test_a_candle_that_waited_as_pending_is_compared_before_it_is_settled_away(
    desk: Desk, clock: SimulatedClock
) -> None:
    shift(clock, 2)
    shown = show(desk, MINUTE)
    show(desk, MINUTE + MINUTE_MS)
    clock.shift(-MINUTE_MS)
    assert desk.sync.refresh(MINUTES).has_arrived
    (entry,) = entries(desk)
    assert entry.shown == replace(shown, is_complete=True)
    assert entry.official == official(desk, MINUTE)
    assert entry.is_exact
    assert entry.late_ms == 10_000
    assert live.read_live(desk.redis, MINUTES, clock.now_ms()).pending == ()


def test_a_candle_that_still_formed_is_compared_as_well(desk: Desk, clock: SimulatedClock) -> None:
    shift(clock, 1)
    shown = show(desk, MINUTE, trades=1, volume="0.1")
    desk.sync.refresh(MINUTES)
    (entry,) = entries(desk)
    assert entry.shown == shown
    assert entry.differing == ("volume", "trades")


def test_a_candle_is_entered_once_however_often_it_is_read(
    desk: Desk, clock: SimulatedClock
) -> None:
    shift(clock, 1)
    show(desk, MINUTE)
    for _ in range(3):
        desk.sync.refresh(MINUTES)
    assert len(entries(desk)) == 1


def test_late_news_of_a_candle_that_is_official_already_changes_no_entry(
    desk: Desk, clock: SimulatedClock
) -> None:
    shift(clock, 2)
    show(desk, MINUTE)
    show(desk, MINUTE + MINUTE_MS)
    clock.shift(-MINUTE_MS)
    desk.sync.refresh(MINUTES)
    show(desk, MINUTE, trades=1, updated_at=clock.now_ms())
    assert live.read_live(desk.redis, MINUTES, clock.now_ms()).pending
    desk.sync.refresh(MINUTES)
    (entry,) = entries(desk)
    assert entry.is_exact


def test_candles_that_the_chart_never_showed_are_entered_as_such(
    desk: Desk, clock: SimulatedClock
) -> None:
    shift(clock, 3)
    show(desk, MINUTE + MINUTE_MS)
    desk.sync.refresh(MINUTES)
    found = entries(desk)
    assert [one.open_ms for one in found] == [MINUTE + n * MINUTE_MS for n in (2, 1, 0)]
    assert [one.shown is None for one in found] == [True, False, True]
    assert [one.late_ms for one in found] == [10_000, 70_000, 130_000]


def test_a_long_absence_leaves_room_for_what_was_shown(desk: Desk, clock: SimulatedClock) -> None:
    shift(clock, 900)
    desk.sync.refresh(MINUTES)
    found = entries(desk)
    assert len(found) == live.PENDING_KEPT
    assert found[0].open_ms == MINUTE + 899 * MINUTE_MS


def test_a_candle_whose_audit_was_lost_with_the_fetcher_is_entered_by_the_next_pass(
    desk: Desk, clock: SimulatedClock
) -> None:
    shift(clock, 1)
    show(desk, MINUTE)
    desk.sync.refresh(MINUTES)
    desk.redis.delete(keys.audit(MINUTES))
    desk.sync.refresh(MINUTES)
    assert len(entries(desk)) == 1


@pytest.mark.parametrize("key", [keys.audit, keys.live], ids=["audit", "live"])
def test_keys_that_are_not_ours_cost_the_audit_and_no_candle(
    desk: Desk, clock: SimulatedClock, key: Any
) -> None:
    shift(clock, 1)
    desk.redis.delete(key(MINUTES))
    desk.redis.hset(key(MINUTES), "someone", "else")
    desk.events.take()
    assert desk.sync.refresh(MINUTES).has_arrived
    assert desk.stored(MINUTES)[-1] == official(desk, MINUTE).member().encode()
    assert len(desk.events.take()) == 1
    assert desk.sync.writer.counts["answers not audited"] == 1
