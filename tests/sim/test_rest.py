"""REST answers as Binance's: selection, parameters, error codes, weights, time units."""

from __future__ import annotations

import re
from typing import Any

import pytest
import requests

from tests.support.sim_time import NOW_MS
from truecandle.candles.interval import HOUR_MS, INTERVALS, MINUTE_MS
from truecandle.sim.server import SimServer

THIS_MINUTE_MS = NOW_MS // MINUTE_MS * MINUTE_MS


def ask(sim: SimServer, path: str, query: str = "", **headers: str) -> requests.Response:
    return requests.get(f"{sim.rest_url}/api/v3/{path}?{query}", headers=headers, timeout=10)


def klines(sim: SimServer, query: str) -> list[list[Any]]:
    answer = ask(sim, "klines", f"symbol=BTCUSDT&{query}")
    assert answer.status_code == 200, answer.text
    rows: list[list[Any]] = answer.json()
    return rows


def test_without_times_the_latest_five_hundred_the_last_one_still_forming(
    still: SimServer,
) -> None:
    rows = klines(still, "interval=1m")
    assert len(rows) == 500
    assert rows[-1][0] == THIS_MINUTE_MS and rows[-1][6] > NOW_MS
    assert [len(row) for row in rows] == [12] * 500
    types = [int, str, str, str, str, str, int, str, int, str, str, str]
    assert [type(field) for field in rows[0]] == types
    assert all(re.fullmatch(r"\d+\.\d{8}", rows[0][i]) for i in (1, 2, 3, 4, 5, 7, 9, 10))
    assert rows[0][11] == "0"


def test_a_start_gives_the_oldest_from_it_and_both_ends_are_inclusive(still: SimServer) -> None:
    start_ms = THIS_MINUTE_MS - 10 * MINUTE_MS
    rows = klines(still, f"interval=1m&startTime={start_ms}&limit=3")
    assert [row[0] for row in rows] == [start_ms + i * MINUTE_MS for i in range(3)]
    rows = klines(still, f"interval=1m&startTime={start_ms}&endTime={start_ms}")
    assert [row[0] for row in rows] == [start_ms]
    rows = klines(still, f"interval=1m&startTime={start_ms + 1}&endTime={start_ms + MINUTE_MS}")
    assert [row[0] for row in rows] == [start_ms + MINUTE_MS]


def test_an_end_alone_gives_the_latest_up_to_it(still: SimServer) -> None:
    rows = klines(still, f"interval=1m&endTime={THIS_MINUTE_MS - 1}&limit=2")
    assert [row[0] for row in rows] == [THIS_MINUTE_MS - 2 * MINUTE_MS, THIS_MINUTE_MS - MINUTE_MS]


def test_a_start_before_the_listing_jumps_to_the_first_candle(still: SimServer) -> None:
    first = klines(still, "interval=1d&startTime=0&limit=1")[0]
    assert first[0] == 1_502_928_000_000  # 2017-08-17


def test_a_start_in_the_future_or_behind_the_end_gives_nothing(still: SimServer) -> None:
    assert klines(still, f"interval=1m&startTime={NOW_MS + MINUTE_MS}") == []
    assert klines(still, f"interval=1m&startTime={NOW_MS}&endTime={NOW_MS - HOUR_MS}") == []


def test_a_limit_above_a_thousand_means_a_thousand(still: SimServer) -> None:
    assert len(klines(still, "interval=1s&limit=1500")) == 1000


@pytest.mark.parametrize("interval", list(INTERVALS))
def test_all_sixteen_intervals_answer_and_ui_klines_alike(still: SimServer, interval: str) -> None:
    rows = klines(still, f"interval={interval}&limit=3")
    assert len(rows) == 3
    alike = ask(still, "uiKlines", f"symbol=BTCUSDT&interval={interval}&limit=3").json()
    assert alike == rows


def test_a_time_zone_moves_the_days(still: SimServer) -> None:
    utc = klines(still, "interval=1d&limit=2")
    for zone, hours in (("8", 8.0), ("-1:00", -1.0), ("05:45", 5.75)):
        moved = klines(still, f"interval=1d&limit=2&timeZone={zone}")
        assert (moved[0][0] + int(hours * HOUR_MS)) % (24 * HOUR_MS) == 0
        assert moved[0][5] != utc[0][5]


