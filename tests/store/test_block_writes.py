"""A block that cannot be read stays an error that names it until all that it held is there again.

Never here: sound blocks (`test_sealing`), who fetches the candles again (`test_block_scrub`).
Invariant: each damage is one that somebody else does to our keys, on a real Redis.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from redis import Redis

from tests.support.mortal_redis import Killed, kill_after, mortal_client
from tests.support.official_store import upsert
from tests.support.sample_candles import HOUR_MS, HOURS, START_MS, official, row, rows
from truecandle.candles.gap import find_holes
from truecandle.errors import StoreDamaged
from truecandle.store import (
    block,
    block_inspection,
    block_writes,
    both_halves,
    inspection,
    keys,
    pages,
    sealing,
)
from truecandle.store import official as store
from truecandle.store.pages import Query

CANDLES = 3_200
#: The candles whose block is damaged: with a hole in it, so that its entry does not tell all.
SPAN = block.span_of(HOURS.interval, START_MS + 1_500 * HOUR_MS)
FIRST, END = (SPAN.start_ms - START_MS) // HOUR_MS, (SPAN.end_ms - START_MS) // HOUR_MS
HOLE = FIRST + 400
NUMBERS = [number for number in range(FIRST, END) if number != HOLE]
FIELD = str(SPAN.start_ms)
ENTRY = f"{SPAN.start_ms}:{SPAN.end_ms}:999:{SPAN.start_ms}:{SPAN.end_ms - HOUR_MS}"


def change_a_byte(redis: Redis) -> None:
    text: Any = redis.hget(keys.blocks(HOURS), FIELD)
    redis.hset(keys.blocks(HOURS), FIELD, text[:50] + bytes([text[50] ^ 1]) + text[51:])


def lose_the_block(redis: Redis) -> None:
    redis.hdel(keys.blocks(HOURS), FIELD)


def put_another_in_its_place(redis: Redis) -> None:
    other = next(field for field in redis.hkeys(keys.blocks(HOURS)) if field.isdigit())
    redis.hset(keys.blocks(HOURS), FIELD, redis.hget(keys.blocks(HOURS), other) or b"")


def lose_some_of_it(redis: Redis) -> None:
    kept = [official(number).member().encode() for number in NUMBERS[:-300]]
    redis.hset(keys.blocks(HOURS), FIELD, block.pack(kept))


DAMAGES = [change_a_byte, lose_the_block, put_another_in_its_place, lose_some_of_it]


@pytest.fixture(autouse=True)
def sealed(redis: Redis) -> None:
    upsert(redis, [r for number, r in enumerate(rows(CANDLES)) if number != HOLE])
    while sealing.step(redis, HOURS, 100, 0) == "done":
        pass
    assert redis.zscore(keys.index(HOURS), ENTRY) == SPAN.start_ms


def dump(redis: Redis) -> dict[bytes, Any]:
    return {name: redis.dump(name) for name in redis.scan_iter()}


def everything(redis: Redis) -> list[bytes]:
    return list(pages.read(redis, HOURS, Query(pages.PAGE_CANDLES_MAX)).members)


def still_names_it(redis: Redis) -> None:
    """Readers name it, the writers' look for holes sees none, and the rest is read as before."""
    with pytest.raises(StoreDamaged, match=f"BTCUSDT:1h: .* of 999 candles from {SPAN.start_ms} "):
        everything(redis)
    opens = pages.open_times(redis, HOURS, START_MS, START_MS + CANDLES * HOUR_MS)
    assert find_holes(HOURS.interval, opens, START_MS, START_MS + CANDLES * HOUR_MS) == []
    assert pages.meta(redis, HOURS).count == CANDLES - 1
    assert pages.read(redis, HOURS, Query(900, before_ms=SPAN.start_ms)).members
    faults = list(block_inspection.faults(redis, HOURS))
    assert [fault.spans for fault in faults] == [(SPAN,)]
    assert block_inspection.look(redis, HOURS, SPAN.start_ms, 1).unreadable == (SPAN,)


@pytest.mark.parametrize("damage", DAMAGES)
def test_fewer_rows_than_it_held_change_nothing_and_all_of_them_heal_it(
    redis: Redis, damage: Callable[[Redis], None]
) -> None:
    """Given a damaged block, when one of its candles is stored, or a correction, or all but one,
    or all by somebody who is killed before it is done, then it stays the error that names it, not
    a byte of it changes, and rows of other blocks are stored all the same. When all are stored, it
    is as if nothing had been."""
    damage(redis)
    still_names_it(redis)
    before = dump(redis)

    all_but_one = [number for number in NUMBERS if number != NUMBERS[-100]]
    for numbers in ([NUMBERS[7]], [HOLE], NUMBERS[:-1], all_but_one):
        written = upsert(redis, [row(number) for number in numbers])
        assert [one.reason for one in written.refused] == ["unreadable"] * len(numbers)
        assert str(SPAN.start_ms) in written.refused[0].detail
        assert (written.changed, written.version) == ((), written.previous)
    with pytest.raises(StoreDamaged, match=FIELD):
        inspection.remove(redis, HOURS, [NUMBERS[3] * HOUR_MS + START_MS])
    assert dump(redis) == before

    written = upsert(redis, [row(NUMBERS[7]), row(3, "8.40000000"), row(CANDLES)])
    assert (written.corrected, written.added, len(written.refused)) == (1, 1, 1)
    assert pages.meta(redis, HOURS).count == CANDLES

    with mortal_client(redis) as mortal:
        for commands, is_after in ((0, False), (1, False), (2, False), (3, False)):
            kill_after(commands, is_after=is_after)
            with pytest.raises(Killed):
                upsert(mortal, [row(number) for number in NUMBERS])
            mortal.connection_pool.disconnect()
            with pytest.raises(StoreDamaged):
                everything(redis)
        kill_after(-1)
        healed = upsert(mortal, [row(number) for number in NUMBERS])
    assert (healed.refused, healed.corrected, healed.added) == ((), 0, 0)
    assert healed.healed >= 300
    truth = {number: official(number) for number in range(CANDLES + 1) if number != HOLE}
    truth[3] = official(3, "8.4")
    assert everything(redis) == [candle.member().encode() for candle in truth.values()]
    assert list(block_inspection.faults(redis, HOURS)) == []
    assert pages.meta(redis, HOURS).count == CANDLES


