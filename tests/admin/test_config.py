"""`flask config`: where every value comes from, what is wrong, and no secret.

Never here: single settings and what they may be (`tests/test_config.py`, `tests/test_urls.py`).
Invariant: the command runs as an operator types it, with an environment of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.support.project_files import ROOT, settings_and_defaults

SECRET = "S3cretS3cretS3cret"
APP = {"FLASK_APP": f"{ROOT}/app.py:create", "PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]}


def flask(
    folder: Path, env: Mapping[str, str], *words: str, **more: Any
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "flask", *words]
    return subprocess.run(
        command, cwd=folder, env={**APP, **env}, capture_output=True, text=True, timeout=60, **more
    )


def test_every_setting_is_shown_with_its_origin_and_without_its_secret(tmp_path: Path) -> None:
    """Given settings in an environment, in `.env`, in both, and in a file that `.env` names."""
    url = tmp_path / "url"
    url.write_text(f"redis://ann:{SECRET}@127.0.0.1:1/0\n")
    in_file = [f"REDIS_URL_FILE={url}", "PORT=5001", "SYMBOLS=ETHUSDT", "LOGFORMAT=json"]
    (tmp_path / ".env").write_text("\n".join(in_file))
    env = {"SECRET_KEY": SECRET, "SYMBOLS": "BTCUSDT", "HISTORY_CANDLES": " "}
    done = flask(tmp_path, env, "config", "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    found = {one["name"]: (one["value"], one["origin"]) for one in said["settings"]}
    assert found.keys() == settings_and_defaults().keys()
    assert found["SECRET_KEY"] == ("(not shown)", "environment")
    assert found["SYMBOLS"] == ("BTCUSDT", "environment")
    assert found["PORT"] == ("5001", ".env")
    assert found["HISTORY_CANDLES"] == ("1000", "default")
    shown = ("redis://ann:***@127.0.0.1:1/0", "file named by REDIS_URL_FILE (.env)")
    assert found["REDIS_URL"] == shown
    assert (said["wrong"], said["unknown"]) == ([], ["LOGFORMAT"])
    assert SECRET not in done.stdout + done.stderr


def test_what_is_wrong_is_named_in_a_sentence_each(tmp_path: Path) -> None:
    env = {"REDIS_URL": f"redis://{SECRET}", "PORT": "0", "LOG_FORMAT": "xml"}
    env["SECRET_KEY_FILE"] = str(tmp_path / "no-such-file")
    done = flask(tmp_path, env, "config")
    assert done.returncode == 2
    names = sorted(line.partition("=")[0] for line in done.stderr.splitlines())
    assert names == ["LOG_FORMAT", "PORT", "SECRET_KEY_FILE"]
    assert "  SYMBOLS" not in done.stdout and "\nSYMBOLS " in done.stdout


def test_a_shell_completes_commands(tmp_path: Path) -> None:
    """As the script that `_FLASK_COMPLETE=bash_source flask` prints asks for it."""
    asked = {"COMP_WORDS": "flask back", "COMP_CWORD": "1", "_FLASK_COMPLETE": "bash_complete"}
    command = [Path(sys.executable).with_name("flask")]
    done = subprocess.run(
        command, cwd=tmp_path, env={**APP, **asked}, capture_output=True, text=True, timeout=60
    )
    found = {word for line in done.stdout.splitlines() for word in line.split(",")}
    assert {"backfill", "backup"} <= found, done.stdout + done.stderr
