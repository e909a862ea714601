"""The audit in the store, in the fetcher and on the command line: entered once, and before the
live candle is settled away.

Never here: the arithmetic (`tests/candles/test_audit.py`), the REST answer (`tests/web`).
Invariant: what the chart showed is saved as the feed saves it, and read as an operator reads it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import click
import pytest
import redis as redis_py
from click.testing import CliRunner, Result

from tests.support.driven_fetcher import MINUTES, NOW_MS, Desk
from truecandle import admin
from truecandle.candles.audit import AuditEntry, compare
from truecandle.candles.candle import (
    LiveCandle,
    OfficialCandle,
    live_from_official,
    official_from_row,
)
from truecandle.candles.instrument import Instrument
from truecandle.candles.interval import MINUTE_MS
from truecandle.config import Settings
from truecandle.sim.clock import SimulatedClock
from truecandle.sim.server import SimServer
from truecandle.store import audit, keys, live, markets

MINUTE = NOW_MS - NOW_MS % MINUTE_MS


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


def entry(number: int, **fields: Any) -> AuditEntry:
    """The minute `number` before the present one, shown as it became but for `fields`."""
    open_ms = MINUTE - number * MINUTE_MS
    row = [open_ms, "8.00", "9.00", "7.00", "8.51", "12.5", open_ms + MINUTE_MS - 1, "100", 3,
           "1", "8", "0"]  # fmt: skip
    became = official_from_row(row)
    shown = replace(live_from_official(became, open_ms + MINUTE_MS - 100), **fields)
    end_ms = open_ms + MINUTE_MS
    return compare(became, shown, end_ms=end_ms, at_ms=end_ms + 3_000)


def test_at_most_a_thousand_entries_are_kept_the_newest(redis: redis_py.Redis) -> None:
    for first in range(1_200, 0, -100):
        audit.record(redis, MINUTES, [entry(n) for n in range(first, first - 100, -1)])
    found = audit.read(redis, MINUTES)
    assert len(found) == audit.KEPT
    assert found[0] == entry(1)


def test_recording_twice_records_once(redis: redis_py.Redis) -> None:
    assert audit.record(redis, MINUTES, [entry(2), entry(1)]) == 2
    assert audit.record(redis, MINUTES, [entry(2, trades=9), entry(1)]) == 0
    assert audit.read(redis, MINUTES) == [entry(1), entry(2)]
    assert audit.record(redis, MINUTES, []) == 0


def run(redis_url: str, command: str) -> Result:
    """A `flask` command, without Flask."""
    cli = click.Group()
    settings = Settings(redis_url=redis_url, symbols=("BTCUSDT",), intervals=("1m", "1h"))
    admin.init_app(cli, settings)
    return CliRunner().invoke(cli, command.split())


def test_the_command_prints_a_table_of_all_markets(redis: redis_py.Redis, redis_url: str) -> None:
    audit.record(redis, MINUTES, [entry(3), entry(2), entry(1, close="8.54")])
    result = run(redis_url, "audit")
    assert result.exit_code == 0, result.output
    rows = {line.split()[1]: line for line in result.output.splitlines() if "BTCUSDT" in line}
    cells = [cell.strip() for cell in rows["BTCUSDT:1m"].strip("│").split("│")]
    assert cells == ["BTCUSDT:1m", "3", "66.6666 %", "0", "3", "0", "3.000", "3.000"]
    assert "–" in rows["BTCUSDT:1h"]


def test_the_command_lists_markets_that_were_added_since_the_start(
    redis: redis_py.Redis, redis_url: str
) -> None:
    markets.followed(redis, ("BTCUSDT",))
    markets.follow(
        redis, markets.FollowedMarket(Instrument("SOLUSDT", tick_size="0.01"), added_ms=MINUTE)
    )
    output = run(redis_url, "audit").output
    assert "BTCUSDT:1m" in output and "SOLUSDT:1h" in output


def test_the_command_explains_one_market(redis: redis_py.Redis, redis_url: str) -> None:
    audit.record(redis, MINUTES, [entry(2), entry(1, close="8.54")])
    output = run(redis_url, "audit BTCUSDT 1m").output
    assert "2 candles shown live, 1 exact (50 %)" in output
    assert "A tick is 0.01 (source: official prices)" in output
    (close,) = [line for line in output.splitlines() if "│ close" in line]
    assert [cell.strip() for cell in close.strip("│").split("│")][1:3] == ["1", "3"]
    assert "2024-08-08 11:59:00" in output
    assert "close +0.03" in output


def test_the_command_says_what_is_wrong_or_missing(redis: redis_py.Redis, redis_url: str) -> None:
    assert "No candle of BTCUSDT:1h" in run(redis_url, "audit BTCUSDT 1h").output
    for wrong, told in (
        ("BTCUSDT", "both SYMBOL and INTERVAL"),
        ("BTCUSDT 7m", "interval is '7m'"),
    ):
        result = run(redis_url, f"audit {wrong}")
        assert result.exit_code != 0
        assert told in result.output
        assert "Traceback" not in result.output
