"""Every way of reading official candles says the same whether the older ones are sealed or not.

Never here: the halves themselves (`tests/store/test_sealing.py`).
Invariant: an answer is compared whole, with its headers.
"""

from __future__ import annotations

from typing import Any

from redis import Redis

from tests.support.web_app import FORMING_MS, HOUR_MS, HOURLY, NOW_MS, Browser, store_hours
from tests.support.web_app import store_live as live_candle
from truecandle.candles.gap import Gap
from truecandle.candles.gap_registry import GapRegistry
from truecandle.store import gaps, official, sealing

COUNT = 7_000


def test_all_answers_are_the_same_and_a_sealed_correction_is_in_the_next(
    ann: Browser, redis: Redis
) -> None:
    """Given 7,000 hours, when all but some hundred are sealed, then each answer is what it was, its
    ETag included; then one of the sealed candles is corrected, and no answer of before is given."""
    opens = store_hours(redis, COUNT)
    live_candle(redis, FORMING_MS)
    a_gap = Gap(opens[0] - 9 * HOUR_MS, opens[0], 9, "unproven", "", NOW_MS, 0, 0, None)
    gaps.save(redis, HOURLY, GapRegistry(), GapRegistry([a_gap]))
    late, old = opens[-40], opens[900]
    paths = [
        "/data?symbol=BTCUSDT&interval=1h" + more
        for more in (
            *("", "&limit=1", "&limit=1000&time=ms", "&limit=5000"),
            *(f"&start={old}&limit=300", f"&before={old}&limit=5000", f"&end={late}&limit=40"),
            *(f"&start={old}&end={late}&limit=5000", "&live=1&limit=5000", "&marks=1&limit=5000"),
            *(f"&start={opens[0]}&format=csv&limit=all", f"&before={late}&limit=700&format=rows"),
        )
    ]
    paths += [
        f"/api/v3/klines?symbol=BTCUSDT&interval=1h&limit=1000&endTime={old}",
        f"/api/v3/klines?symbol=BTCUSDT&interval=1h&startTime={opens[100]}",
        f"/udf/history?symbol=BTCUSDT&resolution=60&from={old // 1000}&to={late // 1000}",
        f"/udf/history?symbol=BTCUSDT&resolution=60&to={old // 1000}&countback=500",
        "/gaps?symbol=BTCUSDT&interval=1h",
        "/history?symbol=BTCUSDT&interval=1h",
    ]
    before = [answered(ann, path) for path in paths]
    assert [path for path, (status, *_) in zip(paths, before, strict=True) if status != 200] == []

    while sealing.step(redis, HOURLY, 100, 0) == "done":
        pass
    assert redis.zcard("klines_z:BTCUSDT:1h") < 1_200
    for path, told in zip(paths, before, strict=True):
        assert answered(ann, path) == told, path

    corrected = [old, "42000.1", "42100", "40000", "42050.5", "1", old + HOUR_MS - 1]
    rows = [[*corrected, "1.5", 7, "1", "0.5", "0"]]
    official.upsert_klines(redis, HOURLY, rows, now_ms=NOW_MS, settle_ms=0)
    whole = f"/data?symbol=BTCUSDT&interval=1h&start={old}&limit=300"
    _, etag, _, body = answered(ann, whole)
    assert etag != before[paths.index(whole)][1]
    assert b"42050.5" in body


def answered(browser: Browser, path: str) -> tuple[int, Any, Any, bytes]:
    answer = browser.get(path)
    headers = answer.headers
    return answer.status_code, headers.get("ETag"), headers.get("Link"), answer.get_data()
