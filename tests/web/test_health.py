"""`/healthz`, `/readyz`, `/metrics`, and what is answered while Redis is away.

Never here: frozen servers and processes (`tests/faults/test_web*.py`).
Invariant: a Redis that does not answer is never taken for an empty one.
"""

from __future__ import annotations

import ipaddress
import re
import time
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from redis import Redis

from tests.support.loopback_ports import free_port
from tests.support.signs_of_life import spoke
from tests.support.waiting import HANGS_S
from tests.support.web_app import Browser, build, issue, said, store_hours
from truecandle.config import Settings
from truecandle.metrics import LatenessCounts
from truecandle.store import roles
from truecandle.store.shared_settings import told

HOURS = "/data?symbol=BTCUSDT&interval=1h"
OUTSIDE = {"REMOTE_ADDR": "10.0.0.9"}


def beat(redis: Redis, age_ms: int = 0) -> None:
    for role in ("fetcher", "feed"):
        spoke(redis, role, age_ms, {"symbols": 2})


def test_ready_means_redis_fetcher_and_feed(browser: Browser, redis: Redis) -> None:
    answer = browser.get("/readyz")
    assert (answer.status_code, said(answer)["ready"]) == (503, False)
    beat(redis)
    answer = browser.get("/readyz")
    assert (answer.status_code, said(answer)["ready"]) == (200, True)
    feed = said(answer)["roles"]["feed"]
    assert (feed["alive"], feed["age_ms"] < 5_000, feed["detail"]) == (True, True, {"symbols": 2})


def test_streams_that_never_opened_are_named_and_keep_nobody_from_being_ready(
    browser: Browser, redis: Redis
) -> None:
    beat(redis)
    for feed, named in (({"connects": 0, "failures": 3}, 1), ({"connects": 1, "failures": 3}, 0)):
        spoke(redis, "feed", 0, feed)
        answer = browser.get("/readyz")
        assert answer.status_code == 200
        assert sum("has ever opened" in one for one in said(answer)["warnings"]) == named


def test_settings_that_roles_have_to_agree_on_and_do_not_are_named(
    settings: Settings, redis: Redis
) -> None:
    browser = Browser(build(settings, trades_kept=100))
    for theirs, named in ((0, ["TRADES_KEPT"]), (100, [])):
        for role in ("fetcher", "feed@one"):
            spoke(redis, role, 0, told(replace(settings, trades_kept=theirs)))
        answer = browser.get("/readyz")
        assert answer.status_code == 200, "nothing that a restart of the web role would mend"
        warnings = [one for one in said(answer)["warnings"] if "same for all roles" in one]
        assert [one.split()[0] for one in warnings] == named
        assert all("for the web role" in one for one in warnings)
    spoke(redis, "fetcher", 0, told(replace(settings, intervals=("1m",))))
    assert "not for the fetcher: no official" in str(said(browser.get("/readyz"))["warnings"])


def test_a_role_that_has_been_silent_for_long_is_not_ready(browser: Browser, redis: Redis) -> None:
    beat(redis, age_ms=31_000)
    assert browser.get("/readyz").status_code == 503
    beat(redis)
    assert browser.get("/readyz").status_code == 200


def test_strangers_are_told_only_whether_it_is_ready(app: Flask, redis: Redis) -> None:
    beat(redis)
    client = app.test_client()
    assert client.get("/readyz", environ_base=OUTSIDE).json == {"ready": True}
    assert client.get("/readyz", headers={"X-Forwarded-For": "1.2.3.4"}).json == {"ready": True}
    assert client.get("/metrics", environ_base=OUTSIDE).status_code == 401
    token = issue(redis)
    assert client.get("/metrics", environ_base=OUTSIDE, headers=token).status_code == 200


def test_metrics_add_up_what_the_feeds_say_and_show_nothing_else_of_it(
    browser: Browser, redis: Redis
) -> None:
    said = {"leads": 2, "trades": 10, "lag_ms": {"p50": 3, "p99": 40}, "SECRET": 5, "lost": "x"}
    roles.heartbeat(redis, "feed", {**said, "recovery": {"trades": 7}}, "one")
    roles.heartbeat(redis, "feed", {**said, "recovery": None, "lag_ms": {"p99": 50}}, "two")
    spoke(redis, "feed@dead", 31_000, said)
    text = browser.get("/metrics").text
    feed = r"^truecandle_((?:feed|recovery|stream)_\S+) (\S+)$"
    assert dict(re.findall(feed, text, re.M)) == {
        "feed_markets_led": "4.0",
        'feed_events_total{kind="trade"}': "20.0",
        'feed_lag_seconds{quantile="0.5"}': "0.003",
        'feed_lag_seconds{quantile="0.99"}': "0.05",
        "recovery_trades_total": "7.0",
    }
    assert "truecandle_feeds 2.0" in text


