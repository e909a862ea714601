"""The script's paths under /sim/: faults, truth, the request log, the clock; for other processes.

Never here: anything that a client of the exchange could need.
Invariant: whatever a test can do through `SimServer` it can do here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from aiohttp import web

from truecandle.errors import TrueCandleError
from truecandle.sim.faults import Faults
from truecandle.sim.hub import StreamHub
from truecandle.sim.kinds import KINDS
from truecandle.sim.limits import Limits
from truecandle.sim.market import SimulatedMarket
from truecandle.sim.rest import Rest

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class ScriptControl:
    """GET and DELETE /sim/faults, POST /sim/faults `{"kind": …}`, GET /sim/kinds,
    GET /sim/truth?symbol&interval&start&end, GET /sim/log?from=, GET and POST /sim/clock,
    GET /sim/streams."""

    def __init__(
        self, market: SimulatedMarket, faults: Faults, limits: Limits, rest: Rest, hub: StreamHub
    ) -> None:
        self._market = market
        self._faults = faults
        self._limits = limits
        self._rest = rest
        self._hub = hub

    def add_to(self, app: web.Application) -> None:
        """Registers the paths."""
        app.router.add_get("/sim/faults", _reporting(self._read_faults))
        app.router.add_post("/sim/faults", _reporting(self._add_fault))
        app.router.add_delete("/sim/faults", _reporting(self._clear))
        app.router.add_get("/sim/kinds", _reporting(self._kinds))
        app.router.add_get("/sim/truth", _reporting(self._truth))
        app.router.add_get("/sim/log", _reporting(self._log))
        app.router.add_get("/sim/clock", _reporting(self._clock))
        app.router.add_post("/sim/clock", _reporting(self._set_clock))
        app.router.add_get("/sim/streams", _reporting(self._streams))

    async def _read_faults(self, _: web.Request) -> Any:
        return {"waiting": self._faults.waiting(), "struck": list(self._faults.struck)}

    async def _add_fault(self, request: web.Request) -> Any:
        """The fields of `Faults.add`; answers `{"id": n}`."""
        fields = orjson.loads(await request.read())
        return {"id": self._faults.add(fields.pop("kind"), **fields).id}

    async def _clear(self, _: web.Request) -> Any:
        """No more faults; limits and bans are forgotten too."""
        self._faults.clear()
        self._limits.reset()
        return {}

    async def _kinds(self, _: web.Request) -> Any:
        return {kind: {"where": where, "what": what} for kind, (where, what) in KINDS.items()}

    async def _truth(self, request: web.Request) -> Any:
        """Closed candles that open in [start, end), as rows of twelve fields."""
        query = request.query
        klines = self._market.truth(
            query["symbol"], query["interval"], int(query["start"]), int(query["end"])
        )
        return [kline.row() for kline in klines]

    async def _log(self, request: web.Request) -> Any:
        """REST requests since `from` (exchange time in ms), oldest first."""
        since_ms = int(request.query.get("from", "0"))
        entries = list(self._rest.log)
        return [entry for entry in entries if int(str(entry["at_ms"])) >= since_ms]

    async def _clock(self, _: web.Request) -> Any:
        return {"now_ms": self._market.clock.now_ms(), "speed": self._market.clock.speed}

    async def _set_clock(self, request: web.Request) -> Any:
        """`{"set_ms"}`, `{"offset_ms"}`, `{"advance_ms"}` and `{"speed"}`, in this order."""
        change, clock = orjson.loads(await request.read()), self._market.clock
        if "set_ms" in change:
            clock.set(change["set_ms"])
        clock.shift(change.get("offset_ms", 0))
        clock.advance(change.get("advance_ms", 0))
        if "speed" in change:
            clock.run(change["speed"])
        return await self._clock(request)

    async def _streams(self, _: web.Request) -> Any:
        """The streams of each open connection."""
        return [sorted(client.streams) for client in self._hub.clients]


def _reporting(handler: Callable[[web.Request], Awaitable[Any]]) -> _Handler:
    """Answers JSON; a mistake in the script is answered with 400 and its reason."""

    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            body = await handler(request)
        except (KeyError, TypeError, ValueError, AttributeError, TrueCandleError) as error:
            reason = f"{type(error).__name__}: {error}"
            return web.json_response({"error": reason}, status=400)
        return web.Response(body=orjson.dumps(body), content_type="application/json")

    return handle
