"""A mirror's files hold what the store holds, and only those that have to be are written.

Never here: being killed (`test_series_mirror_kills`), commands.
Invariant: a real Redis and a real disk; a file that was written again has another inode.
"""

from __future__ import annotations

import hashlib
import resource
import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis import Redis

from tests.support.mirrored_files import (
    content,
    hours,
    lines,
    minutes,
    mirror,
    placed,
    store,
    stored_lines,
)
from tests.support.sample_candles import HOUR_MS, HOURS, MINUTE_MS, MINUTES, START_MS, row
from truecandle.candles.interval import DAY_MS, INTERVALS
from truecandle.candles.series import Series
from truecandle.mirror import index as indexes
from truecandle.mirror.folder import MirrorFolder
from truecandle.store import keys, sealing

DAYS = Series("BTCUSDT", INTERVALS["1d"])
FIRST, SECOND, THIRD = (f"BTCUSDT/1h/2024-01-0{day}.parquet" for day in (1, 2, 3))


def days(first: int, count: int, close: str = "8.50000000") -> list[Any]:
    return [row(number, close, DAY_MS) for number in range(first, first + count)]


def test_both_halves_of_a_series_are_mirrored_digit_by_digit(redis: Redis, tmp_path: Path) -> None:
    """Given minutes of two and a half days with a hole, when all but some are sealed."""
    store(redis, MINUTES, *minutes(0, 1_900), *minutes(2_000, 1_600))
    while sealing.step(redis, MINUTES, 600, 0) == "done":
        pass
    assert redis.zcard(keys.klines(MINUTES)) < 1_700
    done = mirror(redis, tmp_path, MINUTES)
    assert (done.written, done.files, done.rows, done.refused) == (3, 3, 3_500, [])
    files = [tmp_path / "BTCUSDT" / "1m" / f"2024-01-0{day}.parquet" for day in (1, 2, 3)]
    held = [lines(path) for path in files]
    assert [line for some in held for line in some] == stored_lines(redis, MINUTES)
    assert list(map(len, held)) == [1_440, 1_340, 720]
    for path, some in zip(files, held, strict=True):
        told = pq.ParquetFile(path).schema_arrow.metadata[b"truecandle.sha256"].decode()
        assert told == hashlib.sha256("".join(f"{one}\n" for one in some).encode()).hexdigest()


def test_a_second_run_writes_nothing_and_a_correction_exactly_its_day(
    redis: Redis, tmp_path: Path
) -> None:
    """Also one that is sealed by then, and one that comes late."""
    store(redis, HOURS, *hours(0, 40), *hours(41, 1_500))
    mirror(redis, tmp_path)
    before = placed(tmp_path)
    assert mirror(redis, tmp_path).written == 0 and placed(tmp_path) == before
    while sealing.step(redis, HOURS, 100, 0) == "done":
        pass
    assert mirror(redis, tmp_path).written == 0
    store(redis, HOURS, row(30, "8.61000000"))
    assert mirror(redis, tmp_path).written == 1
    store(redis, HOURS, row(40))
    assert mirror(redis, tmp_path).written == 1
    store(redis, HOURS, row(3, "8.70000000"), *hours(1_541, 20))
    assert mirror(redis, tmp_path).written == 1 + 2
    after = placed(tmp_path)
    changed = {name for name in after if after[name] != before.get(name)}
    assert changed == {
        FIRST, SECOND, "BTCUSDT/1h/2024-03-05.parquet", "BTCUSDT/1h/2024-03-06.parquet",
    }  # fmt: skip
    held = [line for name in after for line in lines(tmp_path / name)]
    assert held == stored_lines(redis, HOURS)


#: What may happen to a series, and of which days.
STEPS = st.tuples(
    st.sampled_from(["add", "add", "correct", "drop", "seal", "forget corrections", "lose index"]),
    st.integers(0, 1_300),
    st.integers(1, 60),
)


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(STEPS, min_size=1, max_size=8))
def test_whatever_happens_to_a_series_its_files_hold_what_is_stored(
    redis: Redis, tmp_path: Path, steps: list[tuple[str, int, int]]
) -> None:
    redis.flushall()
    shutil.rmtree(root := tmp_path / "mirror", ignore_errors=True)
    store(redis, DAYS, *days(0, 1_200))
    for kind, first, count in steps:
        if kind in ("add", "correct"):
            close = f"8.{first % 90:02}000000"
            store(redis, DAYS, *days(first + 30 * (kind == "add"), count, close))
        elif kind == "drop":
            start_ms = START_MS + first * DAY_MS
            redis.zremrangebyscore(keys.klines(DAYS), start_ms, start_ms + count * DAY_MS)
        elif kind == "seal":
            sealing.step(redis, DAYS, count, 0)
        elif kind == "forget corrections":
            redis.delete(keys.corrections(DAYS))
        else:
            (root / ".truecandle" / "index" / "BTCUSDT-1d.json").unlink(missing_ok=True)
        assert mirror(redis, root, DAYS, prune=True).refused == []
        held = [line for name in placed(root) for line in lines(root / name)]
        assert held == stored_lines(redis, DAYS)
    assert mirror(redis, root, DAYS, prune=True).written == 0


