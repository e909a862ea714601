"""`flask verify`, as an operator types it.

Never here: which answers are believed (`tests/ingest/test_kline_pages.py`).
Invariant: in the end the store is the exchange's truth, or it was said what is not.
"""

from __future__ import annotations

from redis import Redis

from tests.support.driven_fetcher import MINUTES, NOW_MS, Events, member, stored
from tests.support.flask_commands import Shell
from truecandle.candles.interval import MINUTE_MS
from truecandle.sim.server import SimServer
from truecandle.store import gaps, keys, official, quarantine

THE_MINUTE_MS = NOW_MS - NOW_MS % MINUTE_MS


def ago(minutes: int) -> int:
    return THE_MINUTE_MS - minutes * MINUTE_MS


def store(sim: SimServer, redis: Redis, minutes: int) -> None:
    rows = [row.row() for row in sim.market.truth("BTCUSDT", "1m", ago(minutes), ago(0))]
    official.upsert_klines(redis, MINUTES, rows, now_ms=NOW_MS, settle_ms=3_000)


def correct(sim: SimServer, minutes: int, **changes: str) -> None:
    sim.faults.add(
        "correction", symbol="BTCUSDT", interval="1m", open_ms=ago(minutes), changes=changes
    )


def truth(sim: SimServer, minutes: int) -> list[bytes]:
    return [member(row.row()) for row in sim.market.truth("BTCUSDT", "1m", ago(minutes), ago(0))]


def test_what_the_exchange_changed_is_corrected_recorded_and_told(
    shell: Shell, sim: SimServer, redis: Redis
) -> None:
    store(sim, redis, 2_500)
    events = Events(redis)
    for minutes in range(20, 2_020, 40):
        correct(sim, minutes, volume=f"{minutes}.5")
    said = shell.ok("verify BTCUSDT 1m")
    assert "2,500 candles read again" in said and "50 corrected, 0 added, 0 healed" in said
    assert stored(redis, MINUTES) == truth(sim, 2_500)
    found = official.corrections(redis, MINUTES, 1_000)
    assert sorted(one.time for one in found) == sorted(ago(n) for n in range(20, 2_020, 40))
    assert {one.by for one in found} == {"verify"}
    assert {event["reason"] for event in events.take()} == {"correction"}
    assert "0 corrected" in shell.ok("verify BTCUSDT 1m")
    assert len(official.corrections(redis, MINUTES, 1_000)) == 50


def test_only_the_range_that_was_named_is_read_again(
    shell: Shell, sim: SimServer, redis: Redis
) -> None:
    store(sim, redis, 300)
    correct(sim, 250, volume="250.5")
    correct(sim, 100, volume="100.5")
    said = shell.ok("verify BTCUSDT 1m --from", str(ago(150)), "--to", str(ago(50)))
    assert "100 candles read again" in said and "1 corrected" in said
    assert [one.time for one in official.corrections(redis, MINUTES, 10)] == [ago(100)]


def test_what_is_missing_comes_in_and_what_the_exchange_lacks_gets_a_reason(
    shell: Shell, sim: SimServer, redis: Redis
) -> None:
    store(sim, redis, 300)
    redis.zremrangebyscore(keys.klines(MINUTES), ago(200), ago(191))
    redis.zremrangebyscore(keys.klines(MINUTES), ago(100), ago(91))
    sim.faults.add("gap", start_ms=ago(100), end_ms=ago(90))
    said = shell.ok("verify BTCUSDT 1m")
    assert "10 added" in said and "1 maintenance" in said
    assert [one.reason for one in gaps.read(redis, MINUTES).all] == ["maintenance"]


def test_candles_that_the_exchange_does_not_have_are_named_and_stay(
    shell: Shell, sim: SimServer, redis: Redis
) -> None:
    store(sim, redis, 300)
    before = stored(redis, MINUTES)
    sim.faults.add("gap", start_ms=ago(100), end_ms=ago(98))
    result = shell.run("verify BTCUSDT 1m")
    assert result.exit_code == 1
    assert "2 candles that the exchange does not have" in result.output
    assert "stored, but not with the exchange: 2024-08-08T10:20:00Z" in result.output
    assert stored(redis, MINUTES) == before


def test_too_much_at_once_is_held_back_until_it_is_accepted(
    shell: Shell, sim: SimServer, redis: Redis
) -> None:
    store(sim, redis, 300)
    before = stored(redis, MINUTES)
    for minutes in range(50, 170):
        correct(sim, minutes, volume=f"{minutes}.5")
    result = shell.run("verify BTCUSDT 1m")
    assert result.exit_code == 1
    assert "120 of 300 closed candles would change at once" in result.output
    assert "1 pages held back" in result.output
    assert stored(redis, MINUTES) == before
    assert [one.by for one in quarantine.read(redis, MINUTES)] == ["verify"]
    assert "120 corrected" in shell.ok("verify BTCUSDT 1m --accept")
    assert stored(redis, MINUTES) == truth(sim, 300)
    assert quarantine.read(redis, MINUTES) == []


def test_a_series_without_candles_is_no_error(shell: Shell) -> None:
    assert "nothing is stored there" in shell.ok("verify BTCUSDT 1m BTCUSDT 3d")


def test_what_is_no_series_is_refused(shell: Shell) -> None:
    assert shell.run("verify").exit_code == 2
    assert shell.run("verify BTCUSDT 1H").exit_code == 2
