"""Every candle follows exactly from the one sequence of trades, at every moment."""

from __future__ import annotations

import random
from decimal import ROUND_DOWN, Decimal
from itertools import pairwise

import pytest

from tests.support.sim_time import NOW_MS
from truecandle.candles.interval import DAY_MS, HOUR_MS, INTERVALS, MINUTE_MS
from truecandle.sim.clock import SimulatedClock
from truecandle.sim.kline import SimulatedKline
from truecandle.sim.listing import listings
from truecandle.sim.market import SimulatedMarket, simulated
from truecandle.sim.synthetic import SyntheticTrades
from truecandle.sim.trade_sums import AggTrade

SYMBOLS = ["BTCUSDT", "PEPEUSDT", "PAXGUSDT", "XMRBTC"]
#: Child and parent: every parent of a row is also checked against it.
CHILDREN_MAX = 1000
WEEK_MS = 7 * DAY_MS
LADDER = ["1s", "1m", "3m", "15m", "30m", "1h", "2h", "4h", "12h", "1d", "3d"]


@pytest.fixture
def market() -> SimulatedMarket:
    return simulated(7, SYMBOLS, SimulatedClock(NOW_MS, speed=0))


def built(trades: list[AggTrade], market: SimulatedMarket, symbol: str) -> dict[str, object]:
    """A candle added up from single trades with Decimal, the plain way: each trade's worth is cut
    to eight decimals before."""
    listing = market.course(symbol).listing
    tick = Decimal(1).scaleb(-listing.price_decimals)
    step = Decimal(1).scaleb(-listing.quantity_decimals)
    prices = [trade.price * tick for trade in trades]
    sizes = [trade.quantity * step for trade in trades]
    bought = [0 if trade.sell else 1 for trade in trades]
    last = Decimal("0.00000001")
    worths = [(p * q).quantize(last, ROUND_DOWN) for p, q in zip(prices, sizes, strict=True)]
    return {
        "open": prices[0],
        "high": max(prices),
        "low": min(prices),
        "close": prices[-1],
        "volume": sum(sizes),
        "quote": sum(worths),
        "trades": len(trades),
        "bought": sum(q * b for q, b in zip(sizes, bought, strict=True)),
        "bought_quote": sum(w * b for w, b in zip(worths, bought, strict=True)),
        "first_id": trades[0].id,
        "last_id": trades[-1].id,
    }


def figures(kline: SimulatedKline) -> dict[str, object]:
    """The same fields of a kline, as numbers."""
    texts = ("open", "high", "low", "close", "volume", "quote", "bought", "bought_quote")
    numbers: dict[str, object] = {name: Decimal(getattr(kline, name)) for name in texts}
    return numbers | {name: getattr(kline, name) for name in ("trades", "first_id", "last_id")}


@pytest.mark.parametrize("symbol", SYMBOLS)
@pytest.mark.parametrize("interval", ["1s", "1m", "3m", "5m", "15m", "30m", "1h", "2h"])
def test_candles_equal_their_trades(market: SimulatedMarket, symbol: str, interval: str) -> None:
    course, dice = market.course(symbol), random.Random(f"{symbol}{interval}")
    grid = course.grid(interval)
    traded = 0
    long = interval in ("30m", "1h", "2h")
    for _ in range(1 if long else 4):
        start_ms = dice.randrange(course.first_ms, NOW_MS - DAY_MS)
        for kline in market.klines(symbol, interval, start_ms=start_ms, limit=1 if long else 3):
            trades = list(course.trades(kline.open_ms, grid.next_open_ms(kline.open_ms)))
            assert kline.trades == len(trades)
            if trades:
                assert figures(kline) == built(trades, market, symbol)
                traded += 1
    assert traded or interval == "1s"


def test_what_is_cut_off_of_each_trade_is_missing_in_the_sum(market: SimulatedMarket) -> None:
    (kline,) = market.klines("XMRBTC", "1h", start_ms=NOW_MS - DAY_MS, limit=1)
    trades = list(market.course("XMRBTC").trades(kline.open_ms, kline.close_ms + 1))
    whole = sum(Decimal(one.price * one.quantity).scaleb(-9) for one in trades)
    lost = whole - Decimal(kline.quote)
    assert len(trades) > 100
    assert Decimal("0.00000001") < lost < len(trades) * Decimal("0.00000001")