def test_times_may_be_sent_and_answered_in_microseconds(still: SimServer) -> None:
    start = THIS_MINUTE_MS - 5 * MINUTE_MS
    rows = klines(still, f"interval=1m&startTime={start}000&limit=1")
    assert rows[0][0] == start
    query = "symbol=BTCUSDT&interval=1m&limit=2"
    row = ask(still, "klines", query, **{"X-MBX-TIME-UNIT": "MICROSECOND"}).json()[0]
    assert row[0] == (THIS_MINUTE_MS - MINUTE_MS) * 1000 and row[6] == THIS_MINUTE_MS * 1000 - 1
    time = ask(still, "time", **{"X-MBX-TIME-UNIT": "microsecond"}).json()
    assert time == {"serverTime": NOW_MS * 1000}
    refused = ask(still, "time", **{"X-MBX-TIME-UNIT": "HOUR"})
    assert (refused.status_code, refused.json()["code"]) == (400, -1194)


LEGAL_SYMBOL = (
    "Illegal characters found in parameter 'symbol'; legal range is '^[A-Z0-9-_.]{1,20}$'."
)
MISSING = "Mandatory parameter '{}' was not sent, was empty/null, or malformed."


@pytest.mark.parametrize(
    ("path", "query", "code", "message"),
    [
        ("klines", "interval=1m", -1102, MISSING.format("symbol")),
        ("klines", "symbol=BTCUSDT", -1102, MISSING.format("interval")),
        ("klines", "symbol=&interval=1m", -1105, "Parameter 'symbol' was empty."),
        ("klines", "symbol=btcusdt&interval=1m", -1100, LEGAL_SYMBOL),
        ("klines", "symbol=GONEUSDT&interval=1m", -1121, "Invalid symbol."),
        ("klines", "symbol=BTCUSDT&interval=7m", -1120, "Invalid interval."),
        ("klines", "symbol=BTCUSDT&interval=1D", -1120, "Invalid interval."),
        ("klines", "symbol=BTCUSDT&interval=1!", -1100, None),
        ("klines", "symbol=BTCUSDT&interval=1m&startTime=None", -1100, None),
        ("klines", "symbol=BTCUSDT&interval=1m&limit=-1", -1100, None),
        ("klines", "symbol=BTCUSDT&interval=1m&limit=0", -1130, None),
        ("klines", "symbol=BTCUSDT&interval=1m&timeZone=15", -1130, None),
        ("klines", "symbol=BTCUSDT&interval=1m&limit=1&limit=2", -1101, None),
        ("klines", "symbol=BTCUSDT&interval=1m&foo=1", -1104, None),
        ("aggTrades", "symbol=BTCUSDT&fromId=1&startTime=1", -1128, None),
        ("exchangeInfo", "symbols=[%22BTCUSDT%22,%22BTCUSDT%22]", -1151, None),
        ("exchangeInfo", "symbol=GONEUSDT", -1121, "Invalid symbol."),
        ("ticker/price", "symbol=BTCUSDT&symbols=[%22BTCUSDT%22]", -1128, None),
        ("ticker/24hr", "symbols=[%22GONEUSDT%22]", -1121, "Invalid symbol."),
    ],
)
def test_mistakes_get_the_real_codes(
    still: SimServer, path: str, query: str, code: int, message: str | None
) -> None:
    answer = ask(still, path, query)
    assert answer.status_code == 400
    assert answer.json()["code"] == code
    assert message in (None, answer.json()["msg"])


def test_a_symbol_may_be_written_in_another_script() -> None:
    with SimServer(["币安人生USDT"]) as sim:
        info = ask(sim, "exchangeInfo", 'symbols=["币安人生USDT"]').json()
        assert info["symbols"][0]["baseAsset"] == "币安人生"
        assert len(ask(sim, "klines", "symbol=币安人生USDT&interval=1h&limit=3").json()) == 3


def test_an_unknown_path_is_not_found(still: SimServer) -> None:
    assert ask(still, "nothing").status_code == 404


def test_every_answer_tells_the_weight_used(frozen: SimServer) -> None:
    weights = {
        "ping": 1,
        "time": 1,
        "klines?symbol=BTCUSDT&interval=1m": 2,
        "aggTrades?symbol=BTCUSDT": 4,
        "exchangeInfo": 20,
        "ticker/price?symbol=BTCUSDT": 2,
        "ticker/price": 4,
        "ticker/24hr?symbol=BTCUSDT": 2,
        "ticker/24hr": 80,
    }
    used = 0
    for path, weight in weights.items():
        answer = requests.get(f"{frozen.rest_url}/api/v3/{path}", timeout=10)
        used += weight
        assert int(answer.headers["X-MBX-USED-WEIGHT-1M"]) == used, path
        assert int(answer.headers["X-MBX-USED-WEIGHT"]) == used
    frozen.clock.advance(MINUTE_MS)
    assert ask(frozen, "ping").headers["X-MBX-USED-WEIGHT-1M"] == "1"


