"""A feed on a simulated exchange whose connections break, with a judge of all that it tells.

Never here: assertions about one kind of break.
Invariant: what is missed is missed for sure: nobody is connected while the exchange moves on.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from redis import Redis

from tests.support.expected_candles import Judge, Truth, differences, values
from tests.support.running_feed import Feeding, Listener
from tests.support.waiting import wait_for
from truecandle.candles.candle import LiveCandle, live_from_fields
from truecandle.candles.interval import HOUR_MS
from truecandle.candles.series import Series, parse_series
from truecandle.events import LIVE_CANDLE
from truecandle.sim.server import SimServer


def cut(sim: SimServer, lost_ms: int = 0) -> int:
    """All connections end, and come back only after so much exchange time; the time then."""
    sim.faults.add("refuse", count=None)
    sim.faults.add("drop", code=None)
    wait_for(lambda: sim.connections == 0, what="the end of all connections")
    sim.clock.advance(lost_ms)
    back_ms = sim.clock.now_ms()
    wait_for(lambda: sim.streamed_ms >= back_ms, what="the exchange to move on")
    sim.faults.calm()
    return back_ms


class Watch:
    """The feed at work, and whether what it told so far was true."""

    def __init__(
        self, sim: SimServer, redis_url: str, symbols: Sequence[str], intervals: Sequence[str]
    ) -> None:
        self.sim = sim
        self.feeding = Feeding(sim, redis_url, symbols, intervals)
        self.series = [parse_series(symbol, name) for symbol in symbols for name in intervals]
        start_ms = sim.clock.now_ms() // HOUR_MS * HOUR_MS
        self.judge = Judge({one: Truth(sim.market.course(one), start_ms) for one in symbols})
        self._redis: Redis = self.feeding.redis
        self._listener = Listener(self._redis)

    def __enter__(self) -> Watch:
        self._listener.__enter__()
        self.feeding.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self.feeding.__exit__(*error)
        self._listener.__exit__(*error)

    @property
    def recovery(self) -> Any:
        return self.feeding.feed.recovery

    def wait_until_joined(self) -> None:
        """Every series has traded: from then on ids show every candle, also those without."""

        def have_traded() -> bool:
            return all(any(one.trades for one in self.candles(series)) for series in self.series)

        wait_for(have_traded, what="a trade in every series")
        self.wait_until_exact(self.sim.clock.now_ms())

    def behind(self, symbol: str) -> str | None:
        return self.recovery.missing(symbol, time.monotonic())  # type: ignore[no-any-return]

    def candles(self, series: Series) -> list[LiveCandle]:
        return self.feeding.candles(series.symbol, series.interval.name)

    def told(self) -> list[LiveCandle]:
        """All candles told since the last call; each is judged."""
        self._listener.events.clear()
        found = []
        for event, _, data in self._listener.read():
            if event == LIVE_CANDLE:
                series = parse_series(data["symbol"], data["interval"])
                candle = live_from_fields(data["candle"])
                self.judge.see(series, candle, self.sim.clock.now_ms())
                found.append(candle)
        return found

    def wait_until_exact(self, after_ms: int = 0) -> None:
        """Every candle there is is exact, and of every series one of a time after that is there."""

        def are_exact() -> bool:
            is_behind = any(self.behind(one.symbol) for one in self.series)
            if is_behind or self.recovery.counts()["holes"]:
                return False
            found = [self.candles(one) for one in self.series]
            are_there = all(
                candles and series.interval.next_open_ms(candles[-1].open_ms) > after_ms
                for series, candles in zip(self.series, found, strict=True)
            )
            return are_there and all(one.is_exact for candles in found for one in candles)

        try:
            wait_for(are_exact, 30.0, "exact candles")
        except AssertionError as problem:
            raise AssertionError(f"{problem}: {self.state()}") from None

    def state(self) -> dict[str, object]:
        """What recovery is at, and every candle that is not exact."""
        inexact = {
            one.name: [c for c in self.candles(one) if not c.is_exact] for one in self.series
        }
        behind = {one.symbol: self.behind(one.symbol) for one in self.series}
        newest = {one.name: self.candles(one)[-1:] for one in self.series}
        return {**self.recovery.counts(), **behind, "inexact": inexact, "newest": newest}

    def problems(self) -> list[str]:
        """What was told wrongly, or is stored as a closed candle and differs from the truth."""
        self.told()
        wrong = list(self.judge.false)
        for series in self.series:
            candles = self.candles(series)
            opens = [one.open_ms for one in candles]
            if opens != list(series.interval.opens(opens[0], opens[-1] + 1)):
                wrong.append(f"{series}: a hole among {opens}")
            truth = self.judge.truths[series.symbol]
            for one in candles:
                wanted = truth.closed(series.interval, one.open_ms)
                if one.is_complete and wanted and (off := differences(values(one), wanted)):
                    wrong.append(f"{series} {one.open_ms}: {off}")
        return wrong
