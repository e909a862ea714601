"""Every way in which a file can be wrong is told, and mended by the next run; what is merely behind
the store is no fault.

Never here: what a run writes.
Invariant: files are damaged behind the mirror's back, the store by its own doors.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from redis import Redis

from tests.support.mirrored_files import content, hours, mirror, store
from tests.support.sample_candles import HOUR_MS, HOURS, START_MS, row
from truecandle.mirror.folder import MirrorFolder
from truecandle.mirror.verifier import MirrorVerifier, Verification

FIRST = "BTCUSDT/1h/2024-01-01.parquet"


def verify(redis: Redis, root: Path) -> Verification:
    return MirrorVerifier(redis, MirrorFolder(root)).verify(HOURS)


def rewritten(path: Path, change: Callable[[pa.Table], pa.Table]) -> None:
    table = pq.ParquetFile(path).read()
    pq.write_table(change(table).replace_schema_metadata(table.schema.metadata), path)


def retouched(table: pa.Table) -> pa.Table:
    """One price, by the last digit that there is room for."""
    closes = table.column("close").to_pylist()
    closes[3] += closes[3].scaleb(-17)
    return table.set_column(4, table.schema.field(4), pa.array(closes, table.schema.field(4).type))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda table: table.slice(1), "1 missing: 2024-01-01T00:00:00.000Z"),
        (lambda table: pa.concat_tables([table.slice(0, 9), table.slice(14)]), "5 missing: "),
        (lambda table: table.take(list(range(23, -1, -1))), "its rows are not in their order"),
        (retouched, "1 different: 2024-01-01T03:00:00.000Z"),
        (lambda table: table.drop_columns("trades"), "it is no file of a mirror"),
    ],
    ids=["first", "some", "order", "digit", "column"],
)
def test_rows_that_are_not_the_stores_are_named_and_the_next_run_mends_them(
    redis: Redis, tmp_path: Path, change: Callable[[pa.Table], pa.Table], said: str
) -> None:
    """Given that not even the time of the file tells that it was changed."""
    store(redis, HOURS, *hours(0, 48))
    mirror(redis, tmp_path)
    before, path = content(tmp_path), tmp_path / FIRST
    status = path.stat()
    rewritten(path, change)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    found = verify(redis, tmp_path)
    assert (found.files, found.behind, len(found.faults)) == (1, 0, 1)
    assert f"BTCUSDT:1h 2024-01-01.parquet: {said}" in found.faults[0]
    assert mirror(redis, tmp_path).written == 1
    assert content(tmp_path) == before
    clean = verify(redis, tmp_path)
    assert (clean.files, clean.rows, clean.faults) == (2, 48, [])


def test_bytes_that_rot_a_file_that_is_gone_and_one_too_many_are_told(
    redis: Redis, tmp_path: Path
) -> None:
    store(redis, HOURS, *hours(0, 72))
    mirror(redis, tmp_path)
    first, second, third = sorted(tmp_path.rglob("*.parquet"))
    status = first.stat()
    with first.open("r+b") as file:
        file.seek(100)
        file.write(bytes(50))
    os.utime(first, ns=(status.st_atime_ns, status.st_mtime_ns))
    second.unlink()
    stranger = third.with_name("2024-02-01.parquet")
    stranger.write_bytes(third.read_bytes())
    known = stranger.stat().st_mtime_ns
    found = verify(redis, tmp_path)
    assert found.files == 1 and len(found.faults) == 3
    for fault, said in zip(found.faults, ("2024-01-01", "2024-01-02", "24 too many"), strict=True):
        assert said in fault
    assert stranger.stat().st_mtime_ns == known, "it is not the mirror's"
    assert mirror(redis, tmp_path).written == 2
    stranger.unlink()
    assert verify(redis, tmp_path).faults == []


def test_what_has_come_since_is_behind_and_no_fault(redis: Redis, tmp_path: Path) -> None:
    store(redis, HOURS, *hours(0, 48))
    mirror(redis, tmp_path)
    store(redis, HOURS, row(1, "8.60000000"), *hours(48, 30))
    found = verify(redis, tmp_path)
    assert (found.files, found.behind, found.faults) == (1, 3, [])
    assert MirrorVerifier(redis, MirrorFolder(tmp_path)).verify(
        HOURS, START_MS + 30 * HOUR_MS
    ).behind == 2  # fmt: skip
