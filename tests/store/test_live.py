"""Live candles only move forward, our feed outranks browsers, nothing closed gets lost.

Never here: official candles; junk in the keys (`test_official_damage`).
Invariant: at any one moment the same candles end the same way, in whatever order they come.
"""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from redis import Redis

from tests.support.sample_candles import (
    HOUR_MS,
    HOURS,
    MINUTE_MS,
    MINUTES,
    START_MS,
    minute,
)
from truecandle.candles.candle import LiveCandle
from truecandle.candles.interval import INTERVALS
from truecandle.candles.series import Series
from truecandle.errors import StoreDamaged
from truecandle.store import keys, live


def save(redis: Redis, candle: LiveCandle, at_ms: int | None = None) -> tuple[bool, str]:
    """Saves a candle of `MINUTES`, by default at the moment of its last change."""
    now_ms = candle.updated_at if at_ms is None else START_MS + at_ms
    return live.save_live(redis, MINUTES, candle, now_ms=now_ms)


def read(redis: Redis, at_ms: int) -> live.Live:
    return live.read_live(redis, MINUTES, START_MS + at_ms)


def closed(candle: LiveCandle) -> LiveCandle:
    return replace(candle, is_complete=True)


def test_a_candle_is_kept_exactly_and_expires(redis: Redis) -> None:
    candle = minute(0, 5, close="8.123456789")
    assert save(redis, candle) == (True, "forming")
    assert redis.get("live_candle:BTCUSDT:1m") == candle.to_json().encode()
    assert read(redis, 6) == live.Live(candle, ())
    assert 0 < redis.ttl("live_candle:BTCUSDT:1m") <= 60 + keys.LIVE_MARGIN_S


def test_an_older_candle_never_replaces_a_newer_one(redis: Redis) -> None:
    newer = minute(5, 300_000)
    save(redis, newer)
    assert save(redis, minute(4, 299_000, "client"), 300_000) == (False, "older")
    assert save(redis, minute(4, 299_000), 300_000) == (True, "pending")
    assert read(redis, 300_000).forming == newer


def test_within_one_source_a_smaller_update_never_replaces_a_larger(redis: Redis) -> None:
    for source in ("client", "live"):
        assert save(redis, minute(0, 500, source), 600) == (True, "forming")
        assert save(redis, minute(0, 499, source, trades=9), 600) == (False, "stale")
        assert save(redis, minute(0, 501, source), 600) == (True, "forming")
        redis.flushall()


def test_a_browser_does_not_touch_a_fresh_candle_of_our_feed(redis: Redis) -> None:
    ours = minute(0, 1_000)
    save(redis, ours)
    for at_ms in (1_001, 1_000 + live.FRESH_MS - 1):
        assert save(redis, minute(0, at_ms, "client")) == (False, "outranked")
    assert read(redis, 1_001).forming == ours


def test_a_browser_stands_in_when_our_feed_has_gone_quiet(redis: Redis) -> None:
    save(redis, minute(0, 1_000))
    theirs = minute(0, 1_000 + live.FRESH_MS, "client")
    assert save(redis, theirs) == (True, "forming")
    assert save(redis, minute(0, 900), 20_000) == (False, "stale")
    assert save(redis, minute(0, 20_000)) == (True, "forming")


def test_our_feed_takes_over_from_a_browser_at_once(redis: Redis) -> None:
    save(redis, minute(0, 5_000, "client"))
    assert save(redis, minute(0, 4_000), 5_000) == (True, "forming")


def test_a_newer_candle_sends_the_old_one_to_pending_as_complete(redis: Redis) -> None:
    old, new = minute(0, 59_000), minute(1, 60_001)
    save(redis, old)
    save(redis, new)
    assert read(redis, 60_001) == live.Live(new, (closed(old),))
    assert 0 < redis.ttl("pending_z:BTCUSDT:1m") <= keys.LIVE_MARGIN_S


