"""Reads are limited by who reads, readers are told, and no Redis is needed for it.

Never here: counting (`test_read_quota`).
Invariant: the limit is a setting, small here.
"""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient
from redis import Redis

from tests.support.loopback_ports import free_port
from tests.support.web_app import Browser, build, issue, said, store_hours
from truecandle.config import Settings

HOURS = "/data?symbol=BTCUSDT&interval=1h"
LIMIT = 3


@pytest.fixture
def client(settings: Settings, browser: Browser) -> FlaskClient:
    """`browser` has put the user `ann` and the markets there."""
    return build(settings, reads_per_minute=LIMIT).test_client(use_cookies=False)


def read(client: FlaskClient, count: int, headers: dict[str, str], address: str = "") -> list[int]:
    environ = {"REMOTE_ADDR": address or "198.51.100.7"}
    return [
        client.get(HOURS, headers=headers, environ_overrides=environ).status_code
        for _ in range(count)
    ]


def test_a_token_reads_so_often_in_a_minute_from_wherever_it_comes(
    client: FlaskClient, redis: Redis
) -> None:
    store_hours(redis, 1)
    token, other = issue(redis), issue(redis)
    assert read(client, LIMIT, token) == [200] * LIMIT
    assert read(client, 1, token, "203.0.113.9") == [429]
    assert read(client, LIMIT, other) == [200] * LIMIT


def test_who_reads_too_often_is_told_until_when(client: FlaskClient, redis: Redis) -> None:
    token = issue(redis)
    first = client.get(HOURS, headers=token)
    assert first.headers["RateLimit-Policy"] == f'"reads";q={LIMIT};w=60'
    assert re.fullmatch(rf'"reads";r={LIMIT - 1};t=60', first.headers["RateLimit"])
    not_modified = client.get(HOURS, headers=token | {"If-None-Match": first.headers["ETag"]})
    assert (not_modified.status_code, "RateLimit" in not_modified.headers) == (304, True)
    client.get(HOURS, headers=token)
    over = client.get(HOURS, headers=token)
    assert (over.status_code, said(over)["code"]) == (429, "too-many")
    assert over.mimetype == "application/problem+json"
    assert 0 < int(over.headers["Retry-After"]) <= 60
    assert over.headers["RateLimit"] == f'"reads";r=0;t={over.headers["Retry-After"]}'


def test_a_session_is_counted_like_a_token(settings: Settings, ann: Browser, redis: Redis) -> None:
    small = Browser(build(settings, reads_per_minute=LIMIT))
    name = small.client.application.config["SESSION_COOKIE_NAME"]
    kept = ann.client.get_cookie(name)
    assert kept
    small.client.set_cookie(name, kept.value)
    assert read(small.client, LIMIT + 1, {})[-1] == 429


def test_strangers_and_guesses_are_counted_by_address_and_a_whole_network_of_ipv6_as_one(
    client: FlaskClient, redis: Redis
) -> None:
    guesses = [
        read(client, 1, {"Authorization": f"Bearer guess{number}"}, f"2001:db8::{number}")[0]
        for number in range(LIMIT + 1)
    ]
    assert guesses == [401] * LIMIT + [429]
    assert read(client, 1, {}, "2001:db8:0:1::1") == [401]
    assert read(client, 1, issue(redis), "2001:db8::1") == [200]


def test_it_goes_on_without_redis(settings: Settings, redis: Redis) -> None:
    token = issue(redis)
    away = f"redis://127.0.0.1:{free_port()}/0"
    for is_public in (False, True):
        client = build(
            settings, redis_url=away, reads_per_minute=LIMIT, public_reads=is_public
        ).test_client()
        headers = {} if is_public else token
        assert read(client, LIMIT + 1, headers) == [503] * LIMIT + [429]


def test_what_is_no_read_is_not_counted(client: FlaskClient, redis: Redis) -> None:
    token = issue(redis)
    for path in ("/healthz", "/readyz", "/metrics", "/", "/login", "/settings"):
        answer = client.get(path, headers=token)
        assert answer.status_code != 429 and "RateLimit" not in answer.headers
    assert read(client, LIMIT, token) == [200] * LIMIT
