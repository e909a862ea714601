"""The web application in this process, on a real Redis, at a time that stands still.

`web` is `app.py` as a process of its own, in each way of serving.

Never here: assertions.
Invariant: it is `NOW_MS`, for the exchange and the machine, unless a test moves `clock`; for `web`
alone time goes on.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from redis import Redis

from tests.support.redis_server import RedisProc
from tests.support.role_processes import ended
from tests.support.web_app import (
    CHEAP,
    NOW_MS,
    Browser,
    Time,
    build,
    known_hash,
)
from tests.support.web_process import Web
from truecandle.config import Settings
from truecandle.log_lines import TextLines
from truecandle.store import markets
from truecandle.store.accounts import Accounts
from truecandle.web import passwords


@pytest.fixture(scope="module", params=["eventlet", "gevent", "threading"])
def web(
    request: pytest.FixtureRequest,
    redis_server: RedisProc,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Web]:
    """On a Redis that is empty at first, for all tests of a file."""
    with redis_server.client() as redis, ended() as processes:
        redis.flushall()
        folder = tmp_path_factory.mktemp("web")
        yield Web(processes, redis_server.url, folder, ASYNC_MODE=request.param)


@pytest.fixture(scope="module", autouse=True)
def hashes() -> Iterator[None]:
    """Passwords are hashed as ever, but at hardly any cost; `app.py` in a process of its own hashes
    at the whole one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_HASHER", CHEAP)
        passwords._dummy.cache_clear()
        yield
    passwords._dummy.cache_clear()


@pytest.fixture
def printed() -> Iterator[io.StringIO]:
    """What is logged, in lines as the role prints them."""
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    handler.setFormatter(TextLines("%(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield text
    root.removeHandler(handler)
    root.setLevel(level)


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
