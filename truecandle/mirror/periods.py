"""Periods: which file of a mirror a candle is in, by its open time alone.

Intervals shorter than a day have a file a UTC day, all others a file a year: a day would hold one
candle at most.

Never here: a clock, the disk.
Invariant: every moment is in exactly one period of an interval; a name tells its period.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final, NamedTuple

from truecandle.candles.interval import DAY_MS, LAST_MS, Interval
from truecandle.candles.moments import to_iso

_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_YEAR: Final = re.compile(r"[0-9]{4}", re.ASCII)


class Period(NamedTuple):
    """Open times in [start_ms, end_ms); ordered by time. `name`: `2024-01-31` or `2024`."""

    start_ms: int
    end_ms: int
    name: str


def period_of(interval: Interval, open_ms: int) -> Period:
    """The period of the candle that opens at `open_ms`, which is below `LAST_MS`."""
    text = to_iso(open_ms)
    if _is_daily(interval):
        start_ms = open_ms - open_ms % DAY_MS
        return Period(start_ms, start_ms + DAY_MS, text[:10])
    year = int(text[:4])
    return Period(_year_ms(year), _year_ms(year + 1), text[:4])


def periods(interval: Interval, first_ms: int, last_ms: int) -> Iterator[Period]:
    """Every period from that of `first_ms` to that of `last_ms`, both candles' open times."""
    at_ms = first_ms
    while at_ms <= last_ms and at_ms < LAST_MS:
        period = period_of(interval, at_ms)
        yield period
        at_ms = period.end_ms


def period_named(interval: Interval, name: str) -> Period | None:
    """The period of that name; None if none has it."""
    if not (_DAY if _is_daily(interval) else _YEAR).fullmatch(name):
        return None
    try:
        moment = datetime.fromisoformat(name if _is_daily(interval) else f"{name}-01-01")
    except ValueError:
        return None
    start_ms = int(moment.replace(tzinfo=UTC).timestamp()) * 1000
    return period_of(interval, start_ms) if 0 <= start_ms < LAST_MS else None


def _is_daily(interval: Interval) -> bool:
    return interval.duration_ms is not None and interval.duration_ms < DAY_MS


def _year_ms(year: int) -> int:
    return int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) * 1000
