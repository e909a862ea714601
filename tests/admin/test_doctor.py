"""`flask doctor` on a store that somebody damaged, as an operator types it.

Never here: the rule for parents (`tests/candles/test_consistency.py`).
Invariant: what is damaged is named, and after `--repair` the store is the exchange's truth.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from tests.support.damaged_store import (
    HOUR,
    KEY,
    SERIES,
    START_MS,
    add_double,
    add_junk,
    add_open,
    add_unknown_keys,
    at,
    break_prices,
    change_a_type,
    changed,
    checks,
    exchange_ms,
    forget,
    let_evict,
    lose_a_series,
    misalign,
    misplace,
    part_from_children,
    replace,
    report,
    set_clock,
    spoil_meta,
)
from tests.support.driven_fetcher import HOURS, NOW_MS, member, stored
from tests.support.flask_commands import Shell
from tests.support.loopback_ports import free_port
from tests.support.signs_of_life import spoke
from truecandle.candles.interval import HOUR_MS
from truecandle.candles.series import Series
from truecandle.config import Settings
from truecandle.sim.server import SimServer
from truecandle.store import clock, inspection, keys, lease, quarantine
from truecandle.store.shared_settings import told


@pytest.fixture
def sim(running_sim: SimServer) -> SimServer:
    return running_sim


@pytest.fixture(scope="module")
def dumps() -> dict[bytes, bytes]:
    """The keys of the filled store, once somebody has filled it."""
    return {}


@pytest.fixture
def filled(shell: Shell, redis: Redis, dumps: dict[bytes, bytes]) -> Shell:
    """A store with five intervals of one market, as a backfill leaves it."""
    if not dumps:
        names = [word for series in SERIES for word in (series.symbol, series.interval.name)]
        shell.ok(f"backfill {' '.join(names)} --from {START_MS}")
        kept: Any = redis.keys("klines*")
        dumps |= {name: bytes(redis.dump(name) or b"") for name in kept}
        redis.flushall()
    for name, dump in dumps.items():
        redis.restore(name, 0, dump)
    clock.publish(redis, exchange_ms(shell))
    return shell


def truth(sim: SimServer, series: Series) -> list[bytes]:
    name = series.interval.name
    return [member(one.row()) for one in sim.market.truth("BTCUSDT", name, START_MS, NOW_MS)]


DAMAGES: list[tuple[Callable[[Redis], None], str]] = [
    (add_junk, "junk"),
    (add_double, "double"),
    (misplace, "misplaced"),
    (misalign, "misaligned"),
    (break_prices, "broken"),
    (add_open, "not closed"),
    (spoil_meta, "meta"),
    (part_from_children, "parents"),
    (change_a_type, "foreign type"),
    (lose_a_series, "foreign type"),
    (let_evict, "settings"),
    (forget, "settings"),
    (set_clock, "clock"),
]


def test_a_sound_store_has_no_findings(filled: Shell, redis: Redis) -> None:
    before = {name: redis.dump(name) for name in redis.keys("klines*")}
    said = filled.ok("doctor")
    assert "Nothing is wrong." in said
    assert "of 5 series" in said
    assert {name: redis.dump(name) for name in redis.keys("klines*")} == before


def test_each_damage_is_named_and_mended(filled: Shell, sim: SimServer, redis: Redis) -> None:
    for damage, check in DAMAGES:
        damage(redis)
        before = report(filled, "--repair")
        assert {finding["check"] for finding in before["found"]} >= {check}, damage
        assert (before["left"], before["failed"]) == ([], []), damage
    for series in SERIES:
        assert stored(redis, series) == truth(sim, series)


def test_all_damages_at_once_are_named_and_mended(
    filled: Shell, sim: SimServer, redis: Redis
) -> None:
    for damage, _ in DAMAGES:
        damage(redis)
    found = report(filled)
    assert {finding["check"] for finding in found["found"]} == {check for _, check in DAMAGES}
    result = filled.run("doctor --repair")
    assert result.exit_code == 0, result.output
    assert "still wrong" not in result.output
    assert filled.run("doctor").exit_code == 0
    for series in SERIES:
        assert stored(redis, series) == truth(sim, series)


def test_what_the_exchange_itself_contradicts_stays_a_finding(
    filled: Shell, sim: SimServer, redis: Redis
) -> None:
    changes = {"volume": "9.00000000"}
    sim.faults.add("correction", symbol="BTCUSDT", interval="4h", open_ms=START_MS, changes=changes)
    replace(redis, SERIES[2], START_MS, volume="9")
    result = filled.run("doctor --repair")
    assert result.exit_code == 1
    assert "BTCUSDT:4h: parents: 1 of 33 candles are not what their 1h candles" in result.output
    assert "outcome: still wrong" in result.output


def test_many_candles_from_the_future_are_not_removed(filled: Shell, redis: Redis) -> None:
    now_ms = NOW_MS // HOUR_MS * HOUR_MS
    some = at(redis, HOURS, HOUR[16])
    redis.zadd(
        KEY, {changed(some, time=now_ms + n * HOUR_MS): now_ms + n * HOUR_MS for n in range(9)}
    )
    left = report(filled, "--repair")["left"]
    assert [finding["check"] for finding in left] == ["not closed"]
    assert "are the clocks right?" in left[0]["what"]
    assert redis.zcount(KEY, now_ms, "+inf") == 9


def test_answers_that_were_not_believed_are_for_people_to_judge(
    filled: Shell, redis: Redis
) -> None:
    entry = quarantine.Quarantined(
        "differences", HOUR[0], HOUR[9], 10, "fetch", "10 of 10 change", 1, 1
    )
    quarantine.add(redis, HOURS, entry)
    (found,) = report(filled, "--repair")["left"]
    assert (found["check"], found["repair"]) == ("held back", None)
    assert "10 of 10 change" in found["what"]
    assert "flask verify BTCUSDT 1h --accept" in found["what"]


def test_a_hole_is_left_a_hole_and_its_parent_is_not_judged(filled: Shell, redis: Redis) -> None:
    redis.zremrangebyscore(KEY, HOUR[5], HOUR[6])
    assert checks(filled) == {"meta"}
    assert report(filled, "--repair")["left"] == []
    assert not redis.zcount(KEY, HOUR[5], HOUR[6])


def test_repairs_are_written_with_the_number_in_force(filled: Shell, redis: Redis) -> None:
    lease.Lease(redis, keys.LEADER, "a fetcher", 60_000).acquire()
    add_double(redis)
    assert report(filled, "--repair")["left"] == []


def test_settings_that_roles_do_not_agree_on_are_a_finding(shell: Shell, redis: Redis) -> None:
    spoke(redis, "feed@one", 0, told(Settings(trades_kept=50)))
    spoke(redis, "fetcher", 0, told(Settings(intervals=("1m",))))
    found = [one for one in report(shell)["found"] if one["check"] == "roles"]
    trades, intervals = [one["what"] for one in found]
    assert "TRADES_KEPT is 0 for this command and 50 for the feed" in trades
    assert "for this command and not for the fetcher" in intervals
    assert {one["repair"] for one in found} == {None}
    spoke(redis, "feed@one", 0, told(shell.settings))
    spoke(redis, "fetcher", 0, told(shell.settings))
    assert "roles" not in checks(shell)


def test_a_redis_that_takes_no_writes_or_no_events_is_a_finding(
    shell: Shell, redis: Redis, redis_url: str
) -> None:
    redis.replicaof("127.0.0.1", "1")
    try:
        replica = shell.run("doctor")
    finally:
        redis.replicaof("NO", "ONE")
    assert re.search(r"Redis: writes: Redis is a read-.*\n    Nothing new is", replica.output)
    assert "exchange: it does not answer: it is not asked, as its request weight" in replica.output
    redis.execute_command("ACL", "SETUSER", "deaf", "on", ">secret", "~*", "resetchannels", "+@all")
    try:
        url = redis_url.replace("redis://", "redis://deaf:secret@")
        deaf = Shell(dataclasses.replace(shell.settings, redis_url=url)).run("doctor")
    finally:
        redis.execute_command("ACL", "DELUSER", "deaf")
    assert re.search(r"Redis: events: .*\n    Pages and programs learn", deaf.output)
    assert all("findings." in one.output.splitlines()[-1] for one in (replica, deaf))


def test_without_the_exchange_the_store_is_looked_at_and_left_alone(
    filled: Shell, redis: Redis, redis_url: str, tmp_path: Path
) -> None:
    add_double(redis)
    away = Shell(
        Settings(
            redis_url=redis_url,
            binance_rest_url=f"http://127.0.0.1:{free_port()}",
            var_dir=tmp_path,
        )
    )
    result = away.run("doctor --repair")
    assert result.exit_code == 1
    assert "exchange: exchange: it does not answer" in result.output
    assert "BTCUSDT:1h: double: more than one candle at the same time, once" in result.output
    assert "still wrong: BTCUSDT:1h: double" in result.output


def test_what_is_set_aside_can_be_found_for_a_week_also_the_second_time(
    filled: Shell, redis: Redis
) -> None:
    for place in ("aside:corrections:BTCUSDT:1h", "aside:corrections:BTCUSDT:1h:1"):
        change_a_type(redis)
        assert report(filled, "--repair")["left"] == []
        assert redis.get(place) == b"mine"
        assert 0 < redis.ttl(place) <= keys.ASIDE_TTL_S


def test_keys_whose_names_are_no_series_are_named_and_left_alone(
    filled: Shell, redis: Redis
) -> None:
    add_unknown_keys(redis)
    before = {name: redis.dump(name) for name in redis.keys("klines*")}
    found = report(filled, "--repair")
    assert found["facts"]["others"] == [r"klines_meta:BTCUSDT:1H\xff", "klines_z:btcusdt:1h"]
    assert found["left"] == []
    assert {name: redis.dump(name) for name in before} == before


def test_a_series_of_which_nothing_is_left_is_filled_anew_on_its_own_grid(
    filled: Shell, sim: SimServer, redis: Redis
) -> None:
    days = SERIES[4]
    redis.delete(keys.klines(days), keys.meta(days))
    redis.set(keys.klines(days), "x")
    redis.lpush(keys.meta(days), "x")
    assert report(filled, "--repair")["left"] == []
    assert stored(redis, days)[-1:] == truth(sim, days)
    assert len(stored(redis, days)) > 800


def test_more_than_a_page_at_one_score_is_seen_and_mended(filled: Shell, redis: Redis) -> None:
    redis.zadd(KEY, {b"junk %d" % number: HOUR[2] + 7 for number in range(6_000)})
    assert report(filled, "--repair")["left"] == []
    assert not redis.zcount(KEY, HOUR[2] + 7, HOUR[2] + 7)


def test_pages_leave_no_member_out(redis: Redis) -> None:
    members = {b"%d" % number: number // 3 for number in range(12_000)}
    redis.zadd(KEY, members)
    pages = list(inspection.member_pages(redis, HOURS))
    assert {one: int(score) for page in pages for one, score in page} == members
    assert sum(map(len, pages)) == len(members)
    tops = [page[-1][1] for page in pages if page]
    assert sorted(set(tops)) == tops
