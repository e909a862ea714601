"""Runs the browser code's own tests: one pytest test for each file of node:test tests.

Never here: what the tests promise (the .mjs files say it), the network.
Invariant: without a Node these tests fail with the way out; they are never skipped.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.harness import ROOT
from tools import assets

HERE = Path(__file__).parent
NODE_TIMEOUT_S = 120


def node() -> str:
    """The machine's Node, or the one inside playwright's wheel."""
    found = assets.find_node()
    if found is None:
        pytest.fail("no Node found: install Node 20 or newer, or run `make setup-dev`")
    return found


@pytest.mark.parametrize("name", sorted(path.name for path in HERE.glob("*.test.mjs")))
def test_the_promises_of_the_browser_code_hold(name: str) -> None:
    loader = ("--import", str(HERE / "typescript.mjs"))
    command = [node(), *loader, "--test", "--test-reporter=tap", str(HERE / name)]
    run = subprocess.run(
        command, capture_output=True, text=True, timeout=NODE_TIMEOUT_S, check=False
    )
    assert run.returncode == 0, f"{run.stdout}\n{run.stderr}"


def test_the_types_of_the_browser_code_hold() -> None:
    command = [sys.executable, "-m", "tools.assets", "check"]
    run = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=NODE_TIMEOUT_S, check=False
    )
    assert run.returncode == 0, f"{run.stdout}\n{run.stderr}"
