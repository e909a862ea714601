"""Socket.IO: who may connect, which rooms they are in, and when they have to go.

Never here: what is emitted (fetcher and feed publish through Redis), HTTP routes.
Invariant: a socket lives no longer than what let it in: session, token, or `PUBLIC_READS`.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, cast

from flask import Flask, request
from flask_login import current_user
from flask_socketio import ConnectionRefusedError, SocketIO

from truecandle import metrics
from truecandle.candles.series import Series
from truecandle.errors import CandleError, StoreError
from truecandle.events import SUBSCRIBE, UNSUBSCRIBE, Codec
from truecandle.store import pages
from truecandle.store.tickets import Ticket
from truecandle.web.auth import may_read, token_user
from truecandle.web.errors import Problem
from truecandle.web.link import Link
from truecandle.web.parts import Parts
from truecandle.web.query import followed

SERIES_PER_SOCKET_MAX: Final = 20
SOCKETS_PER_USER_MAX: Final = 20
SOCKETS_PER_ADDRESS_MAX: Final = 100
#: Messages of one socket: so many a second on average, and at once.
MESSAGES_PER_S: Final = 20
MESSAGE_BYTES_MAX: Final = 16 * 1024
#: How often sessions are looked at again: what ended is disconnected within this and a little.
WATCH_S: Final = 0.5
TICKETS_AT_ONCE: Final = 500
#: Packets that wait for a slow reader; more, and it is disconnected and starts over.
QUEUE_MAX: Final = 1_000
#: How long a connection may take to say who it is.
HELLO_S: Final = 10.0

_log = logging.getLogger("truecandle.web.sockets")


@dataclass(slots=True)
class Member:
    """One connected browser. `ticket` is None for an anonymous reader."""

    ticket: Ticket | None
    address: str
    series: set[str] = field(default_factory=set)
    allowance: float = MESSAGES_PER_S
    seen_s: float = field(default_factory=time.monotonic)

    def may_speak(self) -> bool:
        """Counts one message; False once there have been too many."""
        now_s = time.monotonic()
        earned = (now_s - self.seen_s) * MESSAGES_PER_S
        self.allowance = min(MESSAGES_PER_S, self.allowance + earned) - 1
        self.seen_s = now_s
        return self.allowance >= 0


def init_app(app: Flask, parts: Parts, *, queue: bool) -> SocketIO:
    """Socket.IO for the app. Without `queue` nothing is heard from other processes (tests, CLI)."""
    socketio = SocketIO(
        app,
        async_mode=parts.settings.async_mode,
        client_manager=Link(parts.settings.redis_url) if queue else None,
        json=Codec,
        transports=["websocket"],
        manage_session=False,
        async_handlers=False,
        max_http_buffer_size=MESSAGE_BYTES_MAX,
        ping_interval=20,
        ping_timeout=15,
    )
    Sockets(socketio, parts)
    return socketio


def close_all(socketio: SocketIO) -> None:
    """Says good-bye to every browser; they come back by themselves.

    Without waiting: engineio counts the packets of a queue wrongly, and might wait for ever.
    """
    for socket in list(socketio.server.eio.sockets.values()):
        socket.close(wait=False)


class Sockets:
    """All browsers connected to this process."""

    def __init__(self, socketio: SocketIO, parts: Parts) -> None:
        self._socketio = socketio
        self._parts = parts
        self._members: dict[str, Member] = {}
        self._strangers: dict[str, float] = {}
        self._is_watched = False
        socketio.on("connect")(self._connect)
        socketio.on("disconnect")(self._disconnect)
        socketio.on(SUBSCRIBE)(self._heard(self._subscribe))
        socketio.on(UNSUBSCRIBE)(self._heard(self._unsubscribe))
        socketio.on("*")(self._heard(lambda *_: _refusal("event", "There is no such event.")))

    def _connect(self, auth: object = None) -> None:
        self._watch_once()
        try:
            ticket = self._admitted(auth)
        except StoreError:
            raise ConnectionRefusedError("unavailable") from None
        address = request.remote_addr or "unknown"
        if self._is_crowded(ticket, address):
            raise ConnectionRefusedError("too many connections")
        self._members[_sid()] = Member(ticket, address)
        metrics.SOCKETS.set(len(self._members))

    def _admitted(self, auth: object) -> Ticket | None:
        """The ticket to come in with; None for an anonymous reader. Refuses everybody else."""
        if isinstance(auth, dict) and "token" in auth:
            secret = auth["token"]
            user = token_user(secret) if isinstance(secret, str) else None
            if user is None:
                raise ConnectionRefusedError("unauthorized")
            return user.ticket
        if not may_read():
            raise ConnectionRefusedError("unauthorized")
        return cast(Ticket, current_user.ticket) if current_user.is_authenticated else None

    def _is_crowded(self, ticket: Ticket | None, address: str) -> bool:
        members = self._members.values()
        near = sum(member.address == address for member in members)
        own = sum(m.ticket is not None and ticket is not None and m.ticket.user == ticket.user
                  for m in members)  # fmt: skip
        return near >= SOCKETS_PER_ADDRESS_MAX or own >= SOCKETS_PER_USER_MAX

    def _disconnect(self, *_: object) -> None:
        self._members.pop(_sid(), None)
        metrics.SOCKETS.set(len(self._members))

    def _heard(self, handler: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
        """A handler whose every message is counted, and whose every error becomes an answer."""

        def answered(*given: object) -> dict[str, Any]:
            member = self._members.get(_sid())
            if member is None:
                return _refusal("unauthorized", "This socket is not connected.")
            if not member.may_speak():
                _log.warning("disconnected from %s: too many messages", member.address)
                self._socketio.server.disconnect(_sid())
                return _refusal("too-many", f"At most {MESSAGES_PER_S} messages a second.")
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

    def _subscribe(self, member: Member, *given: object) -> dict[str, Any]:
        """Joins first, then reads the version: nothing is missed in between."""
        series = followed(self._parts.settings, *_named(given))
        if series.name not in member.series:
            if len(member.series) >= SERIES_PER_SOCKET_MAX:
                detail = f"At most {SERIES_PER_SOCKET_MAX} series on one socket."
                return _refusal("too-many", detail)
            member.series.add(series.name)
            self._enter(series.name)
            self._enter(series.symbol)
        return self._state(series)

    def _unsubscribe(self, member: Member, *given: object) -> dict[str, Any]:
        series = followed(self._parts.settings, *_named(given))
        if series.name in member.series:
            member.series.remove(series.name)
            self._leave(series.name)
            if not any(name.startswith(f"{series.symbol}:") for name in member.series):
                self._leave(series.symbol)
        return self._state(series)

    def _state(self, series: Series) -> dict[str, Any]:
        version = pages.version(self._parts.redis, series)
        return {"ok": True, "version": version, "server_time": self._parts.clock.now_ms()}

    def _enter(self, room: str) -> None:
        self._socketio.server.manager.enter_room(_sid(), "/", room)

    def _leave(self, room: str) -> None:
        self._socketio.server.manager.leave_room(_sid(), "/", room)

    def _watch_once(self) -> None:
        if not self._is_watched:
            self._is_watched = True
            self._socketio.start_background_task(self._watch)

    def _watch(self) -> None:
        """For as long as the process lives; while Redis is away nobody is sent away."""
        while True:
            self._socketio.sleep(WATCH_S)
            try:
                self._end_strangers()
                self._end_invalid()
            except StoreError as error:
                _log.debug("sessions not looked at: %s", error)
            except Exception:
                _log.exception("looking at the sockets failed")

    def _end_invalid(self) -> None:
        counted = Counter(m.ticket for m in self._members.values() if m.ticket is not None)
        tickets = list(counted)
        now_ms = self._parts.clock.machine_ms()
        ended: set[Ticket] = set()
        for first in range(0, len(tickets), TICKETS_AT_ONCE):
            some = tickets[first : first + TICKETS_AT_ONCE]
            valid = self._parts.tickets.valid(some, now_ms)
            ended.update(ticket for ticket, holds in zip(some, valid, strict=True) if not holds)
        for sid in [sid for sid, member in self._members.items() if member.ticket in ended]:
            self._socketio.server.disconnect(sid)

    def _end_strangers(self) -> None:
        """Connections that never say who they are, or that do not read what they are sent."""
        server, now_s = self._socketio.server, time.monotonic()
        sockets = dict(server.eio.sockets)
        known = {server.manager.eio_sid_from_sid(sid, "/") for sid in list(self._members)}
        since = {sid: self._strangers.get(sid, now_s) for sid in sockets if sid not in known}
        self._strangers = since
        silent = [sid for sid, began_s in since.items() if now_s - began_s > HELLO_S]
        slow = [sid for sid, socket in sockets.items() if socket.queue.qsize() > QUEUE_MAX]
        for sid in silent:
            sockets[sid].close(wait=False)
        for sid in slow:
            _log.warning("disconnected a browser that does not read what it is sent")
            self._parts.hub.cut(server.environ.get(sid, {}))


def _named(given: tuple[object, ...]) -> tuple[object, object]:
    """Symbol and interval of a message."""
    if len(given) != 1 or not isinstance(given[0], dict):
        raise CandleError("message", given, '{"symbol": ..., "interval": ...}')
    return given[0].get("symbol"), given[0].get("interval")


def _refusal(code: str, detail: str) -> dict[str, Any]:
    return {"ok": False, "code": code, "detail": detail}


def _sid() -> str:
    return cast(str, request.sid)  # type: ignore[attr-defined]
