"""Blocks that cannot be read are found and fetched again by the fetcher itself.

Never here: what a write does to a damaged block (`tests/store/test_block_writes.py`).
Invariant: the exchange is the simulated one, the store a real Redis.
"""

from __future__ import annotations

from typing import Any

import pytest
from redis import Redis

from tests.support.driven_fetcher import HOURS, NOW_MS, Desk, member
from truecandle.candles.interval import DAY_MS, HOUR_MS, MINUTE_MS
from truecandle.candles.series import Series, parse_series
from truecandle.errors import ExchangeError, StoreDamaged
from truecandle.fetcher import block_scrub
from truecandle.sim.server import SimServer
from truecandle.store import block, keys, pages


def everything(redis: Redis, series: Series = HOURS) -> list[bytes]:
    page = pages.read(redis, series, pages.Query(pages.PAGE_CANDLES_MAX))
    assert not page.has_more
    return list(page.members)


def blocks(redis: Redis, series: Series = HOURS) -> list[str]:
    """Where the spans of the blocks begin, ascending."""
    fields: Any = redis.hkeys(keys.blocks(series))
    return sorted(field.decode() for field in fields if field.isdigit())


def damage(redis: Redis, field: str, series: Series = HOURS) -> None:
    text: Any = redis.hget(keys.blocks(series), field)
    redis.hset(keys.blocks(series), field, text[:-1] + bytes([text[-1] ^ 1]))


def test_the_fetcher_fetches_a_block_again_that_cannot_be_read(
    sim: SimServer, redis: Redis, redis_url: str
) -> None:
    """Given two damaged blocks, a turn asks for each by one request, and all is as it was. Where
    the exchange has fewer candles than a block held, that stays an error which names it, asked for
    again after growing pauses only, newer candles come all the while, and it heals once the
    exchange has all."""
    desk = Desk(sim, redis, redis_url, history=2_600, seal_after=30)
    desk.sync.refresh(HOURS)
    while desk.sync.fill(HOURS):
        pass
    fields = blocks(redis)
    assert len(fields) >= 2
    truth = everything(redis)
    desk.sync.scrub(HOURS)
    desk.events.take()

    damage(redis, fields[0])
    redis.hdel(keys.blocks(HOURS), fields[-1])
    asked = len(desk.asked())
    desk.sync.scrub(HOURS)
    assert everything(redis) == truth
    assert len(desk.asked()) == asked + 2
    assert [event["reason"] for event in desk.events.take()] == ["repair", "repair"]

    damage(redis, fields[-1])
    start_ms = int(fields[-1]) + 100 * HOUR_MS
    sim.market.pause(start_ms, start_ms + 2 * HOUR_MS)
    for minutes, requests in ((0, 1), (0, 1), (2, 2), (2, 2), (4, 3)):
        sim.clock.set(NOW_MS + minutes * MINUTE_MS)
        desk.sync.scrub(HOURS)
        assert len(desk.asked()) == asked + 2 + requests
    with pytest.raises(StoreDamaged, match=f" from {fields[-1]} "):
        everything(redis)
    sim.clock.set(NOW_MS + HOUR_MS)
    assert desk.sync.refresh(HOURS).has_arrived
    desk.sync.fill(HOURS)

    sim.market.restore()
    desk.sync.scrub(HOURS)
    newest = sim.market.truth(
        "BTCUSDT", "1h", block.span_of(HOURS.interval, NOW_MS).start_ms, NOW_MS
    )
    assert everything(redis)[: len(truth)] == truth
    assert everything(redis)[-1] == member(newest[-1].row())


def test_blocks_of_a_market_that_is_followed_no_more_keep_no_others_waiting(
    sim: SimServer, redis: Redis, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given as many blocks asked for in vain as may be, of one market; another one's is asked for
    once nobody has looked at those for a day after they were due."""
    monkeypatch.setattr(block_scrub, "TRIED_MAX", 1)
    other = parse_series("SOLUSDT", "1h")
    desk = Desk(sim, redis, redis_url, history=1_100, seal_after=30)
    for series in (HOURS, other):
        desk.sync.refresh(series)
        while desk.sync.fill(series):
            pass
    truth, field = everything(redis, other), blocks(redis, other)[0]
    damage(redis, blocks(redis)[0])
    damage(redis, field, other)
    sim.faults.add("server_error", path="klines", count=None)
    with pytest.raises(ExchangeError):
        desk.sync.scrub(HOURS)
    sim.faults.calm()

    asked = len(desk.asked())
    desk.sync.scrub(other)
    assert len(desk.asked()) == asked
    sim.clock.set(NOW_MS + DAY_MS + HOUR_MS)
    desk.sync.scrub(other)
    assert len(desk.asked()) == asked + 1
    assert everything(redis, other) == truth