def test_corrections_are_found_although_the_last_known_one_is_not_kept_any_more(
    redis: Redis, tmp_path: Path
) -> None:
    store(redis, HOURS, *hours(0, 72))
    store(redis, HOURS, row(0, "8.10000000"))
    mirror(redis, tmp_path)
    redis.delete(keys.corrections(HOURS))
    store(redis, HOURS, row(50, "8.20000000"))
    redis.delete(keys.corrections(HOURS))
    before = placed(tmp_path)
    assert mirror(redis, tmp_path).written == 1
    after = placed(tmp_path)
    assert [name for name in after if after[name] != before[name]] == [THIRD]


def test_what_is_not_stored_any_more_stays_until_it_is_let_go(redis: Redis, tmp_path: Path) -> None:
    """Given a store from which a day has gone, and a part of another, as when Redis is emptied."""
    store(redis, HOURS, *hours(0, 72))
    mirror(redis, tmp_path)
    before = content(tmp_path)
    redis.zremrangebyscore(keys.klines(HOURS), START_MS, START_MS + 30 * HOUR_MS)
    for _ in range(2):
        found = mirror(redis, tmp_path)
        assert (found.written, found.removed) == (0, 0)
        first, second = found.refused
        assert "2024-01-01.parquet: 24 of its 24 candles are not stored any more" in first
        assert "2024-01-02.parquet: 7 of its 24 candles" in second and "--prune" in second
    assert content(tmp_path) == before
    found = mirror(redis, tmp_path, prune=True)
    assert (found.written, found.removed, found.refused) == (1, 1, [])
    assert list(placed(tmp_path)) == [SECOND, THIRD]
    assert [line for name in (SECOND, THIRD) for line in lines(tmp_path / name)] == stored_lines(
        redis, HOURS
    )


def test_what_others_put_there_is_never_touched(redis: Redis, tmp_path: Path) -> None:
    """Files beside ours, one under a name of ours, and one of another series."""
    store(redis, HOURS, *hours(0, 72))
    mirror(redis, tmp_path)
    folder = tmp_path / "BTCUSDT" / "1h"
    others = [folder / "notes.parquet", folder / ".2024.parquet.part", tmp_path / "README"]
    others += [folder / "2024-02-01.parquet", folder / "2024-02-02.parquet"]
    for path in others[:4]:
        path.write_bytes(b"not ours")
    others[4].write_bytes((tmp_path / FIRST).read_bytes().replace(b"BTCUSDT", b"ETHUSDT"))
    before = {path: path.read_bytes() for path in others}
    store(redis, HOURS, *hours(31 * 24, 48))
    for prune in (False, True):
        found = mirror(redis, tmp_path, prune=prune)
        assert found.written == 0 and len(found.refused) == 2, found.refused
        assert "2024-02-01.parquet: it cannot be read" in found.refused[0]
        assert "2024-02-02.parquet: it is of another series" in found.refused[1]
        assert {path: path.read_bytes() for path in others} == before


def test_a_lost_index_or_a_copy_costs_no_file_and_a_damaged_one_is_written_anew(
    redis: Redis, tmp_path: Path
) -> None:
    store(redis, HOURS, *hours(0, 72))
    mirror(redis, tmp_path)
    before = placed(tmp_path)
    for text in (b"", b"{", b'{"form":"truecandle-mirror-1"}'):
        (tmp_path / ".truecandle" / "index" / "BTCUSDT-1h.json").write_bytes(text)
        assert mirror(redis, tmp_path).written == 0 and placed(tmp_path) == before
    (tmp_path / THIRD).touch()
    before = placed(tmp_path)
    for _ in range(2):
        assert mirror(redis, tmp_path).written == 0 and placed(tmp_path) == before
    (tmp_path / FIRST).write_bytes(b"damaged")
    (tmp_path / SECOND).unlink()
    assert mirror(redis, tmp_path).written == 2
    assert [line for name in before for line in lines(tmp_path / name)] == stored_lines(
        redis, HOURS
    )


