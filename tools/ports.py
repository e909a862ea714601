"""Which ports are free, and who has those that are not.

Never here: ending whoever has a port.
Invariant: a port reported as free could be bound a moment ago.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
LISTENING = "0A"
SEARCHED_PORTS = 100


@dataclass(frozen=True, slots=True)
class Port:
    """One port that is about to be used: `setting` is the variable that changes it."""

    setting: str
    number: int
    purpose: str
    host: str = "127.0.0.1"


def problems(wanted: Iterable[Port], command: str) -> list[str]:
    """One sentence for each port that cannot be had, with the way out; empty when all are free."""
    found, seen = [], dict[int, Port]()
    for port in wanted:
        if port.number in seen:
            found.append(f"{port.setting} and {seen[port.number].setting} are both {port.number}.")
        elif (refusal := why_not(port.host, port.number)) is not None:
            way_out = f"{command} {port.setting}={next_free(port.host, port.number)}"
            found.append(
                f"Port {port.number} ({port.purpose}) {refusal}. "
                f"Free it, or take another:  {way_out}"
            )
        seen[port.number] = port
    return found


def why_not(host: str, number: int) -> str | None:
    """Why the port cannot be bound; None if it can."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, number))
        except OSError as problem:
            if problem.errno == errno.EADDRINUSE:
                return f"is taken by {owner(number) or 'another program'}"
            return f"cannot be opened on {host}: {problem.strerror}"
    return None


def next_free(host: str, after: int) -> int:
    """The nearest free port above; the one after it if none is found."""
    above = range(after + 1, min(after + SEARCHED_PORTS, 65_536))
    return next((number for number in above if why_not(host, number) is None), after + 1)


def owner(number: int) -> str | None:
    """Name and id of the process that listens on the port; None where that cannot be seen."""
    sockets = {f"socket:[{inode}]" for inode in listening_inodes(number)}
    for folder in PROC.glob("[0-9]*") if sockets else ():
        try:
            links = {os.readlink(link) for link in (folder / "fd").iterdir()}
            if links & sockets:
                return f"{(folder / 'comm').read_text().strip()} (process {folder.name})"
        except OSError:
            continue  # it ended meanwhile, or belongs to somebody else
    return None


def listening_inodes(number: int) -> list[str]:
    """Inodes of the sockets that listen on the port, as /proc/net/tcp tells them."""
    inodes = []
    for table in ("tcp", "tcp6"):
        try:
            rows = (PROC / "net" / table).read_text().splitlines()[1:]
        except OSError:
            continue
        for fields in map(str.split, rows):
            if fields[3] == LISTENING and int(fields[1].rpartition(":")[2], 16) == number:
                inodes.append(fields[9])
    return inodes
