"""`/data` in every form tells exactly the stored candles, in one page or as long as there are some.

Never here: what goes together (`test_data_request`), Arrow and Parquet (`test_data_tables`).
Invariant: numbers are compared as text, never as floats.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterator
from typing import Any

import brotli
import pytest
from flask import Flask
from redis import Redis

from tests.support.web_app import (
    FORMING_MS,
    HOUR_MS,
    HOURLY,
    NOW_MS,
    Browser,
    build,
    issue,
    store_hours,
)
from truecandle.candles.candle import official_from_member
from truecandle.candles.instrument import Instrument
from truecandle.candles.series import parse_series
from truecandle.config import Settings
from truecandle.errors import StoreUnavailable
from truecandle.store import keys, markets, official, pages
from truecandle.store.columns import FIELDS
from truecandle.store.markets import FollowedMarket
from truecandle.web import data_answers, read_turns

HOURS = "/data?symbol=BTCUSDT&interval=1h"
MINUTES = parse_series("BTCUSDT", "1m")


def store_minutes(redis: Redis, count: int) -> list[bytes]:
    """`count` minutes, each with numbers of its own; their members."""
    first_ms = FORMING_MS - count * 60_000
    rows = [
        [ms, f"{40000 + i}.10000000", f"{40001 + i}", f"{39999 + i}.00000001", f"{40000 + i}.5",
         f"{i}.12345678", ms + 59_999, "1.5", i, "1", "0.5", "0"]
        for i, ms in enumerate(range(first_ms, FORMING_MS, 60_000))
    ]  # fmt: skip
    official.upsert_klines(redis, MINUTES, rows, now_ms=NOW_MS, settle_ms=3000)
    members: Any = redis.zrange(keys.klines(MINUTES), 0, -1)
    assert len(members) == count
    return list(members)


def rows_of(body: str, form: str) -> list[list[str]]:
    if form == "csv":
        return list(csv.reader(io.StringIO(body)))[1:]
    if form == "ndjson":
        return [list(exact(line).values()) for line in body.splitlines()]
    return list(exact(body))


def exact(text: bytes | str) -> Any:
    return json.loads(text, parse_float=str, parse_int=str)


def test_columns_named_as_a_format_are_the_usual_answer(ann: Browser, redis: Redis) -> None:
    store_hours(redis, 3)
    usual, named = ann.get(HOURS), ann.get(f"{HOURS}&format=columns")
    assert (named.data, named.headers["ETag"]) == (usual.data, usual.headers["ETag"])


def test_rows_are_ccxts(ann: Browser, redis: Redis) -> None:
    opens = store_hours(redis, 2)
    assert ann.get(f"{HOURS}&format=rows").text == (
        f"[[{opens[0]},42000.1,42100,41000.5,42050.01,12.34567],"
        f"[{opens[1]},42000.1,42100,41001.5,42050.01,12.34567]]"
    )


def test_binances_rows_are_its_klines(ann: Browser, redis: Redis) -> None:
    opens = store_hours(redis, 1)
    assert ann.get(f"{HOURS}&format=binance").text == (
        f'[[{opens[0]},"42000.10000000","42100.00000000","41000.50000000","42050.01000000",'
        f'"12.34567000",{opens[0] + HOUR_MS - 1},"1.50000000",7,"1.00000000","0.50000000","0"]]'
    )


def test_fields_are_given_in_the_order_that_is_asked_for(ann: Browser, redis: Redis) -> None:
    opens = store_hours(redis, 1)
    path = f"{HOURS}&fields=close,trades,time,close_time&time=ms"
    assert exact(ann.get(path).data)["close"] == ["42050.01"]
    assert list(exact(ann.get(path).data)) == [
        *("symbol", "interval", "version", "count"),
        *("close", "trades", "time", "close_time", "has_more"),
    ]
    row = f"42050.01,7,{opens[0]},{opens[0] + HOUR_MS - 1}"
    assert ann.get(f"{path}&format=csv").text == f"close,trades,time,close_time\n{row}\n"
    assert ann.get(f"{path}&format=rows").text == f"[[{row}]]"
    every = ann.get(f"{HOURS}&fields=all&format=ndjson").text
    assert list(json.loads(every)) == list(FIELDS)


def test_decimals_are_text_where_that_is_asked_for(ann: Browser, redis: Redis) -> None:
    store_hours(redis, 1)
    path = f"{HOURS}&decimals=string&fields=time,open,trades"
    assert json.loads(ann.get(path).data)["open"] == ["42000.1"]
    assert json.loads(ann.get(f"{path}&format=ndjson").data) == {
        "time": "2024-01-01T19:00:00.000Z",
        "open": "42000.1",
        "trades": 7,
    }
    assert json.loads(ann.get(f"{path}&format=rows").data)[0][1:] == ["42000.1", 7]


def test_several_series_come_in_one_answer(ann: Browser, redis: Redis) -> None:
    opens = store_hours(redis, 2)
    [member] = store_minutes(redis, 1)
    open_ms = official_from_member(member).open_ms
    path = "/data?series=BTCUSDT:1h,BTCUSDT:1m,ETHUSDT:1h&limit=1&fields=time,open&time=ms"
    first, second, empty = exact(ann.get(path).data)["series"]
    assert (first["interval"], first["time"], first["has_more"]) == ("1h", [str(opens[1])], True)
    assert (second["interval"], second["time"]) == ("1m", [str(open_ms)])
    assert (empty["symbol"], empty["count"]) == ("ETHUSDT", "0")
    assert exact(ann.get(f"{path}&format=rows").data) == {
        "BTCUSDT:1h": [[str(opens[1]), "42000.1"]],
        "BTCUSDT:1m": [[str(open_ms), "40000.1"]],
        "ETHUSDT:1h": [],
    }
    assert ann.get(f"{path}&format=csv").text == (
        f"symbol,interval,time,open\nBTCUSDT,1h,{opens[1]},42000.1\nBTCUSDT,1m,{open_ms},40000.1\n"
    )
    lines = ann.get(f"{path}&format=ndjson").text.splitlines()
    assert exact(lines[1]) == {
        "symbol": "BTCUSDT", "interval": "1m", "time": str(open_ms), "open": "40000.1",
    }  # fmt: skip


@pytest.fixture
def short_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_answers, "STREAM_CANDLES", 7)


@pytest.mark.usefixtures("short_pages")
@pytest.mark.parametrize("coding", ["identity", "gzip", "br"])
def test_a_stream_holds_every_candle_of_its_range_once_in_any_coding(
    ann: Browser, redis: Redis, coding: str
) -> None:
    members = store_minutes(redis, 100)
    candles = [official_from_member(member) for member in members]
    unpack = {"identity": bytes, "gzip": gzip.decompress, "br": brotli.decompress}[coding]
    path = "/data?symbol=BTCUSDT&interval=1m&limit=all&fields=all&time=ms"
    for form in ("rows", "csv", "ndjson"):
        answer = ann.get(f"{path}&format={form}", **{"Accept-Encoding": coding})
        assert answer.headers.get("Content-Encoding", "identity") == coding
        body = unpack(answer.data).decode()
        assert [row[:6] for row in rows_of(body, form)] == [
            [str(c.open_ms), c.open, c.high, c.low, c.close, c.volume] for c in candles
        ]
    some = ann.get(f"{path}&format=csv&start={candles[10].open_ms}&end={candles[50].open_ms}")
    assert [int(line.split(",")[0]) for line in some.text.splitlines()[1:]] == [
        candle.open_ms for candle in candles[10:50]
    ]


@pytest.mark.usefixtures("short_pages")
def test_a_candle_that_comes_while_a_stream_runs_is_not_in_it(ann: Browser, redis: Redis) -> None:
    opens = store_hours(redis, 20)
    answer = ann.client.get(f"{HOURS}&limit=all&format=csv&time=ms", buffered=False)
    chunks: Iterator[Any] = iter(answer.response)
    body = next(chunks)
    row = [FORMING_MS, "1", "2", "1", "2", "5", FORMING_MS + HOUR_MS - 1, "1", 1, "1", "1", "0"]
    late_ms = FORMING_MS + 2 * HOUR_MS
    official.upsert_klines(redis, HOURLY, [row], now_ms=late_ms, settle_ms=0)
    body += b"".join(chunks)
    assert [int(line.split(b",")[0]) for line in body.splitlines()[1:]] == opens


@pytest.mark.usefixtures("short_pages")
def test_a_stream_that_cannot_be_finished_is_cut_off(
    ann: Browser, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_hours(redis, 20)
    read, asked = pages.read, []

    def failing(*args: Any) -> pages.Page:
        asked.append(args)
        if len(asked) > 1:
            raise StoreUnavailable("away")
        return read(*args)

    monkeypatch.setattr(pages, "read", failing)
    answer = ann.client.get(f"{HOURS}&limit=all&format=rows", buffered=False)
    with pytest.raises(ConnectionAbortedError):
        list(answer.response)
    monkeypatch.setattr(pages, "read", read)
    assert len(exact(ann.get(f"{HOURS}&limit=all&format=rows").data)) == 20


def test_a_store_that_is_away_is_said_before_a_stream_begins(
    ann: Browser, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any) -> pages.Page:
        raise StoreUnavailable("away")

    monkeypatch.setattr(pages, "read", away)
    answer = ann.get(f"{HOURS}&limit=all&format=csv")
    assert (answer.status_code, answer.mimetype) == (503, "application/problem+json")


def test_a_page_has_a_strong_etag_and_a_stream_a_weak_one(ann: Browser, redis: Redis) -> None:
    opens = store_hours(redis, 3)
    page, stream = f"{HOURS}&format=csv", f"{HOURS}&format=csv&limit=all"
    tags = {path: ann.get(path).headers["ETag"] for path in (page, stream)}
    assert not tags[page].startswith("W/") and tags[stream].startswith("W/")
    versions = {ann.get(path).headers["TrueCandle-Version"] for path in (page, stream)}
    assert versions == {str(official.meta(redis, HOURLY).version)}
    for path, tag in tags.items():
        again = ann.get(path, **{"If-None-Match": tag})
        assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", tag)
        packed = ann.get(path, **{"Accept-Encoding": "gzip"}).headers["ETag"]
        assert ann.get(path, **{"If-None-Match": packed}).status_code == 304
    row = [opens[0], "1", "2", "1", "2", "5", opens[0] + HOUR_MS - 1, "1", 1, "1", "1", "0"]
    official.upsert_klines(redis, HOURLY, [row], now_ms=FORMING_MS, settle_ms=3000)
    assert all(
        ann.get(path, **{"If-None-Match": tag}).status_code == 200 for path, tag in tags.items()
    )


def test_pages_of_every_form_name_the_next_one(ann: Browser, redis: Redis) -> None:
    opens = store_hours(redis, 10)
    for form, start in (("csv", 1), ("rows", 0)):
        path, found = f"{HOURS}&format={form}&time=ms&limit=3&start={opens[0]}", []
        for _ in range(10):
            answer = ann.get(path)
            if form == "csv":
                rows = [line.split(",") for line in answer.text.splitlines()[start:]]
            else:
                rows = exact(answer.data)
            found += [int(row[0]) for row in rows]
            if "Link" not in answer.headers:
                break
            path = answer.headers["Link"].partition("<")[2].partition(">")[0]
        assert found == opens


def test_head_tells_what_get_would(ann: Browser, redis: Redis) -> None:
    store_hours(redis, 3)
    for path in (f"{HOURS}&format=csv", f"{HOURS}&format=csv&limit=all"):
        head, get = ann.client.head(path), ann.get(path)
        assert (head.status_code, head.data) == (200, b"")
        for name in ("ETag", "Content-Type", "Content-Length", "Cache-Control", "Vary"):
            assert head.headers.get(name) == get.headers.get(name)


def test_an_empty_series_is_an_honest_empty_answer_in_every_form(ann: Browser) -> None:
    for limit in ("1", "all"):
        path = f"{HOURS}&limit={limit}"
        assert ann.get(f"{path}&format=rows").text == "[]"
        assert ann.get(f"{path}&format=binance").text == "[]"
        assert ann.get(f"{path}&format=csv").text == "time,open,high,low,close,volume\n"
        assert ann.get(f"{path}&format=ndjson").text == ""


def test_junk_in_the_store_is_left_out_of_every_form(ann: Browser, redis: Redis) -> None:
    opens = store_hours(redis, 3)
    redis.zadd(keys.klines(HOURLY), {b'{"not":"ours"}': opens[1] + 5})
    for limit in ("500", "all"):
        path = f"{HOURS}&time=ms&limit={limit}"
        assert [int(row[0]) for row in exact(ann.get(f"{path}&format=rows").data)] == opens
        text = ann.get(f"{path}&format=csv").text
        assert [int(line.split(",")[0]) for line in text.splitlines()[1:]] == opens


@pytest.mark.usefixtures("short_pages")
def test_a_page_of_junk_does_not_look_like_the_end(ann: Browser, redis: Redis) -> None:
    opens = store_hours(redis, 20)
    junk = {f'{{"junk":{i}}}'.encode(): opens[12] + 5 + i for i in range(10)}
    redis.zadd(keys.klines(HOURLY), junk)
    answer = ann.client.get(f"{HOURS}&limit=all&format=csv", buffered=False)
    with pytest.raises(ConnectionAbortedError):
        list(answer.response)


def test_a_market_may_be_written_in_any_letters(
    settings: Settings, redis: Redis, ann: Browser
) -> None:
    series = parse_series("这是测试币456", "1h")
    opens = store_hours(redis, 3, series)
    client = build(settings, symbols=(series.symbol,), public_reads=True).test_client()
    markets.follow(redis, FollowedMarket(Instrument(series.symbol)))
    path = f"/data?series={series.name},BTCUSDT:1h&fields=time&time=ms"
    assert client.get(f"{path}&format=csv").text.splitlines()[1:] == [
        f"这是测试币456,1h,{ms}" for ms in opens
    ]
    lines = client.get(f"{path}&format=ndjson").text.splitlines()
    assert json.loads(lines[0])["symbol"] == series.symbol
    page = client.get(f"/data?symbol={series.symbol}&interval=1h&format=rows&limit=1")
    assert page.headers["Link"].isascii()
    klines = client.get(f"/api/v3/klines?symbol={series.symbol}&interval=1h").get_json()
    assert [row[0] for row in klines] == opens
    found = client.get(f"/udf/search?query={series.symbol[:2]}").get_json()
    assert [one["ticker"] for one in found] == [series.symbol]


def test_a_stream_keeps_its_turn_until_its_last_byte(
    settings: Settings, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_hours(redis, 3)
    monkeypatch.setattr(read_turns, "TURN_S", 0.0)
    app: Flask = build(settings)
    client, headers = app.test_client(), issue(redis)
    path = f"{HOURS}&limit=all&format=csv"
    turns = app.extensions["truecandle"].read_turns
    running = [
        client.get(path, headers=headers, buffered=False) for _ in range(read_turns.READS_AT_ONCE)
    ]
    [who] = turns._lines
    assert not turns.enter(who, 0.0)
    for answer in running:
        answer.close()
    assert turns.enter(who, 0.0)
