"""`flask doctor` in a database that another application shares, and lives in.

Never here: damages of our own (`test_doctor`), but for telling the two apart.
Invariant: whatever the doctor does, every key of the other application is as it was.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from redis import Redis

from tests.support.damaged_store import HALVES, KEY, START_MS, change_a_type, lose_a_series, report
from tests.support.driven_fetcher import NOW_MS, member, stored
from tests.support.flask_commands import Shell
from tests.support.redis_server import RedisProc
from truecandle.admin.ownership import Ownership
from truecandle.candles.series import parse_series
from truecandle.sim.server import SimServer
from truecandle.store import clock, inspection, keys, markets
from truecandle.store.accounts import Accounts

HOURS = parse_series("BTCUSDT", "1h")
WEEK_S = 7 * 86_400
DIGEST = "ab" * 32


@pytest.fixture
def sim(running_sim: SimServer) -> SimServer:
    return running_sim


@pytest.fixture
def filled(shell: Shell, redis: Redis) -> Shell:
    """Our own store, sound."""
    shell.ok(f"backfill BTCUSDT 30m BTCUSDT 1h --from {START_MS}")
    offset_ms: int = report(shell)["facts"]["clock_offset_ms"]
    clock.publish(redis, time.time_ns() // 1_000_000 + offset_ms)
    return shell


def add_others(redis: Redis) -> None:
    """Another application's keys, of all types, many of which begin like ours."""
    texts: dict[str, bytes | str] = {
        "session:abc": b"\x80pickled", f"session:{DIGEST}": "a session of theirs", "token:9": "t",
        f"token:{DIGEST}": "theirs", "link:x": "https://example.com", f"link:{DIGEST}s": "x",
        "lease:of-a-flat": "Ann", "fence:garden": "wood", "market_answer:no": "42",
        "klines_meta:DOGEUSDT:1d": '{"pages": 3}', "live_candle:of-the-party": "lit",
        "own_candle:wax": "1", "audit:2024": "passed", "truecandle": "a word", "cache:1": "x" * 500,
        "aside:klines_z:BTCUSDT:30m": "theirs",
    }  # fmt: skip
    for name, text in texts.items():
        redis.set(name, text, ex=WEEK_S if len(name) % 2 else None)
    redis.hset("roles", mapping={"admin": "1", "guest": "2"})
    redis.sadd("users", "1", "2")
    redis.hset("freshness", "milk", "3 days")
    redis.hset("user:1", mapping={"name": "Ann", "mail": "ann@example.com"})
    redis.hset("session:def", mapping={"user": "1"})
    redis.hset("tokens:1", "a", "b")
    redis.sadd("token:set", "1", "2")
    redis.hset("gaps:teeth", mapping={"1": "left", "2": "right"})
    redis.hset("held:hands", "a", "b")
    redis.lpush("corrections:essay", "comma", "dot")
    redis.rpush("audit:LOGIN:1d", "ann", "bob")
    redis.zadd("klines_z:scores", {"ann": 1, "bob": 2})
    redis.zadd("klines_z:DOGEUSDT:1d", {'{"t":1,"o":2}': 1, "[1,2,3]": 2})
    redis.set("gaps:DOGEUSDT:1d", "theirs")
    redis.zadd("pending_z:jobs", {"job": 1.5})
    redis.xadd("klines_z:stream", {"a": "b"}, id="1-1")
    redis.pfadd("visitors", "a", "b")
    redis.expire("user:1", WEEK_S)


def others(redis: Redis) -> dict[bytes, tuple[object, object]]:
    """Every key that is there now: its dump and the moment of its end."""
    with redis.pipeline() as pipe:
        names = sorted(redis.scan_iter())
        for name in names:
            pipe.dump(name)
            pipe.pexpiretime(name)
        found = pipe.execute()
    return {name: (found[2 * i], found[2 * i + 1]) for i, name in enumerate(names)}


@pytest.fixture
def theirs(redis: Redis, redis_server: RedisProc) -> Iterator[dict[bytes, tuple[object, object]]]:
    """What the other application had put in first, as it was; still so when the test is over."""
    add_others(redis)
    before = others(redis)
    yield before
    now = others(redis)
    assert {name: now.get(name) for name in before} == before


def test_a_lively_mixture_of_others_is_left_alone_and_is_no_finding(
    theirs: dict[bytes, Any], filled: Shell, redis: Redis
) -> None:
    result = filled.run("doctor")
    assert result.exit_code == 0, result.output
    assert "Left alone, as they may be another application's: " in result.output
    assert "klines_z:scores" in result.output and "session:" in result.output
    assert "session:abc" not in result.output
    assert filled.run("doctor --repair").exit_code == 0
    redis.delete(keys.klines(HOURS))
    redis.set(keys.klines(HOURS), "x")
    assert filled.run("doctor --repair").exit_code == 0


