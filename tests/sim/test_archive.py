"""Recorded markets are replayed as they were: rows with their text, trades at their times."""

from __future__ import annotations

import csv
import gzip
import json
import zipfile
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import requests
import websocket

from tests.support.project_files import ROOT
from tests.support.waiting import wait_for
from truecandle.candles.interval import DAY_MS, HOUR_MS, LAST_MS, MINUTE_MS
from truecandle.sim.archive import replayed
from truecandle.sim.clock import SimulatedClock
from truecandle.sim.server import SimServer
from truecandle.sim.stream_publisher import PingPace

DATA = ROOT / "tests" / "data"
TRADES = f"BTCUSDT={DATA}/trades_ws_btcusdt_2024-08-08T2359.gz"
ROWS = f"{DATA}/BTCUSDT-1m-2024-08-08T2359.csv"
MIDNIGHT_MS = 1_723_161_600_000


def official() -> dict[int, list[str]]:
    with open(ROWS) as file:
        return {int(row["openTime"]): list(row.values())[1:] for row in csv.DictReader(file)}


def test_candles_built_from_a_recorded_stream_equal_the_official_ones() -> None:
    market = replayed([TRADES])
    built = market.klines("BTCUSDT", "1m", now_ms=MIDNIGHT_MS + MINUTE_MS)
    figures = {
        k.open_ms: [Decimal(x) for x in (k.open, k.high, k.low, k.close, k.volume)] for k in built
    }
    assert figures == {
        open_ms: [Decimal(text) for text in row] for open_ms, row in official().items()
    }
    assert sum(kline.trades for kline in built) == 3136


def test_recorded_rows_keep_their_text_and_appear_when_they_have_closed() -> None:
    market = replayed([TRADES, ROWS])
    assert market.clock.now_ms() == 1_723_161_540_086  # its first trade
    asked = {"start_ms": MIDNIGHT_MS, "limit": 1}
    forming = market.klines("BTCUSDT", "1m", now_ms=MIDNIGHT_MS + 30_000, **asked)[0]
    closed = market.klines("BTCUSDT", "1m", now_ms=MIDNIGHT_MS + MINUTE_MS, **asked)[0]
    assert 0 < forming.trades < 1824
    assert closed.row()[1:6] == official()[MIDNIGHT_MS]
    assert closed.last_id - closed.first_id + 1 == 1824


def test_a_day_of_tiny_prices_adds_up_to_the_official_candle() -> None:
    market = replayed([f"{DATA}/PEPEUSDT-aggTrades-2024-10-27T00.zip"])
    open_ms = 1_729_987_200_000
    row = market.klines("PEPEUSDT", "30m", now_ms=open_ms + 30 * MINUTE_MS)[0].row()
    texts = ["0.00000908", "0.00000909", "0.00000901", "0.00000905", "164594242893.00000000"]
    assert row[:6] == [open_ms, *texts]
    first = next(market.course("PEPEUSDT").prints(open_ms, open_ms + MINUTE_MS))
    assert (first.id, first.first_id, first.sell) == (60_953_854, 209_942_017, False)


def test_rest_rows_are_answered_untouched_with_their_gap_and_cut_close_time() -> None:
    path = DATA / "BTCUSDT-1h-2023-03-24.json"
    with SimServer(market=replayed([str(path)])) as sim:
        url = f"{sim.rest_url}/api/v3/klines?symbol=BTCUSDT&interval=1h"
        answer = requests.get(url, timeout=10)
        assert answer.json() == json.loads(path.read_text())
        opens = [row[0] for row in answer.json()]
        assert len(opens) == 23 and opens[13] - opens[12] == 2 * HOUR_MS
        assert answer.json()[12][6] == 1_679_661_581_646
        after_gap = f"{url}&startTime={opens[12] + 1}&limit=1"
        assert requests.get(after_gap, timeout=10).json()[0][0] == opens[13]
        before_gap = f"{url}&endTime={opens[13] - 1}&limit=1"
        assert requests.get(before_gap, timeout=10).json()[0][0] == opens[12]


