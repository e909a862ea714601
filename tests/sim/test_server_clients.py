"""The proof of faithfulness: ccxt and python-binance use the simulated exchange as the real one.

Only their URLs are pointed at it, through their own public settings.
"""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import ccxt
import pytest

from tests.support.public_clients import binance_client, ccxt_client
from tests.support.sim_time import NOW_MS
from truecandle.candles.interval import INTERVALS, MINUTE_MS
from truecandle.sim.server import SimServer

with warnings.catch_warnings():
    # python-binance imports names that its WebSocket library has deprecated.
    warnings.simplefilter("ignore", DeprecationWarning)
    import binance
    from binance.exceptions import BinanceAPIException


@pytest.fixture
def exchange(still: SimServer) -> ccxt.binance:
    return ccxt_client(still.rest_url)


@pytest.fixture
def client(still: SimServer) -> Iterator[binance.Client]:
    with binance_client(still.rest_url) as opened:
        yield opened


def test_ccxt_loads_the_markets_with_their_precisions(exchange: ccxt.binance) -> None:
    markets = exchange.load_markets()
    assert set(markets) == {"BTC/USDT", "PEPE/USDT", "PAXG/USDT"}
    bitcoin, pepe = markets["BTC/USDT"], markets["PEPE/USDT"]
    assert bitcoin["active"] and bitcoin["spot"]
    assert bitcoin["precision"]["price"] == 0.01
    assert bitcoin["precision"]["amount"] == 0.00001
    assert pepe["precision"]["price"] == 0.00000001


@pytest.mark.parametrize("interval", list(INTERVALS))
def test_ccxt_fetches_candles(exchange: ccxt.binance, still: SimServer, interval: str) -> None:
    found = exchange.fetch_ohlcv("BTC/USDT", interval, limit=50)
    truth = still.market.klines("BTCUSDT", interval, limit=50)
    assert found == [
        [k.open_ms, *(float(x) for x in (k.open, k.high, k.low, k.close, k.volume))] for k in truth
    ]


def test_ccxt_pages_through_candles_since_a_time(exchange: ccxt.binance, still: SimServer) -> None:
    since = NOW_MS - 90 * MINUTE_MS
    found = exchange.fetch_ohlcv("BTC/USDT", "1m", since=since, limit=40)
    assert [row[0] for row in found] == [
        since // MINUTE_MS * MINUTE_MS + i * MINUTE_MS for i in range(1, 41)
    ]


def test_ccxt_fetches_trades(exchange: ccxt.binance, still: SimServer) -> None:
    since = NOW_MS - MINUTE_MS
    found = exchange.fetch_trades("BTC/USDT", since=since, limit=1000)
    truth = list(still.market.course("BTCUSDT").prints(since, NOW_MS + 1))
    assert [(t["id"], t["timestamp"]) for t in found] == [(str(p.id), p.time_ms) for p in truth]
    assert [t["side"] for t in found] == ["sell" if p.sell else "buy" for p in truth]


def test_ccxt_reads_tickers_time_and_status(exchange: ccxt.binance) -> None:
    assert exchange.fetch_time() == NOW_MS
    ticker = exchange.fetch_ticker("BTC/USDT")
    assert ticker["low"] <= ticker["last"] <= ticker["high"]
    assert set(exchange.fetch_tickers()) == {"BTC/USDT", "PEPE/USDT", "PAXG/USDT"}


def test_ccxt_understands_our_errors(exchange: ccxt.binance) -> None:
    exchange.load_markets()
    exchange.markets["BTC/USDT"]["id"] = "GONEUSDT"
    with pytest.raises(ccxt.BadSymbol):
        exchange.fetch_ohlcv("BTC/USDT", "1m")


def test_python_binance_gets_klines(client: binance.Client, still: SimServer) -> None:
    found = client.get_klines(symbol="BTCUSDT", interval="5m", limit=7)
    assert found == [k.row() for k in still.market.klines("BTCUSDT", "5m", limit=7)]
    assert client.get_server_time() == {"serverTime": NOW_MS}
    assert client.get_symbol_info("PEPEUSDT")["filters"][0]["tickSize"] == "0.00000001"


@pytest.mark.parametrize(("interval", "days"), [("1m", 1), ("1d", 3100)])
def test_python_binance_gets_history_over_many_pages(
    client: binance.Client, still: SimServer, interval: str, days: int
) -> None:
    start_ms = NOW_MS - days * 1440 * MINUTE_MS
    found = client.get_historical_klines("BTCUSDT", interval, start_ms, NOW_MS - 5 * MINUTE_MS)
    truth = still.market.klines(
        "BTCUSDT", interval, start_ms=start_ms, end_ms=NOW_MS - 5 * MINUTE_MS, limit=10_000
    )
    assert found == [k.row() for k in truth]
    assert len(found) > 1000


def test_python_binance_walks_aggregate_trades_by_id(
    client: binance.Client, still: SimServer
) -> None:
    start_ms = NOW_MS - 10 * MINUTE_MS
    found = list(client.aggregate_trade_iter("BTCUSDT", start_str=start_ms))
    truth = still.market.course("BTCUSDT").prints(start_ms, NOW_MS + 1)
    assert [trade["a"] for trade in found] == [print_.id for print_ in truth]


def test_python_binance_understands_our_errors(client: binance.Client) -> None:
    with pytest.raises(BinanceAPIException) as caught:
        client.get_klines(symbol="BTCUSDT", interval="7m")
    assert (caught.value.code, caught.value.status_code) == (-1120, 400)


def test_python_binance_receives_klines_and_aggregate_trades(sim: SimServer) -> None:
    events = asyncio.run(_listen(sim, ("kline", "aggTrade")))
    kline, trade = events["kline"], events["aggTrade"]
    assert (kline["k"]["i"], kline["k"]["s"], kline["k"]["x"]) == ("1s", "BTCUSDT", True)
    truth = sim.market.kline("BTCUSDT", "1s", kline["k"]["t"], kline["E"])
    assert kline["k"]["v"] == truth.volume and kline["k"]["n"] == truth.trades
    found = sim.market.course("BTCUSDT").prints_from(trade["a"], 1, trade["E"])[0]
    assert (trade["T"], trade["m"]) == (found.time_ms, found.sell)
    assert Decimal(trade["p"]) == Decimal(found.price).scaleb(-2)


async def _listen(sim: SimServer, kinds: tuple[str, ...]) -> dict[str, Any]:
    class Local(binance.AsyncClient):
        API_URL = f"{sim.rest_url}/api"

    class LocalSockets(binance.BinanceSocketManager):
        STREAM_URL = f"{sim.ws_url}/"

    client = await Local.create()
    sockets = LocalSockets(client)
    events: dict[str, Any] = {}
    try:
        for kind in kinds:
            one = {
                "kline": lambda: sockets.kline_socket("BTCUSDT", interval="1s"),
                "aggTrade": lambda: sockets.aggtrade_socket("BTCUSDT"),
            }[kind]()
            async with one as stream:
                events[kind] = await asyncio.wait_for(stream.recv(), 15)
    finally:
        await client.close_connection()
    return events
