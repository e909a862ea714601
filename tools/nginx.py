"""An nginx for the tests of the proxy examples in `docs/proxies`.

Never here: running it (`tests/support/reverse_proxy.py`); anything that users need.
Invariant: one that is there is used; nothing is installed without saying so, and what is installed
is not started.
"""

from __future__ import annotations

import os
import shutil

from tools.browser import become_root
from tools.failure import SetupFailed
from tools.venv import apt_install

PACKAGE = "nginx"
#: Where it is on systems whose users have no `sbin` on their PATH.
PLACES = os.pathsep.join(("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/bin"))


def ensure() -> bool:
    """Find an nginx, or install Debian's. True if it was installed."""
    if find():
        return False
    apt_install(PACKAGE, sudo=(*become_root((PACKAGE,)), "env", "SYSTEMD_OFFLINE=1"))
    if not find():
        raise SetupFailed(f"Installed {PACKAGE}, and it is nowhere to be found.")
    return True


def find() -> str | None:
    """Path of nginx, None where it is not installed."""
    return shutil.which(PACKAGE) or shutil.which(PACKAGE, path=PLACES)
