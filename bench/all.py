"""Every target of the project, measured in one go: `make bench`.

    .venv/bin/python -m bench.all [--only data_reads,fan_out] [--write]

Runs the short manner of each bench in a process of its own, one after the other, and prints a line
for every target: measured, a yardstick of the same run, their ratio, met or missed. What each bench
says of itself, and the table, go to `var/bench/`; `--write` puts the table into
docs/measurements.md too. About six minutes on a quiet machine; the first time a few more, in which
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
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

from bench import (
    close_to_official,
    data_reads,
    fan_out,
    feed_load,
    long_ranges,
    official_writes,
    page_load,
    page_scroll,
    start,
    stored_bytes,
    tick_to_bar,
)
from bench.parts import machine
from bench.parts.targets import Figures, Found, NotHad, Row, Target, rows, table
from tests.support.project_files import ROOT

FOLDER = ROOT / "var" / "bench"
PAPER = ROOT / "docs" / "measurements.md"
BEGIN, END = "<!-- made by make bench -->", "<!-- end of what make bench made -->"
#: A bench that takes longer has failed: peers may have to be fetched first.
LIMIT_S = 900.0
#: Above this much other work (processes that want a core) figures say little.
QUIET_LOAD = 0.7
