"""Official candles an hour apart as a test stores them, and what a path answers about them.

Never here: assertions about gaps or corrections.
Invariant: numbers of an answer stay text.
"""

from __future__ import annotations

import json
from typing import Any

from redis import Redis

from tests.support.web_app import FORMING_MS, HOUR_MS, HOURLY, NOW_MS, Browser
from truecandle.store import official


def row(hours_ago: int, volume: str = "12.34567000") -> list[object]:
    open_ms = FORMING_MS - hours_ago * HOUR_MS
    return [open_ms, "42000.10000000", "42100.00", "41000.5", "42050.01", volume,
            open_ms + HOUR_MS - 1, "1.5", 7, "1.0", "0.5", "0"]  # fmt: skip


def store(redis: Redis, *rows: list[object], by: str = "fetch") -> None:
    official.upsert_klines(redis, HOURLY, rows, now_ms=NOW_MS, settle_ms=3_000, noticed_by=by)


def asked(ann: Browser, path: str) -> dict[str, Any]:
    answer = ann.get(path)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Cache-Control"] == "private, no-cache"
    found: dict[str, Any] = json.loads(answer.text, parse_float=str)
    return found
