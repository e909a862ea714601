"""Answers that are not to be believed: held back, reported, and asked for again.

Never here: corrections, which are believed (`test_official_writer`).
Invariant: what is held back changes nothing that is stored.
"""

from __future__ import annotations

import pytest

from tests.support.driven_fetcher import (
    MINUTES,
    NOW_MS,
    Desk,
    correct,
    minutes_ago,
    noticed_corrections,
)
from truecandle.candles.interval import DAY_MS, MINUTE_MS
from truecandle.errors import AnswerHeld
from truecandle.ingest.plausibility import DIFFERENCES_MAX
from truecandle.store import keys, quarantine, rereads


def test_too_many_differences_at_once_are_held_back_and_reported(desk: Desk) -> None:
    desk.sync.refresh(MINUTES)
    before = desk.stored(MINUTES)
    desk.events.take()
    for number in range(5, 5 + DIFFERENCES_MAX + 1):
        correct(desk, minutes_ago(number), f"{number}.5")
    for times in (1, 2):
        rereads.done(desk.redis, MINUTES, NOW_MS - DAY_MS)
        desk.sync.reread(MINUTES)
        (found,) = quarantine.read(desk.redis, MINUTES)
        assert (found.reason, found.by, found.times) == ("differences", "daily", times)
        assert found.candles == DIFFERENCES_MAX + 1
    assert desk.stored(MINUTES) == before
    assert noticed_corrections(desk) == [] == desk.events.take()
    assert desk.sync.writer.counts["answers held"] == 2
    desk.sim.clock.advance(MINUTE_MS)
    assert desk.sync.refresh(MINUTES).has_arrived


def test_prices_of_another_market_are_held_back(desk: Desk) -> None:
    desk.sync.refresh(MINUTES)
    before = desk.stored(MINUTES)
    rows = [
        row.row() for row in desk.sim.market.truth("SOLUSDT", "1m", minutes_ago(4), minutes_ago(0))
    ]
    desk.sim.clock.advance(MINUTE_MS)
    with pytest.raises(AnswerHeld):
        desk.sync.writer.write(MINUTES, rows, "new")
    assert desk.stored(MINUTES) == before
    assert quarantine.read(desk.redis, MINUTES)[0].reason == "foreign"


def test_a_row_that_is_no_candle_is_held_until_a_good_one_comes(desk: Desk) -> None:
    desk.sync.refresh(MINUTES)
    (good,) = [
        row.row() for row in desk.sim.market.truth("BTCUSDT", "1m", minutes_ago(9), minutes_ago(8))
    ]
    bad = [*good]
    bad[2] = "0.01"
    desk.redis.zremrangebyscore(keys.klines(MINUTES), minutes_ago(9), minutes_ago(9))
    desk.sync.writer.write(MINUTES, [bad], "repair", by="fill")
    (found,) = quarantine.read(desk.redis, MINUTES)
    assert (found.reason, found.from_ms, found.by) == ("broken", minutes_ago(9), "fill")
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
