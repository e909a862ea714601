"""A Redis that is full, read-only, evicting or emptied is called so by every role, everywhere.

Never here: what single commands do then (`test_redis`).
Invariant: the cause is named with its remedy, once, and so is its end; the feed is not blamed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.support.redis_server import RedisProc
from tests.support.role_processes import Roles
from tests.support.waiting import wait_for
from tests.support.web_process import Web, token_of
from tests.support.whole_system import COMMANDS, System, ask

KINDS = {"full": "Redis is full", "read_only": "Redis is a read-only replica"}


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """One for all tests: each ends with a Redis that is well again."""
    whole = System(tmp_path_factory.mktemp("system"), Roles(), "BTCUSDT")
    try:
        whole.open()
        yield whole
    finally:
        whole.close()


def begin(system: System, kind: str) -> None:
    with system.redis.client() as redis:
        if kind == "full":
            redis.config_set("maxmemory", 1)
        else:
            redis.replicaof("127.0.0.1", "1")


def end(system: System, kind: str) -> None:
    with system.redis.client() as redis:
        if kind == "full":
            redis.config_set("maxmemory", 0)
        else:
            redis.replicaof("NO", "ONE")


def readyz(system: System) -> dict[str, object]:
    answer: dict[str, object] = requests.get(f"{system.url}/readyz", timeout=5).json()
    return answer


@pytest.mark.parametrize("kind", ["full", "read_only"])
def test_a_redis_that_takes_no_writes_is_named_by_all_roles_and_everywhere(
    system: System, kind: str
) -> None:
    ask(system, "/live-candle")  # its token is made while that can be
    begin(system, kind)
    words = KINDS[kind]
    told = f"now: {words}"
    wait_for(lambda: kind in str(readyz(system)["redis_problems"]), what=kind)
    report = readyz(system)
    assert report["ready"] is False
    assert words in str(report["warnings"])
    metrics = requests.get(f"{system.url}/metrics", timeout=5).text
    assert f'truecandle_redis_problem{{state="{kind}"}} 1.0' in metrics
    for role in COMMANDS:
        system.roles[role].wait_for_line(told)
    fresh = ask(system, "/live-candle")["freshness"]
    assert (fresh["state"], words in fresh["why"]) == ("stale", True)
    end(system, kind)
    system.ready()
    for role in COMMANDS:
        system.roles[role].wait_for_line(f"over: .*{words}")
        named = [line for line in system.roles[role].lines if re.search(told, line)]
        assert len(named) == 1, named
    wait_for(
        lambda: ask(system, "/live-candle")["freshness"]["state"] in ("live", "quiet"),
        what="a market that is fresh again",
    )


def test_a_policy_that_evicts_is_named_while_the_roles_run(system: System) -> None:
    with system.redis.client() as redis:
        redis.config_set("maxmemory-policy", "allkeys-lru")
    wait_for(lambda: readyz(system)["redis_problems"] == ["evicting"], what="the policy")
    assert "set noeviction" in str(readyz(system)["warnings"])
    for role in COMMANDS:
        system.roles[role].wait_for_line("maxmemory-policy is allkeys-lru")
    assert readyz(system)["ready"] is True
    with system.redis.client() as redis:
        redis.config_set("maxmemory-policy", "noeviction")
    wait_for(lambda: readyz(system)["redis_problems"] == [], what="a policy that keeps all")


@pytest.mark.parametrize("role", COMMANDS)
def test_no_role_starts_on_a_redis_that_may_throw_accounts_away(
    role: str, tmp_path: Path, processes: Roles
) -> None:
    system = System(tmp_path, processes, "BTCUSDT")
    with RedisProc(tmp_path, extra=("--maxmemory-policy", "allkeys-lfu")) as evicting:
        env = {"REDIS_URL": evicting.url, "PORT": str(system.port), "VAR_DIR": str(tmp_path)}
        refused = processes.start(role, COMMANDS[role], env)
        assert refused.process.wait(20) == 1
        refused.wait_for_line("allkeys-lfu; set noeviction.*REDIS_MAY_EVICT=1")
        allowed = processes.start(role, COMMANDS[role], {**env, "REDIS_MAY_EVICT": "1"})
        allowed.wait_for_line("allkeys-lfu; set noeviction")
        assert allowed.alive()


@pytest.mark.parametrize("role", COMMANDS)
def test_a_role_that_waited_for_redis_ends_when_it_comes_and_may_throw_accounts_away(
    role: str, tmp_path: Path, processes: Roles
) -> None:
    system = System(tmp_path, processes, "BTCUSDT")
    evicting = RedisProc(tmp_path, extra=("--maxmemory-policy", "allkeys-lfu"))
    env = {"REDIS_URL": evicting.url, "PORT": str(system.port), "VAR_DIR": str(tmp_path)}
    waiting = processes.start(role, COMMANDS[role], env)
    waiting.wait_for_line("Redis is away")
    with evicting:
        assert waiting.process.wait(20) == 1
        waiting.wait_for_line("set noeviction.*REDIS_MAY_EVICT=1")


def test_lost_accounts_are_said_at_the_door_in_the_log_and_to_operators(
    tmp_path: Path, processes: Roles
) -> None:
    """Given users who sign in; when Redis is emptied; then all are told, also after a restart."""
    with RedisProc(tmp_path) as server, server.client() as redis:
        token_of(redis)
        web = Web(processes, server.url, tmp_path / "var")
        wait_for(lambda: (tmp_path / "var" / "had_accounts").exists(), what="the first look")
        assert "Nobody can sign in" not in web.get("/login").text
        redis.flushall()
        web.role.wait_for_line("Nobody can sign in any more")
        assert "accounts_lost" in web.get("/readyz").json()["redis_problems"]
        assert "flask restore FILE" in web.get("/login").text
        web.role.kill()
        web.start().wait_for_line("Nobody can sign in any more")
        token_of(redis, "bob")
        web.role.wait_for_line("over: Nobody can sign in any more")
        assert "Nobody can sign in" not in web.get("/login").text


def test_an_installation_that_never_had_accounts_has_lost_none(
    tmp_path: Path, processes: Roles
) -> None:
    with RedisProc(tmp_path) as server:
        web = Web(processes, server.url, tmp_path / "var")
        assert "accounts_lost" not in web.get("/readyz").json()["redis_problems"]
        assert "Nobody can sign in any more" not in web.get("/login").text
