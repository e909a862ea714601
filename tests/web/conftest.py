"""The web application in this process, on a real Redis, at a time that stands still.

Never here: eventlet (its tests run `app.py` as a process), assertions.
Invariant: it is `NOW_MS`, for the exchange and the machine, unless a test moves `clock`.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask
from redis import Redis

from tests.support.web_app import (
    NOW_MS,
    Browser,
    Time,
    build,
    known_hash,
)
from truecandle.config import Settings
from truecandle.store import markets
from truecandle.store.accounts import Accounts


@pytest.fixture
def clock() -> Time:
    return Time()


@pytest.fixture
def settings(redis_url: str, tmp_path: Path) -> Settings:
    return Settings(
        redis_url=redis_url,
        symbols=("BTCUSDT", "ETHUSDT"),
        intervals=("1m", "1h", "3d"),
        secret_key="a key for tests, long enough to be one",
        async_mode="threading",
        var_dir=tmp_path,
    )


@pytest.fixture
def app(settings: Settings, clock: Time) -> Flask:
    return build(settings, clock)


@pytest.fixture
def browser(app: Flask, redis: Redis, settings: Settings) -> Browser:
    """A browser that is not signed in; the user `ann` and the first markets are there."""
    markets.followed(redis, settings.symbols)
    Accounts(redis).add("ann", known_hash(), NOW_MS, "admin")
    return Browser(app)


@pytest.fixture
def ann(browser: Browser, redis: Redis) -> Browser:
    """A browser in which `ann` is signed in (by link, which costs no hash)."""
    link = Accounts(redis).add_link("ann")
    assert browser.post("/login/link", {"link": link}).status_code == 200
    return browser
