"""Runs the browser code's own tests: one pytest test for each file of node:test tests.

Never here: what the tests promise (the .mjs files say it), the network.
Invariant: without a Node these tests fail with the way out; they are never skipped.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.browser_code import PARTS, node
from tests.support.project_files import ROOT

TESTS = sorted(Path(__file__).parent.glob("*.test.mjs"))
NODE_TIMEOUT_S = 120


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.name)
def test_the_promises_of_the_browser_code_hold(path: Path) -> None:
    loader = ("--import", str(PARTS / "typescript.mjs"))
    command = [node(), *loader, "--test", "--test-reporter=tap", str(path)]
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
