"""Random histories of one series: time passes, the exchange fails, the fetcher starts anew.

Never here: how many histories (`tests/faults`, `bench/random_histories.py`); fakes.
Invariant: what a history does to the exchange lies within what the fetcher promises to notice: it
corrects candles that are read again, and stops trading only from the present moment on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import redis as redis_py
from hypothesis import strategies as st

from tests.support.driven_fetcher import NOW_MS, member, stored
from truecandle.binance.clock import ExchangeClock
from truecandle.binance.rate_limit import RequestPacer
from truecandle.binance.rest.client import RestClient
from truecandle.candles.interval import DAY_MS, INTERVALS
from truecandle.candles.series import Series
from truecandle.config import Settings
from truecandle.errors import ExchangeError, RateLimited, StoreError
from truecandle.events import Publisher
from truecandle.fetcher import SeriesSync
from truecandle.ingest.official_writer import OfficialWriter
from truecandle.sim.server import SimServer
from truecandle.store import gaps, keys, official, rereads
from truecandle.store.budget import Budget

SETTLE_MS = 3_000
#: The longest silence that an answer of the exchange may have imposed: HTTP 451.
SILENCE_MS = 601_000
#: Passes after the exchange has calmed down, and pages of each.
CALM_PASSES, PAGES_MAX, MEASURES_MAX = 6, 200, 5
#: What the drawn faults do that is slower or harder than this would only cost time.
LAG_MS_MAX = 20_000
#: What this machine's clock is set by, time and again.
JUMPS_MS = (-3_600_000, -55_000, -1_000, -600, 600, 1_000, 55_000, 3_600_000)


@dataclass(frozen=True)
class Kind:
    """What one interval's histories are made of: how much there is, and how far things go."""

    history: int
    steps: tuple[int, ...]
    corrected: int
    ahead: int = 0
    lies: bool = False


_SHORT = Kind(150, (1, 2, 5, 30, 150, 1_200), 120, ahead=30, lies=True)
_LONG = Kind(40, (1, 2, 4), 2)
KINDS = {
    "1s": _SHORT,
    "1m": _SHORT,
    "1h": Kind(100, (1, 2, 3), 10, ahead=3),
    "3d": _LONG,
    "1w": _LONG,
    "1M": _LONG,
}

_LIMIT: dict[str, Any] = {"hold": 0}
_FAULTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("server_error", {}),
    ("server_error", {"status": 502, "body": "<html>"}),
    ("html", {}),
    ("forbidden", {}),
    ("restricted", {}),
    ("empty", {}),
    ("error_200", {}),
    ("error_200", {"code": -1003, "msg": "Too many."}),
    ("redirect", {}),
    ("rate_limit", _LIMIT),
    ("rate_limit", _LIMIT | {"retry_after": None}),
    ("ban", _LIMIT),
    ("timeout", {"seconds": 0.02}),
    ("delay", {"ms": 5}),
    ("truncate", {"share": 0.9}),
    ("truncate", {"share": 0.3}),
    ("cut", {"at": 150}),
    ("cut", {"at": 1, "reset": True}),
    ("huge", {"mb": 5}),
    ("duplicate", {}),
    ("conflict", {}),
    ("shuffle", {}),
    ("microseconds", {}),
    ("misaligned", {}),
    ("columns", {}),
    ("value", {"value": "NaN"}),
    ("value", {"row": 0, "field": 5, "value": "-1"}),
    ("value", {"row": -1, "field": 0, "value": None}),
    ("crossed", {}),
    ("crossed", {"row": 3}),
    ("stale", {"lag_ms": 5_000}),
    ("stale", {"lag_ms": LAG_MS_MAX}),
    ("absent", {"lag_ms": 5_000}),
    ("absent", {"lag_ms": LAG_MS_MAX}),
)
_LIE: tuple[tuple[str, dict[str, Any]], ...] = (
    ("value", {"field": 5, "value": "77.77"}),
    ("value", {"row": 5, "field": 8, "value": 7}),
)

Op = tuple[str, Any]


@dataclass(frozen=True)
class History:
    """An interval, a moment to begin at, holes of the exchange long ago, and what then happens."""

    name: str
    begin_ms: int
    holes: list[tuple[int, int]]
    ops: list[Op]


def histories() -> st.SearchStrategy[History]:
    return st.sampled_from(sorted(KINDS)).flatmap(_history)


