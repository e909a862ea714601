"""The set-up: what it does on machines that lack something, and that it does nothing twice.

Never here: downloads; this very test run shows that the set-up works.
Invariant: a person without the right Python reads what to do, not a traceback.
"""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools import assets, browser, setup, venv
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


def test_the_browser_gets_exactly_what_its_sources_make() -> None:
    assert assets.wrong_files() == []
    assert assets.built_from() == assets.inputs()
    manifest = assets.read_manifest()
    assert manifest
    twins = [twin for name, entry in manifest.files.items() for twin in entry.twins(name)]
    there = {path.name for path in assets.TARGET.iterdir()}
    assert there == {*manifest.files, *twins, assets.MANIFEST.name}


def test_the_licences_of_all_bundled_packages_are_served() -> None:
    manifest = assets.read_manifest()
    assert manifest
    text = (assets.TARGET / manifest.assets["licenses.txt"]).read_text()
    assert "TradingView Lightweight Charts™\nCopyright (c) 2025 TradingView, Inc." in text
    packages = ("lightweight-charts", "fancy-canvas", "socket.io-client", "engine.io-client")
    assert [name for name in packages if f"{name} " not in text] == []
    assert "Apache License" in text and "MIT" in text


def test_a_changed_or_missing_file_of_the_browser_is_noticed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shutil.copytree(assets.TARGET, tmp_path, dirs_exist_ok=True)
    monkeypatch.setattr(assets, "MANIFEST", tmp_path / assets.MANIFEST.name)
    assert assets.wrong_files() == []
    manifest = assets.read_manifest()
    assert manifest
    names = manifest.assets
    with (tmp_path / names["chart.js"]).open("ab") as file:
        file.write(b"\n")
    (tmp_path / f"{names['chart.css']}.br").unlink()
    assert assets.wrong_files() == [names["chart.js"], f"{names['chart.css']}.br"]
    assets.MANIFEST.unlink()
    assert assets.wrong_files() == ["manifest.json"]


def test_a_changed_source_is_noticed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    copy = tmp_path / "static" / "src"
    shutil.copytree(assets.SOURCE, copy)
    monkeypatch.setattr(assets, "ROOT", tmp_path)
    monkeypatch.setattr(assets, "SOURCE", copy)
    monkeypatch.setattr(assets, "CONFIGURATION", ())
    before = assets.inputs()
    assert assets.inputs() == before
    with (copy / "chartPage.ts").open("a") as file:
        file.write("\n")
    assert assets.inputs() != before


def test_everything_that_is_installed_has_an_exact_version_and_hashes() -> None:
    for lock in (venv.RUNTIME_LOCK, venv.DEV_LOCK, assets.NODE_LOCK):
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
    for kind in ("dependencies", "devDependencies"):
        assert all(re.fullmatch(r"\d+\.\d+\.\d+", v) for v in package[kind].values())
        assert lock[""][kind] == package[kind]
    installed = [entry for path, entry in lock.items() if path]
    assert all(entry["integrity"].startswith("sha512-") for entry in installed)
    assert not any("resolved" in entry for entry in installed)
    with_scripts = [path for path, entry in lock.items() if entry.get("hasInstallScript")]
    assert with_scripts == ["node_modules/esbuild"]  # it works without
    assert "ignore-scripts=true" in (venv.ROOT / ".npmrc").read_text().split()
    assert "--ignore-scripts" in assets.NPM_CI
