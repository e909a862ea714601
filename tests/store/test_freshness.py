"""What the feed notes of each market is there for whoever judges it.

Never here: the judgement (`tests/candles/test_freshness`).
Invariant: what cannot be read counts as not noted.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from redis import Redis

from truecandle.candles.freshness import Facts
from truecandle.errors import StoreDamaged
from truecandle.store import freshness, keys

FACTS = Facts(at=1_704_067_200_000, is_connected=True, trade=1_704_067_199_000, behind="é")


def test_the_facts_noted_last_are_kept_market_by_market(redis: Redis) -> None:
    assert freshness.read(redis) == {}
    freshness.note(redis, {"BTCUSDT": FACTS, "ETHUSDT": FACTS})
    later = replace(FACTS, at=FACTS.at + 1_000, behind=None)
    freshness.note(redis, {"BTCUSDT": later})
    freshness.note(redis, {})
    assert freshness.read(redis) == {"BTCUSDT": later, "ETHUSDT": FACTS}
    assert 0 < redis.ttl(keys.FRESHNESS) <= keys.FRESHNESS_TTL_S


def test_one_market_is_read_by_itself(redis: Redis) -> None:
    freshness.note(redis, {"BTCUSDT": FACTS})
    found = [freshness.read_one(redis, symbol) for symbol in ("BTCUSDT", "ETHUSDT")]
    assert found == [FACTS, None]


def test_junk_spoils_its_own_market_only(redis: Redis) -> None:
    freshness.note(redis, {"BTCUSDT": FACTS})
    redis.hset(keys.FRESHNESS, mapping={"A": "{", "B": '{"at":"x"}', b"\xff": FACTS.to_json()})
    found = freshness.read(redis)
    assert found["BTCUSDT"] == FACTS
    assert not {"A", "B"} & set(found)


def test_a_key_of_another_type_is_a_clear_error(redis: Redis) -> None:
    redis.set(keys.FRESHNESS, "not ours")
    for ask in (lambda: freshness.read(redis), lambda: freshness.note(redis, {"BTCUSDT": FACTS})):
        with pytest.raises(StoreDamaged):
            ask()
