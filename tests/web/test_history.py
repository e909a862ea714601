"""`GET` and `POST /history`: how far back a series is stored, and wishes for older candles.

Never here: fetching (`tests/fetcher/test_history_jobs.py`), refusals (`test_errors`).
Invariant: no fetcher runs; what one would say is written by hand.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask import Flask
from redis import Redis

from tests.support.web_app import (
    FORMING_MS,
    HOUR_MS,
    HOURLY,
    Browser,
    Time,
    build,
    issue,
    said,
    store_hours,
)
from truecandle.candles.series import Series, parse_series
from truecandle.config import Settings
from truecandle.store import history, keys, official
from truecandle.store.history import WISHES_MAX, HistoryJob, HistoryWish

PATH = "/history?symbol=BTCUSDT&interval=1h"
BODY = {"symbol": "BTCUSDT", "interval": "1h"}
STORED_FROM = FORMING_MS - 3 * HOUR_MS
WANTED_MS = FORMING_MS - 103 * HOUR_MS


def asked(browser: Browser) -> dict[str, Any]:
    answer = browser.get(PATH)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Cache-Control"] == "private, no-cache"
    return said(answer)


def wish(browser: Browser, from_ms: int = WANTED_MS) -> dict[str, Any]:
    answer = browser.post("/history", BODY | {"from": from_ms})
    assert answer.status_code == 202, answer.text
    return said(answer)


def lapse(redis: Redis) -> None:
    redis.delete(keys.HISTORY_WISHES)


def wishes(redis: Redis) -> list[HistoryWish]:
    return history.wishes(redis)


def test_how_far_back_a_series_is_stored_is_told(ann: Browser, redis: Redis) -> None:
    store_hours(redis, 3)
    assert asked(ann) == {
        "symbol": "BTCUSDT",
        "interval": "1h",
        "stored_from": STORED_FROM,
        "first": None,
        "is_whole": False,
        "limit": {"max": 200_000, "stored": 3, "is_reached": False},
        "job": None,
    }
    history.keep_first(redis, HOURLY, STORED_FROM)
    found = asked(ann)
    assert (found["first"], found["is_whole"]) == (STORED_FROM, True)


def test_of_an_empty_series_nothing_is_stored_or_known(ann: Browser) -> None:
    found = asked(ann)
    assert (found["stored_from"], found["first"], found["is_whole"]) == (None, None, False)
    assert found["limit"]["stored"] == 0


def test_a_wish_is_taken_and_waits_for_the_fetcher(ann: Browser, redis: Redis) -> None:
    store_hours(redis, 3)
    expected = {
        "state": "waiting",
        "from": WANTED_MS,
        "reached": None,
        "fetched": 0,
        "expected": 0,
        "detail": "",
    }
    assert wish(ann)["job"] == expected
    assert wishes(redis) == [HistoryWish(HOURLY, WANTED_MS)]
    history.keep_first(redis, HOURLY, WANTED_MS + 10 * HOUR_MS)
    assert asked(ann)["job"] == expected | {"expected": 90}


def test_what_the_fetcher_says_of_a_job_is_told(ann: Browser, redis: Redis) -> None:
    store_hours(redis, 3)
    wish(ann)
    job = HistoryJob("failed", WANTED_MS, STORED_FROM, 3, 100, "The exchange does not answer.")
    history.save_job(redis, HOURLY, job)
    assert asked(ann)["job"] == {
        "state": "failed",
        "from": WANTED_MS,
        "reached": STORED_FROM,
        "fetched": 3,
        "expected": 100,
        "detail": "The exchange does not answer.",
    }


def test_whoever_asks_keeps_a_job_alive_and_begins_none(ann: Browser, redis: Redis) -> None:
    store_hours(redis, 3)
    asked(ann)
    assert wishes(redis) == []
    wish(ann)
    before = redis.hget(keys.HISTORY_WISHES, HOURLY.name)
    assert before
    shortened = f'{{"from":{WANTED_MS},"until":{_until(before) - 10_000}}}'
    redis.hset(keys.HISTORY_WISHES, HOURLY.name, shortened)
    asked(ann)
    after = redis.hget(keys.HISTORY_WISHES, HOURLY.name)
    assert after and _until(after) >= _until(before)


def _until(text: Any) -> int:
    return int(text.split(b'"until":')[1].strip(b"}"))


def test_a_job_is_over_once_nobody_waits_or_all_is_there(ann: Browser, redis: Redis) -> None:
    store_hours(redis, 3)
    wish(ann)
    history.save_job(redis, HOURLY, HistoryJob("running", WANTED_MS, STORED_FROM, 3, 100))
    store_hours(redis, 103)
    assert asked(ann)["job"] is None
    lapse(redis)
    assert asked(ann)["job"] is None


def test_nothing_is_begun_for_what_is_there_already(ann: Browser, redis: Redis) -> None:
    store_hours(redis, 3)
    assert wish(ann, STORED_FROM)["job"] is None
    assert wish(ann, STORED_FROM + 5)["job"] is None
    history.keep_first(redis, HOURLY, STORED_FROM)
    assert wish(ann, 0)["job"] is None
    assert wishes(redis) == []


def test_the_limit_is_named_when_it_is_reached(
    app: Flask, ann: Browser, redis: Redis, settings: Settings, clock: Time
) -> None:
    store_hours(redis, 3)
    client = build(settings, clock, history_stored_max=3).test_client()
    body, headers = BODY | {"from": 0}, issue(redis, "write")
    answer = client.post("/history", json=body, headers=headers)
    assert answer.status_code == 202
    assert said(answer)["limit"] == {"max": 3, "stored": 3, "is_reached": True}
    assert said(answer)["job"] is None
    assert wishes(redis) == []


def test_the_grid_of_3d_is_that_of_its_candles(ann: Browser, redis: Redis) -> None:
    series, day_ms = parse_series("BTCUSDT", "3d"), 24 * HOUR_MS
    open_ms = 19_700 * day_ms
    row = [open_ms, "1", "2", "1", "2", "3", open_ms + 3 * day_ms - 1, "1.5", 7, "1.0", "0.5", "0"]
    official.upsert_klines(redis, series, [row], now_ms=FORMING_MS, settle_ms=3_000)
    answer = ann.post("/history", {"symbol": "BTCUSDT", "interval": "3d", "from": open_ms + day_ms})
    assert said(answer)["job"] is None
    answer = ann.post("/history", {"symbol": "BTCUSDT", "interval": "3d", "from": open_ms - 1})
    assert said(answer)["job"]["state"] == "waiting"


def test_no_more_wishes_are_taken_than_the_fetcher_takes_turns_with(
    ann: Browser, redis: Redis
) -> None:
    store_hours(redis, 3)
    for number in range(WISHES_MAX):
        history.wish(redis, HistoryWish(Series(f"S{number}", HOURLY.interval), 0))
    answer = ann.post("/history", BODY | {"from": WANTED_MS})
    assert (answer.status_code, said(answer)["code"]) == (503, "busy")
    assert int(answer.headers["Retry-After"]) > 0
    assert HOURLY not in [one.series for one in wishes(redis)]


def test_a_token_that_may_only_read_asks_and_wishes_for_nothing(app: Flask, redis: Redis) -> None:
    client, headers = app.test_client(), issue(redis)
    assert client.get(PATH, headers=headers).status_code == 200
    answer = client.post("/history", json=BODY | {"from": 0}, headers=headers)
    assert (answer.status_code, said(answer)["code"]) == (403, "scope")


def test_anonymous_readers_look_and_neither_begin_a_job_nor_keep_one_alive(
    settings: Settings, clock: Time, redis: Redis
) -> None:
    store_hours(redis, 3)
    client = build(settings, clock, public_reads=True).test_client()
    history.wish(redis, HistoryWish(HOURLY, WANTED_MS))
    before = redis.hget(keys.HISTORY_WISHES, HOURLY.name)
    answer = client.get(PATH)
    assert (answer.status_code, said(answer)["job"]["state"]) == (200, "waiting")
    assert redis.hget(keys.HISTORY_WISHES, HOURLY.name) == before
    answer = client.post("/history", json=BODY | {"from": 0})
    assert (answer.status_code, said(answer)["code"]) == (401, "unauthorized")
    assert wishes(redis) == [HistoryWish(HOURLY, WANTED_MS)]


def test_two_series_do_not_touch_each_other(ann: Browser, redis: Redis) -> None:
    store_hours(redis, 3)
    other = replace(HOURLY, symbol="ETHUSDT")
    store_hours(redis, 3, other)
    wish(ann)
    found = said(ann.get("/history?symbol=ETHUSDT&interval=1h"))
    assert (found["symbol"], found["job"]) == ("ETHUSDT", None)
