"""What has changed since a position: whoever goes by it misses no official candle.

Never here: who is told (`tests/web/test_connections.py`).
Invariant: the store is written as the fetcher writes it, on a real Redis.
"""

from __future__ import annotations

from redis import Redis

from truecandle.candles.candle import OfficialCandle
from truecandle.candles.interval import MINUTE_MS
from truecandle.candles.series import parse_series
from truecandle.store import changes, keys, official
from truecandle.store.batch import Batch
from truecandle.store.changes import CANDLES_MAX, CORRECTIONS_MAX, Changes, Position, parse_position

MINUTES = parse_series("BTCUSDT", "1m")
FIRST_MS = 1_704_141_000_000


def store(redis: Redis, *numbers: int, close: str = "2") -> None:
    rows = [
        OfficialCandle(FIRST_MS + n * MINUTE_MS, "2", "3", "1", close, "7",
                       FIRST_MS + (n + 1) * MINUTE_MS - 1, "14", 5, "3", "6")
        for n in numbers
    ]  # fmt: skip
    official.upsert_klines(redis, MINUTES, rows, now_ms=FIRST_MS * 2, settle_ms=0)


def look(redis: Redis, since: Position | None, from_number: int | None = None) -> Changes:
    batch = Batch(redis)
    from_ms = None if from_number is None else FIRST_MS + from_number * MINUTE_MS
    found = changes.queue(batch, MINUTES, since, from_ms)
    batch.run()
    return found.value


def numbers(candles: tuple[OfficialCandle, ...]) -> list[int]:
    return [(one.open_ms - FIRST_MS) // MINUTE_MS for one in candles]


def test_new_and_corrected_candles_are_told_and_the_position_moves_on(redis: Redis) -> None:
    store(redis, 0, 1)
    first = look(redis, None)
    assert first.added == () and first.is_whole
    assert parse_position(str(first.position)) == first.position
    store(redis, 2, 3)
    store(redis, 1, close="1.5")
    found = look(redis, first.position)
    assert (numbers(found.added), numbers(found.corrected)) == ([2, 3], [1])
    assert found.corrected[0].close == "1.5"
    assert found.is_whole and not found.has_more
    assert found.position.version == changes.versions(redis, [MINUTES])[0]
    again = look(redis, found.position)
    assert again == Changes(found.position)


def test_candles_filled_in_are_found_where_they_are_asked_for_and_said_to_lack_elsewhere(
    redis: Redis,
) -> None:
    store(redis, 0, 5)
    first = look(redis, None)
    store(redis, 2, 6)
    assert numbers(look(redis, first.position, 1).added) == [2, 5, 6]
    found = look(redis, first.position)
    assert (numbers(found.added), found.is_whole) == ([6], False)


def test_a_long_absence_is_told_look_by_look(redis: Redis) -> None:
    store(redis, 0)
    position, told = look(redis, None).position, list[int]()
    store(redis, *range(1, CANDLES_MAX + 11))
    for has_more in (True, False):
        found = look(redis, position)
        assert (found.has_more, found.is_whole) == (has_more, True)
        told += numbers(found.added)
        position = found.position
    assert told == list(range(1, CANDLES_MAX + 11))


def test_more_corrections_than_are_looked_at_are_not_passed_over_silently(redis: Redis) -> None:
    store(redis, *range(CORRECTIONS_MAX + 1))
    position = look(redis, None).position
    store(redis, *range(CORRECTIONS_MAX + 1), close="1.5")
    assert not look(redis, position).is_whole


def test_a_position_of_an_empty_or_another_store_tells_nothing(redis: Redis) -> None:
    empty = look(redis, None).position
    store(redis, 0, 1)
    former = look(redis, None).position
    assert look(redis, empty).is_anew
    redis.delete(keys.klines(MINUTES), keys.meta(MINUTES))
    assert look(redis, former).is_anew
    store(redis, 0)
    assert look(redis, former).is_anew


def test_what_is_no_position_is_none() -> None:
    for text in (
        "",
        "1",
        "1-2-3",
        "1-2-3-4-5",
        "1-2-3-x",
        "-1-2-3-4",
        "1" * 17 + "-2-3-4",
        "١-2-3-4",
    ):
        assert parse_position(text) is None, text