def test_metrics_show_how_late_candles_became_official_by_interval(
    browser: Browser, redis: Redis
) -> None:
    """Given a fetcher that leads, and what an interval or a histogram can't be."""
    late = LatenessCounts()
    for late_s in (0.5, 3.0, 3.1, 400.0):
        late.observe(late_s)
    junk = {"evil": late.fields(), "5m": {"counts": [1], "sum_s": 1}, "1h": None}
    said = {"lateness": {"1m": late.fields(), **junk}, "gaps": {"maintenance": 2, "evil": 3}}
    roles.heartbeat(redis, "fetcher", {**said, "counts": {"corrected": 5}, "weight_used": 40})
    text = browser.get("/metrics").text
    shown = dict(re.findall(r"^truecandle_official_(\S+) (\S+)$", text, re.M))
    bucket = 'delay_seconds_bucket{interval="1m",le="%s"}'
    assert [shown[bucket % le] for le in ("1.0", "3.0", "4.0", "300.0", "+Inf")] == [
        "1.0", "2.0", "3.0", "3.0", "4.0",
    ]  # fmt: skip
    assert shown['delay_seconds_sum{interval="1m"}'] == "406.6"
    assert shown["corrections_total"] == "5.0" and shown['gaps{reason="maintenance"}'] == "2.0"
    assert "truecandle_request_weight 40.0" in text
    assert "evil" not in text and "5m" not in text and "1h" not in text


@pytest.mark.parametrize(
    ("changed", "headers"),
    [
        ({"public_url": "http://charts.example"}, {}),
        ({"trusted_proxies": (ipaddress.ip_network("127.0.0.1"),)}, {}),
        ({}, {"X-Forwarded-For": "198.51.100.7"}),
        ({}, {"X-Real-IP": "198.51.100.7"}),
        ({}, {"Forwarded": "for=198.51.100.7"}),
        ({}, {"Via": "1.1 proxy"}),
        ({}, {"Host": "charts"}),
        ({}, {"Host": "10.0.0.1"}),
    ],
)
def test_where_there_may_be_a_proxy_this_machine_is_nobody_special(
    settings: Settings, redis: Redis, changed: dict[str, Any], headers: dict[str, str]
) -> None:
    client = build(settings, **changed).test_client()
    assert said(client.get("/readyz", headers=headers)).keys() == {"ready"}
    assert client.get("/metrics", headers=headers).status_code == 401
    known = headers | issue(redis)
    assert "warnings" in said(client.get("/readyz", headers=known))
    assert client.get("/metrics", headers=known).status_code == 200


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:5000", "[::1]:5000"])
def test_where_nothing_speaks_of_a_proxy_this_machine_sees_it_all(
    browser: Browser, host: str
) -> None:
    assert "warnings" in said(browser.get("/readyz", Host=host))
    assert browser.get("/metrics", Host=host).status_code == 200


def test_while_redis_is_away_a_token_opens_nothing_and_breaks_nothing(
    settings: Settings, redis: Redis
) -> None:
    away, url = f"redis://127.0.0.1:{free_port()}/0", "http://charts.example"
    client = build(settings, redis_url=away, public_url=url).test_client()
    token = issue(redis)
    assert said(client.get("/readyz", headers=token)) == {"ready": False}
    assert client.get("/metrics", headers=token).status_code == 401


def test_a_redis_that_may_lose_candles_is_warned_about(browser: Browser, redis: Redis) -> None:
    warnings = said(browser.get("/readyz"))["warnings"]
    assert any("appendonly" in warning for warning in warnings)


def test_metrics_count_by_route_and_never_by_what_was_sent(browser: Browser) -> None:
    browser.get("/data?symbol=SECRETCOIN&interval=1h")
    browser.get("/some-unknown-path")
    text = browser.get("/metrics").text
    assert 'truecandle_http_requests_total{route="/data",status="401"}' in text
    assert 'route="none"' in text
    assert "truecandle_redis_up 1.0" in text
    assert "SECRETCOIN" not in text and "some-unknown-path" not in text


@pytest.mark.parametrize("public", [False, True])
def test_without_redis_everything_is_503_but_healthz_and_nothing_hangs(
    settings: Any, redis: Redis, public: bool
) -> None:
    token = issue(redis)
    away = f"redis://127.0.0.1:{free_port()}/0"
    client = build(settings, redis_url=away, public_reads=public).test_client()
    headers = {} if public else token
    for path in (HOURS, f"{HOURS}&live=1", "/live-candle?symbol=BTCUSDT&interval=1h", "/readyz"):
        began_s = time.monotonic()
        answer = client.get(path, headers=headers)
        assert answer.status_code == 503, path
        assert "Retry-After" in answer.headers
        assert time.monotonic() - began_s < HANGS_S
    assert client.get("/healthz").json == {"status": "alive"}
    assert client.get("/healthz").status_code == 200


def test_a_key_of_another_type_is_an_error_of_its_own(ann: Browser, redis: Redis) -> None:
    store_hours(redis, 1)
    redis.delete("klines_z:BTCUSDT:1h")
    redis.lpush("klines_z:BTCUSDT:1h", "not ours")
    answer = ann.get(HOURS)
    assert (answer.status_code, said(answer)["code"]) == (500, "damaged")
    assert ann.get("/data?symbol=ETHUSDT&interval=1h").status_code == 200
