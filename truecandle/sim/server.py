"""The server: REST, streams and the script's own paths on one loopback port; also in a thread.

Never here: what is answered.
Invariant: when it has stopped, its port is free and no thread or task of it is left.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from collections.abc import Sequence
from types import TracebackType

from aiohttp import WSCloseCode, web

from truecandle.sim.clock import SimulatedClock
from truecandle.sim.control import ScriptControl
from truecandle.sim.faults import Faults
from truecandle.sim.hub import StreamHub
from truecandle.sim.limits import Caps, Limits
from truecandle.sim.market import SimulatedMarket, simulated
from truecandle.sim.rest import PREFIX, Rest
from truecandle.sim.sockets import StreamSockets
from truecandle.sim.stream_publisher import PingPace, StreamPublisher
from truecandle.sim.variant import BINANCE, Variant

_log = logging.getLogger(__name__)

HOST = "127.0.0.1"

#: A start or stop that takes longer than this has failed.
_DEADLINE_S = 10.0


class Exchange:
    """The whole simulated exchange in the running event loop."""

    def __init__(
        self,
        market: SimulatedMarket,
        caps: Caps | None = None,
        pace: PingPace | None = None,
        seed: int = 0,
        variant: Variant = BINANCE,
    ) -> None:
        self.market = market
        self.faults = Faults(market, seed)
        self.limits = Limits(market.clock, caps or variant.caps)
        self.hub = StreamHub(self.faults)
        self.rest = Rest(market, self.limits, self.faults, variant)
        self.pump = StreamPublisher(market, self.hub, self.faults, pace or PingPace())
        self._runner: web.AppRunner | None = None
        self._pumping: asyncio.Task[None] | None = None

    async def start(self, listener: socket.socket) -> None:
        """Serves on that listening socket."""
        sockets = StreamSockets(self.hub, self.limits, self.faults)
        app = web.Application()
        app.router.add_get(PREFIX + "{path:.*}", self.rest.handle)
        app.router.add_get("/ws", sockets.handle)
        app.router.add_get("/ws/{streams:.*}", sockets.handle)
        app.router.add_get("/stream", sockets.handle)
        ScriptControl(self.market, self.faults, self.limits, self.rest, self.hub).add_to(app)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        await web.SockSite(self._runner, listener).start()
        self._pumping = asyncio.create_task(self.pump.run())
        self._pumping.add_done_callback(_report)

    async def stop(self) -> None:
        """Closes every connection and the port."""
        if self._pumping is not None:
            self._pumping.cancel()
            await asyncio.gather(self._pumping, return_exceptions=True)
        closing = (c.ws.close(code=WSCloseCode.GOING_AWAY) for c in list(self.hub.clients))
        await asyncio.gather(*closing, return_exceptions=True)
        if self._runner is not None:
            await self._runner.cleanup()


def _report(pumping: asyncio.Task[None]) -> None:
    """The streams ended by themselves: say why, since nobody waits for them."""
    if not pumping.cancelled() and pumping.exception() is not None:
        _log.error("the streams have stopped", exc_info=pumping.exception())


def listen(port: int) -> socket.socket:
    """A listening socket on loopback; port 0 picks a free one. `OSError` when it is taken."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen(1024)
    except OSError:
        listener.close()
        raise
    return listener


class SimServer:
    """The simulated exchange in a thread of its own, for tests. A context manager.

        with SimServer(symbols=["BTCUSDT"]) as sim:
            requests.get(f"{sim.rest_url}/api/v3/klines?symbol=BTCUSDT&interval=1m")
            websocket.create_connection(f"{sim.ws_url}/ws/btcusdt@aggTrade")
            sim.faults.add("rate_limit", retry_after="2")      # KINDS in faults.py names them all
            sim.clock.advance(60_000)                           # Clock(ms, speed=0) stands still
            sim.market.truth("BTCUSDT", "1m", start_ms, end_ms) # closed candles, exact
            sim.streamed_ms         # the streams have caught up with a moved clock up to here
            sim.requests()                                      # what was asked, and the answers

    `clock`, `market`, `caps` and `pace` replace the defaults: the real time, a simulated market of
    `symbols` by `seed` with `listed` others, the limits of that `variant`, Binance's pings. Base
    URLs have no slash at their end.
    """

    def __init__(
        self,
        symbols: Sequence[str] = ("BTCUSDT",),
        *,
        seed: int = 7,
        clock: SimulatedClock | None = None,
        market: SimulatedMarket | None = None,
        caps: Caps | None = None,
        pace: PingPace | None = None,
        port: int = 0,
        listed: int = 0,
        variant: Variant = BINANCE,
    ) -> None:
        self.market = market or simulated(seed, symbols, clock or SimulatedClock(), listed)
        self.clock = self.market.clock
        self.exchange = Exchange(self.market, caps, pace, seed, variant)
        self.faults = self.exchange.faults
        self.limits = self.exchange.limits
        self._listener = listen(port)
        self.port: int = self._listener.getsockname()[1]
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._over = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="sim", daemon=True)

    @property
    def rest_url(self) -> str:
        """`http://127.0.0.1:port`, for `BINANCE_REST_URL`."""
        return f"http://{HOST}:{self.port}"

    @property
    def ws_url(self) -> str:
        """`ws://127.0.0.1:port`, for `BINANCE_WS_URL`."""
        return f"ws://{HOST}:{self.port}"

    @property
    def connections(self) -> int:
        """How many stream connections are open."""
        return len(self.exchange.hub.clients)

    @property
    def streamed_ms(self) -> int:
        """Everything that happened before this moment has been sent to the streams."""
        return self.exchange.pump.next_ms

    def requests(self) -> list[dict[str, object]]:
        """The REST requests so far: at_ms, path, params, weight, status."""
        return list(self.exchange.rest.log)

    def start(self) -> SimServer:
        """Starts serving; returns when requests are answered."""
        self._thread.start()
        if not self._ready.wait(_DEADLINE_S):
            raise RuntimeError("the simulated exchange did not start")
        return self

    def stop(self) -> None:
        """Closes all connections, frees the port, ends the thread."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._over.set)
            self._thread.join(_DEADLINE_S)

    def __enter__(self) -> SimServer:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        await self.exchange.start(self._listener)
        self._ready.set()
        await self._over.wait()
        await self.exchange.stop()
