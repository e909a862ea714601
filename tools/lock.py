"""`make lock`: exact versions with hashes, from the `.in` files and `package.json`.

Never here: the address of a registry; the machine's own settings say where packages come from.
Invariant: the smaller locks hold the same versions as the lock for tests, so one environment serves
all.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from tools.assets import NODE_LOCK
from tools.audit import AUDIT_LOCK
from tools.failure import SetupFailed, run
from tools.venv import (
    DEV_LOCK,
    LOCAL_LOCK,
    PEERS_LOCK,
    ROOT,
    RUNTIME_LOCK,
    TABLES_LOCK,
    TRACES_LOCK,
    VENV,
    pip,
)

UV = "uv==0.13.9"
COMPILE = (
    *("pip", "compile", "--quiet", "--universal", "--python-version", "3.11"),
    *("--generate-hashes", "--no-emit-index-url", "--no-header"),
)
ADVICE = "Nothing else was changed."


def main() -> int | str:
    try:
        run([*pip(), "install", "--quiet", UV], advice=ADVICE)
        compile_lock(DEV_LOCK)
        compile_lock(LOCAL_LOCK, "-c", DEV_LOCK.name)
        compile_lock(RUNTIME_LOCK, "-c", DEV_LOCK.name)
        compile_lock(TABLES_LOCK, "-c", DEV_LOCK.name)
        compile_lock(TRACES_LOCK, "-c", DEV_LOCK.name)
        compile_lock(PEERS_LOCK)
        compile_lock(NODE_LOCK)
        compile_lock(AUDIT_LOCK)
        lock_browser_libraries()
    except SetupFailed as problem:
        return str(problem)
    return 0


def compile_lock(lock: Path, *options: str) -> None:
    """Versions already locked stay as they are, unless their `.in` file says otherwise."""
    source = lock.with_suffix(".in").relative_to(ROOT)
    print(f"lock: {source} → {lock.relative_to(ROOT)}", flush=True)
    target = ("-o", str(lock.relative_to(ROOT)))
    run([VENV / "bin" / "uv", *COMPILE, *options, str(source), *target], advice=ADVICE, cwd=ROOT)


def lock_browser_libraries() -> None:
    npm = shutil.which("npm")
    if npm is None:
        print("lock: package-lock.json left as it is: no npm on this machine", flush=True)
        return
    print("lock: package.json → package-lock.json", flush=True)
    run([npm, "install", "--package-lock-only", "--ignore-scripts"], advice=ADVICE, cwd=ROOT)


if __name__ == "__main__":
    sys.exit(main())
