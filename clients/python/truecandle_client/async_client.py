"""The client for event loops: aiohttp for history, Socket.IO's own for events.

Never here: what to ask and when (`reading`, `watching`).
Invariant: it is used within `async with`, which ends all that it has opened.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from datetime import datetime
from types import TracebackType
from typing import Any, Self, TypeVar

import aiohttp
import socketio
from socketio.exceptions import SocketIOError

from truecandle_client.candle import Candle, Moment, moment_ms
from truecandle_client.connecting import (
    QUEUE_MAX,
    TIMEOUT_S,
    ExactPacket,
    Server,
    not_connected,
)
from truecandle_client.errors import Unreachable
from truecandle_client.pages import LIMIT, Page, Query, Question, Reply
from truecandle_client.reading import Pause, Reading, advance, read_again, read_page
from truecandle_client.watching import (
    EVENTS,
    RESYNC,
    Call,
    Connect,
    Listen,
    SeriesWatch,
    Told,
)

T = TypeVar("T")


class AsyncClient:
    """As `Client`, with `async with`, `async for` and `await`.

    async with AsyncClient("https://charts.example", token=TOKEN) as client:
        async for page in client.candles("BTCUSDT", "1h", start="2024-01-01"):
            print(page.to_polars())
    """

    def __init__(self, url: str, token: str | None = None) -> None:
        self._server = Server.at(url, token)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        self._session = aiohttp.ClientSession(headers=self._server.headers, timeout=timeout)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def candles(
        self,
        symbol: str,
        interval: str,
        start: Moment = 0,
        end: Moment | None = None,
        limit: int = LIMIT,
    ) -> AsyncIterator[Page]:
        """As `Client.candles`."""
        query: Query | None = Query.of(symbol, interval, start, end, limit)
        while query is not None:
            page = await self._read(read_page(query))
            yield page
            query = page.following

    async def latest(self, symbol: str, interval: str, limit: int = LIMIT) -> Page:
        """The newest official candles."""
        return await self._read(read_page(Query.of(symbol, interval, None, None, limit)))

    async def refresh(self, page: Page) -> Page | None:
        """The same page as it is now; None where nothing of it has changed."""
        return await self._read(read_again(page))

    async def watch(
        self,
        symbol: str,
        interval: str,
        since: datetime | int | None = None,
        attempts: int | None = None,
    ) -> AsyncGenerator[Candle]:
        """As `Client.watch`; end it by `aclose()`, or by `contextlib.aclosing` around it."""
        since_ms = None if since is None else moment_ms("since", since)
        steps = SeriesWatch(symbol, interval, since_ms, attempts).steps()
        async with aclosing(_Connection(self._server)) as connection:
            outcome: Any = None
            while True:
                try:
                    step = advance(steps, outcome)
                except StopIteration:
                    return
                outcome = None
                if isinstance(step, Candle):
                    yield step
                else:
                    outcome = await self._taken(step, connection)

    async def _taken(self, step: Any, connection: _Connection | None = None) -> Any:
        """What came of a step: a result, or an `Unreachable`."""
        try:
            match step:
                case Question():
                    return await self._asked(step)
                case Pause():
                    await asyncio.sleep(step.seconds)
                case _ if connection is not None:
                    return await connection.taken(step)
        except Unreachable as error:
            return error
        return None

    async def _read(self, reading: Reading[T]) -> T:
        outcome: Any = None
        try:
            while True:
                outcome = await self._taken(advance(reading, outcome))
        except StopIteration as end:
            result: T = end.value
            return result

    async def _asked(self, question: Question) -> Reply:
        if self._session is None:
            raise RuntimeError("an AsyncClient is used within `async with`")
        url = self._server.base + question.path
        try:
            async with self._session.get(
                url, params=dict(question.params), headers=dict(question.headers)
            ) as answer:
                return Reply.of(answer.status, answer.headers, await answer.read())
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Unreachable(f"{question.path}: {type(error).__name__}") from error


class _Connection:
    """One Socket.IO connection at a time, whose events wait in a bounded queue."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._io: Any = None
        self._http: aiohttp.ClientSession | None = None
        self._refusal: object = None
        self._events: asyncio.Queue[Told | None] = asyncio.Queue(QUEUE_MAX)

    async def taken(self, step: Any) -> Any:
        """What came of a step that is about it."""
        match step:
            case Connect():
                await self.open()
            case Call():
                return await self.call(step.name, step.payload)
            case Listen():
                return await self.listen(step.seconds)
        return None

    async def open(self) -> None:
        await self.aclose()
        events: asyncio.Queue[Told | None] = asyncio.Queue(QUEUE_MAX)
        self._events = events
        self._refusal = None
        self._http = aiohttp.ClientSession()  # the library leaves its own open at times
        self._io = socketio.AsyncClient(
            reconnection=False,
            serializer=ExactPacket,
            handle_sigint=False,
            http_session=self._http,
        )
        self._io.on("connect_error", self._refused)
        self._io.on("disconnect", lambda *_: _put(events, None))
        for name in EVENTS:
            self._io.on(name, lambda payload=None, name=name: _put(events, Told(name, payload)))
        try:
            await self._io.connect(self._server.base, **self._server.socket_options)
        except SocketIOError as error:
            raise not_connected(self._refusal, error) from error

    async def call(self, name: str, payload: dict[str, Any]) -> Any:
        try:
            return await self._io.call(name, payload, timeout=TIMEOUT_S)
        except SocketIOError as error:
            raise Unreachable(f"{name}: {type(error).__name__}") from error

    async def listen(self, seconds: float) -> Told | None:
        """The next event; None if there is none for so long."""
        try:
            async with asyncio.timeout(seconds):
                told = await self._events.get()
        except TimeoutError:
            return None
        if told is None:
            raise Unreachable("the connection was lost")
        return told

    async def aclose(self) -> None:
        if self._io is not None:
            io, self._io = self._io, None
            await io.shutdown()
        if self._http is not None:
            await self._http.close()

    def _refused(self, told: object = None) -> None:
        self._refusal = told


def _put(events: asyncio.Queue[Told | None], told: Told | None) -> None:
    """Puts an event into the queue; where that is full, all of them give way to a `resync`, or to
    the end of the connection, which asks for the same."""
    if events.full():
        while not events.empty():
            events.get_nowait()
        told = told and Told(RESYNC, None)
    events.put_nowait(told)
