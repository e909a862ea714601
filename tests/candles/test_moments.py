"""A moment that somebody writes is read as that moment, or refused; never as one in 1970.

Never here: which path or command takes moments.
Invariant: what is read is exact to the ms, and between two ms the later one.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truecandle.candles.interval import LAST_MS
from truecandle.candles.moments import moment_in_text
from truecandle.errors import CandleError

#: 2024-01-31T18:00:00Z
MS = 1_706_724_000_000


@pytest.mark.parametrize(
    "text",
    [
        "1706724000",
        "1706724000.0",
        "1706724000000",
        "1706724000000000",
        "1706724000000000000",
        "2024-01-31T18:00:00.000Z",
        "2024-01-31T18:00:00Z",
        "2024-01-31t18:00:00z",
        "2024-01-31T18:00",
        "2024-01-31T18",
        "2024-01-31 18:00:00",
        "2024-01-31T18:00:00+00:00",
        "2024-01-31T18:00:00 00:00",  # a + that an address has lost
        "2024-01-31T19:00:00+01:00",
        "2024-01-31T19:00:00+0100",
        "2024-01-31T12:30:00-05:30",
        "2024-01-31T18:00:00.000000+00:00",
        "2024-01-31T18:00:00,000Z",
        "20240131T180000Z",
        "2024-W05-3T18:00:00Z",
        " 1706724000000 ",
    ],
)
def test_every_way_to_write_a_moment_means_it(text: str) -> None:
    assert moment_in_text(text, "start") == MS


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("2024-01-31", "2024-01-31"),
        ("20240131", "2024-01-31"),
        ("2024-02", "2024-02-01"),
        ("2024", "2024-01-01"),
        ("0", "1970-01-01"),
        ("1970-01-01", "1970-01-01"),
    ],
)
def test_a_day_a_month_and_a_year_begin_at_midnight_utc(text: str, iso: str) -> None:
    expected = datetime.fromisoformat(iso).replace(tzinfo=UTC).timestamp() * 1000
    assert moment_in_text(text, "start") == expected


@pytest.mark.parametrize(
    "text",
    [
        *("1", "1000", "123456789", "17067240000", "170672400000", "17067240000000"),
        *("-1", "1e12", "NaN", "", "yesterday", "now", "2024-02-30", "2024-01-31T25:00:00Z"),
        *("2024-01-31T18:00:00Q", "2024-01-31T18:00:00+99:00", "24-01-31", "2300-01-01"),
        *("9223372036854775808", "9999999999999999999", "١٧٠٦٧٢٤٠٠٠", "2024-01-31T18:00:00Z;"),
        "2024-01-31T18:00:00Z" + " " * 40,
    ],
)
def test_what_could_mean_another_moment_is_refused_with_what_is_allowed(text: str) -> None:
    with pytest.raises(CandleError) as refused:
        moment_in_text(text, "start")
    assert refused.value.field == "start"
    assert "10 digits (s), 13 (ms)" in str(refused.value)


def test_between_two_ms_the_later_one_is_meant() -> None:
    for text in ("1706724000.0000001", "1706724000000001", "2024-01-31T18:00:00.0000001Z"):
        assert moment_in_text(text, "start") == MS + 1
    assert moment_in_text("2024-01-31T18:00:00.0010000Z", "start") == MS + 1


@given(
    st.integers(10**12, LAST_MS - 1),
    st.integers(-14 * 60, 14 * 60).filter(bool),
    st.sampled_from(["milliseconds", "microseconds"]),
)
def test_what_python_writes_in_any_zone_comes_back(ms: int, minutes: int, spec: str) -> None:
    zone = timezone(timedelta(minutes=minutes))
    written = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)).astimezone(zone)
    assert moment_in_text(written.isoformat(timespec=spec), "start") == ms
    assert moment_in_text(str(ms), "start") == ms
    assert moment_in_text(str(ms // 1000), "start") == ms // 1000 * 1000


@given(st.text("0123456789-:.,TWZ+ x", max_size=30))
def test_no_text_is_more_than_refused(text: str) -> None:
    try:
        assert 0 <= moment_in_text(text, "start") <= LAST_MS
    except CandleError as refused:
        assert refused.field == "start"
