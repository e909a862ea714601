"""`GET /corrections`, as a script reads it.

Never here: how corrections are found (`tests/ingest/test_kline_pages.py`).
Invariant: numbers are compared as text, not as floats.
"""

from __future__ import annotations

from redis import Redis

from tests.support.hourly_candles import asked, row, store
from tests.support.web_app import FORMING_MS, HOUR_MS, HOURLY, NOW_MS, Browser
from truecandle.store import quarantine
from truecandle.store.quarantine import Quarantined

SERIES = "?symbol=BTCUSDT&interval=1h"


def test_without_candles_nothing_was_corrected(ann: Browser) -> None:
    found = asked(ann, f"/corrections{SERIES}")
    assert (found["count"], found["corrections"], found["held"]) == (0, [], [])


def test_a_correction_is_told_with_both_candles_and_who_noticed(ann: Browser, redis: Redis) -> None:
    store(redis, row(3), row(2))
    store(redis, row(3, "12.5"), by="verify")
    (found,) = asked(ann, f"/corrections{SERIES}")["corrections"]
    assert (found["time"], found["by"]) == (row(3)[0], "verify")
    assert found["differing"] == ["volume"]
    assert (found["old"]["volume"], found["new"]["volume"]) == ("12.34567", "12.5")
    assert found["old"]["close"] == found["new"]["close"] == "42050.01"


def test_what_is_held_back_is_told_until_it_is_stored(ann: Browser, redis: Redis) -> None:
    open_ms = FORMING_MS - 3 * HOUR_MS
    one = Quarantined(
        "differences", open_ms, open_ms, 1, "daily", "too much at once", NOW_MS, NOW_MS
    )
    quarantine.add(redis, HOURLY, one)
    quarantine.add(redis, HOURLY, one)
    (found,) = asked(ann, f"/corrections{SERIES}")["held"]
    assert (found["reason"], found["from"], found["by"]) == ("differences", open_ms, "daily")
    assert found["times"] == 2
    quarantine.release(redis, HOURLY, {open_ms - 1})
    assert asked(ann, f"/corrections{SERIES}")["held"]
    quarantine.release(redis, HOURLY, {open_ms})
    assert asked(ann, f"/corrections{SERIES}")["held"] == []


def test_what_is_held_is_bounded(redis: Redis) -> None:
    for number in range(quarantine.KEPT + 5):
        quarantine.add(
            redis, HOURLY, Quarantined("broken", number, number, 1, "fill", "x", number, number)
        )
    assert [one.from_ms for one in quarantine.read(redis, HOURLY)][-1] == 5
