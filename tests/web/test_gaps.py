"""`GET /gaps`, as a script reads it.

Never here: how gaps are found (`tests/ingest/test_kline_pages.py`).
Invariant: numbers are compared as text, not as floats.
"""

from __future__ import annotations

from redis import Redis

from tests.support.hourly_candles import asked, row, store
from tests.support.web_app import FORMING_MS, HOUR_MS, HOURLY, NOW_MS, Browser
from truecandle.candles.gap import Verdict, hole_of
from truecandle.candles.gap_registry import GapRegistry
from truecandle.store import gaps, keys

SERIES = "?symbol=BTCUSDT&interval=1h"


def note(redis: Redis, first: int, last: int) -> None:
    """A hole from so many hours ago to so many."""
    span = FORMING_MS - first * HOUR_MS, FORMING_MS - (last - 1) * HOUR_MS
    verdict = Verdict(hole_of(HOURLY.interval, *span), "maintenance", "both neighbours")
    known = gaps.read(redis, HOURLY)
    gaps.save(redis, HOURLY, known, known.note(HOURLY.interval, *span, [verdict], NOW_MS))


def test_without_candles_nothing_is_missing(ann: Browser) -> None:
    found = asked(ann, f"/gaps{SERIES}")
    assert (found["earliest"], found["missing"], found["count"], found["gaps"]) == (None, 0, 0, [])


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
