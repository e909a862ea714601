"""Recorded official candles through the fetcher: stored as their own text, no hole filled."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import redis as redis_py

from tests.support.driven_fetcher import Desk, member, opens
from tests.support.project_files import ROOT
from truecandle.candles.interval import INTERVALS, MINUTE_MS
from truecandle.candles.series import Series
from truecandle.sim.archive import replayed
from truecandle.sim.clock import SimulatedClock
from truecandle.sim.server import SimServer
from truecandle.store import gaps

FOLDER = ROOT / "tests" / "data" / "klines"
FILES = sorted(FOLDER.glob("*.json"))
HISTORY = 3_000


def recorded(path: Path) -> list[list[Any]]:
    rows: list[list[Any]] = json.loads(path.read_text(), parse_float=str)
    return rows


def series_of(path: Path) -> Series:
    symbol, name = path.stem.split("-")[:2]
    return Series(symbol, INTERVALS[name.replace("1mo", "1M")])


def filled(path: Path, redis: redis_py.Redis, redis_url: str) -> tuple[Desk, Series]:
    """The fetcher after it filled the series of that file, some minutes after the last row."""
    series, rows = series_of(path), recorded(path)
    grid = (
        series.interval.with_phase(rows[0][0]) if series.interval.name == "3d" else series.interval
    )
    clock = SimulatedClock(grid.next_open_ms(rows[-1][0]) + 5 * MINUTE_MS, speed=0)
    with SimServer(market=replayed([str(path)], clock)) as sim:
        desk = Desk(sim, redis, redis_url, history=HISTORY)
        desk.sync.refresh(series)
        for _ in range(3):
            desk.sync.fill(series)
    return desk, series


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_stored_member_is_the_official_text(
    path: Path, redis: redis_py.Redis, redis_url: str
) -> None:
    desk, series = filled(path, redis, redis_url)
    rows = recorded(path)
    found = desk.stored(series)
    if len(rows[0]) == 12:
        assert found == [member(row) for row in rows]
    else:
        first_six = [b"[" + b",".join(text[1:-1].split(b",")[:6]) + b"]" for text in found]
        assert first_six == [member(row) for row in rows]
    desk.check(series)


@pytest.mark.parametrize(
    ("day", "first_ms", "candles", "placeholders"),
    [("2021-04-25", 1_619_323_260_000, 284, 0), ("2023-03-24", 1_679_661_600_000, 80, 72)],
)
def test_a_recorded_hole_is_maintenance_and_a_second_pass_asks_nothing(
    redis: redis_py.Redis, redis_url: str, day: str, first_ms: int, candles: int, placeholders: int
) -> None:
    path = FOLDER / f"BTCUSDT-1m-{day}.json"
    series, rows = series_of(path), recorded(path)
    clock = SimulatedClock(series.interval.next_open_ms(rows[-1][0]) + 5 * MINUTE_MS, speed=0)
    with SimServer(market=replayed([str(path)], clock)) as sim:
        desk = Desk(sim, redis, redis_url, history=HISTORY)
        desk.sync.refresh(series)
        desk.sync.fill(series)
        older, hole = gaps.read(redis, series).all
        assert (older.reason, older.end_ms) == ("not_listed", rows[0][0])
        assert (hole.reason, hole.start_ms, hole.candles) == ("maintenance", first_ms, candles)
        asked = len(desk.asked())
        again = Desk(sim, redis, redis_url, history=HISTORY)
        for fetcher in (desk.sync, again.sync):
            assert not fetcher.fill(series)
        assert len(desk.asked()) == asked
    silent = {row[0] for row in rows if float(row[5]) == 0}
    assert len(silent) == placeholders
    assert silent <= set(opens(desk.stored(series)))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_recorded_gap_stays_a_gap_and_brings_no_storm_of_requests(
    path: Path, redis: redis_py.Redis, redis_url: str
) -> None:
    desk, series = filled(path, redis, redis_url)
    assert opens(desk.stored(series)) == [row[0] for row in recorded(path)]
    assert len(desk.asked()) <= math.ceil(HISTORY / 1_000) + 3 + 1


def test_candles_that_closed_early_keep_their_close_time(
    redis: redis_py.Redis, redis_url: str
) -> None:
    desk, series = filled(FOLDER / "BTCUSDT-1h.json", redis, redis_url)
    early = [
        text
        for text in desk.stored(series)
        if (fields := json.loads(text))[6] != series.interval.close_ms(fields[0])
    ]
    assert [json.loads(text)[6] for text in early] == [1_679_661_581_646]


@pytest.mark.parametrize(("symbol", "day"), [("BTCUSDT", 1), ("SOLUSDT", 2), ("XRPUSDT", 0)])
def test_the_grid_of_3d_is_each_markets_own(
    redis: redis_py.Redis, redis_url: str, symbol: str, day: int
) -> None:
    desk, series = filled(FOLDER / f"{symbol}-3d.json", redis, redis_url)
    days = {open_ms // 86_400_000 % 3 for open_ms in opens(desk.stored(series))}
    assert days == {day}
