"""Every answer names its request, and the log names the same.

Never here: the form of a line (`tests/test_log_lines.py`).
Invariant: nothing that somebody sends is passed on unless it is an id.
"""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
from redis import Redis

from tests.support.web_app import PASSWORD, Browser, said, store_hours
from truecandle.log_lines import JsonLines
from truecandle.web import log

HOURS = "/data?symbol=BTCUSDT&interval=1h"
ID = "0f9a-4c.b_7e21"


@pytest.fixture
def printed() -> Iterator[io.StringIO]:
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    handler.setFormatter(JsonLines("web", log._context))
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield text
    root.removeHandler(handler)
    root.setLevel(level)


def test_an_id_is_taken_over_if_it_is_one_and_made_otherwise(browser: Browser) -> None:
    assert browser.get("/healthz", **{"X-Request-ID": ID}).headers["X-Request-ID"] == ID
    made = set()
    for bad in ("short", "a" * 65, "-abcdefgh", "abc def ghi", "abcdefgh<script>", "ä" * 10):
        answer = browser.get("/healthz", **{"X-Request-ID": bad})
        made.update(answer.headers.getlist("X-Request-ID"))
    assert len(made) == 6 and all(len(one) == 16 for one in made)


@pytest.mark.parametrize("host", ["localhost", "other.example"])
def test_a_refusal_says_which_request_it_answers(browser: Browser, host: str) -> None:
    """Whether Flask refuses or the layer around it."""
    answer = browser.get("/data", Host=host, **{"X-Request-ID": ID})
    assert answer.status_code in (400, 401)
    assert said(answer)["request_id"] == answer.headers["X-Request-ID"] == ID


def test_a_line_names_request_user_and_a_followed_market_by_either_way_to_data(
    browser: Browser, redis: Redis, printed: io.StringIO
) -> None:
    """Given somebody signed in, twice the same candles, and a market that nobody follows."""
    store_hours(redis, 2)
    browser.sign_in("ann", PASSWORD)
    for _ in range(3):
        browser.get(HOURS, **{"X-Request-ID": ID})
    browser.get("/data?symbol=SECRETCOIN&interval=1h")
    lines = [json.loads(line) for line in printed.getvalue().splitlines()]
    asked = [line for line in lines if line.get("path") == "/data"]
    assert [line["status"] for line in asked] == [200, 200, 200, 404]
    known = {"request_id": ID, "user": "ann", "symbol": "BTCUSDT", "interval": "1h"}
    for line in asked[:3]:
        assert line.items() >= {**known, "route": "/data", "method": "GET"}.items()
        assert line["took_ms"] >= 0 and line["address"] == "127.0.0.1"
    assert asked[3]["user"] == "ann" and "symbol" not in asked[3]
    assert "SECRETCOIN" not in printed.getvalue() and PASSWORD not in printed.getvalue()
