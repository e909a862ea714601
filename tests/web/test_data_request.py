"""What `/data` can be asked for in its forms, and what it refuses, by name.

Never here: the answers.
Invariant: no parameter is ignored.
"""

from __future__ import annotations

import pytest

from tests.support.web_app import Browser, said
from truecandle.web.data_request import SERIES_MAX

HOURS = "symbol=BTCUSDT&interval=1h"


@pytest.mark.parametrize(
    ("query", "field"),
    [
        (f"{HOURS}&format=xml", "format"),
        (f"{HOURS}&format=CSV", "format"),
        (f"{HOURS}&format=csv&live=1", "live"),
        (f"{HOURS}&fields=time&marks=1", "marks"),
        (f"{HOURS}&format=csv&decimals=string", "decimals"),
        (f"{HOURS}&format=rows&decimals=float", "decimals"),
        (f"{HOURS}&decimals=exact", "decimals"),
        (f"{HOURS}&format=binance&fields=time", "fields"),
        (f"{HOURS}&format=binance&time=ms", "time"),
        (f"{HOURS}&format=binance&decimals=string", "decimals"),
        (f"{HOURS}&fields=", "fields"),
        (f"{HOURS}&fields=time,time", "fields"),
        (f"{HOURS}&fields=time,price", "fields"),
        (f"{HOURS}&limit=all", "limit"),
        (f"{HOURS}&format=csv&limit=ALL", "limit"),
        (f"{HOURS}&format=csv&limit=all&before=2024-01-01", "before"),
        (f"{HOURS}&format=csv&start=2024-02-01&end=2024-01-01", "start"),
        (f"{HOURS}&series=ETHUSDT:1h", "symbol"),
        ("series=", "series"),
        ("series=BTCUSDT", "series"),
        ("series=BTCUSDT:1h,", "series"),
        ("series=btcusdt:1h", "symbol"),
        ("series=BTCUSDT:1x", "interval"),
        (f"series={','.join(['BTCUSDT:1h'] * (SERIES_MAX + 1))}", "series"),
        ("series=BTCUSDT:1h&series=BTCUSDT:1m", "series"),
    ],
)
def test_what_cannot_be_honoured_is_refused_by_name(ann: Browser, query: str, field: str) -> None:
    answer = ann.get(f"/data?{query}")
    assert (answer.status_code, said(answer)["code"]) == (400, "parameter")
    assert said(answer)["detail"].startswith(f"{field} is ")


def test_a_series_that_is_not_followed_is_not_found(ann: Browser) -> None:
    answer = ann.get("/data?series=BTCUSDT:1h,DOGEUSDT:1h")
    assert (answer.status_code, said(answer)["code"]) == (404, "unknown-market")


def test_a_series_named_twice_is_given_once(ann: Browser) -> None:
    assert len(said(ann.get("/data?series=BTCUSDT:1h,BTCUSDT:1m,BTCUSDT:1h"))["series"]) == 2
