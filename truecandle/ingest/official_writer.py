"""Writes official candles: an answer of the exchange is believed, written, and told to everybody.

Never here: asking the exchange, who leads, what is plausible (`plausibility`).
Invariant: store, audit, drop what was pending, tell; every version is told of or overtaken. What is
not believed changes nothing and is kept for people to see.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import get_args

from redis import Redis

from truecandle.candles.decimals import is_moment
from truecandle.candles.gap import GapReason
from truecandle.candles.gap_registry import GapRegistry
from truecandle.candles.series import Series
from truecandle.errors import (
    AnswerHeld,
    CandleError,
    MalformedAnswer,
    StaleWriter,
    StoreDamaged,
    StoreError,
)
from truecandle.events import Publisher, Reason
from truecandle.ingest import shown_candles
from truecandle.ingest.candle_traces import CandleTrace
from truecandle.ingest.plausibility import Implausible, check_plausibility
from truecandle.log_once import TroubleLog
from truecandle.metrics import LatenessCounts
from truecandle.store import gaps, keys, lease, live, official, quarantine, sealing
from truecandle.store.official import Written
from truecandle.store.quarantine import Quarantined

#: Broken rows of one answer that are kept to be looked at.
BROKEN_MAX = 10
#: Blocks that are sealed after one write; the largest writes have the candles of five.
BLOCKS_PER_WRITE = 8

log = logging.getLogger(__name__)


class OfficialWriter:
    """Writes rows of any series. `counts` says what happened since the start, by plain names.

    `fence()` is the fencing number to write with; ask for it before asking the exchange. The
    fetcher hands in its lease's. Without one this is a tool beside the fetcher: it writes with the
    number in force, and once more where that has just changed. While `is_unsure()` the clock cannot
    be trusted to tell which candles have closed: then nothing is believed. What is older than the
    newest `seal_after` candles of a series is sealed after its writes; what was sealed though it is
    not older is unsealed, with 0 all of it.
    """

    def __init__(
        self,
        redis: Redis,
        publisher: Publisher,
        settle_ms: int,
        now_ms: Callable[[], int],
        fence: Callable[[], int] | None = None,
        is_unsure: Callable[[], bool] = lambda: False,
        *,
        seal_after: int,
    ) -> None:
        self._redis = redis
        self._publisher = publisher
        self._settle_ms = settle_ms
        self._now_ms = now_ms
        self._in_force = partial(lease.current, redis, keys.LEADER)
        #: Whether this is the fetcher, which never writes with another one's number.
        self._leads = fence is not None
        self._is_unsure = is_unsure
        self._seal_after = seal_after
        #: Series of which blocks may be moved, as the last write to them has shown.
        self._due_for_moving: set[str] = set()
        #: Series of which that was not possible.
        self._unmoved = TroubleLog(log)
        self.fence = fence or self._in_force
        #: Of each series: one thread writes at a time.
        self._locks: dict[str, threading.Lock] = {}
        #: Of each series: the last version that everybody was told of.
        self._told: dict[str, int] = {}
        self.counts: Counter[str] = Counter()
        #: By interval: how long after their end candles became official.
        self.lateness: dict[str, LatenessCounts] = {}
        #: Of each series: its known gaps, by reason.
        self._gaps: dict[Series, Counter[str]] = {}
        #: Of each series: the open time of a row whose block could not be read.
        self._unreadable: dict[str, int] = {}

    def gap_counts(self, symbols: Collection[str]) -> dict[str, int]:
        """The known gaps of these markets, by reason, of all series that were looked at."""
        found = Counter(dict.fromkeys(get_args(GapReason), 0))
        for series, counts in list(self._gaps.items()):
            if series.symbol in symbols:
                found.update(counts)
        return dict(found)

    def write(
        self,
        series: Series,
        rows: Sequence[list[object]],
        reason: Reason,
        *,
        fence: int | None = None,
        by: str = "fetch",
        accept: bool = False,
        seen_version: int | None = None,
        is_all: bool = False,
        trace: CandleTrace | None = None,
    ) -> set[int]:
        """Stores what is official among the rows; returns the open times of that.

        `fence`: what `fence()` gave before the rows were asked for; if not given, it is asked now.
        `by` is who asked, for the record of corrections; `accept` believes any number of them.
        `seen_version` is that of the series before they were asked for: the first one seen counts
        as told. `is_all`: the rows are all that the exchange has of the blocks that they lie in, so
        that blocks which cannot be read give way to them. `trace` is that of this reading, if it is
        traced.
        Raises `MalformedAnswer` when the rows contradict each other, `AnswerHeld` when they are not
        believed, `StaleWriter` when another fetcher has taken over since (in all of these nothing
        is written or told), and other `StoreError`s.
        """
        with self._locks.setdefault(series.name, threading.Lock()):
            if seen_version is not None:
                self._told.setdefault(series.name, seen_version)
            self._believe(series, rows, by, accept)
            written, opens = self._write(series, rows, fence, by, is_all=is_all)
            self._tell(series, written, reason, trace)
            self._quarantine_broken(series, written, by)
            quarantine.release(self._redis, series, opens)
            self._move_blocks(series, written)
        self._count(series, written)
        return opens

    def renew(self, series: Series, by: str) -> None:
        """Writes anew what a series says of itself, and tells if that has changed."""
        with self._locks.setdefault(series.name, threading.Lock()):
            written = official.renew(self._redis, series, fence=self.fence(), noticed_by=by)
            self._tell(series, written, "repair", None)

    def take_unreadable(self, series: Series) -> int | None:
        """The open time of a row that was refused since this was last asked, as its block cannot be
        read; None without one."""
        return self._unreadable.pop(series.name, None)

    def seal(self, series: Series) -> bool:
        """Seals (or unseals) one more block of a series that has its grid, if the last write to it
        has shown that one may be moved; whether there may be more. Raises a `StoreError`."""
        if series.name not in self._due_for_moving:
            return False
        try:
            outcome = sealing.step(self._redis, series, self._seal_after, self.fence())
            if outcome == "blocked":
                raise StoreDamaged("what is no candle keeps old ones unsealed: see flask doctor")
        except StoreDamaged as error:
            self._due_for_moving.discard(series.name)
            self.counts["blocks that cannot be moved"] += 1
            self._unmoved.report(series.name, error)
            return False
        self._unmoved.clear(series.name)
        self.counts["blocks moved"] += outcome == "done"
        if outcome == "kept":
            self._due_for_moving.discard(series.name)
        return outcome in ("done", "overtaken")

    def _move_blocks(self, series: Series, written: Written) -> None:
        """As many as a write may have made necessary. The candles are stored in any case."""
        sealed = written.count - written.unsealed
        if not sealing.is_due(written.unsealed, sealed, self._seal_after):
            self._due_for_moving.discard(series.name)
            return
        self._due_for_moving.add(series.name)
        try:
            for _ in range(BLOCKS_PER_WRITE):
                if not self.seal(series):
                    return
        except StoreError as error:
            self.counts["blocks left for later"] += 1
            self._unmoved.report(series.name, error)

    def record_gaps(
        self, series: Series, before: GapRegistry, after: GapRegistry, *, anew: bool = False
    ) -> None:
        """Stores what changed of the gaps (all of it, if `anew`), and tells of those now proven."""
        missing = gaps.save(self._redis, series, before, after, anew=anew)
        self._gaps[series] = Counter(gap.reason for gap in after.all)
        if missing:
            self._publisher.gap_proven(series, missing)

    def _believe(self, series: Series, rows: Sequence[list[object]], by: str, accept: bool) -> None:
        """Raises `AnswerHeld` for an answer that is not to be believed."""
        found = None if accept else check_plausibility(self._redis, series, rows)
        if rows and self._is_unsure():
            opens = tuple(row[0] for row in rows if row and isinstance(row[0], int))
            found = Implausible("clock", opens, "a clock jumped; what has closed is not known")
        if found is None:
            return
        self._quarantine(series, found, by)
        self.counts["answers held"] += 1
        raise AnswerHeld(f"{series}: an answer is held back: {found.detail}")

    def _quarantine(self, series: Series, found: Implausible, by: str) -> None:
        times, now_ms = found.opens or (0,), self._now_ms()
        noted = Quarantined(
            found.reason, min(times), max(times), len(times), by, found.detail, now_ms, now_ms
        )
        if quarantine.add(self._redis, series, noted).times == 1:
            log.warning("%s: held back: %.200r", series, found.detail)

    def _quarantine_broken(self, series: Series, written: Written, by: str) -> None:
        for row in [row for row in written.refused if row.reason == "broken"][:BROKEN_MAX]:
            opens = (row.time,) if is_moment(row.time) else ()
            self._quarantine(series, Implausible("broken", opens, row.detail), by)

    def _write(
        self,
        series: Series,
        rows: Sequence[list[object]],
        fence: int | None,
        by: str,
        *,
        is_all: bool,
    ) -> tuple[Written, set[int]]:
        """Stores, records what the chart had shown, and drops what was pending of it; returns what
        came of each row, and the open times that are stored now."""
        shown = self._read_shown(series)
        number = self.fence() if fence is None else fence
        written = self._upsert_fenced(series, rows, number, by, is_all=is_all)
        refused = {row.time for row in written.refused if isinstance(row.time, int)}
        opens = {row[0] for row in rows if row and isinstance(row[0], int)} - refused
        self._record_differences(series, shown, rows, opens)
        live.settle(self._redis, series, sorted(opens))
        return written, opens

    def _upsert_fenced(
        self, series: Series, rows: Sequence[list[object]], fence: int, by: str, *, is_all: bool
    ) -> Written:
        try:
            return self._upsert(series, rows, fence, by, is_all=is_all)
        except StaleWriter:
            if self._leads:
                self.counts["answers that came too late"] += 1
                raise
            return self._upsert(series, rows, self._in_force(), by, is_all=is_all)

    def _upsert(
        self, series: Series, rows: Sequence[list[object]], fence: int, by: str, *, is_all: bool
    ) -> Written:
        try:
            return official.upsert_klines(
                self._redis,
                series,
                rows,
                now_ms=self._now_ms(),
                settle_ms=self._settle_ms,
                fence=fence,
                noticed_by=by,
                is_all=is_all,
            )
        except CandleError as error:
            self.counts["answers that contradict themselves"] += 1
            raise MalformedAnswer(f"{series}: {error}") from error

    def _read_shown(self, series: Series) -> shown_candles.ShownCandles | None:
        """What the chart shows until the rows come; None if that cannot be read."""
        try:
            return shown_candles.read_shown(self._redis, series, self._now_ms())
        except StoreDamaged:
            self.counts["answers not audited"] += 1
            return None

    def _record_differences(
        self,
        series: Series,
        shown: shown_candles.ShownCandles | None,
        rows: Sequence[list[object]],
        opens: set[int],
    ) -> None:
        """Keeps what the chart had shown, before it is settled away."""
        if shown is None:
            return
        try:
            entries = shown_candles.record_differences(
                self._redis, series, shown, rows, opens, self._now_ms()
            )
        except StoreDamaged:
            self.counts["answers not audited"] += 1
            return
        lateness = self.lateness.setdefault(series.interval.name, LatenessCounts())
        for entry in entries:
            if shown.latest_ms is not None and entry.open_ms > shown.latest_ms:
                lateness.observe(entry.late_ms / 1_000)

    def _tell(
        self, series: Series, written: Written, reason: Reason, trace: CandleTrace | None
    ) -> None:
        """Also of a version whose telling was lost together with the connection."""
        told = self._told.setdefault(series.name, written.previous)
        if written.version == told:
            return
        if not written.added and (written.corrected or written.healed):
            reason = "correction" if written.corrected else "repair"
        self._publisher.data_updated(
            series,
            timestamp=self._now_ms(),
            version=written.version,
            previous=written.previous,
            reason=reason,
            candles=written.changed,
            traceparent=trace.on_stored(written) if trace is not None else "",
        )
        if trace is not None:
            trace.on_told()
        self._told[series.name] = written.version

    def _count(self, series: Series, written: Written) -> None:
        self.counts["added"] += written.added
        self.counts["corrected"] += written.corrected
        self.counts["healed"] += written.healed
        if written.corrected:
            log.info("%s: the exchange corrected %d closed candles", series, written.corrected)
        if written.healed:
            log.warning("%s: %d damaged candles in the store healed", series, written.healed)
        refused = [row for row in written.refused if row.reason != "open"]
        unreadable = [row for row in refused if row.reason == "unreadable"]
        if unreadable and isinstance(unreadable[0].time, int):
            self._unreadable[series.name] = unreadable[0].time
        self.counts["rows refused"] += len(refused)
        if refused:
            first = f"{refused[0].reason}: {refused[0].detail}"
            log.warning("%s: %d rows refused, the first as %.150r", series, len(refused), first)
