"""The forming candle: shared vectors, and properties over every order that events can come in."""

from __future__ import annotations

import json
import random
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truecandle.candles.builder import CANDLES_KEPT, CandleBuilder
from truecandle.candles.candle import LiveCandle
from truecandle.candles.decimals import canonical
from truecandle.candles.interval import INTERVALS
from truecandle.candles.trades import Kline, Trade

VECTORS = Path(__file__).parent.parent / "vectors" / "builder.json"
CASES = json.loads(VECTORS.read_text(), parse_float=str)["cases"]
START_MS = 1_722_470_400_000
MINUTE_MS = 60_000


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_the_builder_keeps_the_shared_promise(case: dict[str, Any]) -> None:
    interval = INTERVALS[case["interval"]]
    if case["learned_from"] is not None:
        interval = interval.with_phase(case["learned_from"])
    builder = CandleBuilder(interval)
    seen: dict[int, LiveCandle] = {}
    for event in case["events"]:
        add(builder, event)
        seen |= {candle.open_ms: candle for candle in builder.drain(partial=True)}
        if event.get("newest"):
            assert shown(seen[max(seen)]) == expected(event["newest"])
    assert [shown(seen[open_ms]) for open_ms in sorted(seen)] == [
        expected(candle) for candle in case["candles"]
    ]
    assert [seen[open_ms].is_exact for open_ms in sorted(seen)] == case["complete"]


def test_all_candles_but_the_newest_are_complete() -> None:
    builder = CandleBuilder(INTERVALS["1m"])
    for number in range(4):
        builder.add_trade(trade(number, number * MINUTE_MS))
    assert [c.is_complete for c in builder.drain()] == [True, True, False]


def test_only_what_has_changed_is_taken() -> None:
    builder = CandleBuilder(INTERVALS["1m"])
    builder.add_trade(trade(1, 500))
    assert len(builder.drain(partial=True)) == 1
    assert builder.drain(partial=True) == []
    builder.add_trade(trade(1, 500))
    assert builder.drain(partial=True) == []


def test_a_kline_that_says_nothing_new_changes_nothing() -> None:
    builder = CandleBuilder(INTERVALS["1m"])
    builder.add_kline(kline(0, [trade(1, 500)]))
    builder.add_trade(trade(2, 600))
    builder.drain()
    builder.add_kline(kline(0, [trade(1, 500), trade(2, 600)]))
    assert builder.drain() == []


def test_a_candle_joined_midway_waits_for_its_first_kline() -> None:
    builder = CandleBuilder(INTERVALS["1m"])
    builder.add_trade(trade(20, 30_000))
    assert builder.drain() == []
    assert builder.is_waiting
    builder.add_kline(kline(0, [trade(number, number) for number in range(1, 21)]))
    (candle,) = builder.drain()
    assert candle.trades == 20
    assert not builder.is_waiting


def test_a_candle_that_follows_on_from_the_one_before_waits_for_nothing() -> None:
    builder = CandleBuilder(INTERVALS["1m"])
    builder.add_trade(trade(20, 30_000))
    builder.add_trade(trade(21, MINUTE_MS))
    assert [candle.open_ms - START_MS for candle in builder.drain()] == [MINUTE_MS]


def test_a_candle_joined_midway_after_an_outage_waits_again() -> None:
    builder = CandleBuilder(INTERVALS["1m"])
    builder.add_kline(kline(0, [trade(1, 500)]))
    builder.add_trade(trade(900, 5 * MINUTE_MS + 30_000))
    assert [candle.open_ms - START_MS for candle in builder.drain()] == [0]
    assert builder.is_waiting


def test_a_roll_is_announced_until_it_is_taken() -> None:
    builder = CandleBuilder(INTERVALS["1m"])
    builder.add_trade(trade(1, 500))
    builder.drain(partial=True)
    builder.add_trade(trade(2, 600))
    rolled = [builder.has_rolled]
    builder.add_kline(kline(0, [trade(1, 500), trade(2, 600)], is_closed=True))
    rolled += [builder.has_rolled]
    builder.drain()
    assert [*rolled, builder.has_rolled] == [False, True, False]


