"""Watches the candles that a running system shows, and judges each against what really traded.

Never here: starting, stopping, disturbing anything.
Invariant: one snapshot of all series is judged at a time; everything remembered is bounded.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from redis import Redis, RedisError

from tests.support.expected_candles import Judge, Truth
from tests.support.running_feed import Listener
from truecandle.candles.candle import LiveCandle, live_from_fields
from truecandle.candles.merge import tail
from truecandle.candles.series import Series, parse_series
from truecandle.errors import StoreError
from truecandle.store import keys, live
from truecandle.store.batch import Batch, Queued
from truecandle.store.live import Live

SAMPLE_S = 0.1
#: Official candles of each series that a sample looks at.
OFFICIAL_SEEN = 30
NOTES_MAX = 2_000
RANKS = {"forming": 0, "pending": 1, "final": 2}


@dataclass(slots=True)
class Closed:
    """How one candle went from closed to official, by the clock of the exchange."""

    seen_ms: int | None = None
    is_exact_at_once: bool = False
    proven_ms: int | None = None
    official_ms: int | None = None


@dataclass(slots=True)
class Trouble:
    """Something wrong in one series, for as long as it lasted."""

    what: str
    series: str
    since_ms: int
    until_ms: int
    detail: str


@dataclass
class Sight:
    """What is remembered of one series."""

    series: Series
    closed: dict[int, Closed] = field(default_factory=dict)
    ranks: dict[int, int] = field(default_factory=dict)
    ids: dict[int, int] = field(default_factory=dict)
    texts: dict[int, LiveCandle] = field(default_factory=dict)
    newest: LiveCandle | None = None
    changed_ms: int = 0
    still_ms: int = 0
    still_at_ms: int = 0
    behind_ms: int = 0
    behind_at_ms: int = 0
    #: The first trade that is not in the newest candle, when last looked at.
    missing_ms: int | None = None


class CandleWatcher(threading.Thread):
    """Samples Redis every `SAMPLE_S`, all series in one transaction, and reads all events."""

    def __init__(self, redis: Redis, series: Sequence[Series], truths: Mapping[str, Truth]) -> None:
        super().__init__(name="watcher", daemon=True)
        self.stopping = threading.Event()
        self.judge = Judge(truths)
        self.counts: Counter[str] = Counter()
        self.troubles: list[Trouble] = []
        self.longest_s = 0.0
        self.leads: dict[str, list[tuple[int, str]]] = {}
        self.sights = {one.name: Sight(one) for one in series}
        self._truths = truths
        self._redis = redis
        self._open: dict[tuple[str, str], Trouble] = {}
        self.started_ms = 0

    def run(self) -> None:
        self.started_ms = now_ms()
        with Listener(self._redis) as listener:
            last_s = time.monotonic()
            while not self.stopping.is_set():
                began_s = time.monotonic()
                self.longest_s = max(self.longest_s, began_s - last_s)
                last_s = began_s
                try:
                    self._listen(listener)
                    self._sample()
                except (RedisError, StoreError) as error:
                    self._note("no answer of Redis", "", now_ms(), str(error))
                self.stopping.wait(max(0.0, SAMPLE_S - (time.monotonic() - began_s)))

    def _listen(self, listener: Listener) -> None:
        for event, _, payload in listener.read():
            self.counts[f"event {event}"] += 1
            if event == "live_candle":
                series = parse_series(payload["symbol"], payload["interval"])
                candle = live_from_fields(payload["candle"])
                at_ms = now_ms()
                self.judge.see(series, candle, at_ms)
                if candle.is_complete:
                    self._closed(self.sights[series.name], candle, at_ms)
        listener.events.clear()

    def is_chain_whole(self) -> bool:
        """Whether every series is unbroken from its official candles to the one that forms. Right
        after a cold start it is not: the second in which the feed began waits for the exchange."""
        at_ms, seen, _ = self._read(())
        for sight, opens, found in seen:
            shown = tail(sight.series.interval, opens, found.pending, found.forming, at_ms)
            times = sorted([*opens, *(one.candle.open_ms for one in shown)])
            if not (opens and shown) or holes_of(sight.series, times):
                return False
        return True

    def _sample(self) -> None:
        self.counts["samples"] += 1
        symbols = sorted({sight.series.symbol for sight in self.sights.values()})
        at_ms, seen, holders = self._read(symbols)
        for sight, opens, found in seen:
            self._look(sight, opens, found, at_ms)
        for symbol, holder in zip(symbols, holders, strict=True):
            self._lead(symbol, holder, at_ms)

    def _read(
        self, symbols: Sequence[str]
    ) -> tuple[int, list[tuple[Sight, list[int], Live]], list[Any]]:
        """One instant: of every series its newest official open times and the live candles, and
        who leads the symbols."""
        batch, asked_ms = Batch(self._redis), now_ms()
        sights = [
            (sight, _queue_opens(batch, sight.series), live.queue(batch, sight.series, asked_ms))
            for sight in self.sights.values()
        ]
        holders = [_queue_holder(batch, symbol) for symbol in symbols]
        batch.run()
        seen = [(sight, opens.value, found.value) for sight, opens, found in sights]
        return now_ms(), seen, [holder.value for holder in holders]

    def _look(self, sight: Sight, opens: list[int], found: Live, at_ms: int) -> None:
        series = sight.series
        for candle in (*found.pending, *([found.forming] if found.forming else [])):
            if sight.texts.get(candle.open_ms) != candle:
                sight.texts[candle.open_ms] = candle
                self.judge.see(series, candle, at_ms)
        shown = tail(series.interval, opens, found.pending, found.forming, at_ms)
        self.counts["candles looked at"] += len(opens) + len(shown)
        self._check_chain(sight, sorted([*opens, *(one.candle.open_ms for one in shown)]), at_ms)
        self._check_states(sight, opens, shown, at_ms)
        self._check_age(sight, opens, [one.candle for one in shown], at_ms)
        self._forget(sight, at_ms)

    def _check_chain(self, sight: Sight, times: list[int], at_ms: int) -> None:
        series = sight.series
        doubles = [b for a, b in itertools.pairwise(times) if b <= a]
        holes = holes_of(series, times)
        self._while("hole", series, at_ms, holes and f"{holes[0][0]} to {holes[0][1]}")
        self._while("doubled", series, at_ms, doubles and f"{doubles[0]}")

    def _check_states(self, sight: Sight, opens: list[int], shown: Any, at_ms: int) -> None:
        states = [(open_ms, "final") for open_ms in opens]
        states += [(one.candle.open_ms, one.state) for one in shown]
        for open_ms, state in states:
            rank = RANKS[state]
            if rank < sight.ranks.get(open_ms, 0):
                self._note("state went back", sight.series.name, at_ms, f"{open_ms} is {state}")
            sight.ranks[open_ms] = rank
        for open_ms in opens:
            closed = sight.closed.setdefault(open_ms, Closed())
            closed.official_ms = closed.official_ms or at_ms
        for one in shown:
            candle = one.candle
            if one.state == "pending":
                self._closed(sight, candle, at_ms)
            if candle.last_id >= 0 and candle.last_id < sight.ids.get(candle.open_ms, -1):
                text = f"{candle.open_ms}: {sight.ids[candle.open_ms]} to {candle.last_id}"
                self._note("candle went back", sight.series.name, at_ms, text)
            sight.ids[candle.open_ms] = max(candle.last_id, sight.ids.get(candle.open_ms, -1))

    def _closed(self, sight: Sight, candle: LiveCandle, at_ms: int) -> None:
        closed = sight.closed.setdefault(candle.open_ms, Closed())
        is_proven = candle.is_exact and candle.is_complete
        if closed.seen_ms is None:
            closed.seen_ms, closed.is_exact_at_once = at_ms, is_proven
        if is_proven and closed.proven_ms is None:
            closed.proven_ms = at_ms

    def _check_age(
        self, sight: Sight, opens: list[int], shown: list[LiveCandle], at_ms: int
    ) -> None:
        """How long nothing has changed, and how long a trade that happened has not been in."""
        newest = shown[-1] if shown else None
        if newest != sight.newest or not sight.changed_ms:
            sight.newest, sight.changed_ms = newest, at_ms
        if at_ms - sight.changed_ms > sight.still_ms:
            sight.still_ms, sight.still_at_ms = at_ms - sight.changed_ms, sight.changed_ms
        truth = self._truths[sight.series.symbol]
        if newest is None:
            next_ms = sight.series.interval.next_open_ms(opens[-1]) if opens else at_ms
            missing_ms = truth.first_after(next_ms, -1, at_ms)
        else:
            missing_ms = truth.first_after(newest.open_ms, newest.last_id, at_ms)
        sight.missing_ms = missing_ms
        if missing_ms is not None and at_ms - missing_ms > sight.behind_ms:
            sight.behind_ms, sight.behind_at_ms = at_ms - missing_ms, missing_ms

    def _lead(self, symbol: str, lease: bytes | None, at_ms: int) -> None:
        holder = ""
        with contextlib.suppress(ValueError, TypeError, KeyError):
            holder = str(json.loads(lease)["holder"]) if lease else ""
        leads = self.leads.setdefault(symbol, [])
        if not leads or leads[-1][1] != holder:
            leads.append((at_ms, holder))
            del leads[:-NOTES_MAX]

    def _while(self, what: str, series: Series, at_ms: int, detail: object) -> None:
        """Notes a trouble once, from its first sample to its last."""
        key = what, series.name
        trouble = self._open.get(key)
        if not detail:
            self._open.pop(key, None)
        elif trouble is None:
            self._open[key] = self._note(what, series.name, at_ms, str(detail))
        else:
            trouble.until_ms = at_ms

    def _note(self, what: str, series: str, at_ms: int, detail: str) -> Trouble:
        self.counts[what] += 1
        trouble = Trouble(what, series, at_ms, at_ms, detail)
        if len(self.troubles) < NOTES_MAX:
            self.troubles.append(trouble)
        return trouble

    def _forget(self, sight: Sight, at_ms: int) -> None:
        """Of long ago only how candles closed is kept."""
        if self.counts["samples"] % 600:
            return
        old_ms = at_ms - 20 * 60_000
        for known in (sight.ranks, sight.ids, sight.texts):
            for open_ms in [one for one in known if one < old_ms]:
                del known[open_ms]


def holes_of(series: Series, times: list[int]) -> list[tuple[int, int]]:
    """The candles before and after each hole in ascending open times."""
    return [
        (a, b)
        for a, b in itertools.pairwise(times)
        if b > a and b != series.interval.next_open_ms(a)
    ]


def _queue_opens(batch: Batch, series: Series) -> Queued[list[int]]:
    """The open times of the newest official candles."""
    batch.pipe.zrange(keys.klines(series), -OFFICIAL_SEEN, -1, withscores=True)
    return batch.queued(lambda pairs: [int(score) for _, score in pairs])


def _queue_holder(batch: Batch, symbol: str) -> Queued[Any]:
    """Who leads a market; None if nobody does."""
    batch.pipe.get(keys.lease(f"{keys.FEEDS}{symbol}"))
    return batch.queued(lambda holder: holder)


def now_ms() -> int:
    """The simulated exchange runs on this machine's own time."""
    return time.time_ns() // 1_000_000
