"""What processes and the machine have used, as Linux tells it.

Never here: starting anything.
Invariant: only reads.
"""

from __future__ import annotations

import os
import platform
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path

from tests.support.project_files import ROOT

#: By clock_getcpuclockid(3): with a process's number, the clock of its CPU time.
CPU_CLOCK = 2
PROC = Path("/proc")


def cpu_s(pid: int) -> float:
    """CPU time of a process, all its threads together, to the nanosecond."""
    return time.clock_gettime((~pid << 3) | CPU_CLOCK)


def memory_mb(pid: int, name: str = "VmRSS") -> float:
    """Its memory: now (`VmRSS`), or at most so far (`VmHWM`)."""
    status = (PROC / str(pid) / "status").read_text(encoding="ascii")
    return int(status.partition(f"{name}:")[2].split()[0]) / 1024


def folder_bytes(folder: Path) -> int:
    """What the files in it take on disk."""
    return sum(path.lstat().st_blocks * 512 for path in folder.rglob("*") if path.is_file())


def load() -> float:
    """How many processes wanted a core in the last minute."""
    return os.getloadavg()[0]


def described() -> str:
    """The machine, in a few words."""
    info = (PROC / "cpuinfo").read_text(errors="replace")
    names = (line.partition(":")[2].strip() for line in info.splitlines() if "model name" in line)
    memory_kb = int((PROC / "meminfo").read_text().partition("MemTotal:")[2].split()[0])
    return (
        f"{os.cpu_count()} cores ({next(names, platform.machine())}), "
        f"{memory_kb / (1 << 20):.0f} GB, Python {platform.python_version()}"
    )


def when_and_where(load_before: float) -> str:
    """What a table of figures has to say of itself."""
    asked = ["git", "describe", "--always", "--dirty"]
    done = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False)
    day = f"{datetime.now(UTC):%d %B %Y, %H:%M} UTC".lstrip("0")
    commit = done.stdout.strip() or "unknown"
    return f"{day}, commit {commit}, {described()}; load before {load_before:.1f}."
