"""`ticker/24hr` as the real exchange answers it, and the long list of symbols that it is about.

Never here: what TrueCandle makes of it.
Invariant: a figure is compared with the trades themselves, summed up here.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from typing import Any

import pytest
import requests

from tests.support.public_clients import binance_client, ccxt_client
from tests.support.sim_time import NOW_MS
from truecandle.candles.interval import DAY_MS, HOUR_MS, MINUTE_MS
from truecandle.sim.clock import SimulatedClock
from truecandle.sim.listed import CYCLE_HOURS, listed_symbols
from truecandle.sim.server import SimServer
from truecandle.sim.synthetic import SyntheticTrades

FULL = [
    "symbol", "priceChange", "priceChangePercent", "weightedAvgPrice", "prevClosePrice",
    "lastPrice", "lastQty", "bidPrice", "bidQty", "askPrice", "askQty", "openPrice", "highPrice",
    "lowPrice", "volume", "quoteVolume", "openTime", "closeTime", "firstId", "lastId", "count",
]  # fmt: skip
MINI = [
    "symbol", "openPrice", "highPrice", "lowPrice", "lastPrice", "volume", "quoteVolume",
    "openTime", "closeTime", "firstId", "lastId", "count",
]  # fmt: skip
LISTED = 1_500


@pytest.fixture(scope="module")
def long() -> Iterator[SimServer]:
    """An exchange with a long list, whose time stands still at NOW_MS."""
    with SimServer(["BTCUSDT"], clock=SimulatedClock(NOW_MS, speed=0), listed=LISTED) as server:
        yield server


def ask(sim: SimServer, query: str = "") -> requests.Response:
    return requests.get(f"{sim.rest_url}/api/v3/ticker/24hr?{query}", timeout=20)


def some(count: int) -> str:
    return "symbols=[" + ",".join(f'"{one}"' for one in listed_symbols(count)) + "]"


def test_a_row_has_the_fields_of_the_real_one_in_its_order(long: SimServer) -> None:
    assert list(ask(long, "symbol=BTCUSDT").json()) == FULL
    assert list(ask(long, "symbol=BTCUSDT&type=MINI").json()) == MINI
    assert [list(row) for row in ask(long, some(2)).json()] == [FULL, FULL]


@pytest.mark.parametrize(
    ("query", "weight"),
    [
        ("symbol=BTCUSDT", 2),
        (some(1), 2),
        (some(20), 2),
        (some(21), 40),
        (some(100), 40),
        (some(101), 80),
        ("", 80),
        ("type=MINI", 80),
    ],
)
def test_it_weighs_by_how_many_are_asked_for(long: SimServer, query: str, weight: int) -> None:
    assert ask(long, query).status_code == 200
    assert long.requests()[-1]["weight"] == weight
    long.limits.reset()


@pytest.mark.parametrize("symbol", ["BTCUSDT", "AAVEUSDT", "1INCHUSDC", "ZRXTRY"])
def test_the_figures_are_those_of_the_trades_of_24_hours(long: SimServer, symbol: str) -> None:
    """Of the many that are listed beside those given by name, up to the last full minute."""
    row: dict[str, Any] = ask(long, f"symbol={symbol}").json()
    course = long.market.course(symbol)
    until_ms = NOW_MS if symbol == "BTCUSDT" else NOW_MS - NOW_MS % MINUTE_MS
    trades = list(course.trades(until_ms - DAY_MS + 1, until_ms + 1))
    price = Decimal(1).scaleb(-course.listing.price_decimals)
    prices = [one.price * price for one in trades]
    volume = sum(one.quantity for one in trades)
    assert (row["openTime"], row["closeTime"]) == (NOW_MS - DAY_MS + 1, NOW_MS)
    assert (row["firstId"], row["lastId"]) == (trades[0].id, trades[-1].id)
    assert row["count"] == len(trades) == row["lastId"] - row["firstId"] + 1
    assert Decimal(row["openPrice"]) == prices[0] and Decimal(row["lastPrice"]) == prices[-1]
    assert (Decimal(row["lowPrice"]), Decimal(row["highPrice"])) == (min(prices), max(prices))
    assert Decimal(row["volume"]) == Decimal(volume).scaleb(-course.listing.quantity_decimals)
    change = (prices[-1] - prices[0]) / prices[0] * 100
    rounded = change.quantize(Decimal("0.001"), ROUND_HALF_UP)
    assert Decimal(row["priceChangePercent"]) == rounded


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("symbol=GONEUSDT", -1121),
        ('symbols=["BTCUSDT","GONEUSDT"]', -1121),
        ('symbols=["BTCUSDT","BTCUSDT"]', -1151),
        ("symbol=btcusdt", -1100),
        ('symbol=BTCUSDT&symbols=["BTCUSDT"]', -1128),
        ("symbol=BTCUSDT&type=HALF", -1130),
        ("interval=1m", -1104),
        ("symbol=BTCUSDT&symbolStatus=HALT", -1220),
    ],
)
def test_a_mistake_gets_the_real_code(long: SimServer, query: str, code: int) -> None:
    answer = ask(long, query)
    assert (answer.status_code, answer.json()["code"]) == (400, code)


def test_a_status_chooses_among_all(frozen: SimServer) -> None:
    frozen.faults.add("listing", symbol="PAXGUSDT", status="BREAK", for_ms=HOUR_MS)
    chosen = {
        status: [row["symbol"] for row in ask(frozen, f"symbolStatus={status}").json()]
        for status in ("TRADING", "BREAK")
    }
    assert chosen == {"TRADING": ["BTCUSDT"], "BREAK": ["PAXGUSDT"]}
    assert len(ask(frozen).json()) == 2


def test_the_long_list_is_answered_whole(long: SimServer) -> None:
    rows = ask(long).json()
    assert [row["symbol"] for row in rows] == ["BTCUSDT", *listed_symbols(LISTED, ["BTCUSDT"])]
    assert all(Decimal(row["lowPrice"]) > 0 for row in rows)
    assert len({row["priceChangePercent"] for row in rows}) > 200, "they do not move alike"


@pytest.mark.parametrize("symbol", ["AAVEUSDT", "SOLUSDC", "XRPEUR"])
def test_a_listed_symbol_trades_like_any_other(long: SimServer, symbol: str) -> None:
    """What is summed by running totals is what its trades sum up to, over any stretch."""
    course = long.market.course(symbol)
    begin_ms = course.listing.listed_ms
    for start_ms, length_ms in (
        (begin_ms - 5, HOUR_MS),
        (begin_ms + 17, 60_000),
        (NOW_MS - 3, 5 * HOUR_MS),
        (NOW_MS - DAY_MS * 40, DAY_MS * 30 + 1),
        (begin_ms, (2 * CYCLE_HOURS + 3) * HOUR_MS),
    ):
        span = course.span(start_ms, start_ms + length_ms)
        assert span == SyntheticTrades._span(course, start_ms, start_ms + length_ms)  # type: ignore[arg-type]
    prints = list(course.prints(NOW_MS - DAY_MS, NOW_MS))
    assert [one.id for one in prints] == list(range(prints[0].id, prints[0].id + len(prints)))
    assert course.prints_from(prints[7].id, 20, NOW_MS) == prints[7:27]
    days = long.market.klines(symbol, "1d", limit=400)
    assert all(Decimal(one.low) > 0 for one in days)
    assert all(a.last_id + 1 == b.first_id for a, b in pairwise(days))


def test_the_same_seed_lists_the_same_market(long: SimServer) -> None:
    clock = SimulatedClock(NOW_MS, speed=0)
    with SimServer(["ETHUSDT"], clock=clock, listed=30) as other:
        rows = {row["symbol"]: row for row in ask(other).json()}
    assert rows["AAVEUSDT"] == ask(long, "symbol=AAVEUSDT").json()


def test_ccxt_and_python_binance_fetch_all_tickers(long: SimServer) -> None:
    exchange = ccxt_client(long.rest_url)
    found = exchange.fetch_tickers()
    assert len(found) == LISTED + 1
    one = found["AAVE/USDT"]
    assert one["low"] <= one["last"] <= one["high"]
    assert one["percentage"] == pytest.approx((one["last"] / one["open"] - 1) * 100, abs=0.001)
    two = exchange.fetch_tickers(["AAVE/USDT", "BTC/USDT"])
    assert set(two) == {"AAVE/USDT", "BTC/USDT"}

    with binance_client(long.rest_url) as client:
        assert len(client.get_ticker()) == LISTED + 1
