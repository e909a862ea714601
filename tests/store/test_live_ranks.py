"""Whose live candle stands: the leading feed's before all, a browser's only on top of our feed's.

Never here: moving forward, pending, junk (`test_live`, `test_official_damage`).
Invariant: whatever browsers say, once the leader has spoken what it said stands.
"""

from __future__ import annotations

import random
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis import Redis

from live_candles import save_live_candle
from tests.support.sample_candles import MINUTE_MS, MINUTES, START_MS, minute
from truecandle.candles.builder import CandleBuilder
from truecandle.candles.candle import LiveCandle, live_from_json
from truecandle.candles.decimals import canonical
from truecandle.candles.trades import Trade
from truecandle.store import keys, lease, live
from truecandle.store.lease import Leases
from truecandle.store.live import Live, Saved

#: Long after the last word of our feed in these tests.
LATER_MS = 50_000
MARKET = lease.of_market(MINUTES.symbol)


def save(redis: Redis, candle: LiveCandle, at_ms: int, fence: int = 0) -> Saved:
    fences = {MINUTES.symbol: fence} if fence else live.NO_FENCES
    return live.save_many(redis, [(MINUTES, candle)], now_ms=START_MS + at_ms, fences=fences)[0]


def read(redis: Redis, at_ms: int = LATER_MS) -> Live:
    return live.read_live(redis, MINUTES, START_MS + at_ms)


def ours(number: int, updated_ms: int, **fields: Any) -> LiveCandle:
    """A candle of our feed that holds the trades 101 to 110, all of them."""
    known = {"quote_volume": "12", "taker_volume": "1", "taker_quote_volume": "8"}
    ids = {"trades": 10, "first_id": 101, "last_id": 110, "is_exact": True}
    return minute(number, updated_ms, **{**known, **ids, **fields})


def lead(redis: Redis, holder: str = "feed") -> int:
    """A new holder's fencing number."""
    redis.delete(keys.lease(MARKET))
    leases = Leases(redis, holder, 60_000)
    assert leases.hold([MARKET]) == {MARKET}
    return leases.fence(MARKET)


def everything(redis: Redis) -> dict[bytes, bytes | None]:
    return {key: redis.dump(key) for key in redis.scan_iter()}


def test_a_feed_that_was_replaced_saves_nothing(redis: Redis) -> None:
    old, new = lead(redis, "old"), lead(redis, "new")
    assert save(redis, ours(0, 1_000), 1_000, new) == (True, "forming")
    before = everything(redis)
    for late in (ours(0, 2_000), ours(1, 61_000), minute(0, 3_000)):
        assert save(redis, late, 61_000, old) == (False, "fenced")
    assert everything(redis) == before
    assert save(redis, ours(0, 2_000), 2_000, new) == (True, "forming")


def test_a_candle_goes_on_in_the_store_when_trade_ids_begin_anew(redis: Redis) -> None:
    number, builder = lead(redis), CandleBuilder(MINUTES.interval)
    times = {110: 500, 111: 600, 7: 601, 8: 700}
    for one, at_ms in times.items():
        time_ms = START_MS + at_ms
        builder.add_trade(Trade(MINUTES.symbol, one, one, "5", "1", time_ms, time_ms, True))
        (candle,) = builder.drain(partial=True)
        assert save(redis, candle, at_ms, number) == (True, "forming")
    found = read(redis, 700).forming
    assert found and (found.last_id, found.trades, found.is_exact) == (8, 4, False)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_of_the_same_candle_the_one_that_knows_its_quote_volume_stands(
    redis: Redis, order: tuple[int, int]
) -> None:
    number, known = lead(redis), ours(0, 1_000)
    candles = known, replace(known, quote_volume=None)
    for at in order:
        save(redis, candles[at], 1_000, number)
    assert read(redis, 1_000).forming == known


def test_each_market_has_a_number_of_its_own(redis: Redis) -> None:
    other = replace(MINUTES, symbol="ETHUSDT")
    old, new = lead(redis, "old"), lead(redis, "new")
    items = [(MINUTES, ours(0, 1_000)), (other, ours(0, 1_000))]
    saved = live.save_many(
        redis, items, now_ms=START_MS + 1_000, fences={MINUTES.symbol: old, other.symbol: old}
    )
    assert [one.reason for one in saved] == ["fenced", "forming"]
    assert new > old


