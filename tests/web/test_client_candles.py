"""`POST /save-live-candle`: a browser's word counts little, and only for the forming candle.

Never here: the list of refused requests (`bad_requests`), which candle wins in the store.
Invariant: whatever is posted, official candles and other keys stay as they are.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import hypothesis
import pytest
from flask import Flask
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from redis import Redis
from werkzeug.test import TestResponse

from tests.support.bad_requests import GOOD
from tests.support.web_app import (
    FORMING_MS,
    HOUR_MS,
    HOURLY,
    NOW_MS,
    Browser,
    Time,
    build,
    issue,
    said,
    snapshot,
    store_hours,
    store_live,
)
from truecandle.candles.freshness import FEED_MS, SILENT_MS, Facts
from truecandle.config import Settings
from truecandle.store import freshness, keys, live, markets
from truecandle.store.clock import SharedClock, publish
from truecandle.web import create_app
from truecandle.web.clock import Clocks

PATH = "/save-live-candle"
FUZZ = hypothesis.settings(
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture
def public(settings: Settings, clock: Time) -> Flask:
    """An app that lets everybody read."""
    return build(settings, clock, public_reads=True)


def body(**changed: Any) -> dict[str, Any]:
    return {"symbol": "BTCUSDT", "interval": "1h", "candle": GOOD | changed}


def post(ann: Browser, **changed: Any) -> TestResponse:
    return ann.post(PATH, body(**changed))


def test_a_browsers_candle_is_saved_as_the_word_of_a_client(ann: Browser, redis: Redis) -> None:
    store_hours(redis, 2)
    answer = post(ann, source="live", isIncomplete=True, is_complete=True, trades=99)
    assert (answer.status_code, answer.json) == (200, {"status": "saved"})
    stored = json.loads(redis.get(keys.live(HOURLY)) or b"", parse_float=str)
    assert stored == {
        "time": FORMING_MS, "open": 42050, "high": 42100, "low": 42000, "close": 42060,
        "volume": 1, "quote_volume": None, "taker_volume": None, "taker_quote_volume": None,
        "trades": 0, "first_id": -1, "last_id": -1, "source": "client", "is_complete": False,
        "exact": False, "updated_at": NOW_MS,
    }  # fmt: skip


def test_numbers_as_browsers_write_them_become_exact_text(ann: Browser, redis: Redis) -> None:
    store_hours(redis, 1)
    text = json.dumps(body()).replace('"volume": 1', '"volume": 9.08e-7')
    text = text.replace('"close": 42060', '"close": 4.20605e4')
    headers = {"X-CSRFToken": ann.csrf()}
    answer = ann.client.post(PATH, data=text, content_type="application/json", headers=headers)
    assert answer.json == {"status": "saved"}
    stored = redis.get(keys.live(HOURLY)) or b""
    assert b'"volume":0.000000908' in stored and b'"close":42060.5,' in stored


def test_our_own_feed_is_not_overruled_while_it_is_fresh(
    ann: Browser, redis: Redis, clock: Time
) -> None:
    store_hours(redis, 1)
    store_live(redis, FORMING_MS, updated_at=NOW_MS - 1000)
    assert post(ann).json == {"status": "ignored", "reason": "outranked"}
    clock.ms += live.FRESH_MS + 2000
    forget_posts(redis)
    assert post(ann).json == {"status": "ignored", "reason": "contradicts"}
    assert post(ann, open=42050.01, volume=3.25).json == {"status": "saved"}


@pytest.mark.parametrize("trade_ago_ms", [100, 60_000, None], ids=["live", "quiet", "never"])
def test_while_a_feed_is_there_nobody_needs_a_browsers_word(
    ann: Browser, redis: Redis, trade_ago_ms: int | None
) -> None:
    """However long ago the last trade was; even without any candle of the feed's."""
    store_hours(redis, 1)
    feed(redis, NOW_MS, trade=None if trade_ago_ms is None else NOW_MS - trade_ago_ms)
    before = snapshot(redis)
    assert post(ann).json == {"status": "ignored", "reason": "outranked"}
    assert snapshot(redis) == before
    assert ann.post(PATH, body() | {"symbol": "ETHUSDT"}).status_code == 409


