"""The exchange's limits: how long to be silent, how much was used, how evenly to ask."""

from __future__ import annotations

import pytest

from truecandle.binance.rate_limit import RequestPacer, retry_after_ms, used_weight

NOW_MS = 1_723_118_410_000


@pytest.mark.parametrize(
    ("status", "headers", "body", "expected_ms"),
    [
        (429, {"Retry-After": "7"}, b"", 7_000),
        (429, {}, b"", 60_000),
        (429, {"Retry-After": "7.5"}, b"", 60_000),
        (429, {"Retry-After": "99999999999"}, b"", 259_200_000),
        (418, {"Retry-After": "2"}, b"IP banned until 1723118530000. Please", 120_000),
        (418, {}, b"IP banned until 1723118409000.", 1_000),
        (418, {}, b"IP banned until 9999999999999.", 259_200_000),
        (418, {}, b"\xff\xfe until soon", 60_000),
        (403, {"Retry-After": "1"}, b"<HTML>", 60_000),
    ],
)
def test_how_long_to_be_silent(
    status: int, headers: dict[str, str], body: bytes, expected_ms: int
) -> None:
    assert retry_after_ms(status, headers, body, NOW_MS) == expected_ms


@pytest.mark.parametrize(("text", "weight"), [("22", 22), ("", None), ("-1", None), ("x", None)])
def test_the_weight_that_was_used_is_read_where_it_is_told(text: str, weight: int | None) -> None:
    assert used_weight({"X-MBX-USED-WEIGHT-1M": text}) == weight


def test_requests_leave_evenly_and_at_most_ten_a_second() -> None:
    waits: list[float] = []
    pace = RequestPacer(10)
    for _ in range(11):
        pace.wait(waits.append)
    assert len(waits) == 10
    assert 0.85 <= max(waits) <= 1.0
