"""A series watched: official candles without a hole, and the live ones after them; without sockets:
both clients are driven by the steps that come from here.

Never here: sockets, threads, clocks.
Invariant: events are hints. What is yielded as official follows the series' version: who knows
another version than an event's `previous` asks for what it lacks before it goes on.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any, Final

from truecandle_client.candle import Candle, live_from_fields, official_from_row
from truecandle_client.errors import Malformed, Problem, Unreachable, problem_of
from truecandle_client.pages import LIMIT_MAX, Query, Question
from truecandle_client.reading import Backoff, Pause, read_page

#: Official candles that are remembered: of these a change is noticed also if nobody told it.
REMEMBERED_MAX: Final = 1_000
#: Without an event for so long the version is asked for.
SILENT_S: Final = 30.0
#: Refusals of a subscription that pass by themselves.
PASSING: Final = frozenset({"unavailable", "error"})

DATA_UPDATED: Final = "data_updated"
LIVE_CANDLE: Final = "live_candle"
RESYNC: Final = "resync"
#: What a client has to hear.
EVENTS: Final = (DATA_UPDATED, LIVE_CANDLE, RESYNC)


@dataclass(frozen=True, slots=True)
class Connect:
    """Connect, in place of a connection that there may be."""


@dataclass(frozen=True, slots=True)
class Call:
    """Send a message; answered with its acknowledgement."""

    name: str
    payload: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Listen:
    """Wait for an event; answered with it, or with None after so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Told:
    """One event. Of those that were lost on the way `resync` stands for all."""

    name: str
    payload: Any


Watching = Generator[Question | Pause | Connect | Call | Listen | Candle, Any, None]


class SeriesWatch:
    """One series. `since_ms`: official candles that open then or later; None: from the newest one
    on. `attempts`: how often in a row connecting may fail; None: for ever.
    """

    def __init__(
        self, symbol: str, interval: str, since_ms: int | None, attempts: int | None
    ) -> None:
        self._symbol = symbol
        self._interval = interval
        self._since_ms = since_ms
        self._attempts = attempts
        #: The version of what was yielded; 0 before anything was.
        self._version = 0
        #: Official candles that were yielded last, by open time.
        self._known: OrderedDict[int, Candle] = OrderedDict()
        self._newest_ms = -1

    def steps(self) -> Watching:
        """What to do, and the candles in between, without end."""
        backoff = Backoff()
        while True:
            try:
                yield Connect()
                yield from self._subscribed(backoff)
                while True:
                    yield from self._heard((yield Listen(SILENT_S)), backoff)
            except Unreachable:
                if self._attempts is not None and backoff.failures + 1 >= self._attempts:
                    raise
                yield Pause(backoff.fail())

    def _subscribed(self, backoff: Backoff) -> Watching:
        """Joins first, then reads what is missing: what comes in between is heard."""
        named = {"symbol": self._symbol, "interval": self._interval}
        granted = yield Call("subscribe", named)
        if not isinstance(granted, dict):
            raise Malformed("the acknowledgement was no object")
        if not granted.get("ok"):
            raise _refusal(granted)
        if granted.get("version") != self._version:
            yield from self._caught_up()
        backoff.reset()
        for fields in granted.get("live", ()):
            yield from self._live(fields)

    def _heard(self, told: Told | None, backoff: Backoff) -> Watching:
        if told is None or told.name == RESYNC:
            yield from self._subscribed(backoff)
        elif told.name == LIVE_CANDLE and self._is_mine(told.payload):
            yield from self._live(told.payload.get("candle"))
        elif told.name == DATA_UPDATED and self._is_mine(told.payload):
            yield from self._changed(told.payload)

    def _changed(self, event: dict[str, Any]) -> Watching:
        """Official candles have changed: by this event's own rows if it follows what is known."""
        version, rows = event.get("version"), event.get("candles")
        if not isinstance(version, int) or version <= self._version:
            return
        is_whole = isinstance(rows, list) and (bool(rows) or event.get("from") is None)
        if event.get("previous") == self._version and is_whole:
            self._version = version
            yield from self._news(map(official_from_row, rows or ()))
        else:
            yield from self._caught_up()

    def _caught_up(self) -> Watching:
        """Reads from the oldest candle that is remembered, so that changes of those are seen too.

        The version is that of the first page: a change between two pages is told by an event. And
        it is known only once all pages have come.
        """
        start_ms = min(self._known, default=self._since_ms)
        query: Query | None = (
            Query(self._symbol, self._interval, None, None, 1)
            if start_ms is None
            else Query(self._symbol, self._interval, str(start_ms), None, LIMIT_MAX)
        )
        version: int | None = None
        while query is not None:
            page = yield from read_page(query)
            version = page.version if version is None else version
            yield from self._news(iter(page))
            query = page.following
        self._version = version or 0

    def _news(self, candles: Iterator[Candle]) -> Iterator[Candle]:
        """Those that were not yielded before, or otherwise."""
        for candle in candles:
            if self._known.get(candle.open_ms) == candle or self._is_before(candle):
                continue
            self._known[candle.open_ms] = candle
            if len(self._known) > REMEMBERED_MAX:
                self._known.popitem(last=False)
            self._newest_ms = max(self._newest_ms, candle.open_ms)
            yield candle

    def _is_before(self, candle: Candle) -> bool:
        """Whether it is older than what is watched; the first that comes may be the beginning."""
        if self._since_ms is None:
            self._since_ms = candle.open_ms
        return candle.open_ms < self._since_ms

    def _live(self, fields: Any) -> Iterator[Candle]:
        """A live candle, unless an official one of that time or later has come."""
        candle = live_from_fields(fields if isinstance(fields, dict) else {})
        if candle.open_ms > self._newest_ms:
            yield candle

    def _is_mine(self, payload: Any) -> bool:
        return isinstance(payload, dict) and (
            (payload.get("symbol"), payload.get("interval")) == (self._symbol, self._interval)
        )


def _refusal(answer: dict[str, Any]) -> Problem | Unreachable:
    """A refused message; one that passes by itself is tried again by connecting anew."""
    code, detail = str(answer.get("code", "")), str(answer.get("detail", ""))
    if code in PASSING:
        return Unreachable(detail)
    status = {"unauthorized": 401, "unknown-market": 404, "unknown-interval": 404}.get(code, 400)
    return problem_of(status, code, detail)
