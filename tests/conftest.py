"""Fixtures for every tier: a real Redis, role processes, a Chromium.

Never here: fixtures of one tier (each folder may have a `conftest.py`), the machinery itself
(`tests/support`).
Invariant: no test sees what another left behind.

    redis_server   one real Valkey for the whole run (a `RedisProc`, no file); do not kill it
    redis_url      its URL, emptied before the test
    redis          a `redis.Redis` on it (RESP3, bytes), emptied before the test
    processes      `processes.start(name, command, env)` → `Role`; all are ended after the test
    chromium       a playwright `Browser` with the system's Chromium, one for each test module
    page           a new page in a new context of it, 1280 × 800, emptied of everything

Fault tests make their own server: `with RedisProc(tmp_path, aof=True) as server: …`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
import redis as redis_py
from hypothesis import HealthCheck, settings

from tests.support.chromium import chromium as new_chromium
from tests.support.redis_server import RedisProc
from tests.support.role_processes import Roles

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


# How long an example takes says something about the machine, nothing about the product.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisProc]:
    with RedisProc(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def redis(redis_server: RedisProc) -> Iterator[redis_py.Redis]:
    with redis_server.client() as client:
        client.flushall()
        yield client


@pytest.fixture
def redis_url(redis_server: RedisProc, redis: redis_py.Redis) -> str:
    return redis_server.url


@pytest.fixture
def processes() -> Iterator[Roles]:
    started = Roles()
    yield started
    started.end()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with new_chromium() as browser:
        yield browser


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    yield context.new_page()
    context.close()
