"""Recorded official candles of whole markets, as they were packed.

Never here: replaying or judging them.
Invariant: a row is the exchange's own, and its numbers are its own text.
"""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any

from truecandle.candles.interval import INTERVALS
from truecandle.candles.series import Series

Rows = list[list[Any]]


def from_tar(path: Path) -> list[tuple[Series, Rows]]:
    found: dict[tuple[str, str], dict[int, list[Any]]] = {}
    with tarfile.open(path) as archive:
        for entry in archive:
            file = archive.extractfile(entry)
            if file is not None:
                symbol, interval = Path(entry.name).parts[-3:-1]
                rows = found.setdefault((symbol, interval), {})
                rows.update({row[0]: row for row in json.load(file, parse_float=str)})
    return [
        (Series(symbol, INTERVALS[name]), [rows[open_ms] for open_ms in sorted(rows)])
        for (symbol, name), rows in found.items()
    ]
