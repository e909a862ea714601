"""The pump: as the exchange's clock moves on, it sends what happened to those who listen.

Never here: connections, fault conditions, what an event looks like.
Invariant: events of a symbol leave in the order of time; a candle's close after its last trade.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from functools import partial

from aiohttp import WSCloseCode

from truecandle.candles.interval import MINUTE_MS, SECOND_MS
from truecandle.sim import wire
from truecandle.sim.faults import Faults
from truecandle.sim.hub import Client, Stream, StreamHub
from truecandle.sim.market import SimulatedMarket

#: What happens within this is sent together, and so often it is looked while a fault may strike.
STEP_S = 0.05
#: How often it is looked at least; whoever scripts anything wakes the pump.
LOOK_S = 1.0

#: When the clock jumps farther than this, only its last part is streamed.
JUMP_MAX_MS = 10 * MINUTE_MS

#: `@kline_1s` is pushed every second, the others every two, and only after a change.
_KLINE_PUSH_MS = 2 * SECOND_MS

#: A fast replay moves the clock on by this much, each time all have read.
_FAST_STEP_MS = 100

#: The server pings; without a pong it ends the connection, and in any case after a day.
PING_S = 20.0
PONG_MAX_S = 60.0
LIFE_S = 24 * 3600.0


@dataclass(slots=True)
class PingPace:
    """How long a connection lives and is pinged; a test may shorten it."""

    ping_s: float = PING_S
    pong_max_s: float = PONG_MAX_S
    life_s: float = LIFE_S
    fast: bool = False


@dataclass(slots=True)
class StreamPublisher:
    """Runs until cancelled. All that happened before `next_ms` was sent. With `pace.fast` the clock
    stands still but for what it sends."""

    market: SimulatedMarket
    hub: StreamHub
    faults: Faults
    pace: PingPace
    next_ms: int = 0
    _pushed: dict[Stream, tuple[int, int]] = field(default_factory=dict)
    _woken: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Sends until cancelled."""
        loop = asyncio.get_running_loop()
        wake = partial(loop.call_soon_threadsafe, self._woken.set)
        told = (self.market.clock.listeners, self.faults.listeners, self.hub.listeners)
        for listeners in told:
            listeners.append(wake)
        try:
            await self._run(loop)
        finally:
            for listeners in told:
                listeners.remove(wake)

    async def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        self.next_ms = self.market.clock.now_ms()
        while True:
            self._woken.clear()
            if self.pace.fast and self.hub.streams:
                self.market.clock.advance(_FAST_STEP_MS)
            await self._actions()
            await self._keep()
            await self._step(self.market.clock.now_ms())
            if self.pace.fast and self.hub.streams:
                await self.hub.drained()
            else:
                timer = loop.call_later(self._due_s(), self._woken.set)
                await self._woken.wait()
                timer.cancel()

    def _due_s(self) -> float:
        """Until something is to be sent; who looks at the clock all the time is most of what an
        idle exchange costs."""
        pace, speed = self.pace, self.market.clock.speed
        look_s = min(LOOK_S, min(pace.ping_s, pace.pong_max_s, pace.life_s) / 4)
        if not self.faults.is_calm:
            return STEP_S
        if speed:
            wait_ms = self._next_event_ms() - self.market.clock.now_ms()
            look_s = min(look_s, wait_ms / 1000 / speed)
        return max(STEP_S, look_s)

    def _next_event_ms(self) -> int:
        """When the next trade that somebody listens to can be sent; the end of this second, with
        its klines, at the latest."""
        start_ms, end_ms = self.next_ms, (self.next_ms // SECOND_MS + 1) * SECOND_MS
        for stream in self.hub.streams:
            if stream.kind in ("aggTrade", "trade") and self.market.lists(stream.symbol):
                first = next(iter(self.market.course(stream.symbol).prints(start_ms, end_ms)), None)
                end_ms = end_ms if first is None else min(end_ms, first.time_ms + 1)
        return end_ms

    async def _step(self, now_ms: int) -> None:
        """Everything that happened before `now_ms` and was not sent yet, second by second."""
        if not now_ms - JUMP_MAX_MS <= self.next_ms <= now_ms:
            self.next_ms = max(now_ms - JUMP_MAX_MS, min(self.next_ms, now_ms))
        while self.next_ms < now_ms:
            start_ms = self.next_ms
            second_ms = (start_ms // SECOND_MS + 1) * SECOND_MS
            end_ms = self.next_ms = min(second_ms, now_ms)
            streams = self.hub.streams
            if not streams or self.faults.active("silence"):
                self._pushed.clear()
                continue
            self._send_trades(streams, start_ms, end_ms)
            if end_ms == second_ms:
                self._send_klines(streams, end_ms)
                await asyncio.sleep(0)

    def _send_trades(self, streams: frozenset[Stream], start_ms: int, end_ms: int) -> None:
        for stream in streams:
            if stream.kind not in ("aggTrade", "trade") or not self.market.lists(stream.symbol):
                continue
            course = self.market.course(stream.symbol)
            plain = stream.kind == "trade"
            found = (course.trades if plain else course.prints)(start_ms, end_ms)
            event = wire.trade_event if plain else wire.aggregate_event
            for print_ in found:
                self.hub.publish(stream, partial(event, print_, course.listing, end_ms))

    def _send_klines(self, streams: frozenset[Stream], now_ms: int) -> None:
        """At each full second: closed candles first, then the others that changed."""
        for stream in streams:
            if not self.market.lists(stream.symbol):
                continue
            if stream.kind == "kline":
                self._send_kline(stream, now_ms)
            elif stream.kind == "miniTicker":
                self._send_ticker(stream, now_ms)
        for gone in self._pushed.keys() - streams:
            del self._pushed[gone]

    def _send_kline(self, stream: Stream, now_ms: int) -> None:
        course = self.market.course(stream.symbol)
        grid = course.grid(stream.interval, stream.zone_ms)
        open_ms = grid.open_ms(now_ms - 1)
        closing = grid.next_open_ms(open_ms) == now_ms
        if (not closing and now_ms % _KLINE_PUSH_MS) or course.is_paused(grid, open_ms):
            return
        kline = course.kline(grid, open_ms, now_ms if closing else now_ms - 1)
        state = (open_ms, kline.last_id)
        if not closing and self._pushed.get(stream) == state:
            return
        self._pushed[stream] = state
        self.hub.publish(
            stream,
            lambda unit: wire.kline_event(
                kline, course.listing, stream.interval, now_ms, closing, unit
            ),
            closing=closing,
        )

    def _send_ticker(self, stream: Stream, now_ms: int) -> None:
        listing = self.market.course(stream.symbol).listing
        block, before = self.market.day(stream.symbol, now_ms - 1)
        state = (0, block.last_id if block else -1)
        if self._pushed.get(stream) == state:
            return
        self._pushed[stream] = state
        self.hub.publish(
            stream, lambda unit: wire.mini_ticker_event(block, before, listing, now_ms, unit)
        )

    async def _actions(self) -> None:
        """What is scripted to happen to open connections."""
        for fault in self.faults.take("action"):
            if fault.kind == "drop":
                await self.hub.drop(fault)
                continue
            if fault.kind != "shutdown":
                self.hub.spoil(fault)
                continue
            event = {"e": "serverShutdown", "E": self.market.clock.now_ms()}
            self.hub.announce(event, raw=fault.options.get("raw", False))
            wait_ms = fault.options.get("drop_after_ms")
            if wait_ms is not None:
                self.faults.add("drop", from_ms=self.market.clock.now_ms() + wait_ms)

    async def _keep(self) -> None:
        """Pings, and ends connections that do not answer or are too old."""
        now_s = time.monotonic()
        silence = self.faults.active("silence")
        pings = silence is None or silence.options.get("pings", True)
        age = self.faults.active("life")
        life_s = self.pace.life_s if age is None else age.options.get("life_s", 60)
        for client in list(self.hub.clients):
            if now_s - client.opened_s > life_s:
                await client.ws.close(code=WSCloseCode.GOING_AWAY)
            elif now_s - max(client.ponged_s, client.opened_s) > self.pace.pong_max_s:
                await client.ws.close(code=WSCloseCode.POLICY_VIOLATION, message=b"Pong timeout")
            elif pings and not client.deaf and now_s - client.pinged_s >= self.pace.ping_s:
                await _ping(client, now_s)


async def _ping(client: Client, now_s: float) -> None:
    client.pinged_s = now_s
    try:
        await client.ws.ping(str(int(now_s * 1000)).encode())
    except ConnectionError:
        client.abort()
