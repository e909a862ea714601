"""A recorded market as a simulated exchange, the feed on it over real sockets, and a judge.

Never here: which recordings there are; tolerance.
Invariant: every candle that is told to browsers is judged, and those in Redis at the end.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import math
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import requests

from tests.support.expected_candles import Judge, Truth, Values, differences, values
from tests.support.recordings import Recording, parsed, taped
from tests.support.running_feed import Feeding, Listener
from tests.support.waiting import wait_for
from truecandle.candles.candle import live_from_fields
from truecandle.candles.series import parse_series
from truecandle.candles.trades import Kline
from truecandle.sim import recording as recorded
from truecandle.sim import stream_publisher
from truecandle.sim.archive import replayed
from truecandle.sim.hub import Builder, Stream, StreamHub, parse_stream
from truecandle.sim.market import SimulatedMarket
from truecandle.sim.server import SimServer
from truecandle.sim.stream_publisher import PingPace, StreamPublisher

#: How far messages may be apart from their order when shuffled.
SHUFFLE_MS = 500
#: After the recording's end, for what is still on its way.
SETTLE_S = 10.0
LOOK_S = 0.01


@dataclass(frozen=True, slots=True)
class Manner:
    """How a recording is replayed."""

    name: str
    is_fast: bool = False
    is_shuffled: bool = False
    is_doubled: bool = False
    drops: int = 0


@dataclass(slots=True)
class Outcome:
    """What became of it. `wrong` says everything that is not as it should be."""

    wanted: int = 0
    equal: int = 0
    fields: int = 0
    told: int = 0
    claimed: int = 0
    proven_ms: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    wrong: list[str] = field(default_factory=list)


def replay(recording: Recording, manner: Manner, redis_url: str, seed: int = 1) -> Outcome:
    """Replays it from its start to its end, and judges what the feed made of it."""
    began_s = time.monotonic()
    market = replayed(recording.sources)
    market.clock.set(recording.start_ms)
    sim = SimServer(market=market, pace=PingPace())
    dice = random.Random(seed)
    hub = sim.exchange.hub
    rough = Rough(hub, manner, dice)
    if recording.tape is not None:
        messages = taped(recording.tape, recording.symbols)
        sim.exchange.pump = Tape(market, hub, sim.faults, sim.exchange.pump.pace, messages=messages)
        # Trades before the recording are known to nobody: no candle of then can be asked for.
        first_ms = min(int(event["T"]) for _, _, event in messages if "T" in event)
        next_ms = first_ms - first_ms % 60_000 + 60_000
        sim.faults.add("server_error", path="klines", until_ms=next_ms)
    for _ in range(manner.drops):
        at_ms = recording.moment(dice.uniform(0.02, 0.97))
        sim.faults.add("drop", from_ms=at_ms, code=dice.choice((None, 1001)))
    judge = Judge(truths(recording, market))
    with sim, Feeding(sim, redis_url, recording.symbols, recording.intervals) as feeding:
        with Listener(feeding.redis) as listener:
            watch = Watch(sim, judge, listener)
            wait_for(
                lambda: subscribed(sim) >= len(feeding.feed.stream_names), what="subscriptions"
            )
            play(recording, manner, sim, watch)
            wait_for(lambda: sim.streamed_ms >= recording.end_ms, what="all messages")
            watch.until(lambda: not unproven(recording, judge), SETTLE_S)
        outcome = judged(recording, manner, judge, feeding)
    outcome.counts |= {"drops": rough.drops(sim), **asked(sim)}
    outcome.seconds = time.monotonic() - began_s
    return outcome


def truths(recording: Recording, market: SimulatedMarket) -> dict[str, Truth]:
    found = {}
    for symbol in recording.symbols:
        course = market.course(symbol)
        assert isinstance(course, recorded.Recording)
        if recording.tape is None:
            found[symbol] = Truth(course, 0)
            continue
        events = [event for _, _, event in taped(recording.tape, [symbol])]
        klines = [one for one in map(parsed, events) if isinstance(one, Kline)]
        found[symbol] = Truth(course, course.first_ms_of_trades, klines)
    return found


def play(recording: Recording, manner: Manner, sim: SimServer, watch: Watch) -> None:
    """Lets time pass as the recording's plan says, or as fast as everything is read."""
    stretches = list(recording.stretches)
    if manner.is_fast:
        stretches = [(recording.start_ms, recording.end_ms, math.inf)]
    setattr(stream_publisher, "_FAST_STEP_MS", recording.step_ms)  # noqa: B010
    for _, until_ms, speed in stretches:
        sim.exchange.pump.pace.fast = is_fast = math.isinf(speed)
        sim.clock.run(0.0 if is_fast else speed)
        watch.until(lambda until_ms=until_ms: sim.clock.now_ms() >= until_ms, None)
    sim.exchange.pump.pace.fast = False
    sim.clock.run(1.0)