def test_our_own_damage_is_found_and_mended_beside_them(
    theirs: dict[bytes, Any], filled: Shell, redis: Redis, sim: SimServer
) -> None:
    change_a_type(redis)
    lose_a_series(redis)
    redis.zadd(KEY, {b"junk": 5})
    found = report(filled, "--repair")
    assert {one["check"] for one in found["found"]} == {"foreign type", "junk", "meta"}
    assert found["left"] == [] and found["failed"] == []
    rows = sim.market.truth("BTCUSDT", "30m", START_MS, NOW_MS)
    assert stored(redis, HALVES) == [member(row.row()) for row in rows]
    assert redis.type("aside:klines_z:BTCUSDT:30m:1") == b"hash"
    assert 0 < redis.ttl("aside:klines_z:BTCUSDT:30m:1") <= keys.ASIDE_TTL_S


TAKEN: dict[str, Any] = {
    "roles": {"admin", "guest"},
    "users": {"1": "Ann"},
    "clock": {"hours": "12"},
    "markets": {"a", "b"},
    "rereads": {"a"},
    "history_wishes": {"a"},
    "history_firsts": {"a"},
    "freshness": {"a"},
    "lease:fetcher": {"a"},
    "fence:fetcher": {"a"},
}


@pytest.mark.parametrize("name", TAKEN)
def test_a_name_of_ours_that_others_have_is_said_and_not_moved(
    filled: Shell, redis: Redis, name: str
) -> None:
    redis.delete(name)
    what = TAKEN[name]
    redis.hset(name, mapping=what) if isinstance(what, dict) else redis.sadd(name, *what)
    before = (redis.dump(name), redis.pttl(name))
    for more in ((), ("--repair",)):
        (found,) = report(filled, *more)["left"]
        assert (found["check"], found["place"], found["repair"]) == ("taken", name, None)
        assert "own database" in found["why"]
    assert (redis.dump(name), redis.pttl(name)) == before


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("weight", {"ann": "70", "bob": "82"}),
        ("weight", {"1700000000": "3"}),
        ("weight", "80 kg"),
        ("ban", "smoking"),
        ("ban", {"ann": "1"}),
    ],
)
def test_while_others_have_our_request_weight_the_exchange_is_not_asked(
    filled: Shell, redis: Redis, sim: SimServer, name: str, content: Any
) -> None:
    redis.delete(name)
    redis.set(name, content) if isinstance(content, str) else redis.hset(name, mapping=content)
    before, asked = (redis.dump(name), redis.pttl(name)), len(sim.requests())
    redis.zadd(KEY, {b"junk": 5})
    left = report(filled, "--repair")["left"]
    assert {"exchange", "junk"} <= {one["check"] for one in left}
    assert (redis.dump(name), redis.pttl(name)) == before
    assert len(sim.requests()) == asked


@pytest.mark.parametrize("where", ["another database", "this database", "by a name like ours"])
def test_settings_of_a_server_that_others_use_are_said_and_not_changed(
    filled: Shell, redis: Redis, redis_server: RedisProc, where: str
) -> None:
    with redis_server.client(db=3 if where == "another database" else 0) as other:
        if where == "by a name like ours":
            other.hset("user:1", "name", "Ann")
        else:
            other.set("cache", "x")
    redis.config_set("maxmemory-policy", "allkeys-lru")
    (found,) = report(filled, "--repair")["left"]
    assert (found["check"], found["repair"]) == ("settings", None)
    assert "Others use this server too" in found["what"]
    assert redis.config_get("maxmemory-policy") == {"maxmemory-policy": "allkeys-lru"}


def test_settings_of_a_server_of_our_own_are_mended(filled: Shell, redis: Redis) -> None:
    Accounts(redis).add("ann", "", 0, "admin")
    markets.followed(redis, ["BTCUSDT"])
    redis.config_set("maxmemory-policy", "allkeys-lru")
    assert report(filled, "--repair")["left"] == []
    assert redis.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}


def test_a_series_that_only_backfill_knows_is_ours_by_what_is_stored_of_it(
    filled: Shell, redis: Redis
) -> None:
    first: Any = redis.zrange(KEY, 0, 0)
    redis.zadd("klines_z:LTCUSDT:1h", {first[0]: START_MS})
    redis.set("corrections:LTCUSDT:1h", "x")
    checks = {one["check"] for one in report(filled)["found"]}
    assert checks == {"foreign type", "meta"}


def test_removing_a_user_leaves_a_key_of_others_that_is_called_like_one(redis: Redis) -> None:
    redis.hset("user:1", "name", "Ann")
    redis.sadd("tokens:1", DIGEST)
    redis.set(f"token:{DIGEST}", "theirs")
    assert not Accounts(redis).remove("1")
    assert redis.dbsize() == 3


def test_an_account_of_ours_that_is_damaged_is_said(filled: Shell, redis: Redis) -> None:
    for name in ("ann", "bob"):
        Accounts(redis).add(name, "", 0, "admin")
    redis.delete("user:ann")
    redis.set("user:ann", "x")
    (found,) = report(filled, "--repair")["left"]
    assert (found["check"], found["place"]) == ("taken", "user:ann")


def test_every_kind_of_key_that_is_not_a_series_has_a_judgement(redis: Redis) -> None:
    judge = Ownership(redis, ())
    for head in keys.OF_OTHERS:
        key = inspection.recognised(f"{head}no name of ours!".encode())
        assert key is not None and judge.of(key) == "other", head
