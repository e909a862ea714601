"""The import ladder: the contracts hold, and each would notice being broken.

Never here: the browser's ladder (`tests/js`).
Invariant: a contract that cannot fail is no contract.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.project_files import ROOT

VIOLATIONS = {
    "The ladder": ("admin/kit.py", "import truecandle.fetcher"),
    "Official and live candles never touch": ("store/live.py", "import truecandle.store.official"),
    "REST and streams of the exchange": (
        "binance/rest/http.py",
        "import truecandle.binance.streams",
    ),
    "The candle rules do no I/O": ("candles/merge.py", "import time"),
    "Only the web role knows Flask and eventlet": ("events.py", "import flask"),
    "The package never imports its entry scripts": ("errors.py", "import background_fetcher"),
    "The simulated exchange knows neither store nor client": (
        "sim/server.py",
        "import truecandle.binance",
    ),
}


def lint(folder: Path) -> str:
    """What `lint-imports` prints about the package in this folder."""
    program = "import sys; from importlinter.cli import lint_imports_command; "
    done = subprocess.run(
        [sys.executable, "-c", f"{program}lint_imports_command()", "--no-cache"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder), "COLUMNS": "200"},
        capture_output=True,
        text=True,
    )
    return done.stdout + done.stderr


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A copy of the package and its contracts, to be broken."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "truecandle", tmp_path / "truecandle", ignore=ignored)
    shutil.copy(ROOT / ".importlinter", tmp_path)
    return tmp_path


def test_every_import_goes_down_the_ladder(package: Path) -> None:
    said = lint(package)
    assert re.search(rf"Contracts: {len(VIOLATIONS)} kept, 0 broken", said), said


def test_every_contract_notices_a_planted_violation(package: Path) -> None:
    for path, line in VIOLATIONS.values():
        with (package / "truecandle" / path).open("a") as file:
            file.write(f"\n{line}\n")
    said = lint(package)
    kept = [name for name in VIOLATIONS if not re.search(rf"{name}.* BROKEN", said)]
    assert kept == [], said


def test_a_stray_module_is_noticed(package: Path) -> None:
    (package / "truecandle" / "stray.py").write_text('"""Nobody\'s."""\n')
    assert "stray" in lint(package)
