"""`make setup`: from a bare Python to a machine on which TrueCandle runs.

With `--dev` what tests need comes too; with `--image` only what the roles run on.

Never here: how each step is done (`venv`, `assets`, `browser`, `faketime`, `nginx`, `prometheus`);
starting anything.
Invariant: parses and says what is wrong even on a Python too old to run the rest; done twice, it
changes nothing.
"""

import os
import shutil
import sys
import time

OLDEST = (3, 11)
NEWER_NAMES = ("python3.14", "python3.13", "python3.12", "python3.11")


def main(argv: "list[str]") -> "int | str":
    require_python(argv)
    started_s = time.monotonic()
    from tools import assets, browser, failure, faketime, nginx, prometheus, venv

    try:
        dev = "--dev" in argv
        lock = venv.RUNTIME_LOCK if "--image" in argv else venv.LOCAL_LOCK
        steps = [venv.ensure(venv.DEV_LOCK if dev else lock), assets.ensure(dev)]
        if dev:
            steps += [browser.ensure(), faketime.ensure(), nginx.ensure(), prometheus.ensure()]
    except failure.SetupFailed as problem:
        return str(problem)
    if any(steps):
        print(f"setup: done in {time.monotonic() - started_s:.0f} s")
    return 0


def require_python(argv: "list[str]") -> None:
    """Go on with a newer interpreter from PATH when the one that was called is too old."""
    if sys.version_info >= OLDEST:
        return
    newer = next(filter(None, map(shutil.which, NEWER_NAMES)), None)
    if newer is None:
        sys.exit(
            "TrueCandle needs Python {}.{} or newer; {} is {}.{}.{}.\n"
            "Install a newer one, or name it: make setup PYTHON=/path/to/python3.11".format(
                OLDEST[0], OLDEST[1], sys.executable, *sys.version_info[:3]
            )
        )
    os.execv(newer, [newer, "-m", "tools.setup", *argv])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
