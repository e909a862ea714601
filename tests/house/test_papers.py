"""README, settings file and Makefile say what is true.

Never here: prose that no program can check.
Invariant: a setting or command that exists is documented, and what is documented exists.
"""

from __future__ import annotations

import os
import re
import subprocess

from tests.support.project_files import ROOT, files, make_targets, settings_and_defaults

README = (ROOT / "README.md").read_text()
HOSTS = {
    "127.0.0.1",
    "api.binance.us",
    "charts.example",
    "data-api.binance.vision",
    "data-stream.binance.vision",
    "data.binance.vision",
    "github.com",
    "keepachangelog.com",
    "prometheus",  # as Grafana calls it in the compose file
    "opencollective.com",  # where packages of the lock ask for support
    "semver.org",
    "stream.binance.us",
    "www.tradingview.com",
    "redis",
    "truecandle",  # the web processes, as a proxy calls them
}


def test_the_example_file_lists_exactly_the_settings_with_their_defaults() -> None:
    text = (ROOT / ".env.example").read_text()
    assert dict(re.findall(r"^#([A-Z_]+)=(.*)$", text, re.M)) == settings_and_defaults()


def test_copying_the_example_file_changes_nothing() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()
    assert [line for line in lines if line and not line.startswith("#")] == []


def test_the_readme_lists_exactly_the_settings_with_their_defaults() -> None:
    rows = dict(re.findall(r"^\| `([A-Z_]+)` \| (?:`([^`]*)`)?", README, re.M))
    assert rows == settings_and_defaults()


def test_every_make_command_in_the_papers_exists() -> None:
    for path in files("*.md"):
        named = set(re.findall(r"(?:`|^)make ([a-z][a-z0-9-]*)", path.read_text(), re.M))
        assert named <= set(make_targets()), path.name


def test_every_bench_is_in_the_table_of_benches() -> None:
    told = (ROOT / "bench" / "README.md").read_text()
    scripts = [path.stem for path in (ROOT / "bench").glob("*.py")]
    assert sorted(re.findall(r"^\| `(\w+)` \|", told, re.M)) == sorted(scripts)


def test_every_bench_that_is_quoted_exists() -> None:
    for path in files("*.md", "*.py"):
        for name in re.findall(r"-m bench\.(\w+(?:\.\w+)?)", path.read_text()):
            script = ROOT / "bench" / f"{name.replace('.', '/')}.py"
            assert name == "NAME" or script.exists(), f"{path.name} quotes bench.{name}"


def test_make_alone_lists_every_command_for_people() -> None:
    env = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    listed = subprocess.run(
        ["make", "--no-print-directory"], cwd=ROOT, env=env, capture_output=True, text=True
    )
    explained = {name for name, text in make_targets().items() if text}
    assert set(re.findall(r"^  make (\S+)", listed.stdout, re.M)) == explained
    assert {"setup", "demo", "run", "test", "lint", "unit", "e2e", "lock", "clean"} <= explained


def test_ci_runs_the_command_that_people_run() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert "make --no-print-directory test" in script.read_text()


def test_every_file_that_is_linked_is_there() -> None:
    for path in files("*.md"):
        for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", path.read_text()):
            assert (path.parent / target).exists(), f"{path.name} links {target}"


def test_no_lock_or_paper_names_a_host_beyond_the_known() -> None:
    papers = files("*.md", "*.txt", "*.in", "*.json", "*.toml", "*.yml", "*.conf", "tools/*.py")
    for path in [*papers, *files("Makefile", "Dockerfile", ".npmrc", ".env.example")]:
        if not path.is_relative_to(ROOT / "tests"):
            hosts = set(re.findall(r"\b(?:https?|wss?|rediss?)://(\w[\w.-]*)", path.read_text()))
            assert hosts <= HOSTS, path.name


def test_the_readme_names_the_gevent_that_the_tests_run() -> None:
    locked = re.search(r"^gevent==\S+", (ROOT / "requirements-dev.txt").read_text(), re.MULTILINE)
    assert locked and f"pip install {locked[0]}`" in (ROOT / "README.md").read_text()
