"""REST requests: limits, faults, the answer of `paths`, and the log.

Never here: what a path answers, the script's own paths (`control`).
Invariant: every request is charged, logged and answered with JSON, unless a fault says otherwise.
"""

from __future__ import annotations

import asyncio
from collections import deque
from email.utils import formatdate

import orjson
from aiohttp import web

from truecandle.sim.faults import Facts, Fault, Faults
from truecandle.sim.limits import Limits
from truecandle.sim.market import SimulatedMarket
from truecandle.sim.params import Params
from truecandle.sim.paths import Asked, Path
from truecandle.sim.response_faults import (
    SimulatedAnswer,
    damaged,
    hang,
    odd_listings,
    odd_trades,
    scripted,
    send,
)
from truecandle.sim.variant import Variant
from truecandle.sim.wire import RequestRefused

PREFIX = "/api/v3/"

#: Requests remembered for the script to read.
LOG_MAX = 20_000


class Rest:
    """Answers requests. `log` holds the last ones: time, path, params, weight, status, faults."""

    def __init__(
        self, market: SimulatedMarket, limits: Limits, faults: Faults, variant: Variant
    ) -> None:
        self._market = market
        self._variant = variant
        self._limits = limits
        self._faults = faults
        self.log: deque[dict[str, object]] = deque(maxlen=LOG_MAX)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Any GET below /api/v3/."""
        name = request.path.removeprefix(PREFIX)
        query = request.query
        facts = {"path": name, "symbol": query.get("symbol"), "interval": query.get("interval")}
        path = self._variant.path(name)
        weight = path.weight(request) if path else 1
        entry: dict[str, object] = {
            "at_ms": self._market.clock.now_ms(),
            "path": request.path,
            "params": dict(query),
            "weight": weight,
            "status": None,
        }
        self.log.append(entry)
        for fault in self._faults.take("delay", facts):
            await asyncio.sleep(fault.options.get("ms", 1000) / 1000)
        instead = self._faults.take("answer", facts, most=1)
        if instead and instead[0].kind == "timeout":
            return await hang(request, instead[0].options.get("seconds", 30))
        answer = self._answer(request, path, weight, facts, instead)
        entry["status"] = answer.status
        answer.headers |= self._weight_headers()
        # Binance's own clock stamps its answers; the server's library would take the machine's.
        date = formatdate(self._market.clock.now_ms() / 1000, usegmt=True)
        answer.headers.setdefault("Date", date)
        transport = self._faults.take("body", facts) if answer.status == 200 else []
        return await send(request, answer, {fault.kind: fault for fault in transport})

    def _answer(
        self,
        request: web.Request,
        path: Path | None,
        weight: int,
        facts: Facts,
        instead: list[Fault],
    ) -> SimulatedAnswer:
        try:
            self._limits.charge(weight)
            if instead:
                return scripted(instead[0], self._limits)
            if path is None:
                raise RequestRefused(-5000, f"Path {request.path}, Method GET is invalid", 404)
            if facts["interval"] in self._variant.unknown_intervals:
                raise RequestRefused(-1120, "Invalid interval.")
            asked = Asked(
                market=self._market,
                caps=self._limits.caps,
                params=Params(request.query.items(), path.allowed),
                now_ms=self._market.clock.now_ms(),
                unit=_unit(request.headers.get("X-MBX-TIME-UNIT")),
                candle_faults=tuple(self._faults.take("candles", facts)),
                statuses=self._statuses(),
            )
            body = path.answer(asked)
            if facts["interval"] and isinstance(body, list):
                for fault in self._faults.take("rows", facts):
                    body = damaged(body, fault)
            if facts["path"] == "aggTrades" and isinstance(body, list):
                for fault in self._faults.take("trades", facts):
                    body = odd_trades(body, fault)
            if facts["path"] == "exchangeInfo" and isinstance(body, dict):
                for fault in self._faults.take("listings", facts):
                    body = odd_listings(body, fault)
            return SimulatedAnswer(200, orjson.dumps(body))
        except RequestRefused as refused:
            return SimulatedAnswer(
                refused.status, orjson.dumps(refused.body), headers=refused.headers
            )

    def _statuses(self) -> dict[str, str | None]:
        """Of the symbols that a fault has taken out of trading."""
        if not self._faults.may_strike("listing"):
            return {}
        found = {
            one: self._faults.active("listing", {"symbol": one}) for one in self._market.symbols
        }
        return {
            symbol: fault.options.get("status", "BREAK") for symbol, fault in found.items() if fault
        }

    def _weight_headers(self) -> dict[str, str]:
        used = str(self._limits.used_weight)
        return {"x-mbx-used-weight": used, "x-mbx-used-weight-1m": used}


def _unit(header: str | None) -> int:
    units = {None: 1, "MILLISECOND": 1, "MICROSECOND": 1000}
    if header is not None:
        header = header.upper()
    if header not in units:
        raise RequestRefused(-1194, "Invalid value for time unit.")
    return units[header]