def test_whoever_saves_without_a_number_counts_as_a_browser_in_a_market_that_is_led(
    redis: Redis,
) -> None:
    number = lead(redis)
    save(redis, ours(0, 1_000), 1_000, number)
    word = ours(0, 2_000, close="9", last_id=120, trades=20)
    assert save(redis, word, 2_000) == (False, "outranked")
    assert save(redis, replace(word, updated_at=START_MS + 20_000), 20_000) == (True, "forming")
    assert read(redis).forming == minute(0, 20_000, "client", trades=20, close="9")
    assert save(redis, ours(1, 60_500), 60_600) == (True, "forming")
    assert read(redis, 60_600).forming == minute(1, 60_500, "client", trades=10)


def test_the_documented_function_does_not_touch_what_the_leader_said(redis: Redis) -> None:
    now_ms = int(redis.time()[0]) * 1000
    open_ms = MINUTES.interval.open_ms(now_ms)
    said = replace(ours(0, 0), open_ms=open_ms, updated_at=now_ms)
    fences = {MINUTES.symbol: lead(redis)}
    live.save_many(redis, [(MINUTES, said)], now_ms=now_ms, fences=fences)
    fields = {"time": open_ms, "open": "8", "high": "9", "low": "7", "close": "9"}
    assert not save_live_candle("BTCUSDT", "1m", fields, redis)
    assert redis.get(keys.live(MINUTES)) == said.to_json().encode()


def test_the_leaders_candle_takes_a_browsers_place_at_once_however_old_it_is(redis: Redis) -> None:
    number = lead(redis)
    own = ours(0, 1_000)
    save(redis, own, 1_000, number)
    assert save(redis, minute(0, 40_000, "client"), 40_000) == (True, "forming")
    assert live.read_feed_candle(redis, MINUTES) == own
    assert save(redis, own, 40_001, number) == (True, "forming")
    assert read(redis).forming == own


def test_even_old_news_of_the_leader_puts_its_own_candle_back(redis: Redis) -> None:
    number = lead(redis)
    own = ours(0, 1_000)
    save(redis, own, 1_000, number)
    save(redis, minute(0, 40_000, "client"), 40_000)
    assert save(redis, ours(0, 900), 40_001, number) == (False, "stale")
    assert read(redis).forming == own


def test_whoever_takes_the_lead_puts_back_what_our_feed_had_said(redis: Redis) -> None:
    """Where a browser's candle stands in for it, and nowhere else."""
    own, later = ours(0, 1_000), ours(1, 61_000)
    save(redis, own, 1_000, lead(redis, "dead"))
    save(redis, minute(0, 40_000, "client"), 40_000)
    fences = {MINUTES.symbol: lead(redis)}
    others = replace(MINUTES, symbol="ETHUSDT")
    live.restore(redis, [others, MINUTES], now_ms=START_MS + 41_000, fences=fences)
    assert read(redis).forming == own
    save(redis, later, 61_000, fences[MINUTES.symbol])
    live.settle(redis, MINUTES, [own.open_ms])
    for candle in (later, minute(2, 2 * MINUTE_MS, "client")):
        save(redis, candle, 2 * MINUTE_MS)
        live.settle(redis, MINUTES, [later.open_ms])
        before = everything(redis)
        live.restore(redis, [others, MINUTES], now_ms=START_MS + 2 * MINUTE_MS, fences=fences)
        assert everything(redis) == before


def test_in_pending_too_the_leaders_word_takes_a_browsers_place(redis: Redis) -> None:
    number = lead(redis)
    own = ours(0, 1_000)
    save(redis, own, 1_000, number)
    save(redis, minute(0, 40_000, "client"), 40_000)
    save(redis, ours(1, 61_000), 61_000, number)
    moved = replace(own, is_complete=True, is_exact=False)
    assert read(redis, 61_000).pending == (moved,)
    closed = ours(0, 59_000, last_id=190, trades=90, is_complete=True)
    assert save(redis, closed, 90_000, number) == (True, "pending")
    assert read(redis, 90_000).pending == (closed,)


