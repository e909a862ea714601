"""The one error of the set-up, and running a command so that its failure can be read.

Never here: what is to be run.
Invariant: a command is silent when it works and shows the end of its output when it does not.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

SHOWN_LINES = 15
STEP_LIMIT_S = 1800.0


class SetupFailed(Exception):
    """The set-up cannot go on. Its text says what failed and what to do about it."""


def run(
    command: Sequence[str | Path],
    advice: str,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> None:
    """Run `command` to its end, or raise `SetupFailed` with its last lines and `advice`."""
    shown = " ".join(str(part) for part in command)
    try:
        done = subprocess.run(
            [str(part) for part in command],
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=STEP_LIMIT_S,
            check=False,
        )
    except OSError as problem:
        raise SetupFailed(f"Could not run `{shown}`: {problem}\n{advice}") from problem
    except subprocess.TimeoutExpired as problem:
        raise SetupFailed(f"`{shown}` took over {STEP_LIMIT_S:.0f} s.\n{advice}") from problem
    if done.returncode:
        tail = "\n".join(f"  | {line}" for line in done.stdout.splitlines()[-SHOWN_LINES:])
        raise SetupFailed(f"`{shown}` failed:\n{tail}\n{advice}")
