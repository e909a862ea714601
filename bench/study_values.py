"""How far the page's studies are from another's maths, on recorded candles.

    python -m bench.study_values FILE [--rows 10000]

`FILE` is a `.csv` or `.json` of klines (open time, open, high, low, close, volume, …), or a
`.tar.xz` of such JSON files, of which those with `/1h/` in their names are read.

Never here: the maths (`static/src/studies`, `tests/support/expected_studies`).
Invariant: ends with 1 if any study is further off than what binary fractions explain.
"""

from __future__ import annotations

import argparse
import json
import sys
import tarfile
from pathlib import Path
from typing import Any

from tests.support.expected_studies import Candles, differences

ROWS = 10_000
DIFFERENCE_MAX = 1e-9


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--rows", type=int, default=ROWS)
    options = parser.parse_args()
    rows = recorded(options.file)[-options.rows :]
    candles = Candles.of_rows(rows)
    print(f"{len(rows)} candles of {options.file.name}: the greatest relative difference")
    found = differences(candles)
    for name, far in found.items():
        print(f"  {name:<24} {far:.1e}")
    return int(max(found.values()) > DIFFERENCE_MAX)


def recorded(path: Path) -> list[list[Any]]:
    """The rows of a recording, ascending, one an open time."""
    if path.suffix == ".csv":
        rows = [line.split(",") for line in path.read_text().splitlines()]
    elif path.suffix == ".json":
        rows = json.loads(path.read_text())
    else:
        rows = []
        with tarfile.open(path) as archive:
            for member in archive:
                file = archive.extractfile(member) if "/1h/" in member.name else None
                rows += [] if file is None else json.load(file)
    return [row for _, row in sorted({int(row[0]): row for row in rows}.items())]


if __name__ == "__main__":
    sys.exit(main())
