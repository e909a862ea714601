"""One mirror at a time writes into a folder, and always that of the same instance.

Never here: what is written.
Invariant: locks are the kernel's.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from tests.support.sample_candles import HOURS
from truecandle.errors import MirrorError, MirrorRefused
from truecandle.mirror.folder import MirrorFolder


def test_a_second_mirror_is_refused_while_the_first_one_runs(tmp_path: Path) -> None:
    one, two = (MirrorFolder(tmp_path / "new" / "mirror") for _ in range(2))
    with (
        one.held("a"),
        pytest.raises(MirrorError, match="another mirror writes into"),
        two.held(""),
    ):
        pass
    with two.held("a"):
        pass


def test_a_folder_belongs_to_one_instance_until_that_is_taken_back(tmp_path: Path) -> None:
    folder = MirrorFolder(tmp_path)
    for identity in ("", "one", "", "one"):
        with folder.held(identity):
            pass
    with pytest.raises(MirrorError, match="another instance") as refused, folder.held("two"):
        pass
    known = tmp_path / ".truecandle" / "instance"
    assert str(known) in str(refused.value)
    known.unlink()
    with folder.held("two"):
        pass


def test_files_are_for_whom_the_umask_says(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        with (folder := MirrorFolder(tmp_path / "mirror")).held(""):
            folder.write(HOURS, "2024-01-01", b"x")
    finally:
        os.umask(before)
    path = folder.path(HOURS, "2024-01-01")
    modes = [stat.S_IMODE(one.stat().st_mode) for one in (path, path.parent)]
    assert modes == [0o640, 0o750]


def test_what_is_no_file_is_not_read_as_one(tmp_path: Path) -> None:
    with (folder := MirrorFolder(tmp_path)).held(""):
        (place := folder.folder(HOURS)).mkdir(parents=True)
        (place / "2024-01-01.parquet").symlink_to("/dev/zero")
        (place / "2024-01-02.parquet").mkdir()
        assert {name: one.bytes for name, one in folder.stats(HOURS).items()} == {
            "2024-01-01": 0, "2024-01-02": 0,
        }  # fmt: skip
        for name in folder.stats(HOURS):
            with pytest.raises(MirrorRefused):
                folder.read(HOURS, name)
        with pytest.raises(MirrorError, match="2024-01-02"):
            folder.write(HOURS, "2024-01-02", b"x")


def test_a_place_that_is_no_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(MirrorError, match="file"), MirrorFolder(tmp_path / "file").held(""):
        pass
    with pytest.raises(MirrorError, match="there is no mirror in"):
        MirrorFolder(tmp_path / "file").require()
