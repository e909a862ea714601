"""Stored members as Arrow tables with exact decimals. Needs pyarrow, which is optional.

Stored candles are lines of CSV already, and that is what Arrow reads fastest.

Never here: Redis; which columns, and what becomes of a table (`web/data_tables`, `mirror/parquet`).
Invariant: a decimal has the type that was asked for without being rounded, or reading it fails;
`decimal128(PRECISION, SCALE)` holds every number that can be stored.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from types import ModuleType
from typing import Any, Final

from truecandle.errors import LibraryMissing
from truecandle.store.columns import FIELDS

#: Digits of a decimal, and how many of them stand after the point: those that a stored number can
#: have.
PRECISION: Final = 38
SCALE: Final = 18

#: More than a page of candles has.
_BLOCK_BYTES: Final = 1 << 24

Table = Any


def pyarrow() -> ModuleType:
    """The library; `LibraryMissing` where it is not installed. Loading it takes a second."""
    try:
        import pyarrow
        import pyarrow.csv
        import pyarrow.parquet
    except ImportError:
        raise LibraryMissing(
            "pyarrow is not installed (pip install -r requirements-tables.txt)"
        ) from None
    module: ModuleType = pyarrow
    return module


def read_lines(arrow: Any, text: bytes, kinds: Mapping[str, Any]) -> Table:
    """Lines of stored candles (`columns.lines`) as a table of the columns that `kinds` names, with
    these types; times are whole numbers (ms) there. An `ArrowInvalid` for what does not fit."""
    return arrow.csv.read_csv(
        io.BytesIO(text),
        read_options=arrow.csv.ReadOptions(
            column_names=[*FIELDS, "unused"], use_threads=False, block_size=_BLOCK_BYTES
        ),
        convert_options=arrow.csv.ConvertOptions(column_types=kinds, include_columns=list(kinds)),
    )
