"""Takes from an archive what the store lacks; says by name which of its rows are no candles.

Never here: which archive, asking REST for the rest.
Invariant: an archive adds candles and never changes one: what REST told may be newer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Final

from truecandle.admin.context import CommandRun
from truecandle.admin.moments import shown
from truecandle.binance.archive import Archive, File, rows
from truecandle.candles.decimals import is_moment
from truecandle.candles.series import Series
from truecandle.errors import ExchangeError, ExchangeRefused, MalformedAnswer
from truecandle.ingest.kline_pages import Span
from truecandle.store import official
from truecandle.store.rows import RefusedRow, check

Row = list[object]

#: Rows that are stored, and told of, at once.
BATCH_ROWS: Final = 5_000
#: Refused rows of one archive that are named one by one.
NAMED_MAX: Final = 100


class ArchiveImport:
    """Archives into the store. Zips lie in `folder` until they are stored."""

    def __init__(self, run: CommandRun, archive: Archive, folder: Path) -> None:
        self._run = run
        self._archive = archive
        self._folder = folder
        self._is_away = False
        self._refused: Counter[str] = Counter()

    def take(self, series: Series, span: Span, file: File) -> bool:
        """Stores what an archive has of the span's holes; False if there is no usable one."""
        if self._is_away:
            return False
        self._folder.mkdir(parents=True, exist_ok=True)
        refused = Refusals()
        path: Path | None = None
        try:
            path = self._run.retrying(lambda: self._archive.fetch(file, self._folder))
            if path is None:
                return False
            for batch in _batches(rows(path)):
                refused.note(self._take_batch(series, span, batch))
        except (MalformedAnswer, ExchangeRefused) as error:
            self._run.progress.say(f"{file.name}: left to REST: {error}")
            if path:
                path.unlink()
            return False
        except ExchangeError as error:
            self._is_away = True
            self._run.progress.say(f"the archives are away, all is left to REST: {error}")
            return False
        finally:
            self._refused += refused.counts
            for line in refused.lines(file):
                self._run.progress.say(line)
        path.unlink()
        return True

    def take_refused(self) -> dict[str, int]:
        """How many rows were refused since this was last asked, by reason."""
        taken, self._refused = dict(self._refused), Counter()
        return taken

    def _take_batch(self, series: Series, span: Span, batch: list[Row]) -> list[RefusedRow]:
        """Stores what is new of a batch; returns what is no candle."""
        times = [row[0] for row in batch if is_moment(row[0])]
        known: set[object] = set()
        if times:
            first_ms, end_ms = min(times), max(times) + 1
            opens = self._run.retrying.with_store(
                lambda: official.open_times(self._run.redis, series, first_ms, end_ms)
            )
            known.update(opens)
        new = [row for row in batch if row[0] not in known and _is_within(row, span)]
        if not new:
            return []
        writer = self._run.session.writer
        before = Counter(writer.counts)
        self._run.retrying.with_store(lambda: writer.write(series, new, "backfill", by="archive"))
        self._run.progress.advance(writer.counts["added"] - before["added"])
        if writer.counts["rows refused"] == before["rows refused"]:
            return []
        now_ms = self._run.session.clock.now_ms()
        checked = check(series.interval, new, now_ms=now_ms, settle_ms=self._run.settle_ms)
        return list(checked.refused)


class Refusals:
    """Rows of one archive that are no candles: how many by reason, and the first by their time."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._times: dict[str, list[str]] = {}

    def note(self, refused: Iterable[RefusedRow]) -> None:
        """Some more."""
        for row in refused:
            self.counts[row.reason] += 1
            times = self._times.setdefault(row.reason, [])
            if len(times) < NAMED_MAX:
                times.append(shown(row.time))

    def lines(self, file: File) -> Iterator[str]:
        """What to say of them, one line a reason."""
        for reason, times in sorted(self._times.items()):
            more = self.counts[reason] - len(times)
            yield (
                f"{file.name}: {self.counts[reason]} rows refused ({reason}), REST is asked "
                f"instead: {', '.join(times)}{f' and {more} more' if more else ''}"
            )


def _batches(lines: Iterable[Row]) -> Iterator[list[Row]]:
    iterator = iter(lines)
    while batch := list(islice(iterator, BATCH_ROWS)):
        yield batch


def _is_within(row: Row, span: Span) -> bool:
    """Broken rows too: the store refuses and counts them."""
    return not is_moment(row[0]) or span[0] <= row[0] < span[1]
