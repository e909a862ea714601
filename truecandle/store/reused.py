"""Connections to Redis that are looked at before they are used again, without giving way.

Between two commands nothing may lie on a connection: an answer that nobody asked for would be taken
for the next one's. redis-py looks by a poll, for which green threads ask their hub: a fifth of what
a short command costs. Here the system is asked, which answers at once.

Never here: how connections are opened (`dialed`), pools.
Invariant: only a connection that is open, with nothing left to read, goes by without redis-py's own
look at it.
"""

from __future__ import annotations

import fcntl
import socket
import termios
from typing import Any, Final

from redis.connection import AbstractConnection

#: Linux has it, as has whatever runs in a container; elsewhere redis-py looks.
_TCP_INFO: Final[int | None] = getattr(socket, "TCP_INFO", None)
_ESTABLISHED: Final = b"\x01"
_NOTHING: Final = bytes(4)


def reused(kind: type[AbstractConnection]) -> type[AbstractConnection]:
    """A class of connections as `kind`."""

    class Reused(kind):  # type: ignore[valid-type, misc]
        def can_read(self, timeout: float = 0) -> bool:
            if timeout == 0 and self._sock is not None and _is_quiet(self._sock, self._parser):
                return False
            return bool(super().can_read(timeout))

    return Reused


def _is_quiet(sock: Any, parser: Any) -> bool:
    """Whether the connection is open, and nothing was received: by the reader of answers, by TLS,
    or by the system. False where that can't be told.
    """
    reader = getattr(parser, "_reader", None)
    if _TCP_INFO is None or reader is None or reader.has_data():
        return False
    if hasattr(sock, "pending") and sock.pending():
        return False
    if sock.getsockopt(socket.IPPROTO_TCP, _TCP_INFO, 1) != _ESTABLISHED:
        return False
    return fcntl.ioctl(sock.fileno(), termios.FIONREAD, _NOTHING) == _NOTHING
