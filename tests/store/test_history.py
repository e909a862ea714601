"""Wishes for older candles and what is told of their jobs, as web role and fetcher share them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from redis import Redis

from truecandle.candles.interval import INTERVALS
from truecandle.candles.series import Series
from truecandle.errors import StoreDamaged
from truecandle.store import history, keys
from truecandle.store.history import WISHES_MAX, HistoryJob, HistoryWish, StoredHistory

MINUTES = Series("BTCUSDT", INTERVALS["1m"])
FROM_MS = 1_700_000_000_000


def wish(redis: Redis, series: Series = MINUTES, from_ms: int = FROM_MS) -> bool:
    return history.wish(redis, HistoryWish(series, from_ms))


def until_ms(redis: Redis, series: Series = MINUTES) -> int:
    text: Any = redis.hget(keys.HISTORY_WISHES, series.name)
    found: int = json.loads(text)["until"]
    return found


def age(redis: Redis, by_ms: int, series: Series = MINUTES) -> None:
    """As if the wish had been made so long before."""
    text = json.dumps({"from": FROM_MS, "until": until_ms(redis, series) - by_ms})
    redis.hset(keys.HISTORY_WISHES, series.name, text)


def test_a_wish_stands_for_fifteen_seconds_and_no_longer(redis: Redis) -> None:
    assert wish(redis)
    assert history.wishes(redis) == [HistoryWish(MINUTES, FROM_MS)]
    age(redis, 15_000)
    assert history.wishes(redis) == []
    assert history.standing(redis, MINUTES) is None
    history.renew(redis, MINUTES)
    assert history.wishes(redis) == []


def test_a_renewed_wish_stands_for_fifteen_seconds_more(redis: Redis) -> None:
    wish(redis)
    age(redis, 14_000)
    before_ms = until_ms(redis)
    history.renew(redis, MINUTES)
    assert until_ms(redis) >= before_ms + 13_000
    assert history.wishes(redis) == [HistoryWish(MINUTES, FROM_MS)]


def test_nothing_is_renewed_that_nobody_wished_for(redis: Redis) -> None:
    history.renew(redis, MINUTES)
    assert not redis.exists(keys.HISTORY_WISHES)


def test_of_two_wishes_for_one_series_the_older_time_counts(redis: Redis) -> None:
    for from_ms in (FROM_MS, FROM_MS - 5, FROM_MS + 5):
        assert wish(redis, from_ms=from_ms)
    assert history.wishes(redis) == [HistoryWish(MINUTES, FROM_MS - 5)]


def test_so_many_wishes_stand_at_once_and_a_lapsed_one_makes_room(redis: Redis) -> None:
    wanted = [Series(f"S{number}", MINUTES.interval) for number in range(WISHES_MAX)]
    assert all(wish(redis, series) for series in wanted)
    assert not wish(redis)
    assert wish(redis, wanted[0], 0)
    age(redis, 60_000, wanted[3])
    assert wish(redis)
    assert len(history.wishes(redis)) == WISHES_MAX


def test_a_wish_from_before_the_servers_clock_was_set_back_is_none(redis: Redis) -> None:
    wish(redis)
    age(redis, -3_600_000)
    assert history.wishes(redis) == []
    assert wish(redis)
    assert history.wishes(redis) == [HistoryWish(MINUTES, FROM_MS)]


def test_what_is_no_wish_is_skipped_and_gone_with_the_next(redis: Redis) -> None:
    junk: dict[Any, Any] = {
        "BTCUSDT:7m": '{"from":1,"until":2}',
        "x": "[]",
        "y:1m": "{",
        "Z:1m": '{"from":"a"}',
    }
    redis.hset(keys.HISTORY_WISHES, mapping=junk)
    assert history.wishes(redis) == []
    assert wish(redis)
    assert redis.hkeys(keys.HISTORY_WISHES) == [MINUTES.name.encode()]


def test_a_wish_lives_no_longer_than_anybody_may_look_for_it(redis: Redis) -> None:
    wish(redis)
    history.save_job(redis, MINUTES, HistoryJob("running", FROM_MS))
    lives_s: Any = redis.ttl(keys.HISTORY_WISHES)
    assert 0 < lives_s <= keys.HISTORY_WISHES_TTL_S
    lives_s = redis.ttl(keys.history_job(MINUTES))
    assert 0 < lives_s <= keys.HISTORY_JOB_TTL_S


def test_a_job_is_told_as_it_was_saved_while_somebody_waits(redis: Redis) -> None:
    job = HistoryJob("failed", FROM_MS, FROM_MS + 60_000, 7, 20, "No „answer“.")
    history.save_job(redis, MINUTES, job)
    assert history.standing(redis, MINUTES) is None
    wish(redis)
    assert history.standing(redis, MINUTES) == history.job(redis, MINUTES) == job
    history.end_job(redis, MINUTES)
    assert history.standing(redis, MINUTES) == HistoryJob("waiting", FROM_MS)


@pytest.mark.parametrize("junk", ["", "[]", "7", '{"state":"lost"}', '{"state":"failed"}', "\xff"])
def test_what_is_no_job_counts_as_none(redis: Redis, junk: str) -> None:
    redis.set(keys.history_job(MINUTES), junk)
    assert history.job(redis, MINUTES) is None


def test_another_applications_key_is_left_alone(redis: Redis) -> None:
    redis.set(keys.HISTORY_WISHES, "theirs")
    with pytest.raises(StoreDamaged):
        wish(redis)
    assert redis.get(keys.HISTORY_WISHES) == b"theirs"


@pytest.mark.parametrize(
    ("first_ms", "from_ms", "most", "left"),
    [
        (None, FROM_MS, 1_000, 100),
        (None, FROM_MS + 30_000, 1_000, 100),
        (None, FROM_MS + 6_000_000, 1_000, 0),
        (FROM_MS + 3_000_000, 0, 1_000, 50),
        (FROM_MS + 6_000_000, 0, 1_000, 0),
        (None, FROM_MS, 60, 10),
        (None, FROM_MS, 20, 0),
    ],
)
def test_what_is_left_ends_at_the_wish_the_first_candle_and_the_limit(
    first_ms: int | None, from_ms: int, most: int, left: int
) -> None:
    minute_ms = FROM_MS - FROM_MS % 60_000
    shift_ms = minute_ms - FROM_MS
    first_ms = first_ms and first_ms + shift_ms
    stored = StoredHistory(MINUTES, minute_ms + 6_000_000, 50, first_ms)
    assert stored.left(max(0, from_ms + shift_ms), most) == left
    assert stored.is_done(max(0, from_ms + shift_ms), most) == (left == 0)


def test_an_empty_series_has_nothing_left_and_is_not_done() -> None:
    stored = StoredHistory(MINUTES, None, 0, None)
    assert (stored.left(0, 10), stored.is_done(0, 10), stored.is_whole) == (0, False, False)