def test_an_earlier_beginning_finds_what_changed_there_meanwhile(
    redis: Redis, tmp_path: Path
) -> None:
    store(redis, HOURS, *hours(0, 72))
    since_ms = START_MS + 30 * HOUR_MS
    assert mirror(redis, tmp_path, since_ms=since_ms).written == 2
    assert FIRST not in placed(tmp_path)
    assert mirror(redis, tmp_path).written == 1
    store(redis, HOURS, row(1, "8.30000000"), row(31, "8.30000000"))
    assert mirror(redis, tmp_path, since_ms=since_ms).written == 1
    assert mirror(redis, tmp_path).written == 1
    assert lines(tmp_path / FIRST) == stored_lines(redis, HOURS)[:24]


def test_longer_intervals_have_a_file_a_year_and_no_two_share_a_folder(
    redis: Redis, tmp_path: Path
) -> None:
    of_days, months = (Series("币安人生USDT", INTERVALS[name]) for name in ("1d", "1M"))
    store(redis, of_days, *days(0, 400))
    for number, open_ms in enumerate((START_MS, START_MS + 31 * DAY_MS)):
        store(redis, months, [open_ms, *row(number)[1:6], open_ms + 28 * DAY_MS, *row(number)[7:]])
    for series in (of_days, months, Series("币安人生USDT", INTERVALS["1m"])):
        assert mirror(redis, tmp_path, series).refused == []
    assert list(placed(tmp_path)) == [
        "币安人生USDT/1d/2024.parquet", "币安人生USDT/1d/2025.parquet",
        "币安人生USDT/1mo/2024.parquet",
    ]  # fmt: skip
    assert len(lines(tmp_path / "币安人生USDT/1d/2024.parquet")) == 366


def test_junk_in_the_store_is_left_out_and_what_takes_its_place_is_found(
    redis: Redis, tmp_path: Path
) -> None:
    store(redis, HOURS, *hours(0, 24))
    key, newest_ms = keys.klines(HOURS), START_MS + 23 * HOUR_MS
    redis.zremrangebyscore(key, newest_ms, newest_ms)
    redis.zadd(key, {b"junk": newest_ms})
    assert mirror(redis, tmp_path).rows == 23
    store(redis, HOURS, row(23))
    assert mirror(redis, tmp_path).rows == 24
    assert lines(tmp_path / FIRST) == stored_lines(redis, HOURS)


def test_a_disk_that_takes_no_more_is_named_and_nothing_is_broken(
    redis: Redis, tmp_path: Path
) -> None:
    store(redis, HOURS, *hours(0, 48))
    mirror(redis, tmp_path)
    before = content(tmp_path)
    store(redis, HOURS, row(1, "8.90000000"), *hours(48, 24))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, hard))
    try:
        found = mirror(redis, tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert found.refused and str(tmp_path) in found.refused[0] and "large" in found.refused[0]
    assert content(tmp_path) == before
    assert mirror(redis, tmp_path).written == 2


@pytest.mark.parametrize("symbol", [".", "..", ".X"])
def test_no_symbol_leads_out_of_the_folder(redis: Redis, tmp_path: Path, symbol: str) -> None:
    series = Series(symbol, INTERVALS["1h"])
    store(redis, series, *hours(0, 2))
    (refused,) = mirror(redis, tmp_path / "mirror", series).refused
    assert f"symbol is '{symbol}'" in refused
    assert [path.name for path in tmp_path.iterdir()] == ["mirror"]
    assert content(tmp_path) == {}


def test_minutes_at_the_edges_of_a_day_are_in_their_own_file(redis: Redis, tmp_path: Path) -> None:
    store(redis, MINUTES, row(1_439, step_ms=MINUTE_MS), row(1_440, step_ms=MINUTE_MS))
    mirror(redis, tmp_path, MINUTES)
    assert [len(lines(tmp_path / name)) for name in placed(tmp_path)] == [1, 1]


def test_what_was_written_before_the_disk_would_not_go_on_is_remembered(
    redis: Redis, tmp_path: Path
) -> None:
    """Given a folder in the place of the second file's draft."""
    store(redis, HOURS, *hours(0, 72))
    draft = tmp_path / "BTCUSDT" / "1h" / ".2024-01-02.parquet.part"
    draft.mkdir(parents=True)
    found = mirror(redis, tmp_path)
    assert (found.written, found.files, found.rows, found.is_broken_off) == (1, 1, 24, True)
    assert len(found.refused) == 1 and str(draft) in found.refused[0]
    index = indexes.loads(HOURS, MirrorFolder(tmp_path).index(HOURS))
    assert index is not None and (list(index.files), index.version) == (["2024-01-01"], 0)
    draft.rmdir()
    assert (mirror(redis, tmp_path).written, len(placed(tmp_path))) == (2, 3)
