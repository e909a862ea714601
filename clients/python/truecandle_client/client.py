"""The client for programs that wait: requests for history, a thread of Socket.IO's for events.

Never here: what to ask and when (`reading`, `watching`).
Invariant: one `Client` is used by one thread at a time, but for `close`, which ends all that it has
opened.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import requests
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

#: How often is looked whether a connection is still there while nothing is heard.
LOOK_S: Final = 0.5


class Client:
    """A TrueCandle server at `url`, as `https://charts.example` or with a path below it.

        with Client("https://charts.example", token=TOKEN) as client:
            for page in client.candles("BTCUSDT", "1h", start="2024-01-01"):
                print(page.to_pandas())
            for candle in client.watch("BTCUSDT", "1h"):
                print(candle.time, candle.state, candle.close)

    Every method raises a `ClientError`; `ValueError` for what cannot be asked for.
    """

    def __init__(self, url: str, token: str | None = None) -> None:
        self._server = Server.at(url, token)
        self._ended = threading.Event()
        self._session = requests.Session()
        self._session.headers.update(self._server.headers)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends a watch too, within a second; any thread may."""
        self._ended.set()
        self._session.close()

    def candles(
        self,
        symbol: str,
        interval: str,
        start: Moment = 0,
        end: Moment | None = None,
        limit: int = LIMIT,
    ) -> Iterator[Page]:
        """Official candles from `start` on (the first one that is stored) and before `end`, page by
        page of `limit` candles, oldest first.
        """
        query: Query | None = Query.of(symbol, interval, start, end, limit)
        while query is not None:
            page = self._read(read_page(query))
            yield page
            query = page.following

    def latest(self, symbol: str, interval: str, limit: int = LIMIT) -> Page:
        """The newest official candles."""
        return self._read(read_page(Query.of(symbol, interval, None, None, limit)))

    def refresh(self, page: Page) -> Page | None:
        """The same page as it is now; None where nothing of it has changed, which costs nobody a
        body."""
        return self._read(read_again(page))

    def watch(
        self,
        symbol: str,
        interval: str,
        since: datetime | int | None = None,
        attempts: int | None = None,
    ) -> Iterator[Candle]:
        """Official candles from `since` on (a `datetime` or ms; the newest one), then each new,
        corrected or filled in one as it becomes official, and what is pending or forming in
        between. After a lost connection it goes on without a hole: `attempts` is how often in a row
        connecting may fail, None for ever.

        It waits for the next candle; it ends where the loop is left, or the client is closed.
        """
        since_ms = None if since is None else moment_ms("since", since)
        steps = SeriesWatch(symbol, interval, since_ms, attempts).steps()
        with closing(_Connection(self._server, self._ended)) as connection:
            outcome: Any = None
            while not self._ended.is_set():
                try:
                    step = advance(steps, outcome)
                except StopIteration:
                    return
                outcome = None
                if isinstance(step, Candle):
                    yield step
                else:
                    outcome = self._taken(step, connection)

    def _taken(self, step: Any, connection: _Connection | None = None) -> Any:
        """What came of a step: a result, or an `Unreachable`."""
        try:
            match step:
                case Question():
                    return self._asked(step)
                case Pause():
                    self._ended.wait(step.seconds)
                case _ if connection is not None:
                    return connection.taken(step)
        except Unreachable as error:
            return error
        return None

    def _read(self, reading: Reading[T]) -> T:
        outcome: Any = None
        try:
            while True:
                outcome = self._taken(advance(reading, outcome))
        except StopIteration as end:
            result: T = end.value
            return result

    def _asked(self, question: Question) -> Reply:
        try:
            answer = self._session.get(
                self._server.base + question.path,
                params=dict(question.params),
                headers=dict(question.headers),
                timeout=TIMEOUT_S,
            )
        except requests.RequestException as error:
            raise Unreachable(f"{question.path}: {type(error).__name__}") from error
        return Reply.of(answer.status_code, answer.headers, answer.content)


class _Connection:
    """One Socket.IO connection at a time, whose events wait in a bounded queue."""

    def __init__(self, server: Server, ended: threading.Event) -> None:
        self._server = server
        self._ended = ended
        self._io: Any = None
        self._refusal: object = None
        self._events: queue.Queue[Told] = queue.Queue(QUEUE_MAX)

    def taken(self, step: Any) -> Any:
        """What came of a step that is about it."""
        match step:
            case Connect():
                self.open()
            case Call():
                return self.call(step.name, step.payload)
            case Listen():
                return self.listen(step.seconds)
        return None

    def open(self) -> None:
        self.close()
        self._events = queue.Queue(QUEUE_MAX)
        self._refusal = None
        self._io = socketio.Client(reconnection=False, serializer=ExactPacket, handle_sigint=False)
        self._io.on("connect_error", self._refused)
        for name in EVENTS:
            self._io.on(name, self._hearing(name, self._events))
        try:
            self._io.connect(self._server.base, **self._server.socket_options)
        except SocketIOError as error:
            raise not_connected(self._refusal, error) from error

    def call(self, name: str, payload: dict[str, Any]) -> Any:
        try:
            return self._io.call(name, payload, timeout=TIMEOUT_S)
        except SocketIOError as error:
            raise Unreachable(f"{name}: {type(error).__name__}") from error

    def listen(self, seconds: float) -> Told | None:
        """The next event; None if there is none for so long, or nobody wants one any more."""
        until_s = time.monotonic() + seconds
        while (left_s := until_s - time.monotonic()) > 0 and not self._ended.is_set():
            try:
                return self._events.get(timeout=min(left_s, LOOK_S))
            except queue.Empty:
                if not self._io.connected:
                    raise Unreachable("the connection was lost") from None
        return None

    def close(self) -> None:
        """The library leaves a socket open that the server has ended."""
        if self._io is None:
            return
        io, self._io = self._io, None
        websocket = io.eio.ws
        io.disconnect()
        io.shutdown()
        if websocket is not None:
            websocket.shutdown()

    def _refused(self, told: object = None) -> None:
        self._refusal = told

    def _hearing(self, name: str, events: queue.Queue[Told]) -> Any:
        """Puts an event into the queue; where that is full, all of them give way to a `resync`."""

        def heard(payload: object = None) -> None:
            try:
                events.put_nowait(Told(name, payload))
            except queue.Full:
                with events.mutex:
                    events.queue.clear()
                    events.queue.append(Told(RESYNC, None))

        return heard
