"""`flask doctor`, `export` and `verify` on a store whose older candles are sealed.

Never here: damages of what is not sealed (`test_doctor.py`).
Invariant: what is damaged is named with series and time, and mended with what the exchange has.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from tests.support.damaged_store import exchange_ms, report
from tests.support.driven_fetcher import HOURS, NOW_MS, member
from tests.support.flask_commands import Shell
from truecandle.candles.interval import HOUR_MS
from truecandle.sim.server import SimServer
from truecandle.store import clock, keys, pages
from truecandle.store.block import BLOCK_CANDLES

SPAN_MS = BLOCK_CANDLES * HOUR_MS
#: Three blocks, and what is newer.
START_MS = NOW_MS // SPAN_MS * SPAN_MS - 3 * SPAN_MS
FIRST = str(START_MS)


@pytest.fixture
def sim(running_sim: SimServer) -> SimServer:
    return running_sim


@pytest.fixture
def sealed(shell: Shell, redis: Redis) -> Shell:
    """A month and more of hours, filled by a shell that seals as it goes."""
    shell.settings = replace(shell.settings, seal_after=30)
    shell.ok(f"backfill BTCUSDT 1h --from {START_MS}")
    clock.publish(redis, exchange_ms(shell))
    return shell


def everything(redis: Redis) -> list[bytes]:
    page = pages.read(redis, HOURS, pages.Query(pages.PAGE_CANDLES_MAX))
    assert not page.has_more
    return list(page.members)


def change_a_byte(redis: Redis) -> None:
    text: Any = redis.hget(keys.blocks(HOURS), FIRST)
    redis.hset(keys.blocks(HOURS), FIRST, text[:99] + b"~~" + text[101:])


def lose_a_block(redis: Redis) -> None:
    redis.hdel(keys.blocks(HOURS), FIRST)


def lose_an_entry(redis: Redis) -> None:
    redis.zremrangebyscore(keys.index(HOURS), FIRST, FIRST)


def lose_an_entry_and_a_byte(redis: Redis) -> None:
    change_a_byte(redis)
    lose_an_entry(redis)


def tell_wrong(redis: Redis) -> None:
    lose_an_entry(redis)
    text = f"{FIRST}:{START_MS + SPAN_MS}:999:{FIRST}:{START_MS + 999 * HOUR_MS}"
    redis.zadd(keys.index(HOURS), {text: START_MS})


def count_wrong(redis: Redis) -> None:
    redis.hset(keys.blocks(HOURS), "count", "7")


def spoil_the_index(redis: Redis) -> None:
    redis.zadd(keys.index(HOURS), {b"junk": NOW_MS})


def add_twice(redis: Redis) -> None:
    oldest = pages.read(redis, HOURS, pages.Query(1, START_MS)).members[0]
    redis.zadd(keys.klines(HOURS), {oldest: START_MS})


def change_the_type(redis: Redis) -> None:
    redis.delete(keys.blocks(HOURS))
    redis.set(keys.blocks(HOURS), "mine")


DAMAGES: list[tuple[Callable[[Redis], None], str, str]] = [
    (change_a_byte, "blocks", "cannot be read, 20"),
    (lose_a_block, "blocks", "cannot be read, 20"),
    (lose_an_entry, "blocks", "the index does not tell of, 20"),
    (lose_an_entry_and_a_byte, "blocks", "the index does not tell of, 20"),
    (tell_wrong, "blocks", "cannot be read, 20"),
    (count_wrong, "blocks", "said to hold '7' candles"),
    (spoil_the_index, "blocks", "holds what is no entry"),
    (add_twice, "blocks", "lie unsealed where the series is sealed, 20"),
    (change_the_type, "foreign type", "it holds a string, not a hash"),
]


def test_a_sealed_store_is_sound_and_each_damage_to_it_is_named_and_mended(
    sealed: Shell, sim: SimServer, redis: Redis, tmp_path: Path
) -> None:
    rows = sim.market.truth("BTCUSDT", "1h", START_MS, NOW_MS)
    truth = [member(one.row()) for one in rows]
    assert int(redis.hget(keys.blocks(HOURS), "count") or 0) > 2 * BLOCK_CANDLES
    assert everything(redis)[: len(truth)] == truth
    assert "Nothing is wrong." in sealed.ok("doctor")
    sealed.ok("verify BTCUSDT 1h --from", str(START_MS))

    out = tmp_path / "out"
    sealed.ok("export BTCUSDT 1h --into", str(out), "--form", "jsonl")
    for damage, check, what in DAMAGES:
        damage(redis)
        said = report(sealed, "--repair")
        named = [one for one in said["found"] if one["check"] == check]
        assert any(what in one["what"] for one in named), (damage, said)
        assert (said["left"], said["failed"]) == ([], []), (damage, said)
        assert everything(redis)[: len(truth)] == truth, damage

    redis.flushall()
    sealed.ok("import", str(out))
    assert everything(redis)[: len(truth)] == truth
    assert redis.zcard(keys.klines(HOURS)) < 30 + 2 * BLOCK_CANDLES
    assert int(redis.hget(keys.blocks(HOURS), "count") or 0) >= BLOCK_CANDLES
