"""`/exchange/markets`: the exchange's whole list, as the fetcher has written it."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import brotli
import pytest
from flask import Flask
from redis import Redis

from tests.support.redis_server import RedisProc
from tests.support.waiting import wait_for
from tests.support.web_app import NOW_MS, Browser, build, issue, page_config, said
from truecandle.candles.instrument import Instrument
from truecandle.candles.ticker import Ticker
from truecandle.config import Settings
from truecandle.store import exchange_list, markets
from truecandle.store.exchange_list import ListedMarket
from truecandle.store.markets import FollowedMarket
from truecandle.web import exchange_list as known
from truecandle.web.query import NAMED_MAX

PATH = "/exchange/markets"


def listed(symbol: str, price: str = "0.00000908") -> ListedMarket:
    listing = Instrument(symbol, "TRADING", symbol[:-4], symbol[-4:])
    return ListedMarket(listing, Ticker(symbol, price, "0.00000900", "1.5", "0.5", "7", "8.25"))


@pytest.fixture
def rows(redis: Redis) -> list[str]:
    """A list of four of which two are followed; their names."""
    names = ["BTCUSDT", "ETHUSDT", "PEPEUSDT", "币安人生USDT"]
    exchange_list.write(redis, map(listed, names), NOW_MS)
    return names


def symbols(answer: Any) -> list[str]:
    return [row["symbol"] for row in said(answer)["markets"]]


def test_every_market_of_the_list_is_there_with_exact_decimals(
    ann: Browser, rows: list[str]
) -> None:
    answer = ann.get(PATH)
    assert symbols(answer) == rows
    assert said(answer)["updated_at"] == NOW_MS
    assert json.loads(answer.text, parse_float=str)["markets"][2] == {
        "symbol": "PEPEUSDT", "base": "PEPE", "quote": "USDT", "status": "TRADING",
        "price": "0.00000908", "open": "0.00000900", "high": "1.5", "low": "0.5", "volume": 7,
        "quote_volume": "8.25", "change": "0.889",
    }  # fmt: skip
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert {"Cookie", "Authorization", "Accept-Encoding"} <= set(answer.vary)


def test_before_the_first_reading_it_holds_the_followed_ones_without_figures(ann: Browser) -> None:
    answer = said(ann.get(PATH))
    assert answer["updated_at"] is None
    assert [row["symbol"] for row in answer["markets"]] == ["BTCUSDT", "ETHUSDT"]
    assert answer["markets"][0]["price"] is None


def test_a_followed_market_that_is_not_listed_is_in_it(
    ann: Browser, redis: Redis, rows: list[str]
) -> None:
    markets.follow(redis, FollowedMarket(Instrument("GONEUSDT", "UNLISTED"), 1, 1))
    wait_for(lambda: "GONEUSDT" in symbols(ann.get(PATH)), what="the new market")
    row = next(row for row in said(ann.get(PATH))["markets"] if row["symbol"] == "GONEUSDT")
    assert (row["status"], row["change"]) == ("UNLISTED", None)


def test_some_are_chosen_by_name_and_unknown_ones_left_out(ann: Browser, rows: list[str]) -> None:
    answer = ann.get(f"{PATH}?symbols=PEPEUSDT,BTCUSDT,NOPEUSDT,PEPEUSDT")
    assert symbols(answer) == ["PEPEUSDT", "BTCUSDT"]
    many = ",".join(f"A{number}" for number in range(NAMED_MAX))
    assert symbols(ann.get(f"{PATH}?symbols={many}")) == []


def test_the_etag_spares_the_body_until_the_list_is_another(
    ann: Browser, redis: Redis, rows: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known, "FRESH_S", 0.0)
    etag = ann.get(PATH).headers["ETag"]
    again = ann.get(PATH, **{"If-None-Match": etag})
    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", etag)
    exchange_list.write(redis, map(listed, rows[:2]), NOW_MS + 1)
    changed = ann.get(PATH, **{"If-None-Match": etag})
    assert changed.status_code == 200 and symbols(changed) == rows[:2]
    assert ann.get(f"{PATH}?symbols=BTCUSDT").headers["ETag"] != changed.headers["ETag"]


def test_redis_is_looked_at_once_in_a_while_only(
    ann: Browser, redis: Redis, rows: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known, "FRESH_S", 3_600.0)
    ann.get(PATH)
    exchange_list.write(redis, [], NOW_MS + 1)
    assert symbols(ann.get(PATH)) == rows
    monkeypatch.setattr(known, "FRESH_S", 0.0)
    assert symbols(ann.get(PATH)) == rows[:2], "the followed ones"


@pytest.mark.parametrize("coding", ["br", "gzip"])
def test_the_whole_list_is_compressed_once_for_all(
    app: Flask, ann: Browser, redis: Redis, coding: str
) -> None:
    names = [f"S{number}USDT" for number in range(1_500)]
    exchange_list.write(redis, map(listed, names), NOW_MS)
    answer = ann.get(PATH, **{"Accept-Encoding": coding})
    assert answer.headers["Content-Encoding"] == coding
    unpack = brotli.decompress if coding == "br" else gzip.decompress
    assert len(json.loads(unpack(answer.data))["markets"]) == 1_502
    assert ann.get(PATH, **{"Accept-Encoding": coding}).data == answer.data
    etag = answer.headers["ETag"]
    again = ann.get(PATH, **{"Accept-Encoding": coding, "If-None-Match": etag})
    assert (again.status_code, again.headers["ETag"]) == (304, etag)
    assert ann.get(PATH, **{"Accept-Encoding": "identity"}).headers["ETag"] != etag


def test_who_may_not_read_gets_none(app: Flask, settings: Settings, redis: Redis) -> None:
    assert app.test_client().get(PATH).status_code == 401
    assert app.test_client().get(PATH, headers=issue(redis)).status_code == 200
    public = build(settings, public_reads=True)
    assert public.test_client().get(PATH).status_code == 200


def test_the_page_carries_the_row_of_the_shown_market(ann: Browser, rows: list[str]) -> None:
    assert page_config(ann, "/?symbol=ETHUSDT")["ticker"]["price"] == "0.00000908"
    assert page_config(ann, "/?symbol=ETHUSDT")["ticker"]["symbol"] == "ETHUSDT"
    not_followed = page_config(ann, "/?symbol=pepeusdt")
    assert (not_followed["ticker"]["symbol"], not_followed["symbol"]) == ("PEPEUSDT", "BTCUSDT")


def test_the_page_is_there_while_redis_is_away_and_says_nothing_of_it(
    settings: Settings, tmp_path: Path
) -> None:
    with RedisProc(tmp_path) as server:
        app = build(settings, redis_url=server.url, public_reads=True)
        server.stop()
        page = Browser(app)
        assert page_config(page, "/")["ticker"] is page_config(page, "/")["settings"] is None
        assert page.get(PATH).status_code == 503