def test_late_trades_of_the_candle_before_reach_pending(redis: Redis) -> None:
    save(redis, minute(0, 59_000))
    save(redis, minute(1, 60_001))
    late = minute(0, 59_999, trades=2)
    assert save(redis, late, 60_002) == (True, "pending")
    assert save(redis, minute(0, 59_500), 60_003) == (False, "stale")
    assert read(redis, 60_003) == live.Live(minute(1, 60_001), (closed(late),))


def test_a_browsers_closed_candle_gives_way_to_our_feeds(redis: Redis) -> None:
    save(redis, minute(0, 59_999, "client"))
    save(redis, minute(1, 60_001))
    ours = minute(0, 59_500, is_complete=True)
    assert save(redis, ours, 60_002) == (True, "pending")
    assert read(redis, 60_003).pending == (ours,)


def test_at_the_same_moment_more_trades_know_more(redis: Redis) -> None:
    few, many = minute(0, 500, trades=2, close="8.9"), minute(0, 500, trades=10, close="8.1")
    for first, second in ((few, many), (many, few)):
        redis.flushall()
        save(redis, first)
        assert save(redis, second) == ((True, "forming") if second is many else (False, "stale"))
        assert read(redis, 500).forming == many


def test_a_lesser_candle_does_not_replace_a_pending_one_on_its_way_out(redis: Redis) -> None:
    ours = minute(0, 59_900)
    save(redis, ours)
    save(redis, minute(1, 60_001))
    redis.delete(keys.live(MINUTES))
    save(redis, minute(0, 60_002, "client"))
    save(redis, minute(1, 60_003))
    assert read(redis, 60_003).pending == (closed(ours),)


def test_saving_twice_is_saving_once(redis: Redis) -> None:
    for candle in (minute(0, 5), minute(1, 60_005)):
        save(redis, candle)
    before = {key: redis.dump(key) for key in redis.scan_iter()}
    assert save(redis, minute(1, 60_005)) == (True, "forming")
    assert save(redis, closed(minute(0, 5)), 60_005) == (True, "pending")
    assert {key: redis.dump(key) for key in redis.scan_iter()} == before


def test_pending_is_bounded_and_keeps_the_newest(redis: Redis) -> None:
    for number in range(620):
        save(redis, minute(number, number * MINUTE_MS + 1))
    assert redis.zcard(keys.pending(MINUTES)) == live.PENDING_KEPT == 600
    pending = read(redis, 620 * MINUTE_MS).pending
    assert [c.open_ms for c in pending] == [START_MS + n * MINUTE_MS for n in range(19, 619)]


