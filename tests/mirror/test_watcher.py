"""A watching mirror follows the store, in its own time, and no error ends it.

Never here: the process and its signals (`tests/admin/test_mirror.py`).
Invariant: a real Redis and a real disk; only the clock that pauses are counted by is the test's.
"""

from __future__ import annotations

import threading
from functools import partial
from pathlib import Path

import pytest
from redis import Redis

from tests.support.loopback_ports import free_port
from tests.support.mirrored_files import hours, lines, mirror, placed, store, stored_lines
from tests.support.sample_candles import HOURS
from truecandle.candles.interval import INTERVALS
from truecandle.candles.series import Series
from truecandle.mirror.series_mirror import MirrorOutcome
from truecandle.mirror.watcher import FOLLOWED_S, PAUSE_S_MAX, SWEEP_S, MirrorWatcher
from truecandle.store import changes, connect

FIRST = "BTCUSDT/1h/2024-01-01.parquet"
EVERY_S = 60.0
ETH = Series("ETHUSDT", INTERVALS["1h"])


class Driven:
    """A watcher that looks when the test says so, at a time of the test's."""

    def __init__(self, redis: Redis, root: Path) -> None:
        self.now_s = 0.0
        self.series = [HOURS]
        self.redis, self.root = redis, root
        self.runs: list[Series] = []
        self.watcher = MirrorWatcher(
            lambda: self.series, lambda series: changes.versions(self.redis, series),
            self.mirror, EVERY_S, lambda: self.now_s,
        )  # fmt: skip

    def mirror(self, series: Series) -> MirrorOutcome:
        self.runs.append(series)
        return mirror(self.redis, self.root, series)

    def look(self, after_s: float = 0.0) -> list[Series]:
        """What was mirrored by one look."""
        self.now_s += after_s
        self.runs.clear()
        self.watcher.look(threading.Event())
        return list(self.runs)


def test_what_changes_is_mirrored_at_most_once_in_a_while(redis: Redis, tmp_path: Path) -> None:
    store(redis, HOURS, *hours(0, 5))
    driven = Driven(redis, tmp_path)
    assert driven.look() == [HOURS]
    store(redis, HOURS, *hours(5, 1))
    assert driven.look(EVERY_S - 1) == []
    assert driven.look(1) == [HOURS]
    assert lines(tmp_path / FIRST) == stored_lines(redis, HOURS)
    assert driven.look(EVERY_S) == [], "nothing has changed"
    (tmp_path / FIRST).unlink()
    assert driven.look(SWEEP_S) == [HOURS]
    assert FIRST in placed(tmp_path)


def test_a_market_that_is_followed_later_is_mirrored_and_refusals_stop_no_other(
    redis: Redis, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Given a file of somebody else's in the place of ours."""
    (tmp_path / FIRST).parent.mkdir(parents=True)
    (tmp_path / FIRST).write_bytes(b"not ours")
    store(redis, HOURS, *hours(0, 5))
    store(redis, ETH, *hours(0, 5))
    driven = Driven(redis, tmp_path)
    driven.look()
    driven.series = [HOURS, ETH]
    assert driven.look(FOLLOWED_S) == [ETH]
    store(redis, HOURS, *hours(5, 1))
    assert driven.look(EVERY_S) == [HOURS]
    assert list(placed(tmp_path)) == [FIRST, FIRST.replace("BTC", "ETH")]
    told = [one for one in caplog.messages if "it cannot be read" in one]
    assert len(told) == 1 and FIRST.rpartition("/")[2] in told[0]


def test_what_the_disk_would_not_take_is_tried_again_although_nothing_has_changed(
    redis: Redis, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Given a file in the place of a folder, until somebody takes it away."""
    (tmp_path / "BTCUSDT").write_bytes(b"")
    store(redis, HOURS, *hours(0, 5))
    driven = Driven(redis, tmp_path)
    assert [driven.look(), driven.look(EVERY_S - 1), driven.look(1)] == [[HOURS], [], [HOURS]]
    assert len([one for one in caplog.messages if str(tmp_path / "BTCUSDT") in one]) == 1
    (tmp_path / "BTCUSDT").unlink()
    assert driven.look(EVERY_S) == [HOURS]
    assert lines(tmp_path / FIRST) == stored_lines(redis, HOURS)
    assert driven.look(EVERY_S) == [], "nothing has changed"


def test_it_waits_for_a_redis_that_is_away_and_says_so_once(
    redis: Redis, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    driven = Driven(connect(f"redis://127.0.0.1:{free_port()}/0", retries=0), tmp_path)
    for _ in range(4):
        assert driven.look(PAUSE_S_MAX) == []
    assert len([one for one in caplog.messages if "Redis is away" in one]) == 1
    store(redis, HOURS, *hours(0, 5))
    driven.redis = redis
    assert driven.look(PAUSE_S_MAX) == [HOURS]


def test_it_ends_when_it_is_told_to(redis: Redis, tmp_path: Path) -> None:
    stop, driven = threading.Event(), Driven(redis, tmp_path)

    def mirror_and_stop(series: Series) -> MirrorOutcome:
        stop.set()
        return driven.mirror(series)

    versions = partial(changes.versions, redis)
    MirrorWatcher(lambda: [HOURS, ETH], versions, mirror_and_stop, EVERY_S).run(stop)
    assert driven.runs == [HOURS]