DEAD: dict[str, dict[str, Any]] = {
    "killed": {"at": NOW_MS - FEED_MS - 1},
    "not connected": {"is_connected": False, "lost_since": NOW_MS - 8_000},
    "behind": {"behind": "3 trades are missing"},
    "mute": {"connected_since": NOW_MS - 60_000, "heard": NOW_MS - SILENT_MS - 1, "pong": None},
}


@pytest.mark.parametrize("changes", DEAD.values(), ids=DEAD)
def test_when_the_feed_is_dead_an_honest_browsers_candle_serves_and_no_other(
    ann: Browser, redis: Redis, clock: Time, changes: dict[str, Any]
) -> None:
    store_hours(redis, 1)
    own = store_live(redis, FORMING_MS, updated_at=NOW_MS - 30_000)
    feed(redis, NOW_MS, **changes)
    for wrong in ({}, {"open": 42050.01, "volume": 3.2}, {"open": 42050.01, "high": 42080}):
        assert post(ann, **wrong).json == {"status": "ignored", "reason": "contradicts"}
        forget_posts(redis)
    assert redis.get(keys.live(HOURLY)) == own.to_json().encode()
    assert post(ann, open=42050.01, volume=3.25).json == {"status": "saved"}
    found = live.read_live(redis, HOURLY, NOW_MS).forming
    assert found and (found.source, found.is_exact) == ("client", False)


def test_what_our_feed_last_said_bounds_the_price_while_a_browser_stands_in(
    ann: Browser, redis: Redis
) -> None:
    store_hours(redis, 1)
    cheap = {"open": "30000", "high": "30000", "low": "30000", "close": "30000"}
    store_live(redis, FORMING_MS, **cheap, updated_at=NOW_MS - 30_000)
    word: dict[str, Any] = {"open": 30000, "low": 29000, "close": 29000, "volume": 4}
    for high in (32000, 32500):
        assert post(ann, **word, high=high).json == {"status": "saved"}
        forget_posts(redis)
    assert post(ann, **word, high=33500).status_code == 422


def feed(redis: Redis, at_ms: int, **changes: Any) -> None:
    """What a feed that is well notes of BTCUSDT, unless changed."""
    well = Facts(
        at=at_ms, is_connected=True, connected_since=at_ms - HOUR_MS, heard=at_ms, pong=at_ms
    )
    freshness.note(redis, {"BTCUSDT": replace(well, **changes)})


def forget_posts(redis: Redis) -> None:
    redis.delete(*redis.scan_iter("*posts/*"), "nothing")


def test_the_band_is_measured_from_what_the_exchange_said_not_from_browsers(
    ann: Browser, redis: Redis
) -> None:
    store_hours(redis, 1)
    assert post(ann, high=46000, close=46000).json == {"status": "saved"}
    answer = post(ann, high=50000, close=50000)
    assert (answer.status_code, said(answer)["code"]) == (422, "implausible")


def test_our_feeds_price_counts_before_the_last_official_close(ann: Browser, redis: Redis) -> None:
    store_hours(redis, 1)
    store_live(redis, FORMING_MS - HOUR_MS, low="21000", close="21000", open="21000", high="21000")
    assert post(ann).status_code == 422


def test_without_any_known_price_nothing_is_taken(ann: Browser, redis: Redis) -> None:
    answer = post(ann)
    assert (answer.status_code, said(answer)["code"]) == (409, "no-price")
    assert redis.get(keys.live(HOURLY)) is None


def test_the_exchanges_clock_decides_which_candle_forms(settings: Settings, redis: Redis) -> None:
    store_hours(redis, 1)
    app = create_app(settings, redis, socketio_queue=False, clock=Clocks(SharedClock(redis).now_ms))
    publish(redis, NOW_MS)
    answer = app.test_client().post(PATH, json=body(), headers=issue(redis, "write"))
    assert answer.json == {"status": "saved"}