@pytest.mark.parametrize("interval", ["4h", "6h", "8h", "12h", "1d", "3d", "1w"])
def test_long_candles_equal_their_trades(market: SimulatedMarket, interval: str) -> None:
    kline = market.klines("PAXGUSDT", interval, limit=2)[0]
    course = market.course("PAXGUSDT")
    next_ms = course.grid(interval).next_open_ms(kline.open_ms)
    trades = list(course.trades(kline.open_ms, next_ms))
    assert figures(kline) == built(trades, market, "PAXGUSDT")


@pytest.mark.parametrize("symbol", SYMBOLS)
@pytest.mark.parametrize("child", LADDER)
def test_parents_equal_their_children(market: SimulatedMarket, symbol: str, child: str) -> None:
    course = market.course(symbol)
    for parent in INTERVALS:
        grid = course.grid(parent)
        if not divides(child, parent):
            continue
        row = market.klines(symbol, parent, limit=2)[0]
        end_ms = grid.next_open_ms(row.open_ms)
        children = [k for k in market.truth(symbol, child, row.open_ms, end_ms) if k.trades]
        if not children:
            assert row.trades == 0
            continue
        assert Decimal(row.volume) == sum(Decimal(k.volume) for k in children)
        assert Decimal(row.quote) == sum(Decimal(k.quote) for k in children)
        assert row.trades == sum(k.trades for k in children)
        assert (row.open, row.close) == (children[0].open, children[-1].close)
        assert Decimal(row.high) == max(Decimal(k.high) for k in children)
        assert Decimal(row.low) == min(Decimal(k.low) for k in children)


def divides(child: str, parent: str) -> bool:
    if parent == "1M":
        return child == "1d"
    small, large = INTERVALS[child].duration_ms, INTERVALS[parent].duration_ms
    if not small or not large or child == "3d" or large > small * CHILDREN_MAX:
        return False
    return small < large and large % small == 0


@pytest.mark.parametrize("interval", list(INTERVALS))
@pytest.mark.parametrize("symbol", SYMBOLS)
def test_the_last_row_holds_the_trades_up_to_now_and_no_more(
    market: SimulatedMarket, symbol: str, interval: str
) -> None:
    row = market.klines(symbol, interval, limit=1)[0]
    course = market.course(symbol)
    assert row.open_ms <= NOW_MS <= row.close_ms
    span = course.span(row.open_ms, NOW_MS + 1)
    assert row.trades == (span.trades if span else 0)
    if span:
        assert list(course.trades(NOW_MS - HOUR_MS, NOW_MS + 1))[-1].id == row.last_id


def test_the_same_seed_trades_the_same_whenever_it_is_asked() -> None:
    listing = listings(["PAXGUSDT"])[0]
    early, late = SyntheticTrades(7, listing), SyntheticTrades(7, listing)
    start_ms = listing.listed_ms + 900 * DAY_MS + 123_456
    late.span(listing.listed_ms, start_ms + 300 * DAY_MS)
    window = (start_ms, start_ms + HOUR_MS)
    assert list(early.trades(*window)) == list(late.trades(*window))
    assert list(SyntheticTrades(8, listing).trades(*window)) != list(early.trades(*window))


def test_what_traded_is_fixed_for_ever() -> None:
    """A store filled by an earlier run stays true: these figures must never change."""
    market = simulated(7, ["BTCUSDT"], SimulatedClock(NOW_MS, speed=0))
    assert market.klines("BTCUSDT", "1m", limit=2)[0].row() == FIXED


FIXED: list[object] = [
    1773840960000,
    "52534.23000000",
    "52569.91000000",
    "52505.45000000",
    "52506.68000000",
    "12.47286000",
    1773841019999,
    "655353.46431670",
    569,
    "5.66154000",
    "297463.39804520",
    "0",
]


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_ids_are_contiguous(market: SimulatedMarket, symbol: str) -> None:
    course = market.course(symbol)
    window = (NOW_MS - 3 * HOUR_MS, NOW_MS)  # crosses two hours
    trades, prints = list(course.trades(*window)), list(course.prints(*window))
    assert [t.id for t in trades] == list(range(trades[0].id, trades[-1].id + 1))
    assert [p.id for p in prints] == list(range(prints[0].id, prints[-1].id + 1))
    assert prints[0].first_id == trades[0].id and prints[-1].last_id == trades[-1].id
    edges = pairwise(prints)
    assert all(left.last_id + 1 == right.first_id for left, right in edges)