def test_all_that_the_exchange_has_replaces_it_even_if_that_is_less(redis: Redis) -> None:
    change_a_byte(redis)
    written = upsert(redis, [row(number) for number in NUMBERS[:-5]], is_all=True)
    assert (written.healed, written.refused) == (994, ())
    assert list(block_inspection.faults(redis, HOURS)) == []
    assert pages.meta(redis, HOURS).count == CANDLES - 6
    opens = pages.open_times(redis, HOURS, SPAN.start_ms, SPAN.end_ms)
    assert opens == [START_MS + number * HOUR_MS for number in NUMBERS[:-5]]


def test_a_block_that_the_index_forgot_is_found_again_by_the_next_write_to_it(
    redis: Redis,
) -> None:
    """Given a block that can be read, and whose entry is lost, one late candle brings all back, and
    they count once. If it cannot be read either, nobody knows what it held: it stays, and whoever
    looks is told."""
    redis.zrem(keys.index(HOURS), ENTRY)
    with pytest.raises(StoreDamaged, match="flask doctor"):
        block_inspection.check_index(redis, HOURS)
    assert upsert(redis, [row(HOLE)]).added == 1
    assert everything(redis) == [official(number).member().encode() for number in range(CANDLES)]
    assert list(block_inspection.faults(redis, HOURS)) == []
    block_inspection.check_index(redis, HOURS)

    redis.zremrangebyscore(keys.index(HOURS), FIELD, FIELD)
    change_a_byte(redis)
    before = dump(redis)
    written = upsert(redis, [row(number) for number in range(FIRST, END)])
    assert {one.reason for one in written.refused} == {"unreadable"}
    assert dump(redis) == before
    assert upsert(redis, [row(number) for number in range(FIRST, END)], is_all=True).healed == 1_000
    assert list(block_inspection.faults(redis, HOURS)) == []


def test_no_block_is_sealed_over_one_that_the_index_forgot(redis: Redis) -> None:
    newest: Any = redis.zrange(keys.index(HOURS), -1, -1)
    redis.zrem(keys.index(HOURS), *newest)
    start_ms = int(newest[0].split(b":")[0])
    number = (start_ms - START_MS) // HOUR_MS
    upsert(redis, [row(number + 5)])
    stored = redis.hgetall(keys.blocks(HOURS))
    assert sealing.step(redis, HOURS, 100, 0) == "blocked"
    assert redis.hgetall(keys.blocks(HOURS)) == stored
    assert store.renew(redis, HOURS, fence=0, noticed_by="doctor").count < CANDLES
    assert redis.hexists(keys.blocks(HOURS), str(start_ms)) is False


def test_a_long_block_lies_in_two_fields_and_is_one(redis: Redis) -> None:
    """Of random candles a block is long: written, corrected, damaged in either part, healed and
    unsealed, it is read as others are."""
    dice = random.Random(7)
    given = rows(CANDLES)
    for one in given:
        one[5], one[7], one[9], one[10] = (str(dice.randrange(10**n)) for n in (11, 15, 11, 15))
        one[8] = dice.randrange(10**7)
    redis.flushall()
    assert upsert(redis, given).added == CANDLES
    truth = everything(redis)
    while sealing.step(redis, HOURS, 100, 0) == "done":
        pass
    other = FIELD + both_halves.REST
    fields: Any = redis.hgetall(keys.blocks(HOURS))
    text = fields[FIELD.encode()] + fields[other.encode()]
    assert block_writes.parts(text) == (fields[FIELD.encode()], fields[other.encode()])
    assert everything(redis) == truth

    for damage in (FIELD, other):
        redis.hdel(keys.blocks(HOURS), damage)
        with pytest.raises(StoreDamaged, match=FIELD):
            everything(redis)
        assert len(upsert(redis, given[FIRST : END - 1]).refused) == 999
        assert upsert(redis, given[FIRST:END]).healed == 1_000
        assert everything(redis) == truth
    assert upsert(redis, [row(FIRST)]).corrected == 1
    assert upsert(redis, given[FIRST:END]).corrected == 1
    while sealing.step(redis, HOURS, 0, 0) == "done":
        pass
    assert everything(redis) == truth
    assert redis.exists(keys.blocks(HOURS)) == 0
    for size in (0, 300, 4_090, 4_500, 16_378, 16_379, 17_000, 20_300, 40_000):
        head, rest = block_writes.parts(bytes(size))
        assert len(head + rest) == size
        assert bool(rest) == (size in (4_500, 16_379, 17_000, 40_000))
