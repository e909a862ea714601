"""Every scripted REST fault does what it says, where and as often as it was scripted."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
import requests

from tests.support.sim_time import NOW_MS
from truecandle.candles.interval import MINUTE_MS
from truecandle.sim.kinds import KINDS
from truecandle.sim.server import SimServer

THIS_MINUTE_MS = NOW_MS // MINUTE_MS * MINUTE_MS


def klines(sim: SimServer, query: str = "", **options: Any) -> requests.Response:
    url = f"{sim.rest_url}/api/v3/klines?symbol=BTCUSDT&interval=1m&limit=5{query}"
    return requests.get(url, **{"timeout": 10, "allow_redirects": False, **options})


@pytest.fixture
def clean(frozen: SimServer) -> list[list[Any]]:
    """The answer without any fault."""
    rows: list[list[Any]] = klines(frozen).json()
    return rows


def test_a_fault_strikes_once_unless_told_and_is_logged(frozen: SimServer) -> None:
    fault = frozen.faults.add("server_error", status=502)
    assert [klines(frozen).status_code for _ in range(2)] == [502, 200]
    assert (fault.hits, frozen.faults.waiting()) == (1, [])
    (struck,) = frozen.faults.struck
    assert (struck["kind"], struck["path"], struck["at_ms"]) == ("server_error", "klines", NOW_MS)


def test_a_fault_meets_only_what_it_names(frozen: SimServer) -> None:
    frozen.faults.add("server_error", path="klines", symbol="PAXGUSDT", interval="1h", count=2)
    assert klines(frozen).status_code == 200
    base = f"{frozen.rest_url}/api/v3/"
    assert requests.get(base + "time", timeout=10).status_code == 200
    one = base + "klines?symbol=PAXGUSDT&interval="
    assert requests.get(one + "1m", timeout=10).status_code == 200
    assert [requests.get(one + "1h", timeout=10).status_code for _ in range(3)] == [503, 503, 200]


def test_a_fault_can_wait_last_and_skip(frozen: SimServer) -> None:
    frozen.faults.add("server_error", from_ms=NOW_MS + 1000, for_ms=1000)
    frozen.faults.add("forbidden", skip=2)
    assert klines(frozen).status_code == 200
    frozen.clock.advance(1500)
    assert [klines(frozen).status_code for _ in range(2)] == [503, 503]
    frozen.clock.advance(1000)
    assert [klines(frozen).status_code for _ in range(1)] == [200]


def test_a_fault_can_come_by_chance(frozen: SimServer) -> None:
    frozen.faults.add("empty", chance=0.5, count=None)
    answers = [klines(frozen).text == "[]" for _ in range(40)]
    assert 5 < sum(answers) < 35


def test_two_answers_come_one_after_the_other(frozen: SimServer) -> None:
    frozen.faults.add("server_error")
    frozen.faults.add("forbidden")
    assert [klines(frozen).status_code for _ in range(3)] == [503, 403, 200]


def test_clear_takes_everything_back(frozen: SimServer, clean: list[list[Any]]) -> None:
    frozen.faults.add("server_error", count=None)
    frozen.faults.add("gap", start_ms=THIS_MINUTE_MS - 2 * MINUTE_MS, end_ms=NOW_MS)
    frozen.faults.clear()
    assert klines(frozen).json() == clean


@pytest.mark.parametrize("told", ["2", "soon", "-1", "1000000000", None])
def test_rate_limits_carry_any_retry_after(frozen: SimServer, told: str | None) -> None:
    frozen.faults.add("rate_limit", retry_after=told, hold=0)
    answer = klines(frozen)
    assert answer.status_code == 429 and answer.json()["code"] == -1003
    assert answer.headers.get("Retry-After") == told
    assert klines(frozen).status_code == 200


def test_a_rate_limit_holds_until_its_retry_after_has_passed(frozen: SimServer) -> None:
    frozen.faults.add("rate_limit", retry_after="600")
    assert [klines(frozen).status_code for _ in range(3)] == [429, 429, 429]
    assert int(klines(frozen).headers["Retry-After"]) > 590


def test_a_ban_holds(frozen: SimServer) -> None:
    frozen.faults.add("ban", retry_after="120")
    assert [klines(frozen).status_code for _ in range(2)] == [418, 418]
    assert "IP banned until" in klines(frozen).json()["msg"]


def test_answers_that_are_no_candles(frozen: SimServer) -> None:
    add = frozen.faults.add
    add("forbidden")
    answer = klines(frozen)
    assert (answer.status_code, answer.headers["Content-Type"]) == (403, "text/html")
    add("html")
    answer = klines(frozen)
    assert answer.status_code == 200 and answer.text.startswith("<!DOCTYPE")
    add("restricted")
    answer = klines(frozen)
    assert (answer.status_code, answer.json()["code"]) == (451, 0)
    add("empty")
    assert klines(frozen).json() == []
    add("error_200")
    answer = klines(frozen)
    assert (answer.status_code, answer.json()["code"]) == (200, -1121)
    add("redirect", location="http://169.254.169.254/")
    answer = klines(frozen)
    assert (answer.status_code, answer.headers["Location"]) == (302, "http://169.254.169.254/")
    add("status", status=409, body='{"code":-1008}', headers={"X-Odd": "1"})
    answer = klines(frozen)
    assert (answer.status_code, answer.json(), answer.headers["X-Odd"]) == (
        409,
        {"code": -1008},
        "1",
    )


def test_a_timeout_never_answers(frozen: SimServer) -> None:
    frozen.faults.add("timeout", seconds=0.2)
    with pytest.raises(requests.ConnectionError):
        klines(frozen)
    frozen.faults.add("timeout", seconds=30)
    with pytest.raises(requests.Timeout):
        klines(frozen, timeout=0.2)


def test_a_delay_only_costs_time(frozen: SimServer, clean: list[list[Any]]) -> None:
    frozen.faults.add("delay", ms=150)
    started = time.monotonic()
    assert klines(frozen).json() == clean
    assert time.monotonic() - started >= 0.15


def test_truncated_json_is_a_complete_answer(frozen: SimServer) -> None:
    frozen.faults.add("truncate", share=0.7)
    answer = klines(frozen)
    assert answer.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        json.loads(answer.text)


@pytest.mark.parametrize("reset", [False, True])
def test_a_cut_connection_ends_early(frozen: SimServer, reset: bool) -> None:
    frozen.faults.add("cut", at=50, reset=reset)
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        klines(frozen)


def test_a_slow_drip_sends_byte_after_byte(frozen: SimServer) -> None:
    frozen.faults.add("drip", bytes_per_s=100)
    with klines(frozen, stream=True, timeout=0.5) as answer:
        chunks = answer.iter_content(100)
        assert len(next(chunks)) == 100
        with pytest.raises(requests.ConnectionError, match="timed out"):
            next(chunks)


@pytest.mark.parametrize("packed", [False, True])
def test_a_huge_body_is_huge_once_unpacked(
    frozen: SimServer, clean: list[list[Any]], packed: bool
) -> None:
    frozen.faults.add("huge", mb=3, gzip=packed)
    answer = klines(frozen)
    assert len(answer.content) > 2_900_000
    assert json.loads(answer.content) == clean


def test_rows_can_be_damaged(frozen: SimServer, clean: list[list[Any]]) -> None:
    def struck(kind: str, **options: Any) -> list[list[Any]]:
        frozen.faults.add(kind, **options)
        rows: list[list[Any]] = klines(frozen).json()
        return rows

    assert struck("duplicate")[::2] == struck("duplicate")[1::2] == clean
    conflict = struck("conflict")
    assert len(conflict) == 6 and conflict[3][0] == conflict[4][0] and conflict[3] != conflict[4]
    shuffled = struck("shuffle")
    assert shuffled != clean and sorted(shuffled) == clean
    assert [row[0] for row in struck("microseconds")] == [row[0] * 1000 for row in clean]
    assert [row[0] for row in struck("misaligned", ms=7)] == [row[0] + 7 for row in clean]
    assert {len(row) for row in struck("columns", columns=13)} == {13}
    assert {len(row) for row in struck("columns", columns=11)} == {11}
    assert struck("value", field=2, value="NaN")[-2][2] == "NaN"
    assert struck("value", field=5, value="-1", row=0)[0][5] == "-1"
    crossed = struck("crossed")[-2]
    assert (crossed[2], crossed[3]) == (clean[-2][3], clean[-2][2])
    assert klines(frozen).json() == clean


def test_a_closed_candle_can_be_missing_for_a_while(frozen: SimServer) -> None:
    frozen.faults.add("absent", lag_ms=3000, count=None)
    frozen.clock.set(THIS_MINUTE_MS + 1500)
    assert klines(frozen).json()[-1][0] == THIS_MINUTE_MS - 2 * MINUTE_MS
    frozen.clock.set(THIS_MINUTE_MS + 3000)
    assert [row[0] for row in klines(frozen).json()[-2:]] == [
        THIS_MINUTE_MS - MINUTE_MS,
        THIS_MINUTE_MS,
    ]


def test_a_closed_candle_can_still_change(frozen: SimServer) -> None:
    frozen.clock.set(THIS_MINUTE_MS + 1000)
    final = klines(frozen).json()[-2]
    frozen.faults.add("stale", lag_ms=20_000, count=2)
    row = klines(frozen).json()[-1]
    assert row[0] == final[0] and row[8] < final[8]
    frozen.clock.advance(10_000)
    assert row[8] < klines(frozen).json()[-1][8] < final[8]
    assert klines(frozen).json()[-2] == final


def test_a_correction_is_answered_from_its_moment_on(
    frozen: SimServer, clean: list[list[Any]]
) -> None:
    open_ms = clean[1][0]
    where = {"symbol": "BTCUSDT", "interval": "1m", "open_ms": open_ms}
    frozen.faults.add("correction", **where, at_ms=NOW_MS + 5000, changes={"volume": "9.00000000"})
    assert klines(frozen).json() == clean
    frozen.clock.advance(5000)
    assert klines(frozen).json()[1][5] == "9.00000000"
    assert frozen.market.truth("BTCUSDT", "1m", open_ms, open_ms + 1)[0].volume == "9.00000000"


def test_a_gap_has_neither_candles_nor_trades(frozen: SimServer) -> None:
    start_ms = THIS_MINUTE_MS - 3 * MINUTE_MS
    frozen.faults.add("gap", start_ms=start_ms, end_ms=start_ms + 2 * MINUTE_MS)
    opens = [row[0] for row in klines(frozen).json()]
    assert opens[-3:] == [start_ms - MINUTE_MS, start_ms + 2 * MINUTE_MS, THIS_MINUTE_MS]
    times = f"startTime={start_ms}&endTime={start_ms + 2 * MINUTE_MS - 1}"
    url = f"{frozen.rest_url}/api/v3/aggTrades?symbol=BTCUSDT&{times}"
    assert requests.get(url, timeout=10).json() == []


def test_a_market_can_stop_trading_or_be_listed_no_more(frozen: SimServer) -> None:
    base = f"{frozen.rest_url}/api/v3/exchangeInfo"

    def statuses(query: str = "") -> dict[str, str]:
        rows = requests.get(base + query, timeout=10).json()["symbols"]
        return {row["symbol"]: row["status"] for row in rows}

    assert statuses()["BTCUSDT"] == "TRADING"
    frozen.faults.add("listing", symbol="BTCUSDT", status="HALT")
    assert statuses()["BTCUSDT"] == statuses("?symbol=BTCUSDT")["BTCUSDT"] == "HALT"
    assert list(statuses("?symbolStatus=HALT")) == ["BTCUSDT"]
    assert "BTCUSDT" not in statuses("?symbolStatus=TRADING")
    assert klines(frozen).status_code == 200
    frozen.faults.clear()
    frozen.faults.add("listing", symbol="BTCUSDT", status=None)
    assert "BTCUSDT" not in statuses()
    for refused in (requests.get(base + "?symbol=BTCUSDT", timeout=10), klines(frozen)):
        assert (refused.status_code, refused.json()["code"]) == (400, -1121)


def test_the_clock_can_be_scripted(frozen: SimServer) -> None:
    frozen.faults.add("clock", offset_ms=-300_000)
    answer = requests.get(f"{frozen.rest_url}/api/v3/time", timeout=10)
    assert answer.json()["serverTime"] == NOW_MS - 300_000


def test_a_fault_that_does_not_exist_is_refused_with_the_list(frozen: SimServer) -> None:
    with pytest.raises(ValueError, match="rate_limit"):
        frozen.faults.add("earthquake")


def test_other_processes_can_script_it(frozen: SimServer) -> None:
    url = f"{frozen.rest_url}/sim"
    added = requests.post(f"{url}/faults", json={"kind": "server_error", "count": 2}, timeout=10)
    assert added.json() == {"id": 1}
    assert klines(frozen).status_code == 503
    told = requests.get(f"{url}/faults", timeout=10).json()
    assert [fault["hits"] for fault in told["waiting"]] == [1] and len(told["struck"]) == 1
    requests.delete(f"{url}/faults", timeout=10)
    assert klines(frozen).status_code == 200
    assert set(requests.get(f"{url}/kinds", timeout=10).json()) == set(KINDS)
    log = requests.get(f"{url}/log", params={"from": NOW_MS}, timeout=10).json()
    assert [entry["status"] for entry in log] == [503, 200]
    moved = requests.post(f"{url}/clock", json={"advance_ms": 1000}, timeout=10).json()
    assert moved == {"now_ms": NOW_MS + 1000, "speed": 0.0}
    query = f"symbol=BTCUSDT&interval=1m&start={THIS_MINUTE_MS - MINUTE_MS}&end={NOW_MS}"
    (row,) = requests.get(f"{url}/truth?{query}", timeout=10).json()
    assert row == klines(frozen).json()[-2]
    refused: list[Any] = [{"kind": "earthquake"}, {"kind": "correction"}, [], {}]
    for wrong in refused:
        answer = requests.post(f"{url}/faults", json=wrong, timeout=10)
        assert answer.status_code == 400 and answer.json()["error"]
