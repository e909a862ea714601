"""`/udf`: what TradingView's charts ask of a Universal Data Feed, as its description has it.

Never here: which parameters the other paths take.
Invariant: bars are the stored candles, in seconds, and never made up.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from redis import Redis

from tests.support.web_app import (
    FORMING_MS,
    HOUR_MS,
    HOURLY,
    NOW_MS,
    Browser,
    said,
    store_hours,
    store_live,
)
from truecandle.candles.instrument import Instrument
from truecandle.store import markets, official
from truecandle.store.markets import FollowedMarket

HISTORY = "/udf/history?symbol=BTCUSDT&resolution=60"


@pytest.fixture
def opens(ann: Browser, redis: Redis) -> list[int]:
    """Ten official hours and a forming one; in seconds."""
    known = Instrument("BTCUSDT", "TRADING", "BTC", "USDT", "0.05", "0.00001")
    markets.update(redis, [FollowedMarket(known, checked_ms=1)])
    found = store_hours(redis, 10)
    store_live(redis, FORMING_MS)
    return [ms // 1000 for ms in (*found, FORMING_MS)]


def test_the_configuration_says_what_is_there(ann: Browser) -> None:
    found = said(ann.get("/udf/config"))
    assert found["supported_resolutions"] == ["1", "60", "3D"]
    assert (found["supports_search"], found["supports_group_request"]) == (True, False)
    assert found["supports_time"] and found["supports_marks"]
    assert not found["supports_timescale_marks"]


def test_the_time_is_the_exchanges_in_plain_seconds(ann: Browser) -> None:
    answer = ann.get("/udf/time")
    assert (answer.text, answer.mimetype) == (str(NOW_MS // 1000), "text/plain")


@pytest.mark.parametrize("symbol", ["BTCUSDT", "BINANCE:BTCUSDT"])
@pytest.mark.usefixtures("opens")
def test_a_symbol_is_resolved_with_its_steps(ann: Browser, symbol: str) -> None:
    found = said(ann.get(f"/udf/symbols?symbol={symbol}"))
    assert (found["name"], found["ticker"], found["description"]) == (
        *("BTCUSDT", "BTCUSDT", "BTC / USDT"),
    )
    assert (found["minmov"], found["pricescale"], found["volume_precision"]) == (5, 100, 5)
    assert (found["session"], found["timezone"]) == ("24x7", "Etc/UTC")
    assert found["supported_resolutions"] == ["1", "60", "3D"]
    assert found["intraday_multipliers"] == ["1", "60"]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("query=usdt", ["BTCUSDT", "ETHUSDT"]),
        ("query=eth", ["ETHUSDT"]),
        ("query=btc/usdt", ["BTCUSDT"]),
        ("query=&limit=1", ["BTCUSDT"]),
        ("query=&type=stock", []),
        ("query=&exchange=NYSE", []),
        ("query=doge&type=crypto&exchange=BINANCE", []),
    ],
)
def test_a_search_finds_followed_markets(ann: Browser, query: str, names: list[str]) -> None:
    found: Any = ann.get(f"/udf/search?{query}").get_json()
    assert [one["symbol"] for one in found] == names


def test_bars_are_the_candles_of_the_range_with_the_newest_that_forms(
    ann: Browser, opens: list[int]
) -> None:
    found = said(ann.get(f"{HISTORY}&from={opens[7]}&to={opens[10] + 1}"))
    assert (found["s"], found["t"]) == ("ok", opens[7:])
    assert (found["o"][0], found["l"][0], found["c"][-1]) == (42000.1, 41007.5, 42060)
    assert {len(found[name]) for name in "tohlcv"} == {4}
    text = ann.get(f"{HISTORY}&from={opens[0]}&to={opens[1]}").text
    assert '"v":[12.34567]' in text
    assert said(ann.get(f"{HISTORY}&from={opens[3]}&to={opens[5]}"))["t"] == opens[3:5]


def test_countback_goes_before_from(ann: Browser, opens: list[int]) -> None:
    path = f"{HISTORY}&from={opens[5]}&to={opens[6]}&countback=4&currencyCode=USDT"
    assert said(ann.get(path))["t"] == opens[2:6]
    far = said(ann.get(f"{HISTORY}&from=0&to={10**12}&countback=2"))
    assert far["t"] == opens[-2:]


def test_where_there_is_no_bar_the_next_older_one_is_named(
    ann: Browser, redis: Redis, opens: list[int]
) -> None:
    row = [FORMING_MS - 50 * HOUR_MS, "1", "2", "1", "2", "5", 0, "1", 1, "1", "1", "0"]
    row[6] = FORMING_MS - 49 * HOUR_MS - 1
    official.upsert_klines(redis, HOURLY, [row], now_ms=NOW_MS, settle_ms=3000)
    older = (FORMING_MS - 50 * HOUR_MS) // 1000
    found = said(ann.get(f"{HISTORY}&from={opens[0] - 7200}&to={opens[0]}"))
    assert found == {"s": "no_data", "nextTime": older}
    assert said(ann.get(f"{HISTORY}&from=-100&to={older}")) == {"s": "no_data"}


def test_a_corrected_candle_wears_a_mark(ann: Browser, redis: Redis, opens: list[int]) -> None:
    open_ms = opens[4] * 1000
    row = [open_ms, "1", "2", "1", "2", "5", open_ms + HOUR_MS - 1, "1", 1, "1", "1", "0"]
    official.upsert_klines(redis, HOURLY, [row], now_ms=NOW_MS, settle_ms=3000)
    path = "/udf/marks?symbol=BTCUSDT&resolution=60"
    found = said(ann.get(f"{path}&from={opens[0]}&to={opens[9]}"))
    assert found["time"] == [opens[4]]
    assert {len(column) for column in found.values()} == {1}
    assert said(ann.get(f"{path}&from={opens[5]}&to={opens[9]}"))["time"] == []


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/udf/symbols", 400),
        ("/udf/symbols?symbol=DOGEUSDT", 404),
        (f"{HISTORY}&from=0", 400),
        (f"{HISTORY}&from=yesterday&to=1", 400),
        ("/udf/history?symbol=BTCUSDT&resolution=61&to=1", 400),
        ("/udf/history?symbol=BTCUSDT&resolution=5&to=1", 400),
        ("/udf/history?symbol=DOGEUSDT&resolution=60&to=1", 404),
        ("/udf/history?symbol=btc&resolution=60&to=1", 400),
        (f"{HISTORY}&to=1&to=2", 400),
        ("/udf/config?x=1", 400),
        ("/udf/search?limit=0&type=stock", 400),
    ],
)
def test_what_is_refused_is_told_in_the_protocols_form(
    ann: Browser, path: str, status: int
) -> None:
    answer = ann.get(path)
    assert answer.status_code == status
    assert said(answer)["s"] == "error" and said(answer)["errmsg"]


def test_whoever_may_not_read_is_told_so(browser: Browser) -> None:
    answer = browser.get("/udf/config")
    assert (answer.status_code, said(answer)["s"]) == (401, "error")


def test_steps_of_tiny_prices_are_whole_numbers(ann: Browser, redis: Redis) -> None:
    tiny = Instrument("ETHUSDT", "TRADING", "ETH", "USDT", "0.00000001", "1")
    markets.update(redis, [FollowedMarket(tiny, checked_ms=1)])
    found = said(ann.get("/udf/symbols?symbol=ETHUSDT"))
    assert Decimal(found["minmov"]) / found["pricescale"] == Decimal("0.00000001")
    assert found["volume_precision"] == 0