def test_an_aggregate_trade_holds_trades_of_one_ms_price_and_side(market: SimulatedMarket) -> None:
    course = market.course("BTCUSDT")
    window = (NOW_MS - MINUTE_MS, NOW_MS)
    trades = {trade.id: trade for trade in course.trades(*window)}
    prints = list(course.prints(*window))
    for print_ in prints:
        parts = [trades[i] for i in range(print_.first_id, print_.last_id + 1)]
        assert {(t.time_ms, t.price, t.sell) for t in parts} == {
            (print_.time_ms, print_.price, print_.sell)
        }
        assert sum(t.quantity for t in parts) == print_.quantity
    assert any(print_.first_id < print_.last_id for print_ in prints)


def test_a_candle_without_trades_is_flat_at_the_close_before(market: SimulatedMarket) -> None:
    klines = market.klines("PAXGUSDT", "1m", limit=300)
    empty = [i for i, kline in enumerate(klines) if kline.trades == 0 and i > 0]
    assert empty
    for i in empty:
        kline = klines[i]
        assert {kline.open, kline.high, kline.low, kline.close} == {klines[i - 1].close}
        assert (kline.volume, kline.first_id, kline.last_id) == ("0.00000000", -1, -1)


def test_every_second_has_its_candle(market: SimulatedMarket) -> None:
    klines = market.klines("PAXGUSDT", "1s", limit=1000)
    assert [k.open_ms for k in klines] == [
        NOW_MS // 1000 * 1000 - i * 1000 for i in range(999, -1, -1)
    ]


def test_prices_stay_positive_and_near_their_level(market: SimulatedMarket) -> None:
    """In the first weeks, the newest ones, and every twentieth between them."""
    for symbol in SYMBOLS:
        listing = market.course(symbol).listing
        weeks = market.klines(symbol, "1w", start_ms=0, limit=4)
        for start_ms in range(listing.listed_ms, NOW_MS - WEEK_MS, 20 * WEEK_MS):
            weeks += market.klines(symbol, "1w", start_ms=start_ms, limit=1)
        weeks += market.klines(symbol, "1w", limit=4)
        tick = Decimal(1).scaleb(-listing.price_decimals)
        level = listing.level * tick
        assert min(Decimal(k.low) for k in weeks) > level / 4
        assert max(Decimal(k.high) for k in weeks) < level * 4


def test_weeks_open_on_monday_and_months_on_the_first_even_before_the_listing(
    market: SimulatedMarket,
) -> None:
    listed_ms = market.course("BTCUSDT").listing.listed_ms  # Thursday 2017-08-17 04:00
    week = market.klines("BTCUSDT", "1w", start_ms=0, limit=1)[0]
    month = market.klines("BTCUSDT", "1M", start_ms=0, limit=1)[0]
    assert week.open_ms == 1_502_668_800_000 < listed_ms  # Monday 2017-08-14
    assert month.open_ms == 1_501_545_600_000 < listed_ms  # 2017-08-01
    assert month.close_ms == 1_504_223_999_999


