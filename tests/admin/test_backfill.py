"""`flask backfill`, as an operator types it.

Never here: the long runs (`bench/backfill_year.py`).
Invariant: in the end the store is the exchange's truth, and no page was asked for needlessly.
"""

from __future__ import annotations

import csv
import io
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from redis import Redis
from rich.console import Console

from tests.support.archive_server import ArchiveServer
from tests.support.driven_fetcher import HOURS, MINUTES, NOW_MS, Events, member, opens, stored
from tests.support.flask_commands import Shell, pages_asked
from tests.support.project_files import ROOT
from tests.support.waiting import wait_for
from truecandle.admin.backfill import has_archives
from truecandle.admin.progress import Progress
from truecandle.binance.archive import Archive, File
from truecandle.binance.rest.client import RestClient
from truecandle.candles.interval import DAY_MS, HOUR_MS, MINUTE_MS
from truecandle.candles.series import Series, parse_series
from truecandle.config import Settings
from truecandle.sim.server import SimServer
from truecandle.store import clock, gaps, keys, official
from truecandle.store.budget import LIMIT_PER_MINUTE, RESERVE, Budget

HEADER = "open_time,open,high,low,close,volume,close_time,quote_volume,count,tb,tq,ignore\n"


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1000


def truth(sim: SimServer, series: Series, start: str, end: str) -> list[bytes]:
    name = series.interval.name
    return [member(kline.row()) for kline in sim.market.truth("BTCUSDT", name, at(start), at(end))]


def text(sim: SimServer, series: Series, start: str, end: str, unit: int = 1) -> str:
    """The truth as an archive has it; `unit` 1000 for µs."""
    lines = []
    for kline in sim.market.truth("BTCUSDT", series.interval.name, at(start), at(end)):
        row = [str(field) for field in kline.row()]
        row[0] = str(int(row[0]) * unit)
        row[6] = str(int(row[6]) * unit + unit - 1)
        lines.append(",".join(row))
    return "\n".join(lines) + "\n"


def test_a_range_becomes_the_truth_and_is_not_asked_for_again(
    shell: Shell, sim: SimServer, redis: Redis
) -> None:
    command = "backfill BTCUSDT 1m --from 2024-08-01 --to 2024-08-03"
    assert "2,880 candles added" in shell.ok(command)
    assert stored(redis, MINUTES) == truth(sim, MINUTES, "2024-08-01", "2024-08-03")
    assert len(pages_asked(sim)) == 3
    assert "nothing is missing" in shell.ok(command)
    assert len(pages_asked(sim)) == 3


def test_every_page_is_told_of_once_as_backfill(shell: Shell, sim: SimServer, redis: Redis) -> None:
    events = Events(redis)
    shell.ok("backfill BTCUSDT 1m --from 2024-08-01 --to 2024-08-03")
    told = events.take()
    assert [event["reason"] for event in told] == ["backfill"] * 3
    versions = [event["version"] for event in told]
    assert [event["previous"] for event in told] == [0, *versions[:-1]]


def test_what_is_known_is_left_out(shell: Shell, sim: SimServer, redis: Redis) -> None:
    shell.ok("backfill BTCUSDT 1m --from 2024-08-02 --to 2024-08-03")
    redis.zremrangebyscore(keys.klines(MINUTES), at("2024-08-02T12:00"), at("2024-08-02T12:09"))
    before = len(pages_asked(sim))
    assert "1,450 candles added" in shell.ok(
        "backfill BTCUSDT 1m --from 2024-08-01 --to 2024-08-03"
    )
    assert stored(redis, MINUTES) == truth(sim, MINUTES, "2024-08-01", "2024-08-03")
    spans = [(int(p["params"]["startTime"]), int(p["params"]["endTime"])) for p in pages_asked(sim)]
    assert [(end_ms + 1 - start_ms) // MINUTE_MS for start_ms, end_ms in spans[before:]] == [
        10,
        1000,
        440,
    ]


def test_a_hole_that_is_proven_is_not_asked_for_again(
    shell: Shell, sim: SimServer, redis: Redis
) -> None:
    sim.market.pause(at("2024-08-01T02:00"), at("2024-08-01T10:00"))
    command = "backfill BTCUSDT 1m --from 2024-08-01 --to 2024-08-02"
    assert "480 candles the exchange does not have" in shell.ok(command)
    assert stored(redis, MINUTES) == truth(sim, MINUTES, "2024-08-01", "2024-08-02")
    (gap,) = gaps.read(redis, MINUTES).all
    assert (gap.start_ms, gap.candles, gap.reason) == (at("2024-08-01T02:00"), 480, "maintenance")
    asked = len(klines_asked(sim))
    assert "nothing is missing" in shell.ok(command)
    assert len(klines_asked(sim)) == asked


