"""A stream connection's life: the URL, the control messages, pings, limits.

Never here: market data.
Invariant: every control message gets exactly one answer, or ends the connection.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import deque
from typing import Any

import orjson
from aiohttp import WSCloseCode, WSMsgType, web

from truecandle.sim.faults import Fault, Faults
from truecandle.sim.hub import Client, StreamHub, parse_stream
from truecandle.sim.limits import Limits

#: Binance's limits for one connection.
MESSAGES_PER_S = 5
STREAMS_MAX = 1024

#: A control message holds 1024 stream names at most.
_FRAME_MAX = 256 * 1024

_METHODS = ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY")
_ID = re.compile(r"[A-Za-z0-9]{1,36}")


class StreamSockets:
    """Serves `/ws`, `/ws/<streams>` and `/stream?streams=<streams>`."""

    def __init__(self, hub: StreamHub, limits: Limits, faults: Faults) -> None:
        self._hub = hub
        self._limits = limits
        self._faults = faults

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One connection, from its upgrade to its end."""
        for fault in self._faults.take("connect", most=1):
            if fault.kind == "drip_open":
                await _drip(request, fault.options.get("bytes_per_s", 2))
            elif fault.options.get("abort", False) and request.transport is not None:
                request.transport.abort()
            return web.Response(status=fault.options.get("status", 503))
        if not self._limits.connect():
            return web.Response(status=429)
        unit = 1000 if request.query.get("timeUnit", "").upper() == "MICROSECOND" else 1
        muted = bool(self._faults.take("open", most=1))
        ws = web.WebSocketResponse(autoping=False, max_msg_size=_FRAME_MAX, timeout=0.5)
        try:
            await ws.prepare(request)
        except ConnectionResetError:  # the client left while its opening waited
            return web.Response()
        combined = request.path.startswith("/stream")
        client = Client(request, ws, combined, unit, muted)
        names = request.query.get("streams", "") if combined else request.path[len("/ws/") :]
        client.listen([name for name in names.split("/") if name][:STREAMS_MAX])
        self._hub.clients.add(client)
        self._hub.changed()
        writer = asyncio.create_task(client.write())
        try:
            await self._listen(client)
        finally:
            self._hub.clients.discard(client)
            writer.cancel()
            _settle(client)
        return ws

    async def _listen(self, client: Client) -> None:
        times: deque[float] = deque(maxlen=MESSAGES_PER_S)
        async for message in client.ws:
            now_s = time.monotonic()
            if client.deaf:
                continue
            if message.type is WSMsgType.PING:
                if self._faults.active("pong") is None:
                    await client.ws.pong(message.data)
            elif message.type is WSMsgType.PONG:
                client.ponged_s = now_s
                continue  # an answer to our own ping is not held against the client
            elif message.type is WSMsgType.TEXT:
                self._answer(client, message.data)
            if len(times) == MESSAGES_PER_S and now_s - times[0] < 1:
                await client.ws.close(code=WSCloseCode.POLICY_VIOLATION, message=b"Too many")
                return
            times.append(now_s)

    def _answer(self, client: Client, text: str) -> None:
        answer = self._control(client, text)
        if answer is not None:
            client.put(orjson.dumps(answer).decode())

    def _control(self, client: Client, text: str) -> dict[str, Any] | None:
        try:
            message = orjson.loads(text)
        except ValueError:
            return _error(3, "Invalid JSON: expected value at line 1 column 1", None)
        if not isinstance(message, dict) or "method" not in message:
            return _error(2, "Invalid request: missing field `method`", None)
        number, method, params = message.get("id"), message["method"], message.get("params", [])
        if not _is_id(number):
            return _error(2, "Invalid request: request ID must be an unsigned integer", None)
        if method not in _METHODS:
            expected = ", ".join(f"`{name}`" for name in _METHODS)
            problem = f"unknown variant `{method}`, expected one of {expected}"
            return _error(2, f"Invalid request: {problem}", number)
        if not isinstance(params, list):
            return _error(2, "Invalid request: params must be an array", number)
        fault = self._struck(params)
        if fault is not None and fault.kind == "unanswered":
            return None
        if fault is not None:
            text = fault.options.get("msg", "Invalid request: the stream is not known")
            return _error(fault.options.get("code", 2), text, number)
        return self._obey(client, method, params, number)

    def _struck(self, params: list[Any]) -> Fault | None:
        """A fault that meets a request by one of the symbols that it names."""
        streams = [parse_stream(name) for name in params if isinstance(name, str)]
        for stream in streams or [parse_stream("")]:
            facts = {"symbol": stream.symbol, "stream": stream.kind, "interval": stream.interval}
            if struck := self._faults.take("request", facts, most=1):
                return struck[0]
        return None

    def _obey(
        self, client: Client, method: str, params: list[Any], number: object
    ) -> dict[str, Any]:
        if method == "LIST_SUBSCRIPTIONS":
            return {"result": list(client.streams), "id": number}
        if method.endswith("PROPERTY"):
            return _property(client, method, params, number)
        if not params or not all(isinstance(name, str) for name in params):
            return _error(2, "Invalid request: params must be stream names", number)
        if method == "UNSUBSCRIBE":
            client.part(params)
        elif len(client.streams.keys() | set(params)) > STREAMS_MAX:
            return _error(2, f"Invalid request: more than {STREAMS_MAX} streams", number)
        else:
            client.listen(params)
            self._hub.changed()
        return {"result": None, "id": number}


async def _drip(request: web.Request, bytes_per_s: float) -> None:
    """A handshake that would take minutes; until the client goes away."""
    for byte in b"HTTP/1.1 101 Switching Protocols\r\nServer: " + b"x" * 1000:
        if request.transport is None or request.transport.is_closing():
            return
        request.transport.write(bytes([byte]))
        await asyncio.sleep(1 / bytes_per_s)


def _property(client: Client, method: str, params: list[Any], number: object) -> dict[str, Any]:
    if not params or not isinstance(params[0], str):
        return _error(2, "Invalid request: property name must be a string", number)
    if params[0] != "combined":
        return _error(0, "Unknown property", number)
    if method == "GET_PROPERTY":
        return {"result": client.combined, "id": number}
    if len(params) != 2 or not isinstance(params[1], bool):
        return _error(1, "Invalid value type: expected Boolean", number)
    client.combined = params[1]
    return {"result": None, "id": number}


def _is_id(number: object) -> bool:
    if number is None or (isinstance(number, int) and not isinstance(number, bool)):
        return True
    return isinstance(number, str) and _ID.fullmatch(number) is not None


def _error(code: int, text: str, number: object) -> dict[str, Any]:
    return {"code": code, "msg": text, "id": number}


def _settle(client: Client) -> None:
    """Nothing waits for messages that will never be sent."""
    while not client.queue.empty():
        client.queue.get_nowait()
        client.queue.task_done()
