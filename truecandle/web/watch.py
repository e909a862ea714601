"""The sockets looked at again and again: what let them in may have ended, or they do not read.

Never here: who may come in, what is heard or said (`sockets`).
Invariant: looking never waits for a browser, and while Redis is away nobody is sent away.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from typing import Final

from flask_socketio import SocketIO

from truecandle.errors import StoreError
from truecandle.store.tickets import Ticket
from truecandle.web.parts import Parts

#: Messages of one socket: so many a second on average, and at once.
MESSAGES_PER_S: Final = 20
#: How often sessions are looked at again: what ended is disconnected within this and a little.
WATCH_S: Final = 0.5
TICKETS_AT_ONCE: Final = 500
#: Packets that wait for a slow reader (its writer holds about as many again); more, and it is
#: disconnected and starts over.
QUEUE_MAX: Final = 500
#: How long a connection may take to say who it is.
HELLO_S: Final = 10.0

_log = logging.getLogger("truecandle.web.watch")


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


def close_all(socketio: SocketIO) -> None:
    """Says good-bye to every browser; they come back by themselves.

    Without waiting: engineio counts the packets of a queue wrongly, and might wait for ever.
    """
    for socket in list(socketio.server.eio.sockets.values()):
        socket.close(wait=False)


class Watch:
    """Looks at `members`, by Socket.IO id, for as long as the process lives."""

    def __init__(self, socketio: SocketIO, parts: Parts, members: dict[str, Member]) -> None:
        self._socketio = socketio
        self._parts = parts
        self._members = members
        self._strangers: dict[str, float] = {}
        self._has_begun = False

    def begin(self) -> None:
        if not self._has_begun:
            self._has_begun = True
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
        members = list(self._members.items())
        tickets = list({member.ticket for _, member in members if member.ticket is not None})
        now_ms = self._parts.clock.machine_ms()
        ended: set[Ticket] = set()
        for first in range(0, len(tickets), TICKETS_AT_ONCE):
            some = tickets[first : first + TICKETS_AT_ONCE]
            valid = self._parts.tickets.valid(some, now_ms)
            ended.update(ticket for ticket, holds in zip(some, valid, strict=True) if not holds)
        for sid, member in members:
            if member.ticket in ended:
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
