"""A series is the same whether its older candles are sealed or not, through every write, and
whenever whoever moves them is killed.

Never here: how candles are packed (`test_block`), what is found damaged (`test_block_inspection`).
Invariant: candles go in and come out by the store's own doors, on a real Redis.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis import Redis

from tests.support.mortal_redis import Killed, kill_after, mortal_client
from tests.support.official_store import upsert
from tests.support.sample_candles import HOUR_MS, HOURS, START_MS, official, row, rows
from truecandle.candles.gap import find_holes
from truecandle.candles.interval import INTERVALS
from truecandle.candles.series import Series
from truecandle.errors import StaleWriter
from truecandle.store import block, inspection, keys, lease, pages, sealing
from truecandle.store import official as store
from truecandle.store.pages import Query

END_MS = START_MS + 20_000 * HOUR_MS
SPAN = block.BLOCK_CANDLES


def seal(redis: Redis, seal_after: int, fence: int = 0) -> int:
    """Moves blocks until nothing is left to move; how many that were."""
    moved = 0
    while (outcome := sealing.step(redis, HOURS, seal_after, fence)) == "done":
        moved += 1
    assert outcome == "kept"
    return moved


def everything(redis: Redis) -> list[bytes]:
    """All members, by pages from the start."""
    found, start_ms = list[bytes](), 0
    while True:
        page = pages.read(redis, HOURS, Query(700, start_ms, LAST))
        found += page.members
        if not page.has_more:
            return found
        start_ms = int(page.members[-1][1:14]) + 1


LAST = 7_000_000_000_000


def test_sealed_candles_are_read_as_before(redis: Redis) -> None:
    """Given 2,500 candles with holes, when all but some 300 are sealed, then every reader says what
    it said, the version included; and so after unsealing."""
    given = [r for n, r in enumerate(rows(2_600)) if n % 97 and not 400 < n < 500]
    upsert(redis, given)
    times = [r[0] for r in given]
    before = state(redis, times)

    moved = seal(redis, 300)
    assert moved >= 2
    assert 300 <= redis.zcard(keys.klines(HOURS)) < 300 + SPAN
    assert state(redis, times) == before

    assert seal(redis, 0) == moved
    assert redis.exists(keys.blocks(HOURS), keys.index(HOURS)) == 0
    assert state(redis, times) == before


def state(redis: Redis, times: list[int]) -> Any:
    """What all readers say of the series."""
    spots = [0, times[0], times[1] - 1, times[950], times[-1], times[-1] + 1, LAST]
    asked = [
        Query(limit, *span)
        for limit in (1, 700, 5_000)
        for start in (None, *spots)
        for end in (None, *spots[2:])
        if (start or 0) < (end or LAST)
        for span in ((start, end), (start, None, end))
    ]
    ranges = [(t, t + 300 * HOUR_MS) for t in range(times[0] - HOUR_MS, END_MS, 300 * HOUR_MS)]
    return (
        pages.meta(redis, HOURS),
        [pages.read(redis, HOURS, query) for query in asked],
        pages.open_times(redis, HOURS, times[3], times[-3]),
        pages.counts(redis, HOURS, ranges),
        pages.latest(redis, HOURS, 900),
        [m for page in inspection.member_pages(redis, HOURS) for m in page],
        [m for page in inspection.member_pages(redis, HOURS, times[7], times[1_200]) for m in page],
        inspection.claim(redis, HOURS),
    )


def test_a_correction_to_a_sealed_candle_is_one_as_any_other(redis: Redis) -> None:
    upsert(redis, rows(2_200))
    seal(redis, 100)
    version = store.version(redis, HOURS)

    written = upsert(
        redis, [row(3, "8.40000000"), row(4), row(1_500, "8.30000000")], noticed_by="x"
    )

    assert (written.corrected, written.unchanged, written.added, written.healed) == (2, 1, 0, 0)
    assert written.changed == (official(3, "8.4"), official(1_500, "8.3"))
    assert written.version > version == written.previous or written.previous == store.BROKEN_CHAIN
    assert written.count == 2_200
    newest, older = store.corrections(redis, HOURS, 10)
    assert (newest.old, newest.new, newest.by) == (official(1_500), official(1_500, "8.3"), "x")
    assert (older.old, older.new) == (official(3), official(3, "8.4"))
    assert pages.read(redis, HOURS, Query(1, START_MS + 3 * HOUR_MS)).members == (
        official(3, "8.4").member().encode(),
    )


def test_late_candles_go_into_their_block_whenever_they_come(redis: Redis) -> None:
    """Given a series that was filled backwards and with a hole, when it is all there, then its
    blocks are the same as those of one that came in order."""
    upsert(redis, rows(2_000, 2_000))
    seal(redis, 500)
    upsert(redis, [r for n, r in enumerate(rows(2_000)) if not 700 <= n < 720])
    upsert(redis, rows(20, 700))
    blocks = redis.hgetall(keys.blocks(HOURS))
    assert everything(redis) == [official(n).member().encode() for n in range(4_000)]
    assert pages.meta(redis, HOURS).earliest == START_MS

    redis.flushdb()
    upsert(redis, rows(4_000))
    seal(redis, 500)
    assert redis.hgetall(keys.blocks(HOURS)) == blocks


def test_an_older_writer_seals_and_corrects_nothing(redis: Redis) -> None:
    upsert(redis, rows(2_200), fence=5)
    with pytest.raises(StaleWriter):
        sealing.step(redis, HOURS, 100, 4)
    seal(redis, 100, fence=5)
    assert redis.get(keys.FENCE) == b"5" == b"%d" % lease.current(redis, keys.LEADER)
    for late in (row(3), row(3, "8.40000000")):
        with pytest.raises(StaleWriter):
            upsert(redis, [late], fence=4)
    with pytest.raises(StaleWriter):
        sealing.step(redis, HOURS, 0, 4)
    assert store.corrections(redis, HOURS, 1) == []


def test_what_is_no_candle_is_not_sealed(redis: Redis) -> None:
    upsert(redis, rows(2_200))
    redis.zadd(keys.klines(HOURS), {b"junk": START_MS + 5})
    assert sealing.step(redis, HOURS, 100, 0) == "blocked"
    redis.zrem(keys.klines(HOURS), b"junk")
    assert sealing.step(redis, HOURS, 100, 0) == "done"
    redis.zadd(keys.klines(HOURS), {official(5).member(): START_MS + 5 * HOUR_MS})
    assert sealing.step(redis, HOURS, 100, 0) == "blocked"
    assert everything(redis) == [official(n).member().encode() for n in range(2_200)]


def test_with_a_higher_setting_the_newest_blocks_are_put_back_and_stay_out(redis: Redis) -> None:
    """Also where a block is put back, the newest candles that are to be unsealed are no fewer than
    the setting says and no more than a block more; asked again, nothing is moved either way."""
    upsert(redis, rows(6_000))
    blocks = seal(redis, 100)
    assert blocks >= 4
    for seal_after, fewest in ((2_500, 2_500), (2_500, 2_500), (5_000, 5_000), (300, 300)):
        moved = seal(redis, seal_after)
        unsealed: Any = redis.zcard(keys.klines(HOURS))
        assert fewest <= unsealed < fewest + SPAN
        assert seal(redis, seal_after) == 0
        assert not sealing.is_due(unsealed, 6_000 - unsealed, seal_after)
        blocks += moved if seal_after == 300 else -moved
        assert redis.zcard(keys.index(HOURS)) == blocks
    seal(redis, 100)
    assert seal(redis, 7_000) > 0
    assert redis.exists(keys.index(HOURS), keys.blocks(HOURS)) == 0
    assert everything(redis) == [official(n).member().encode() for n in range(6_000)]


@pytest.mark.parametrize("name", ["1w", "1M"])
def test_weeks_and_months_are_sealed_by_the_calendar(redis: Redis, name: str) -> None:
    series = Series("BTCUSDT", INTERVALS[name])
    interval, opens = series.interval, list[int]()
    open_ms = interval.open_ms(1_104_537_600_000)
    while open_ms < START_MS:
        opens.append(open_ms)
        open_ms = interval.next_open_ms(open_ms)
    given = [[ms, *row(0)[1:6], interval.close_ms(ms), *row(0)[7:]] for ms in opens]
    store.upsert_klines(redis, series, given, now_ms=END_MS, settle_ms=0)
    while sealing.step(redis, series, 1, 0) == "done":
        pass
    assert pages.open_times(redis, series, 0, END_MS) == opens
    assert find_holes(interval, opens, opens[0], opens[-1]) == []
    while sealing.step(redis, series, 0, 0) == "done":
        pass
    assert redis.zcard(keys.klines(series)) == len(opens)


# Random orders, and kills -------------------------------------------------------------------------


@pytest.fixture
def mortal(redis: Redis) -> Iterator[Redis]:
    with mortal_client(redis) as client:
        yield client


#: What happens, a seed for which candles, and after how many commands it is killed (-1: never).
STEPS = st.tuples(
    st.sampled_from(["store", "store", "store", "correct", "seal", "seal", "unseal", "remove"]),
    st.integers(0, 2**16),
    st.sampled_from([-1, -1, -1, 0, 1, 2, 3, 4, 5]),
    st.booleans(),
)


@settings(
    max_examples=45, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(STEPS, min_size=4, max_size=14))
def test_any_order_of_writes_seals_and_kills_ends_as_a_plain_model_says(
    redis: Redis, mortal: Redis, steps: list[tuple[str, int, int, bool]]
) -> None:
    """A write that is killed is there in parts at most, each candle as it was or as it is to be;
    nothing else changes. Sealing changes nothing at all."""
    redis.flushall()
    model: dict[int, bytes] = {}
    for what, seed, kill, is_after in steps:
        dice = random.Random(seed)
        near = dice.randrange(9_000)
        numbers = sorted(
            {near + int(dice.expovariate(1 / 300)) for _ in range(dice.randrange(1, 9))}
        )
        close = "8.50000000" if what == "store" else f"8.{seed % 10}0000000"
        wanted = {START_MS + n * HOUR_MS: official(n, close).member().encode() for n in numbers}
        if what == "correct":
            chosen = dice.sample(sorted(model), min(len(model), 3))
            numbers = [(ms - START_MS) // HOUR_MS for ms in chosen]
            wanted = {START_MS + n * HOUR_MS: official(n, close).member().encode() for n in numbers}
        gone = set(dice.sample(sorted(model), min(len(model), 2))) if what == "remove" else set()
        kill_after(kill, is_after=is_after)
        try:
            if what in ("store", "correct"):
                upsert(mortal, [row(n, close) for n in numbers])
            elif what == "remove":
                inspection.remove(mortal, HOURS, gone)
            else:
                for _ in range(3):
                    sealing.step(mortal, HOURS, dice.randrange(1, 9) if what == "seal" else 0, 0)
        except Killed:
            mortal.connection_pool.disconnect()
            found = {int(member[1:14]): member for member in everything(redis)}
            for ms in found.keys() | model.keys() | wanted.keys():
                allowed = {model.get(ms)}
                if what in ("store", "correct") and ms in wanted:
                    allowed.add(wanted[ms])
                if ms in gone:
                    allowed.add(None)
                assert found.get(ms) in allowed
            model = found
        else:
            if what in ("store", "correct"):
                model |= wanted
            model = {ms: member for ms, member in model.items() if ms not in gone}
        finally:
            kill_after(-1)
        check(redis, model, dice)


def check(redis: Redis, model: dict[int, bytes], dice: random.Random) -> None:
    """Every reader says what the model holds."""
    times = sorted(model)
    assert everything(redis) == [model[ms] for ms in times]
    found = pages.meta(redis, HOURS)
    assert (found.count, found.earliest, found.latest) == (
        (len(times), times[0], times[-1]) if times else (0, None, None)
    )
    low, high = sorted(START_MS + dice.randrange(12_000) * HOUR_MS for _ in range(2))
    inside = [ms for ms in times if low <= ms < high]
    limit = dice.randrange(1, 12)
    forward = pages.read(redis, HOURS, Query(limit, low, high + 1))
    assert [int(m[1:14]) for m in forward.members] == [ms for ms in times if low <= ms <= high][
        :limit
    ]
    backward = pages.read(redis, HOURS, Query(limit, before_ms=high))
    assert [int(m[1:14]) for m in backward.members] == [ms for ms in times if ms < high][-limit:]
    assert backward.has_more == (len([ms for ms in times if ms < high]) > limit)
    assert pages.open_times(redis, HOURS, low, high) == inside
    ranges = [(low, (low + high) // 2), ((low + high) // 2, high)]
    assert sum(pages.counts(redis, HOURS, ranges)) == len(inside)
    assert [m for page in inspection.member_pages(redis, HOURS) for m in page] == [
        (model[ms], float(ms)) for ms in times
    ]