def test_official_candles_settle_the_pending_ones(redis: Redis) -> None:
    for number in range(5):
        save(redis, minute(number, number * MINUTE_MS + 1))
    opens = [START_MS + n * MINUTE_MS for n in (-1, 0, 2)]
    assert live.settle(redis, MINUTES, opens) == 2
    assert live.settle(redis, MINUTES, opens) == 0
    assert live.settle(redis, MINUTES, []) == 0
    pending = read(redis, 5 * MINUTE_MS).pending
    assert [(c.open_ms - START_MS) // MINUTE_MS for c in pending] == [1, 3]


def test_a_candle_that_ended_long_ago_is_not_forming(redis: Redis) -> None:
    candle = minute(0, 1_000)
    save(redis, candle)
    assert read(redis, 3 * MINUTE_MS).forming == candle
    assert read(redis, 3 * MINUTE_MS + 1) == live.Live(None, (closed(candle),))


def test_a_candle_off_the_grid_or_from_the_future_is_refused(redis: Redis) -> None:
    off = replace(minute(0, 5), open_ms=START_MS + 1)
    assert save(redis, off) == (False, "misaligned")
    assert save(redis, minute(2, 5), 2 * MINUTE_MS - live.AHEAD_MS - 1) == (False, "future")
    assert redis.dbsize() == 0


def test_a_stored_candle_from_the_future_does_not_block_the_way(redis: Redis) -> None:
    redis.set(keys.live(MINUTES), minute(9_999, 1).to_json())
    assert save(redis, minute(0, 5)) == (True, "forming")


def test_a_3d_candle_is_kept_while_its_grid_is_not_known(redis: Redis) -> None:
    series = Series("SOLUSDT", INTERVALS["3d"])
    assert live.save_live(redis, series, minute(0, 5), now_ms=START_MS + 5).saved
    assert live.read_live(redis, series, START_MS + 5).forming == minute(0, 5)


def test_many_candles_are_saved_in_the_order_given(redis: Redis) -> None:
    other = Series("ETHUSDT", INTERVALS["1m"])
    items = [(MINUTES, minute(0, 5)), (other, minute(0, 6)), (MINUTES, minute(1, 60_001))]
    items += [(MINUTES, minute(0, 59_000)), (other, minute(5, 7))]
    saved = live.save_many(redis, items, now_ms=START_MS + 60_002)
    assert [s.reason for s in saved] == ["forming", "forming", "forming", "pending", "future"]
    assert live.save_many(redis, [], now_ms=START_MS) == []


def test_a_damaged_key_spoils_only_its_own_series(redis: Redis) -> None:
    other = Series("ETHUSDT", INTERVALS["1m"])
    redis.lpush(keys.live(MINUTES), "x")
    items = [(MINUTES, minute(0, 5)), (other, minute(0, 5))]
    saved = live.save_many(redis, items, now_ms=START_MS + 5)
    assert saved == [(False, "damaged"), (True, "forming")]
    with pytest.raises(StoreDamaged, match="live_candle:BTCUSDT:1m"):
        save(redis, minute(0, 5))
    assert redis.type(keys.live(MINUTES)) == b"list"


def test_the_same_candles_in_3000_random_orders_end_the_same_way(redis: Redis) -> None:
    """Two sources, equal and different moments, stale and fresh, one and two open times."""
    chance = random.Random(7)
    now_ms = 75_000
    for case in range(500):
        candles = [
            minute(
                chance.choice([0, 1]),
                chance.choice([59_000, 62_000, 70_000, 70_000]),
                chance.choice(["live", "client"]),
                is_complete=chance.random() < 0.2,
                trades=chance.randint(1, 3),
                close=chance.choice(["8", "8.5"]),
            )
            for _ in range(6)
        ]
        series = Series(f"CASE{case}", INTERVALS["1m"])
        endings = set()
        for _ in range(6):
            chance.shuffle(candles)
            redis.delete(keys.live(series), keys.pending(series))
            items = [(series, candle) for candle in candles]
            live.save_many(redis, items, now_ms=START_MS + now_ms)
            found = live.read_live(redis, series, START_MS + now_ms)
            assert found.forming is not None
            assert len(found.pending) <= 1
            if all(candle.source == "live" for candle in candles):
                endings.add(found)
            else:  # a browser's older candle is kept only if it came first
                endings.add(live.Live(found.forming, ()))
        assert len(endings) == 1, candles
        [ending] = endings
        assert ending.forming
        assert ending.forming.open_ms == max(candle.open_ms for candle in candles)


@pytest.mark.parametrize("junk", [b"{", b'{"time":"abc"}', b"[]", b"null", b"\xff", b"[" * 9_999])
def test_junk_in_the_live_keys_is_skipped_and_overwritten(redis: Redis, junk: bytes) -> None:
    redis.set(keys.live(HOURS), junk)
    redis.zadd(keys.pending(HOURS), {junk: START_MS})
    assert live.read_live(redis, HOURS, START_MS) == live.Live(None, ())
    assert live.save_live(redis, HOURS, minute(0, 5), now_ms=START_MS + 5).saved
    assert live.save_live(redis, HOURS, minute(60, 3_600_005), now_ms=START_MS + HOUR_MS).saved
    found = live.read_live(redis, HOURS, START_MS + HOUR_MS)
    assert (found.forming, [c.open_ms for c in found.pending]) == (
        minute(60, 3_600_005),
        [START_MS],
    )
    assert redis.zcard(keys.pending(HOURS)) == 1
