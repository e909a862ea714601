"""Servers that tell events to a room, and the browsers that listen: each a process on its core.

Never here: rounds, rates (`fan_out`, `offered_rate`).
Invariant: server on one core; Redis, publisher and browsers on the other; all that starts ends.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from bench.parts import machine
from tests.support.loopback_ports import free_port
from tests.support.project_files import ROOT
from tests.support.redis_server import RedisProc
from tests.support.web_process import wait_for_listener

SERVER_CORE, OTHER_CORE = 0, 1
SYMBOL = "BTCUSDT"


class Process:
    """A program on one core, with pipes both ways."""

    def __init__(self, command: Sequence[str], core: int, cwd: Path = ROOT, **env: str) -> None:
        self.popen = subprocess.Popen(
            ["taskset", "-c", str(core), *command], cwd=cwd, env=os.environ | env,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    @property
    def stdin(self) -> IO[bytes]:
        assert self.popen.stdin
        return self.popen.stdin

    @property
    def stdout(self) -> IO[bytes]:
        assert self.popen.stdout
        return self.popen.stdout

    def tell(self, count: int) -> None:
        self.stdin.write(b"%d\n" % count)
        self.stdin.flush()

    @property
    def cpu_s(self) -> float:
        return machine.cpu_s(self.popen.pid)

    def end(self) -> None:
        self.popen.terminate()
        self.popen.communicate(timeout=30)


@dataclass(frozen=True)
class Server:
    """A server under test: its process, its port, and who is told to publish."""

    process: Process
    port: int
    publisher: Process
    #: Returns once it hears what is published, which may be no sooner than browsers are there.
    wait: Callable[[], None] = lambda: None


@dataclass(frozen=True)
class Listening:
    """Some of the browsers, in one process."""

    process: Process
    count: int

    def heard(self, events: int) -> tuple[array[float], int]:
        """When each has had each event of the round (0: never), browser by browser; and how many
        came in another order."""
        times = array("d")
        times.frombytes(self.process.stdout.read(8 * (events * self.count + 1)))
        return times[:-1], int(times[-1])


@contextmanager
def ended(process: Process) -> Iterator[Process]:
    try:
        yield process
    finally:
        process.end()


@contextmanager
def ours(redis: RedisProc, tree: Path, mode: str) -> Iterator[Server]:
    """The web role of the code in `tree`."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        env = {
            "REDIS_URL": redis.url, "PORT": str(port), "SYMBOLS": SYMBOL, "INTERVALS": "1m",
            "VAR_DIR": folder, "PUBLIC_READS": "1", "SIMULATED": "0", "ASYNC_MODE": mode,
            "PYTHONPATH": str(tree), "PYTHONUNBUFFERED": "1", "SECRET_KEY": "",
        }  # fmt: skip
        web = stack.enter_context(
            ended(Process([sys.executable, "app.py"], SERVER_CORE, tree, **env))
        )
        while b"web: listening on" not in (line := web.stdout.readline()):
            assert line, "the web role has ended"
        program = str(ROOT / "bench" / "parts" / "fan_out_publisher.py")
        command = [sys.executable, program, redis.url, SYMBOL]
        publisher = stack.enter_context(ended(Process(command, OTHER_CORE, tree, **env)))
        with redis.client() as client:
            yield Server(web, port, publisher, lambda: wait_for_listener(client))


@contextmanager
def node(program: Path, folder: Path) -> Iterator[Server]:
    """Node's Socket.IO."""
    peer = str(ROOT / "bench" / "parts" / "fan_out_peer.mjs")
    with ended(Process([str(program), peer, str(folder), SYMBOL], SERVER_CORE)) as process:
        yield Server(process, int(process.stdout.readline()), process)


@contextmanager
def browsers(port: int, count: int) -> Iterator[list[Listening]]:
    """So many, in two processes, all of them listening."""
    with ExitStack() as stack:
        command = [sys.executable, "-m", "bench.parts.fan_out_clients", str(port)]
        found = [
            Listening(
                stack.enter_context(
                    ended(Process([*command, str(some), str(first), SYMBOL], OTHER_CORE))
                ),
                some,
            )
            for first, some in ((2, count // 2), (130, count - count // 2))
        ]
        for one in found:
            if one.process.stdout.readline() != b"ready\n":
                raise ConnectionError("not all browsers came in: is the machine busy otherwise?")
        yield found


@contextmanager
def checked_out(commit: str, folder: Path) -> Iterator[Path | None]:
    """The code of an earlier commit, if it is known here, with the browser's files of this one."""
    command = ["git", "worktree", "add", "--detach", "--quiet", str(folder), commit]
    if not commit or subprocess.run(command, cwd=ROOT, check=False).returncode:
        print(f"no commit {commit!r} to compare with" if commit else "no earlier commit asked for")
        yield None
        return
    try:
        (folder / "static" / "dist").symlink_to(ROOT / "static" / "dist")
        yield folder
    finally:
        subprocess.run(["git", "worktree", "remove", "--force", str(folder)], cwd=ROOT, check=True)