def _history(name: str) -> st.SearchStrategy[History]:
    kind = KINDS[name]
    faults = _FAULTS + (_LIE if kind.lies else ())
    event: st.SearchStrategy[Op] = st.one_of(
        st.tuples(st.just("advance"), st.sampled_from(kind.steps)),
        st.tuples(st.just("wait"), st.sampled_from((500, 3_000, 20_000, 61_000))),
        st.tuples(
            st.just("fault"),
            st.tuples(st.sampled_from(faults), st.integers(1, 3), st.integers(0, 2)),
        ),
        st.tuples(
            st.just("correct"),
            st.tuples(
                st.integers(1, kind.corrected), st.integers(1, 5), st.integers(0, kind.ahead)
            ),
        ),
        st.tuples(st.just("gap"), st.tuples(st.integers(0, 3), st.integers(1, 6))),
        st.tuples(st.sampled_from(("restart", "flush", "measure")), st.none()),
        st.tuples(st.just("shift"), st.sampled_from((-90_000, -4_000, 4_000, 90_000))),
        st.tuples(st.just("jump"), st.sampled_from(JUMPS_MS)),
    )
    looks = st.sampled_from(("refresh", "refresh", "refresh", "fill", "fill", "daily"))
    turns = st.tuples(st.lists(event, max_size=3), st.tuples(looks, st.none()))
    return st.builds(
        History,
        st.just(name),
        st.integers(NOW_MS, NOW_MS + 10 * DAY_MS),
        st.lists(st.tuples(st.integers(1, 160), st.integers(1, 12)), max_size=2),
        st.lists(turns, min_size=3, max_size=9).map(_in_order),
    )


def _in_order(turns: list[tuple[list[Op], Op]]) -> list[Op]:
    return [op for events, look in turns for op in (*events, look)]


@dataclass
class World:
    """One exchange and one Redis for many histories, each from nothing; `counts` is over all."""

    sim: SimServer
    redis: redis_py.Redis
    publisher: Publisher
    counts: Counter[str] = field(default_factory=Counter)

    def live(self, history: History) -> None:
        """Lives through a history, calms the exchange, and fails unless the store is the truth."""
        run = Run(self, history)
        try:
            for op, value in history.ops:
                run.do(op, value)
            run.calm()
        finally:
            run.rest.close()
        run.check()
        self.counts["histories"] += 1
        self.counts[f"of {history.name}"] += 1
        for strike in self.sim.faults.struck:
            self.counts[f"struck by {strike['kind']}"] += 1