def test_more_than_two_a_second_are_refused_for_a_while(ann: Browser, redis: Redis) -> None:
    store_hours(redis, 1)
    answers = [post(ann) for _ in range(12)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused and all(int(answer.headers["Retry-After"]) >= 1 for answer in refused)
    assert sum(answer.status_code == 200 for answer in answers) <= 2 * 12
    other = ann.post(PATH, body() | {"symbol": "ETHUSDT"})
    assert said(other)["code"] == "no-price"


def test_a_token_needs_the_scope_write_and_no_csrf_token(app: Flask, redis: Redis) -> None:
    store_hours(redis, 1)
    client = app.test_client()
    assert client.post(PATH, json=body(), headers=issue(redis, "read")).status_code == 403
    assert client.post(PATH, json=body(), headers=issue(redis, "write")).status_code == 200


def test_public_reads_do_not_open_posting(redis: Redis, public: Flask) -> None:
    store_hours(redis, 1)
    client = public.test_client()
    assert said(client.get("/data?symbol=BTCUSDT&interval=1h"))["count"] == 1
    assert client.post(PATH, json=body()).status_code == 401


NUMBERS: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from([0, -1, 42050, 42100, "42050", None, True, [], {}, 1e-300, 2**63, 10**30]),
    st.floats(allow_nan=True, allow_infinity=True),
    st.integers(),
    st.decimals(min_value=41000, max_value=43000, places=4).map(float),
)
TIMES = st.one_of(
    st.sampled_from([FORMING_MS, FORMING_MS + 1, FORMING_MS - HOUR_MS, "abc", None, 1e3]),
    st.integers(),
)
CANDLES = st.fixed_dictionaries(
    {"time": TIMES, "open": NUMBERS, "high": NUMBERS, "low": NUMBERS, "close": NUMBERS},
    optional={"volume": NUMBERS, "source": st.text(), "extra": st.integers()},
)
NAMES = st.one_of(st.sampled_from(["BTCUSDT", "ETHUSDT", "1h", "1M", "7m", "", ":"]), st.text())
BODIES = st.one_of(
    st.fixed_dictionaries({"symbol": NAMES, "interval": NAMES, "candle": CANDLES}),
    st.fixed_dictionaries(
        {"symbol": st.just("BTCUSDT"), "interval": st.just("1h"), "candle": CANDLES}
    ),
    st.recursive(st.none() | st.integers() | st.text(), st.lists),
)


@FUZZ
@given(sent=st.one_of(BODIES.map(json.dumps), st.text(), st.binary()))
def test_whatever_is_posted_nothing_breaks_and_only_sound_candles_are_stored(
    app: Flask, redis: Redis, sent: str | bytes
) -> None:
    redis.flushall()
    store_hours(redis, 1)
    markets.followed(redis, ("BTCUSDT", "ETHUSDT"))
    token = issue(redis, "write")
    before = snapshot(redis)
    answer = app.test_client().post(PATH, data=sent, content_type="application/json", headers=token)
    assert answer.status_code in (200, 400, 404, 409, 413, 422), answer.text
    after = live.read_live(redis, HOURLY, NOW_MS)
    redis.delete(keys.live(HOURLY))
    assert snapshot(redis) == before
    if answer.status_code == 200:
        assert after.forming and after.forming.source == "client"
        assert after.forming.open_ms == FORMING_MS
    else:
        assert after.forming is None


@FUZZ
@given(
    query=st.dictionaries(
        st.sampled_from(["symbol", "interval", "limit", "start", "end", "before", "time", "live"]),
        st.one_of(
            st.sampled_from(["BTCUSDT", "1h", "3d", "10", "ms", "1", str(NOW_MS)]),
            st.integers().map(str),
            st.text(max_size=40),
        ),
    )
)
def test_whatever_is_asked_for_data_answers_properly(
    public: Flask, redis: Redis, query: dict[str, str]
) -> None:
    store_hours(redis, 3)
    answer = public.test_client().get("/data", query_string=query)
    assert answer.status_code in (200, 400, 404), answer.text
    json.loads(answer.data)
