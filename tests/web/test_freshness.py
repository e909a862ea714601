"""How fresh each market is, as REST, metrics and events tell it, and what a subscription brings.

Never here: the judgement itself (`tests/candles/test_freshness`); the feed that notes the facts.
Invariant: nobody waits for a moment: facts are noted again and again until they have been told.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from redis import Redis

from tests.support.redis_server import RedisProc
from tests.support.role_processes import Roles
from tests.support.waiting import wait_for
from tests.support.web_app import (
    FORMING_MS,
    HOUR_MS,
    HOURLY,
    NOW_MS,
    Browser,
    Time,
    issue,
    said,
    store_hours,
    store_live,
)
from tests.support.web_process import (
    HOURS,
    Client,
    Web,
    bearer,
    clients,
    token_of,
    wait_for_listener,
)
from truecandle.candles.freshness import Facts
from truecandle.events import FRESHNESS, Publisher
from truecandle.store import clock, freshness, keys, live, official

LIVE_CANDLE = "/live-candle?symbol=BTCUSDT&interval=1h"
OUTSIDE = {"REMOTE_ADDR": "10.0.0.9"}


def facts(now_ms: int, **changes: Any) -> Facts:
    """A market that trades at `now_ms`, unless changed."""
    noted = Facts(
        at=now_ms, is_connected=True, connected_since=now_ms - HOUR_MS, heard=now_ms, pong=now_ms,
        trade=now_ms, flowing_since=now_ms - 60_000,
    )  # fmt: skip
    return replace(noted, **changes)


def machine_ms() -> int:
    return time.time_ns() // 1_000_000


def test_a_live_candle_comes_with_how_fresh_its_market_is(
    ann: Browser, redis: Redis, clock: Time
) -> None:
    assert said(ann.get(LIVE_CANDLE))["freshness"] == {
        "state": "offline",
        "since": None,
        "why": "No feed has told anything of this market yet.",
    }
    freshness.note(redis, {"BTCUSDT": facts(NOW_MS), "ETHUSDT": facts(NOW_MS, behind="seeding")})
    fresh = {"state": "live", "since": NOW_MS - 60_000, "why": "Trades arrive."}
    assert said(ann.get(LIVE_CANDLE))["freshness"] == fresh
    assert ann.get(LIVE_CANDLE).text.endswith(
        f',"freshness":{{"state":"live","since":{NOW_MS - 60_000},"why":"Trades arrive."}}}}'
    )
    clock.ms += 5_001
    assert said(ann.get(LIVE_CANDLE))["freshness"]["state"] == "offline"


def test_insiders_are_told_of_every_market_whether_ready_or_not(
    app: Flask, browser: Browser, redis: Redis
) -> None:
    freshness.note(redis, {"ETHUSDT": facts(NOW_MS, trade=None), "DOGEUSDT": facts(NOW_MS)})
    markets = said(browser.get("/readyz"))["markets"]
    assert {symbol: found["state"] for symbol, found in markets.items()} == {
        "BTCUSDT": "offline",
        "ETHUSDT": "quiet",
    }
    stranger = app.test_client().get("/readyz", environ_base=OUTSIDE)
    assert stranger.get_json() == {"ready": False}


def test_metrics_count_markets_by_state_and_name_none(browser: Browser, redis: Redis) -> None:
    freshness.note(redis, {"ETHUSDT": facts(NOW_MS), "SECRETCOIN": facts(NOW_MS)})
    text = browser.get("/metrics").text
    for state, count in {"live": 1, "quiet": 0, "stale": 0, "offline": 1}.items():
        assert f'truecandle_market_freshness{{state="{state}"}} {count}.0' in text
    assert "SECRETCOIN" not in text and "ETHUSDT" not in text


def test_damage_to_the_facts_hides_no_candle_of_other_markets(
    ann: Browser, redis: Redis, app: Flask
) -> None:
    redis.hset(keys.FRESHNESS, "BTCUSDT", "{")
    assert said(ann.get(LIVE_CANDLE))["freshness"]["state"] == "offline"
    answer = app.test_client().get(LIVE_CANDLE, headers=issue(redis))
    assert answer.status_code == 200


@pytest.fixture(scope="module")
def web(redis_server: RedisProc, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    processes = Roles()
    yield Web(processes, redis_server.url, tmp_path_factory.mktemp("web"))
    processes.end()


@pytest.fixture
def made() -> Iterator[list[Client]]:
    with clients() as found:
        yield found


def come(web: Web, made: list[Client], token: str) -> Client:
    made.append(Client())
    return made[-1].connect(web, token)


def until_told(client: Client, redis: Redis, state: str, **changes: Any) -> dict[str, Any]:
    """The event that tells of `state`, facts being noted for as long as it takes."""
    before = len(client.heard(FRESHNESS))

    def told() -> list[dict[str, Any]]:
        freshness.note(redis, {"BTCUSDT": facts(machine_ms(), **changes)})
        return [event for event in client.heard(FRESHNESS)[before:] if event["state"] == state]

    return wait_for(told, what=f"freshness {state}")[-1]


def half_past(client: Client, redis: Redis) -> int:
    """The open time of the hour, in whose middle the exchange is from now on."""
    now_ms = machine_ms()
    open_ms = now_ms - now_ms % HOUR_MS
    middle_ms = open_ms + HOUR_MS // 2
    set_exchange_clock(client, redis, middle_ms)
    return open_ms


#: A socket that asks without pause is disconnected.
ASK_S = 0.2
CLOCK_OFF_MS_MAX = 2_000


def set_exchange_clock(client: Client, redis: Redis, now_ms: int) -> None:
    """It is this time at the exchange from now on, as the roles say it again and again."""

    began_s = time.monotonic()

    def is_followed() -> bool:
        told_ms = now_ms + int((time.monotonic() - began_s) * 1000)
        clock.publish(redis, told_ms)
        time.sleep(ASK_S)
        return abs(int(client.follow()["server_time"]) - told_ms) < CLOCK_OFF_MS_MAX

    wait_for(is_followed, what="the exchange's clock")


def test_a_subscription_brings_the_live_candles_of_the_same_instant_as_its_version(
    web: Web, made: list[Client], redis: Redis
) -> None:
    token = token_of(redis)
    client = come(web, made, token)
    open_ms = half_past(client, redis)
    opens = [open_ms - hours * HOUR_MS for hours in (3, 2, 1, 0)]
    for past_ms in opens[:-1]:
        store_live(redis, past_ms, is_complete=True, updated_at=past_ms + HOUR_MS - 1)
    store_live(redis, open_ms)
    answer = client.follow()
    assert [one["state"] for one in answer["live"]] == ["pending"] * 3 + ["forming"]
    assert [one["time"] for one in answer["live"]] == opens
    assert answer["live"][-1]["low"] == "42001.5"
    page = web.get(f"{HOURS}&live=1", headers=bearer(token)).text
    asked = json.loads(page, parse_float=str)
    assert (asked["version"], asked["live"]) == (answer["version"], answer["live"])


def test_what_is_official_already_is_not_told_as_live(
    web: Web, made: list[Client], redis: Redis
) -> None:
    opens = store_hours(redis, 4)
    for open_ms in opens[-2:]:
        store_live(redis, open_ms, is_complete=True)
    store_live(redis, FORMING_MS)
    answer = come(web, made, token_of(redis)).follow()
    assert [one["time"] for one in answer["live"]] == [FORMING_MS]
    assert answer["version"] == official.meta(redis, HOURLY).version


def test_no_candle_is_lost_between_the_answer_and_the_events_after_it(
    web: Web, made: list[Client], redis: Redis, redis_url: str
) -> None:
    token, last = token_of(redis), 199
    readers = [come(web, made, token) for _ in range(5)]
    base = store_live(redis, half_past(readers[0], redis), trades=0)
    wait_for_listener(redis)

    def trade() -> None:
        publisher = Publisher(redis_url)
        for trades in range(1, last + 1):
            candle = replace(base, trades=trades, updated_at=base.updated_at + trades)
            live.save_live(redis, HOURLY, candle, now_ms=base.open_ms + HOUR_MS // 2)
            publisher.live_candle(HOURLY, candle, "forming")

    trader = threading.Thread(target=trade)
    trader.start()
    known = [reader.follow()["live"][-1]["trades"] for reader in readers]
    trader.join()
    for reader, first in zip(readers, known, strict=True):
        missing = set(range(first + 1, last + 1))
        wait_for(lambda r=reader, m=missing: m <= trades_heard(r), what="every later candle")  # type: ignore[misc]


def trades_heard(client: Client) -> set[int]:
    return {event["candle"]["trades"] for event in client.heard("live_candle")}


def test_browsers_of_a_market_are_told_when_its_freshness_changes(
    web: Web, made: list[Client], redis: Redis
) -> None:
    token = token_of(redis)
    here, there = come(web, made, token), come(web, made, token)
    set_exchange_clock(here, redis, machine_ms())
    assert here.follow()["freshness"]["state"] == "offline"
    there.follow("ETHUSDT")
    event = until_told(here, redis, "live")
    assert (event["symbol"], event["why"]) == ("BTCUSDT", "Trades arrive.")
    assert here.follow()["freshness"]["state"] == "live"
    for missing in ("7 trades are missing", "kline_1m is mute"):
        assert until_told(here, redis, "stale", behind=missing)["why"] == f"Catching up: {missing}."
    assert {event["symbol"] for event in there.heard(FRESHNESS)} <= {"ETHUSDT"}


def test_nothing_is_told_while_redis_is_away(made: list[Client], tmp_path: Path) -> None:
    processes = Roles()
    with RedisProc(tmp_path) as server, server.client() as redis:
        web = Web(processes, server.url, tmp_path)
        client = come(web, made, token_of(redis))
        client.follow()
        until_told(client, redis, "live")
        freshness.note(redis, {"BTCUSDT": facts(machine_ms(), at=machine_ms() - 3_000)})
        server.freeze()
        assert client.follow()["code"] == "unavailable"
        told = client.heard(FRESHNESS)
        for _ in range(2):
            assert client.follow()["code"] == "unavailable"
        assert client.heard(FRESHNESS) == told
        server.thaw()
        wait_for(lambda: client.heard(FRESHNESS)[-1]["state"] == "offline", what="the truth again")
    processes.end()
