"""Two fetchers at one Redis: one leads, the other takes over, and no stale answer is written."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
import redis as redis_py

from tests.support.redis_server import RedisProc
from tests.support.role_processes import Roles
from tests.support.two_fetchers import CORRECTED_AGE_MS, SERIES, Pair, Witness
from tests.support.waiting import wait_for
from truecandle.fetcher.leadership import TTL_MS
from truecandle.store import keys, official, roles

#: Beyond what is promised (TTL + 1 s), for machines that are busy with other tests.
SLOW_S = 5.0
STOP_S = 20.0


@pytest.fixture
def pair(processes: Roles, redis: redis_py.Redis, redis_url: str) -> Iterator[Pair]:
    with Pair(processes, redis, redis_url) as found:
        found.start(0)
        found.start(1)
        found.wait_for_leader()
        found.follow()
        yield found


def test_one_reads_the_other_asks_for_the_time_alone_and_takes_over_at_once_when_told(
    pair: Pair, redis: redis_py.Redis
) -> None:
    leader = pair.wait_for_leader()
    other = next(role for role in pair.all if role is not leader)
    other.wait_for_line("stands by")
    wait_for(lambda: pair.asked(other, "time"), what="the other to measure its clock")
    wait_for(lambda: "standby" in roles.heartbeats(redis), what="the other's sign of life")
    assert pair.paths(other) == {"/api/v3/time"}
    assert "/api/v3/klines" in pair.paths(leader)

    number = int(redis.get(keys.FENCE) or 0)
    assert leader.end(signal.SIGTERM, STOP_S) == 0
    assert pair.leader() is not leader  # it gave the lease up; nobody waits for it to run out
    pair.wait_for_leader()
    assert int(redis.get(keys.FENCE) or 0) > number
    newest = pair.latest_ms()
    wait_for(lambda: pair.latest_ms() > newest, what="a new candle")
    pair.follow()
    assert pair.differences() == []
    assert "Traceback" not in leader.output + other.output


def test_a_leader_that_is_frozen_or_killed_is_replaced_and_writes_nothing_stale(
    pair: Pair, redis_server: RedisProc, redis: redis_py.Redis
) -> None:
    corrected = []
    with redis_server.client(socket_timeout=None) as client, Witness(client) as witness:
        for _ in range(2):
            leader = pair.wait_for_leader()
            asked_ms = pair.freeze_with_an_answer(leader)
            other = pair.wait_for_leader(but=leader, timeout_s=TTL_MS / 1_000 + SLOW_S)
            newest = pair.latest_ms()
            wait_for(lambda past=newest: pair.latest_ms() > past, what="a new candle")  # type: ignore[misc]
            corrected.append(SERIES.interval.open_ms(asked_ms - CORRECTED_AGE_MS))
            pair.correct(corrected[-1])
            pair.follow()
            refused = len(witness.stale)
            leader.send(signal.SIGCONT)
            wait_for(lambda past=refused: len(witness.stale) > past, what="an answer of old")  # type: ignore[misc]
            assert pair.leader() is other
        killed = pair.wait_for_leader()
        killed.kill()
        pair.wait_for_leader(but=killed, timeout_s=TTL_MS / 1_000 + SLOW_S)
        pair.follow()
        assert [call for call in witness.stale if call.has_written] == []
    assert sorted(entry.time for entry in official.corrections(redis, SERIES, 50)) == corrected
    assert pair.differences() == []
