"""The followed markets in Redis: seeded once, bounded, never none, and junk left out."""

from __future__ import annotations

import json

import pytest
from redis import Redis

from truecandle.candles.instrument import Instrument
from truecandle.errors import StoreDamaged
from truecandle.store import keys, markets
from truecandle.store.accounts import Accounts
from truecandle.store.markets import (
    MARKETS_MAX,
    WISHES_MAX,
    FollowedMarket,
    Follower,
    LookupResult,
)

START = ("SOLUSDT", "BTCUSDT")
DOGE = Instrument("DOGEUSDT", "TRADING", "DOGE", "USDT", "0.00001", "1")


def symbols(redis: Redis) -> list[str]:
    return [market.symbol for market in markets.followed(redis)]


def test_the_first_markets_are_followed_once_and_later_changes_stay(redis: Redis) -> None:
    assert markets.followed(redis) == ()
    found = markets.followed(redis, START)
    assert [market.symbol for market in found] == list(START)
    assert markets.follow(redis, FollowedMarket(DOGE, added_ms=5, checked_ms=5)) == "added"
    assert markets.unfollow(redis, "BTCUSDT") == "removed"
    assert [market.symbol for market in markets.followed(redis, START)] == ["SOLUSDT", "DOGEUSDT"]


def test_a_market_comes_back_as_it_was_written(redis: Redis) -> None:
    markets.followed(redis, START)
    written = FollowedMarket(DOGE, added_ms=7, checked_ms=9)
    markets.follow(redis, written)
    assert markets.followed(redis)[-1] == written
    shown = json.loads(written.to_json(), parse_float=str)
    assert (shown["tick_size"], shown["step_size"], shown["status"]) == ("0.00001", 1, "TRADING")
    assert json.loads(markets.followed(redis)[0].to_json())["status"] is None


def test_following_twice_changes_nothing(redis: Redis) -> None:
    assert markets.follow(redis, FollowedMarket(DOGE, 1)) == "added"
    assert markets.follow(redis, FollowedMarket(DOGE, 2)) == "known"
    assert markets.followed(redis) == (FollowedMarket(DOGE, 1),)


def test_no_more_markets_than_the_bound_are_followed(redis: Redis) -> None:
    markets.followed(redis, [f"S{number}" for number in range(MARKETS_MAX - 1)])
    assert markets.follow(redis, FollowedMarket(Instrument("LASTONE"))) == "added"
    assert markets.follow(redis, FollowedMarket(Instrument("TOOMANY"))) == "full"
    assert markets.follow(redis, FollowedMarket(Instrument("LASTONE"))) == "known"
    assert len(symbols(redis)) == MARKETS_MAX


def test_the_last_market_stays_followed(redis: Redis) -> None:
    markets.followed(redis, ("BTCUSDT",))
    assert markets.unfollow(redis, "BTCUSDT") == "last"
    assert markets.unfollow(redis, "DOGEUSDT") == "unknown"
    assert symbols(redis) == ["BTCUSDT"]


def test_what_the_exchange_says_does_not_bring_a_market_back(redis: Redis) -> None:
    markets.followed(redis, START)
    markets.unfollow(redis, "SOLUSDT")
    markets.update(redis, [FollowedMarket(Instrument("SOLUSDT", "TRADING"), 0, 1)])
    markets.update(redis, [FollowedMarket(Instrument("BTCUSDT", "BREAK"), 1, 1)])
    (left,) = markets.followed(redis)
    assert (left.symbol, left.instrument.status) == ("BTCUSDT", "BREAK")


def test_a_symbol_in_letters_of_another_script_is_one_like_any_other(redis: Redis) -> None:
    name = "币安人生USDT"
    markets.follow(redis, FollowedMarket(Instrument(name, "TRADING", "币安人生", "USDT"), 3, 3))
    assert markets.followed(redis)[0].instrument.base == "币安人生"
    assert markets.request_lookup(redis, name)
    assert markets.look(redis, ()).wished == [name]
    markets.answer_lookup(redis, name, LookupResult(Instrument(name)))
    assert markets.lookup_result(redis, name) == LookupResult(Instrument(name))


def test_junk_among_the_markets_is_left_out(redis: Redis) -> None:
    markets.followed(redis, START)
    for name, text in {"A": "{", "B": "[]", "C": "\xff", "D": '{"symbol":"a b"}', "E": "7"}.items():
        redis.hset(keys.MARKETS, name, text)
    assert symbols(redis) == list(START)


