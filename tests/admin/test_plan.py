"""What a backfill asks for: pages and archives that cover the holes.

Never here: Redis, HTTP.
Invariant: every hole is covered once, and nothing is asked for that holds none.
"""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truecandle.admin.plan import Cost, Source, cost, days, files, outside, pages
from truecandle.binance.rest.client import KLINES_LIMIT_MAX
from truecandle.candles.gap import Hole, find_holes
from truecandle.candles.interval import DAY_MS, INTERVALS
from truecandle.candles.series import Series

#: 2024-01-01T00:00:00Z
START_MS = 1_704_067_200_000
MINUTES = Series("BTCUSDT", INTERVALS["1m"])


def holes_of(series: Series, present: set[int], candles: int) -> list[Hole]:
    """The holes of so many candles from the start, where only the numbered ones are present."""
    interval = series.interval
    opens = [interval.step(START_MS, number) for number in sorted(present)]
    return find_holes(interval, opens, START_MS, interval.step(START_MS, candles))


@given(
    interval=st.sampled_from(["1m", "1h", "1d", "1w", "1M"]),
    present=st.sets(st.integers(0, 4_999), max_size=200),
)
def test_pages_cover_every_hole_once_newest_first(interval: str, present: set[int]) -> None:
    candles = 5_000 if interval in ("1m", "1h") else 1_500
    series = Series("BTCUSDT", INTERVALS[interval])
    start_ms = series.interval.open_ms(START_MS)
    opens = [series.interval.step(start_ms, n) for n in sorted(present) if n < candles]
    end_ms = series.interval.step(start_ms, candles)
    holes = find_holes(series.interval, opens, start_ms, end_ms)
    spans = list(pages(series.interval, holes))
    assert spans == sorted(spans, reverse=True)
    assert all(older.end_ms <= newer.start_ms for newer, older in itertools.pairwise(spans))
    assert all(series.interval.count(*span) <= KLINES_LIMIT_MAX for span in spans)
    asked = [open_ms for span in spans for open_ms in series.interval.opens(*span)]
    missing = {open_ms for hole in holes for open_ms in series.interval.opens(*hole[:2])}
    assert missing <= set(asked)
    assert all(
        {span.start_ms, series.interval.previous_open_ms(span.end_ms)} <= missing for span in spans
    )


def test_single_missing_candles_share_a_page() -> None:
    holes = holes_of(MINUTES, set(range(900)) - {3, 500, 899}, 900)
    assert len(list(pages(MINUTES.interval, holes))) == 1


@pytest.mark.parametrize(
    ("interval", "source", "months", "daily"),
    [
        ("1m", "auto", 2, 10),
        ("1m", "rest", 0, 0),
        ("1h", "auto", 0, 0),
        ("1h", "archive", 2, 10),
        ("1w", "archive", 2, 0),
        ("1s", "auto", 2, 10),
    ],
)
def test_archives_of_months_then_days(
    interval: str, source: Source, months: int, daily: int
) -> None:
    series = Series("BTCUSDT", INTERVALS[interval])
    start_ms = series.interval.open_ms(START_MS)
    # January, February, and ten and a half days of March.
    end_ms = START_MS + 70 * DAY_MS + DAY_MS // 2
    holes = find_holes(series.interval, (), start_ms, end_ms)
    found = files(series, holes, source, end_ms)
    left = outside(series.interval, holes, found)
    assert len(found) == months
    assert len(days(series, left, source, end_ms)) == daily
    total = cost(series, holes, source, end_ms)
    assert total.candles == sum(hole.candles for hole in holes)
    assert total.files == months + daily


def test_a_cost_counts_requests_and_weight() -> None:
    assert Cost(candles=3_000, pages=3).weight == 6
    assert Cost(candles=44_640, files=1).requests == 2
    assert (Cost(1, 2, 3) + Cost(10, 20, 30)).requests == 33 + 44
    assert Cost().minutes == 1
    assert Cost(candles=15_000_000, pages=15_000).minutes > 60
