"""No digit of the exchange's is lost on the way into a file, or nothing is written.

Never here: the disk, Redis.
Invariant: numbers are compared as text.
"""

from __future__ import annotations

import hashlib
import io
from decimal import Decimal

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.mirrored_files import plain
from tests.support.sample_candles import HOUR_MS, HOURS, START_MS
from truecandle.candles.decimals import canonical
from truecandle.errors import MirrorRefused
from truecandle.mirror import parquet
from truecandle.mirror.period_rows import PeriodRows
from truecandle.mirror.periods import period_of
from truecandle.store.columns import FIELDS

DAY = period_of(HOURS.interval, START_MS)
DECIMALS = [name for name in FIELDS if name not in ("time", "close_time", "trades")]

#: Every number that can be stored: up to 20 digits before the point and 18 behind it.
numbers = st.from_regex(r"[0-9]{1,20}(\.[0-9]{1,18})?", fullmatch=True).map(canonical)


def rows_of(*lines: str) -> PeriodRows:
    text = "".join(f"{line}\n" for line in lines).encode()
    return PeriodRows(text, len(lines), len(lines))


def line(number: int, decimals: list[str]) -> str:
    one, two, three, four, volume, quote, taker, taker_quote = decimals
    open_ms = START_MS + number * HOUR_MS
    prices = f"{open_ms},{one},{two},{three},{four},{volume},{open_ms + HOUR_MS - 1}"
    return f"{prices},{quote},{number},{taker},{taker_quote},0"


def encoded(rows: PeriodRows) -> bytes:
    return parquet.encode(HOURS, DAY, rows, "simulated", 7)


@settings(max_examples=25)
@given(st.lists(st.lists(numbers, min_size=8, max_size=8), min_size=1, max_size=5))
def test_every_number_comes_back_as_the_text_that_it_was(given: list[list[str]]) -> None:
    rows = rows_of(*(line(number, decimals) for number, decimals in enumerate(given)))
    content = encoded(rows)
    table = pq.ParquetFile(io.BytesIO(content)).read()
    for number, decimals in enumerate(given):
        assert [plain(table.column(name)[number].as_py()) for name in DECIMALS] == decimals
    assert parquet.decode(content).table.equals(parquet.expected(HOURS, DAY, rows))
    assert encoded(rows) == content


@pytest.mark.parametrize("number", ["1.0000000000000000001", "123456789012345678901", "x"])
def test_what_is_no_number_of_the_exchanges_is_refused_not_rounded(number: str) -> None:
    with pytest.raises(MirrorRefused, match="BTCUSDT:1h 2024-01-01 cannot be written exactly"):
        encoded(rows_of(line(0, ["1", number, *["1"] * 6])))


def test_a_file_says_what_it_holds() -> None:
    decimals = ["8", "9.5", "7", "8.25", "100", "1", "0.5", "12.5"]
    content = encoded(rows_of(line(0, decimals), line(1, decimals)))
    metadata = pq.ParquetFile(io.BytesIO(content)).schema_arrow.metadata
    told = {key.decode(): value.decode() for key, value in metadata.items()}
    own = {name.removeprefix("truecandle."): text for name, text in told.items()}
    texts = [line(number, decimals).rpartition(",")[0] + "\n" for number in range(2)]
    assert own == {
        "form": "1", "symbol": "BTCUSDT", "interval": "1h", "period": "2024-01-01",
        "market": "simulated", "version": "7", "rows": "2",
        "sha256": hashlib.sha256("".join(texts).encode()).hexdigest(),
    }  # fmt: skip
    row = parquet.rows_of(parquet.decode(content).table)[START_MS + HOUR_MS]
    assert row[:5] == (START_MS + HOUR_MS, *map(Decimal, ("8", "9.5", "7", "8.25")))


def test_other_bytes_are_no_file_of_ours() -> None:
    content = encoded(rows_of(line(0, ["1"] * 8)))
    foreign = io.BytesIO()
    pq.write_table(parquet.decode(content).table, foreign)
    middle = len(content) // 2
    for damaged in (
        b"", b"PAR1", content[:-1], content[:middle], foreign.getvalue(),
        content[:40] + bytes(40) + content[80:],
    ):  # fmt: skip
        with pytest.raises(MirrorRefused):
            parquet.decode(damaged)
