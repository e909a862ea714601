"""Every candle has one file, whatever its interval.

Never here: files.
Invariant: moments of all years that candles can be of.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from truecandle.candles.interval import DAY_MS, INTERVALS, LAST_MS
from truecandle.mirror.periods import period_named, period_of, periods


@given(st.sampled_from(list(INTERVALS.values())), st.integers(0, LAST_MS - 1))
def test_a_moment_is_in_one_period_whose_name_tells_it(interval: object, open_ms: int) -> None:
    period = period_of(interval, open_ms)  # type: ignore[arg-type]
    assert period.start_ms <= open_ms < period.end_ms
    assert period_named(interval, period.name) == period  # type: ignore[arg-type]
    assert period_of(interval, period.end_ms - 1) == period  # type: ignore[arg-type]
    is_daily = len(period.name) == 10
    assert is_daily == (interval.name not in ("1d", "3d", "1w", "1M"))  # type: ignore[attr-defined]
    days = (period.end_ms - period.start_ms) // DAY_MS
    assert days == 1 if is_daily else days in (365, 366)


def test_periods_follow_each_other_without_a_hole() -> None:
    hour, week = INTERVALS["1h"], INTERVALS["1w"]
    first, last = 1_704_067_199_999, 1_704_153_600_000  # the end of 2023, 2 January 2024
    names = [one.name for one in periods(hour, first, last)]
    assert names == ["2023-12-31", "2024-01-01", "2024-01-02"]
    assert [one.name for one in periods(week, first, last)] == ["2023", "2024"]
    assert list(periods(hour, last, first)) == []


def test_what_is_no_name_of_a_period_is_none() -> None:
    hour, day = INTERVALS["1h"], INTERVALS["1d"]
    for name in ("2024", "2024-02-30", "2024-1-1", "2024-01-01 ", "1969-12-31", "2200-01-01", ""):
        assert period_named(hour, name) is None
    for name in ("2024-01-01", "24", "1969", "2200", "٢٠٢٤"):
        assert period_named(day, name) is None
