"""`GET /data?marks=1`, and the ranges of `/corrections`, `/gaps` and `/audit`.

Never here: how gaps and corrections are found, what else those paths answer.
Invariant: what is marked was stored by the parts that store it in a running system.
"""

from __future__ import annotations

from typing import Any

import pytest
from redis import Redis

from tests.support.hourly_candles import entry, note, row, store
from tests.support.web_app import FORMING_MS, HOUR_MS, HOURLY, NOW_MS, Browser, said
from truecandle.candles.candle import LiveCandle
from truecandle.candles.gap import Verdict, hole_of
from truecandle.store import audit, gaps, keys, live

SERIES = "symbol=BTCUSDT&interval=1h"
MARKED = f"/data?{SERIES}&time=ms&marks=1"


def ago(hours: int) -> int:
    """The open time of the candle so many hours before the forming one."""
    return FORMING_MS - hours * HOUR_MS


@pytest.fixture
def day(redis: Redis) -> None:
    """Ten hours, of which the sixth and fifth last are missing and the third last is corrected."""
    store(redis, *(row(hours) for hours in (10, 9, 8, 7, 4, 3, 2, 1)))
    note(redis, 6, 5)
    store(redis, row(3, "12.5"), by="verify")


def marked(ann: Browser, more: str = "") -> dict[str, Any]:
    return said(ann.get(MARKED + more))


def test_marks_come_only_when_asked_for(ann: Browser, day: None) -> None:
    assert not {"corrected", "gaps"} & set(said(ann.get(f"/data?{SERIES}")))
    assert not {"corrected", "gaps"} & set(said(ann.get(f"/data?{SERIES}&live=1")))


def test_corrected_candles_and_gaps_of_the_page_are_marked(ann: Browser, day: None) -> None:
    found = marked(ann)
    assert found["corrected"] == [ago(3)]
    assert found["gaps"] == [[ago(6), ago(4), "maintenance"]]
    assert marked(ann, "&live=1")["gaps"] == found["gaps"]
    assert marked(ann, "&live=1")["missing"] == [[ago(6), ago(4)]]


def test_a_candle_corrected_twice_is_marked_once(ann: Browser, day: None, redis: Redis) -> None:
    store(redis, row(3, "12.6"))
    store(redis, row(8, "12.7"))
    assert marked(ann)["corrected"] == [ago(8), ago(3)]


@pytest.mark.parametrize(
    ("page", "corrected", "missing"),
    [
        ("&limit=2", [], 0),  # the newest two
        ("&limit=3", [ago(3)], 0),
        ("&limit=4", [ago(3)], 1),  # begins right after the gap
        (f"&before={ago(6)}&limit=2", [], 1),  # ends right before it
        (f"&before={ago(7)}&limit=2", [], 0),
        (f"&start={ago(10)}&end={ago(8)}", [], 0),
        (f"&start={ago(7)}&end={ago(3)}", [], 1),
    ],
)
def test_a_page_is_told_of_its_own_candles_and_of_gaps_that_touch_them(
    ann: Browser, day: None, page: str, corrected: list[int], missing: int
) -> None:
    found = marked(ann, page)
    assert found["corrected"] == corrected
    assert len(found["gaps"]) == missing


def test_what_is_missing_since_the_newest_candle_is_the_newest_pages(
    ann: Browser, redis: Redis
) -> None:
    store(redis, row(9), row(8))
    hole = hole_of(HOURLY.interval, ago(5), ago(3))
    known = gaps.read(redis, HOURLY)
    told = [Verdict(hole, "unproven", "one neighbour only")]
    after = known.note(HOURLY.interval, ago(5), ago(3), told, NOW_MS)
    gaps.save(redis, HOURLY, known, after)
    assert marked(ann, "&live=1")["gaps"] == [[ago(5), ago(3), "unproven"]]
    assert marked(ann, f"&before={ago(8)}")["gaps"] == []


def test_a_gap_that_was_filled_since_is_not_told(ann: Browser, day: None, redis: Redis) -> None:
    store(redis, row(6))
    assert marked(ann)["gaps"] == [[ago(6), ago(4), "maintenance"]]
    store(redis, row(5))
    assert marked(ann)["gaps"] == []