class Run:
    """One history under way. The fetcher's clocks stand still unless told to move."""

    def __init__(self, world: World, history: History) -> None:
        self._world, self._sim, self._redis = world, world.sim, world.redis
        self._kind = KINDS[history.name]
        self._series = Series("BTCUSDT", INTERVALS[history.name])
        self._sim.faults.clear()
        self._sim.faults.struck.clear()
        self._sim.limits.reset()
        self._sim.clock.set(history.begin_ms)
        self._redis.flushall()
        self._passed_ms, self._wall_ms, self._high_ms = 0, history.begin_ms, history.begin_ms
        self._corrected = 0
        self._grid = self._sim.market.course("BTCUSDT").grid(history.name)
        for back, length in history.holes:
            start_ms = self._step(history.begin_ms, -back - length)
            self._pause(start_ms, min(self._step(start_ms, length), history.begin_ms))
        self.rest = RestClient(
            self._sim.rest_url,
            Budget(self._redis),
            pace=RequestPacer(10_000),
            sleep=lambda _: None,
            now_ms=lambda: self._clock.now_ms(),
            deadline_s=5,
        )
        self._start()

    def do(self, op: str, value: Any) -> None:
        self._world.counts[op] += 1
        match op:
            case "advance":
                now_ms = self._sim.clock.now_ms()
                self._wait(self._step(now_ms, value) - self._grid.open_ms(now_ms))
            case "wait":
                self._wait(value)
            case "refresh" | "fill" | "daily" | "measure":
                self._attempt(op)
            case "fault":
                (kind, options), count, skip = value
                self._sim.faults.add(kind, count=count, skip=skip, **options)
            case "correct":
                self._correct(*value)
            case "gap":
                start_ms = self._step(self._high_ms, 1 + value[0])
                self._pause(start_ms, self._step(start_ms, value[1]))
            case "restart":
                self._start()
            case "flush":
                self._redis.script_flush()
            case "shift":
                self._sim.clock.shift(value)
                self._high_ms = max(self._high_ms, self._sim.clock.now_ms())
            case "jump":
                self._wall_ms += value

    def calm(self) -> None:
        """Nothing goes wrong any more; a bounded number of passes, as time goes on."""
        self._sim.faults.calm()
        self._wait(SILENCE_MS + max(0, self._high_ms - self._sim.clock.now_ms()))
        self.do("advance", self._kind.ahead + 1)
        for _ in range(CALM_PASSES):
            self._measure()
            self._pass(self._sync.refresh)
            self._pass(self._sync.fill)
            for _ in range(2):  # what was left of a pass that had begun, and a whole one
                rereads.done(self._redis, self._series, self._clock.now_ms() - DAY_MS)
                self._pass(self._sync.reread)
            due_ms = self._due_ms()
            if due_ms is None:
                break
            self._wait(max(0, due_ms - self._clock.now_ms()))
        # Away from a second's edge, where the few ms a clock may err by decide what is settled.
        self._wait((1_500 - self._sim.clock.now_ms() % 1_000) % 1_000)
        self._measure()
        self._sync.refresh(self._series)

    def check(self) -> None:
        """The store is the truth, byte for byte, each open time once, and meta says so."""
        opens, end_ms = self._opens(), self._grid.open_ms(self._sim.clock.now_ms() - SETTLE_MS)
        start_ms = min([self._step(end_ms, -self._kind.history), *opens])
        name = self._series.interval.name
        rows = self._sim.market.truth(self._series.symbol, name, start_ms, end_ms)
        truth = [member(row.row()) for row in rows]
        found = stored(self._redis, self._series)
        assert found == truth
        assert self._redis.zcard(keys.klines(self._series)) == len(set(opens)) == len(opens)
        meta = official.meta(self._redis, self._series)
        ends = (opens[0], opens[-1]) if opens else (None, None)
        assert (meta.earliest, meta.latest, meta.count) == (*ends, len(opens))
        self._world.counts["candles compared"] += len(truth)
        self._world.counts["corrected"] += self._redis.llen(keys.corrections(self._series))

    def _start(self) -> None:
        """A fetcher that knows nothing but what is in Redis."""
        self._clock = ExchangeClock(
            wall_ms=lambda: self._wall_ms, monotonic_ms=lambda: self._passed_ms
        )
        settings = Settings(history_candles=self._kind.history, settle_ms=SETTLE_MS)
        now_ms, is_unsure = self._clock.now_ms, self._clock.is_unsure
        writer = OfficialWriter(
            self._redis,
            self._world.publisher,
            SETTLE_MS,
            now_ms,
            is_unsure=is_unsure,
            seal_after=0,
        )
        self._sync = SeriesSync(settings, self._redis, self.rest, self.rest, writer, now_ms)

    def _attempt(self, op: str) -> None:
        try:
            if op == "measure" or not self._clock.is_measured:
                self._clock.measure(self.rest)
            if op == "refresh":
                self._sync.refresh(self._series)
            elif op == "fill":
                self._sync.fill(self._series)
            elif op == "daily":
                rereads.done(self._redis, self._series, self._clock.now_ms() - DAY_MS)
                self._sync.reread(self._series)
        except (ExchangeError, StoreError) as error:
            self._world.counts[type(error).__name__] += 1

    def _measure(self) -> None:
        for _ in range(MEASURES_MAX):
            if self._clock.is_stale():
                self._clock.measure(self.rest)
        assert not self._clock.is_unsure()

    def _pass(self, look: Callable[[Series], object]) -> None:
        """Goes on until nothing is left to do, or the request weight of a minute is used up."""
        for _ in range(PAGES_MAX):
            try:
                if look(self._series) is not True:
                    return
            except RateLimited as error:
                self._wait(error.retry_after_ms)
        raise AssertionError(f"not done after {PAGES_MAX} pages")

    def _due_ms(self) -> int | None:
        """When all that could not be asked for, or not proven, may be asked for again."""
        known = gaps.read(self._redis, self._series).all
        open_ones = [gap.again_ms for gap in known if gap.reason in ("fetch_failed", "unproven")]
        return max([again_ms for again_ms in open_ones if again_ms is not None], default=None)

    def _correct(self, back: int, many: int, ahead: int) -> None:
        """Closed candles change their volume, and what else a late trade changes."""
        now_ms, name = self._sim.clock.now_ms(), self._series.interval.name
        at_ms = self._step(now_ms, ahead) if ahead else now_ms
        for number in range(min(many, back)):
            open_ms = self._step(now_ms, number - back)
            self._corrected += 1
            high = self._sim.market.kline("BTCUSDT", name, open_ms, now_ms).high
            changes: dict[str, str | int] = {
                "close": high,
                "volume": f"{self._corrected}.5",
                "trades": self._corrected,
            }
            self._sim.market.correct("BTCUSDT", name, open_ms, changes, at_ms)
        if not self._kind.ahead:
            self._wait(LAG_MS_MAX)  # an answer as stale as that shows it, too

    def _pause(self, start_ms: int, end_ms: int) -> None:
        self._sim.market.pause(start_ms, end_ms, "BTCUSDT")

    def _wait(self, ms: int) -> None:
        self._passed_ms += ms
        self._wall_ms += ms
        self._high_ms = max(self._high_ms, self._sim.clock.advance(ms))

    def _step(self, ms: int, steps: int) -> int:
        """The open time so many candles from the one that `ms` lies in."""
        ms = self._grid.open_ms(ms)
        for _ in range(abs(steps)):
            ms = self._grid.next_open_ms(ms) if steps > 0 else self._grid.previous_open_ms(ms)
        return ms

    def _opens(self) -> list[int]:
        pairs: Any = self._redis.zrange(keys.klines(self._series), 0, -1, withscores=True)
        return [int(score) for _, score in pairs]