def test_the_time_before_the_listing_is_known_once_two_answers_agree(
    shell: Shell, sim: SimServer, redis: Redis
) -> None:
    command = "backfill BTCUSDT 1d --from 2017-08-01 --to 2017-09-01"
    assert "15 candles added" in shell.ok(command)
    assert "nothing is missing" in shell.ok(command)
    asked = len(klines_asked(sim))
    assert "nothing is missing" in shell.ok(command)
    assert len(klines_asked(sim)) == asked == 3


def klines_asked(sim: SimServer) -> list[object]:
    return [one for one in sim.requests() if one["path"] == "/api/v3/klines"]


def test_without_days_everything_since_the_listing_is_fetched(
    shell: Shell, sim: SimServer, redis: Redis
) -> None:
    weeks = parse_series("BTCUSDT", "1w")
    months = parse_series("BTCUSDT", "1M")
    days = parse_series("BTCUSDT", "3d")
    shell.ok("backfill BTCUSDT 1w BTCUSDT 1M BTCUSDT 3d")
    for series in (weeks, months, days):
        assert stored(redis, series) == truth(sim, series, "2017-01-01", "2024-08-09"), series
    assert opens(stored(redis, months))[0] == at("2017-08-01")


def test_months_days_and_the_rest_come_from_where_they_are(
    shell: Shell, sim: SimServer, archives: ArchiveServer, redis: Redis
) -> None:
    june = text(sim, HOURS, "2024-06-01", "2024-07-01", unit=1000)
    archives.put("BTCUSDT", "1h", "2024-06", HEADER + june)
    for day in (1, 2):
        start, end = f"2024-07-0{day}", f"2024-07-0{day + 1}"
        archives.put("BTCUSDT", "1h", start, text(sim, HOURS, start, end))
    said = shell.ok("backfill BTCUSDT 1h --from 2024-06-01 --to 2024-07-05 --source archive")
    assert "(3 archives, 1 pages by REST)" in said
    assert stored(redis, HOURS) == truth(sim, HOURS, "2024-06-01", "2024-07-05")
    assert int(pages_asked(sim)[0]["params"]["startTime"]) == at("2024-07-03")
    assert "/data/spot/monthly/klines/BTCUSDT/1h/BTCUSDT-1h-2024-07.zip.CHECKSUM" in archives.asked
    assert list((shell.settings.var_dir / "archive").iterdir()) == []


def test_an_archive_of_months_is_found_under_its_own_name(
    shell: Shell, sim: SimServer, archives: ArchiveServer, redis: Redis
) -> None:
    months = parse_series("BTCUSDT", "1M")
    archives.put("BTCUSDT", "1mo", "2024-05", text(sim, months, "2024-05-01", "2024-06-01"))
    said = shell.ok("backfill BTCUSDT 1M --from 2024-05-01 --to 2024-06-01 --source archive")
    assert "(1 archives, 0 pages by REST)" in said
    assert stored(redis, months) == truth(sim, months, "2024-05-01", "2024-06-01")


def test_an_archive_is_used_where_it_spares_pages_only(
    shell: Shell, sim: SimServer, archives: ArchiveServer
) -> None:
    said = shell.ok("backfill BTCUSDT 1m BTCUSDT 1h --from 2024-06-01 --dry-run")
    first, second, total = said.splitlines()
    # June, July, and each of the eight days of August but the one that is not over yet.
    assert "98,640 candles missing; 9 archives, 1 pages by REST; 19 requests, weight 2" in first
    assert "1,644 candles missing; 0 archives, 2 pages by REST; 2 requests, weight 4" in second
    assert "all together: 100,284 candles missing" in total
    assert archives.asked == []
    assert pages_asked(sim) == []


