"""`flask export` and `flask import`: what goes out comes in again, and nothing else does.

Never here: the store's own rules.
Invariant: a store that took in an export holds the same bytes as the one it came from.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path

import pytest
from redis import Redis

from tests.support.driven_fetcher import Events, stored
from tests.support.flask_commands import Shell
from tests.support.sample_candles import HOURS, MINUTE_MS, MINUTES, after, row, rows
from truecandle.candles.candle import official_from_member
from truecandle.config import Settings
from truecandle.store import keys, official

CANDLES = 5_760
HOURS_STORED = 96
RANGE = ("--from", "2024-01-02", "--to", "2024-01-03")


@pytest.fixture
def filled(redis_url: str, redis: Redis, tmp_path: Path) -> Shell:
    minutes = [row(number, step_ms=MINUTE_MS) for number in range(CANDLES)]
    for series, given in ((MINUTES, minutes), (HOURS, rows(HOURS_STORED))):
        official.upsert_klines(redis, series, given, now_ms=after(HOURS_STORED), settle_ms=0)
    return Shell(Settings(redis_url=redis_url, var_dir=tmp_path))


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_what_goes_out_comes_in_again(
    filled: Shell, redis: Redis, tmp_path: Path, form: str
) -> None:
    held = stored(redis, MINUTES), stored(redis, HOURS)
    out = str(tmp_path / "out")
    filled.ok("export BTCUSDT 1m BTCUSDT 1h --into", out, "--form", form)
    redis.flushall()
    said = filled.ok("import", out)
    assert "5,760 added" in said
    assert (stored(redis, MINUTES), stored(redis, HOURS)) == held
    versions = [official.version(redis, series) for series in (MINUTES, HOURS)]
    events = Events(redis)
    assert "0 added, 5,760 known" in filled.ok("import", out)
    assert [official.version(redis, series) for series in (MINUTES, HOURS)] == versions
    assert events.take() == []


def test_the_manifest_says_what_is_in_the_files(filled: Shell, tmp_path: Path) -> None:
    out = tmp_path / "out"
    filled.ok("export BTCUSDT 1h --into", str(out), *RANGE)
    found = json.loads((out / "manifest.json").read_text())
    (entry,) = found["files"]
    packed = (out / "BTCUSDT-1h.csv.gz").read_bytes()
    assert entry["sha256"] == hashlib.sha256(packed).hexdigest()
    assert (entry["candles"], entry["bytes"]) == (24, len(packed))
    lines = gzip.decompress(packed).decode().splitlines()
    assert lines[0].startswith("open_time,open,high,low,close,volume,close_time")
    assert [int(lines[at].split(",")[0]) for at in (1, 24)] == [entry["first"], entry["last"]]


def test_a_span_without_candles_is_an_error_and_no_archive(filled: Shell, tmp_path: Path) -> None:
    out = tmp_path / "out"
    nothing = filled.run("export BTCUSDT 1m --into", str(out), "--to", "2017-08-18")
    assert nothing.exit_code == 1 and "nothing was written" in nothing.output
    assert list(out.iterdir()) == []
    turned = filled.run("export BTCUSDT 1m --from 1704067200 --to 1704067199 --into", str(out))
    assert turned.exit_code == 2 and "--from has to be before --to" in turned.output


def test_the_same_candles_are_the_same_bytes(filled: Shell, tmp_path: Path) -> None:
    for name in ("one", "two"):
        filled.ok("export BTCUSDT 1m --into", str(tmp_path / name), *RANGE)
    one, two = (tmp_path / name / "BTCUSDT-1m.csv.gz" for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()
    assert filled.run("export BTCUSDT 1m --into", str(tmp_path / "one")).exit_code == 1


def test_junk_in_the_store_never_leaves_it(filled: Shell, redis: Redis, tmp_path: Path) -> None:
    first_ms = official_from_member(stored(redis, HOURS)[0]).open_ms
    redis.zadd(keys.klines(HOURS), {b"junk": first_ms, b"[1,2]": first_ms + 5})
    out = tmp_path / "out"
    assert f"{HOURS_STORED} candles" in filled.ok("export BTCUSDT 1h --into", str(out))
    assert b"junk" not in gzip.decompress((out / "BTCUSDT-1h.csv.gz").read_bytes())


def test_what_is_stored_stays_unless_the_files_shall_win(
    filled: Shell, redis: Redis, tmp_path: Path
) -> None:
    out = str(tmp_path / "out")
    held = stored(redis, HOURS)
    filled.ok("export BTCUSDT 1h --into", out)
    other = [row(3, close="8.60000000")]
    official.upsert_klines(redis, HOURS, other, now_ms=after(HOURS_STORED), settle_ms=0)
    assert "1 kept although the file differs" in filled.ok("import", out)
    assert stored(redis, HOURS) != held
    assert "1 corrected" in filled.ok("import --replace", out)
    assert stored(redis, HOURS) == held


@pytest.mark.parametrize("damage", ["byte", "gone", "manifest", "path", "count", "no export"])
def test_nothing_is_stored_of_an_export_that_is_not_what_it_says(
    filled: Shell, redis: Redis, tmp_path: Path, damage: str
) -> None:
    out = tmp_path / "out"
    filled.ok("export BTCUSDT 1h BTCUSDT 1m --into", str(out), *RANGE)
    path, listing = out / "BTCUSDT-1m.csv.gz", out / "manifest.json"
    found = json.loads(listing.read_text())
    if damage == "byte":
        path.write_bytes(path.read_bytes()[:-1] + b"x")
    elif damage == "gone":
        path.unlink()
    elif damage == "manifest":
        listing.write_text("{}")
    elif damage == "path":
        found["files"][0]["file"] = "../out/BTCUSDT-1h.csv.gz"
        listing.write_text(json.dumps(found))
    elif damage == "count":
        found["files"][1]["candles"] = -1
        listing.write_text(json.dumps(found))
    else:
        listing.unlink()
    redis.flushall()
    result = filled.run("import", str(out))
    assert result.exit_code == 1
    assert result.output.count("\n") == 1
    assert redis.keys("klines_z:*") == []
