"""`/data` as Arrow and Parquet is read back exactly, by whoever reads those.

Never here: forms that are text (`test_data_answers`).
Invariant: decimals are compared as decimals, never as floats, unless floats were asked for.
"""

from __future__ import annotations

import io
import sys
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from redis import Redis

from tests.support.web_app import HOUR_MS, Browser, said, store_hours
from truecandle.web import data_answers, data_tables

HOURS = "/data?symbol=BTCUSDT&interval=1h"


def table_of(body: bytes, form: str) -> Any:
    if form == "arrow":
        return pa.ipc.open_stream(body).read_all()
    return pq.read_table(io.BytesIO(body))


@pytest.mark.parametrize("form", ["arrow", "parquet"])
@pytest.mark.parametrize("limit", ["10", "all"])
def test_a_table_holds_exact_decimals_and_times(
    ann: Browser, redis: Redis, form: str, limit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data_answers, "STREAM_CANDLES", 3)
    monkeypatch.setattr(data_tables, "GROUP_ROWS", 4)
    opens = store_hours(redis, 10)
    answer = ann.get(f"{HOURS}&format={form}&fields=all&limit={limit}")
    table = table_of(answer.data, form)
    assert table.schema.field("open").type == pa.decimal128(38, 18)
    assert table.schema.field("time").type == pa.timestamp("ms", "UTC")
    rows = table.to_pylist()
    assert [row["time"] for row in rows] == [datetime.fromtimestamp(ms / 1000, UTC) for ms in opens]
    assert rows[3] == {
        "time": datetime.fromtimestamp(opens[3] / 1000, UTC),
        "open": Decimal("42000.1"),
        "high": Decimal(42100),
        "low": Decimal("41003.5"),
        "close": Decimal("42050.01"),
        "volume": Decimal("12.34567"),
        "close_time": datetime.fromtimestamp((opens[3] + HOUR_MS - 1) // 1000, UTC).replace(
            microsecond=999_000
        ),
        "quote_volume": Decimal("1.5"),
        "trades": 7,
        "taker_volume": Decimal(1),
        "taker_quote_volume": Decimal("0.5"),
    }


@pytest.mark.parametrize("form", ["arrow", "parquet"])
def test_text_floats_and_plain_times_are_given_where_asked_for(
    ann: Browser, redis: Redis, form: str
) -> None:
    opens = store_hours(redis, 1)
    path = f"{HOURS}&format={form}&fields=low,time&time=ms"
    text = table_of(ann.get(f"{path}&decimals=string").data, form)
    assert text.to_pylist() == [{"low": "41000.5", "time": opens[0]}]
    floats = table_of(ann.get(f"{path}&decimals=float").data, form)
    assert floats.to_pylist() == [{"low": 41000.5, "time": opens[0]}]
    assert floats.schema.field("low").type == pa.float64()


@pytest.mark.parametrize("form", ["arrow", "parquet"])
def test_several_series_and_empty_ones_are_one_table(ann: Browser, redis: Redis, form: str) -> None:
    store_hours(redis, 2)
    path = f"/data?series=BTCUSDT:1h,ETHUSDT:1h&fields=open&format={form}"
    assert (
        table_of(ann.get(path).data, form).to_pylist()
        == [{"symbol": "BTCUSDT", "interval": "1h", "open": Decimal("42000.1")}] * 2
    )
    empty = table_of(ann.get(f"/data?series=ETHUSDT:1h&format={form}").data, form)
    assert (empty.num_rows, empty.schema.names[0]) == (0, "time")


def test_without_the_library_it_is_said_which_one_is_needed(
    ann: Browser, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_hours(redis, 1)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    answer = ann.get(f"{HOURS}&format=parquet")
    assert (answer.status_code, said(answer)["code"]) == (501, "not-installed")
    assert "pyarrow" in said(answer)["detail"]
