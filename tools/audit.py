"""`make audit` and `make sbom`: known weaknesses, and what the image is made of.

Never here: mending anything; the tools' own environment is not the one that they look at.
Invariant: exit code 0 only where every check was made and found nothing; a check that could not be
made, since no source of advisories was reached, is said to be none.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import venv as environments
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from tools.failure import SetupFailed, run
from tools.venv import ROOT, RUNTIME_LOCK, fingerprint

AUDIT_LOCK: Final = Path(__file__).with_name("audit.txt")
ENVIRONMENT: Final = ROOT / ".venv-audit"
STAMP: Final = ENVIRONMENT / "lock.sha256"
BIN: Final = ENVIRONMENT / "bin"
INTO: Final = ROOT / "var" / "sbom"
#: Our own code; the tests start servers and break things on purpose.
CODE: Final = (
    "truecandle",
    "tools",
    "clients",
    "app.py",
    "background_fetcher.py",
    "live_candles.py",
)
LIMIT_S: Final = 300
#: What tools say when it is the source of advisories that fails, and not the packages.
UNREACHABLE: Final = (
    *("Name or service not known", "Temporary failure in name resolution", "ConnectionError"),
    *("Max retries exceeded", "ServiceError", "ENOTFOUND", "ECONNREFUSED", "EAI_AGAIN"),
    *("audit endpoint returned an error", "405 Method Not Allowed", "404 Not Found"),
    *("could not be audited", "Failed to query", "HTTPError", "ETIMEDOUT", "ConnectTimeout"),
)


class NotChecked(Exception):
    """A check could not be made; its text says why."""


def main(what: str = "audit") -> int | str:
    try:
        ensure()
        return sbom() if what == "sbom" else audit()
    except SetupFailed as problem:
        return str(problem)


def audit() -> int | str:
    """Every check, also after one that found something."""
    outcomes = [checked(name, check) for name, check in CHECKS.items()]
    if all(outcome == 0 for outcome in outcomes):
        print("audit: nothing found", flush=True)
        return 0
    return 1


def checked(name: str, check: Callable[[], subprocess.CompletedProcess[str]]) -> int:
    """0 if a check was made and found nothing; what it says is shown otherwise."""
    print(f"audit: {name}", flush=True)
    try:
        done = check()
    except NotChecked as reason:
        print(f"audit: {name}: NOT CHECKED: {reason}", flush=True)
        return 1
    said = f"{done.stdout}\n{done.stderr}".strip()
    if done.returncode == 0:
        return 0
    if unreachable := next((words for words in UNREACHABLE if words in said), None):
        print(f"audit: {name}: NOT CHECKED: no source of advisories answers ({unreachable})")
        return 1
    print(said, flush=True)
    print(f"audit: {name}: something was found", flush=True)
    return 1


def python_packages() -> subprocess.CompletedProcess[str]:
    """The packages of the image, as they are locked."""
    how = ("--strict", "--require-hashes", "--disable-pip", "-r", RUNTIME_LOCK)
    return call(BIN / "pip-audit", *how)


def browser_packages() -> subprocess.CompletedProcess[str]:
    """What becomes part of the page, and what bundles it."""
    npm = shutil.which("npm")
    if npm is None:
        raise NotChecked("there is no npm on this machine")
    return call(npm, "audit", "--audit-level=low")


def own_code() -> subprocess.CompletedProcess[str]:
    """From medium severity and confidence on; what is known and is none is marked in its line."""
    return call(BIN / "bandit", "--quiet", "-ll", "-ii", "-r", *CODE)


CHECKS: Final[dict[str, Callable[[], subprocess.CompletedProcess[str]]]] = {
    "Python packages (pip-audit)": python_packages,
    "browser packages (npm audit)": browser_packages,
    "own code (bandit)": own_code,
}


def sbom() -> int:
    """Two files in `INTO`, in the form CycloneDX 1.6: Python's packages, and the browser's."""
    INTO.mkdir(parents=True, exist_ok=True)
    python, browser = INTO / "python.cdx.json", INTO / "browser.cdx.json"
    form = ("--output-format", "JSON", "--spec-version", "1.6")
    run(
        [BIN / "cyclonedx-py", "requirements", RUNTIME_LOCK, *form, "--output-file", python],
        advice="Nothing else was changed.", cwd=ROOT,
    )  # fmt: skip
    npm = shutil.which("npm")
    if npm is None:
        raise SetupFailed("The browser's packages are listed by npm; there is none here.")
    done = call(npm, "sbom", "--sbom-format", "cyclonedx", "--package-lock-only")
    if done.returncode:
        raise SetupFailed(f"npm sbom failed:\n{done.stderr}")
    browser.write_text(done.stdout, encoding="utf-8")
    for path in (python, browser):
        count = len(json.loads(path.read_text(encoding="utf-8"))["components"])
        print(f"sbom: {path.relative_to(ROOT)}: {count} packages", flush=True)
    return 0


def ensure() -> None:
    """The tools' environment, as the lock says it."""
    if STAMP.exists() and STAMP.read_text() == fingerprint(AUDIT_LOCK):
        return
    print("setup: the tools of the audit → .venv-audit (a minute the first time)", flush=True)
    environments.create(ENVIRONMENT, clear=True, with_pip=True)
    pip = (BIN / "python", "-m", "pip", "--disable-pip-version-check", "--no-input")
    advice = "Is the package index reachable from here?"
    run([*pip, "install", "--quiet", "--require-hashes", "-r", AUDIT_LOCK], advice=advice)
    STAMP.write_text(fingerprint(AUDIT_LOCK))


def call(*command: str | Path) -> subprocess.CompletedProcess[str]:
    """What a tool says, within `LIMIT_S`."""
    words: Sequence[str] = [str(one) for one in command]
    try:
        return subprocess.run(
            words, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise NotChecked(f"no answer within {LIMIT_S} s") from None


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
