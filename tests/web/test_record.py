"""`GET /gaps` and `GET /corrections`, as a script reads them.

Never here: how gaps and corrections are found (`tests/ingest/test_kline_pages.py`).
Invariant: numbers are compared as text, not as floats.
"""

from __future__ import annotations

import json
from typing import Any

from redis import Redis

from tests.support.recorded_hours import note, row, store
from tests.support.web_app import FORMING_MS, HOUR_MS, HOURLY, NOW_MS, Browser
from truecandle.candles.gap_registry import GapRegistry
from truecandle.store import gaps, keys, quarantine
from truecandle.store.quarantine import Quarantined

SERIES = "?symbol=BTCUSDT&interval=1h"


def asked(ann: Browser, path: str) -> dict[str, Any]:
    answer = ann.get(path)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Cache-Control"] == "private, no-cache"
    found: dict[str, Any] = json.loads(answer.text, parse_float=str)
    return found


def test_without_candles_nothing_is_missing_and_nothing_was_corrected(ann: Browser) -> None:
    found = asked(ann, f"/gaps{SERIES}")
    assert (found["earliest"], found["missing"], found["count"], found["gaps"]) == (None, 0, 0, [])
    found = asked(ann, f"/corrections{SERIES}")
    assert (found["count"], found["corrections"], found["held"]) == (0, [], [])


def test_gaps_are_listed_newest_first_with_reason_evidence_and_times(
    ann: Browser, redis: Redis
) -> None:
    store(redis, row(9), row(1))
    note(redis, 8, 6)
    note(redis, 4, 4)
    found = asked(ann, f"/gaps{SERIES}")
    assert (found["missing"], found["count"]) == (4, 2)
    assert found["earliest"] == FORMING_MS - 9 * HOUR_MS
    newest, oldest = found["gaps"]
    assert (newest["start"], newest["candles"]) == (FORMING_MS - 4 * HOUR_MS, 1)
    assert (oldest["start"], oldest["end"]) == (row(8)[0], row(5)[0])
    assert (oldest["reason"], oldest["evidence"]) == ("maintenance", "both neighbours")
    assert (oldest["found_at"], oldest["asked_at"], oldest["asks"]) == (NOW_MS, NOW_MS, 1)
    found = asked(ann, f"/gaps{SERIES}&limit=1")
    assert (found["missing"], found["gaps"]) == (4, [newest])


def test_a_gap_that_was_filled_since_is_not_listed(ann: Browser, redis: Redis) -> None:
    store(redis, row(9), row(1))
    note(redis, 4, 4)
    store(redis, row(4))
    assert asked(ann, f"/gaps{SERIES}")["gaps"] == []


def test_junk_among_gaps_is_skipped(ann: Browser, redis: Redis) -> None:
    note(redis, 4, 4)
    redis.hset(keys.gaps(HOURLY), mapping={"1": "junk", "2": '{"start":5}', "3": "[]"})
    assert asked(ann, f"/gaps{SERIES}")["count"] == 1
    assert isinstance(gaps.read(redis, HOURLY), GapRegistry)


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
