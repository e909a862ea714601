"""Socket.IO: who may connect, which rooms they are in, and when they have to go.

Never here: what is emitted (fetcher and feed publish through Redis), HTTP routes.
Invariant: a socket lives no longer than what let it in: session, token, or `PUBLIC_READS`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, cast

from flask import Flask, request
from flask_socketio import ConnectionRefusedError, SocketIO

from truecandle import metrics
from truecandle.candles.series import Series, parse_series
from truecandle.errors import CandleError, StoreError
from truecandle.events import SUBSCRIBE, TRACED, UNSUBSCRIBE, WATCH, Codec
from truecandle.exact_json import Exact
from truecandle.store import pages
from truecandle.store.credentials import Credential
from truecandle.store.pages import Query
from truecandle.web import connections, data, engine, freshness, watchlist
from truecandle.web.auth import may_read, token_user
from truecandle.web.connections import Connections, credential_now
from truecandle.web.cut_log import CutLog
from truecandle.web.errors import Problem
from truecandle.web.event_description import CROWDED, UNAUTHORIZED, UNAVAILABLE
from truecandle.web.event_subscriber import EventSubscriber
from truecandle.web.event_traces import EventTraces
from truecandle.web.fan_out import FanOut
from truecandle.web.query import DataQuery, followed
from truecandle.web.series_watch import SeriesWatch
from truecandle.web.services import Services
from truecandle.web.session_monitor import Member, Members, SessionMonitor
from truecandle.web.socket_limits import (
    LIVE_MAX,
    MESSAGE_BYTES_MAX,
    PING_S,
    PONG_S,
    SERIES_PER_SOCKET_MAX,
    Addresses,
)
from truecandle.web.trade_watch import TradeWatch
from truecandle.web.websocket import WebSocket

#: How many of the newest official candles are looked at for the live ones: those stand for
#: themselves.
OFFICIAL_MAX: Final = 100

_log = logging.getLogger("truecandle.web.sockets")


@dataclass(slots=True)
class Browser(Member):
    """One connected browser: the series that it has subscribed to, and the symbols whose prices it
    wants beside them.
    """

    websocket: WebSocket
    series: set[str] = field(default_factory=set)
    watched: set[str] = field(default_factory=set)

    @property
    def rooms(self) -> set[str]:
        """Where it has to be: one room for each series, and one for each symbol."""
        return self.series | self.watched | {name.rpartition(":")[0] for name in self.series}


def init_app(app: Flask, services: Services, *, queue: bool) -> SocketIO:
    """Socket.IO for the app, and what all live connections share. Without `queue` nothing is heard
    from other processes (tests, CLI).
    """
    watch = SeriesWatch(services)
    traces = EventTraces(services.tracing, watch.hear) if services.tracing else None
    cuts, members, addresses = CutLog(), Members(), Addresses()
    manager = _subscriber(services, watch, members, traces) if queue else FanOut()
    socketio = _server(app, services, manager)
    monitor = SessionMonitor(socketio, services, members, cuts)

    def begin() -> None:
        monitor.begin()
        engine.listen(socketio)

    def close_all() -> None:
        engine.close_all(socketio)
        watch.close_all()

    app.extensions[connections.EXTENSION] = Connections(
        members, addresses, cuts, watch, TradeWatch(services), begin, close_all
    )
    upgrades = engine.Upgrades(app.wsgi_app, cuts, addresses, services.settings.public_url)
    app.wsgi_app = upgrades  # type: ignore[method-assign]
    BrowserSockets(socketio, services, members, begin, traces)
    return socketio


def _subscriber(
    services: Services, watch: SeriesWatch, members: Members, traces: EventTraces | None
) -> EventSubscriber:
    url = services.settings.redis_url
    found = EventSubscriber(url, services.hearing, watch.hear, members, traces)
    members.on_enter = found.want
    return found


def _server(app: Flask, services: Services, manager: FanOut) -> SocketIO:
    socketio = SocketIO(
        app,
        async_mode=services.settings.async_mode,
        client_manager=manager,
        json=Codec,
        transports=["websocket"],
        cors_allowed_origins=[],  # `Upgrades` has looked at the origin
        manage_session=False,
        async_handlers=False,
        max_http_buffer_size=MESSAGE_BYTES_MAX,
        ping_interval=PING_S,
        ping_timeout=PONG_S,
        # Loggers of their own, or the libraries would print past `log`, unescaped.
        logger=logging.getLogger("socketio.server"),
        engineio_logger=logging.getLogger("engineio.server"),
    )
    engine.attach(socketio)
    return socketio


class BrowserSockets:
    """All browsers connected to this process."""

    def __init__(
        self,
        socketio: SocketIO,
        services: Services,
        members: Members,
        begin: Callable[[], None],
        traces: EventTraces | None,
    ) -> None:
        self._traces = traces
        self._socketio = socketio
        self._services = services
        #: By Socket.IO id; each is one of the members too.
        self._browsers: dict[str, Browser] = {}
        self._members = members
        self._begin = begin
        self._freshness = freshness.FreshnessBroadcaster(socketio, services, self._browsers)
        metrics.QUEUE_LENGTH.labels("frames").set_function(self._waiting)
        metrics.QUEUE_LENGTH.labels("passwords").set_function(services.hashing.waiting)
        socketio.on("connect")(self._connect)
        socketio.on("disconnect")(self._disconnect)
        socketio.on(SUBSCRIBE)(self._heard(self._subscribe))
        socketio.on(UNSUBSCRIBE)(self._heard(self._unsubscribe))
        socketio.on(WATCH)(self._heard(self._watch))
        socketio.on(TRACED)(self._heard(self._traced))
        socketio.on("*")(self._heard(lambda *_: _refusal("event", "There is no such event.")))

    def _connect(self, auth: object = None) -> None:
        self._begin()
        self._freshness.begin()
        try:
            credential = self._admitted(auth)
        except StoreError:
            raise ConnectionRefusedError(UNAVAILABLE) from None
        websocket: WebSocket = request.environ[engine.WEBSOCKET]
        end = partial(self._socketio.server.disconnect, _sid())
        browser = Browser(credential, end, websocket)
        is_in = self._members.enter(_sid(), browser)
        if not is_in or not websocket.admit():
            if is_in:
                self._members.leave(_sid())
            raise ConnectionRefusedError(CROWDED)
        self._browsers[_sid()] = browser

    def _admitted(self, auth: object) -> Credential | None:
        """The credential to come in with; None for an anonymous reader. Refuses everybody else."""
        if isinstance(auth, dict) and "token" in auth:
            secret = auth["token"]
            user = token_user(secret) if isinstance(secret, str) else None
            if user is None:
                raise ConnectionRefusedError(UNAUTHORIZED)
            return user.credential
        if not may_read():
            raise ConnectionRefusedError(UNAUTHORIZED)
        return credential_now()

    def _waiting(self) -> int:
        """Frames that wait for slow browsers."""
        return sum(one.websocket.send_queue.waiting() for one in list(self._browsers.values()))

    def _disconnect(self, *_: object) -> None:
        """However it ended: nothing more of it is heard, and what waits for it still leaves."""
        if (browser := self._browsers.pop(_sid(), None)) is not None:
            self._members.leave(_sid())
            browser.websocket.dismiss()

    def _heard(self, handler: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
        """A handler whose every error becomes an answer."""

        def answered(*given: object) -> dict[str, Any]:
            member = self._browsers.get(_sid())
            if member is None:
                return _refusal("unauthorized", "This socket is not connected.")
            try:
                return handler(member, *given)
            except CandleError as error:
                return _refusal("parameter", str(error))
            except Problem as problem:
                return _refusal(problem.code, problem.detail)
            except StoreError:
                return _refusal("unavailable", "The store does not answer at the moment.")
            except Exception:
                _log.exception("a socket's message failed")
                return _refusal("error", "Something went wrong here; it has been logged.")

        return answered

    def _subscribe(self, member: Browser, *given: object) -> dict[str, Any]:
        """Joins first, then reads: what comes in between is heard, perhaps twice, never missed."""
        series = followed(self._services.markets, *_named(given))
        if series.name not in member.series:
            if len(member.series) >= SERIES_PER_SOCKET_MAX:
                detail = f"At most {SERIES_PER_SOCKET_MAX} series on one socket."
                return _refusal("too-many", detail)
            with self._moving(member):
                member.series.add(series.name)
        return self._snapshot(series)

    def _unsubscribe(self, member: Browser, *given: object) -> dict[str, Any]:
        series = parse_series(*_named(given))
        with self._moving(member):
            member.series.discard(series.name)
        version = pages.version(self._services.redis, series)
        return {"ok": True, "version": version, "server_time": self._services.clock.now_ms()}

    def _watch(self, member: Browser, *given: object) -> dict[str, Any]:
        """Joins first, then reads the last prices, as `_subscribe`."""
        symbols = watchlist.wanted(self._services.markets, given)
        with self._moving(member):
            member.watched = set(symbols)
        return {"ok": True, "prices": watchlist.prices(self._services, symbols)}

    def _traced(self, member: Browser, *given: object) -> dict[str, Any]:
        """Says when it has drawn an event that was traced, as it was told."""
        said = _fields(given, '{"traceparent": ..., "drawn_us": ...}')
        if self._traces is not None:
            self._traces.drawn(said.get("traceparent"), said.get("drawn_us"))
        return {"ok": True}

    def _snapshot(self, series: Series) -> dict[str, Any]:
        """Version, live candles and what is proven missing, of one instant, as in `/data?live=1`;
        and how fresh they are.
        """
        now_ms = self._services.clock.now_ms()
        wanted = DataQuery(series, Query(OFFICIAL_MAX), is_iso=False, is_live=True)
        found = data.read(self._services.redis, wanted, now_ms)
        fresh = freshness.of(self._services, series.symbol)
        self._freshness.tell(series.symbol, fresh)
        return {
            "ok": True,
            "version": found.page.version,
            "server_time": self._services.clock.now_ms(),
            "live": [Exact(candle) for candle in found.live[-LIVE_MAX:]],
            "missing": found.missing,
            "freshness": fresh.fields(),
        }

    @contextmanager
    def _moving(self, member: Browser) -> Iterator[None]:
        """Joins and leaves the rooms by which the member differs inside."""
        before, manager = member.rooms, self._socketio.server.manager
        yield
        for room in member.rooms - before:
            manager.enter_room(_sid(), "/", room)
        for room in before - member.rooms:
            manager.leave_room(_sid(), "/", room)


def _named(given: tuple[object, ...]) -> tuple[object, object]:
    """Symbol and interval of a message."""
    said = _fields(given, '{"symbol": ..., "interval": ...}')
    return said.get("symbol"), said.get("interval")


def _fields(given: tuple[object, ...], allowed: str) -> dict[str, Any]:
    """The one object of a message."""
    if len(given) != 1 or not isinstance(given[0], dict):
        raise CandleError("message", given, allowed)
    return given[0]


def _refusal(code: str, detail: str) -> dict[str, Any]:
    return {"ok": False, "code": code, "detail": detail}


def _sid() -> str:
    return cast(str, request.sid)  # type: ignore[attr-defined]