def test_requests_are_logged_with_parameters_weight_and_status(frozen: SimServer) -> None:
    ask(frozen, "klines", "symbol=BTCUSDT&interval=1m&limit=2")
    ask(frozen, "klines", "symbol=GONEUSDT&interval=1m")
    first, second = frozen.requests()
    assert first == {
        "at_ms": NOW_MS,
        "path": "/api/v3/klines",
        "params": {"symbol": "BTCUSDT", "interval": "1m", "limit": "2"},
        "weight": 2,
        "status": 200,
    }
    assert second["status"] == 400


def test_aggregate_trades_by_id_by_time_and_the_latest(still: SimServer) -> None:
    latest = ask(still, "aggTrades", "symbol=BTCUSDT&limit=5").json()
    assert list(latest[0]) == ["a", "p", "q", "f", "l", "T", "m", "M"]
    assert latest[-1]["T"] <= NOW_MS
    by_id = ask(still, "aggTrades", f"symbol=BTCUSDT&fromId={latest[0]['a']}").json()
    assert by_id == latest
    start_ms, end_ms = latest[0]["T"], latest[-1]["T"]
    times = f"symbol=BTCUSDT&startTime={start_ms}&endTime={end_ms}"
    assert ask(still, "aggTrades", times).json()[-5:] == latest
    before = ask(still, "aggTrades", f"symbol=BTCUSDT&endTime={start_ms - 1}&limit=1").json()
    assert before[0]["a"] == ask(still, "aggTrades", times).json()[0]["a"] - 1
    first = ask(still, "aggTrades", "symbol=BTCUSDT&fromId=0&limit=1").json()
    assert first[0]["a"] == 1


def test_a_quiet_market_still_gives_a_full_page_of_latest_trades(still: SimServer) -> None:
    assert len(ask(still, "aggTrades", "symbol=PAXGUSDT&limit=1000").json()) == 1000


def test_exchange_info_tells_limits_and_step_sizes(still: SimServer) -> None:
    info = ask(still, "exchangeInfo", "symbol=PEPEUSDT").json()
    limits = {
        (row["rateLimitType"], row["intervalNum"]): row["limit"] for row in info["rateLimits"]
    }
    assert limits["REQUEST_WEIGHT", 1] == 6000 and limits["RAW_REQUESTS", 5] == 61_000
    (pepe,) = info["symbols"]
    filters = {row["filterType"]: row for row in pepe["filters"]}
    assert (pepe["status"], pepe["baseAsset"], pepe["quoteAsset"]) == ("TRADING", "PEPE", "USDT")
    assert filters["PRICE_FILTER"]["tickSize"] == "0.00000001"
    assert filters["LOT_SIZE"]["stepSize"] == "1.00000000"
    chosen = ask(still, "exchangeInfo", "symbols=[%22BTCUSDT%22,%22PAXGUSDT%22]").json()
    assert [row["symbol"] for row in chosen["symbols"]] == ["BTCUSDT", "PAXGUSDT"]


def test_tickers_agree_with_the_candles(still: SimServer) -> None:
    price = ask(still, "ticker/price", "symbol=BTCUSDT").json()
    assert price == {"symbol": "BTCUSDT", "price": klines(still, "interval=1m&limit=1")[0][4]}
    day = ask(still, "ticker/24hr", "symbol=BTCUSDT").json()
    assert (day["lastPrice"], day["closeTime"]) == (price["price"], NOW_MS)
    span = still.market.course("BTCUSDT").span(NOW_MS - 86_399_999, NOW_MS + 1)
    assert span and day["count"] == span.trades
    assert day["count"] == day["lastId"] - day["firstId"] + 1
    mini = ask(still, "ticker/24hr", "symbols=[%22BTCUSDT%22]&type=MINI").json()
    assert "priceChange" not in mini[0] and mini[0]["volume"] == day["volume"]
    everything = ask(still, "ticker/24hr").json()
    assert [row["symbol"] for row in everything] == ["BTCUSDT", "PEPEUSDT", "PAXGUSDT"]
