"""Official candles an hour apart as tests store them, their gaps and audit, and answers about them.

Never here: assertions about any of it.
Invariant: numbers of an answer stay text.
"""

from __future__ import annotations

import json
from typing import Any

from redis import Redis

from tests.support.web_app import FORMING_MS, HOUR_MS, HOURLY, NOW_MS, Browser
from truecandle.candles.audit import AuditEntry, compare
from truecandle.candles.candle import LiveCandle, official_from_row
from truecandle.candles.gap import Verdict, hole_of
from truecandle.store import gaps, official


def row(hours_ago: int, volume: str = "12.34567000") -> list[object]:
    open_ms = FORMING_MS - hours_ago * HOUR_MS
    return [open_ms, "42000.10000000", "42100.00", "41000.5", "42050.01", volume,
            open_ms + HOUR_MS - 1, "1.5", 7, "1.0", "0.5", "0"]  # fmt: skip


def store(redis: Redis, *rows: list[object], by: str = "fetch") -> None:
    official.upsert_klines(redis, HOURLY, rows, now_ms=NOW_MS, settle_ms=3_000, noticed_by=by)


def note(redis: Redis, first: int, last: int) -> None:
    """A hole from so many hours ago to so many."""
    span = FORMING_MS - first * HOUR_MS, FORMING_MS - (last - 1) * HOUR_MS
    verdict = Verdict(hole_of(HOURLY.interval, *span), "maintenance", "both neighbours")
    known = gaps.read(redis, HOURLY)
    gaps.save(redis, HOURLY, known, known.note(HOURLY.interval, *span, [verdict], NOW_MS))


def entry(hours_ago: int, close: str | None = "42050.01", late_ms: int = 3_000) -> AuditEntry:
    """The candle of an hour that ended so long before the forming one; `close` was shown."""
    end_ms = FORMING_MS - hours_ago * HOUR_MS
    open_ms = end_ms - HOUR_MS
    row = [open_ms, "42000.10000000", "42100.00", "41000.5", "42050.01", "12.34567000",
           end_ms - 1, "1.5", 7, "1.0", "0.5", "0"]  # fmt: skip
    shown = close and LiveCandle(
        open_ms, "42000.1", "42100", "41000.5", close, "12.34567", 7, "live", True, end_ms - 100
    )
    return compare(official_from_row(row), shown or None, end_ms=end_ms, at_ms=end_ms + late_ms)


def asked(ann: Browser, path: str) -> dict[str, Any]:
    answer = ann.get(path)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Cache-Control"] == "private, no-cache"
    found: dict[str, Any] = json.loads(answer.text, parse_float=str)
    return found
