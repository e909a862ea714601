"""A machine's time of day for real processes, which a test may set while they run.

Never here: the monotonic clock, which no machine's owner can set; this process's own clock.
Invariant: all processes of one clock see the same time, at every moment.
"""

from __future__ import annotations

import os
from pathlib import Path

from tools import faketime

PYTHON_CLOCK = Path(__file__).parent / "python_clock"


class MachineClock:
    """The real time of day and `offset_s` more; `env` is for Python processes on that machine,
    `server_env` for its Redis.

    clock = MachineClock(tmp_path / "clock")
    processes.start("feed", ["live_candles.py"], clock.env)
    clock.set(3_600)                                # an hour ahead of the real time from now on
    """

    def __init__(self, path: Path, offset_s: float = 0.0) -> None:
        library = faketime.find()
        assert library, "no libfaketime: `make test` installs it"
        self.path = path
        self.set(offset_s)
        self.env = {"PYTHONPATH": str(PYTHON_CLOCK), "MACHINE_CLOCK": str(path)}
        self.server_env = {
            "LD_PRELOAD": library,
            "FAKETIME_TIMESTAMP_FILE": str(path),
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_NO_CACHE": "1",
        }

    def set(self, offset_s: float) -> None:
        self.offset_s = offset_s
        new = self.path.with_suffix(".new")
        new.write_text(f"{offset_s:+.3f}\n", encoding="ascii")
        os.replace(new, self.path)
