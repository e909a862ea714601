"""Reading Binance's archives: names, times, headers, and what is no row.

Never here: HTTP (`tests/admin`).
Invariant: a row means the same, however old the archive is.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from tests.support.project_files import ROOT
from truecandle.binance.archive import File, rows
from truecandle.candles.candle import official_from_row
from truecandle.errors import CandleError, MalformedAnswer

#: 2025-01-01T00:00:00Z, from when on spot archives count in µs.
OPEN_MS = 1_735_689_600_000
FLOWS = "1.5,{close},2.5,7,1.0,1.5,0"


def line(open_time: int, close_time: int) -> str:
    return f"{open_time},8.00,9.00,7.00,8.50,{FLOWS.format(close=close_time)}\n"


def packed(folder: Path, text: str, name: str = "a.csv") -> Path:
    path = folder / "a.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(name, text)
    return path


def test_microseconds_and_milliseconds_are_the_same_rows(tmp_path: Path) -> None:
    in_ms = line(OPEN_MS, OPEN_MS + 59_999)
    in_us = line(OPEN_MS * 1000, OPEN_MS * 1000 + 59_999_999)
    first = list(rows(packed(tmp_path, in_ms)))
    assert first == list(rows(packed(tmp_path, in_us)))
    assert official_from_row(first[0]).close_ms == OPEN_MS + 59_999


def test_a_header_is_no_row(tmp_path: Path) -> None:
    header = "open_time,open,high,low,close,volume,close_time,quote_volume,count,a,b,ignore\n"
    body = line(OPEN_MS, OPEN_MS + 59_999)
    with_header = list(rows(packed(tmp_path, header + body)))
    assert with_header == list(rows(packed(tmp_path, body)))
    assert len(with_header) == 1


def test_a_line_that_is_no_row_spoils_itself_only(tmp_path: Path) -> None:
    sound = line(OPEN_MS, OPEN_MS + 59_999)
    for odd in ("é,1,2", "null", "\x00", "1,2"):
        first, broken, last = rows(packed(tmp_path, f"{sound}{odd}\n{sound}"))
        assert first == last == next(iter(rows(packed(tmp_path, sound))))
        with pytest.raises(CandleError):
            official_from_row(broken)


def test_recorded_rows_are_candles(tmp_path: Path) -> None:
    text = (ROOT / "tests" / "data" / "ADABTC-1m-2021-11-27.csv").read_text()
    candles = [official_from_row(row) for row in rows(packed(tmp_path, text))]
    assert len(candles) == len(text.splitlines())
    assert candles[0].open == "0.00002853"
    assert all(one.open_ms + 59_999 == one.close_ms for one in candles)


def test_a_moment_between_two_milliseconds_is_none_of_a_candle(tmp_path: Path) -> None:
    (row,) = rows(packed(tmp_path, line(OPEN_MS * 1000 + 1, OPEN_MS * 1000 + 59_999_999)))
    assert row[0] == OPEN_MS * 1000 + 1


@pytest.mark.parametrize("name", ["a.txt", "a.csv"])
def test_what_is_no_zip_of_one_csv_file_is_refused(tmp_path: Path, name: str) -> None:
    path = packed(tmp_path, "", name)
    if name == "a.csv":
        path.write_bytes(b"PK nonsense")
    with pytest.raises(MalformedAnswer):
        list(rows(path))


def test_a_month_of_months_has_its_own_name() -> None:
    file = File("BTCUSDT", "1M", "2024-05", 0, 1)
    assert file.path == "/data/spot/monthly/klines/BTCUSDT/1mo/BTCUSDT-1mo-2024-05.zip"
    file = File("BTCUSDT", "1m", "2024-05-31", 0, 1)
    assert file.path == "/data/spot/daily/klines/BTCUSDT/1m/BTCUSDT-1m-2024-05-31.zip"
