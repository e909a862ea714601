"""The files of a mirror, read back and compared with the store row for row.

Never here: writing files; what has changed in the store since a file was written is no fault of it,
and is told apart (`survey`).
Invariant: it holds no lock, and may run beside a mirror that writes. A file that is not as it
should be is marked, so that the next run writes it anew.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from redis import Redis

from truecandle.candles.moments import to_iso
from truecandle.candles.series import Series
from truecandle.errors import MirrorError, MirrorRefused, StoreDamaged
from truecandle.mirror import index as indexes
from truecandle.mirror import parquet, period_rows, survey
from truecandle.mirror.folder import SUFFIX, MirrorFolder
from truecandle.mirror.index import MirrorIndex
from truecandle.mirror.periods import Period, period_named
from truecandle.mirror.survey import Survey
from truecandle.store.tables import Table

#: A file that was written while it was compared is compared again, so often at most.
TRIES_MAX: Final = 3
#: Rows of a file that are named.
NAMED_MAX: Final = 3


@dataclass(slots=True)
class Verification:
    """Of one series: files and rows that are as they should be, files that are behind the store,
    and a sentence for each that is wrong."""

    files: int = 0
    rows: int = 0
    behind: int = 0
    faults: list[str] = field(default_factory=list)


class _Known(NamedTuple):
    """What index and store say at one moment."""

    written: MirrorIndex
    stored: Survey


class MirrorVerifier:
    """Compares one series after the other; `on_rows` as that of a `SeriesMirror`."""

    def __init__(
        self,
        redis: Redis,
        folder: MirrorFolder,
        *,
        on_rows: Callable[[int], None] = lambda rows: None,
    ) -> None:
        self._redis = redis
        self._folder = folder
        self._on_rows = on_rows

    def verify(self, series: Series, since_ms: int = 0) -> Verification:
        """Raises a `StoreError` or a `MirrorError` if store or folder cannot be read at all."""
        self._folder.require()
        found = Verification()
        known = self._known(series)
        names = {*known.written.files, *self._folder.stats(series)}
        every = {*known.stored.counts}
        every |= {one for name in names if (one := period_named(series.interval, name))}
        for period in sorted(every):
            if period.end_ms > since_ms:
                self._verify(series, period, known, found)
        return found

    def _verify(self, series: Series, period: Period, known: _Known, found: Verification) -> None:
        for _ in range(TRIES_MAX):
            if survey.is_behind(known.written, known.stored, period):
                found.behind += 1
                return
            try:
                rows = self._compare(series, period)
            except (MirrorRefused, StoreDamaged) as error:
                fault = str(error)
            else:
                found.files += 1
                found.rows += rows
                self._on_rows(rows)
                return
            known = self._known(series)  # it may have been written, or changed, meanwhile
        found.faults.append(f"{series} {period.name}{SUFFIX}: {fault}")
        if period.name in known.written.files:
            with suppress(MirrorError):
                self._folder.mark(series, period.name)

    def _known(self, series: Series) -> _Known:
        index = indexes.loads(series, self._folder.index(series)) or MirrorIndex()
        return _Known(index, survey.take(self._redis, series, index))

    def _compare(self, series: Series, period: Period) -> int:
        """How many rows are equal; `MirrorRefused` says what is not."""
        rows = period_rows.read(self._redis, series, period)
        try:
            content = parquet.decode(self._folder.read(series, period.name))
        except MirrorRefused:
            raise
        except MirrorError as error:
            raise MirrorRefused(str(error)) from error
        wanted = parquet.expected(series, period, rows)
        if not content.table.equals(wanted):
            raise MirrorRefused(_difference(content.table, wanted))
        told = (series.symbol, series.interval.name, rows.rows, rows.digest())
        if (content.symbol, content.interval, content.rows, content.sha256) != told:
            raise MirrorRefused("its rows are right, but not what it says of them")
        return rows.rows


def _difference(held: Table, wanted: Table) -> str:
    """Which rows are missing, which are too many, which differ."""
    rows, others = parquet.rows_of(held), parquet.rows_of(wanted)
    kinds = {
        "missing": others.keys() - rows.keys(),
        "too many": rows.keys() - others.keys(),
        "different": {at for at in rows.keys() & others.keys() if rows[at] != others[at]},
    }
    told = [_named(kind, sorted(opens)) for kind, opens in kinds.items() if opens]
    return "; ".join(told) or "its rows are not in their order, or some are there twice"


def _named(kind: str, opens: list[int]) -> str:
    more = f" and {len(opens) - NAMED_MAX} more" if len(opens) > NAMED_MAX else ""
    return f"{len(opens):,} {kind}: {', '.join(map(to_iso, opens[:NAMED_MAX]))}{more}"
