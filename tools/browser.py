"""A Chromium for the tests in a real browser.

Never here: driving it (`tests/harness.py`); a browser for users, who have their own.
Invariant: one that is there is used; nothing is installed without saying so.
"""

from __future__ import annotations

import os
import shutil
import subprocess

from tools.failure import SetupFailed
from tools.venv import apt_install

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PACKAGES = ("chromium", "fonts-liberation")
SUDO_LIMIT_S = 10.0


def ensure() -> bool:
    """Find a Chromium, or install Debian's. True if it had to be installed."""
    if find():
        return False
    apt_install(*PACKAGES, sudo=become_root())
    if not find():
        raise SetupFailed(f"Installed {PACKAGES[0]}, but none of {', '.join(NAMES)} is on PATH.")
    return True


def find() -> str | None:
    """Path of the first Chromium or Chrome on PATH."""
    return next(filter(None, map(shutil.which, NAMES)), None)


def become_root() -> tuple[str, ...]:
    """What to put before `apt-get`: nothing as root, else a sudo that asks no password."""
    if shutil.which("apt-get") and os.geteuid() == 0:
        return ()
    if shutil.which("apt-get") and shutil.which("sudo") and sudo_is_silent():
        return ("sudo", "-n")
    raise SetupFailed(
        "The tests need a Chromium, and none of these is on PATH: "
        f"{', '.join(NAMES)}.\nInstall one (on Debian: sudo apt-get install chromium) "
        "and type the same command again."
    )


def sudo_is_silent() -> bool:
    asked = subprocess.run(
        ["sudo", "-n", "true"], capture_output=True, timeout=SUDO_LIMIT_S, check=False
    )
    return asked.returncode == 0