def test_rows_off_the_grid_are_named_and_their_hours_asked_of_rest(
    shell: Shell, sim: SimServer, archives: ArchiveServer, redis: Redis
) -> None:
    february = text(sim, HOURS, "2018-02-01", "2018-03-01").splitlines()
    odd = misaligned_rows()
    hours = {int(row[0]) - int(row[0]) % HOUR_MS for row in odd}
    lines = [line for line in february if int(line.split(",")[0]) not in hours]
    lines += [",".join(row) for row in odd]
    archives.put("BTCUSDT", "1h", "2018-02", "\n".join(lines))
    said = shell.ok("backfill BTCUSDT 1h --from 2018-02-01 --to 2018-03-01 --source archive")
    assert (
        "BTCUSDT-1h-2018-02.zip: 4 rows refused (misaligned), REST is asked instead: "
        "2018-02-09T09:28:14Z, 2018-02-09T10:28:14Z, 2018-02-09T11:28:14Z, 2018-02-09T12:28:14Z"
    ) in said
    (page,) = pages_asked(sim)
    assert int(page["params"]["startTime"]) == at("2018-02-09T09:00")
    assert int(page["params"]["endTime"]) == at("2018-02-09T13:00") - 1
    assert stored(redis, HOURS) == truth(sim, HOURS, "2018-02-01", "2018-03-01")


def misaligned_rows() -> list[list[str]]:
    """Rows that Binance's archive once had, with the twelfth field."""
    with (ROOT / "tests" / "data" / "BTCUSDT-1h-2018-02-misaligned.csv").open() as file:
        rows = [list(row.values()) for row in csv.DictReader(file)]
    rows = [[str(at(row[0])), *row[1:6], str(at(row[6])), *row[7:], "0"] for row in rows]
    return [row for row in rows if int(row[0]) % HOUR_MS]


def test_a_zip_that_is_there_is_checked_and_not_fetched_again(
    archives: ArchiveServer, tmp_path: Path
) -> None:
    archives.put("BTCUSDT", "1h", "2024-06", "1,2,3")
    archive = Archive(archives.url)
    file = File("BTCUSDT", "1h", "2024-06", at("2024-06-01"), at("2024-07-01"))
    first = archive.fetch(file, tmp_path)
    assert first and archive.fetch(file, tmp_path) == first
    first.write_bytes(b"half of it")
    assert archive.fetch(file, tmp_path) == first
    archive.close()
    assert len([path for path in archives.asked if path.endswith(".zip")]) == 2


def test_an_archive_never_changes_what_is_stored(
    shell: Shell, sim: SimServer, archives: ArchiveServer, redis: Redis
) -> None:
    shell.ok("backfill BTCUSDT 1h --from 2024-06-10 --to 2024-06-11")
    old = text(sim, HOURS, "2024-06-01", "2024-07-01").splitlines()
    old = [line.replace(line.split(",")[5], "1.00000000") for line in old]
    archives.put("BTCUSDT", "1h", "2024-06", "\n".join(old))
    shell.ok("backfill BTCUSDT 1h --from 2024-06-01 --to 2024-07-01 --source archive")
    held = set(stored(redis, HOURS))
    assert set(truth(sim, HOURS, "2024-06-10", "2024-06-11")) <= held
    assert official.corrections(redis, HOURS, 10) == []
    assert len(held) == 30 * 24


