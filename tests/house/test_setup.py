"""The set-up: what it does on machines that lack something, and that it does nothing twice.

Never here: downloads; this very test run shows that the set-up works.
Invariant: a person without the right Python reads what to do, not a traceback.
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tools import browser, setup, vendor, venv
from tools.failure import SetupFailed, run

OLDEST_GRAMMAR = (3, 7)


def test_a_second_set_up_does_and_says_nothing() -> None:
    again = subprocess.run(
        ["make", "--no-print-directory", "setup"], cwd=venv.ROOT, capture_output=True, text=True
    )
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")


def test_an_old_python_is_told_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup, "OLDEST", (9, 9))
    monkeypatch.setenv("PATH", "")
    with pytest.raises(SystemExit, match=r"needs Python 9\.9 or newer.*is 3\.\d+"):
        setup.main([])


def test_an_old_python_can_read_the_entry() -> None:
    for name in ("__init__.py", "setup.py"):
        ast.parse((venv.ROOT / "tools" / name).read_text(), feature_version=OLDEST_GRAMMAR)


def test_a_python_without_venv_is_told_the_package(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "ensurepip", None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SetupFailed, match=rf"python3\.{sys.version_info.minor}-venv"):
        venv.require_ensurepip()


def test_a_machine_without_chromium_is_told_how_to_get_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SetupFailed, match="apt-get install chromium"):
        browser.ensure()


def test_a_moved_environment_is_not_trusted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stamp = json.loads(venv.STAMP.read_text())
    moved = tmp_path / "setup.json"
    moved.write_text(json.dumps(stamp | {"home": "/elsewhere/.venv"}))
    monkeypatch.setattr(venv, "STAMP", moved)
    assert venv.read_stamp() == {}


def test_a_failing_step_shows_its_last_lines_and_the_advice() -> None:
    noisy = "import sys; print('first'); print('disk full'); sys.exit(3)"
    with pytest.raises(SetupFailed, match=r"(?s)disk full.*free some space"):
        run([sys.executable, "-c", noisy], advice="free some space")


def test_the_browser_gets_exactly_the_files_of_the_packages() -> None:
    manifest = json.loads(vendor.MANIFEST.read_text())
    assert vendor.wrong_files(manifest) == []
    assert {path.name for path in vendor.TARGET.iterdir()} == set(manifest)


def test_a_changed_browser_library_is_noticed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    manifest = json.loads(vendor.MANIFEST.read_text())
    for name in manifest:
        (tmp_path / name).write_bytes((vendor.TARGET / name).read_bytes())
    with (tmp_path / "socket.io.mjs").open("ab") as file:
        file.write(b"\n")
    monkeypatch.setattr(vendor, "TARGET", tmp_path)
    assert vendor.wrong_files(manifest) == ["socket.io.mjs"]


def test_everything_that_is_installed_has_an_exact_version_and_hashes() -> None:
    for lock in (venv.RUNTIME_LOCK, venv.DEV_LOCK, vendor.NODE_LOCK):
        blocks = re.split(r"\n(?=[a-z])", lock.read_text())
        names = [block for block in blocks if not block.startswith("#")]
        assert names
        assert [
            block for block in names if "==" not in block or "--hash=sha256:" not in block
        ] == []


def test_the_runtime_lock_is_part_of_the_lock_for_tests() -> None:
    def versions(path: Path) -> set[str]:
        return set(re.findall(r"^([a-z0-9-]+(?:\[[a-z,]+\])?==\S+)", path.read_text(), re.M))

    assert versions(venv.RUNTIME_LOCK) <= versions(venv.DEV_LOCK)


def test_browser_packages_are_exact_checked_and_run_no_scripts() -> None:
    package = json.loads((venv.ROOT / "package.json").read_text())
    lock = json.loads((venv.ROOT / "package-lock.json").read_text())["packages"]
    assert package["private"] is True
    assert "scripts" not in package
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", v) for v in package["dependencies"].values())
    assert lock[""]["dependencies"] == package["dependencies"]
    installed = [entry for path, entry in lock.items() if path]
    assert all(entry["integrity"].startswith("sha512-") for entry in installed)
    assert not any("resolved" in entry or entry.get("hasInstallScript") for entry in installed)
