"""The virtual environment `.venv/` and the Python packages in it.

Never here: which packages; `requirements*.txt` name them with their hashes.
Invariant: nothing is installed whose hash is not in the lock; an unchanged lock installs nothing.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

from tools.failure import SetupFailed, run

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "setup.json"
#: What the roles run on, that with what `make demo` and `make run` need, and that with the tests'
#: packages: each contains the ones before.
RUNTIME_LOCK = ROOT / "requirements.txt"
LOCAL_LOCK = ROOT / "requirements-local.txt"
DEV_LOCK = ROOT / "requirements-dev.txt"
#: What some formats, and traces, need, and no role does: whoever wants them installs it.
TABLES_LOCK = ROOT / "requirements-tables.txt"
TRACES_LOCK = ROOT / "requirements-traces.txt"
#: What `make bench` measures beside ours, in an environment of its own.
PEERS_LOCK = ROOT / "requirements-peers.txt"
LOCKS = (RUNTIME_LOCK, LOCAL_LOCK, DEV_LOCK)
WITH = {
    RUNTIME_LOCK: ", those of the roles alone",
    LOCAL_LOCK: "",
    DEV_LOCK: ", with those for tests",
}
PIP_ADVICE = "Is the package index reachable from here? `make setup` goes on where it stopped."


def ensure(lock: Path) -> bool:
    """Bring `.venv/` to the state of the lock. True if anything had to be done."""
    if read_stamp().get(lock.name) == fingerprint(lock):
        return False
    if not works():
        create()
    print(f"setup: Python packages{WITH[lock]} → .venv (a minute the first time)", flush=True)
    run([*pip(), "install", "--quiet", "--require-hashes", "-r", lock], advice=PIP_ADVICE)
    write_stamp(lock)
    return True


def read_stamp() -> dict[str, str]:
    """What is installed already; empty when the environment is broken, moved or unknown."""
    try:
        stamp = json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if stamp.get("home") == str(VENV) and PYTHON.exists() else {}


def write_stamp(lock: Path) -> None:
    """Remember the locks that are met now."""
    locks = LOCKS[: LOCKS.index(lock) + 1]
    stamp = {"home": str(VENV)} | {lock.name: fingerprint(lock) for lock in locks}
    STAMP.write_text(json.dumps(stamp, indent=2) + "\n", encoding="utf-8")


def fingerprint(lock: Path) -> str:
    return hashlib.sha256(lock.read_bytes()).hexdigest()


def works() -> bool:
    """Does `.venv/` hold an interpreter with a pip that belong to this very folder?"""
    ask = "import pip, sys; print(sys.prefix); sys.exit(sys.version_info < (3, 11))"
    try:
        answer = subprocess.run([PYTHON, "-c", ask], capture_output=True, text=True, check=False)
    except OSError:
        return False
    return answer.returncode == 0 and answer.stdout.strip() == str(VENV)


def create() -> None:
    print(f"setup: virtual environment with Python {platform.python_version()} → .venv", flush=True)
    require_ensurepip()
    run(
        [sys.executable, "-m", "venv", "--clear", VENV],
        advice="Is there space left, and may you write here?",
    )


def require_ensurepip() -> None:
    """Debian keeps `venv` apart from Python: as root install it, else name the package."""
    if importlib.util.find_spec("ensurepip") and importlib.util.find_spec("venv"):
        return
    package = f"python3.{sys.version_info.minor}-venv"
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise SetupFailed(
            f"This Python ({sys.executable}) comes without `venv`. On Debian and Ubuntu:\n"
            f"  sudo apt-get install {package}\nthen type the same command again."
        )
    apt_install(package)


def apt_install(*packages: str, sudo: tuple[str, ...] = ()) -> None:
    """Install Debian packages without a question; needs root or `sudo`."""
    print(f"setup: {' '.join(packages)} (apt-get install)", flush=True)
    env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    advice = f"Install by hand: {' '.join(packages)}"
    run([*sudo, "apt-get", "update", "-qq"], advice=advice, env=env)
    quiet = ("-y", "-qq", "--no-install-recommends")
    run([*sudo, "apt-get", "install", *quiet, *packages], advice=advice, env=env)


def pip() -> list[str | Path]:
    return [PYTHON, "-m", "pip", "--disable-pip-version-check", "--no-input"]
