"""A run over one series: every file that is due is compared with the store, and written if it
differs.

Never here: which series, when (`admin/mirror`, `watcher`).
Invariant: a file whose rows are those of the store is not touched. A file never loses rows, and
none is removed, unless `prune` says so: an emptied store does not empty a mirror.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from redis import Redis

from truecandle.candles.series import Series
from truecandle.errors import MirrorError, MirrorRefused, StoreDamaged
from truecandle.mirror import index as indexes
from truecandle.mirror import parquet, period_rows, survey
from truecandle.mirror.folder import SUFFIX, MirrorFolder
from truecandle.mirror.index import UNSURE, FileStat, MirroredFile, MirrorIndex
from truecandle.mirror.period_rows import PeriodRows
from truecandle.mirror.periods import Period
from truecandle.mirror.survey import Survey

#: Files that are written before the index is: of so many a run that is killed forgets.
SAVED_EACH: Final = 200


@dataclass(slots=True)
class MirrorOutcome:
    """Of one run: files written, and removed; those that differ and were left as they are, with a
    sentence each in `refused`. `files` and `rows`: of the series now, as far as they are known.
    `is_broken_off`: the disk has kept the run from its end, the last sentence says why; what is due
    is due still."""

    written: int = 0
    removed: int = 0
    files: int = 0
    rows: int = 0
    refused: list[str] = field(default_factory=list)
    is_broken_off: bool = False

    def break_off(self, series: Series, error: MirrorError) -> None:
        """The disk would not go on; what follows from it is not told besides."""
        if not self.is_broken_off:
            self.refused.append(f"{series}: {error}")
        self.is_broken_off = True


class SeriesMirror:
    """Mirrors into a folder that is held. `market`: of which exchange candles are, for the files.

    `on_rows` is told how many rows were compared, after each file; once `is_stopping` says so, a
    run ends with the file that it is at.
    """

    def __init__(
        self,
        redis: Redis,
        folder: MirrorFolder,
        market: str,
        *,
        prune: bool = False,
        is_stopping: Callable[[], bool] = lambda: False,
        on_rows: Callable[[int], None] = lambda rows: None,
    ) -> None:
        self._redis = redis
        self._folder = folder
        self._market = market
        self._prune = prune
        self._is_stopping = is_stopping
        self._on_rows = on_rows

    def mirror(self, series: Series, since_ms: int = 0) -> MirrorOutcome:
        """Mirrors one series, from the file on that holds `since_ms`. Raises a `StoreError`; what
        was written until then is whole, and the next run goes on."""
        outcome = MirrorOutcome()
        try:
            self._mirror(series, since_ms, outcome)
        except MirrorError as error:
            outcome.break_off(series, error)
        return outcome

    def _mirror(self, series: Series, since_ms: int, outcome: MirrorOutcome) -> None:
        self._folder.tidy(series)
        known = self._folder.index(series)
        index = indexes.loads(series, known) or MirrorIndex()
        found, stats = survey.take(self._redis, series, index), self._folder.stats(series)
        run = _Run(series, index, found, stats, outcome)
        try:
            is_whole = self._compare_due(run, since_ms)
        except MirrorError as error:
            outcome.break_off(series, error)
            is_whole = False
        if is_whole:
            index.version, index.corrected = found.version, found.corrected
        outcome.files = len(index.files)
        outcome.rows = sum(one.rows for one in index.files.values())
        text = indexes.dumps(series, index)
        if text != known and (index.files or known):
            self._folder.save_index(series, text)

    def _compare_due(self, run: _Run, since_ms: int) -> bool:
        """Every file that is due; whether it got through."""
        series, index, outcome = run.series, run.index, run.outcome
        for period in survey.due(series, index, run.found, run.stats):
            if period.end_ms <= since_ms:
                run.mark_unsure(period)
                continue
            if self._is_stopping():
                return False
            before = outcome.written
            self._compare(run, period)
            if before < outcome.written and not outcome.written % SAVED_EACH:
                self._folder.save_index(series, indexes.dumps(series, index))
        return True

    def _compare(self, run: _Run, period: Period) -> None:
        name = period.name
        try:
            rows = period_rows.read(self._redis, run.series, period)
            entry, stat = run.index.files.get(name), run.stats.get(name)
            if stat is not None and (entry is None or entry.stat != stat):
                entry = self._adopted(run, period, rows, stat)
            fresh = self._settle(run, period, rows, entry)
        except (MirrorRefused, StoreDamaged) as error:
            run.outcome.refused.append(f"{run.series} {name}{SUFFIX}: {error}")
            run.mark_unsure(period)
            return
        if fresh is None:
            run.index.files.pop(name, None)
        else:
            run.index.files[name] = fresh
        self._on_rows(rows.rows)

    def _settle(
        self, run: _Run, period: Period, rows: PeriodRows, entry: MirroredFile | None
    ) -> MirroredFile | None:
        """What the index says of the file from now on; None: there is none."""
        series, name, digest = run.series, period.name, rows.digest()
        stat = run.stats.get(name)
        if entry is not None and stat == entry.stat and digest == entry.sha256:
            return entry._replace(stored=rows.stored)
        lost = entry.rows - rows.rows if entry is not None and stat is not None else 0
        if lost > 0 and not self._prune:
            what = f"{lost:,} of its {lost + rows.rows:,} candles are not stored any more"
            raise MirrorRefused(f"{what}; it stays as it is (--prune lets them go)")
        if not rows.rows:
            if stat is not None:
                self._folder.remove(series, name)
                run.outcome.removed += 1
            return None
        version = run.found.version
        content = parquet.encode(series, period, rows, self._market, version)
        written = self._folder.write(series, name, content)
        run.outcome.written += 1
        return MirroredFile(rows.rows, rows.stored, version, digest, written)

    def _adopted(self, run: _Run, period: Period, rows: PeriodRows, stat: FileStat) -> MirroredFile:
        """What is known of a file that is not the one that the index knows, if it knows any.

        Whoever wrote it was killed before the index was written, or it was copied, or damaged. One
        that is not ours, and that the index does not know, is refused.
        """
        series, known = run.series, run.index.files.get(period.name)
        try:
            content = parquet.decode(self._folder.read(series, period.name))
            if (content.symbol, content.interval) != (series.symbol, series.interval.name):
                raise MirrorRefused("it is of another series, and stays as it is")
        except MirrorRefused:
            if known is None:
                raise
            return known
        is_equal = content.table.equals(parquet.expected(series, period, rows))
        if is_equal and content.sha256 == rows.digest():
            return MirroredFile(rows.rows, UNSURE, content.version, content.sha256, stat)
        return known or MirroredFile(content.table.num_rows, UNSURE, 0, "", stat)


@dataclass(slots=True)
class _Run:
    """One run over one series: what is known of it, and what has come of it so far."""

    series: Series
    index: MirrorIndex
    found: Survey
    stats: Mapping[str, FileStat]
    outcome: MirrorOutcome

    def mark_unsure(self, period: Period) -> None:
        """A file that this run leaves as it is, has to be looked at by the next one that may."""
        entry = self.index.files.get(period.name)
        if entry is not None and survey.is_behind(self.index, self.found, period):
            self.index.files[period.name] = entry._replace(stored=UNSURE)