@pytest.mark.parametrize("damage", ["digest", "zip", "absent"])
def test_a_bad_archive_is_left_to_rest(
    shell: Shell,
    sim: SimServer,
    archives: ArchiveServer,
    redis: Redis,
    damage: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("truecandle.admin.retry.PAUSE_S", 0.001)
    if damage != "absent":
        body = "1,2,3\nnonsense\n"
        archives.put(
            "BTCUSDT", "1h", "2024-06", body, digest="0" * 64 if damage == "digest" else ""
        )
    said = shell.ok("backfill BTCUSDT 1h --from 2024-06-01 --to 2024-07-01 --source archive")
    assert stored(redis, HOURS) == truth(sim, HOURS, "2024-06-01", "2024-07-01")
    expected = {"digest": "left to REST", "zip": "1 rows refused (broken)", "absent": "(0 archives"}
    assert expected[damage] in said


def test_an_exchange_that_stumbles_is_asked_again(
    shell: Shell, sim: SimServer, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("truecandle.admin.retry.PAUSE_S", 0.001)
    sim.faults.add("status", code=503, path="klines", times=2)
    shell.ok("backfill BTCUSDT 1m --from 2024-08-01 --to 2024-08-02")
    assert stored(redis, MINUTES) == truth(sim, MINUTES, "2024-08-01", "2024-08-02")


def test_what_a_close_needs_of_the_weight_is_left_alone(
    shell: Shell, sim: SimServer, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("truecandle.admin.retry.WAIT_S_MAX", 0.0)
    budget, now_ms = Budget(redis), sim.clock.now_ms()
    clock.publish(redis, now_ms)
    assert budget.take(LIMIT_PER_MINUTE - RESERVE - 9, now_ms, reserve=RESERVE) == 0
    result = shell.run("backfill BTCUSDT 1m --from 2024-08-01 --to 2024-08-03")
    assert result.exit_code == 1
    assert len(pages_asked(sim)) == 2
    fetcher = RestClient(sim.rest_url, budget, now_ms=sim.clock.now_ms)
    assert fetcher.klines("BTCUSDT", "1m", limit=1)
    fetcher.close()


def test_on_a_terminal_there_is_a_bar() -> None:
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=120)
    with Progress(console) as progress:
        progress.begin("BTCUSDT:1m", 2_000)
        progress.advance(500)
        progress.say("[a line]")
        progress.advance(1_500)
    shown = out.getvalue()
    assert "BTCUSDT:1m" in shown
    assert "2,000 of 2,000 candles" in shown
    assert "[a line]" in shown


def test_without_a_terminal_there_are_whole_lines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("truecandle.admin.progress.LINE_S", 0.0)
    with Progress(Console(file=io.StringIO(), force_terminal=False)) as progress:
        progress.begin("BTCUSDT:1m", 2_000)
        progress.advance(500)
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("BTCUSDT:1m: 500 of 2,000 candles (25.0 %), ")
    assert line.endswith(" left")


def test_a_market_that_nobody_knows_costs_the_others_nothing(shell: Shell, redis: Redis) -> None:
    result = shell.run("backfill ABCUSDT 1d BTCUSDT 1d --from 2024-08-01")
    assert result.exit_code == 1
    assert "ABCUSDT:1d: exchange refused: -1121" in result.output
    assert len(stored(redis, parse_series("BTCUSDT", "1d"))) == 7


@pytest.mark.parametrize(
    "command",
    [
        "backfill",
        "backfill BTCUSDT",
        "backfill BTCUSDT 1x",
        "backfill btc/usdt 1m",
        "backfill BTCUSDT 1m --from yesterday",
        "backfill BTCUSDT 1m --from 2024-13-01",
        "backfill BTCUSDT 1m --from 2024-02-01 --to 2024-01-01",
    ],
)
def test_a_wrong_command_is_refused_before_anything_is_asked(
    shell: Shell, sim: SimServer, command: str
) -> None:
    assert shell.run(command).exit_code == 2
    assert sim.requests() == []


@pytest.mark.parametrize(
    ("rest_url", "archive_url", "has"),
    [
        ("https://data-api.binance.vision", "https://data.binance.vision", True),
        ("https://api.binance.com", "https://data.binance.vision", True),
        ("http://127.0.0.1:9000", "https://data.binance.vision", False),
        ("https://api.binance.us", "https://data.binance.vision", False),
        ("https://api.binance.vision.example", "https://data.binance.vision", False),
        ("http://127.0.0.1:9000", "http://127.0.0.1:9001", True),
    ],
)
def test_archives_never_mix_with_another_exchange(
    rest_url: str, archive_url: str, has: bool
) -> None:
    settings = Settings(binance_rest_url=rest_url, binance_archive_url=archive_url)
    assert has_archives(settings) is has


def test_killed_at_any_moment_it_goes_on_where_it_was(
    shell: Shell, sim: SimServer, redis: Redis
) -> None:
    env = os.environ | {
        "REDIS_URL": shell.settings.redis_url,
        "BINANCE_REST_URL": sim.rest_url,
        "BINANCE_ARCHIVE_URL": shell.settings.binance_archive_url,
        "VAR_DIR": str(shell.settings.var_dir),
        "FLASK_APP": "app:create",
    }
    start_ms, end_ms = NOW_MS - NOW_MS % DAY_MS - 10 * DAY_MS, NOW_MS - NOW_MS % DAY_MS
    options = ["BTCUSDT", "1m", "--from", str(start_ms), "--to", str(end_ms), "--source", "rest"]
    running = subprocess.Popen(
        [sys.executable, "-m", "flask", "backfill", *options],
        cwd=ROOT,
        env=env,
        stdout=subprocess.DEVNULL,
    )
    wait_for(lambda: redis.zcard(keys.klines(MINUTES)) >= 4_000, what="four pages")
    running.kill()
    running.wait()
    shell.ok("backfill", *options)
    klines = sim.market.truth("BTCUSDT", "1m", start_ms, end_ms)
    assert stored(redis, MINUTES) == [member(kline.row()) for kline in klines]
    asked = [
        (int(p["params"]["endTime"]) + 1 - int(p["params"]["startTime"])) // MINUTE_MS
        for p in pages_asked(sim)
    ]
    assert sum(asked) <= 14_400 + 1_000
