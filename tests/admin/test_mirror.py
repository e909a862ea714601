"""`flask mirror` as operators use it: what it says, how it ends, and that it goes on by itself.

Never here: what is written when (`tests/mirror`).
Invariant: files are read as the documentation says that anybody may.
"""

from __future__ import annotations

import os
import re
import resource
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from redis import Redis

from tests.support.flask_commands import Shell
from tests.support.mirrored_files import hours, lines, store, stored_lines
from tests.support.project_files import ROOT
from tests.support.role_processes import Roles
from tests.support.sample_candles import HOURS, row
from tests.support.waiting import wait_for
from truecandle.candles.interval import INTERVALS
from truecandle.candles.series import Series
from truecandle.config import Settings
from truecandle.store import keys
from truecandle.store.channel import Channel

PAGE = (ROOT / "docs" / "mirror.md").read_text(encoding="utf-8")
ETH = Series("ETHUSDT", INTERVALS["1h"])
FIRST = "BTCUSDT/1h/2024-01-01.parquet"
LONG_S = 120


@pytest.fixture
def shell(redis_url: str, redis: Redis, tmp_path: Path) -> Shell:
    Channel(redis).name()
    chosen = {"symbols": ("BTCUSDT", "ETHUSDT"), "intervals": ("1h", "1d")}
    return Shell(
        Settings(redis_url=redis_url, mirror_dir=str(tmp_path / "mirror"), **chosen)  # type: ignore[arg-type]
    )


def test_all_followed_series_are_mirrored_verified_and_mended(
    shell: Shell, redis: Redis, tmp_path: Path
) -> None:
    store(redis, HOURS, *hours(0, 48))
    store(redis, ETH, *hours(0, 12))
    said = shell.ok("mirror")
    assert "BTCUSDT:1h: 2 written; files: 2, candles: 48" in said
    assert "ETHUSDT:1h: 1 written; files: 1, candles: 12" in said
    assert "ETHUSDT:1d: 0 written; files: 0, candles: 0" in said
    assert "BTCUSDT:1h: 0 written; files: 2, candles: 48" in shell.ok("mirror")
    assert "BTCUSDT:1h: 2 right; candles: 48\n" in shell.ok("mirror --verify")
    (tmp_path / "mirror" / FIRST).write_bytes(b"damaged")
    wrong = shell.run("mirror --verify")
    assert wrong.exit_code == 1
    assert "BTCUSDT:1h: 1 right, 1 wrong; candles: 24" in wrong.output
    assert "BTCUSDT:1h 2024-01-01.parquet: it cannot be read" in wrong.output
    assert "BTCUSDT:1h: 1 written" in shell.ok("mirror BTCUSDT 1h")
    assert shell.run("mirror --verify").exit_code == 0


def test_what_would_be_lost_ends_it_with_1_until_it_is_let_go(
    shell: Shell, redis: Redis, tmp_path: Path
) -> None:
    store(redis, HOURS, *hours(0, 48))
    shell.ok("mirror BTCUSDT 1h")
    redis.delete(keys.klines(HOURS))
    store(redis, HOURS, *hours(24, 24))
    kept = shell.run("mirror BTCUSDT 1h")
    assert kept.exit_code == 1 and "1 left as they are; files: 2, candles: 48" in kept.output
    assert (tmp_path / "mirror" / FIRST).exists()
    assert "1 removed; files: 1, candles: 24" in shell.ok("mirror BTCUSDT 1h --prune")


