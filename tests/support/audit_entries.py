"""Entries of the audit: minutes as the chart had shown them, beside what they became.

Never here: assertions; the store.
Invariant: an entry was shown exactly but for what the test says.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.support.driven_fetcher import NOW_MS
from truecandle.candles.audit import AuditEntry, compare
from truecandle.candles.candle import (
    live_from_official,
    official_from_row,
)
from truecandle.candles.interval import MINUTE_MS

MINUTE = NOW_MS - NOW_MS % MINUTE_MS


def entry(number: int, **fields: Any) -> AuditEntry:
    """The minute `number` before the present one, shown as it became but for `fields`."""
    open_ms = MINUTE - number * MINUTE_MS
    row = [open_ms, "8.00", "9.00", "7.00", "8.51", "12.5", open_ms + MINUTE_MS - 1, "100", 3,
           "1", "8", "0"]  # fmt: skip
    became = official_from_row(row)
    shown = replace(live_from_official(became, open_ms + MINUTE_MS - 100), **fields)
    end_ms = open_ms + MINUTE_MS
    return compare(became, shown, end_ms=end_ms, at_ms=end_ms + 3_000)