def test_a_foreign_key_in_their_place_is_named_and_left_alone(redis: Redis) -> None:
    redis.set(keys.MARKETS, "mine")
    for change in (
        lambda: markets.followed(redis, START),
        lambda: markets.follow(redis, FollowedMarket(DOGE)),
        lambda: markets.unfollow(redis, "DOGEUSDT"),
    ):
        with pytest.raises(StoreDamaged):
            change()
    assert redis.get(keys.MARKETS) == b"mine"


def test_a_wish_waits_until_it_is_answered_and_the_answer_does_not_stay(redis: Redis) -> None:
    assert markets.lookup_result(redis, "DOGEUSDT") is None
    assert markets.request_lookup(redis, "DOGEUSDT")
    redis.sadd(keys.WISHES, "no symbol")
    assert markets.look(redis, ()).wished == ["DOGEUSDT"]
    markets.answer_lookup(redis, "DOGEUSDT", LookupResult(None, wait_ms=2_000))
    assert markets.look(redis, ()).wished == []
    assert markets.lookup_result(redis, "DOGEUSDT") == LookupResult(None, 2_000)
    assert 0 < redis.ttl(keys.answer("DOGEUSDT")) <= keys.ANSWER_TTL_S


def test_only_so_many_wishes_wait_at_once(redis: Redis) -> None:
    assert all(markets.request_lookup(redis, f"S{number}") for number in range(WISHES_MAX))
    assert not markets.request_lookup(redis, "ONEMORE")
    assert markets.request_lookup(redis, "S1")
    assert "ONEMORE" not in markets.look(redis, ()).wished


def test_it_is_remembered_who_followed_and_he_alone_may_unfollow(redis: Redis) -> None:
    markets.followed(redis, START)
    ann, bob, admin = Follower("ann", 5), Follower("bob", 5), Follower("eve", None)
    assert markets.follow(redis, FollowedMarket(DOGE), ann) == "added"
    assert markets.follow(redis, FollowedMarket(DOGE), bob) == "known"
    assert markets.followers(redis) == {"DOGEUSDT": "ann"}
    assert markets.unfollow(redis, "DOGEUSDT", bob) == "foreign"
    assert markets.unfollow(redis, "BTCUSDT", ann) == "foreign", "the first ones are nobody's"
    assert markets.unfollow(redis, "DOGEUSDT", ann) == "removed"
    assert markets.followers(redis) == {}
    assert markets.unfollow(redis, "BTCUSDT", admin) == "removed"
    assert markets.unfollow(redis, "SOLUSDT", ann) == "foreign"
    assert markets.unfollow(redis, "SOLUSDT", admin) == "last"


def test_one_user_follows_no_more_than_his_quota(redis: Redis) -> None:
    markets.followed(redis, START)
    ann, admin = Follower("ann", 2), Follower("eve", None)
    made = [FollowedMarket(Instrument(f"S{number}")) for number in range(5)]
    assert [markets.follow(redis, market, ann) for market in made[:3]] == ["added"] * 2 + ["quota"]
    assert markets.follow(redis, made[0], ann) == "known"
    assert [markets.follow(redis, market, admin) for market in made[2:]] == ["added"] * 3
    assert markets.unfollow(redis, "S0", ann) == "removed"
    assert markets.follow(redis, FollowedMarket(DOGE), ann) == "added"
    assert markets.follow(redis, made[0], Follower("bob", 0)) == "quota"


def test_what_the_exchange_says_changes_no_follower(redis: Redis) -> None:
    markets.follow(redis, FollowedMarket(DOGE), Follower("ann", 5))
    markets.update(redis, [FollowedMarket(DOGE, 1, 2)])
    assert markets.followers(redis) == {"DOGEUSDT": "ann"}


def test_the_markets_of_a_removed_user_are_nobodys(redis: Redis) -> None:
    Accounts(redis).add("ann", "", 0, "trader")
    markets.follow(redis, FollowedMarket(DOGE), Follower("ann", 5))
    markets.follow(redis, FollowedMarket(Instrument("S1")), Follower("bob", 5))
    assert Accounts(redis).remove("ann")
    assert markets.followers(redis) == {"S1": "bob"}
    assert "DOGEUSDT" in symbols(redis)
    assert markets.unfollow(redis, "DOGEUSDT", Follower("ann", 5)) == "foreign", "another ann"