class Watch:
    """Reads what is told to browsers, and hands every candle to the judge."""

    def __init__(self, sim: SimServer, judge: Judge, listener: Listener) -> None:
        self._sim = sim
        self._judge = judge
        self._listener = listener

    def until(self, condition: Any, limit_s: float | None) -> None:
        """Looks until the condition holds, or for so long; without a limit the clock is one."""
        deadline_s = time.monotonic() + (3600.0 if limit_s is None else limit_s)
        while not condition() and time.monotonic() < deadline_s:
            self.look()
            time.sleep(LOOK_S)
        self.look()

    def look(self) -> None:
        at_ms = self._sim.clock.now_ms()
        for event, _, payload in self._listener.read():
            if event == "live_candle":
                series = parse_series(payload["symbol"], payload["interval"])
                self._judge.see(series, live_from_fields(payload["candle"]), at_ms)
        self._listener.events.clear()


class Rough:
    """Sends what a hub publishes shuffled or doubled."""

    def __init__(self, hub: StreamHub, manner: Manner, dice: random.Random) -> None:
        self._publish = hub.publish
        self._manner = manner
        self._dice = dice
        self._count = itertools.count(1)
        self._held: list[tuple[float, int, Stream, Builder, bool]] = []
        self._newest_ms = 0
        hub.publish = self.publish  # type: ignore[method-assign]

    def publish(self, stream: Stream, build: Builder, *, closing: bool = False) -> None:
        number = next(self._count)
        if self._manner.is_shuffled:
            self._newest_ms = max(self._newest_ms, event_ms := int(str(build(1)["E"])))
            due = event_ms + self._dice.uniform(0, SHUFFLE_MS)
            heapq.heappush(self._held, (due, number, stream, build, closing))
            self._release()
            asyncio.get_running_loop().call_later(SHUFFLE_MS / 1000, self._expire, number)
            return
        self._publish(stream, build, closing=closing)
        if self._manner.is_doubled and number % 10 == 0:
            self._publish(stream, build, closing=closing)

    def drops(self, sim: SimServer) -> int:
        return sum(1 for one in sim.faults.struck if one["kind"] == "drop")

    def _release(self) -> None:
        while self._held and self._held[0][0] <= self._newest_ms:
            self._send(heapq.heappop(self._held))

    def _expire(self, number: int) -> None:
        """Nothing came after it: it has waited long enough."""
        held = [one for one in self._held if one[1] == number]
        if held:
            due = held[0][0]
            while self._held and self._held[0][0] <= due:
                self._send(heapq.heappop(self._held))

    def _send(self, held: tuple[float, int, Stream, Builder, bool]) -> None:
        _, _, stream, build, closing = held
        self._publish(stream, build, closing=closing)


@dataclass(slots=True)
class Tape(StreamPublisher):
    """Sends recorded messages as they are, each at its own time by the exchange's clock."""

    messages: Sequence[tuple[int, str, dict[str, Any]]] = ()
    _at: int = 0

    async def _step(self, now_ms: int) -> None:
        while self._at < len(self.messages) and self.messages[self._at][0] <= now_ms:
            _, name, event = self.messages[self._at]
            self.hub.publish(parse_stream(name), lambda _, event=event: event)  # type: ignore[misc]
            self._at += 1
        self.next_ms = now_ms


def subscribed(sim: SimServer) -> int:
    answer = requests.get(f"{sim.rest_url}/sim/streams", timeout=5).json()
    return len({name for names in answer for name in names})


def asked(sim: SimServer) -> dict[str, int]:
    """The REST requests so far, by what they ask for."""
    counts: dict[str, int] = {}
    for entry in sim.requests():
        path = str(entry["path"]).rpartition("/")[2]
        counts[path] = counts.get(path, 0) + 1
    return counts


def unproven(recording: Recording, judge: Judge) -> list[tuple[str, int]]:
    """The official candles that nobody has been told yet with `exact: true`."""
    return [
        (name, open_ms)
        for name, table in recording.official.items()
        for open_ms in table
        if (closing := judge.closings.get((name, open_ms))) is None or closing.candle is None
    ]


def judged(recording: Recording, manner: Manner, judge: Judge, feeding: Feeding) -> Outcome:
    """Every official candle against what was told and what is stored; and every false claim."""
    outcome = Outcome(told=judge.seen, claimed=judge.claimed, wrong=list(judge.false))
    outcome.wrong += [
        f"{name} {at}: never told complete" for name, at in unproven(recording, judge)
    ]
    for name, table in recording.official.items():
        series = parse_series(*name.split(":"))
        stored = {one.open_ms: one for one in feeding.candles(*name.split(":"))}
        for open_ms, official in table.items():
            outcome.wanted += 1
            outcome.fields = max(outcome.fields, len(official))
            closing = judge.closings.get((name, open_ms))
            told = closing.candle if closing else None
            found = {"told": told, "stored": stored.get(open_ms)}
            wrong = [
                f"{name} {open_ms} {what}: {problem}"
                for what, candle in found.items()
                if (problem := difference(candle, official))
            ]
            outcome.wrong += wrong
            outcome.equal += not wrong
            end_ms = series.interval.next_open_ms(open_ms)
            if closing and closing.proven_ms and not manner.is_fast and recording.is_timed(end_ms):
                outcome.proven_ms = max(outcome.proven_ms, closing.proven_ms - end_ms)
    outcome.counts = dict(feeding.streams.counts())
    return outcome


def difference(candle: Any, official: Values) -> str | None:
    if candle is None:
        return "not there"
    if not (candle.is_complete and candle.is_exact):
        return "not complete"
    return differences(values(candle), official) or None
