"""Role processes for tests: started, read line by line, ended.

Never here: what a role needs in its environment; that is each test's own business.
Invariant: no process outlives the test that started it.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from tests.support.project_files import ROOT
from tests.support.redis_server import STOP_LIMIT_S
from tests.support.waiting import DEADLINE_S, wait_for


class Role:
    """One started process, the leader of a session and process group of its own: its output so
    far in `lines`, and what can be done to it."""

    def __init__(self, name: str, command: Sequence[str], env: Mapping[str, str]) -> None:
        self.name = name
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=dict(env), text=True, errors="replace",
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def output(self) -> str:
        return "\n".join(self.lines)

    def wait_for_line(self, pattern: str, timeout_s: float = DEADLINE_S) -> re.Match[str]:
        """The first line, printed already or soon, in which the regular expression is found."""

        def found() -> re.Match[str] | None:
            ended = not self.alive()
            match = next(filter(None, (re.search(pattern, line) for line in self.lines)), None)
            assert match or not ended, f"{self.name} ended without /{pattern}/:\n{self.output}"
            return match

        try:
            match = wait_for(found, timeout_s, f"/{pattern}/ from {self.name}")
        except AssertionError as problem:
            raise AssertionError(f"{problem}; it printed:\n{self.output}") from None
        assert match
        return match

    def alive(self) -> bool:
        """False only once the process has ended and all it printed has been read."""
        return self.process.poll() is None or self._reader.is_alive()

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def kill(self) -> None:
        self.end(signal.SIGKILL)

    def end(self, number: signal.Signals = signal.SIGTERM, timeout_s: float = STOP_LIMIT_S) -> int:
        """Send the signal, wait for the end and return the exit code; fail if it goes on."""
        if self.process.poll() is None:
            self.send(number)
        code = self.process.wait(timeout_s)
        self._reader.join(timeout_s)
        return code

    def _read(self) -> None:
        assert self.process.stdout
        with self.process.stdout as stream:
            for line in stream:
                self.lines.append(line.rstrip("\n"))


class Roles:
    """Starts processes and ends them all, the last one first.

        web = processes.start("web", ["app.py"], {"PORT": "5055", "REDIS_URL": redis_url})
        web.wait_for_line("listening")
        processes.start("sim", ["-m", "truecandle.sim", "--port", "9001"])

    The command is what follows `python`; the environment is this one's plus the given.
    """

    def __init__(self) -> None:
        self.all: list[Role] = []

    def start(
        self, name: str, command: Sequence[str], env: Mapping[str, str] | None = None
    ) -> Role:
        full = os.environ | {"PYTHONUNBUFFERED": "1"} | dict(env or {})
        role = Role(name, [sys.executable, *command], full)
        self.all.append(role)
        return role

    def end(self) -> None:
        for role in reversed(self.all):
            try:
                role.send(signal.SIGCONT)
                role.end()
            except subprocess.TimeoutExpired:
                role.kill()


@contextmanager
def ended() -> Iterator[Roles]:
    """Roles that are ended in any case, for fixtures that serve more than one test."""
    started = Roles()
    try:
        yield started
    finally:
        started.end()
