"""The market: all courses and what a script has done to their candles; asked at one moment.

Never here: HTTP, streams, faults of transport.
Invariant: an answer depends on the courses, the script and `now_ms` alone.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, replace
from itertools import islice

from truecandle.sim.clock import SimulatedClock
from truecandle.sim.kline import Grid, SimulatedKline
from truecandle.sim.listed import listed_courses
from truecandle.sim.listing import listings
from truecandle.sim.synthetic import SyntheticTrades
from truecandle.sim.trade_source import TradeSource
from truecandle.sim.trade_sums import TradeSums

#: Rows of one `klines` call; the truth is asked without HTTP's limit of 1000.
KLINES_MAX = 200_000

_CORRECTABLE = frozenset(f.name for f in fields(SimulatedKline)) - {"open_ms"}
_TEXT_FIELDS = frozenset(f.name for f in fields(SimulatedKline) if f.type == "str")


class SimulatedMarket:
    """Candles and trades of all symbols.

    market = simulated(seed=7, symbols=["BTCUSDT"], clock=Clock())
    market.klines("BTCUSDT", "1m", limit=3)            # the last one is still forming
    market.truth("BTCUSDT", "1m", start_ms, end_ms)    # closed ones only
    """

    def __init__(self, courses: Iterable[TradeSource], clock: SimulatedClock) -> None:
        self._courses = {course.listing.symbol: course for course in courses}
        self._corrections: dict[tuple[str, str, int], list[_Correction]] = {}
        self.clock = clock

    @property
    def symbols(self) -> list[str]:
        """All symbols, in the order given."""
        return list(self._courses)

    def lists(self, symbol: str) -> bool:
        """Whether there is a market of that name."""
        return symbol in self._courses

    def course(self, symbol: str) -> TradeSource:
        """The trades of a symbol; `KeyError` if it is not listed."""
        return self._courses[symbol]

    def klines(
        self,
        symbol: str,
        interval: str,
        *,
        start_ms: int | None = None,
        end_ms: int | None = None,
        limit: int = 500,
        now_ms: int | None = None,
        zone_ms: int = 0,
    ) -> list[SimulatedKline]:
        """As `GET /api/v3/klines` selects: both ends inclusive, by open time, ascending.

        Without `start_ms` the latest `limit`; the last one may still be forming at `now_ms`.
        """
        course, now = self._courses[symbol], self._now(now_ms)
        grid = course.grid(interval, zone_ms)
        until_ms = now if end_ms is None else min(end_ms, now)
        many = max(0, min(limit, KLINES_MAX))
        if start_ms is None:
            opens = list(islice(course.opens_back(grid, until_ms), many))[::-1]
        else:
            opens = list(islice(course.opens(grid, start_ms, until_ms), many))
        return [self._kline(course, grid, open_ms, now) for open_ms in opens]

    def truth(
        self, symbol: str, interval: str, start_ms: int, end_ms: int, now_ms: int | None = None
    ) -> list[SimulatedKline]:
        """The closed candles that open in [start_ms, end_ms), corrections included."""
        course, now = self._courses[symbol], self._now(now_ms)
        grid = course.grid(interval)
        opens = islice(course.opens(grid, start_ms, end_ms - 1), KLINES_MAX)
        return [
            self._kline(course, grid, open_ms, now)
            for open_ms in opens
            if grid.next_open_ms(open_ms) <= now
        ]

    def kline(self, symbol: str, interval: str, open_ms: int, now_ms: int) -> SimulatedKline:
        """The candle that opens then, as it stands at `now_ms`."""
        course = self._courses[symbol]
        return self._kline(course, course.grid(interval), open_ms, now_ms)

    def day(self, symbol: str, now_ms: int) -> tuple[TradeSums | None, int]:
        """What traded in the last 24 hours, and the last price (ticks) before them."""
        return self._courses[symbol].day(now_ms)

    def correct(
        self,
        symbol: str,
        interval: str,
        open_ms: int,
        changes: Mapping[str, str | int],
        at_ms: int | None = None,
    ) -> None:
        """From `at_ms` on this candle is answered with other fields, such as {"high": "5"}."""
        unknown = set(changes) - _CORRECTABLE
        if unknown:
            raise ValueError(f"a kline has no field {', '.join(sorted(unknown))} to correct")
        grid = self.course(symbol).grid(interval)
        if grid.open_ms(open_ms) != open_ms:
            raise ValueError(f"no {interval} candle opens at {open_ms}")
        typed = {k: str(v) if k in _TEXT_FIELDS else int(v) for k, v in changes.items()}
        known = self._corrections.setdefault((symbol, interval, open_ms), [])
        insort(known, (self._now(at_ms), len(known), typed), key=lambda row: row[:2])

    def pause(self, start_ms: int, end_ms: int, symbol: str | None = None) -> None:
        """No trades and no candles in [start_ms, end_ms), for one symbol or all: maintenance."""
        for course in self._chosen(symbol):
            course.pause(start_ms, end_ms)

    def restore(self) -> None:
        """Takes back all corrections and pauses."""
        self._corrections.clear()
        for course in self._courses.values():
            course.resume()

    def _kline(self, course: TradeSource, grid: Grid, open_ms: int, now_ms: int) -> SimulatedKline:
        kline = course.kline(grid, open_ms, now_ms)
        if not self._corrections or grid.zone_ms:
            return kline
        key = (course.listing.symbol, grid.interval.name, open_ms)
        for at_ms, _, changes in self._corrections.get(key, ()):
            if at_ms <= now_ms:
                kline = replace(kline, **changes)  # type: ignore[arg-type]
        return kline

    def _chosen(self, symbol: str | None) -> Iterator[TradeSource]:
        return iter(self._courses.values() if symbol is None else (self._courses[symbol],))

    def _now(self, now_ms: int | None) -> int:
        return self.clock.now_ms() if now_ms is None else now_ms


#: When it takes effect, its number, and the fields it changes.
_Correction = tuple[int, int, dict[str, str | int]]


def simulated(
    seed: int, symbols: Iterable[str], clock: SimulatedClock, listed: int = 0
) -> SimulatedMarket:
    """A market of simulated courses: the same seed trades the same for ever. `listed` synthetic
    symbols stand beside those named.
    """
    courses = [SyntheticTrades(seed, listing) for listing in listings(symbols)]
    for course in courses:
        course.price(clock.now_ms())  # decides all hours now, so that the first answer is quick
    named = [course.listing.symbol for course in courses]
    return SimulatedMarket([*courses, *listed_courses(seed, listed, named)], clock)
