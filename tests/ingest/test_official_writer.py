"""Official candles as they come in: what the exchange corrected is stored, kept and told.

Never here: which answers are believed (`test_plausibility`), processes.
Invariant: a correction is noticed once, with what was there before.
"""

from __future__ import annotations

from collections.abc import Iterable

from redis import Redis

from tests.support.driven_fetcher import (
    MINUTES,
    NOW_MS,
    Desk,
    correct,
    minutes_ago,
    noticed_corrections,
)
from tests.support.sample_candles import minute
from truecandle.candles.candle import LiveCandle
from truecandle.candles.interval import DAY_MS, MINUTE_MS
from truecandle.events import GAP_PROVEN
from truecandle.sim.server import SimServer
from truecandle.store import live, rereads


def test_fifty_corrections_are_each_noticed_once_and_told(desk: Desk) -> None:
    desk.sync.refresh(MINUTES)
    desk.events.take()
    volumes = {minutes_ago(5 * number): f"{number}.5" for number in range(2, 52)}
    for open_ms, volume in volumes.items():
        correct(desk, open_ms, volume)
    rereads.done(desk.redis, MINUTES, NOW_MS - DAY_MS)
    while desk.sync.reread(MINUTES):
        pass
    assert sorted(noticed_corrections(desk)) == sorted(
        (at, text, "daily") for at, text in volumes.items()
    )
    events = desk.events.take()
    assert {event["reason"] for event in events} == {"correction"}
    assert min(event["from"] for event in events) == min(volumes)
    assert max(event["to"] for event in events) == max(volumes)
    assert desk.stored(MINUTES) == desk.truth(MINUTES, 300)
    desk.sync.refresh(MINUTES)
    rereads.done(desk.redis, MINUTES, NOW_MS - DAY_MS)
    while desk.sync.reread(MINUTES):
        pass
    assert len(noticed_corrections(desk)) == 50
    assert desk.events.take() == []


def test_a_correction_of_the_last_candles_is_noticed_by_the_next_refresh(desk: Desk) -> None:
    desk.sync.refresh(MINUTES)
    correct(desk, minutes_ago(3), "3.5")
    desk.sync.refresh(MINUTES)
    assert noticed_corrections(desk) == [(minutes_ago(3), "3.5", "refresh")]


def test_the_fetcher_tells_browsers_what_is_missing(
    sim: SimServer, redis: Redis, redis_url: str
) -> None:
    desk = Desk(sim, redis, redis_url)
    end_ms = NOW_MS - NOW_MS % MINUTE_MS - 2 * MINUTE_MS
    start_ms = end_ms - 3 * MINUTE_MS
    sim.faults.add("gap", start_ms=start_ms, end_ms=end_ms)
    times = [start_ms - MINUTE_MS, start_ms, start_ms + MINUTE_MS, end_ms]
    flat = [minute(0, 0, trades=0, open_ms=t, updated_at=t + 60_000) for t in times]
    live.save_many(redis, [(MINUTES, one) for one in flat], now_ms=NOW_MS)
    desk.sync.refresh(MINUTES)
    shown = live.read_live(redis, MINUTES, NOW_MS)
    assert not {start_ms, start_ms + MINUTE_MS} & _opens([*shown.pending])
    assert desk.events.take(event=GAP_PROVEN) == [
        {"symbol": "BTCUSDT", "interval": "1m", "missing": [[start_ms, end_ms]]}
    ]
    desk.sync.refresh(MINUTES)
    assert desk.events.take(event=GAP_PROVEN) == []


def _opens(candles: Iterable[LiveCandle]) -> set[int]:
    return {candle.open_ms for candle in candles}
