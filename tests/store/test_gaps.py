"""What is proven missing is neither pending nor forming, from the moment at which it is stored.

Never here: how the exchange proves a hole (`tests/ingest`), the page (`tests/e2e`).
Invariant: no reader finds a live candle at a time that is proven missing, at any instant.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
import redis as redis_py
from redis import Redis

from tests.support.driven_fetcher import NOW_MS
from tests.support.sample_candles import MINUTE_MS, MINUTES, START_MS, minute
from truecandle.candles.candle import LiveCandle
from truecandle.candles.gap import GapReason, Missing, Verdict, hole_of
from truecandle.candles.gap_registry import GapRegistry
from truecandle.sim.clock import SimulatedClock
from truecandle.sim.server import SimServer
from truecandle.store import gaps, keys, lease, live
from truecandle.store.batch import Batch

PROVEN: tuple[GapReason, ...] = ("maintenance", "not_listed", "delisted")
NOT_PROVEN: tuple[GapReason, ...] = ("unproven", "fetch_failed")
FEED = lease.of_market(MINUTES.symbol)


def at(number: int) -> int:
    return START_MS + number * MINUTE_MS


def verdict(first: int, end: int, reason: GapReason) -> Verdict:
    return Verdict(hole_of(MINUTES.interval, at(first), at(end)), reason, "for the test")


def note(redis: Redis, first: int, end: int, *verdicts: Verdict) -> list[Missing]:
    """What the exchange has said of [first, end), kept as the fetcher keeps it."""
    known = gaps.read(redis, MINUTES)
    after = known.note(MINUTES.interval, at(first), at(end), verdicts, at(end))
    return gaps.save(redis, MINUTES, known, after)


def save(redis: Redis, candle: LiveCandle, fence: int = 0) -> tuple[bool, str]:
    fences = {MINUTES.symbol: fence}
    return live.save_many(
        redis, [(MINUTES, candle)], now_ms=candle.updated_at, fences=fences
    )[0]  # fmt: skip


def waits(redis: Redis, *numbers: int) -> None:
    """The feed has told of these minutes, one after the other."""
    for number in numbers:
        save(redis, minute(number, number * MINUTE_MS + 1_000, trades=0))


def found(redis: Redis) -> list[int]:
    """All live candles, in minutes since the start."""
    shown = live.read_live(redis, MINUTES, at(20))
    candles = [*shown.pending, *([shown.forming] if shown.forming else [])]
    own = live.read_feed_candle(redis, MINUTES)
    candles += [own] if own else []
    return [(candle.open_ms - START_MS) // MINUTE_MS for candle in candles]


@pytest.mark.parametrize("reason", PROVEN)
def test_what_is_proven_missing_leaves_pending_with_the_storing_of_the_gap(
    redis: Redis, reason: GapReason
) -> None:
    waits(redis, *range(8))
    assert note(redis, 2, 5, verdict(3, 5, reason)) == [Missing(at(3), at(5))]
    assert found(redis) == [0, 1, 2, 5, 6, 7]


@pytest.mark.parametrize("reason", NOT_PROVEN)
def test_what_is_not_proven_missing_stays(redis: Redis, reason: GapReason) -> None:
    waits(redis, *range(8))
    assert note(redis, 2, 5, verdict(3, 5, reason)) == []
    assert found(redis) == [*range(8)]


def test_a_forming_candle_and_our_feeds_own_beneath_it_leave_too(redis: Redis) -> None:
    save(redis, minute(3, 181_000))
    assert save(redis, minute(3, 200_000, "client")) == (True, "forming")
    assert found(redis) == [3, 3]
    note(redis, 2, 5, verdict(3, 4, "maintenance"))
    assert found(redis) == []


def test_nothing_brings_back_what_is_proven_missing(redis: Redis) -> None:
    """A late word of the feed, the next candle that pushes it on, a browser, a new leader."""
    waits(redis, 2)
    note(redis, 3, 5, verdict(3, 5, "maintenance"))
    late = minute(4, 700_000, is_complete=True, trades=0)
    assert save(redis, late) == (False, "missing")
    assert save(redis, minute(3, 700_000, "client")) == (False, "missing")
    redis.set(keys.fence(FEED), 7)
    assert save(redis, late, fence=8) == (False, "missing")
    assert found(redis) == [2]
    # A candle that stood there before the scripts knew of the gap is not kept as pending.
    redis.set(keys.live(MINUTES), late.to_json())
    redis.set(keys.feed_candle(MINUTES), late.to_json())
    live.restore(redis, [MINUTES], now_ms=at(20), fences={MINUTES.symbol: 9})
    assert save(redis, minute(5, 701_000), fence=9) == (True, "forming")
    redis.delete(keys.feed_candle(MINUTES))
    assert found(redis) == [5]


def test_beside_a_gap_everything_is_saved(redis: Redis) -> None:
    note(redis, 3, 9, verdict(3, 5, "maintenance"), verdict(7, 9, "not_listed"))
    waits(redis, *range(12))
    assert found(redis) == [0, 1, 2, 5, 6, 9, 10, 11]


def test_a_gap_that_is_lifted_forbids_nothing_any_more(redis: Redis) -> None:
    note(redis, 3, 5, verdict(3, 5, "maintenance"))
    note(redis, 4, 5)
    assert gaps.proven(redis, MINUTES) == [Missing(at(3), at(4))]
    waits(redis, *range(6))
    assert found(redis) == [0, 1, 2, 4, 5]


def test_gaps_of_two_writers_all_count(redis: Redis) -> None:
    """Each knows nothing of what the other has stored meanwhile."""
    nothing = GapRegistry()
    for first, end in ((2, 4), (3, 8), (10, 11)):
        after = nothing.note(
            MINUTES.interval, at(first), at(end), [verdict(first, end, "maintenance")], at(end)
        )
        gaps.save(redis, MINUTES, nothing, after)
    assert gaps.proven(redis, MINUTES) == [Missing(at(2), at(8)), Missing(at(10), at(11))]
    waits(redis, *range(12))
    assert found(redis) == [0, 1, 8, 9, 11]


def test_what_was_stored_before_is_put_right_by_the_first_look(redis: Redis) -> None:
    waits(redis, *range(6))
    note(redis, 3, 4, verdict(3, 4, "maintenance"))
    redis.delete(keys.missing(MINUTES))
    redis.zadd(keys.pending(MINUTES), {minute(3, 1, is_complete=True).to_json(): at(3)})
    known = gaps.read(redis, MINUTES)
    gaps.save(redis, MINUTES, known, known, anew=True)
    assert found(redis) == [0, 1, 2, 4, 5]
    assert gaps.proven(redis, MINUTES) == [Missing(at(3), at(4))]


def test_junk_among_the_gaps_proves_nothing(redis: Redis) -> None:
    junk: dict[Any, Any] = {
        "1": "{", "2": "[]", "3": '{"start":5}', "4": '{"start":"x","end":9,"reason":"delisted"}',
        "5": f'{{"start":{at(4)},"end":{at(2)},"reason":"delisted"}}',
    }  # fmt: skip
    redis.hset(keys.gaps(MINUTES), mapping=junk)
    redis.set(keys.missing(MINUTES), "of another kind")
    note(redis, 3, 4, verdict(3, 4, "maintenance"))
    assert gaps.proven(redis, MINUTES) == [Missing(at(3), at(4))]


def test_no_reader_sees_the_gap_and_its_candle_at_once(redis: Redis, redis_url: str) -> None:
    """Gaps come and go while candles are saved; a reader looks at both in one transaction."""
    seen: list[tuple[list[int], list[tuple[int, int]]]] = []
    is_over = threading.Event()

    def look() -> None:
        with redis_py.Redis.from_url(redis_url) as own:
            while not is_over.is_set():
                batch = Batch(own)
                batch.pipe.zrange(keys.pending(MINUTES), 0, -1, withscores=True)
                waiting = batch.queued(lambda pairs: [int(score) for _, score in pairs])
                missing = gaps.queue(batch, MINUTES)
                batch.run()
                seen.append((waiting.value, [(one.start_ms, one.end_ms) for one in missing.value]))

    reader = threading.Thread(target=look)
    reader.start()
    for _ in range(30):
        waits(redis, *range(8))
        note(redis, 2, 6, verdict(3, 5, "maintenance"))
        note(redis, 2, 6)
        redis.delete(keys.live(MINUTES), keys.pending(MINUTES))
    is_over.set()
    reader.join()
    assert any(missing for _, missing in seen)
    for opens, missing in seen:
        assert not [t for t in opens for start, end in missing if start <= t < end]


@pytest.fixture
def sim() -> Iterator[SimServer]:
    with SimServer(["BTCUSDT"], clock=SimulatedClock(NOW_MS, speed=0)) as server:
        yield server
