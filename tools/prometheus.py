"""Prometheus and its promtool, for the tests of rules and dashboard.

Never here: running them (`tests/support/prometheus_server.py`); anything that users need.
Invariant: one that is there is used; nothing is unpacked without saying so, and nothing is
installed: Debian's package would start a server of its own with the machine.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from tools.browser import become_root
from tools.failure import SetupFailed, run
from tools.venv import VENV

PACKAGE = "prometheus"
PROGRAMS = ("prometheus", "promtool")
#: Where Debian's package is unpacked to.
FOLDER = VENV / PACKAGE
#: Where Homebrew puts it.
PLACES = "/opt/homebrew/bin"


def ensure() -> bool:
    """Find both programs, or unpack Debian's. True if they were unpacked."""
    if all(map(find, PROGRAMS)):
        return False
    sudo = become_root((PACKAGE,))
    print(f"setup: {PACKAGE} → {FOLDER.parent.name}/{FOLDER.name} (apt-get download)", flush=True)
    advice = f"Install by hand: {PACKAGE}"
    run([*sudo, "apt-get", "update", "-qq"], advice=advice)
    with tempfile.TemporaryDirectory() as folder:
        run(["apt-get", "download", "-qq", PACKAGE], advice=advice, cwd=Path(folder))
        (package,) = Path(folder).glob("*.deb")
        run(["dpkg-deb", "--extract", package, FOLDER], advice=advice)
    if not all(map(find, PROGRAMS)):
        raise SetupFailed(f"Unpacked {PACKAGE}, and its programs are nowhere to be found.")
    return True


def find(program: str) -> str | None:
    """Path of `prometheus` or `promtool`, None where it is not there."""
    places = os.pathsep.join((str(FOLDER / "usr" / "bin"), PLACES))
    return shutil.which(program) or shutil.which(program, path=places)
