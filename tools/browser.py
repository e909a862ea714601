"""A Chromium for the tests in a real browser.

Never here: driving it (`tests/support/chromium.py`); a browser for users, who have their own.
Invariant: one that is there is used; nothing is installed without saying so.
"""

from __future__ import annotations

import os
import shutil
import subprocess

from tools.failure import SetupFailed
from tools.venv import VENV, apt_install

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
BROWSER_PACKAGES = ("chromium", "fonts-liberation")
#: A library that the node inside playwright's package needs and small systems lack.
NODE_PACKAGES = ("libatomic1",)
SUDO_LIMIT_S = 10.0
NODE_LIMIT_S = 30.0


def ensure() -> bool:
    """Find a Chromium and what drives it, or install Debian's. True if something was installed."""
    missing: tuple[str, ...] = () if find() else BROWSER_PACKAGES
    missing += () if driver_runs() else NODE_PACKAGES
    if not missing:
        return False
    apt_install(*missing, sudo=become_root(missing))
    if not find() or not driver_runs():
        raise SetupFailed(f"Installed {', '.join(missing)}, and still no browser can be driven.")
    return True


def find() -> str | None:
    """Path of the first Chromium or Chrome on PATH."""
    return next(filter(None, map(shutil.which, NAMES)), None)


def driver_runs() -> bool:
    """Does the node that playwright brings along start on this system?"""
    drivers = VENV.glob("lib/python3*/site-packages/playwright/driver/node")
    return any(succeeds(str(node), "--version", limit_s=NODE_LIMIT_S) for node in drivers)


def become_root(missing: tuple[str, ...]) -> tuple[str, ...]:
    """What to put before `apt-get`: nothing as root, else a sudo that asks no password."""
    if shutil.which("apt-get") and os.geteuid() == 0:
        return ()
    if shutil.which("apt-get") and succeeds("sudo", "-n", "true", limit_s=SUDO_LIMIT_S):
        return ("sudo", "-n")
    raise SetupFailed(
        f"The tests need {', '.join(missing)}; of a Chromium, any of {', '.join(NAMES)} will do.\n"
        f"On Debian: sudo apt-get install {' '.join(missing)}\nThen type the same command again."
    )


def succeeds(*command: str, limit_s: float) -> bool:
    try:
        ended = subprocess.run(command, capture_output=True, timeout=limit_s, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return ended.returncode == 0