def test_nobody_has_proven_a_candle_that_was_moved_on(redis: Redis) -> None:
    save(redis, ours(0, 59_000), 59_000)
    save(redis, ours(1, 60_100), 60_100)
    assert read(redis, 60_100).pending == (ours(0, 59_000, is_complete=True, is_exact=False),)


@pytest.mark.parametrize("is_first", [True, False], ids=["before", "after"])
def test_a_proven_candle_stays_proven(redis: Redis, is_first: bool) -> None:
    """Its proof may come before the next candle moves it on, or after."""
    proven = ours(0, 59_000, is_complete=True)
    if is_first:
        save(redis, proven, 60_050)
    else:
        save(redis, ours(0, 59_000), 59_000)
    save(redis, ours(1, 60_100), 60_100)
    if not is_first:
        assert save(redis, proven, 60_200) == (True, "pending")
    for doubtful in (
        replace(proven, is_exact=False),
        replace(proven, is_exact=False, updated_at=START_MS + 59_900, trades=11, last_id=112),
        replace(proven, is_complete=False, updated_at=START_MS + 59_900),
    ):
        assert save(redis, doubtful, 60_300) == (False, "stale")
    assert read(redis, 60_300).pending == (proven,)


def test_no_browser_touches_a_proven_candle(redis: Redis) -> None:
    proven = ours(0, 1_000, is_complete=True)
    save(redis, proven, 1_000)
    assert save(redis, minute(0, LATER_MS, "client"), LATER_MS) == (False, "outranked")
    assert read(redis).forming == proven


def test_at_the_same_moment_a_complete_candle_is_not_replaced_by_one_with_fewer_trades(
    redis: Redis,
) -> None:
    whole, part = ours(0, 500), ours(0, 500, trades=7, is_exact=False, close="8.9")
    for first, second in ((whole, part), (part, whole)):
        redis.flushall()
        save(redis, first, 500)
        assert save(redis, second, 500).saved == (second is whole)
        assert read(redis, 500).forming == whole


def test_at_the_same_moment_the_later_trade_knows_more(redis: Redis) -> None:
    early, late = ours(0, 500), ours(0, 500, last_id=111, trades=9, is_exact=False)
    for first, second in ((early, late), (late, early)):
        redis.flushall()
        save(redis, first, 500)
        save(redis, second, 500)
        assert read(redis, 500).forming == late


def test_what_says_the_same_and_is_exact_is_kept(redis: Redis) -> None:
    exact, doubtful = ours(0, 500), ours(0, 500, is_exact=False)
    for first, second in ((exact, doubtful), (doubtful, exact)):
        redis.flushall()
        save(redis, first, 500)
        save(redis, second, 500)
        assert read(redis, 500).forming == exact


def test_the_leader_may_come_to_doubt_what_it_said_and_be_sure_again(redis: Redis) -> None:
    number = lead(redis)
    exact, doubtful = ours(0, 500), ours(0, 500, is_exact=False)
    for said in (exact, doubtful, exact, doubtful):
        assert save(redis, said, 700, number) == (True, "forming")
        assert read(redis, 700).forming == said


LONG = "12345678901234567890.123456789012345678"
CONTRADICTIONS: dict[str, dict[str, Any]] = {
    "another open": {"open": "8.000000000000000001"},
    "a lower high": {"high": "8.999999999999999999"},
    "a higher low": {"low": "7.000000000000000001"},
    "less volume": {"volume": "1.499999999999999999"},
    "no volume": {"volume": "0"},
}