@pytest.mark.parametrize(("symbol", "residue"), [("BTCUSDT", 1), ("SOLUSDT", 2), ("PEPEUSDT", 0)])
def test_three_days_count_from_the_day_of_the_listing(symbol: str, residue: int) -> None:
    market = simulated(7, [symbol], SimulatedClock(NOW_MS, speed=0))
    klines = market.klines(symbol, "3d", start_ms=0, limit=1000)
    assert klines[0].open_ms == market.klines(symbol, "1d", start_ms=0, limit=1)[0].open_ms
    assert {k.open_ms // DAY_MS % 3 for k in klines} == {residue}


def test_a_thousand_days_and_three_days_exist(market: SimulatedMarket) -> None:
    assert len(market.klines("BTCUSDT", "3d", limit=1000)) == 1000
    assert len(market.klines("BTCUSDT", "1d", limit=1000)) == 1000


def test_a_gap_has_no_candles_no_trades_and_contiguous_ids(market: SimulatedMarket) -> None:
    start_ms = NOW_MS // HOUR_MS * HOUR_MS - 5 * HOUR_MS + 7 * MINUTE_MS + 1234
    end_ms = start_ms + 90 * MINUTE_MS
    before = market.klines("BTCUSDT", "1m", limit=1)[0]
    removed = len(list(market.course("BTCUSDT").trades(start_ms, end_ms)))
    market.pause(start_ms, end_ms)
    around = market.klines("BTCUSDT", "1m", start_ms=start_ms - 120_000, limit=6)
    first_ms = start_ms // MINUTE_MS * MINUTE_MS
    assert [k.open_ms for k in around] == [
        first_ms - MINUTE_MS,
        first_ms,
        end_ms // MINUTE_MS * MINUTE_MS,
        *(end_ms // MINUTE_MS * MINUTE_MS + i * MINUTE_MS for i in (1, 2, 3)),
    ]
    assert around[1].close_ms == start_ms - 1  # cut short, as Binance does
    trades = list(market.course("BTCUSDT").trades(start_ms - HOUR_MS, end_ms + HOUR_MS))
    assert [t.id for t in trades] == list(range(trades[0].id, trades[-1].id + 1))
    assert not [t for t in trades if start_ms <= t.time_ms < end_ms]
    assert market.klines("BTCUSDT", "1m", limit=1)[0].last_id == before.last_id - removed


def test_candles_over_a_gap_still_equal_their_trades(market: SimulatedMarket) -> None:
    start_ms = NOW_MS - 7 * HOUR_MS
    market.pause(start_ms, start_ms + 100 * MINUTE_MS, "PAXGUSDT")
    course = market.course("PAXGUSDT")
    for interval in ("1h", "4h", "1d"):
        grid = course.grid(interval)
        for kline in market.klines("PAXGUSDT", interval, start_ms=start_ms - HOUR_MS, limit=4):
            end_ms = min(grid.next_open_ms(kline.open_ms), NOW_MS + 1)
            trades = list(course.trades(kline.open_ms, end_ms))
            if trades:
                assert figures(kline) == built(trades, market, "PAXGUSDT")


def test_aggregate_trades_are_found_by_id_across_gaps(market: SimulatedMarket) -> None:
    course = market.course("BTCUSDT")
    market.pause(NOW_MS - 2 * HOUR_MS, NOW_MS - HOUR_MS)
    newest = list(course.prints(NOW_MS - 3 * HOUR_MS, NOW_MS))
    for wanted in (newest[0], newest[len(newest) // 2], newest[-1]):
        assert course.prints_from(wanted.id, 1, NOW_MS + 1) == [wanted]
    assert course.prints_from(0, 2, NOW_MS)[0].id == 1
    assert course.prints_from(10**19, 5, NOW_MS) == []


def test_a_correction_counts_from_its_moment_on(market: SimulatedMarket) -> None:
    kline = market.klines("BTCUSDT", "1m", limit=5)[0]
    market.correct("BTCUSDT", "1m", kline.open_ms, {"volume": "1.50000000"}, at_ms=NOW_MS + 1)
    asked = {"start_ms": kline.open_ms, "limit": 1}
    assert market.klines("BTCUSDT", "1m", **asked)[0] == kline
    later = market.klines("BTCUSDT", "1m", now_ms=NOW_MS + 1, **asked)[0]
    assert later.volume == "1.50000000"
    with pytest.raises(ValueError, match="no field colour"):
        market.correct("BTCUSDT", "1m", kline.open_ms, {"colour": "red"})
    with pytest.raises(ValueError, match="no 1m candle opens"):
        market.correct("BTCUSDT", "1m", kline.open_ms + 1, {"high": "1"})


def test_an_unknown_symbol_is_invented_the_same_way_each_time() -> None:
    first, second = (simulated(1, ["NEWUSDC"], SimulatedClock(NOW_MS, speed=0)) for _ in range(2))
    assert first.klines("NEWUSDC", "1h", limit=9) == second.klines("NEWUSDC", "1h", limit=9)
    with pytest.raises(ValueError, match="upper case"):
        simulated(1, ["what"], SimulatedClock())
