"""What the store holds of one period, read from both halves of the series.

Never here: what has changed (`survey`), files.
Invariant: rows are those that `/data` gives of the period, ascending, one per open time; what is
held in memory is one period.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final, NamedTuple

from redis import Redis

from truecandle.candles.series import Series
from truecandle.errors import StoreDamaged
from truecandle.mirror.periods import Period
from truecandle.store import pages
from truecandle.store.columns import lines, own_time
from truecandle.store.pages import PAGE_CANDLES_MAX, Query

#: The twelfth field of a line, which is no field of ours, and the end of the line.
_UNUSED: Final = re.compile(rb",[^,\n]*\n")


class PeriodRows(NamedTuple):
    """`text`: the rows as `columns.lines` gives them. `stored`: how many members lie there, of
    which those that are no candles of the period are no rows."""

    text: bytes
    rows: int
    stored: int

    def digest(self) -> str:
        """The SHA-256, in hexadecimal, of the rows as `/data` writes them with `format=csv`,
        `fields=all` and `time=ms`, without its line of names: the exchange's own decimal text."""
        return hashlib.sha256(_UNUSED.sub(b"\n", self.text)).hexdigest()


def read(redis: Redis, series: Series, period: Period) -> PeriodRows:
    """The rows of a period; raises a `StoreError`."""
    start_ms, stored, found = period.start_ms, 0, list[bytes]()
    while True:
        query = Query(PAGE_CANDLES_MAX, start_ms, period.end_ms)
        page = pages.read(redis, series, query)
        opens = [own_time(member) for member in page.members]
        own = [
            (open_ms, member)
            for open_ms, member in zip(opens, page.members, strict=True)
            if open_ms is not None and start_ms <= open_ms < period.end_ms
        ]
        stored += len(page.members)
        found += [member for _, member in own]
        if not page.has_more:
            break
        if not own:
            what = f"holds no candles where {len(page.members)} should be, in {period.name}"
            raise StoreDamaged(f"{series} {what}; flask doctor --repair mends it")
        start_ms = own[-1][0] + 1
    text = lines(found)
    return PeriodRows(text, text.count(b"\n"), stored)
