"""Every target of the project, measured in one go: `make bench`.

    .venv/bin/python -m bench.all [--only data_reads,fan_out] [--write]

Runs the short manner of each bench in a process of its own, one after the other, and prints a line
for every target: measured, a yardstick of the same run, their ratio, met or missed. What each bench
says of itself, and the table, go to `var/bench/`; `--write` puts the table into
docs/measurements.md too. About ten minutes on a quiet machine; the first time a few more, in which
the peers are fetched. Exits with 1 where a target is missed or a bench has failed.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any

from bench.parts import machine
from bench.parts.paper import put_into
from bench.parts.targets import Figures, Found, NotHad, Row, Target, rows, table
from tests.support.project_files import ROOT

#: Each has `TARGETS` and `short`; the wall time of the first ones suffers least from the last ones.
BENCHES = (
    "data_reads", "official_writes", "sealed_storage", "long_ranges", "fan_out", "feed_load",
    "tick_to_bar", "page_load", "page_scroll", "start", "close_to_official",
)  # fmt: skip
FOLDER = ROOT / "var" / "bench"
#: A bench that takes longer has failed; peers may have to be fetched first.
LIMIT_S = 900.0
#: And so long it may take to end what it has started.
END_S = 30.0
#: With more other work than this (processes that want a core) figures say little.
QUIET_LOAD = 0.7


def main() -> int:
    given = _options()
    if given.of:
        return measure_here(given.of, Path(given.to))
    names = given.only.split(",") if given.only else list(BENCHES)
    if unknown := [name for name in names if name not in BENCHES]:
        sys.exit(f"--only={','.join(unknown)!r}: allowed are {', '.join(BENCHES)}")
    load = machine.load()
    if load > QUIET_LOAD:
        print(f"other work on this machine (load {load:.1f}): figures will say little", flush=True)
    FOLDER.mkdir(parents=True, exist_ok=True)
    judged: list[Row] = []
    for name in names:
        found = measured(name)
        judged += (new := rows(targets_of(name), found))
        print(table(new), flush=True)
    text = f"{machine.when_and_where(load)}\n\n{table(judged)}\n"
    (FOLDER / "table.md").write_text(text, encoding="utf-8")
    print(f"\n{text}", flush=True)
    if given.write:
        put_into("all", text)
    wrong = [row for row in judged if row.is_wrong]
    print(f"{len(judged)} rows, {len(wrong)} missed or failed", flush=True)
    return 1 if wrong else 0


def measured(name: str) -> Figures:
    """What a bench found, in a process group of its own, which is ended whatever becomes of it."""
    log, to = FOLDER / f"{name}.log", FOLDER / f"{name}.json"
    to.unlink(missing_ok=True)
    print(f"{name}: what it says goes to {log.relative_to(ROOT)}", flush=True)
    command = [sys.executable, "-m", "bench.all", "--of", name, "--to", str(to)]
    began_s = time.monotonic()
    with log.open("wb") as file:
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=file, stderr=file, start_new_session=True
        )
        try:
            process.wait(LIMIT_S)
        except subprocess.TimeoutExpired:
            print(f"{name}: not done after {LIMIT_S:.0f} s", flush=True)
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(END_S)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    print(f"{name}: {time.monotonic() - began_s:.0f} s", flush=True)
    if process.returncode or not to.is_file():
        print(f"{name}: failed:\n{tail(log)}", flush=True)
        return {}
    return {key: read_figure(one) for key, one in json.loads(to.read_bytes()).items()}


def measure_here(name: str, to: Path) -> int:
    """In the process that `measured` starts: the figures as JSON. Told to end, it ends what it has
    started first, which has groups of its own."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("told to end"))
    found: Figures = import_module(f"bench.{name}").short()
    to.write_text(json.dumps({key: asdict(one) for key, one in found.items()}), encoding="utf-8")
    return 0


def targets_of(name: str) -> dict[str, Target]:
    found: dict[str, Target] = import_module(f"bench.{name}").TARGETS
    return found


def read_figure(fields: dict[str, Any]) -> Found | NotHad:
    return NotHad(**fields) if "reason" in fields else Found(**fields)


def tail(log: Path, count: int = 15) -> str:
    lines: Sequence[str] = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join(f"    {line}" for line in lines[-count:])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--only", default="", help=", ".join(BENCHES))
    parser.add_argument("--write", action="store_true", help="the table into docs/measurements.md")
    parser.add_argument("--of", default="", help=argparse.SUPPRESS)
    parser.add_argument("--to", default="", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
