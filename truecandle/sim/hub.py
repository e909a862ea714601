"""Stream connections and who listens to what: names, subscriptions, and sending to them.

Never here: when something is sent (`pump`), the control protocol (`sockets`).
Invariant: a reader that is too slow is disconnected; it never makes the others wait.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import orjson
from aiohttp import WSCloseCode, web

from truecandle.candles.interval import INTERVALS
from truecandle.sim.faults import Fault, Faults
from truecandle.sim.params import zone_ms_of
from truecandle.sim.wire import Json

#: Messages waiting for one slow reader before it is disconnected.
QUEUE_MAX = 20_000

KINDS = ("aggTrade", "trade", "kline", "miniTicker")

Builder = Callable[[int], Json]


@dataclass(frozen=True, slots=True)
class Stream:
    """A stream's name and what it means. An unknown name is accepted and stays silent."""

    name: str
    symbol: str
    kind: str
    interval: str = ""
    zone_ms: int = 0


def parse_stream(name: str) -> Stream:
    """`btcusdt@kline_1d@+08:00` -> its parts; kind is empty when there is no such stream."""
    symbol, _, rest = name.partition("@")
    kind, _, zone = rest.partition("@")
    kind, _, interval = kind.partition("_")
    zone_ms = zone_ms_of(zone.removeprefix("+")) if zone else 0
    known = kind in KINDS and symbol == symbol.lower() and zone_ms is not None
    if not known or (interval in INTERVALS) != (kind == "kline"):
        return Stream(name, symbol.upper(), "")
    return Stream(name, symbol.upper(), kind, interval, zone_ms or 0)


@dataclass(eq=False, slots=True)
class Client:
    """One stream connection."""

    request: web.Request
    ws: web.WebSocketResponse
    combined: bool
    unit: int
    muted: bool
    deaf: bool = False
    lag_s: float = 0.0
    hushed: dict[str, bool] = field(default_factory=dict)
    #: What it listens to, and how often that has changed: by `listen` and `part`.
    streams: dict[str, Stream] = field(default_factory=dict)
    changes: int = 0
    queue: asyncio.Queue[tuple[float, str]] = field(
        default_factory=lambda: asyncio.Queue(QUEUE_MAX)
    )
    opened_s: float = field(default_factory=time.monotonic)
    pinged_s: float = field(default_factory=time.monotonic)
    ponged_s: float = field(default_factory=time.monotonic)

    def listen(self, names: Iterable[str]) -> None:
        """SUBSCRIBE: it makes a stream speak again that was hushed, if that may heal it."""
        self.changes += 1
        for name in names:
            self.streams.setdefault(name, parse_stream(name))
            if self.hushed.get(name):
                del self.hushed[name]

    def part(self, names: Iterable[str]) -> None:
        """UNSUBSCRIBE."""
        self.changes += 1
        for name in names:
            self.streams.pop(name, None)

    def put(self, text: str) -> None:
        """Queues a message; a reader that does not keep up is cut off."""
        try:
            self.queue.put_nowait((time.monotonic() + self.lag_s, text))
        except asyncio.QueueFull:
            self.abort()

    def abort(self) -> None:
        """Ends the connection without a close frame."""
        if self.request.transport is not None:
            self.request.transport.abort()

    async def write(self) -> None:
        """Sends what is queued until the connection ends."""
        while True:
            due_s, text = await self.queue.get()
            try:
                if self.lag_s:
                    await asyncio.sleep(due_s - time.monotonic())
                await self.ws.send_str(text)
            except ConnectionError:
                return
            finally:
                self.queue.task_done()


