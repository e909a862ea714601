"""From `make demo` to candles on the page, where the time goes, and what the idle system costs.

    .venv/bin/python -m bench.start [--starts 3] [--idle 60] [--setup]

`make demo` is run with three markets in a folder and on ports of its own: once so that there are
candles, then again and again. Chromium is open already; it follows the link as soon as that is
printed. Prints when each role said what. Then the page is closed, and half a minute later the CPU
time that the five processes need in a minute is counted: it follows how much trades in it.
`--setup` copies the code to a folder of its own, sets it up from nothing, and says in how many
seconds and into how many bytes (needs the registries).

Never here: what the page shows (tests).
Invariant: what it started it ends, and nothing of the machine's own demo is touched.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bench.parts.machine import cpu_s, folder_bytes
from bench.parts.targets import Figures, Found, Target, judge
from tests.support.chromium import chromium
from tests.support.loopback_ports import free_port
from tests.support.project_files import ROOT
from tests.support.role_processes import Role
from tests.support.waiting import wait_for
from tools import leftovers

if TYPE_CHECKING:
    from playwright.sync_api import Browser

CANDLES = 500
ROLES = ("redis", "sim", "fetcher", "feed", "web")
LIMIT_S = 120.0
#: Until what a page has asked for a while longer is at rest.
SETTLE_S = 30.0
IDLE_S = 60.0
TARGETS = {
    "start": Target("`make demo`, from a second start to candles on it", "s", 6, at_most=True),
    "idle": Target("idle CPU of the five processes, three markets", "% of a core", 3, at_most=True),
}
SHOWN = f"(globalThis.truecandle?.bars().length ?? 0) >= {CANDLES}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--starts", type=int, default=3)
    parser.add_argument("--idle", type=float, default=IDLE_S, help="seconds")
    parser.add_argument("--setup", action="store_true", help="the first set-up too")
    given = parser.parse_args()
    if given.setup:
        first_setup()
    return judge(TARGETS, measured(given.starts, given.idle))


def short() -> Figures:
    """For `make bench`: a minute and a half."""
    return measured(starts=2, idle_s=IDLE_S)


def measured(starts: int, idle_s: float) -> Figures:
    with tempfile.TemporaryDirectory(prefix="truecandle-start-") as folder, chromium() as browser:
        env = environment(folder)
        with demo(env) as role:
            shown_s(role, browser, time.monotonic())
        took_s = []
        for number in range(starts):
            began_s = time.monotonic()
            with demo(env) as role:
                took_s.append(shown_s(role, browser, began_s))
                print(f"start {number + 1}: {took_s[-1]:.2f} s to {CANDLES} candles", flush=True)
                print("\n".join(f"    {line}" for line in told(role)), flush=True)
                if number + 1 == starts:
                    share = idle(Path(folder) / "demo", idle_s)
        return {"start": Found(statistics.median(took_s)), "idle": Found(100 * share)}


def environment(folder: str) -> dict[str, str]:
    """As a person's terminal has it, but for ports and the folder."""
    ports = {name: str(free_port()) for name in ("PORT", "REDIS_PORT", "SIM_PORT")}
    inherited = {name: text for name, text in os.environ.items() if not name.startswith("MAKE")}
    return inherited | ports | {"VAR_DIR": folder}


@contextmanager
def demo(env: dict[str, str]) -> Iterator[Role]:
    """A `make demo` that is ended as by Ctrl-C."""
    role = Role("demo", ["make", "--no-print-directory", "demo"], env)
    try:
        yield role
        os.killpg(role.pid, signal.SIGINT)
        role.process.wait(LIMIT_S)
    finally:
        if role.process.poll() is None:
            role.end(timeout_s=LIMIT_S)
        leftovers.end(Path(env["VAR_DIR"]) / "demo")


def shown_s(role: Role, browser: Browser, began_s: float) -> float:
    """How long it took until the page had its candles."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.goto(role.wait_for_line(r"(http://\S+/login#link=\S+)", LIMIT_S)[1])
    page.wait_for_url(lambda url: "/login" not in url, wait_until="commit")
    wait_for(lambda: page.evaluate(SHOWN), LIMIT_S, f"{CANDLES} candles")
    took_s = time.monotonic() - began_s
    context.close()
    return took_s


def told(role: Role) -> Sequence[str]:
    """What the roles said first, with honcho's times."""
    return [line for line in role.lines if " | " in line][:40]


def idle(folder: Path, seconds: float) -> float:
    """The share of a core that the processes take; each is named."""
    pids = {role_of(pid): pid for pid in leftovers.find(folder) if role_of(pid)}
    assert set(pids) == set(ROLES), pids
    time.sleep(SETTLE_S)
    before, began_s = {name: cpu_s(pid) for name, pid in pids.items()}, time.monotonic()
    time.sleep(seconds)
    took_s = time.monotonic() - began_s
    shares = {name: (cpu_s(pid) - before[name]) / took_s for name, pid in pids.items()}
    print("idle: " + ", ".join(f"{name} {share:.2%}" for name, share in shares.items()), flush=True)
    return sum(shares.values())


def role_of(pid: int) -> str:
    """Which of the five it is; empty if it is none of them."""
    try:
        command = (Path("/proc") / str(pid) / "cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return ""
    marks = {
        "valkey-server": "redis", "truecandle.sim": "sim", "background_fetcher.py": "fetcher",
        "live_candles.py": "feed", "app.py": "web",
    }  # fmt: skip
    return next((role for mark, role in marks.items() if mark in command), "")


def first_setup() -> None:
    """From a fresh copy of what git knows."""
    with tempfile.TemporaryDirectory(prefix="truecandle-setup-") as scratch:
        copy = Path(scratch) / "copy"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(copy)], check=True)
        began_s = time.monotonic()
        subprocess.run(["make", "setup"], cwd=copy, check=True)
        took_s = time.monotonic() - began_s
        parts = {name: folder_bytes(copy / name) for name in (".venv", "node_modules", "static")}
        said = ", ".join(f"{name} {size / 1e6:.0f} MB" for name, size in parts.items())
        print(f"first set-up: {took_s:.0f} s, {sum(parts.values()) / 1e6:.0f} MB ({said})")
        shutil.rmtree(copy)


if __name__ == "__main__":
    sys.exit(main())
