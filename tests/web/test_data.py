"""`GET /data` and `GET /live-candle` answer exactly what is stored.

Never here: refusals (`test_errors`), how candles are stored.
Invariant: numbers are compared as text, never as floats.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from redis import Redis

from tests.support.web_app import (
    FORMING_MS,
    HOUR_MS,
    HOURLY,
    Browser,
    said,
    store_hours,
    store_live,
)
from truecandle.candles.gap import Verdict, hole_of
from truecandle.candles.series import parse_series
from truecandle.store import gaps, keys, official

HOURS = "/data?symbol=BTCUSDT&interval=1h"


def read(browser: Browser, path: str) -> dict[str, Any]:
    answer = browser.get(path)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = json.loads(answer.data, parse_float=str)
    return found


def test_columns_hold_the_exact_decimal_text_of_the_store(ann: Browser, redis: Redis) -> None:
    opens = store_hours(redis, 2)
    text = ann.get(f"{HOURS}&time=ms").text
    version = official.meta(redis, HOURLY).version
    assert text == (
        f'{{"symbol":"BTCUSDT","interval":"1h","version":{version},"count":2,'
        f'"time":[{opens[0]},{opens[1]}],"open":[42000.1,42000.1],"high":[42100,42100],'
        f'"low":[41000.5,41001.5],"close":[42050.01,42050.01],"volume":[12.34567,12.34567],'
        f'"has_more":false}}'
    )


def test_times_are_what_javascript_prints_unless_ms_are_asked_for(
    ann: Browser, redis: Redis
) -> None:
    store_hours(redis, 2)
    assert read(ann, HOURS)["time"] == ["2024-01-01T18:00:00.000Z", "2024-01-01T19:00:00.000Z"]


def test_an_empty_series_is_an_honest_empty_answer(ann: Browser) -> None:
    found = read(ann, HOURS)
    assert (found["count"], found["time"], found["version"]) == (0, [], 0)
    assert read(ann, f"{HOURS}&live=1")["live"] == []


def test_the_newest_candles_are_given_and_more_are_announced(ann: Browser, redis: Redis) -> None:
    opens = store_hours(redis, 10)
    answer = ann.get(f"{HOURS}&time=ms&limit=4")
    assert said(answer)["time"] == opens[-4:]
    assert said(answer)["has_more"] is True
    assert answer.headers["Link"] == (
        f'</data?symbol=BTCUSDT&interval=1h&time=ms&limit=4&before={opens[-4]}>; rel="prev"'
    )


def test_following_prev_reaches_every_candle_once(ann: Browser, redis: Redis) -> None:
    opens = store_hours(redis, 10)
    path = f"{HOURS}&time=ms&limit=3"
    found: list[int] = []
    for _ in range(10):
        answer = ann.get(path)
        found = said(answer)["time"] + found
        if "Link" not in answer.headers:
            break
        path = answer.headers["Link"].partition("<")[2].partition(">")[0]
    assert found == opens


def test_from_a_start_the_next_page_is_named(ann: Browser, redis: Redis) -> None:
    opens = store_hours(redis, 10)
    answer = ann.get(f"{HOURS}&time=ms&limit=3&start={opens[2]}")
    assert said(answer)["time"] == opens[2:5]
    assert f"start={opens[4] + 1}" in answer.headers["Link"]
    assert 'rel="next"' in answer.headers["Link"]


def test_start_is_inclusive_and_end_and_before_are_exclusive(ann: Browser, redis: Redis) -> None:
    opens = store_hours(redis, 10)
    assert read(ann, f"{HOURS}&time=ms&start={opens[3]}&end={opens[6]}")["time"] == opens[3:6]
    assert read(ann, f"{HOURS}&time=ms&before={opens[3]}")["time"] == opens[:3]
    iso = "start=2024-01-01T18:00:00Z&end=2024-01-01T19:00:00.000Z"
    assert read(ann, f"{HOURS}&time=ms&{iso}")["time"] == [opens[-2]]


def test_live_candles_come_with_their_state(ann: Browser, redis: Redis) -> None:
    opens = store_hours(redis, 3)
    redis.zremrangebyscore(keys.klines(HOURLY), opens[-1], opens[-1])
    store_live(redis, opens[-1], is_complete=True)
    store_live(redis, FORMING_MS, close="42060.5")
    found = read(ann, f"{HOURS}&time=ms&live=1")
    assert found["time"] == opens[:2]
    assert [(c["time"], c["state"], c["close"]) for c in found["live"]] == [
        (opens[-1], "pending", 42060),
        (FORMING_MS, "forming", "42060.5"),
    ]


def test_a_pending_candle_gives_way_to_its_official_version(ann: Browser, redis: Redis) -> None:
    opens = store_hours(redis, 3)
    store_live(redis, opens[-1])
    store_live(redis, FORMING_MS)
    found = read(ann, f"{HOURS}&time=ms&live=1")
    assert [candle["time"] for candle in found["live"]] == [FORMING_MS]


@pytest.mark.parametrize("limit", [2, 5])
def test_an_older_page_brings_no_live_candle_that_may_be_official_elsewhere(
    ann: Browser, redis: Redis, limit: int
) -> None:
    opens = store_hours(redis, 10)
    store_live(redis, opens[-1])
    store_live(redis, FORMING_MS)
    found = read(ann, f"{HOURS}&time=ms&live=1&limit={limit}&before={opens[-2]}")
    assert found["live"] == []
    found = read(ann, f"{HOURS}&time=ms&live=1&limit={limit}&start={opens[0]}&end={opens[-2]}")
    assert found["live"] == []


def test_a_three_day_grid_is_learned_from_the_stored_candles(ann: Browser, redis: Redis) -> None:
    series = parse_series("BTCUSDT", "3d")
    day_ms = 24 * HOUR_MS
    open_ms = FORMING_MS - FORMING_MS % day_ms - 6 * day_ms
    row = [open_ms, "1", "2", "1", "2", "5", open_ms + 3 * day_ms - 1, "1", 1, "1", "1", "0"]
    official.upsert_klines(redis, series, [row], now_ms=FORMING_MS, settle_ms=3000)
    assert read(ann, "/data?symbol=BTCUSDT&interval=3d&time=ms&live=1")["time"] == [open_ms]
    assert read(ann, "/live-candle?symbol=BTCUSDT&interval=3d")["candle"] is None


def test_junk_in_the_store_is_left_out(ann: Browser, redis: Redis) -> None:
    opens = store_hours(redis, 3)
    redis.zadd(keys.klines(HOURLY), {b'{"not":"ours"}': opens[-1] + 5})
    redis.zadd(keys.pending(HOURLY), {b"junk": FORMING_MS})
    redis.set(keys.live(HOURLY), "junk")
    found = read(ann, f"{HOURS}&time=ms&live=1")
    assert (found["time"], found["count"], found["live"]) == (opens, 3, [])


def test_the_etag_is_strong_and_spares_the_body(ann: Browser, redis: Redis) -> None:
    store_hours(redis, 3)
    first = ann.get(HOURS)
    etag = first.headers["ETag"]
    assert not etag.startswith("W/")
    again = ann.get(HOURS, **{"If-None-Match": etag})
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["ETag"] == etag


def test_the_etag_changes_with_version_request_and_live_candle(ann: Browser, redis: Redis) -> None:
    opens = store_hours(redis, 3)
    seen = {ann.get(path).headers["ETag"] for path in (HOURS, f"{HOURS}&limit=2")}
    seen.add(ann.get(f"{HOURS}&live=1").headers["ETag"])
    store_live(redis, FORMING_MS)
    seen.add(ann.get(f"{HOURS}&live=1").headers["ETag"])
    row = [opens[0], "1", "2", "1", "2", "5", opens[0] + HOUR_MS - 1, "1", 1, "1", "1", "0"]
    official.upsert_klines(redis, HOURLY, [row], now_ms=FORMING_MS, settle_ms=3000)
    seen.add(ann.get(HOURS).headers["ETag"])
    assert len(seen) == 5


def test_answers_are_kept_by_nobody_but_their_reader(ann: Browser) -> None:
    headers = ann.get(HOURS).headers
    assert headers["Cache-Control"] == "private, no-cache"
    assert {part.strip() for part in headers["Vary"].split(",")} >= {"Cookie", "Authorization"}


def test_head_answers_like_get_without_a_body(ann: Browser, redis: Redis) -> None:
    store_hours(redis, 3)
    head, get = ann.client.head(HOURS), ann.get(HOURS)
    assert (head.status_code, head.data) == (200, b"")
    assert head.headers["Content-Length"] == get.headers["Content-Length"]
    assert head.headers["ETag"] == get.headers["ETag"]


def test_the_live_candle_is_given_alone_with_those_that_wait(ann: Browser, redis: Redis) -> None:
    path = "/live-candle?symbol=BTCUSDT&interval=1h"
    assert (read(ann, path)["candle"], read(ann, path)["pending"]) == (None, [])
    store_live(redis, FORMING_MS - HOUR_MS)
    store_live(redis, FORMING_MS)
    found = read(ann, path)
    assert (found["candle"]["time"], found["candle"]["state"]) == (FORMING_MS, "forming")
    assert [(c["time"], c["state"]) for c in found["pending"]] == [
        (FORMING_MS - HOUR_MS, "pending")
    ]


def test_what_is_proven_missing_is_neither_pending_nor_forming(ann: Browser, redis: Redis) -> None:
    opens = store_hours(redis, 3)
    redis.zremrangebyscore(keys.klines(HOURLY), opens[1], opens[1])
    store_live(redis, opens[1], is_complete=True)
    store_live(redis, FORMING_MS)
    before = ann.get(f"{HOURS}&time=ms&live=1")
    assert [one["time"] for one in said(before)["live"]] == [opens[1], FORMING_MS]
    assert said(before)["missing"] == []
    hole = hole_of(HOURLY.interval, opens[1], opens[2])
    told = Verdict(hole, "maintenance", "one answer has both neighbours")
    known = gaps.read(redis, HOURLY)
    after = known.note(HOURLY.interval, opens[1], opens[2], [told], FORMING_MS)
    gaps.save(redis, HOURLY, known, after)
    answer = ann.get(f"{HOURS}&time=ms&live=1", **{"If-None-Match": before.headers["ETag"]})
    assert answer.status_code == 200
    assert [one["time"] for one in said(answer)["live"]] == [FORMING_MS]
    assert said(answer)["missing"] == [[opens[1], opens[2]]]
    live_candle = said(ann.get("/live-candle?symbol=BTCUSDT&interval=1h"))
    assert (live_candle["candle"]["time"], live_candle["pending"]) == (FORMING_MS, [])
    store_live(redis, opens[1], is_complete=True, close="42070")
    assert said(ann.get("/live-candle?symbol=BTCUSDT&interval=1h"))["pending"] == []
