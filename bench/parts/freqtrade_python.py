"""A Python with freqtrade, in an environment of its own in `var/bench/freqtrade/`.

Never here: the server that is made of it (`freqtrade_peer`).
Invariant: the project's own environment is left alone; only locked packages with their hashes are
installed; whoever cannot have it is told why.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.support.project_files import ROOT
from tools.venv import PEERS_LOCK, fingerprint

FOLDER = ROOT / "var" / "bench" / "freqtrade"
STAMP = FOLDER / "lock.sha256"
PYTHON = FOLDER / "bin" / "python"
LIMIT_S = 600


def freqtrade_python() -> tuple[Path | None, str]:
    """The interpreter; None with the reason where it cannot be had."""
    try:
        if not (STAMP.is_file() and STAMP.read_text() == fingerprint(PEERS_LOCK)):
            install()
    except (subprocess.SubprocessError, OSError) as error:
        return None, f"freqtrade was not installed: {type(error).__name__}"
    return PYTHON, ""


def install() -> None:
    print(f"fetching freqtrade into {FOLDER.relative_to(ROOT)} (700 MB)", flush=True)
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(FOLDER)], check=True)
    quietly = ("--disable-pip-version-check", "--no-input", "install", "--quiet", "--no-compile")
    subprocess.run(
        [PYTHON, "-m", "pip", *quietly, "--require-hashes", "-r", PEERS_LOCK],
        check=True, timeout=LIMIT_S,
    )  # fmt: skip
    STAMP.write_text(fingerprint(PEERS_LOCK))
