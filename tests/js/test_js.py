"""Runs the browser code's own tests: one pytest test for each file of node:test tests.

Never here: what the tests promise (the .mjs files say it), the network.
Invariant: without a Node these tests fail with the way out; they are never skipped.
"""

from __future__ import annotations

import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest

HERE = Path(__file__).parent
NODE_TIMEOUT_S = 120


def node() -> str:
    """The machine's Node, or the one inside playwright's wheel."""
    found = shutil.which("node")
    if found:
        return found
    spec = find_spec("playwright")
    bundled = Path(spec.origin).parent / "driver" / "node" if spec and spec.origin else None
    if bundled is None or not bundled.is_file():
        pytest.fail("no Node found: install Node 20 or newer, or run `make setup`")
    return str(bundled)


@pytest.mark.parametrize("name", sorted(path.name for path in HERE.glob("*.test.mjs")))
def test_the_promises_of_the_browser_code_hold(name: str) -> None:
    command = [node(), "--test", "--test-reporter=tap", str(HERE / name)]
    run = subprocess.run(
        command, capture_output=True, text=True, timeout=NODE_TIMEOUT_S, check=False
    )
    assert run.returncode == 0, f"{run.stdout}\n{run.stderr}"
