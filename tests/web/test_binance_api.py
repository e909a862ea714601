"""`/api/v3`: the exchange's public clients, unmodified, read from here what the exchange published.

Never here: parameters one by one (`test_binance_params`).
Invariant: clients talk over real sockets; what they are given is compared with the simulated truth.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import ccxt
import pytest
import requests
from flask import Flask
from redis import Redis

from tests.support.public_clients import BinanceAPIException, binance_client, ccxt_client
from tests.support.served_app import served
from tests.support.sim_time import NOW_MS
from tests.support.web_app import Browser, Time, build, issue, said
from truecandle.candles.candle import LiveCandle
from truecandle.candles.instrument import Instrument
from truecandle.candles.series import parse_series
from truecandle.candles.ticker import Ticker
from truecandle.config import Settings
from truecandle.sim.clock import SimulatedClock
from truecandle.sim.kline import SimulatedKline
from truecandle.sim.market import simulated
from truecandle.store import exchange_list, live, markets, official
from truecandle.store.exchange_list import ListedMarket
from truecandle.store.markets import FollowedMarket

HOURLY = parse_series("BTCUSDT", "1h")
MINUTES = parse_series("BTCUSDT", "1m")
HOURS_STORED = 1_300
BITCOIN = Instrument("BTCUSDT", "TRADING", "BTC", "USDT", "0.01", "0.00001")
ETHER = Instrument("ETHUSDT", "BREAK", "ETH", "USDT", "0.01", "0.0001")
DAY = Ticker("BTCUSDT", "61000.5", "60000", "62000", "59000.25", "20000.5", "1220030500")


def exact_row(row: list[Any]) -> list[Any]:
    """Decimal text as numbers, so that trailing zeros do not matter."""
    return [Decimal(value) if isinstance(value, str) else value for value in row]


@pytest.fixture(scope="module")
def truth() -> dict[str, list[SimulatedKline]]:
    market = simulated(seed=7, symbols=["BTCUSDT"], clock=SimulatedClock(NOW_MS, speed=0))
    return {
        "1h": market.klines("BTCUSDT", "1h", limit=HOURS_STORED + 1),
        "1m": market.klines("BTCUSDT", "1m", limit=3),
    }


@pytest.fixture
def world(redis: Redis, settings: Settings, truth: dict[str, list[SimulatedKline]]) -> Flask:
    """Official candles but for the newest closed one, which is pending, and a forming one."""
    markets.followed(redis, settings.symbols)
    markets.update(redis, [FollowedMarket(one, checked_ms=1) for one in (BITCOIN, ETHER)])
    exchange_list.write(redis, [ListedMarket(BITCOIN, DAY), ListedMarket(ETHER)], NOW_MS - 9_000)
    official.upsert_klines(
        redis, HOURLY, [kline.row() for kline in truth["1h"][:-2]], now_ms=NOW_MS, settle_ms=0
    )
    for series, kline in (
        (HOURLY, truth["1h"][-2]),
        (HOURLY, truth["1h"][-1]),
        (MINUTES, truth["1m"][-1]),
    ):
        live.save_live(redis, series, candle_of(kline), now_ms=kline.open_ms + 1)
    return build(settings, Time(NOW_MS))


def candle_of(kline: SimulatedKline) -> LiveCandle:
    return LiveCandle(
        kline.open_ms, kline.open, kline.high, kline.low, kline.close, kline.volume, kline.trades,
        "live", False, min(NOW_MS, kline.close_ms), kline.quote, kline.bought, kline.bought_quote,
    )  # fmt: skip


@pytest.fixture
def url(world: Flask) -> Iterator[str]:
    with served(world) as found:
        yield found


@pytest.fixture
def token(redis: Redis, url: str) -> str:
    return issue(redis)["Authorization"].removeprefix("Bearer ")


def test_ccxt_reads_markets_candles_and_tickers(
    url: str, token: str, truth: dict[str, list[SimulatedKline]]
) -> None:
    client = ccxt_client(url, headers={"X-MBX-APIKEY": token})
    found = client.load_markets()
    assert set(found) == {"BTC/USDT", "ETH/USDT"}
    bitcoin = found["BTC/USDT"]
    assert (bitcoin["active"], bitcoin["spot"]) == (True, True)
    assert (bitcoin["precision"]["price"], bitcoin["precision"]["amount"]) == (0.01, 0.00001)
    assert found["ETH/USDT"]["active"] is False
    assert client.fetch_time() == NOW_MS
    candles = client.fetch_ohlcv("BTC/USDT", "1h", limit=50)
    expected = truth["1h"][-50:]
    assert candles == [
        [k.open_ms, *(float(x) for x in (k.open, k.high, k.low, k.close, k.volume))]
        for k in expected
    ]
    since = truth["1h"][100].open_ms
    later = client.fetch_ohlcv("BTC/USDT", "1h", since=since, limit=10)
    assert [row[0] for row in later] == [k.open_ms for k in truth["1h"][100:110]]
    ticker = client.fetch_ticker("BTC/USDT")
    assert (ticker["high"], ticker["open"]) == (62000.0, 60000.0)
    assert ticker["last"] == float(truth["1m"][-1].close)
    assert set(client.fetch_tickers()) == {"BTC/USDT"}
    client.markets["BTC/USDT"]["id"] = "GONEUSDT"
    with pytest.raises(ccxt.BadSymbol):
        client.fetch_ohlcv("BTC/USDT", "1h")


def test_ccxt_respects_our_limit_and_is_told_who_it_is_not(
    redis: Redis, settings: Settings, world: Flask
) -> None:
    with served(build(settings, Time(NOW_MS), reads_per_minute=3)) as url:
        key = issue(redis)["Authorization"].removeprefix("Bearer ")
        client = ccxt_client(url, headers={"X-MBX-APIKEY": key})
        for _ in range(3):
            client.fetch_time()
        assert client.last_response_headers["X-MBX-USED-WEIGHT-1M"] == "3"
        with pytest.raises(ccxt.DDoSProtection):
            client.fetch_time()
        with pytest.raises(ccxt.AuthenticationError):
            ccxt_client(url, headers={"X-MBX-APIKEY": "a key of the exchange"}).fetch_time()


def test_python_binance_gets_klines_as_they_are(
    url: str, token: str, truth: dict[str, list[SimulatedKline]]
) -> None:
    with binance_client(url, token) as client:
        found = client.get_klines(symbol="BTCUSDT", interval="1h", limit=7)
        assert [exact_row(row) for row in found] == [exact_row(k.row()) for k in truth["1h"][-7:]]
        start_ms, end_ms = truth["1h"][20].open_ms, truth["1h"][-10].open_ms
        pages = client.get_historical_klines("BTCUSDT", "1h", start_ms, end_ms)
        assert [exact_row(row) for row in pages] == [exact_row(k.row()) for k in truth["1h"][20:-9]]
        assert len(pages) > 1_000
        assert client.get_server_time() == {"serverTime": NOW_MS}
        filters = client.get_symbol_info("BTCUSDT")["filters"]
        assert filters[0]["tickSize"] == "0.01000000"
        assert client.get_symbol_ticker(symbol="BTCUSDT")["symbol"] == "BTCUSDT"
        with pytest.raises(BinanceAPIException) as caught:
            client.get_klines(symbol="BTCUSDT", interval="7m")
        assert (caught.value.code, caught.value.status_code) == (-1120, 400)


def test_a_page_from_a_start_ends_before_what_is_live(
    world: Flask, redis: Redis, truth: dict[str, list[SimulatedKline]]
) -> None:
    client, headers = world.test_client(), issue(redis)
    first = truth["1h"][0].open_ms

    def opens(query: str) -> list[int]:
        path = f"/api/v3/klines?symbol=BTCUSDT&interval=1h&{query}"
        return [row[0] for row in client.get(path, headers=headers).get_json()]

    assert opens(f"startTime={first}&limit=5") == [k.open_ms for k in truth["1h"][:5]]
    last = truth["1h"][-4].open_ms
    assert opens(f"startTime={last}") == [k.open_ms for k in truth["1h"][-4:]]
    assert opens(f"startTime={last}&endTime={last}") == [last]
    assert opens(f"endTime={last}&limit=2") == [k.open_ms for k in truth["1h"][-5:-3]]
    assert opens(f"startTime={last * 1000}&limit=1") == [last]
    assert opens("limit=3") == [k.open_ms for k in truth["1h"][-3:]]
    assert opens(f"startTime={last}&endTime={first}") == []


def test_times_come_in_microseconds_where_that_is_asked_for(world: Flask, redis: Redis) -> None:
    client = world.test_client()
    headers = {**issue(redis), "X-MBX-TIME-UNIT": "MICROSECOND"}
    [row] = client.get(
        "/api/v3/klines?symbol=BTCUSDT&interval=1h&limit=1", headers=headers
    ).get_json()
    assert row[6] - row[0] == 3_600_000_000 - 1
    found = client.get("/api/v3/time", headers=headers).get_json()
    assert found == {"serverTime": NOW_MS * 1000}


def test_the_last_day_holds_what_is_known_and_null_for_the_rest(
    world: Flask, redis: Redis, truth: dict[str, list[SimulatedKline]]
) -> None:
    client, headers = world.test_client(), issue(redis)
    day = client.get("/api/v3/ticker/24hr?symbol=BTCUSDT", headers=headers).get_json()
    last = Decimal(truth["1m"][-1].close)
    assert Decimal(day["lastPrice"]) == last
    assert Decimal(day["priceChange"]) == last - 60000
    assert (day["openPrice"], day["volume"]) == ("60000.00000000", "20000.50000000")
    assert day["weightedAvgPrice"] == "61000.00000000"
    assert day["closeTime"] == NOW_MS - 9_000
    assert all(day[name] is None for name in ("bidPrice", "askPrice", "lastQty", "count"))
    mini = client.get("/api/v3/ticker/24hr?type=MINI", headers=headers).get_json()
    assert [one["symbol"] for one in mini] == ["BTCUSDT"]
    assert "priceChange" not in mini[0]
    unknown = client.get("/api/v3/ticker/24hr?symbol=ETHUSDT", headers=headers)
    assert (unknown.status_code, unknown.get_json()["code"]) == (503, -1001)


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("klines", 400, -1102),
        ("klines?symbol=BTCUSDT", 400, -1102),
        ("klines?symbol=&interval=1h", 400, -1105),
        ("klines?symbol=btcusdt&interval=1h", 400, -1100),
        ("klines?symbol=DOGEUSDT&interval=1h", 400, -1121),
        ("klines?symbol=BTCUSDT&interval=7m", 400, -1120),
        ("klines?symbol=BTCUSDT&interval=1M", 400, -1120),
        ("klines?symbol=BTCUSDT&interval=1h&limit=0", 400, -1130),
        ("klines?symbol=BTCUSDT&interval=1h&limit=ten", 400, -1100),
        ("klines?symbol=BTCUSDT&interval=1h&startTime=-1", 400, -1100),
        ("klines?symbol=BTCUSDT&interval=1h&timeZone=8", 400, -1130),
        ("klines?symbol=BTCUSDT&interval=1h&foo=1", 400, -1104),
        ("klines?symbol=BTCUSDT&symbol=ETHUSDT&interval=1h", 400, -1101),
        ("ping?x=1", 400, -1104),
        ("exchangeInfo?symbol=DOGEUSDT", 400, -1121),
        ('exchangeInfo?symbols=["BTCUSDT"]&symbol=BTCUSDT', 400, -1128),
        ('ticker/price?symbols=["BTCUSDT","BTCUSDT"]', 400, -1151),
        ("ticker/price?symbols=BTCUSDT", 400, -1100),
        ("ticker/price?symbol=ETHUSDT&symbolStatus=TRADING", 400, -1220),
        ("ticker/24hr?type=TINY", 400, -1130),
        ("exchangeInfo?permissions=MARGIN", 400, -1130),
        ("depth?symbol=BTCUSDT", 404, -5000),
        ("aggTrades?symbol=BTCUSDT&limit=5", 404, -5000),
    ],
)
def test_a_bad_request_gets_the_exchanges_code(
    world: Flask, redis: Redis, path: str, status: int, code: int
) -> None:
    answer = world.test_client().get(f"/api/v3/{path}", headers=issue(redis))
    assert (answer.status_code, said(answer)["code"]) == (status, code)
    assert set(said(answer)) == {"code", "msg"}


def test_an_order_is_refused_in_the_exchanges_words(world: Flask, redis: Redis) -> None:
    answer = world.test_client().post("/api/v3/order", headers=issue(redis, "write"))
    assert (answer.status_code, said(answer)["code"]) == (405, -5000)
    assert set(said(answer)) == {"code", "msg"}


def test_whoever_may_not_read_is_told_in_the_exchanges_words(browser: Browser) -> None:
    answer = browser.get("/api/v3/ping")
    assert (answer.status_code, said(answer)["code"]) == (401, -2015)
    assert "X-MBX-APIKEY" in said(answer)["msg"]


def test_a_key_is_in_no_log(url: str, token: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        for key in (token, "a-key-of-the-exchange"):
            requests.get(f"{url}/api/v3/ping", headers={"X-MBX-APIKEY": key}, timeout=10)
    assert "/api/v3/ping" in caplog.text
    assert token not in caplog.text and "a-key-of-the-exchange" not in caplog.text