def test_a_folder_of_rest_windows_tells_symbol_interval_and_the_grid_of_three_days() -> None:
    market = replayed([f"{DATA}/SOLUSDT_3d1w1M.tar.xz"])
    three = market.klines("SOLUSDT", "3d")
    assert len(three) == 12
    assert {kline.open_ms // DAY_MS % 3 for kline in three} == {2}
    assert (
        market.course("SOLUSDT").grid("3d").open_ms(three[3].open_ms + DAY_MS) == three[3].open_ms
    )
    assert market.klines("SOLUSDT", "1M")[0].row()[:2] == [1_596_240_000_000, "2.85000000"]
    assert market.klines("SOLUSDT", "1h") == []


@pytest.mark.parametrize(
    ("name", "missing", "empty"), [("2021-04-25", 284, 0), ("2023-03-24", 80, 72)]
)
def test_maintenance_gaps_stay_gaps(name: str, missing: int, empty: int) -> None:
    path = DATA / f"BTC_USDT-1m-gap-{name}.json"
    market = replayed([f"BTCUSDT:1m={path}"])
    klines = market.klines("BTCUSDT", "1m", limit=1000)
    recorded = json.loads(path.read_text(), parse_float=str)
    assert [k.row()[:6] for k in klines] == [[row[0], *map(str, row[1:])] for row in recorded]
    steps = [b.open_ms - a.open_ms for a, b in pairwise(klines)]
    assert max(steps) == (missing + 1) * MINUTE_MS
    assert sum(Decimal(kline.volume) == 0 for kline in klines) == empty


def test_archive_rows_are_read_with_or_without_header_in_ms_or_microseconds(
    tmp_path: Path,
) -> None:
    lines = (DATA / "ADABTC-1m-2021-11-27.csv").read_text().splitlines()
    plain = replayed([f"{DATA}/ADABTC-1m-2021-11-27.csv"]).klines("ADABTC", "1m")
    assert len(plain) == len(lines)
    assert plain[0].row()[1:6] == lines[0].split(",")[1:6]
    micro = []
    for line in lines:
        fields = line.split(",")
        micro.append(",".join([fields[0] + "000", *fields[1:6], fields[6] + "999", *fields[7:]]))
    with zipfile.ZipFile(tmp_path / "ADABTC-1m-2025-01.zip", "w") as archive:
        archive.writestr("ADABTC-1m-2025-01.csv", "\n".join(["open_time,open", *micro]))
    assert replayed([f"{tmp_path}/ADABTC-1m-2025-01.zip"]).klines("ADABTC", "1m") == plain


def test_misaligned_old_rows_are_answered_where_they_stand() -> None:
    market = replayed([f"{DATA}/BTCUSDT-1h-2018-02-misaligned.csv"])
    klines = market.klines("BTCUSDT", "1h")
    assert [kline.open_ms % HOUR_MS for kline in klines] == [0, 0, *[1_694_000] * 4]
    assert klines[1].close_ms == 1_518_049_694_999


def test_trades_of_the_archive_become_aggregate_trades(tmp_path: Path) -> None:
    rows = [
        "10,5.00000000,1.00000000,5.00000000,1700000000000000,True,True",
        "11,5.00000000,2.00000000,10.00000000,1700000000000100,True,True",
        "12,5.10000000,2.00000000,10.20000000,1700000000000200,False,True",
    ]
    path = tmp_path / "BTCUSDT-trades-2025-01-01.csv"
    path.write_text("\n".join(["id,price,qty,quoteQty,time,isBuyerMaker,isBestMatch", *rows]))
    course = replayed([str(path)]).course("BTCUSDT")
    window = (1_700_000_000_000, 1_700_000_001_000)
    assert [(p.id, p.first_id, p.last_id, p.sell) for p in course.prints(*window)] == [
        (1, 10, 11, True),
        (2, 12, 12, False),
    ]
    assert [trade.id for trade in course.trades(*window)] == [10, 11, 12]


def test_a_recorded_kline_stream_gives_rows_and_its_trades_agree_with_it() -> None:
    path = DATA / "cryptofeed-DOTUSDT-2021-04-04.txt.gz"
    market = replayed([str(path)])
    course, pushed = market.course("DOTUSDT"), list[dict[str, Any]]()
    with gzip.open(path, "rt") as lines:
        for line in lines:
            event: dict[str, Any] = json.loads(line.partition(": ")[2])["data"]
            if event["e"] == "kline" and event["k"]["t"] > course.first_ms:  # recorded in full
                pushed.append(event["k"])
    known = {p.last_id: p.time_ms for p in course.prints(0, LAST_MS)}
    compared = 0
    for k in pushed:
        if k["L"] in known:
            kline = market.kline("DOTUSDT", "1m", k["t"], known[k["L"]])
            if kline.last_id == k["L"]:
                assert [kline.open, kline.high, kline.low, kline.close] == [k[x] for x in "ohlc"]
                assert (kline.volume, kline.quote, kline.bought) == (k["v"], k["q"], k["V"])
                assert (kline.trades, kline.first_id) == (k["n"], k["f"])
                compared += 1
    assert compared > 10


def test_closings_without_trades_are_rows_too() -> None:
    market = replayed([f"{DATA}/binance-tr-closings-2023-04-10.txt"])
    assert market.symbols == ["BELBTC", "ELFBUSD", "LTCBRL", "XEMUSDT"]
    row = market.klines("BELBTC", "1m")[0].row()
    assert row[1:6] == ["0.00002369"] * 4 + ["0.00000000"] and row[8] == 0


def test_a_fast_replay_streams_everything_as_fast_as_it_is_read() -> None:
    market = replayed([TRADES, ROWS])
    truth = list(market.course("BTCUSDT").prints(0, MIDNIGHT_MS + MINUTE_MS))
    with SimServer(market=market, pace=PingPace(fast=True)) as sim:
        url = f"{sim.ws_url}/stream?streams=btcusdt@aggTrade/btcusdt@kline_1m"
        stream = websocket.create_connection(url, timeout=10)
        seen, closed = list[Any](), list[Any]()
        while len(closed) < 2:
            event = json.loads(stream.recv())["data"]
            if event["e"] == "aggTrade":
                seen.append(event["a"])
            elif event["k"]["x"]:
                closed.append(event["k"])
        stream.shutdown()
    assert seen == [print_.id for print_ in truth]
    assert [[k["o"], k["h"], k["l"], k["c"], k["v"]] for k in closed] == list(official().values())


def test_a_replay_can_run_at_any_speed_from_any_moment() -> None:
    market = replayed([TRADES], SimulatedClock(MIDNIGHT_MS - 2000, speed=50))
    with SimServer(market=market) as sim:
        wait_for(lambda: sim.clock.now_ms() > MIDNIGHT_MS + 2000, what="four recorded seconds")
        url = f"{sim.rest_url}/api/v3/klines?symbol=BTCUSDT&interval=1m"
        assert requests.get(url, timeout=10).json()[-1][0] >= MIDNIGHT_MS


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("rows.json", "[]", "whose"),
        ("BTCUSDT-9m-2024.csv", "1,2,3,4,5,6", "interval"),
        ("BTCUSDT-1m-2024.csv", "", "no rows"),
    ],
)
def test_what_cannot_be_replayed_is_refused(
    tmp_path: Path, name: str, content: str, problem: str
) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(ValueError, match=problem):
        replayed([str(tmp_path / name)])