def test_a_change_is_never_older_than_the_one_before_it() -> None:
    builder = CandleBuilder(INTERVALS["1m"])
    builder.add_trade(trade(5, 900))
    builder.add_trade(trade(3, 400))
    (candle,) = builder.drain(partial=True)
    assert candle.updated_at == START_MS + 900


def test_a_bounded_number_of_candles_is_kept() -> None:
    builder = CandleBuilder(INTERVALS["1s"])
    for number in range(200):
        builder.add_trade(trade(number, number * 1000))
        builder.drain(partial=True)
    assert len(builder._sequence.candles) <= CANDLES_KEPT + 1


def test_what_happened_before_all_that_was_heard_has_its_candles_too() -> None:
    builder = CandleBuilder(INTERVALS["1m"])
    builder.add_kline(kline(5, [trade(13, 5 * MINUTE_MS)]))
    assert len(builder.drain()) == 1
    for number, minute in ((10, 1), (11, 2), (12, 3)):
        builder.add_trade(trade(number, minute * MINUTE_MS))
    told = [
        (candle.open_ms - START_MS, candle.trades, candle.is_exact) for candle in builder.drain()
    ]
    minutes = [(2, 1), (3, 1), (4, 0)]
    assert told == [(minute * MINUTE_MS, trades, True) for minute, trades in minutes]


def test_where_candles_were_let_go_of_nothing_older_opens_one_again() -> None:
    builder = CandleBuilder(INTERVALS["1s"])
    for number in range(200):
        builder.add_trade(trade(number, number * 1000))
    builder.drain(partial=True)
    first_ms = builder._sequence.candles[0].open_ms - START_MS
    builder.add_trade(trade(500, first_ms - 1))
    assert not builder.is_changed


