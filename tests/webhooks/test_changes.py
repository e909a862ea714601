"""What there is to tell since a cursor: nothing is left out, whatever comes late.

Never here: sending.
Invariant: candles and corrections are written as the fetcher writes them.
"""

from __future__ import annotations

from redis import Redis

from tests.support.official_store import upsert
from tests.support.sample_candles import HOURS, START_MS, row, rows
from truecandle.candles.interval import HOUR_MS
from truecandle.exact_json import loads
from truecandle.store import keys, official
from truecandle.store.webhooks import Cursor
from truecandle.webhooks import changes

Told = list[tuple[str, int]]


def tell(redis: Redis, cursor: Cursor, steps: int | None = None) -> tuple[Told, Cursor]:
    """What is told in so many steps (all), as kinds and numbers of hours; the cursor then."""
    told: Told = []
    for number, change in enumerate(changes.since(redis, HOURS, cursor)):
        if number == steps:
            break
        cursor = change.cursor
        if change.message is not None:
            said = loads(change.message.body)
            candle = said["data"].get("candle") or said["data"]["new"]
            told.append((said["type"].partition(".")[2], (candle[0] - START_MS) // HOUR_MS))
    return told, cursor


def start(redis: Redis) -> Cursor:
    cursor = changes.present(redis, HOURS)
    assert cursor is not None
    return cursor


def test_what_was_stored_before_is_not_told_and_an_empty_series_has_no_beginning(
    redis: Redis,
) -> None:
    assert changes.present(redis, HOURS) is None
    upsert(redis, rows(3))
    upsert(redis, [row(1, "8.1")])
    told, cursor = tell(redis, start(redis))
    assert told == [] and cursor.version == official.version(redis, HOURS)


def test_candles_are_told_in_order_late_ones_when_they_come_and_corrections_last(
    redis: Redis,
) -> None:
    """Given three holes, one of which is filled in part; older history, which is nobody's news; and
    corrections, two of them noticed in the same moment."""
    upsert(redis, rows(3, first=10))
    cursor = start(redis)
    upsert(redis, [row(14), row(18), row(20)])
    told, cursor = tell(redis, cursor)
    assert told == [("closed", 14), ("closed", 18), ("closed", 20)]
    upsert(redis, [*rows(2, first=15), row(21), row(2), row(13)])
    told, cursor = tell(redis, cursor)
    assert told == [("closed", number) for number in (13, 15, 16, 21)]
    upsert(redis, [row(12, "8.1"), row(14, "8.2")])
    upsert(redis, [row(17), row(22)])
    told, cursor = tell(redis, cursor)
    assert told == [
        ("closed", 17), ("closed", 22), ("corrected", 12), ("corrected", 14),
    ]  # fmt: skip
    assert cursor.holes == ((START_MS + 19 * HOUR_MS, START_MS + 20 * HOUR_MS),)
    assert tell(redis, cursor) == ([], cursor)


def test_a_hole_longer_than_a_page_is_told_whole_when_it_is_filled(redis: Redis) -> None:
    end = changes.PAGE + 50
    upsert(redis, [row(0)])
    cursor = start(redis)
    upsert(redis, [row(end)])
    told, cursor = tell(redis, cursor)
    assert told == [("closed", end)]
    upsert(redis, rows(end - 1, first=1))
    told, cursor = tell(redis, cursor)
    assert told == [("closed", number) for number in range(1, end)]
    assert cursor.holes == () and tell(redis, cursor) == ([], cursor)


def test_who_ends_at_any_step_goes_on_without_a_hole(redis: Redis) -> None:
    upsert(redis, rows(2))
    cursor = begun = start(redis)
    upsert(redis, [*rows(3, first=3), row(1, "8.1")])
    upsert(redis, [row(2)])
    whole, end = tell(redis, begun)
    pieces: Told = []
    while cursor != end:
        told, cursor = tell(redis, cursor, steps=1)
        pieces += told
    assert sorted(pieces) == sorted(whole) == [
        ("closed", 2), ("closed", 3), ("closed", 4), ("closed", 5), ("corrected", 1),
    ]  # fmt: skip


def test_corrections_are_told_although_the_last_one_told_is_no_longer_kept(redis: Redis) -> None:
    upsert(redis, rows(3))
    upsert(redis, [row(0, "8.1")])
    cursor = start(redis)
    redis.delete(keys.corrections(HOURS))
    upsert(redis, [row(1, "8.2")])
    assert tell(redis, cursor)[0] == [("corrected", 1)]
