"""`python -m tests.support.killed_mirrors REDIS_URL BASE FOLDER`: mirrors that are killed.

`FOLDER/1`, `FOLDER/2`, … are copies of BASE in which a run was killed right before the first, the
second, … step that changes the disk. Ends with the first run that gets through, and prints its
number.

Never here: assertions.
Invariant: who is killed ends by SIGKILL, so that nothing is put in order on the way out.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from pathlib import Path

import redis as redis_py

from tests.support.mirrored_files import mirror
from truecandle.store import tables

#: More steps than any of these runs has.
STEPS_MAX = 60
CHANGING = {"os.rename", "os.remove", "os.mkdir", "os.utime"}


def main(url: str, base: Path, folder: Path) -> int:
    tables.pyarrow()  # once, for all of them
    for number in range(1, STEPS_MAX):
        root = folder / str(number)
        shutil.copytree(base, root)
        child = os.fork()
        if not child:
            run(url, root, number)
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status):
            print(number)
            return os.WEXITSTATUS(status)
    return 1


def run(url: str, root: Path, steps: int) -> None:
    """A run, killed before that step; what gets through ends with 0."""
    left = steps

    def on_event(event: str, args: tuple[object, ...]) -> None:
        nonlocal left
        is_write = event == "open" and isinstance(args[2], int) and args[2] & os.O_CREAT
        if (event in CHANGING or is_write) and str(args[0]).startswith(str(root)):
            left -= 1
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(on_event)
    try:
        with redis_py.Redis.from_url(url) as client:
            found = mirror(client, root, prune=True)
        os._exit(len(found.refused))
    finally:
        os._exit(100)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])))
