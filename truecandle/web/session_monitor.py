"""The sockets looked at again and again: what let them in may have ended.

Never here: who may come in, what is heard or said (`sockets`), who does not read (`send_queue`).
Invariant: looking never waits for a browser, and while Redis is away nobody is sent away.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from flask_socketio import SocketIO

from truecandle import metrics
from truecandle.errors import StoreError
from truecandle.store.credentials import Credential
from truecandle.web.cut_log import CutLog
from truecandle.web.services import Services
from truecandle.web.socket_limits import SOCKETS_PER_USER_MAX
from truecandle.web.ticks import pause_s

#: How often sessions are looked at again: what ended is disconnected within this and a little.
WATCH_S: Final = 0.5
CREDENTIALS_AT_ONCE: Final = 500

_log = logging.getLogger("truecandle.web.session_monitor")


@dataclass(slots=True)
class Member:
    """One connection that was let in. `credential` is None for an anonymous reader; `end` is called
    when that holds no more, and waits for nothing.
    """

    credential: Credential | None
    end: Callable[[], object]


class Members(dict[object, Member]):
    """All connections of this process that were let in: of browsers by Socket.IO id, and others.
    `on_enter` is called whenever one has come in."""

    def __init__(self) -> None:
        super().__init__()
        self.on_enter: Callable[[], None] = _nothing

    def enter(self, key: object, member: Member) -> bool:
        """Takes one in; False while its user has as many as one may."""
        if (known := member.credential) is not None:
            users = [one.credential.user for one in list(self.values()) if one.credential]
            if users.count(known.user) >= SOCKETS_PER_USER_MAX:
                return False
        self[key] = member
        metrics.SOCKETS.set(len(self))
        self.on_enter()
        return True

    def leave(self, key: object) -> None:
        """Forgets one; as often as one likes."""
        self.pop(key, None)
        metrics.SOCKETS.set(len(self))


def _nothing() -> None:
    """Nobody wants to know."""


class SessionMonitor:
    """Looks at `members` for as long as the process lives."""

    def __init__(
        self, socketio: SocketIO, services: Services, members: Members, cuts: CutLog
    ) -> None:
        self._socketio = socketio
        self._services = services
        self._members = members
        self._cuts = cuts
        self._has_begun = False

    def begin(self) -> None:
        if not self._has_begun:
            self._has_begun = True
            self._socketio.start_background_task(self._watch)

    def _watch(self) -> None:
        """For as long as the process lives; while Redis is away nobody is sent away."""
        while True:
            self._socketio.sleep(pause_s(WATCH_S))
            try:
                self._cuts.tell()
                self._end_invalid()
            except StoreError as error:
                _log.debug("sessions not looked at: %s", error)
            except Exception:
                _log.exception("looking at the sockets failed")

    def _end_invalid(self) -> None:
        members = list(self._members.items())
        credentials = list(
            {member.credential for _, member in members if member.credential is not None}
        )
        now_ms = self._services.clock.machine_ms()
        ended: set[Credential] = set()
        for first in range(0, len(credentials), CREDENTIALS_AT_ONCE):
            some = credentials[first : first + CREDENTIALS_AT_ONCE]
            valid = self._services.credentials.valid(some, now_ms)
            ended.update(
                credential for credential, holds in zip(some, valid, strict=True) if not holds
            )
        for _, member in members:
            if member.credential in ended:
                member.end()