def test_of_more_candles_at_once_than_are_kept_the_oldest_go() -> None:
    builder = CandleBuilder(INTERVALS["1s"])
    builder.add_trade(trade(1000, 1_000_000))
    for number in range(1000):
        builder.add_trade(trade(number, number * 1000))
    told = [(candle.open_ms - START_MS) // 1000 for candle in builder.drain()]
    assert told == list(range(told[0], 1001))


def test_a_candle_whose_beginning_nobody_shows_keeps_none_waiting_that_come_later() -> None:
    builder = CandleBuilder(INTERVALS["1m"])
    builder.add_trade(trade(20, 30_000))
    builder.add_trade(trade(21, MINUTE_MS))
    assert len(builder.drain()) == 1
    assert (builder.is_waiting, builder.is_changed) == (False, False)
    builder.add_kline(kline(0, [trade(number, number) for number in range(1, 21)]))
    (candle,) = builder.drain()
    assert (candle.trades, candle.is_exact) == (20, True)


def test_a_silence_too_long_to_fill_stays_a_hole() -> None:
    builder = CandleBuilder(INTERVALS["1s"])
    builder.add_kline(kline(0, [trade(1, 0)]))
    builder.add_trade(trade(2, 10 * MINUTE_MS))
    assert len(builder.drain()) == 2


def test_a_candle_joined_midway_that_closed_without_a_kline_is_left_to_the_official_one() -> None:
    builder = CandleBuilder(INTERVALS["1m"])
    builder.add_trade(trade(1, 500))
    builder.add_trade(trade(2, MINUTE_MS))
    assert [candle.open_ms for candle in builder.drain(partial=True)] == [START_MS + MINUTE_MS]


trades_of_minutes = st.lists(
    st.tuples(
        st.integers(0, 3 * MINUTE_MS - 1),  # when
        st.integers(1, 400),  # price in hundredths
        st.integers(0, 10**6),  # quantity in millionths
        st.integers(1, 4),  # how many trades it stands for
    ),
    min_size=1,
    max_size=40,
)


@given(trades_of_minutes, st.randoms(use_true_random=False))
@settings(max_examples=80)
def test_shuffled_and_repeated_trades_give_the_same_candles(
    drawn: list[tuple[int, int, int, int]], rng: random.Random
) -> None:
    trades = numbered(drawn)
    offered = [*trades, *rng.choices(trades, k=len(trades) // 2)]
    rng.shuffle(offered)
    # All within the candles kept, so that none is too old: the first minute is opened first.
    builder = CandleBuilder(INTERVALS["1m"])
    builder.add_kline(kline(-1, [trade(0, -1)]))
    seen = offer(builder, offered)
    del seen[START_MS - MINUTE_MS]
    traded = {open_ms: c for open_ms, c in seen.items() if c.trades}
    assert {o: whole(c) for o, c in traded.items()} == by_hand(trades)


@given(trades_of_minutes, st.randoms(use_true_random=False))
@settings(max_examples=80)
def test_klines_anywhere_between_the_trades_give_the_same_candles(
    drawn: list[tuple[int, int, int, int]], rng: random.Random
) -> None:
    trades = numbered(drawn)
    builder = CandleBuilder(INTERVALS["1m"])
    builder.add_kline(kline(-1, [trade(0, -1)]))
    seen: dict[int, LiveCandle] = {}
    for at, one in enumerate(trades):
        minute = one.time_ms // MINUTE_MS
        held = [t for t in trades if t.time_ms // MINUTE_MS == minute]
        known = held[: rng.randint(0, len(held))]  # may be ahead of the trades, or behind
        if known and rng.random() < 0.3:
            builder.add_kline(kline(minute - START_MS // MINUTE_MS, known))
        seen |= offer(builder, [trades[at]])
    del seen[START_MS - MINUTE_MS]
    traded = {open_ms: c for open_ms, c in seen.items() if c.trades}
    assert {o: whole(c) for o, c in traded.items()} == by_hand(trades)


@given(trades_of_minutes, st.randoms(use_true_random=False), st.data())
@settings(max_examples=120)
def test_a_candle_called_exact_holds_every_trade_of_its_interval(
    drawn: list[tuple[int, int, int, int]], rng: random.Random, data: st.DataObject
) -> None:
    trades = numbered(drawn)
    kept = [one for one in trades if rng.random() < 0.85]
    for at in range(0, len(kept) - 1, 5):
        if rng.random() < 0.3:
            kept[at], kept[at + 1] = kept[at + 1], kept[at]
    builder = CandleBuilder(INTERVALS["1m"])
    for at, one in enumerate(kept):
        if data.draw(st.booleans()):
            minute = one.time_ms // MINUTE_MS
            upto = [
                t for t in trades if t.time_ms // MINUTE_MS == minute and t.last_id <= one.last_id
            ]
            builder.add_kline(kline(minute - START_MS // MINUTE_MS, upto))
        builder.add_trade(one)
        candle = (
            builder.drain(partial=True)[-1] if builder._sequence.candles[-1].is_changed else None
        )
        if candle is None or not builder.is_exact:
            continue
        last_id = max(t.last_id for t in kept[: at + 1])
        so_far = by_hand([t for t in trades if t.last_id <= last_id])
        assert whole(candle) == so_far[candle.open_ms]


def add(builder: CandleBuilder, event: dict[str, Any]) -> None:
    if "trade" in event:
        t = event["trade"]
        texts = canonical(t["price"]), canonical(t["quantity"])
        builder.add_trade(
            Trade("BTCUSDT", t["first_id"], t["last_id"], *texts, t["time"], t["time"] + 1, True)
        )
        return
    k = event["kline"]
    o, h, l_, c, v = (canonical(k[name]) for name in ("open", "high", "low", "close", "volume"))
    ids = k["trades"], k["first_id"], k["last_id"]
    builder.add_kline(
        Kline("BTCUSDT", "", k["time"], o, h, l_, c, v, *("0",) * 3, *ids, k["is_closed"], k["at"])
    )


def shown(candle: LiveCandle) -> tuple[object, ...]:
    prices = candle.open, candle.high, candle.low, candle.close, candle.volume
    return candle.open_ms, *prices, candle.trades


def whole(candle: LiveCandle) -> tuple[object, ...]:
    flows = candle.quote_volume, candle.taker_volume, candle.taker_quote_volume
    return *shown(candle), *flows, candle.first_id, candle.last_id


def expected(c: dict[str, Any]) -> tuple[object, ...]:
    prices = [canonical(c[name]) for name in ("open", "high", "low", "close", "volume")]
    return c["time"], *prices, c["trades"]


def trade(number: int, at_ms: int) -> Trade:
    time_ms = START_MS + at_ms
    return Trade("BTCUSDT", number, number, "100", "1", time_ms, time_ms + 1, True)


def numbered(drawn: list[tuple[int, int, int, int]]) -> list[Trade]:
    """Trades as an exchange makes them: ids grow with time, without a break, from 1."""
    trades: list[Trade] = []
    next_id = 1
    for at_ms, price, quantity, count in sorted(drawn):
        texts = canonical(Decimal(price) / 100), canonical(Decimal(quantity) / 10**6)
        time_ms = START_MS + at_ms
        ids = next_id, next_id + count - 1
        told = *ids, *texts, time_ms, time_ms + 1, price % 2 == 0
        trades.append(Trade("X", *told, quantity_decimals=6))
        next_id += count
    return trades


def kline(minute: int, trades: list[Trade], is_closed: bool = False) -> Kline:
    """What the exchange would say about a minute that holds just these trades."""
    open_ms = START_MS + minute * MINUTE_MS
    (values,) = by_hand(trades).values()
    last = trades[-1]
    o, h, l_, c, v = (str(value) for value in values[1:6])
    q, tv, tq = (str(value) for value in values[7:10])
    ids = sum(t.count for t in trades), trades[0].first_id, last.last_id
    at_ms = last.event_ms + 50
    return Kline("X", "1m", open_ms, o, h, l_, c, v, q, tv, tq, *ids, is_closed, at_ms)


def by_hand(trades: list[Trade]) -> dict[int, tuple[object, ...]]:
    """The candles of trades in order, the obvious way."""
    minutes: dict[int, list[Trade]] = {}
    for one in trades:
        minutes.setdefault(one.time_ms - one.time_ms % MINUTE_MS, []).append(one)
    candles = {}
    for open_ms, held in minutes.items():
        prices = [Decimal(t.price) for t in held]
        flows = flows_of(held)
        ohlcv = prices[0], max(prices), min(prices), prices[-1], flows[0]
        count = sum(t.count for t in held)
        ids = held[0].first_id, held[-1].last_id
        texts = [canonical(value) for value in (*ohlcv, *flows[1:])]
        candles[open_ms] = (open_ms, *texts[:5], count, *texts[5:], *ids)
    return candles


def flows_of(trades: list[Trade]) -> list[Decimal]:
    """Volume and quote volume, of all and of those that a buyer took."""
    taken = [t for t in trades if t.is_taker_buy]
    return [
        sum((Decimal(t.quantity) * (Decimal(t.price) if is_quote else 1) for t in some), Decimal(0))
        for some in (trades, taken)
        for is_quote in (False, True)
    ]


def offer(builder: CandleBuilder, trades: list[Trade]) -> dict[int, LiveCandle]:
    seen: dict[int, LiveCandle] = {}
    for one in trades:
        builder.add_trade(one)
        seen |= {candle.open_ms: candle for candle in builder.drain(partial=True)}
    return seen