class StreamHub:
    """All clients, and the messages to them with their scripted damage."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._held: dict[str, Builder] = {}
        self.clients: set[Client] = set()
        #: Every stream that somebody listens to, and of which state of the clients.
        self._streams: frozenset[Stream] = frozenset()
        self._counted: list[tuple[Client, int]] = []
        #: Called when somebody may listen to other streams.
        self.listeners: list[Callable[[], object]] = []

    @property
    def streams(self) -> frozenset[Stream]:
        """Every stream that somebody listens to."""
        counted = [(client, client.changes) for client in self.clients]
        if counted != self._counted:
            found = (s for client in self.clients for s in client.streams.values() if s.kind)
            self._counted, self._streams = counted, frozenset(found)
        return self._streams

    def changed(self) -> None:
        """A client has come, or listens to other streams."""
        for listener in self.listeners:
            listener()

    def publish(self, stream: Stream, build: Builder, *, closing: bool = False) -> None:
        """Sends an event to all who listen; `build(unit)` makes it in their time unit."""
        facts = {"symbol": stream.symbol, "stream": stream.kind, "interval": stream.interval}
        struck = self._faults.take("message", facts)
        faults = {fault.kind: fault for fault in struck}
        if "lose" in faults or (closing and "unclosed" in faults):
            return
        if "late" in faults:
            wait_s = faults["late"].options.get("ms", 2000) / 1000
            asyncio.get_running_loop().call_later(wait_s, self._send, stream, build, {})
            return
        if "disorder" in faults and stream.name not in self._held:
            self._held[stream.name] = build
            return
        self._send(stream, build, faults)
        if "repeated" in faults:
            self._send(stream, build, {})
        if stream.name in self._held:
            self._send(stream, self._held.pop(stream.name), {})

    def announce(self, event: Json, *, raw: bool = False) -> None:
        """Sends an event that belongs to no stream, such as serverShutdown, to all."""
        text = orjson.dumps(event).decode()
        for client in list(self.clients):
            wrapped = f'{{"stream":"!{event["e"]}","data":{text}}}'
            client.put(wrapped if client.combined and not raw else text)

    async def drained(self) -> None:
        """Waits until every queued message was handed to its connection."""
        await asyncio.gather(*(client.queue.join() for client in list(self.clients)))

    async def drop(self, fault: Fault) -> None:
        """Ends the connections that a fault chooses by symbol, interval and kind of stream."""
        code = fault.options.get("code", WSCloseCode.GOING_AWAY)
        met = sorted((c for c in self.clients if _meets(fault, c)), key=lambda c: c.opened_s)
        met = met[: fault.options.get("most")] if len(met) >= fault.options.get("least", 0) else []
        if code is not None:
            closing = (client.ws.close(code=int(code)) for client in met)
            await asyncio.gather(*closing, return_exceptions=True)
            return
        for client in met:
            client.abort()

    def spoil(self, fault: Fault) -> None:
        """Makes open connections, or one stream of them, mute or forgotten."""
        for client in self.clients:
            if fault.kind == "stall" and _meets(fault, client):
                client.muted, client.deaf = True, not fault.options.get("pongs", True)
            if fault.kind == "lag" and _meets(fault, client):
                client.lag_s = fault.options.get("ms", 2000) / 1000
            names = [s.name for s in client.streams.values() if _wants(fault, s)]
            if fault.kind == "hush":
                client.hushed |= dict.fromkeys(names, fault.options.get("heals", True))
            elif fault.kind == "forget":
                client.part(names)

    def _send(self, stream: Stream, build: Builder, faults: dict[str, Fault]) -> None:
        texts: dict[int, str] = {}
        for client in list(self.clients):
            if client.muted or stream.name not in client.streams or stream.name in client.hushed:
                continue
            if client.unit not in texts:
                texts[client.unit] = orjson.dumps(build(client.unit)).decode()
            for text in _damaged(texts[client.unit], stream, faults):
                wrapped = f'{{"stream":"{stream.name}","data":{text}}}'
                client.put(wrapped if client.combined else text)


def _damaged(text: str, stream: Stream, faults: dict[str, Fault]) -> list[str]:
    texts = [text]
    if "malformed" in faults:
        texts = [faults["malformed"].options.get("text", '{"e":"trade",')]
    if "oversized" in faults:
        kilobytes = faults["oversized"].options.get("kb", 1024)
        texts.insert(0, f'{{"e":"junk","x":"{"x" * (1000 * kilobytes)}"}}')
    if "foreign" in faults:
        other = faults["foreign"].options.get("symbol_sent", "XXXUSDT")
        texts.append(text.replace(f'"{stream.symbol}"', f'"{other}"'))
    return texts


def _meets(fault: Fault, client: Client) -> bool:
    wants = (fault.symbol, fault.stream, fault.interval)
    return wants == (None, None, None) or any(_wants(fault, s) for s in client.streams.values())


def _wants(fault: Fault, stream: Stream) -> bool:
    wants = (fault.symbol, fault.stream, fault.interval)
    has = (stream.symbol, stream.kind, stream.interval)
    return all(want in (None, one) for want, one in zip(wants, has, strict=True))