@pytest.mark.parametrize("fields", CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_a_browser_cannot_contradict_what_our_feed_said(
    redis: Redis, fields: dict[str, Any]
) -> None:
    own = ours(0, 1_000)
    save(redis, own, 1_000)
    before = everything(redis)
    word = minute(0, LATER_MS, "client", **fields)
    assert save(redis, word, LATER_MS) == (False, "contradicts")
    assert everything(redis) == before
    redis.flushall()
    save(redis, word, LATER_MS)
    assert save(redis, own, LATER_MS) == (True, "forming")
    assert read(redis).forming == own


def test_a_browser_may_go_on_from_where_our_feed_was(redis: Redis) -> None:
    save(redis, ours(0, 1_000), 1_000)
    word = minute(0, LATER_MS, "client", high="10", low="6.5", close="6.6", volume="1.51")
    assert save(redis, word, LATER_MS) == (True, "forming")
    assert read(redis).forming == word


def test_a_candle_without_a_trade_says_nothing_that_could_be_contradicted(redis: Redis) -> None:
    placeholder = minute(0, 1_000, trades=0, open="9", low="9", close="9", volume="0")
    save(redis, placeholder, 1_000)
    assert save(redis, minute(0, LATER_MS, "client"), LATER_MS) == (True, "forming")


def test_nobody_walks_away_from_our_feeds_candle_in_steps(redis: Redis) -> None:
    save(redis, ours(0, 1_000), 1_000)
    wide = minute(0, 41_000, "client", high="90", volume="900")
    assert save(redis, wide, 41_000) == (True, "forming")
    away = minute(0, 42_000, "client", open="8.1", high="91", volume="901")
    assert save(redis, away, 42_000) == (False, "contradicts")
    honest = minute(0, 43_000, "client", volume="1.6")
    assert save(redis, honest, 43_000) == (True, "forming")
    assert read(redis).forming == honest


def test_our_feeds_candle_is_remembered_even_if_it_comes_after_a_browsers(redis: Redis) -> None:
    save(redis, minute(0, 40_000, "client"), 40_000)
    assert save(redis, ours(0, 1_000), LATER_MS) == (False, "stale")
    away = minute(0, 41_000, "client", open="8.1")
    assert save(redis, away, LATER_MS) == (False, "contradicts")


def number(text: str) -> str:
    return canonical(Decimal(text))


DECIMALS = st.one_of(
    st.decimals(min_value="0.000000000000000001", max_value="99999999999999999999", places=18),
    st.integers(1, 10**20 - 1).map(Decimal),
    st.sampled_from([LONG, "12345678901234567890.123456789012345679", "9", "10", "0.00000908"]),
).map(lambda number: canonical(Decimal(number)))


@settings(max_examples=100, suppress_health_check=list(HealthCheck))
@given(one=DECIMALS, other=DECIMALS)
def test_numbers_of_38_digits_are_compared_to_the_last(redis: Redis, one: str, other: str) -> None:
    redis.flushall()
    high, low = "9" * 20 + "." + "9" * 18, "0." + "0" * 17 + "1"
    prices: dict[str, Any] = {"open": "1", "close": "1", "high": high, "low": low}
    save(redis, ours(0, 1_000, **prices, volume=one), 1_000)
    saved = save(redis, minute(0, LATER_MS, "client", **prices, volume=other), LATER_MS)
    assert saved.saved == (Decimal(other) >= Decimal(one))


def told(chance: random.Random, count: int) -> list[LiveCandle]:
    """What two feeds may say of one minute: beginnings of the same trades, some with holes."""
    prices = [chance.randint(70, 90) for _ in range(12)]
    said = []
    for _ in range(count):
        held = sorted(range(chance.randint(1, 12)))
        known = [n for n in held if n == 0 or n == held[-1] or chance.random() < 0.8]
        is_exact = known == held and chance.random() < 0.8
        said.append(
            ours(
                0,
                1_000 * held[-1] + chance.choice([0, 0, 300]),
                open=number(str(prices[0])),
                high=number(str(max(prices[n] for n in known))),
                low=number(str(min(prices[n] for n in known))),
                close=number(str(prices[held[-1]])),
                volume=number(str(len(known))),
                trades=len(known),
                last_id=101 + held[-1],
                is_exact=is_exact,
                is_complete=len(held) == 12 and chance.random() < 0.3,
            )
        )
    return said


def words(chance: random.Random, count: int) -> list[LiveCandle]:
    """What tabs may say of it: honest ones, old ones, hostile ones."""
    return [
        minute(
            0,
            chance.choice([5_000, 11_000, 40_000]),
            "client",
            open=chance.choice(["70", "80"]),
            high=chance.choice(["80", "90", "95"]),
            low=chance.choice(["60", "70"]),
            close="75",
            volume=str(chance.randint(0, 14)),
        )
        for _ in range(count)
    ]


def endings(redis: Redis, orders: list[list[tuple[LiveCandle, int]]]) -> set[Any]:
    """What stands in the end, for each order of candles with their numbers."""
    found = set()
    for order in orders:
        redis.delete(keys.live(MINUTES), keys.pending(MINUTES), keys.feed_candle(MINUTES))
        for candle, fence in order:
            save(redis, candle, LATER_MS, fence)
        found.add(redis.get(keys.live(MINUTES)))
    return found


def shuffled(chance: random.Random, items: list[Any]) -> list[Any]:
    return chance.sample(items, len(items))


def test_what_feeds_say_ends_the_same_in_every_order_and_moved_on_or_not(redis: Redis) -> None:
    chance = random.Random(5)
    for _ in range(40):
        said = [(candle, 0) for candle in told(chance, 6)]
        assert len(endings(redis, [shuffled(chance, said) for _ in range(6)])) == 1
        following = [*said, (ours(1, 61_000), 0)]
        orders = [shuffled(chance, following) for _ in range(6)]
        pending = set()
        for order in orders:
            endings(redis, [order])
            pending.add(tuple(redis.zrange(keys.pending(MINUTES), 0, -1)))
        assert len(pending) == 1


def test_many_tabs_and_feeds_in_any_order_end_with_what_the_leader_said(redis: Redis) -> None:
    """Of two feeds one leads; then the other, which says again what it knows."""
    chance = random.Random(6)
    for _ in range(40):
        old, new = lead(redis, "old"), lead(redis, "new")
        said = [(candle, new) for candle in told(chance, 5)]
        noise = [(candle, old) for candle in told(chance, 3)]
        noise += [(candle, 0) for candle in words(chance, 5)]
        [best] = endings(redis, [said])
        orders = [[*shuffled(chance, [*said, *noise]), said[0]] for _ in range(5)]
        assert endings(redis, orders) == {best}


def test_without_a_leader_what_stands_is_our_feeds_or_contains_it(redis: Redis) -> None:
    chance = random.Random(7)
    for _ in range(40):
        said = [(candle, 0) for candle in told(chance, 3)]
        [best] = endings(redis, [said])
        own = live_from_json(best or b"")
        mixed = [*said, *((candle, 0) for candle in words(chance, 4))]
        for text in endings(redis, [shuffled(chance, mixed) for _ in range(5)]):
            found = live_from_json(text or b"")
            if found.source == "live":
                assert found == own
                continue
            assert found.open == own.open
            assert Decimal(found.high) >= Decimal(own.high)
            assert Decimal(found.low) <= Decimal(own.low)
            assert Decimal(found.volume) >= Decimal(own.volume)


def test_the_interval_after_needs_no_permission_of_the_one_before(redis: Redis) -> None:
    save(redis, ours(0, 1_000), 1_000)
    word = minute(1, MINUTE_MS + 5, "client", open="8.2")
    assert save(redis, word, MINUTE_MS + 5) == (True, "forming")
    assert [c.source for c in read(redis, MINUTE_MS + 5).pending] == ["live"]


def test_what_lies_beneath_binds_its_own_interval_only(redis: Redis) -> None:
    save(redis, ours(0, 1_000), 1_000)
    save(redis, minute(0, 40_000, "client"), 40_000)
    save(redis, minute(1, 61_000, "client"), 61_000)
    assert live.read_feed_candle(redis, MINUTES) == ours(0, 1_000)
    assert save(redis, minute(1, 62_000, "client", open="8.2"), 62_000) == (True, "forming")


@pytest.mark.parametrize("junk", [b"", b"junk", b"[]", b"{}", b"[" * 5_000])
def test_junk_beneath_a_browsers_candle_counts_as_nothing(redis: Redis, junk: bytes) -> None:
    save(redis, minute(0, 40_000, "client"), 40_000)
    redis.set(keys.feed_candle(MINUTES), junk)
    assert live.read_feed_candle(redis, MINUTES) is None
    assert save(redis, minute(0, 41_000, "client"), 41_000) == (True, "forming")


@pytest.mark.parametrize("key", [keys.feed_candle(MINUTES), keys.fence(MARKET)])
def test_a_key_of_another_type_spoils_its_series(redis: Redis, key: str) -> None:
    redis.lpush(key, "x")
    assert save(redis, ours(0, 1_000), 1_000) == (False, "damaged")
    assert redis.keys() == [key.encode()]
