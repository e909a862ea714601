"""Official candles are stored once per open time, with the right outcome for every row.

Never here: reading pages (`test_pages`), foreign or lost content (`test_official_damage`).
Invariant: every store is checked against the ZSET itself (`assert_consistent`).
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis import Redis

from tests.support.official_store import assert_consistent, members, upsert, wait_for_clock
from tests.support.sample_candles import (
    HOUR_MS,
    HOURS,
    SETTLE_MS,
    START_MS,
    after,
    official,
    row,
    rows,
)
from truecandle.candles.interval import DAY_MS, INTERVALS
from truecandle.candles.series import Series
from truecandle.errors import CandleError, StaleWriter
from truecandle.store import keys
from truecandle.store import official as store


def test_the_same_row_twice_other_prices_unsorted_misaligned_and_open(redis: Redis) -> None:
    """Given rows of every kind, then one candle stands per open time, each outcome is counted."""
    upsert(redis, rows(3))

    misaligned = row(0)
    misaligned[0] += 1
    broken, short, in_microseconds = row(6), row(7)[:11], row(8)
    broken[2] = "6.00000000"
    in_microseconds[0] *= 1_000
    written = upsert(
        redis,
        [
            row(5), row(5), row(4), row(3), row(3),      # doubled, unsorted: once each
            row(0), row(1, close="8.40000000"),          # the same; other prices
            misaligned, row(9), broken, short, in_microseconds,
        ],
        number=8,
    )  # fmt: skip

    assert (written.added, written.unchanged, written.corrected, written.healed) == (3, 1, 1, 0)
    assert [(refused.time, refused.reason) for refused in written.refused] == [
        (START_MS + 1, "misaligned"),
        (START_MS + 9 * HOUR_MS, "open"),
        (START_MS + 6 * HOUR_MS, "broken"),
        (START_MS + 7 * HOUR_MS, "broken"),
        ((START_MS + 8 * HOUR_MS) * 1_000, "broken"),
    ]
    assert written.changed == (official(1, "8.4"), official(3), official(4), official(5))
    assert written.count == 6
    assert sorted(members(redis)) == [START_MS + n * HOUR_MS for n in range(6)]
    assert_consistent(redis)


def test_a_member_is_the_exchanges_own_text_without_trailing_zeros(redis: Redis) -> None:
    given = [
        START_MS, "0.01634790", "0.80000000", "0.01575800", "0.01577100", "148976.11427815",
        START_MS + HOUR_MS - 1, "2434.19055334", 308, "1756.87402397", "28.46694368", "0",
    ]  # fmt: skip
    upsert(redis, [given])
    assert members(redis)[START_MS] == (
        b"[1704067200000,0.0163479,0.8,0.015758,0.015771,148976.11427815,1704070799999,"
        b"2434.19055334,308,1756.87402397,28.46694368,0]"
    )


def test_an_open_row_is_never_stored(redis: Redis) -> None:
    end_ms = START_MS + HOUR_MS
    for now_ms in (START_MS, end_ms - 1, end_ms, end_ms + SETTLE_MS - 1):
        written = upsert(redis, rows(1), now_ms=now_ms)
        assert (written.added, written.refused[0].reason) == (0, "open")
        assert redis.exists(keys.klines(HOURS), keys.meta(HOURS)) == 0
    assert upsert(redis, rows(1), now_ms=end_ms + SETTLE_MS).added == 1


def test_a_close_time_cut_short_does_not_close_a_candle_early(redis: Redis) -> None:
    cut = row(0)
    cut[6] = START_MS + 60_000
    assert upsert(redis, [cut], now_ms=START_MS + 10 * 60_000).refused[0].reason == "open"
    upsert(redis, [cut])
    assert f",{START_MS + 60_000},".encode() in members(redis)[START_MS]


def test_rows_that_contradict_each_other_refuse_the_whole_answer(redis: Redis) -> None:
    with pytest.raises(CandleError, match="one row per open time"):
        upsert(redis, [row(0), row(1), row(1, close="8.4")])
    assert redis.dbsize() == 0


def test_a_correction_replaces_the_row_and_keeps_both(redis: Redis) -> None:
    first = upsert(redis, rows(3))
    second = upsert(redis, [row(1, close="8.4")], noticed_by="audit")

    assert (second.corrected, second.count, second.previous) == (1, 3, first.version)
    assert second.version > first.version
    [correction] = store.corrections(redis, HOURS, 10)
    assert (correction.old, correction.new) == (official(1), official(1, "8.4"))
    assert (correction.time, correction.by) == (START_MS + HOUR_MS, "audit")
    assert abs(correction.at - second.version) < 60_000
    assert_consistent(redis)


def test_corrections_are_kept_newest_first_and_bounded(redis: Redis) -> None:
    upsert(redis, rows(600))
    for close in ("8.4", "8.3"):
        assert upsert(redis, rows(600, close=close)).corrected == 600
    assert redis.llen(keys.corrections(HOURS)) == store.CORRECTIONS_KEPT
    assert store.corrections(redis, HOURS, 1)[0].new == official(599, "8.3")


def test_replaying_the_same_rows_changes_nothing(redis: Redis) -> None:
    upsert(redis, rows(700))
    before = redis.dump(keys.klines(HOURS)), redis.get(keys.meta(HOURS))
    for _ in range(20):
        written = upsert(redis, rows(700))
        assert (written.added, written.unchanged, written.changed) == (0, 700, ())
        assert written.version == written.previous
    assert (redis.dump(keys.klines(HOURS)), redis.get(keys.meta(HOURS))) == before


def test_a_long_answer_is_stored_in_chunks_and_reported_as_one(redis: Redis) -> None:
    written = upsert(redis, rows(1_234))
    assert (written.added, len(written.changed), written.count) == (1_234, 1_234, 1_234)
    assert (written.previous, written.version) == (0, store.version(redis, HOURS))
    assert written.changed == tuple(official(n) for n in range(1_234))


def test_another_writer_between_two_chunks_breaks_the_chain_of_versions(
    redis: Redis, redis_url: str
) -> None:
    class Interrupted(Redis):
        """A client that somebody else gets ahead of before its second chunk."""

        calls = 0

        def evalsha(self, *args: Any, **options: Any) -> Any:
            self.calls += 1
            if self.calls == 2:
                upsert(redis, [row(9_000)], number=9_000)
            return super().evalsha(*args, **options)

    upsert(redis, [])
    store.UPSERT.run(redis, list("abcdef"), (0, "known", 1))
    with Interrupted.from_url(redis_url, protocol=3) as client:
        written = upsert(client, rows(1_000))
    assert (written.added, written.count) == (1_000, 1_001)
    assert written.previous == store.BROKEN_CHAIN


def test_nothing_to_store_still_tells_where_the_series_is(redis: Redis) -> None:
    empty = upsert(redis, [])
    assert (empty.count, empty.earliest, empty.version, redis.dbsize()) == (0, None, 0, 0)
    version = upsert(redis, rows(2)).version
    assert upsert(redis, []).version == version


def test_few_rows_over_a_long_stored_range_are_looked_up_one_by_one(redis: Redis) -> None:
    upsert(redis, rows(2_000))
    written = upsert(redis, [row(0), row(1_000, close="8.4"), row(1_999), row(2_000)])
    assert (written.added, written.unchanged, written.corrected) == (1, 2, 1)
    assert written.changed == (official(1_000, "8.4"), official(2_000))
    assert_consistent(redis)


def test_a_writer_that_was_overtaken_writes_nothing(redis: Redis) -> None:
    upsert(redis, rows(2), fence=7)
    for fence in (0, 6):
        with pytest.raises(StaleWriter):
            upsert(redis, rows(5), fence=fence)
    assert len(members(redis)) == 2
    assert upsert(redis, rows(3), fence=7).added == 1
    assert upsert(redis, rows(4), fence=8).added == 1
    assert redis.get(keys.FENCE) == b"8"


def test_a_version_never_repeats_even_when_meta_was_lost(redis: Redis) -> None:
    for _ in range(20):
        before = upsert(redis, rows(2)).version
        for close in ("8.4", "8.3", "8.2"):
            before = upsert(redis, rows(1, close=close)).version
        redis.delete(keys.meta(HOURS))
        wait_for_clock(redis, before)
        assert store.version(redis, HOURS) == 0
        assert upsert(redis, rows(2)).version > before


def test_a_version_rises_while_the_clock_of_redis_lags_behind(redis: Redis) -> None:
    upsert(redis, rows(1))
    future = 4_000_000_000_000
    meta = store.meta(redis, HOURS)
    text = f'{{"earliest":{meta.earliest},"latest":{meta.latest},"count":1,"version":{future}}}'
    redis.set(keys.meta(HOURS), text)
    assert upsert(redis, rows(1)).version == future
    assert upsert(redis, rows(2)).version == future + 1


def test_the_grid_of_3d_candles_is_learned_from_the_first_ones(redis: Redis) -> None:
    series = Series("SOLUSDT", INTERVALS["3d"])
    first_ms = START_MS - START_MS % (3 * DAY_MS) + 2 * DAY_MS

    def candle(open_ms: int) -> list[Any]:
        return [open_ms, "8", "9", "7", "8.5", "1", open_ms + 3 * DAY_MS - 1, "8", 3, "1", "1", "0"]

    assert not store.learned(redis, series).interval.has_grid
    now_ms = first_ms + 30 * DAY_MS
    answer = [candle(first_ms + n * 3 * DAY_MS) for n in range(3)] + [candle(first_ms + DAY_MS)]
    written = store.upsert_klines(redis, series, answer, now_ms=now_ms, settle_ms=0)
    assert (written.added, [r.reason for r in written.refused]) == (3, ["misaligned"])
    assert store.learned(redis, series).interval.phase_ms == 2 * DAY_MS

    off_grid = [candle(first_ms + 10 * DAY_MS)]
    written = store.upsert_klines(redis, series, off_grid, now_ms=now_ms, settle_ms=0)
    assert (written.added, written.refused[0].reason) == (0, "misaligned")


def test_a_minute_and_a_month_are_not_the_same_series(redis: Redis) -> None:
    for name in ("1m", "1M"):
        series = Series("BTCUSDT", INTERVALS[name])
        store.upsert_klines(redis, series, rows(1), now_ms=after(2_000), settle_ms=0)
    assert redis.zcard("klines_z:BTCUSDT:1m") == redis.zcard("klines_z:BTCUSDT:1M") == 1


#: (candle number, variant of its prices, ms off the grid)
OFFERS = st.lists(
    st.tuples(
        st.integers(0, 12),
        st.sampled_from(["8.5", "8.50", "8.4", "7"]),
        st.sampled_from([0] * 9 + [1]),
    ),
    max_size=14,
)


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(OFFERS, st.integers(-1, 12)), min_size=1, max_size=8))
def test_any_sequence_of_answers_ends_as_the_model_says(
    redis: Redis, answers: list[tuple[list[tuple[int, str, int]], int]]
) -> None:
    redis.flushall()
    model: dict[int, bytes] = {}
    version = 0
    for offers, closed in answers:
        answer = [[START_MS + n * HOUR_MS + off, *row(n, close)[1:]] for n, close, off in offers]
        wanted: dict[int, bytes] = {}
        is_contradicting = False
        for (n, close, off), offered in zip(offers, answer, strict=True):
            if off == 0 and n <= closed:
                member = official(n, close).member().encode()
                is_contradicting |= wanted.setdefault(offered[0], member) != member
        if is_contradicting:
            with pytest.raises(CandleError):
                upsert(redis, answer, closed)
            continue
        written = upsert(redis, answer, closed)
        changed = {t: m for t, m in wanted.items() if model.get(t) != m}
        model |= wanted

        assert members(redis) == model
        assert [c.member().encode() for c in written.changed] == [
            changed[t] for t in sorted(changed)
        ]
        assert written.added + written.corrected == len(changed)
        assert written.unchanged == len(wanted) - len(changed)
        assert len(written.refused) == sum(off != 0 or n > closed for n, _, off in offers)
        assert written.previous == version
        assert (written.version > version) if changed else (written.version == version)
        version = written.version
        if model:
            assert_consistent(redis)
