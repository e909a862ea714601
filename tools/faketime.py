"""libfaketime, by which tests set the clock of one process and no other.

Never here: setting clocks (`tests/support/machine_clock.py`); anything that users need.
Invariant: one that is there is used; nothing is installed without saying so.
"""

from __future__ import annotations

from pathlib import Path

from tools.browser import become_root
from tools.failure import SetupFailed
from tools.venv import apt_install

PACKAGE = "libfaketime"
#: Where Debian and its relatives, and Homebrew, put the library for programs with threads.
PLACES = (
    "/usr/lib/*/faketime/libfaketimeMT.so.1",
    "/usr/lib/faketime/libfaketimeMT.so.1",
    "/usr/lib64/faketime/libfaketimeMT.so.1",
    "/opt/homebrew/lib/faketime/libfaketimeMT.1.dylib",
)


def ensure() -> bool:
    """Find the library, or install Debian's. True if it was installed."""
    if find():
        return False
    apt_install(PACKAGE, sudo=become_root((PACKAGE,)))
    if not find():
        raise SetupFailed(f"Installed {PACKAGE}, and its library is nowhere to be found.")
    return True


def find() -> str | None:
    """Path of the library, None where it is not installed."""
    found = (path for place in PLACES for path in Path("/").glob(place.lstrip("/")))
    return next((str(path) for path in found), None)