def test_what_can_not_be_is_one_sentence(
    shell: Shell, redis: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(b"")
    nowhere = Shell(replace(shell.settings, mirror_dir=""))
    for place, command, code, said in (
        (nowhere, "mirror", 2, "Name a folder with --into, or set MIRROR_DIR."),
        (shell, "mirror --verify --prune", 2, "--verify goes with neither --watch nor --prune"),
        (shell, "mirror BTCUSDT", 2, "Name one or more series"),
        (shell, "mirror --every 0", 2, "0 is not in the range 1<=x<=86400"),
        (shell, f"mirror --into {tmp_path / 'file' / 'x'}", 1, "Not a directory"),
        (shell, "mirror --verify", 1, "there is no mirror in"),
    ):
        refused = place.run(command)
        assert (refused.exit_code, said in refused.output) == (code, True), refused.output
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    missing = shell.run("mirror")
    assert missing.exit_code == 1
    assert "pip install -r requirements-tables.txt" in missing.output


def test_the_examples_of_the_documentation_read_it(
    shell: Shell, redis: Redis, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store(redis, HOURS, *hours(0, 47), row(47, "8.12345678"))
    store(redis, ETH, *hours(0, 12))
    shell.ok("mirror")
    told = []
    for text in re.findall(r"^```python\n(.*?)^```", PAGE, re.M | re.S):
        exec(compile(text, "docs/mirror.md", "exec"), {"MIRROR": str(tmp_path / "mirror")})
        told.append(capsys.readouterr().out)
    pandas, polars, dataset = told
    assert pandas.startswith("48 2024-01-02 23:00:00+00:00 8.12345678\n")
    assert "2024-01-02 00:00:00+00:00    8.123457" in pandas
    assert "8.500000000000000000" in polars and "2024-01-01.parquet" not in polars.splitlines()[0]
    assert dataset == "60 ['BTCUSDT', 'ETHUSDT']\n"


def test_a_disk_that_takes_no_more_is_named_spoils_no_file_and_is_gone_on_with_once_it_does(
    shell: Shell, redis: Redis, redis_url: str, processes: Roles, tmp_path: Path
) -> None:
    """The kernel cuts every write off after 1 kB, as a full disk does in the midst of a file."""
    store(redis, HOURS, *hours(0, 12))
    root = tmp_path / "mirror"
    env = {"REDIS_URL": redis_url, "VAR_DIR": str(tmp_path / "var"), "SYMBOLS": "BTCUSDT"}
    # Python itself would leave half of a compiled module behind.
    env |= {"INTERVALS": "1h", "MIRROR_DIR": str(root), "PYTHONDONTWRITEBYTECODE": "1"}
    role = processes.start("mirror", ["-m", "flask", "mirror", "--watch", "--every", "1"], env)
    wait_for((root / FIRST).exists, what="the first file")
    before = resource.prlimit(role.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(role.pid, resource.RLIMIT_FSIZE, (1_000, before[1]))
    store(redis, HOURS, *hours(12, 36))
    role.wait_for_line(f"BTCUSDT:1h: {root / FIRST}: File too large")
    first = [str(root / FIRST)]
    assert [str(path) for path in root.rglob("*.parquet*")] == first, "no other, none half written"
    assert len(lines(root / FIRST)) == 12
    assert shell.run("mirror --verify").exit_code == 0, "behind the store, and not wrong"
    resource.prlimit(role.pid, resource.RLIMIT_FSIZE, before)
    second = root / FIRST.replace("01.p", "02.p")
    wait_for(second.exists, what="what was due still, although nothing has changed since")
    assert lines(root / FIRST) + lines(second) == stored_lines(redis, HOURS)
    assert role.end(signal.SIGTERM) == 0
    assert "mirror: stopped" in role.output and "Traceback" not in role.output
    once = ["sh", "-c", 'ulimit -f 2 && exec "$@"', "", sys.executable, "-m", "flask", "mirror"]
    store(redis, HOURS, *hours(48, 2))
    done = subprocess.run(
        once, cwd=ROOT, env=os.environ | env, capture_output=True, text=True, timeout=LONG_S
    )
    third = root / FIRST.replace("01.p", "03.p")
    assert (done.returncode, third.exists()) == (1, False), done.stdout + done.stderr
    assert f"BTCUSDT:1h: {third}: File too large" in done.stdout + done.stderr


def test_a_watching_mirror_follows_the_store_alone_and_ends_at_once(
    shell: Shell, redis: Redis, redis_url: str, processes: Roles, tmp_path: Path
) -> None:
    store(redis, HOURS, *hours(0, 12))
    env = {"REDIS_URL": redis_url, "VAR_DIR": str(tmp_path / "var"), "SYMBOLS": "BTCUSDT"}
    env |= {"INTERVALS": "1h", "MIRROR_DIR": shell.settings.mirror_dir, "LOG_FORMAT": "json"}
    role = processes.start("mirror", ["-m", "flask", "mirror", "--watch", "--every", "1"], env)
    path = tmp_path / "mirror" / FIRST
    wait_for(path.exists, what="the first file")
    store(redis, HOURS, row(5, "8.61000000"), *hours(12, 3))
    wait_for(lambda: lines(path) == stored_lines(redis, HOURS), what="the new candles")
    second = shell.run("mirror")
    assert second.exit_code == 1 and "another mirror writes into" in second.output
    assert shell.run("mirror --verify").exit_code == 0
    assert role.end(signal.SIGTERM) == 0
    assert "mirror: stopped" in role.output and "Traceback" not in role.output
    assert "candles: 15" in shell.ok("mirror BTCUSDT 1h")
