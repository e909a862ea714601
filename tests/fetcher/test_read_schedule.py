"""When the fetcher reads a market's intervals."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from truecandle.candles.interval import DAY_MS, HOUR_MS, INTERVALS, MINUTE_MS
from truecandle.fetcher.read_schedule import LATE_MS, LATE_SLOW_MS_MAX, REREAD_MS, ReadSchedule

SETTLE_MS = 3_000
#: 2024-08-08T00:00:00Z, a Thursday.
DAY = 1_723_075_200_000
MINUTE = INTERVALS["1m"]


def schedule(*names: str) -> ReadSchedule:
    return ReadSchedule([INTERVALS[name] for name in names], SETTLE_MS)


def names(one: ReadSchedule, now_ms: int) -> list[str]:
    return [interval.name for interval in one.due(now_ms)]


def read_all(one: ReadSchedule, now_ms: int) -> None:
    for interval in one.due(now_ms):
        one.record_read(interval, now_ms, has_arrived=True)


def test_at_the_start_everything_is_due_the_shortest_first() -> None:
    assert names(schedule("1M", "1h", "1s", "1w", "1m"), DAY + 5_000) == [
        "1s",
        "1m",
        "1h",
        "1w",
        "1M",
    ]


def test_a_candle_is_read_when_it_has_settled_and_again_a_while_later() -> None:
    minute = schedule("1m")
    read_all(minute, DAY + SETTLE_MS)
    assert minute.next_ms(DAY + SETTLE_MS) == DAY + SETTLE_MS + REREAD_MS
    read_all(minute, DAY + SETTLE_MS + REREAD_MS)
    after_ms = DAY + SETTLE_MS + REREAD_MS
    assert minute.next_ms(after_ms) == DAY + MINUTE_MS + SETTLE_MS
    assert names(minute, DAY + MINUTE_MS + SETTLE_MS - 1) == []
    assert names(minute, DAY + MINUTE_MS + SETTLE_MS) == ["1m"]


def test_seconds_are_read_every_second() -> None:
    seconds = schedule("1s")
    for second in range(60):
        now_ms = DAY + second * 1_000
        assert names(seconds, now_ms) == ["1s"]
        read_all(seconds, now_ms)
        assert seconds.next_ms(now_ms) == now_ms + 1_000


def test_at_midnight_all_that_closed_is_due_and_nothing_else() -> None:
    all_of_them = schedule("1m", "5m", "1h", "4h", "1d", "1w", "1M")
    read_all(all_of_them, DAY - 10_000)
    assert names(all_of_them, DAY + SETTLE_MS) == ["1m", "5m", "1h", "4h", "1d"]


def test_a_late_candle_is_waited_for_by_a_ladder_then_ever_more_slowly() -> None:
    day, now_ms = schedule("1d"), DAY + SETTLE_MS
    moments = []
    gave_up = 0
    for _ in range(14):
        gave_up += day.record_read(INTERVALS["1d"], now_ms, has_arrived=False)
        now_ms = day.next_ms(now_ms)
        moments.append(now_ms - DAY - SETTLE_MS)
    assert moments[:4] == [1_000, 3_000, 7_000, 15_000]
    pauses = [b - a for a, b in pairwise(moments[6:])]
    assert pauses == sorted(pauses)
    assert pauses[-1] == LATE_SLOW_MS_MAX
    assert gave_up == 1


def test_a_candle_that_arrived_ends_the_waiting() -> None:
    minute, now_ms = schedule("1m"), DAY + SETTLE_MS
    minute.record_read(MINUTE, now_ms, has_arrived=False)
    minute.record_read(MINUTE, now_ms + 1_000, has_arrived=True)
    assert minute.next_ms(now_ms + 1_000) == now_ms + REREAD_MS


def test_a_market_that_is_silent_is_not_waited_for_in_a_hurry() -> None:
    minute, reads, now_ms = schedule("1m"), 0, DAY + SETTLE_MS
    while now_ms < DAY + HOUR_MS:
        minute.record_read(MINUTE, now_ms, has_arrived=False)
        reads += 1
        now_ms = max(minute.next_ms(now_ms), now_ms + 1)
    assert minute.silent() == ["1m"]
    assert reads <= 4 * (len(LATE_MS) + 2) + 60 * 2


def test_an_interval_that_fails_stays_due_but_lets_others_go_first() -> None:
    both, now_ms = schedule("1m", "1h"), DAY + SETTLE_MS
    both.record_failure(MINUTE, now_ms)
    assert names(both, now_ms) == ["1h"]
    assert names(both, now_ms + 1_000) == ["1m", "1h"]


def test_until_its_grid_is_known_a_3d_candle_may_end_at_any_midnight() -> None:
    three = schedule("3d")
    three.record_read(INTERVALS["3d"], DAY + SETTLE_MS + REREAD_MS, has_arrived=True)
    assert three.next_ms(DAY + HOUR_MS) == DAY + DAY_MS + SETTLE_MS
    three.set_grid(INTERVALS["3d"].with_phase(DAY))
    assert three.next_ms(DAY + HOUR_MS) == DAY + 3 * DAY_MS + SETTLE_MS


@given(st.sampled_from(list(INTERVALS)), st.integers(DAY, DAY + 400 * DAY_MS))
def test_the_next_moment_after_a_read_is_always_ahead(name: str, now_ms: int) -> None:
    one = schedule(name)
    read_all(one, now_ms)
    assert now_ms < one.next_ms(now_ms)
    assert names(one, one.next_ms(now_ms)) == [name]
