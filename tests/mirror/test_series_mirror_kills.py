"""Whoever mirrors may be killed at any step: no half file is ever seen, and the next run finishes.

Never here: what is mirrored.
Invariant: kills are SIGKILLs of real processes, right before each step that changes the disk.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from redis import Redis

from tests.support.mirrored_files import content, hours, mirror, store
from tests.support.project_files import ROOT
from tests.support.sample_candles import HOUR_MS, HOURS, START_MS, row
from truecandle.mirror import parquet
from truecandle.store import keys

LONG_S = 300


def test_a_run_that_is_killed_at_any_step_is_finished_by_the_next(
    redis: Redis, redis_url: str, tmp_path: Path
) -> None:
    """Given a mirror of two days, when one is corrected, one is gone and one more is there."""
    base, whole, folder = (tmp_path / name for name in ("base", "whole", "killed"))
    store(redis, HOURS, *hours(0, 48))
    mirror(redis, base)
    redis.zremrangebyscore(keys.klines(HOURS), START_MS, START_MS + 23 * HOUR_MS)
    store(redis, HOURS, row(40, "8.40000000"), *hours(48, 24))
    shutil.copytree(base, whole)
    assert mirror(redis, whole, prune=True).refused == []
    command = [sys.executable, "-m", "tests.support.killed_mirrors", redis_url]
    done = subprocess.run(
        [*command, base, folder], cwd=ROOT, capture_output=True, text=True, timeout=LONG_S
    )
    assert done.returncode == 0, done.stdout + done.stderr
    through = int(done.stdout)
    assert through > 8
    old, new = content(base), content(whole)
    for number in range(1, through + 1):
        root = folder / str(number)
        for name, found in content(root).items():
            if name.endswith(".parquet"):
                assert found in (old.get(name), new.get(name)), f"{name} after {number} steps"
                parquet.decode(found)
        assert mirror(redis, root, prune=True).refused == []
        assert content(root) == new, f"after {number} steps"
        assert mirror(redis, root).written == 0
