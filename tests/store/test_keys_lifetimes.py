"""How long keys live: nothing that is right vanishes, and nothing that is disposable stays.

Never here: what the keys hold.
Invariant: times to live are asked of the server itself.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from redis import Redis

from tests.support.sample_candles import MINUTE_MS, minute
from truecandle.candles.candle import LiveCandle
from truecandle.candles.freshness import Facts, judge
from truecandle.candles.interval import DAY_MS, INTERVALS, Interval
from truecandle.candles.series import Series
from truecandle.store import clock, freshness, keys, live, roles

#: 2024-07-31T23:59:30Z: every interval's last candle of July.
NOW_MS = 1_722_470_370_000
#: A market may be halted, or its fetcher away, for so long.
HALT_MS = 5 * DAY_MS

ALL = [one if one.has_grid else one.with_phase(0) for one in INTERVALS.values()]


def candle(interval: Interval, open_ms: int, source: str = "live", at_ms: int = 0) -> LiveCandle:
    return minute(0, 0, source, open_ms=open_ms, updated_at=open_ms + at_ms)


def ends_in_ms(redis: Redis, key: str) -> int:
    """How long a key lives on, by the server's clock."""
    left: int = redis.pttl(key)
    assert left > 0, f"{key} has no end, or is not there"
    return left


@pytest.mark.parametrize("interval", ALL, ids=lambda one: one.name)
def test_a_forming_candle_lives_to_the_end_of_its_interval_and_a_halt_more(
    redis: Redis, interval: Interval
) -> None:
    """Given no trade after its first: nobody ever saves it again."""
    series = Series("BTCUSDT", interval)
    open_ms = interval.open_ms(NOW_MS - DAY_MS)
    end_ms = interval.next_open_ms(open_ms)
    live.save_live(redis, series, candle(interval, open_ms), now_ms=open_ms)
    left_ms = ends_in_ms(redis, keys.live(series))
    assert open_ms + left_ms >= end_ms + HALT_MS
    assert open_ms + left_ms <= end_ms + keys.LIVE_MARGIN_S * 1000
    shown = live.read_live(redis, series, end_ms - 1).forming
    assert shown is not None and shown.open_ms == open_ms


@pytest.mark.parametrize("interval", ALL, ids=lambda one: one.name)
def test_our_feeds_own_candle_lives_as_long_as_the_browsers_above_it(
    redis: Redis, interval: Interval
) -> None:
    series = Series("BTCUSDT", interval)
    open_ms = interval.open_ms(NOW_MS)
    end_ms = interval.next_open_ms(open_ms)
    live.save_live(redis, series, candle(interval, open_ms), now_ms=open_ms)
    late_ms = open_ms + live.FRESH_MS
    theirs = candle(interval, open_ms, "client", live.FRESH_MS)
    assert live.save_live(redis, series, theirs, now_ms=late_ms).saved
    for key in (keys.live(series), keys.feed_candle(series)):
        assert late_ms + ends_in_ms(redis, key) >= end_ms + HALT_MS - live.FRESH_MS


@pytest.mark.parametrize("interval", ALL, ids=lambda one: one.name)
def test_what_waits_for_its_official_version_outlives_a_halt(
    redis: Redis, interval: Interval
) -> None:
    series = Series("BTCUSDT", interval)
    first_ms = interval.open_ms(NOW_MS)
    next_ms = interval.next_open_ms(first_ms)
    live.save_live(redis, series, candle(interval, first_ms), now_ms=first_ms)
    live.save_live(redis, series, candle(interval, next_ms), now_ms=next_ms)
    left_ms = ends_in_ms(redis, keys.pending(series))
    assert HALT_MS <= left_ms <= keys.LIVE_MARGIN_S * 1000
    # Late news of one that closed long ago does not shorten the lives of the others.
    late = replace(candle(interval, first_ms), updated_at=next_ms + HALT_MS, trades=2)
    assert live.save_live(redis, series, late, now_ms=next_ms + HALT_MS).saved
    assert ends_in_ms(redis, keys.pending(series)) >= HALT_MS


def test_a_feed_that_was_last_heard_of_days_ago_is_not_one_that_was_never_there(
    redis: Redis,
) -> None:
    facts = Facts(
        at=NOW_MS, connected_since=NOW_MS - MINUTE_MS, heard=NOW_MS, pong=NOW_MS, trade=NOW_MS,
        lost_since=None, behind_since=None, flowing_since=NOW_MS - MINUTE_MS, is_connected=True,
        behind=None, lost_why=None,
    )  # fmt: skip
    freshness.note(redis, {"BTCUSDT": facts})
    roles.heartbeat(redis, "feed", {})
    clock.publish(redis, NOW_MS)
    for key in (keys.FRESHNESS, keys.ROLES, keys.CLOCK):
        assert ends_in_ms(redis, key) >= HALT_MS
    found = judge(freshness.read(redis)["BTCUSDT"], NOW_MS + HALT_MS)
    assert (found.state, found.since) == ("offline", NOW_MS)
