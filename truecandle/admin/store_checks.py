"""Looks over all stored candles: keys, members, meta, and higher timeframes against lower ones.

Never here: the exchange, repairing, what a finding means (`finding`).
Invariant: it only reads, one page of a series at a time; a finding names its first spots only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from redis import Redis

from truecandle.admin.finding import Cure, Finding, Reask, Rebuild, Refill, Renew, SetAside
from truecandle.admin.members import Examined, Spot, examine
from truecandle.admin.moments import shown
from truecandle.admin.ownership import Ownership, series_of
from truecandle.admin.plan import Span
from truecandle.candles.candle import OfficialCandle
from truecandle.candles.consistency import TimeframeComparison, compare_timeframes, lower_timeframes
from truecandle.candles.interval import INTERVALS
from truecandle.candles.series import Series
from truecandle.errors import StoreDamaged
from truecandle.store import block_inspection, inspection, keys, quarantine
from truecandle.store.block_inspection import BlockFault
from truecandle.store.rows import with_grid

#: Spots of one finding that one repair sees to; the next round sees to the next.
SPOTS_MAX: Final = 5_000
#: Keys that are named one by one; the next round names the next.
KEYS_MAX: Final = 1_000
#: Keys of others that are named.
OTHERS_MAX: Final = 20

#: More candles than these are not stored too early by mishap; rather a clock went wrong.
EARLY_MAX: Final = 3

_WHAT: Final = {
    "junk": "no candle",
    "misplaced": "at another time than its own",
    "misaligned": "off the grid",
    "broken": "impossible prices",
    "not closed": "not closed yet",
    "double": "more than one candle at the same time",
}
_EARLY: Final = ": are the clocks right? --repair removes {} at most"


class StoreChecks:
    """One look over the store at exchange time `now_ms`. `counts` says how much was looked at.

    `others` are keys that begin like ours and are not, or not for certain: those of a series by
    name, of all others the beginning alone, since what follows may be somebody's secret.
    """

    def __init__(self, redis: Redis, now_ms: int, ownership: Ownership) -> None:
        self._redis = redis
        self._now_ms = now_ms
        self._ownership = ownership
        self.counts: Counter[str] = Counter()
        self.others: set[str] = set()

    def findings(self) -> Iterator[Finding]:
        """In the order in which to repair them."""
        stored: dict[str, list[Series]] = {}
        blocked: set[str] = set()
        yield from self._keys(stored, blocked)
        for symbol in sorted(stored):
            of_symbol = list[Series]()
            for series in sorted(set(stored[symbol]), key=_length):
                if series.name in blocked:
                    continue
                faults = list(block_inspection.faults(self._redis, series))
                if any(fault.hides for fault in faults):
                    yield from (_of_blocks(series, fault, self._now_ms) for fault in faults)
                    continue
                grown = self._with_grid(series)
                self.counts["series"] += 1
                yield from (_of_blocks(grown, fault, self._now_ms) for fault in faults)
                yield from self._series(grown)
                of_symbol.append(grown)
            yield from self._timeframes([one for one in of_symbol if one.interval.has_grid])

    def _keys(self, stored: dict[str, list[Series]], blocked: set[str]) -> Iterator[Finding]:
        """Also tells which series are stored, and of which a key cannot be read."""
        named: set[bytes] = set()
        for key in inspection.found_keys(self._redis):
            text, owner = key.head + key.tail, self._ownership.of(key)
            if owner == "other":
                if len(self.others) < OTHERS_MAX:
                    self.others.add(text if key.is_series else key.head)
                continue
            series = series_of(key.tail) if key.is_series else None
            if series:
                stored.setdefault(series.symbol, []).append(series)
            if key.found == key.expected or key.name in named or len(named) >= KEYS_MAX:
                continue
            named.add(key.name)
            what = f"it holds a {key.found}, not a {key.expected}"
            if owner == "taken":
                yield Finding("taken", text, what)
                continue
            cures: tuple[Cure, ...] = (SetAside(key.name, key.found),)
            if series and key.head in keys.READ:
                blocked.add(series.name)
                cures += (Refill(series),) if key.head in keys.CANDLES else ()
            yield Finding("foreign type", text, what, cures)

    def _with_grid(self, series: Series) -> Series:
        """3d: the grid that most of its candles lie on."""
        if series.interval.has_grid:
            return series
        first = next(inspection.member_pages(self._redis, series))
        day = INTERVALS["1d"]
        found = [one.candle for one in examine(day, first, self._now_ms) if one.candle]
        return replace(series, interval=with_grid(series.interval, found))

    def _series(self, series: Series) -> Iterator[Finding]:
        spots: dict[str, list[Spot]] = {}
        counts: Counter[str] = Counter()
        for one in self._examined(series):
            self.counts["candles"] += one.candle is not None
            for spot in one.spots:
                counts[spot.check] += 1
                if counts[spot.check] <= SPOTS_MAX:
                    spots.setdefault(spot.check, []).append(spot)
        for check, what in _WHAT.items():
            if check in spots:
                times = "once" if counts[check] == 1 else f"{counts[check]:,} times"
                text = f"{what}, {times}, first at {_at(spots[check][0].score)}"
                if check == "not closed" and counts[check] > EARLY_MAX:
                    yield Finding(check, str(series), text + _EARLY.format(EARLY_MAX))
                else:
                    yield Finding(check, str(series), text, (_reask(series, spots[check]),))
        yield from self._meta(series)
        yield from self._held(series)

    def _meta(self, series: Series) -> Iterator[Finding]:
        claimed, there = inspection.claim(self._redis, series)
        if claimed == there or (claimed is None and not there.count):
            return
        said = "is missing or unreadable"
        if claimed is not None:
            said = f"says {claimed.count:,} candles, {_range(claimed.earliest, claimed.latest)}"
        what = f"{said}; there are {there.count:,}, {_range(there.earliest, there.latest)}"
        is_lost = claimed is not None and claimed.count > there.count == 0
        cures = (Refill(series) if is_lost else Renew(series),)
        yield Finding("meta", keys.meta(series), what, cures)

    def _held(self, series: Series) -> Iterator[Finding]:
        try:
            entries = quarantine.read(self._redis, series)
        except StoreDamaged:  # of another type: a finding of its own
            return
        if entries:
            verify = f"flask verify {series.symbol} {series.interval.name} --accept"
            what = (
                f"{len(entries):,} answers of the exchange were not believed, of the last one "
                f"{entries[0].detail}: look at GET /corrections, then {verify}"
            )
            yield Finding("held back", str(series), what)

    def _timeframes(self, stored: list[Series]) -> Iterator[Finding]:
        by_name = {series.interval.name: series for series in stored}
        for higher in stored:
            for lower in lower_timeframes(higher.interval, [one.interval for one in stored]):
                yield from self._compare(higher, by_name[lower.name])

    def _compare(self, higher: Series, lower: Series) -> Iterator[Finding]:
        differing: list[TimeframeComparison] = []
        count = judged = 0
        grids = (higher.interval, lower.interval)
        for one in compare_timeframes(*grids, self._proper(higher), self._proper(lower)):
            judged += 1
            if one.differences and (still := self._again(higher, lower, one.open_ms)):
                count += 1
                if count <= SPOTS_MAX:
                    differing.append(still)
        self.counts["parents"] += judged  # its public name, also as a finding
        if differing:
            name, own, made = differing[0].differences[0]
            what = (
                f"{count:,} of {judged:,} candles are not what their {lower.interval.name} candles "
                f"make them, the first at {_at(differing[0].open_ms)}: {name} {own:f}, not {made:f}"
            )
            spans = [
                Span(one.open_ms, higher.interval.next_open_ms(one.open_ms)) for one in differing
            ]
            cures = (Reask(higher, tuple(spans)), Reask(lower, tuple(spans)))
            yield Finding("parents", str(higher), what, cures)

    def _again(self, higher: Series, lower: Series, open_ms: int) -> TimeframeComparison | None:
        """The same candle once more: what a fetcher stored between two reads is no finding."""
        end_ms = higher.interval.next_open_ms(open_ms)
        sides = [self._proper(one, open_ms, end_ms) for one in (higher, lower)]
        for one in compare_timeframes(higher.interval, lower.interval, *sides):
            return one if one.differences else None
        return None

    def _proper(
        self, series: Series, start_ms: int | None = None, end_ms: int | None = None
    ) -> Iterator[OfficialCandle]:
        for one in self._examined(series, start_ms, end_ms):
            if one.candle is not None:
                yield one.candle

    def _examined(
        self, series: Series, start_ms: int | None = None, end_ms: int | None = None
    ) -> Iterator[Examined]:
        for page in inspection.member_pages(self._redis, series, start_ms, end_ms):
            yield from examine(series.interval, page, self._now_ms)


def _of_blocks(series: Series, fault: BlockFault, now_ms: int) -> Finding:
    what = fault.what
    if fault.spans:
        what += f", {_range(fault.spans[0].start_ms, fault.spans[-1].end_ms)}"
    asked = tuple(Span(*span) for span in fault.spans if span.start_ms < now_ms)
    cures: tuple[Cure, ...] = (Rebuild(series, asked),) if asked else ()
    return Finding("blocks", str(series), what, (*cures, Renew(series)))


def _reask(series: Series, spots: Iterable[Spot]) -> Reask:
    opens, scores = set[int](), []
    for spot in spots:
        opens.update(spot.opens)
        if spot.is_rubbish:
            scores.append(spot.score)
    spans = [Span(open_ms, series.interval.next_open_ms(open_ms)) for open_ms in sorted(opens)]
    return Reask(series, tuple(spans), tuple(scores))


def _length(series: Series) -> int:
    return list(INTERVALS).index(series.interval.name)


def _at(score: float) -> str:
    return shown(int(score)) if abs(score) < 2**63 else str(score)


def _range(first_ms: int | None, last_ms: int | None) -> str:
    if first_ms is None:
        return "none"
    return " to ".join("no time" if ms == -1 else shown(ms) for ms in (first_ms, last_ms))
