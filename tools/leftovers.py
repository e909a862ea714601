"""Processes that a killed run left behind, and the lock by which a living run is known.

Never here: starting anything.
Invariant: only processes that carry this run's mark are ended, and only while nobody holds its
lock; a run that is alive is never touched.
"""

from __future__ import annotations

import fcntl
import os
import signal
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

PROC = Path("/proc")
MARK = "TRUECANDLE_RUN"
ORDERLY_S = 5.0
POLL_S = 0.05


class AlreadyRunning(Exception):
    """Another run holds the lock. Its text names the process."""


@contextmanager
def sole_run(folder: Path) -> Iterator[None]:
    """Hold the folder's lock; the system takes it back however this process ends."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "run.lock").open("a+", encoding="ascii") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as taken:
            file.seek(0)
            raise AlreadyRunning(f"process {file.read().strip() or 'unknown'}") from taken
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def end(folder: Path) -> list[str]:
    """End what an earlier run of this folder left running; returns the names of what was ended."""
    names = {pid: name(pid) for pid in find(folder)}
    send(names, signal.SIGTERM)
    deadline_s = time.monotonic() + ORDERLY_S
    while any(map(alive, names)) and time.monotonic() < deadline_s:
        time.sleep(POLL_S)
    send(filter(alive, names), signal.SIGKILL)
    return [f"{name} ({pid})" for pid, name in names.items()]


def find(folder: Path) -> list[int]:
    """Processes with the folder's mark in their environment or with their home in it (the server
    writes its title over its environment). Without /proc none can be found."""
    mark = f"{MARK}={folder}".encode()
    found = []
    for entry in PROC.glob("[0-9]*"):
        try:
            marked = mark in (entry / "environ").read_bytes().split(b"\0")
            at_home = folder in Path(os.readlink(entry / "cwd")).parents
            is_old = marked or (at_home and "-server" in (entry / "comm").read_text())
        except OSError:
            continue  # it ended meanwhile, or belongs to somebody else
        if is_old and int(entry.name) not in (os.getpid(), os.getppid()):
            found.append(int(entry.name))
    return found


def name(pid: int) -> str:
    try:
        return (PROC / str(pid) / "comm").read_text().strip()
    except OSError:
        return "process"


def send(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def alive(pid: int) -> bool:
    """A zombie counts as gone: it holds neither port nor lock."""
    try:
        return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