def test_without_candles_there_is_nothing_to_mark(ann: Browser) -> None:
    found = marked(ann)
    assert (found["corrected"], found["gaps"]) == ([], [])


def test_junk_among_what_is_kept_marks_nothing(ann: Browser, day: None, redis: Redis) -> None:
    before = marked(ann)
    redis.lpush(keys.corrections(HOURLY), b"junk", b'{"time":x,', b'{"time":', b"[]")
    redis.hset(keys.gaps(HOURLY), mapping={"1": "junk", "2": '{"start":5}', "3": "[]"})
    assert marked(ann) == before


def test_the_etag_changes_with_a_gap_and_with_marks_asked_for(
    ann: Browser, day: None, redis: Redis
) -> None:
    first = ann.get(MARKED)
    etag = first.headers["ETag"]
    assert ann.get(MARKED, **{"If-None-Match": etag}).status_code == 304
    assert ann.get(MARKED.replace("&marks=1", "")).headers["ETag"] != etag
    note(redis, 6, 5)  # asked again: the same gap
    assert ann.get(MARKED, **{"If-None-Match": etag}).status_code == 304
    version = said(first)["version"]
    redis.delete(keys.gaps(HOURLY))
    again = ann.get(MARKED, **{"If-None-Match": etag})
    assert (again.status_code, said(again)["version"]) == (200, version)


def test_a_candle_and_its_mark_are_of_one_instant(ann: Browser, day: None, redis: Redis) -> None:
    """Whatever a page says beside its candles left Redis in the same transaction."""
    open_ms = ago(0)
    candle = LiveCandle(
        open_ms, "42050.01", "42090", "42001.5", "42060", "3.25", 11, "live", False, open_ms + 1000
    )
    live.save_live(redis, HOURLY, candle, now_ms=open_ms + 1000)
    with redis.monitor() as monitor:
        marked(ann, "&live=1")
        commands = []
        for told in monitor.listen():
            commands.append(str(told["command"]))
            if commands[-1] == "EXEC":
                break
    reading = commands[commands.index("MULTI") :]
    names = (keys.klines, keys.live, keys.missing, keys.corrections, keys.gaps)
    assert all(any(name(HOURLY) in one for one in reading) for name in names)


def test_corrections_of_one_candle(ann: Browser, day: None, redis: Redis) -> None:
    store(redis, row(8, "12.7"))
    path = f"/corrections?{SERIES}"
    times = [one["time"] for one in said(ann.get(path))["corrections"]]
    assert times == [ago(8), ago(3)]
    one = said(ann.get(f"{path}&start={ago(3)}&end={ago(3) + 1}"))
    assert (one["count"], one["corrections"][0]["time"]) == (1, ago(3))
    assert said(ann.get(f"{path}&end={ago(8)}"))["corrections"] == []
    newest = said(ann.get(f"{path}&start=2024-01-01T00:00:00Z&limit=1"))["corrections"]
    assert [one["time"] for one in newest] == [ago(8)]


def test_gaps_of_a_range_are_those_that_have_a_part_in_it(ann: Browser, day: None) -> None:
    path = f"/gaps?{SERIES}"
    for start, end, count in ((10, 6, 0), (10, 5, 1), (5, 4, 1), (4, 1, 0)):
        found = said(ann.get(f"{path}&start={ago(start)}&end={ago(end)}"))
        assert (found["count"], found["missing"]) == (count, 2), (start, end)


def test_audited_candles_of_a_range_with_all_figures_or_none(ann: Browser, redis: Redis) -> None:
    audit.record(redis, HOURLY, [entry(3), entry(2), entry(1, "42050.04"), entry(0)])
    path = f"/audit?{SERIES}&start={entry(2).open_ms}&end={entry(0).open_ms}"
    found = said(ann.get(path))
    assert [one["time"] for one in found["candles"]] == [entry(1).open_ms, entry(2).open_ms]
    assert (found["summary"]["shown"], found["since"]) == (4, entry(3).open_ms)
    few = said(ann.get(f"{path}&summary=0"))
    assert set(few) == {"symbol", "interval", "since", "count", "candles"}
    assert (few["candles"], few["since"]) == (found["candles"], found["since"])
