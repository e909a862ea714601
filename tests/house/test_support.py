"""The tests' own tools keep their promises.

Never here: anything about TrueCandle itself.
Invariant: a harness that lies makes every other test worthless.
"""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
import redis as redis_py
from playwright.sync_api import Page

from tests.support.loopback_ports import accepts
from tests.support.redis_server import RedisProc
from tests.support.role_processes import Roles
from tests.support.waiting import wait_for

SPEAKS_AND_WAITS = "print('ready 42'); import time; time.sleep(600)"


def test_a_killed_redis_comes_back_with_its_data(tmp_path: Path) -> None:
    with RedisProc(tmp_path, aof=True, fsync="always") as server:
        server.client().set("key", "value")
        server.kill()
        assert not accepts(server.port)
        server.start()
        assert server.client().get("key") == b"value"


def test_a_frozen_redis_answers_nothing_until_it_is_thawed(tmp_path: Path) -> None:
    with RedisProc(tmp_path) as server:
        server.freeze()
        with pytest.raises(redis_py.TimeoutError):
            server.client(socket_timeout=0.1, retry=None).ping()
        server.thaw()
        assert server.client().ping()


def test_every_test_starts_with_an_empty_redis(redis: redis_py.Redis, redis_url: str) -> None:
    assert redis.dbsize() == 0
    assert redis_py.Redis.from_url(redis_url).set("left", "behind")


def test_what_a_test_left_in_redis_is_gone(redis: redis_py.Redis) -> None:
    assert redis.get("left") is None


def test_a_role_is_read_line_by_line_and_ended(processes: Roles) -> None:
    role = processes.start("speaker", ["-c", SPEAKS_AND_WAITS])
    assert role.wait_for_line(r"ready (\d+)")[1] == "42"
    assert role.end() == -signal.SIGTERM


def test_a_role_that_dies_early_shows_what_it_said(processes: Roles) -> None:
    role = processes.start("early", ["-c", "print('no settings')"])
    with pytest.raises(AssertionError, match="no settings"):
        role.wait_for_line("ready")


def test_waiting_in_vain_names_what_was_waited_for() -> None:
    with pytest.raises(AssertionError, match="for rain"):
        wait_for(lambda: False, timeout_s=0.02, what="rain")


def test_the_browser_draws_a_page(page: Page) -> None:
    page.set_content("<title>hello</title><p>world")
    assert page.title() == "hello"
