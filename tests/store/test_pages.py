"""Pages of official candles: the right ones, ascending, cut into columns of exact text.

Never here: how candles get into the store (`test_official`).
Invariant: a page is what a plain list of open times, sliced in Python, would give.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis import Redis

from tests.support.official_store import upsert
from tests.support.sample_candles import HOUR_MS, HOURS, START_MS, official, rows
from truecandle.errors import CandleError
from truecandle.store import keys, pages
from truecandle.store import official as store
from truecandle.store.batch import Batch


def hours(*numbers: int) -> list[int]:
    return [START_MS + number * HOUR_MS for number in numbers]


def ask(redis: Redis, limit: int, **bounds: int) -> tuple[list[int], bool]:
    """Open times of a page and whether there are more; bounds are numbers of hours."""
    query = store.Query(limit, **{f"{key}_ms": hours(n)[0] for key, n in bounds.items()})
    page = store.read(redis, HOURS, query)
    return [json.loads(member)[0] for member in page.members], page.has_more


def test_pages_follow_limit_start_end_and_before(redis: Redis) -> None:
    upsert(redis, rows(10))
    assert ask(redis, 3) == (hours(7, 8, 9), True)
    assert ask(redis, 10) == (hours(*range(10)), False)
    assert ask(redis, 3, start=2) == (hours(2, 3, 4), True)
    assert ask(redis, 3, start=7) == (hours(7, 8, 9), False)
    assert ask(redis, 9, start=2, end=4) == (hours(2, 3), False)
    assert ask(redis, 2, end=4) == (hours(2, 3), True)
    assert ask(redis, 2, before=4) == (hours(2, 3), True)
    assert ask(redis, 9, before=2) == (hours(0, 1), False)
    assert ask(redis, 2, before=9, end=4) == (hours(2, 3), True)
    assert ask(redis, 2, start=1, before=9) == (hours(7, 8), True)
    assert ask(redis, 5, start=4, end=4) == ([], False)
    assert ask(redis, 5, before=0) == ([], False)


def test_paging_backwards_meets_every_candle_once(redis: Redis) -> None:
    upsert(redis, rows(25))
    seen: list[int] = []
    before = 25
    has_more = True
    while has_more:
        page, has_more = ask(redis, 4, before=before)
        seen = page + seen
        before = (page[0] - START_MS) // HOUR_MS
    assert seen == hours(*range(25))


def test_a_page_tells_the_series_of_the_same_instant(redis: Redis) -> None:
    assert store.read(redis, HOURS, store.Query(5)) == store.Page((), 0, has_more=False)
    written = upsert(redis, rows(10))
    batch = Batch(redis)
    asked, known = store.queue(batch, HOURS, store.Query(2)), pages.queue_meta(batch, HOURS)
    batch.run()
    page = asked.value
    assert known.value == store.Meta(START_MS, hours(9)[0], 10, page.version)
    assert page.version == written.version == store.version(redis, HOURS)
    assert store.candles(page.members) == [official(8), official(9)]


def test_a_page_shares_a_transaction_with_other_reads(redis: Redis) -> None:
    upsert(redis, rows(3))
    query = store.Query(2)
    batch = Batch(redis)
    batch.pipe.ping()
    before = batch.queued(bool)
    page = store.queue(batch, HOURS, query)
    batch.pipe.zcard(keys.klines(HOURS))
    after = batch.queued(int)
    batch.run()
    assert (before.value, after.value) == (True, 3)
    assert page.value == store.read(redis, HOURS, query)


def test_a_batch_is_not_read_before_it_has_run(redis: Redis) -> None:
    batch = Batch(redis)
    page = store.queue(batch, HOURS, store.Query(2))
    with pytest.raises(AttributeError):
        _ = page.value


@pytest.mark.parametrize("limit", [0, -1, store.PAGE_CANDLES_MAX + 1])
def test_a_page_has_bounds(limit: int) -> None:
    with pytest.raises(CandleError, match="limit"):
        store.Query(limit)


def test_open_times_are_read_in_pages_without_losing_any(redis: Redis) -> None:
    count = 2 * store.PAGE_CANDLES_MAX + 7
    upsert(redis, rows(count))
    redis.zremrangebyscore(keys.klines(HOURS), *hours(6_000, 6_001))
    expected = [n for n in range(count) if n not in (6_000, 6_001)]
    assert store.open_times(redis, HOURS, START_MS, hours(count)[0]) == hours(*expected)
    assert store.open_times(redis, HOURS, hours(5)[0], hours(8)[0]) == hours(5, 6, 7)
    assert store.open_times(redis, HOURS, 0, START_MS) == []


def test_a_double_on_the_edge_of_two_pages_is_seen(redis: Redis) -> None:
    count = store.PAGE_CANDLES_MAX + 2
    upsert(redis, rows(count))
    edge = store.PAGE_CANDLES_MAX - 1
    redis.zadd(keys.klines(HOURS), {official(edge, "8.4").member(): hours(edge)[0]})
    expected = hours(*(n for n in range(count) if n != edge))
    assert store.open_times(redis, HOURS, START_MS, hours(count)[0]) == expected


def test_the_newest_members_come_newest_first(redis: Redis) -> None:
    upsert(redis, rows(5))
    assert [json.loads(m)[0] for m in store.latest(redis, HOURS, 2)] == hours(4, 3)
    assert store.latest(redis, HOURS, 0) == []


def test_columns_keep_the_exact_text_of_every_number() -> None:
    members = [
        b"[1499040000000,0.0163479,0.8,0.015758,0.015771,148976.11427815,1499644799999,1,2,3,4,0]",
        b"[1499043600000,0.00000908,1,0.00000001,0.1,0,1499644799999,1,2,3,4,0]",
    ]
    found = store.columns(members)
    assert (found.time, found.open) == (
        [b"1499040000000", b"1499043600000"],
        [b"0.0163479", b"0.00000908"],
    )
    assert (found.high, found.low) == ([b"0.8", b"1"], [b"0.015758", b"0.00000001"])
    assert (found.close, found.volume) == ([b"0.015771", b"0.1"], [b"148976.11427815", b"0"])
    assert (found.is_whole, store.columns([]).time) == (True, [])


ODD_FIELDS = st.lists(
    st.sampled_from([b"1", b"0.5", b"", b".", b"1.", b".5", b"NaN", b"-1"]), max_size=13
)
ODD = st.one_of(
    st.binary(max_size=30), ODD_FIELDS.map(lambda fields: b"[" + b",".join(fields) + b"]")
)


@given(st.lists(st.one_of(ODD, st.integers(0, 20)), max_size=12))
def test_whatever_is_stored_columns_are_ascending_json_numbers(given: list[bytes | int]) -> None:
    members = [official(m).member().encode() if isinstance(m, int) else m for m in given]
    found = store.columns(members)
    times = [int(time) for time in found.time]
    assert times == sorted({START_MS + m * HOUR_MS for m in given if isinstance(m, int)})
    assert found.is_whole == (len(times) == len(members) and given == sorted(given))
    for column in (found.open, found.high, found.low, found.close, found.volume):
        assert len(json.loads(b"[" + b",".join(column) + b"]")) == len(times)


@given(st.lists(st.integers(0, 7_258_118_399_999)).map(sorted))
def test_times_read_as_in_javascript(times: list[int]) -> None:
    expected = [
        datetime.fromtimestamp(t // 1000, UTC).strftime('"%Y-%m-%dT%H:%M:%S') + f'.{t % 1000:03}Z"'
        for t in times
    ]
    assert [text.decode() for text in store.iso(b"%d" % t for t in times)] == expected
